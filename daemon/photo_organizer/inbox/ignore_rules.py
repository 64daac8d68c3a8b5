"""What is left alone in an inbox: the owner's patterns, and what belongs to other programs."""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from photo_organizer import fsops
from photo_organizer.ignored_names import MARKERS, NO_PHOTOS, is_ignored

_PICASA = (".picasa.ini", "Picasa.ini")
_LARGEST_MARKER = 1 << 16  # bytes
EVERYTHING = ("*",)
"""The patterns of a folder in which nothing is to be filed."""


def belongs_to_a_program(folder: str) -> bool:
    """Return whether another program says that the folder is its own, or Picasa kept its originals there."""
    if any(os.path.lexists(f"{folder}/{marker}") for marker in MARKERS):
        return True
    above, name = os.path.split(folder)
    return name.lower() == "originals" and any(os.path.lexists(f"{above}/{ini}") for ini in _PICASA)


def marker_patterns(folder: str) -> tuple[str, ...]:
    """Return what the `.nophotos` of a folder says to leave alone there; nothing where there is none.

    Each line is a pattern, as in `watch.ignore`; one that begins with `#` or `//` is a comment. A file
    without a pattern, or one that cannot be read, stands for everything in the folder.
    """
    path = f"{folder}/{NO_PHOTOS}"
    if not os.path.lexists(path):
        return ()
    try:
        descriptor = fsops.open_photo(os.fsencode(path))
        with os.fdopen(descriptor, "rb") as file:
            text = file.read(_LARGEST_MARKER).decode("utf-8", "surrogateescape")
    except OSError:
        return EVERYTHING
    lines = (line.strip() for line in text.lstrip("\ufeff").splitlines())
    return tuple(line for line in lines if line and not line.startswith(("#", "//"))) or EVERYTHING


@dataclass(frozen=True, slots=True)
class Patterns:
    """Glob patterns that hold in a folder and all below it, compiled.

    | pattern | leaves alone |
    |---|---|
    | `*.gif` | files and folders of such names, at any depth |
    | `Screenshots/` | folders of that name, at any depth, with all in them |
    | `DCIM/.thumbnails/`, `Private/*` | what has this path below the folder; `*` crosses slashes, too |

    Args:
        base: the folder, relative to the inbox; "" for the inbox.
    """

    base: str
    names: re.Pattern[str] | None
    folder_names: re.Pattern[str] | None
    paths: re.Pattern[str] | None
    folder_paths: re.Pattern[str] | None

    @classmethod
    def of(cls, patterns: Sequence[str], base: str = "") -> Patterns:
        """Compile `patterns`."""
        kinds: dict[tuple[bool, bool], list[str]] = {}
        for pattern in patterns:
            is_folder, bare = pattern.endswith("/"), pattern.rstrip("/")
            kinds.setdefault(("/" in bare, is_folder), []).append(bare.lstrip("/"))
        return cls(
            base,
            _compiled(kinds.get((False, False))),
            _compiled(kinds.get((False, True))),
            _compiled(kinds.get((True, False))),
            _compiled(kinds.get((True, True))),
        )

    def match(self, path: str, name: str, *, is_folder: bool) -> bool:
        """Whether they leave a file or folder alone.

        Args:
            path: relative to the inbox; it is in `base`.
            name: the last part of the path.
            is_folder: whether it is a folder.
        """
        below = path[len(self.base) + 1 :] if self.base else path
        tried = [(self.names, name), (self.paths, below)]
        if is_folder:
            tried += [(self.folder_names, name), (self.folder_paths, below)]
        return any(pattern is not None and pattern.match(text) for pattern, text in tried)


@dataclass(frozen=True, slots=True)
class Ignored:
    """What is left alone in an inbox: names that are nobody's photo, and what the owner's patterns match."""

    patterns: tuple[Patterns, ...] = ()

    @classmethod
    def by(cls, patterns: Sequence[str]) -> Ignored:
        """Return the rules of an inbox: its patterns in the configuration."""
        return cls((Patterns.of(patterns),)) if patterns else cls()

    def in_folder(self, patterns: Sequence[str], folder: str) -> Ignored:
        """Return the rules for a folder that has patterns of its own, in its `.nophotos`.

        Args:
            patterns: from `marker_patterns`.
            folder: relative to the inbox; "" for the inbox.
        """
        return Ignored((*self.patterns, Patterns.of(patterns, folder))) if patterns else self

    def within(self, folder: str) -> Callable[[os.DirEntry[str]], bool]:
        """Return what tells whether to leave an entry of `folder` alone, a path relative to the inbox."""
        if not self.patterns:
            return lambda entry: is_ignored(entry.name)

        def matches(entry: os.DirEntry[str]) -> bool:
            name = entry.name
            if is_ignored(name):
                return True
            path, is_folder = f"{folder}/{name}" if folder else name, is_real_folder(entry)
            return any(patterns.match(path, name, is_folder=is_folder) for patterns in self.patterns)

        return matches


def is_real_folder(entry: os.DirEntry[str]) -> bool:
    """Return whether an entry is a folder and no link to one; False where that cannot be told."""
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:  # asked where the file system does not tell in the listing: gone, or out of reach
        return False


def _compiled(patterns: Sequence[str] | None) -> re.Pattern[str] | None:
    return re.compile("|".join(fnmatch.translate(pattern) for pattern in patterns)) if patterns else None
