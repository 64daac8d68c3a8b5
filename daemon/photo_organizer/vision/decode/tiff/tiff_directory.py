"""The directories of a TIFF: what its pages are made of. Nothing of the pixels is read here.

Sources: TIFF 6.0; TIFF Technical Notes 1 to 3.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from photo_organizer.vision.decode.tiff.tiff_structure import TiffStructure, Value
from photo_organizer.vision.outcome import UnreadablePhotoError

_MOST_PAGES = 8
_MOST_SAMPLES = 64
_SUBFILE, _WIDTH, _HEIGHT, _BITS, _COMPRESSION, PHOTOMETRIC = 254, 256, 257, 258, 259, 262
_FILL_ORDER, _STRIP_OFFSETS, _SAMPLES, _ROWS_PER_STRIP, _STRIP_SIZES, _PLANAR = 266, 273, 277, 278, 279, 284
_PREDICTOR, COLOUR_MAP, _TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS, _TILE_SIZES = 317, 320, 322, 323, 324, 325
INK_SET, _EXTRA_SAMPLES, _SAMPLE_FORMAT = 332, 338, 339
YCBCR_COEFFICIENTS, YCBCR_SUBSAMPLING, REFERENCE_BLACK_WHITE, _PROFILE, _ORIENTATION = (
    529,
    530,
    532,
    34675,
    274,
)
_REDUCED_OR_MASK = 1 | 4
_WANTED = frozenset(
    {
        _SUBFILE, _WIDTH, _HEIGHT, _BITS, _COMPRESSION, PHOTOMETRIC, _FILL_ORDER, _STRIP_OFFSETS,
        _ORIENTATION, _SAMPLES, _ROWS_PER_STRIP, _STRIP_SIZES, _PLANAR, _PREDICTOR, COLOUR_MAP,
        _TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS, _TILE_SIZES, INK_SET, _EXTRA_SAMPLES, _SAMPLE_FORMAT,
        YCBCR_COEFFICIENTS, YCBCR_SUBSAMPLING, REFERENCE_BLACK_WHITE, _PROFILE,
    }
)  # fmt: skip
"""Others are not read: some programs keep all layers of a picture in one."""


@dataclass(frozen=True, slots=True)
class Page:
    """One directory of a TIFF. `order` is struct's sign of its byte order."""

    order: str
    tags: dict[int, Value]
    number: int
    pages: int

    def value(self, tag: int, default: int = 0) -> int:
        """The first value of a tag as a whole number."""
        values = self.tags.get(tag)
        return int(values[0]) if values else default

    @property
    def width(self) -> int:
        return self.value(_WIDTH)

    @property
    def height(self) -> int:
        return self.value(_HEIGHT)

    @property
    def samples(self) -> int:
        """Samples a pixel."""
        return self.value(_SAMPLES, 1)

    @property
    def bits(self) -> int:
        """Bits a sample, the most of all samples."""
        return int(max(self.tags.get(_BITS) or (1,)))

    @property
    def same_bits(self) -> bool:
        return len(set(self.tags.get(_BITS) or (1,))) == 1

    @property
    def sample_format(self) -> int:
        """1: unsigned, 2: signed, 3: floating point."""
        return self.value(_SAMPLE_FORMAT, 1)

    @property
    def compression(self) -> int:
        return self.value(_COMPRESSION, 1)

    @property
    def photometric(self) -> int:
        return self.value(PHOTOMETRIC, 1)

    @property
    def planar(self) -> bool:
        """Whether each sample has a plane of its own."""
        return self.value(_PLANAR, 1) == 2 and self.samples > 1

    @property
    def predictor(self) -> int:
        return self.value(_PREDICTOR, 1)

    @property
    def reversed_bits(self) -> bool:
        return self.value(_FILL_ORDER, 1) == 2

    @property
    def extra_samples(self) -> tuple[int, ...]:
        """The meaning of each sample beyond the colours: 1 associated alpha, 2 unassociated, 0 neither."""
        return tuple(int(value) for value in self.tags.get(_EXTRA_SAMPLES, ()))

    @property
    def orientation(self) -> int:
        told = self.value(_ORIENTATION, 1)
        return told if 1 <= told <= 8 else 1

    @property
    def profile(self) -> bytes:
        return bytes(int(value) & 255 for value in self.tags.get(_PROFILE, ()))

    @property
    def subsampling(self) -> tuple[int, int]:
        """By which the colours of YCbCr are subsampled, across and down."""
        told = self.tags.get(YCBCR_SUBSAMPLING, (2, 2))
        return (int(told[0]), int(told[1])) if len(told) >= 2 else (2, 2)

    @property
    def is_tiled(self) -> bool:
        return _TILE_WIDTH in self.tags

    @property
    def block_size(self) -> tuple[int, int]:
        """Width and height of a tile, or of a strip."""
        if self.is_tiled:
            return self.value(_TILE_WIDTH), self.value(_TILE_HEIGHT)
        return self.width, min(self.value(_ROWS_PER_STRIP, self.height) or self.height, self.height)

    def blocks(self, file_size: int) -> list[tuple[int, int]]:
        """Offset and size in bytes of each strip or tile, in the order of the file.

        Where the sizes are missing, as old writers leave them, a block ends where the next begins.
        """
        tiled = _TILE_OFFSETS in self.tags
        offsets = [int(value) for value in self.tags.get(_TILE_OFFSETS if tiled else _STRIP_OFFSETS, ())]
        sizes = [int(value) for value in self.tags.get(_TILE_SIZES if tiled else _STRIP_SIZES, ())]
        if len(sizes) < len(offsets) or (any(offsets) and not any(sizes)):
            ends = [*offsets[1:], file_size]
            sizes = [
                end - start if end > start else file_size - start
                for start, end in zip(offsets, ends, strict=True)
            ]
        return list(zip(offsets, sizes, strict=False))


def chosen_page(data: bytes) -> Page:
    """The first page that is neither a reduced version of another nor a mask, else the first of all.

    Raises:
        UnreadablePhotoError: the header is damaged.
    """
    found = list(_pages(data))
    if not found:
        raise UnreadablePhotoError("the TIFF cannot be decoded (its header is damaged)")
    page = next((page for page in found if not page.value(_SUBFILE) & _REDUCED_OR_MASK), found[0])
    if not 1 <= page.samples <= _MOST_SAMPLES:
        raise UnreadablePhotoError("the TIFF cannot be decoded (its header is damaged)")
    return Page(page.order, page.tags, page.number, len(found))


def _pages(data: bytes) -> Iterator[Page]:
    tiff = TiffStructure.of(data)
    if tiff is None:
        return
    at = tiff.first
    seen: set[int] = set()
    while at and at not in seen and len(seen) < _MOST_PAGES and at + 8 <= len(data):
        seen.add(at)
        directory = tiff.directory(at)
        told = {tag: tiff.values(entry) for tag, entry in directory.entries.items() if tag in _WANTED}
        tags = {tag: values for tag, values in told.items() if values}
        if _WIDTH in tags and _HEIGHT in tags:
            yield Page(tiff.order, tags, len(seen), 0)
        at = directory.following
