"""What is left alone in an inbox: the owner's patterns, and what belongs to other programs."""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Callable, Sequence
from functools import partial

from photo_organizer.ignored_names import MARKERS, is_ignored

_PICASA = (".picasa.ini", "Picasa.ini")


def belongs_to_a_program(folder: str) -> bool:
    """Return whether another program says that the folder is its own, or Picasa kept its originals there."""
    if any(os.path.lexists(f"{folder}/{marker}") for marker in MARKERS):
        return True
    above, name = os.path.split(folder)
    return name.lower() == "originals" and any(os.path.lexists(f"{above}/{ini}") for ini in _PICASA)


class Ignored:
    """The owner's own patterns (`watch.ignore`), as one compiled expression.

    A pattern without a slash is held against the name of a file or folder at any depth; one with a slash
    against the path below the inbox, where `*` also crosses slashes (`Private/*` is all below `Private`).
    """

    def __init__(self, patterns: Sequence[str]) -> None:
        self._names = _compiled([pattern for pattern in patterns if "/" not in pattern])
        self._paths = _compiled([pattern.strip("/") for pattern in patterns if "/" in pattern])

    def within(self, folder: str) -> Callable[[str], bool]:
        """Whether to leave a name in `folder` alone, a path relative to the inbox ("": the inbox itself)."""
        if self._names is None and self._paths is None:
            return is_ignored
        return partial(self._matches, folder)

    def _matches(self, folder: str, name: str) -> bool:
        if is_ignored(name) or (self._names is not None and self._names.match(name)):
            return True
        return self._paths is not None and bool(self._paths.match(f"{folder}/{name}" if folder else name))


def _compiled(patterns: list[str]) -> re.Pattern[str] | None:
    return re.compile("|".join(fnmatch.translate(pattern) for pattern in patterns)) if patterns else None
