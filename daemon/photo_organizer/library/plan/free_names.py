"""The name a photo gets in its new folder: its own, or `name (2).ext` with its companions named alike."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

LONGEST = 255
"""Bytes in a name on the usual file systems."""

LONGEST_ENCRYPTED = 143
"""Bytes in a name on eCryptfs, the shortest limit in use."""

_LONGEST_EXTENSION = 24
_NUMBERED = re.compile(rb"(.+)( \(\d+\))", re.DOTALL)
_JOINERS = "\u200d\ufe0e\ufe0f"


@dataclass(frozen=True, slots=True)
class GroupNames:
    """The wanted names of a photo and its companions, from which the numbered ones follow.

    Args:
        photo: the photo's name.
        companions: theirs, in order.
        beside: the end of a further name that must be free, too: `.reason.txt`.
    """

    photo: bytes
    companions: tuple[bytes, ...] = ()
    beside: bytes = b""

    def numbered(self, number: int, longest: int = LONGEST) -> tuple[bytes, ...]:
        """The names of photo and companions for the `number`th photo of that name.

        Number 1 has no suffix. A stem that is too long for the suffix is cut at the end, between two
        characters as a reader sees them, for all of the group alike.
        """
        suffix = f" ({number})".encode() if number > 1 else b""
        stem, extension = split_extension(self.photo)
        related = [_tail(companion, self.photo, stem) for companion in self.companions]
        behind = max(
            [len(extension) + len(self.beside), *(len(tail) for tail in related if tail is not None)]
        )
        stem = shortened(stem, longest - len(suffix) - behind) + suffix
        names = [stem + extension]
        for companion, tail in zip(self.companions, related, strict=True):
            names.append(stem + tail if tail is not None else _alone(companion, suffix, longest))
        return tuple(names)


def _tail(companion: bytes, photo: bytes, stem: bytes) -> bytes | None:
    """What follows the photo's stem in `companion` (`x.jpg.xmp` and `x.MOV` of `x.jpg`); None where it is no
    prefix.
    """
    extension = photo[len(stem) :]
    if companion[: len(photo)].lower() == photo.lower() and companion[len(photo) : len(photo) + 1] == b".":
        return extension + companion[len(photo) :]
    if companion[: len(stem)].lower() == stem.lower() and companion[len(stem) : len(stem) + 1] == b".":
        return companion[len(stem) :]
    return None


def goes_by_stem(companion: bytes, photo: bytes) -> bool:
    """Whether the companion's name begins with the stem of its photo's."""
    return _tail(companion, photo, split_extension(photo)[0]) is not None


def late_name(companion: bytes, photo: bytes, new_photo: bytes) -> bytes:
    """The name of `companion` after its photo got the name `new_photo`: as if both had come together."""
    new_stem = split_extension(new_photo)[0]
    stem = split_extension(photo)[0]
    tail = _tail(companion, photo, stem)
    if tail is not None:
        return new_stem + tail
    numbered = _NUMBERED.fullmatch(new_stem) if new_stem != stem else None
    is_ours = numbered is not None and stem.startswith(numbered[1])
    return _alone(companion, numbered[2], LONGEST) if numbered is not None and is_ours else companion


def _alone(name: bytes, suffix: bytes, longest: int) -> bytes:
    stem, extension = split_extension(name)
    return shortened(stem, longest - len(suffix) - len(extension)) + suffix + extension


def split_extension(name: bytes) -> tuple[bytes, bytes]:
    """`name` in two, so that they join to it again; a leading or very distant dot begins no extension."""
    at = name.rfind(b".")
    if at <= 0 or len(name) - at > _LONGEST_EXTENSION:
        return name, b""
    return name[:at], name[at:]


def shortened(stem: bytes, longest: int) -> bytes:
    """`stem` in at most `longest` bytes, at least one character of it; never half a character, nor one
    without its accents.
    """
    if len(stem) <= longest:
        return stem
    characters = os.fsdecode(stem)
    kept = ""
    size = 0
    for character in characters:
        size += len(os.fsencode(character))
        if size > longest and kept:
            break
        kept += character
    following = characters[len(kept) : len(kept) + 1]
    while len(kept) > 1 and following and (unicodedata.combining(following) or following in _JOINERS):
        following = kept[-1]
        kept = kept[:-1]
    return os.fsencode(kept)


class NumberCache:
    """The last number given to a name in a folder, so that 20,000 photos of one name are not 20,000 searches.

    A hint only: what it proposes is looked up in the folder before it is used.
    """

    def __init__(self, size: int = 4096) -> None:
        self._size = size
        self._last: dict[tuple[bytes, Sequence[bytes]], int] = {}

    def first_to_try(self, folder: bytes, names: GroupNames) -> int:
        return self._last.get((folder, names.numbered(1)), 0) + 1

    def given(self, folder: bytes, names: GroupNames, number: int) -> None:
        if len(self._last) >= self._size:
            self._last.clear()
        self._last[folder, names.numbered(1)] = number

    def taken_back(self, folder: bytes, names: GroupNames) -> None:
        """A number that was given came to nothing: the next search begins from the first again."""
        self._last.pop((folder, names.numbered(1)), None)
