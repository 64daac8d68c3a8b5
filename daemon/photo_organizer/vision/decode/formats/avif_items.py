"""AVIF whose items break a rule that libavif insists on, rewritten in a copy.

A tile that occurs more than once, in one grid or in two, gets an item for each place; an auxiliary image
without a size gets that of its picture. Source: ISO/IEC 23008-12 (`dimg`, `ispe`), 14496-12 (item boxes).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from photo_organizer.boxes import Box, boxes, find

_FULL_BOX = 4  # version and flags
_MOST_ITEMS = 4096
_DERIVED, _AUXILIARY = b"dimg", b"auxl"


@dataclass
class _Items:
    """The tables of a `meta` box: by item its entry in `iinf`, `iloc` and `ipma`, and all references."""

    information: dict[int, bytes]
    places: dict[int, bytes]
    properties: dict[int, list[int]]
    references: list[tuple[bytes, int, list[int]]]


def avif_of_distinct_items(data: bytes) -> bytes | None:
    """Return the AVIF with items that libavif accepts; None where they are, or are written in a rare way.

    The new `meta` box is appended and the old one renamed, so that all places in the file stay right.
    """
    meta = find(data, b"meta")
    if meta is None or meta.is_open:
        return None
    try:
        items = _read(data, meta)
        changed = [_separate_tiles(items), _give_sizes(items, _sizes(data, meta))]
        if not any(changed):
            return None
        rewritten = _rewritten(data, meta, items)
    except (ValueError, LookupError, struct.error):  # damaged, or of a version that no encoder writes
        return None
    copy = bytearray(data)
    copy[meta.begin + 4 : meta.begin + 8] = b"free"
    return bytes(copy) + rewritten


def _separate_tiles(items: _Items) -> bool:
    used: set[int] = set()
    changed = False
    for kind, _, targets in items.references:
        if kind != _DERIVED:
            continue
        for place, tile in enumerate(targets):
            if tile not in used:
                used.add(tile)
                continue
            new = max(items.information) + 1
            if new > _MOST_ITEMS:
                raise ValueError("too many items")
            items.information[new] = _renumbered(items.information[tile], 4, new)
            items.places[new] = _renumbered(items.places[tile], 0, new)
            items.properties[new] = items.properties[tile]
            targets[place] = new
            changed = True
    return changed


def _give_sizes(items: _Items, sizes: set[int]) -> bool:
    changed = False
    for kind, item, targets in items.references:
        if kind == _AUXILIARY and not any(number & 0x7F in sizes for number in items.properties[item]):
            own = next(number for number in items.properties[targets[0]] if number & 0x7F in sizes)
            items.properties[item] = [own, *items.properties[item]]
            changed = True
    return changed


def _renumbered(entry: bytes, at: int, item: int) -> bytes:
    return entry[:at] + struct.pack(">H", item) + entry[at + 2 :]


def _read(data: bytes, meta: Box) -> _Items:
    inside = meta.start + _FULL_BOX
    found = {box.name: box for box in boxes(data, inside, meta.end)}
    references = [
        _reference(data, box) for box in boxes(data, found[b"iref"].start + _FULL_BOX, found[b"iref"].end)
    ]
    associations = find(data, b"ipma", found[b"iprp"].start, found[b"iprp"].end)
    versions = [data[found[name].start] for name in (b"iinf", b"iref")]
    if associations is None or any(versions) or data[associations.start : associations.start + 4] != bytes(4):
        raise ValueError("numbers of 32 bits")
    information = {}
    for box in boxes(data, found[b"iinf"].start + _FULL_BOX + 2, found[b"iinf"].end):
        if data[box.start] != 2:  # the version in which the number of the item has 16 bits
            raise ValueError("items of another version")
        information[_number(data, box.start + _FULL_BOX)] = data[box.start : box.end]
    return _Items(
        information,
        dict(_places(data, found[b"iloc"])),
        dict(_properties(data, associations)),
        references,
    )


def _number(data: bytes, at: int) -> int:
    (value,) = struct.unpack_from(">H", data, at)
    return int(value)


def _reference(data: bytes, box: Box) -> tuple[bytes, int, list[int]]:
    item, count = struct.unpack_from(">HH", data, box.start)
    return box.name, item, list(struct.unpack_from(f">{count}H", data, box.start + 4))


def _places(data: bytes, box: Box) -> Iterator[tuple[int, bytes]]:
    """Yield the items of an `iloc` of version 0 or 1, with their entries."""
    version, widths, base = data[box.start], data[box.start + 4], data[box.start + 5]
    if version > 1:
        raise ValueError("numbers of 32 bits")
    extent = (widths >> 4) + (widths & 15) + (base & 15 if version else 0)
    head = (4 if version else 2) + 2 + (base >> 4)
    at = box.start + 8
    for _ in range(_number(data, box.start + 6)):
        end = at + head + 2 + extent * _number(data, at + head)
        yield _number(data, at), data[at:end]
        at = end


def _properties(data: bytes, box: Box) -> Iterator[tuple[int, list[int]]]:
    at = box.start + 8
    for _ in range(struct.unpack_from(">I", data, box.start + 4)[0]):
        count = data[at + 2]
        yield _number(data, at), list(data[at + 3 : at + 3 + count])
        at += 3 + count


def _sizes(data: bytes, meta: Box) -> set[int]:
    """Return the numbers of the properties that are sizes."""
    holder = find(data, b"iprp", meta.start + _FULL_BOX, meta.end)
    container = find(data, b"ipco", holder.start, holder.end) if holder is not None else None
    if container is None:
        return set()
    held = boxes(data, container.start, container.end)
    return {number for number, box in enumerate(held, 1) if box.name == b"ispe"}


def _rewritten(data: bytes, meta: Box, items: _Items) -> bytes:
    parts = []
    for box in boxes(data, meta.start + _FULL_BOX, meta.end):
        head = data[box.start : box.start + _FULL_BOX]
        match box.name:
            case b"iinf":
                entries = b"".join(_box(b"infe", entry) for entry in items.information.values())
                body = head + struct.pack(">H", len(items.information)) + entries
            case b"iloc":
                places = b"".join(items.places.values())
                widths = data[box.start + 4 : box.start + 6]
                body = head + widths + struct.pack(">H", len(items.places)) + places
            case b"iref":
                body = head + b"".join(
                    _box(kind, struct.pack(f">HH{len(targets)}H", item, len(targets), *targets))
                    for kind, item, targets in items.references
                )
            case b"iprp":
                body = _rewritten_properties(data, box, items)
            case _:
                body = data[box.start : box.end]
        parts.append(_box(box.name, body))
    return _box(b"meta", data[meta.start : meta.start + _FULL_BOX] + b"".join(parts))


def _rewritten_properties(data: bytes, holder: Box, items: _Items) -> bytes:
    entries = b"".join(
        struct.pack(">HB", item, len(numbers)) + bytes(numbers) for item, numbers in items.properties.items()
    )
    table = bytes(_FULL_BOX) + struct.pack(">I", len(items.properties)) + entries
    return b"".join(
        _box(box.name, table if box.name == b"ipma" else data[box.start : box.end])
        for box in boxes(data, holder.start, holder.end)
    )


def _box(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(body), name) + body
