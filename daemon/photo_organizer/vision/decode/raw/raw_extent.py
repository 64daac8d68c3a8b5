"""How far a RAW file that is built like a TIFF says that its pictures reach: a copy cut short is shorter.

LibRaw develops sensor data that is missing as black, and tells nobody.
"""

from __future__ import annotations

from photo_organizer.vision.decode.tiff.tiff_structure import TiffStructure

_STRIPS, _STRIP_SIZES, _SUB_DIRECTORIES, _TILES, _TILE_SIZES = 273, 279, 330, 324, 325
_MOST_DIRECTORIES = 16


def declared_end(data: bytes) -> int:
    """Return where the last strip or tile of all its pictures ends; 0 where it is built otherwise."""
    tiff = TiffStructure.of(data)
    if tiff is None:
        return 0
    waiting = [tiff.first]
    seen: set[int] = set()
    end = 0
    while waiting and len(seen) < _MOST_DIRECTORIES:
        offset = waiting.pop()
        if offset in seen or not 8 <= offset <= len(data) - 2:
            continue
        seen.add(offset)
        directory = tiff.directory(offset)
        told = {
            tag: [int(value) for value in tiff.values(directory.entries.get(tag))]
            for tag in (_STRIPS, _STRIP_SIZES, _SUB_DIRECTORIES, _TILES, _TILE_SIZES)
        }
        waiting += [directory.following, *told[_SUB_DIRECTORIES]]
        for places, sizes in ((_STRIPS, _STRIP_SIZES), (_TILES, _TILE_SIZES)):
            pairs = zip(told[places], told[sizes], strict=False)
            end = max(end, *(place + size for place, size in pairs), 0)
    return end
