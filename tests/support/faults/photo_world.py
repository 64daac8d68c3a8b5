"""A small world to break: an inbox, a library, a state directory, and what must hold in it at every
moment."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections import Counter
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from photo_organizer.fsops import FileOperations
from photo_organizer.library import Filing, FilingReport, Library, LibrarySettings, TransferMode
from photo_organizer.photo import Action, AssetGroup, Decision, FileIdentity, Photo, Prediction

HIDDEN = ".photo-organizer"
LOCK = ".photo-organizer.lock"
DECISION = Decision(Action.FILED, "Pets", 0.9, "Food", 0.1, 0.5)


class BrokenPromiseError(AssertionError):
    """What must hold does not."""


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def seen(path: Path) -> Photo:
    return Photo(path, FileIdentity.of(path.lstat()))


@dataclass
class Clock:
    """A second for each look at it, so that runs are equal."""

    now: datetime = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


@dataclass
class World:
    """Made in `base`; the library may be on another device."""

    base: Path
    library_base: Path
    duplicates: str = "Duplicates"
    clock: Clock = field(default_factory=Clock)
    groups: list[tuple[str, ...]] = field(default_factory=list)
    """Hashes of the files that must always be in one folder together."""
    transfer_mode: TransferMode = TransferMode.MOVE
    sources: dict[Path, FileIdentity] = field(default_factory=dict)
    """What must stay as it is in the inbox, when photos are copied or linked."""

    def __post_init__(self) -> None:
        for folder in (self.base, self.library_base):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        self.inbox.mkdir()
        self.library.mkdir()

    @property
    def inbox(self) -> Path:
        return self.base / "inbox"

    @property
    def library(self) -> Path:
        return self.library_base / "library"

    @property
    def state(self) -> Path:
        return self.base / "state"

    @property
    def quarantine(self) -> Path:
        return self.state / "quarantine"

    @property
    def settings(self) -> LibrarySettings:
        return LibrarySettings(
            self.library, self.state, self.state / "predictions.csv", self.quarantine, self.duplicates
        )

    def open(self, operations: FileOperations | None = None) -> Library:
        return Library.open(self.settings, owner=True, operations=operations, clock=self.clock)

    # putting photos in -------------------------------------------------------------------------------------

    def drop(self, name: str, content: bytes, *companions: str) -> Path:
        """A photo in the inbox, with companions of other content."""
        path = self.inbox / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        hashes = [sha256(content)]
        for companion in companions:
            data = content + os.fsencode(companion)
            path.with_name(companion).write_bytes(data)
            hashes.append(sha256(data))
        if companions:
            self.groups.append(tuple(hashes))
        return path

    def filing(self, path: Path, folder: str = "Pets", action: Action = Action.FILED) -> Filing:
        """What the pipeline would ask for, with all files beside `path` that begin with its stem."""
        stem = path.name.split(".")[0]
        beside = sorted(
            other for other in path.parent.iterdir() if other.name.split(".")[0] == stem and other != path
        )
        group = AssetGroup(self.inbox, seen(path), tuple(seen(other) for other in beside))
        if action is Action.QUARANTINED:
            return Filing(group, action, reason="the file is truncated")
        prediction = Prediction(
            sha256(path.read_bytes()), "model-1", "test", ("Pets", "Food"), (0.9, 0.1), "jpeg"
        )
        return Filing(group, action, folder, prediction, DECISION)

    def waiting(self) -> Iterator[Path]:
        """The photos in the inbox."""
        for path in sorted(self.inbox.rglob("*.jpg")):
            if path.is_file() and not path.name.startswith("."):
                yield path

    def file_all(self, library: Library) -> FilingReport:
        """Files what waits in the inbox, each photo in a folder that follows from its name."""
        filings = []
        for path in self.waiting():
            action = Action.QUARANTINED if path.name.startswith("bad") else Action.FILED
            filings.append(self.filing(path, "Food" if path.name.startswith("f") else "Pets", action))
        return library.file([replace(filing, transfer_mode=self.transfer_mode) for filing in filings])

    def keep_sources(self) -> None:
        """From now on everything that is in the inbox must stay."""
        self.sources = {path: seen(path).identity for path in self.inbox.rglob("*") if path.is_file()}

    # what must hold
    # ------------------------------------------------------------------------------------------

    def files(self) -> Iterator[Path]:
        """Every file of the owner's, hidden ones of ours too."""
        for root in (self.inbox, self.library, self.quarantine):
            for folder, _, names in os.walk(root):
                for name in names:
                    if name != LOCK and ".reason" not in name:
                        yield Path(folder, name)

    def contents(self, *, hidden: bool = False) -> Counter[str]:
        """How often each content is there; under complete names only, unless `hidden`."""
        return Counter(
            sha256(path.read_bytes()) for path in self.files() if hidden or not path.name.startswith(HIDDEN)
        )

    def check_instant(self, before: Counter[str]) -> None:
        """What holds at every instant, a crash's too: nothing is missing, and nothing half there."""
        now = self.contents()
        if missing := before - now:
            raise BrokenPromiseError(f"not under a complete name: {missing}")
        if unknown := set(now) - set(before):
            raise BrokenPromiseError(f"partial under a final name: {unknown}")
        for path, identity in self.sources.items():
            if not path.is_file() or seen(path).identity != identity:
                raise BrokenPromiseError(f"a source has not stayed as it was: {path}")

    def check_recovered(self, before: Counter[str], library: Library) -> None:
        """What holds after recovery, and that a second one changes nothing."""
        now = self.contents(hidden=True)
        # each photo may be there twice where it was copied or linked; which ones are is the journal's to say
        too_many = now - before - (Counter() if self.transfer_mode is TransferMode.MOVE else before)
        if before - now or too_many:
            raise BrokenPromiseError(f"missing {before - now}, too many {too_many}")
        self.check_clean()
        self.check_groups()
        self.check_journal(library)
        earlier = self.snapshot()
        again = library.recover()
        if (again.completed, again.taken_back, again.ledger_rows, again.waiting) != (0, 0, 0, 0):
            raise BrokenPromiseError(f"a second recovery did something: {again}")
        if self.snapshot() != earlier:
            raise BrokenPromiseError("a second recovery changed something")

    def check_clean(self) -> None:
        for root in (self.inbox, self.library, self.state):
            for path in root.rglob("*"):
                if path.name.startswith(HIDDEN) and path.name != LOCK:
                    raise BrokenPromiseError(f"a temporary is left: {path}")

    def check_groups(self) -> None:
        """The files of each group are in one folder, and of one stem; or in two, where they were copied."""
        where: dict[str, list[Path]] = {}
        for path in self.files():
            where.setdefault(sha256(path.read_bytes()), []).append(path)
        for group in self.groups:
            places = {
                frozenset((path.parent, path.name.split(".")[0]) for path in where[digest])
                for digest in group
                if digest in where
            }
            if len(places) > 1 or (
                self.transfer_mode is TransferMode.MOVE and any(len(one) > 1 for one in places)
            ):
                raise BrokenPromiseError(f"a group is torn apart: {places}")

    def check_journal(self, library: Library, foreign: Container[str] = ()) -> None:
        """Journal, ledger and disk say the same; but of contents in `foreign`, which other programs
        brought."""
        check = library.verify_ledger()
        if not check.is_equal:
            raise BrokenPromiseError(f"ledger and journal differ: {check.problems}")
        settled: dict[Path, str] = {}
        for event in library.events():
            if event.action in {"joined", "unjoined"}:
                continue
            if event.action in {Action.CORRECTED, Action.UNDONE}:
                settled.pop(event.source, None)
            settled[event.destination] = event.sha256
        for path, digest in settled.items():
            if path.is_relative_to(self.inbox):
                continue
            if not path.exists() or sha256(path.read_bytes()) != digest:
                raise BrokenPromiseError(f"the journal says that {path} is there")
        known = set(settled)
        for path in (*self.library.rglob("*.jpg"), *self.quarantine.rglob("*.jpg")):
            if path not in known and sha256(path.read_bytes()) not in foreign:
                raise BrokenPromiseError(f"the journal does not know of {path}")

    def snapshot(self) -> dict[str, bytes]:
        """All names and bytes, of the ledger too."""
        files = {str(path): path.read_bytes() for path in self.files()}
        ledger = self.settings.ledger
        return files | ({"ledger": ledger.read_bytes()} if ledger.exists() else {})

    def recovered(
        self,
        before: Counter[str],
        operations: FileOperations | None = None,
        repeat: Callable[[World, Library], Any] = lambda _, __: None,
    ) -> None:
        """Starts again and checks; then files what waits, and checks again."""
        with self.open(operations) as library:
            library.recover()
            repeat(self, library)
            self.check_recovered(before, library)
            self.file_all(library)
            self.check_recovered(before, library)
