"""Colours are those that the file says of its primary image."""

from __future__ import annotations

import struct

import pytest

from photo_organizer.vision.decode.colour.code_points import code_points_in_heif, code_points_in_png
from photo_organizer.vision.decode.colour.colour_space import CodePoints, code_points_in_profile


def box(name: bytes, body: bytes, *, version: int | None = None, flags: int = 0) -> bytes:
    full = b"" if version is None else struct.pack(">I", version << 24 | flags)
    return struct.pack(">I4s", 8 + len(full) + len(body), name) + full + body


def colr(primaries: int, transfer: int) -> bytes:
    return box(b"colr", b"nclx" + struct.pack(">HHHB", primaries, transfer, 9, 128))


@pytest.mark.parametrize("wide", [False, True])
def test_the_primary_image_counts_and_not_the_first(wide: bool) -> None:  # noqa: FBT001 (pytest's parameter)
    held = box(b"ipco", colr(9, 16) + box(b"ispe", bytes(8), version=0) + colr(12, 13))
    kind = ">IB2H" if wide else ">HB2B"
    owned = [(1, 1, 2), (2, 2, 3)]
    body = struct.pack(">I", 2) + b"".join(struct.pack(kind, item, 2, *places) for item, *places in owned)
    associations = box(b"ipma", body, version=int(wide), flags=int(wide))
    number = struct.pack(">I" if wide else ">H", 2)
    primary = box(b"pitm", number, version=int(wide))
    meta = box(b"meta", primary + box(b"iprp", held + associations), version=0)
    file = box(b"ftyp", b"heic" + bytes(8)) + meta
    assert code_points_in_heif(file) == CodePoints(12, 13)
    for end in range(len(file)):
        assert code_points_in_heif(file[:end]) in {None, CodePoints(9, 16), CodePoints(12, 13)}


def test_nothing_is_read_into_what_says_nothing() -> None:
    for data in (b"", bytes(200), b"\x89PNG\r\n\x1a\n", b"\xff" * 300, box(b"meta", bytes(4))):
        assert code_points_in_heif(data) is None
        assert code_points_in_png(data) is None
        assert code_points_in_profile(data) is None
