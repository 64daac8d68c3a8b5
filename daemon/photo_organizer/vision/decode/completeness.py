"""Whether a file ends before what its own structure promises: it may still be on its way here.

Decoders tell that a picture cannot be decoded, in their libraries' words and some of them only for what they
happen to read. Here the container is asked, the same for every decoder, and no pixel is looked at.

Sources: ITU-T T.81 annex B (JPEG), the PNG and GIF89a specifications, RFC 9649 (WebP), ISO/IEC 14496-12
(boxes of HEIF, AVIF, JPEG XL and CR3), TIFF 6.0, and Google's Motion Photo and Ultra HDR formats.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal

from photo_organizer import formats
from photo_organizer.boxes import top_level_boxes
from photo_organizer.vision.decode.raw.raw_extent import declared_end

_MOST_PARTS = 500_000
"""Markers, chunks or blocks that are looked at; a file with more of them is made to waste time."""

_ZEROS = bytes(4096)
"""What stands at the end of a file whose room was reserved before it was written."""

_BEGINNINGS = (
    b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8", b"RIFF", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+",
    b"\xff\x0a", b"FUJIFILMCCD-RAW", b"FOVb", b"\0MRM", b"IIRO", b"IIRS", b"MMOR", b"IIU\0", b"BM",
    b"\0\0\0\x0cJXL \r\n\x87\n",
)  # fmt: skip
_LONGEST_BEGINNING = 18
_JPEG_MARKER = re.compile(rb"\xff+([^\x00\xff\xd0-\xd7])")
_SOS, _EOI = 0xDA, 0xD9
_APPLICATION = frozenset({0xE0, 0xE1})
_NAMED = re.compile(rb"[A-Za-z0-9]{0,3}$|[A-Za-z0-9]{4}", re.DOTALL)
_METADATA = 256 * 1024
_GIF_IMAGE, _GIF_EXTENSION = 0x2C, 0x21
_ITEM = re.compile(rb"<\w+:Item\s[^>]*>")
_ITEM_LENGTH = re.compile(rb'Item:Length="(\d{1,10})"')
_ITEM_PADDING = re.compile(rb'Item:Padding="(\d{1,10})"')
_VIDEO_BEHIND = re.compile(rb'MicroVideoOffset="(\d{1,10})"')
_WITH_PICTURE = frozenset({b"mdat", b"jxlc", b"jxlp", b"idat"})
_MOST_ENTRIES = 1000
_MOST_DIRECTORIES = 16
_SUB_DIRECTORIES, _PREVIEW = 330, frozenset({513, 514})
_TIFF_SIZES = {
    1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8,
}  # fmt: skip
"""Bytes of a value by its type."""


def ends_early(data: bytes) -> bool:
    """Return whether a file that could not be decoded may be one whose rest is still to come.

    That is so when its structure promises more than there is, or cannot tell (a bare JPEG XL codestream, the
    RAW files that are not built like a TIFF), or when its last part was reserved and never written.
    """
    structure = _ends_within(data)
    is_reserved = data.endswith(_ZEROS) and formats.recognise(data[: formats.HEAD_SIZE]) is not formats.JPEG
    return structure is not False or is_reserved or not any(data)


def lacks_the_rest(data: bytes) -> bool:
    """Return whether a file whose picture was decoded promises more: a video, or other pictures."""
    kind = formats.recognise(data[: formats.HEAD_SIZE])
    if kind is formats.JPEG:
        return _lacks_what_follows(data)
    if kind is formats.TIFF:
        return declared_end(data) > len(data)
    return kind not in {formats.PNG, formats.BMP} and _ends_within(data) is True


def _ends_within(data: bytes) -> bool | None:
    """Return whether the file ends within one of its parts; None where its structure does not tell."""
    kind = formats.recognise(data[: formats.HEAD_SIZE])
    if kind is None:
        return len(data) < _LONGEST_BEGINNING and _begins_like_an_image(data)
    if kind in _OF_FORMAT:
        return _OF_FORMAT[kind](data)
    return _ends_within_box(data) if data[4:8] in {b"ftyp", b"JXL "} else None


def _begins_like_an_image(data: bytes) -> bool:
    is_box = data[:3] == bytes(3) and b"ftyp".startswith(data[4:8])
    return is_box or any(data.startswith(known) or known.startswith(data) for known in _BEGINNINGS)


def _jpeg_end(data: bytes) -> int | None:
    """Return where the picture ends, behind its end marker; None when that is missing.

    What is not built like a JPEG counts as ended: no rest would make it one.
    """
    at, in_scan = 2, False
    for _ in range(_MOST_PARTS):
        found = _JPEG_MARKER.search(data, at)
        if found is None:
            return None
        if not in_scan and found.start() > at + 64:
            return len(data)
        marker, at = found[1][0], found.end()
        if marker == _EOI:
            return at
        length = int.from_bytes(data[at : at + 2])
        is_there = at + 2 <= len(data)
        if is_there and (length < 2 or (marker in _APPLICATION and not _NAMED.match(data, at + 2))):
            return len(data)
        if not is_there or at + length > len(data):
            return None
        at += length
        in_scan = in_scan or marker == _SOS
    return len(data)


def _lacks_what_follows(data: bytes) -> bool:
    """Return whether a JPEG's metadata tells of pictures or a video behind it that are not there."""
    items = sum(map(_length_behind, _ITEM.findall(data, 0, _METADATA)))
    behind = max(items, *map(int, _VIDEO_BEHIND.findall(data, 0, _METADATA)), 0)
    if not behind:
        return False
    end = _jpeg_end(data)
    return end is None or len(data) - end < behind


def _length_behind(item: bytes) -> int:
    """Return how many bytes an item of a container's directory takes behind the primary picture."""
    of_itself = [] if b'"Primary"' in item else _ITEM_LENGTH.findall(item)
    return sum(map(int, (*of_itself, *_ITEM_PADDING.findall(item))))


def _ends_within_png(data: bytes) -> bool:
    at = 8
    for _ in range(_MOST_PARTS):
        if at + 8 > len(data):
            return True
        length, name = int.from_bytes(data[at : at + 4]), data[at + 4 : at + 8]
        at += 12 + length
        if name == b"IEND":
            return False
        if not name.isalpha():  # damaged, unless nothing has been written there yet
            return not any(name)
    return False


def _ends_within_gif(data: bytes) -> bool:
    if len(data) < 13:
        return True
    at, in_blocks = 13 + _colours(data[10]), False
    for _ in range(_MOST_PARTS):
        if at >= len(data):  # between two parts, all may be there: some writers leave the end mark out
            return in_blocks or at > len(data)
        first = data[at]
        if in_blocks:
            at += 1 + first
            in_blocks = first != 0
        elif first == _GIF_IMAGE and at + 10 <= len(data):
            at, in_blocks = at + 11 + _colours(data[at + 9]), True
        elif first == _GIF_EXTENSION:
            at, in_blocks = at + 2, True
        else:
            return first == _GIF_IMAGE
    return False


def _colours(flags: int) -> int:
    """Return the bytes of the colour table that a GIF's flags tell of."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _ends_within_box(data: bytes) -> bool | None:
    """Return whether a top-level box is longer than the file, or the one with the picture is missing."""
    try:
        boxes = list(top_level_boxes(lambda length, at: data[at : at + length], len(data)))
    except ValueError:  # damaged
        return False
    if boxes[-1].is_open:
        return None
    return boxes[-1].end > len(data) or all(box.name not in _WITH_PICTURE for box in boxes)


def _ends_within_webp(data: bytes) -> bool:
    """Return whether the file is shorter than its RIFF header says; some count a padding byte too many."""
    return len(data) + 1 < 8 + int.from_bytes(data[4:8], "little")


def _ends_within_bmp(data: bytes) -> bool:
    return len(data) < int.from_bytes(data[2:6], "little")


def _ends_within_tiff(data: bytes) -> bool | None:
    """Return whether a directory, one of its values or a picture's strips lie behind the end."""
    order: Literal["little", "big"] = "little" if data[:2] == b"II" else "big"
    wide = data[2:4] in {b"+\0", b"\0+"}
    word = 8 if wide else 4
    waiting, seen = [int.from_bytes(data[word : 2 * word], order)], set[int]()
    while waiting and len(seen) < _MOST_DIRECTORIES:
        at = waiting.pop()
        if at in seen:
            continue
        seen.add(at)
        following = _tiff_directory(data, at, order, word)
        if following is None:
            return True
        waiting += following
    return None if wide else declared_end(data) > len(data)


def _tiff_directory(data: bytes, at: int, order: Literal["little", "big"], word: int) -> list[int] | None:
    """Return where the directories are that this one names; None when it, or a value, lies behind the end."""
    entries = at + word // 2 if word == 4 else at + word
    count = int.from_bytes(data[at:entries], order)
    if entries > len(data):
        return None
    if count > _MOST_ENTRIES:  # damaged
        return []
    entry = 4 + 2 * word
    end = entries + count * entry
    if end + word > len(data):
        return None
    named = [int.from_bytes(data[end : end + word], order)]
    preview = 0
    for start in range(entries, end, entry):
        tag, kind = (int.from_bytes(data[start + skip : start + skip + 2], order) for skip in (0, 2))
        size = int.from_bytes(data[start + 4 : start + 4 + word], order) * _TIFF_SIZES.get(kind, 0)
        place = start + 4 + word
        if size > word:
            place = int.from_bytes(data[place : place + word], order)
        if place + size > len(data):
            return None
        if tag in _PREVIEW:  # where it begins, and how long it is
            preview += int.from_bytes(data[place : place + word], order)
        if tag == _SUB_DIRECTORIES:
            named += [
                int.from_bytes(data[value : value + word], order)
                for value in range(place, place + min(size, _MOST_DIRECTORIES * word), word)
            ]
    return None if preview > len(data) else [directory for directory in named if directory]


_OF_FORMAT: dict[formats.ImageFormat, Callable[[bytes], bool | None]] = {
    formats.JPEG: lambda data: _jpeg_end(data) is None,
    formats.PNG: _ends_within_png,
    formats.GIF: _ends_within_gif,
    formats.WEBP: _ends_within_webp,
    formats.BMP: _ends_within_bmp,
    formats.TIFF: _ends_within_tiff,
    formats.HEIF: _ends_within_box,
    formats.AVIF: _ends_within_box,
}
