"""The name a photo gets in its new folder: its own, or `name (2).ext` with its companions named alike."""

from __future__ import annotations

import errno
import os
import re
import unicodedata
from dataclasses import dataclass, replace
from enum import IntEnum

from photo_organizer.errors import OrganizerError

LONGEST = 255
"""Bytes in a name on the usual file systems."""

LONGEST_ENCRYPTED = 143
"""Bytes in a name on eCryptfs, the shortest limit in use."""

_LONGEST_EXTENSION = 24
_NOT_PORTABLE = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*\udc80-\udcff]')
_DEVICE = re.compile(r"(?:CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(?:COM|LPT)[0-9¹²³])(?=\.|$)", re.IGNORECASE)
_NUMBERED = re.compile(rb"(.+)( \(\d+\))", re.DOTALL)
_JOINERS = "\u200d\ufe0e\ufe0f"


class Characters(IntEnum):
    """What may be in a name; each takes less than the one before."""

    ANY = 0
    """Every byte, as on the file systems of Linux."""
    PORTABLE = 1
    """What exFAT, FAT, NTFS and file servers of Windows can hold: valid Unicode without `:`, `?`, `*` and the
    like.
    """
    ASCII = 2
    """Of these only ASCII: a FAT drive that is mounted with an old character set."""


@dataclass(frozen=True, slots=True)
class NameLimits:
    """What names a disk can hold."""

    longest: int = LONGEST
    characters: Characters = Characters.ANY

    @property
    def is_learned(self) -> bool:
        """Whether it is likely to hold for other photos on that disk, too."""
        return self.characters is Characters.PORTABLE


class NameRefusedError(OSError):
    """A disk does not take a name. `trouble` is what is to be said when there is no other to try."""

    def __init__(self, code: int | None, trouble: OrganizerError) -> None:
        super().__init__(code, str(trouble))
        self.trouble = trouble


def stricter_limits(names: GroupNames, limits: NameLimits, code: int) -> NameLimits | None:
    """Return the next limits by which these names are others, after the disk answered with `code`; None for
    none.
    """
    if code == errno.ENAMETOOLONG:  # of a numbered name, perhaps, when the plain one is short enough
        return replace(limits, longest=LONGEST_ENCRYPTED) if limits.longest > LONGEST_ENCRYPTED else None
    current = names.numbered(1, limits)
    candidates = (replace(limits, characters=one) for one in Characters if one > limits.characters)
    return next((one for one in candidates if names.numbered(1, one) != current), None)


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

    def numbered(self, number: int, limits: NameLimits = NameLimits()) -> tuple[bytes, ...]:
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
        longest = limits.longest
        stem = shortened(stem, longest - len(suffix) - behind) + suffix
        names = [stem + extension]
        for companion, tail in zip(self.companions, related, strict=True):
            names.append(stem + tail if tail is not None else _alone(companion, suffix, longest))
        if limits.characters is Characters.ANY:
            return tuple(names)
        photo = _portable(names[0], limits.characters)
        companions = (
            photo + _portable(name[len(names[0]) :], limits.characters)
            if name.startswith(names[0])
            else _portable(name, limits.characters)
            for name in names[1:]
        )
        return (photo, *companions)


def _portable(name: bytes, characters: Characters) -> bytes:
    """`name` with `_` for each character that some disks cannot hold, and before the name of a device."""
    text = _NOT_PORTABLE.sub("_", os.fsdecode(name))
    if characters is Characters.ASCII:
        letters = (one for one in unicodedata.normalize("NFKD", text) if not unicodedata.combining(one))
        text = "".join(letter if letter.isascii() else "_" for letter in letters)
        text = text[:LONGEST]
    if text.endswith((".", " ")):
        text = text[:-1] + "_"
    return os.fsencode(f"_{text}" if _DEVICE.match(text) else text)


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
