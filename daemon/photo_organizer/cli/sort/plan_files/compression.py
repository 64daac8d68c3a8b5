"""Plans compressed with Zstandard: told by the name when written, and by the first bytes when read."""

from __future__ import annotations

import io
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, cast

from photo_organizer.files import open_regular

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SUFFIX = ".zst"
MAGIC = b"\x28\xb5\x2f\xfd"
BUFFER = 1 << 20


@contextmanager
def open_lines(path: Path) -> Iterator[BinaryIO]:
    """Open a plan for reading.

    Raises:
        OSError: it cannot be read, or its compressed data is damaged.
    """
    with open_regular(path) as opened:
        file = cast("io.BufferedReader", opened)
        if file.peek(len(MAGIC))[: len(MAGIC)] != MAGIC:
            yield file
            return
        import zstandard

        try:
            with zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True) as reader:
                yield cast("BinaryIO", io.BufferedReader(cast("io.RawIOBase", reader), BUFFER))
        except zstandard.ZstdError as error:
            raise OSError(None, f"its compressed data is damaged ({error})") from error


@contextmanager
def compressing(file: BinaryIO, path: Path) -> Iterator[BinaryIO]:
    """Compress what is written to `file` when `path` ends in `.zst`."""
    if path.suffix != SUFFIX:
        yield file
        return
    import zstandard

    with zstandard.ZstdCompressor(level=3, write_checksum=True).stream_writer(file, closefd=False) as writer:
        yield cast("BinaryIO", writer)
