"""What lies in an inbox and is nobody's photo: unfinished downloads, hidden files, the litter of systems."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Sequence
from functools import partial

_UNFINISHED = (
    "~", ".part", ".partial", ".filepart", ".crdownload", ".download", ".opdownload", ".tmp", ".temp",
    ".aria2", ".!ut", ".!qb", ".swp",
)  # fmt: skip
_SYSTEM = frozenset(
    {
        "thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "@eadir", "#recycle", "@recycle", "$recycle.bin",
        "system volume information", "__macosx", "lost+found",
    }
)  # fmt: skip


def is_litter(name: str) -> bool:
    """Whether a file or folder of this name is never looked at: dot files and the lists above."""
    lower = name.lower()
    return name[0] == "." or lower.endswith(_UNFINISHED) or lower in _SYSTEM or name.startswith("~$")


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
            return is_litter
        return partial(self._matches, folder)

    def _matches(self, folder: str, name: str) -> bool:
        if is_litter(name) or (self._names is not None and self._names.match(name)):
            return True
        return self._paths is not None and bool(self._paths.match(f"{folder}/{name}" if folder else name))


def _compiled(patterns: list[str]) -> re.Pattern[str] | None:
    return re.compile("|".join(fnmatch.translate(pattern) for pattern in patterns)) if patterns else None
