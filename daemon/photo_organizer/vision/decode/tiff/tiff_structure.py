"""The directories of TIFF, as pictures, EXIF and most makers' RAW files are built of them.

Sources: TIFF 6.0; the BigTIFF design of Joris Van Damme and libtiff; TIFF Technical Note 1.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

ASCII = 2
_CODES = {
    1: "B", ASCII: "B", 3: "H", 4: "I", 5: "I", 6: "b", 7: "B", 8: "h", 9: "i", 10: "i", 11: "f", 12: "d",
    13: "I", 16: "Q", 17: "q", 18: "Q",
}  # fmt: skip
_RATIONALS = frozenset({5, 10})
_MOST_ENTRIES = 500
_MOST_VALUES = 1 << 22

Value = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """What a directory says of a tag: the type and number of its values, and where they begin."""

    kind: int
    count: int
    place: int


@dataclass(frozen=True, slots=True)
class Directory:
    """The entries by tag, the first of each; and where the next directory begins (0: nowhere)."""

    entries: dict[int, Entry]
    following: int


@dataclass(frozen=True, slots=True)
class TiffStructure:
    """A file that is built like a TIFF. `order` is struct's sign of its byte order.

    What lies outside the file, or is of an unknown type, is not there.
    """

    data: bytes = field(repr=False)
    order: str
    is_big: bool
    first: int

    @classmethod
    def of(cls, data: bytes) -> TiffStructure | None:
        """Return the structure of a file that begins with a byte order; None for others.

        Makers of RAW files write other numbers than 42 behind it.
        """
        order = {b"II": "<", b"MM": ">"}.get(data[:2])
        is_big = data[2:4] in {b"+\0", b"\0+"}
        if order is None or len(data) < (16 if is_big else 8):
            return None
        (first,) = (
            struct.unpack_from(order + "Q", data, 8) if is_big else struct.unpack_from(order + "I", data, 4)
        )
        return cls(data, order, is_big, first)

    def directory(self, at: int) -> Directory:
        """Return the directory at a place."""
        head, entry, step = ("Q", "HHQ", 20) if self.is_big else ("H", "HHI", 12)
        width = 8 if self.is_big else 4
        size = struct.calcsize("=" + head)
        if not 0 <= at <= len(self.data) - size:
            return Directory({}, 0)
        (count,) = struct.unpack_from(self.order + head, self.data, at)
        at += size
        entries: dict[int, Entry] = {}
        reader = struct.Struct(self.order + entry)
        for _ in range(min(count, _MOST_ENTRIES)):
            if at + step > len(self.data):
                return Directory(entries, 0)
            tag, kind, length = reader.unpack_from(self.data, at)
            if kind in _CODES:
                place = at + step - width
                if self._size(kind, length) > width:
                    place = self._offset(place)
                entries.setdefault(tag, Entry(kind, length, place))
            at += step
        return Directory(entries, self._offset(at) if at + width <= len(self.data) else 0)

    def values(self, entry: Entry | None) -> Value:
        """Return all values of an entry; none where there is no entry."""
        if entry is None or not 0 < entry.count <= _MOST_VALUES:
            return ()
        count = entry.count * (2 if entry.kind in _RATIONALS else 1)
        if entry.place + self._size(entry.kind, entry.count) > len(self.data):
            return ()
        values = struct.unpack_from(f"{self.order}{count}{_CODES[entry.kind]}", self.data, entry.place)
        if entry.kind in _RATIONALS:
            return tuple(a / b if b else 0.0 for a, b in zip(values[::2], values[1::2], strict=True))
        return values

    def number(self, entry: Entry | None) -> int | None:
        """Return the first value of an entry that holds whole numbers."""
        if entry is None or entry.kind in {ASCII, 11, 12} or not entry.count:
            return None
        found = self.values(Entry(entry.kind, 1, entry.place))
        return int(found[0]) if found else None

    def text(self, entry: Entry | None, most: int) -> bytes | None:
        """Return an entry's characters up to the first zero, `most` at most."""
        if entry is None or entry.kind != ASCII or entry.place >= len(self.data):
            return None
        return self.data[entry.place : entry.place + min(entry.count, most)].split(b"\0", 1)[0]

    def _size(self, kind: int, count: int) -> int:
        return struct.calcsize("=" + _CODES[kind]) * count * (2 if kind in _RATIONALS else 1)

    def _offset(self, at: int) -> int:
        (offset,) = struct.unpack_from(self.order + ("Q" if self.is_big else "I"), self.data, at)
        return int(offset)
