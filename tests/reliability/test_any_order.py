"""Anything that owners, other programs and crashes do, in any order, against the simplest model: what is
where."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from photo_organizer.errors import OrganizerError
from photo_organizer.library import Correction, Selection
from support.faults.fault_steps import Step, SteppedOperations
from support.faults.photo_world import World, seen, sha256
from support.faults.stops import Stop, in_process

NAMES = st.sampled_from(
    ["a.jpg", "A.jpg", "f.jpg", "bad.jpg", "day/a.jpg", "e\u0301.jpg", "\u00e9.jpg", "=x\n.jpg"]
)
CONTENTS = st.binary(min_size=1, max_size=8)
CHOICE = st.integers(0, 10_000)
MEMORY = Path("/dev/shm")  # noqa: S108 (a file system, not a predictable name)


class Household(RuleBasedStateMachine):
    """The model is `expected`: how often each content must be there, wherever that is."""

    def __init__(self) -> None:
        super().__init__()
        self.base = Path(tempfile.mkdtemp(dir=MEMORY if os.access(MEMORY, os.W_OK) else None))
        self.world = World(self.base / "near", self.base / "there")
        self.library = self.world.open()
        self.expected: Counter[str] = Counter()

    @initialize()
    def first(self) -> None:
        self.drops("a.jpg", b"first", with_companion=True)

    @rule(name=NAMES, content=CONTENTS, with_companion=st.booleans())
    def drops(self, name: str, content: bytes, with_companion: bool) -> None:  # noqa: FBT001 (drawn)
        path = self.world.inbox / name
        companion = path.with_suffix(".xmp").name
        if path.exists() or path.with_suffix(".xmp").exists():
            return
        self.world.drop(name, content, *((companion,) if with_companion else ()))
        self.expected[sha256(content)] += 1
        if with_companion:
            self.expected[sha256(content + companion.encode())] += 1
        self.world.groups.clear()  # equal contents may be in several groups: told apart by the other tests

    @rule()
    def files(self) -> None:
        waiting = [self.world.filing(path) for path in self.world.waiting()]
        report = self.library.file(
            [filing for filing in waiting if not self.library.is_held(filing.group.photo)]
        )
        assert report.pause is None
        assert not report.set_aside
        assert all(self.library.is_held(seen(path)) for path in self.world.waiting())

    @precondition(lambda self: self.library.last_batch())
    @rule(choice=CHOICE)
    def takes_back(self, choice: int) -> None:
        filed = [event for event in self.library.events() if event.action != "undone" and not event.undone]
        selection = (
            Selection(photo=filed[choice % len(filed)].sha256) if choice % 2 and filed else Selection()
        )
        with contextlib.suppress(OrganizerError):
            for step in self.library.undo(selection).undone:
                assert self.library.is_held(seen(step.destination))

    def _one(self, root: Path, choice: int) -> Path | None:
        photos = sorted(path for path in root.rglob("*.jpg") if path.is_file())
        return photos[choice % len(photos)] if photos else None

    @rule(choice=CHOICE, content=CONTENTS)
    def overwrites(self, choice: int, content: bytes) -> None:
        if path := self._one(self.world.inbox, choice):
            self.expected[sha256(path.read_bytes())] -= 1
            path.write_bytes(content)
            self.expected[sha256(content)] += 1

    @rule(choice=CHOICE)
    def renames(self, choice: int) -> None:
        path = self._one(self.world.inbox, choice)
        if path and not (new := path.with_name(f"renamed {choice}.jpg")).exists():
            path.rename(new)

    @rule(choice=CHOICE, in_library=st.booleans())
    def deletes(self, choice: int, in_library: bool) -> None:  # noqa: FBT001 (drawn)
        if path := self._one(self.world.library if in_library else self.world.inbox, choice):
            self.expected[sha256(path.read_bytes())] -= 1
            path.unlink()

    @rule(choice=CHOICE)
    def corrects(self, choice: int) -> None:
        path = self._one(self.world.library, choice)
        if path is None:
            return
        new = self.world.library / "Hobbies" / path.name
        new.parent.mkdir(exist_ok=True)
        if not new.exists():
            path.rename(new)
            self.library.correct([Correction(sha256(new.read_bytes()), path, new, "Hobbies")])

    @rule(step=st.integers(1, 150), torn=st.booleans())
    def is_killed(self, step: int, torn: bool) -> None:  # noqa: FBT001 (drawn)
        self.library.close()

        def act() -> None:
            operations = SteppedOperations()
            with self.world.open(operations) as library:
                operations.steps.clear()

                def tear(here: Step) -> None:
                    if here.name == "write":
                        Stop(here.number, torn=True).kill(here)

                operations.before = tear if torn else Stop(step).kill
                self.world.file_all(library)

        in_process(act)
        self.library = self.world.open()
        self.library.recover()

    @rule(policy=st.sampled_from(["Duplicates", "keep", "skip"]))
    def is_reconfigured(self, policy: str) -> None:
        self.library.close()
        self.world = replace_policy(self.world, policy)
        self.library = self.world.open()

    @rule(cut=st.integers(1, 400))
    def ledger_is_cut(self, cut: int) -> None:
        ledger = self.world.settings.ledger
        if ledger.exists():
            os.truncate(ledger, max(0, ledger.stat().st_size - cut))
            self.library.recover()

    @invariant()
    def nothing_is_lost_and_nothing_made_up(self) -> None:
        assert self.world.contents(hidden=True) == +self.expected
        self.world.check_clean()
        self.library.recover()
        if self.world.settings.ledger.exists():
            assert self.library.verify_ledger().is_equal

    def teardown(self) -> None:
        self.library.close()
        shutil.rmtree(self.base)


def replace_policy(world: World, policy: str) -> World:
    """The same world with another setting; its folders stay."""
    other = object.__new__(World)
    other.__dict__.update(world.__dict__ | {"duplicates": policy})
    return other


Household.TestCase.settings = settings(
    max_examples=int(os.environ.get("EXHAUSTIVE", "0")) * 400 or 25,
    stateful_step_count=15,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestAnyOrder = Household.TestCase
