"""What the inbox has to remember of files that stay where they are, in about a hundred bytes each."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from photo_organizer.photo import FileIdentity

NOT_AN_IMAGE = "not an image"
UNSUPPORTED = "an image of a format that is not supported"
HELD = "put back by undo"
WAITS_FOR_EXTRA = "waits for an extra"
OFFERED_LATE = "companion without a photo"
TRY_AGAIN = "to be tried again"
INCOMPLETE = "incomplete, waiting for the rest"
KEPT_ORIGINAL = "in the library as a copy or link"


@dataclass(frozen=True, slots=True)
class SkipReason:
    """Why a file is not offered.

    Attributes:
        reason: one of the constants above, or the caller's words.
        extra: the missing extra, when `reason` is WAITS_FOR_EXTRA.
        due: monotonic time from which on it is offered again (never, unless its identity changes).
        attempts: how often it was tried.
    """

    reason: str
    extra: str | None = None
    due: float = inf
    attempts: int = 0

    @property
    def label(self) -> tuple[str, str | None]:
        """What it is counted under: reason and extra."""
        return self.reason, self.extra


class SkipCache:
    """Facts about files by path and identity: a fact ends when the file changes.

    Only a hash of path and identity is kept (64 bits, keyed by the interpreter's own secret for strings), and
    equal facts are shared. Two generations: what a whole sweep of the inboxes did not meet is forgotten.
    """

    def __init__(self) -> None:
        self._kept: dict[int, SkipReason] = {}
        self._met: dict[int, SkipReason] = {}
        self._shared: dict[SkipReason, SkipReason] = {}

    def recall(self, path: str, identity: FileIdentity) -> SkipReason | None:
        """The fact about the file in this very state, or None."""
        key = hash((path, identity))
        fact = self._met.get(key)
        if fact is None and (fact := self._kept.pop(key, None)) is not None:
            self._met[key] = fact
        return fact

    def note(self, path: str, identity: FileIdentity, fact: SkipReason) -> None:
        """Remember `fact` of the file in this state."""
        if fact.due == inf:
            fact = self._shared.setdefault(fact, fact)
        key = hash((path, identity))
        self._kept.pop(key, None)
        self._met[key] = fact

    def forget(self, path: str, identity: FileIdentity) -> None:
        """Forget the file in this state."""
        key = hash((path, identity))
        self._kept.pop(key, None)
        self._met.pop(key, None)

    def end_sweep(self) -> None:
        """All inboxes were looked through: drop what was not met since the last time."""
        self._kept, self._met = self._met, {}

    def __len__(self) -> int:
        return len(self._kept) + len(self._met)
