"""What SQLite needs to know of the kernel's numbers."""

from __future__ import annotations

_LARGEST = (1 << 63) - 1


def storable(number: int) -> int | bytes:
    """Return `number` as SQLite can hold it, exactly.

    SQLite's integers have 64 bits with a sign. A time in nanoseconds before 1677 or after 2262 has more, and so
    have inode and device numbers of some file systems: those are stored as decimal digits, in a blob, since text
    in a column of numbers would be rounded.
    """
    return number if -_LARGEST <= number <= _LARGEST else str(number).encode()


def stored_number(value: int | bytes) -> int:
    """Return the number that `storable` was given."""
    return int(value)
