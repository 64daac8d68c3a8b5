"""A plan is what is done: `Library.plan` and `Library.file` say the same of the same photos."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from photo_organizer.fsops import FileOperations
from photo_organizer.library import Filing, FilingReport, Library, TransferMode
from photo_organizer.photo import Action
from support.faults.photo_world import World

NAMES = ("a.jpg", "A.jpg", "b.jpg", "a (2).jpg", "bad.jpg", "bad.jpg.reason.txt", "a", "x" * 250 + ".jpg")
FOLDERS = ("Pets", "Pets/2024", "Food", "Review")


@dataclass(frozen=True)
class Dropped:
    """A photo in the inbox."""

    name: str
    folder: str
    content: int
    companions: bool
    goes_to: str
    action: Action


DROPPED = st.builds(
    Dropped,
    name=st.sampled_from(NAMES),
    folder=st.sampled_from(("", "day/", "day/two/")),
    content=st.integers(0, 4),
    companions=st.booleans(),
    goes_to=st.sampled_from(FOLDERS),
    action=st.sampled_from((Action.FILED, Action.FILED, Action.REVIEW, Action.QUARANTINED)),
)
THERE = st.lists(
    st.tuples(st.sampled_from(("library/Pets", "library/Food/2024", "quarantine")), st.sampled_from(NAMES),
              st.integers(0, 6)),
    max_size=4,
)  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    dropped=st.lists(DROPPED, min_size=1, max_size=8, unique_by=lambda one: one.folder + one.name.lower()),
    there=THERE,
    earlier=st.lists(DROPPED, max_size=3, unique_by=lambda one: one.folder + one.name.lower()),
    transfer_mode=st.sampled_from(TransferMode),
    duplicates=st.sampled_from(("Duplicates", "keep", "skip")),
    portion=st.integers(1, 8),
)
def test_the_plan_is_what_is_done(  # noqa: PLR0917  one of each is drawn
    dropped: list[Dropped],
    there: list[tuple[str, str, int]],
    earlier: list[Dropped],
    transfer_mode: TransferMode,
    duplicates: str,
    portion: int,
) -> None:
    base = Path(tempfile.mkdtemp(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None))  # noqa: S108
    try:
        world = World(base / "near", base / "there", duplicates)
        with world.open() as library:
            library.file([drop(world, one, TransferMode.MOVE) for one in earlier])
        for folder, name, content in there:
            root = world.quarantine if folder == "quarantine" else world.library / folder.partition("/")[2]
            root.mkdir(parents=True, exist_ok=True)
            if not (root / name).exists():
                (root / name).write_bytes(bytes([content]) * 100)
        filings = [drop(world, one, transfer_mode) for one in dropped]
        check(world, filings, portion)
    finally:
        shutil.rmtree(base)


def drop(world: World, one: Dropped, transfer_mode: TransferMode) -> Filing:
    path = world.inbox / one.folder / one.name
    if path.exists():
        path.unlink()
    companions = [f"{one.name}.xmp"] if one.companions and len(one.name) < 200 else []
    world.drop(one.folder + one.name, bytes([one.content]) * 100, *companions)
    filing = world.filing(path, one.goes_to, one.action)
    own = tuple(each for each in filing.group.companions if each.path.name in companions)
    return replace(filing, transfer_mode=transfer_mode, group=replace(filing.group, companions=own))


def check(
    world: World, filings: Sequence[Filing], portion: int, operations: FileOperations | None = None
) -> Any:
    """Plan and file in portions, and compare; a plan must leave everything as it is."""
    before = files(world)
    with Library.open(world.settings, clock=world.clock, operations=operations) as library:
        planned = [library.plan(filings[at : at + portion]) for at in range(0, len(filings), portion)]
        events = list(library.events())
    assert files(world) == before
    with world.open(operations) as library:
        assert list(library.events()) == events
        done = [library.file(filings[at : at + portion]) for at in range(0, len(filings), portion)]
    told = [outcome(report) for report in planned]
    assert told == [outcome(report) for report in done]
    return told


def files(world: World) -> dict[str, bytes]:
    return {name: data for name, data in world.snapshot().items() if name != "ledger"}


def outcome(report: FilingReport) -> dict[str, Any]:
    return {
        "filed": [(p.group.photo.path, p.action, p.destination, p.original) for p in report.filed],
        "left": [(p.group.photo.path, p.original) for p in report.left],
        "known": [(p.group.photo.path, p.destination) for p in report.known],
        "aside": [(group.photo.path, str(trouble)) for group, trouble in report.set_aside],
        "pause": str(report.pause),
    }


def test_the_reason_in_quarantine_needs_a_free_name_too(world: World) -> None:
    world.quarantine.mkdir(parents=True)
    (world.quarantine / "bad.jpg.reason.txt").write_text("left over")
    filings = [world.filing(world.drop("bad.jpg", b"bad"), action=Action.QUARANTINED)]
    ((told,),) = [one["filed"] for one in check(world, filings, 1)]
    assert told[2].name == "bad (2).jpg"


@pytest.mark.parametrize("exists", [True, False], ids=["folder there", "folder to be made"])
def test_the_shorter_names_of_an_encrypted_folder(world: World, exists: bool) -> None:  # noqa: FBT001
    class Encrypted(FileOperations):
        def status(self, name: bytes, folder: int) -> os.stat_result:
            if len(name) > 143:
                raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
            return super().status(name, folder)

    if exists:
        (world.library / "Pets").mkdir()
    path = world.drop("x" * 120 + ".jpg", b"a photo")
    other = world.drop("day/" + "x" * 120 + ".jpg", b"another")
    filings = [world.filing(one) for one in (path, other)]
    long = [replace(filing, folder="Pets") for filing in filings]
    told = check(world, long, 1, Encrypted())
    assert [len(one["filed"][0][2].name) for one in told] == [124, 128]
    renamed = world.drop("y" * 136 + ".jpg", b"third")
    ((one,),) = [each["filed"] for each in check(world, [world.filing(renamed)], 1, Encrypted())]
    assert len(one[2].name) == 140
    again = world.drop("y" * 136 + ".jpg", b"fourth")
    ((one,),) = [each["filed"] for each in check(world, [world.filing(again)], 1, Encrypted())]
    assert len(one[2].name) == 143
    assert one[2].name.endswith(" (2).jpg")


def test_refusals_are_planned(world: World, tmp_path: Path) -> None:
    (world.library / "Pets").symlink_to(tmp_path)
    (world.library / "Food").write_bytes(b"no folder")
    paths = [world.drop(name, name.encode()) for name in ("a.jpg", "b.jpg", "c.jpg", "d.jpg", "e.jpg")]
    filings = [
        world.filing(paths[0], "Pets"),
        world.filing(paths[1], "Food"),
        world.filing(paths[2], "Pets/2024"),
        world.filing(paths[3], "Travel"),
        world.filing(paths[4], "Travel"),
    ]
    paths[4].write_bytes(b"changed since")
    (told,) = check(world, filings, 8)
    assert len(told["aside"]) == 4
    assert [one[2].name for one in told["filed"]] == ["d.jpg"]


def test_hard_links_across_devices_are_refused_by_both(world: World, tmp_path: Path) -> None:
    world = World(world.base, tmp_path / "there")
    filing = replace(world.filing(world.drop("a.jpg", b"a photo")), transfer_mode=TransferMode.LINK)
    if filing.group.photo.identity.device == world.library.stat().st_dev:
        pytest.skip("needs two devices")
    (told,) = check(world, [filing], 1)
    assert "hard link" in told["pause"]


def test_a_plan_of_many_photos_of_one_name_is_no_search_from_the_first(world: World) -> None:
    filings = [world.filing(world.drop(f"{number}/a.jpg", str(number).encode())) for number in range(200)]
    with Library.open(world.settings, clock=world.clock) as library:
        names = [library.plan([filing]).filed[0].destination.name for filing in filings]
    assert names[:3] == ["a.jpg", "a (2).jpg", "a (3).jpg"]
    assert names[-1] == "a (200).jpg"
