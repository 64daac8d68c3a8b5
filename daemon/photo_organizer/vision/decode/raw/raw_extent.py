"""How far a RAW file that is built like a TIFF says that its pictures reach: a copy cut short is shorter.

LibRaw develops sensor data that is missing as black, and tells nobody.
"""

from __future__ import annotations

import struct

_STRIPS, _STRIP_SIZES, _SUB_DIRECTORIES, _TILES, _TILE_SIZES = 273, 279, 330, 324, 325
_WANTED = frozenset({_STRIPS, _STRIP_SIZES, _SUB_DIRECTORIES, _TILES, _TILE_SIZES})
_CODES = {3: ("H", 2), 4: ("I", 4), 13: ("I", 4)}  # SHORT, LONG, IFD
_MOST_DIRECTORIES = 16
_MOST_ENTRIES = 200


def declared_end(data: bytes) -> int:
    """Where the last strip or tile of any of its pictures ends; 0 where the file is built otherwise."""
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None or len(data) < 8:
        return 0
    waiting = list(struct.unpack_from(order + "I", data, 4))
    seen: set[int] = set()
    end = 0
    while waiting and len(seen) < _MOST_DIRECTORIES:
        offset = waiting.pop()
        if offset in seen or not 8 <= offset <= len(data) - 2:
            continue
        seen.add(offset)
        values, following = _directory(data, order, offset)
        waiting += [following, *values.get(_SUB_DIRECTORIES, ())]
        for places, sizes in ((_STRIPS, _STRIP_SIZES), (_TILES, _TILE_SIZES)):
            pairs = zip(values.get(places, ()), values.get(sizes, ()), strict=False)
            end = max(end, *(place + size for place, size in pairs), 0)
    return end


def _directory(data: bytes, order: str, offset: int) -> tuple[dict[int, tuple[int, ...]], int]:
    """The wanted values of a directory, and where the next one begins (0: nowhere)."""
    (count,) = struct.unpack_from(order + "H", data, offset)
    values: dict[int, tuple[int, ...]] = {}
    at = offset + 2
    for _ in range(min(count, _MOST_ENTRIES)):
        if at + 12 > len(data):
            return values, 0
        tag, kind, length = struct.unpack_from(order + "HHI", data, at)
        if tag in _WANTED and kind in _CODES:
            code, width = _CODES[kind]
            inside = length * width <= 4
            place = at + 8 if inside else struct.unpack_from(order + "I", data, at + 8)[0]
            if place + length * width <= len(data):
                values[tag] = struct.unpack_from(f"{order}{length}{code}", data, place)
        at += 12
    following = struct.unpack_from(order + "I", data, at)[0] if at + 4 <= len(data) else 0
    return values, following
