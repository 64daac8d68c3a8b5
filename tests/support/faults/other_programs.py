"""Another program that does something between any two steps of ours; and what must be true afterwards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from photo_organizer.errors import OrganizerError
from photo_organizer.fsops import FileOperations
from photo_organizer.library import TransferMode
from support.faults.fault_scenarios import Scenario, limited, make_world
from support.faults.fault_steps import CHANGING, Step
from support.faults.photo_world import BrokenPromiseError, World, sha256
from support.faults.stops import begun, steps_of


@dataclass
class Effect:
    """What another program did: contents it brought, and contents that it may have destroyed itself."""

    brought: list[bytes] = field(default_factory=list)
    destroyed: list[bytes] = field(default_factory=list)
    restore: Callable[[], None] = lambda: None


Race = Callable[[World, Path], Effect]
"""Does something to the world; the path is a folder outside of it."""


def takes_the_destination(world: World, _: Path) -> Effect:
    """Saves a photo of its own under the very name that ours is about to get."""
    folder = world.library / "Pets"
    folder.mkdir(exist_ok=True)
    brought = []
    for name in ("a.jpg", "a (2).jpg"):
        if not (folder / name).exists():
            (folder / name).write_bytes(b"a photo of another program " + name.encode())
            brought.append((folder / name).read_bytes())
    return Effect(brought)


def renames_the_source(world: World, _: Path) -> Effect:
    source = world.inbox / "a.jpg"
    if source.exists():
        source.rename(world.inbox / "renamed.jpg")
        world.groups.clear()
    return Effect()


def rewrites_the_source(world: World, _: Path) -> Effect:
    """Saves in place, as some editors do: the old bytes are gone by its own hand."""
    source = world.inbox / "a.jpg"
    if not source.exists():
        return Effect()
    world.groups.clear()
    old = source.read_bytes()
    with source.open("r+b") as file:
        file.write(b"edited")
    return Effect([source.read_bytes()], [old])


def swaps_the_source(world: World, _: Path) -> Effect:
    """Saves by renaming a new file over the old, as other editors do."""
    source = world.inbox / "a.jpg"
    if not source.exists():
        return Effect()
    world.groups.clear()
    old = source.read_bytes()
    new = world.inbox / ".saving"
    new.write_bytes(b"a swapped photo")
    new.replace(source)
    return Effect([b"a swapped photo"], [old])


def swaps_the_folder_for_a_link(world: World, outside: Path) -> Effect:
    """Moves the category folder out of the library, and leaves a symbolic link to it there."""
    folder = world.library / "Pets"
    if not folder.is_dir() or folder.is_symlink():
        return Effect()
    inside = sorted(folder.iterdir())
    folder.rename(outside / "Pets")
    folder.symlink_to(outside / "Pets")

    def restore() -> None:
        folder.unlink()
        if (outside / "Pets").exists():
            (outside / "Pets").rename(folder)

    return Effect(destroyed=[path.read_bytes() for path in inside if path.is_file()], restore=restore)


def puts_a_link_in_place(world: World, outside: Path) -> Effect:
    """Before there is a category folder, somebody makes a symbolic link of its name."""
    folder = world.library / "Pets"
    if folder.exists() or folder.is_symlink():
        return Effect()
    folder.symlink_to(outside)
    return Effect(restore=folder.unlink)


def takes_the_library_away(world: World, outside: Path) -> Effect:
    """As when its drive is unmounted."""
    if not world.library.exists():
        return Effect()
    world.library.rename(outside / "library")
    return Effect(restore=lambda: (outside / "library").rename(world.library) and None)


def takes_the_inbox_away(world: World, outside: Path) -> Effect:
    if not world.inbox.exists():
        return Effect()
    world.inbox.rename(outside / "inbox")
    return Effect(restore=lambda: (outside / "inbox").rename(world.inbox) and None)


def removes_the_folder(world: World, _: Path) -> Effect:
    folder = world.library / "Pets"
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
    return Effect()


RACES: tuple[Race, ...] = (
    takes_the_destination,
    renames_the_source,
    rewrites_the_source,
    swaps_the_source,
    swaps_the_folder_for_a_link,
    puts_a_link_in_place,
    takes_the_library_away,
    takes_the_inbox_away,
    removes_the_folder,
)


def check_race(scenario: Scenario, race: Race, number: int, near: Path, far: Path) -> bool:
    """Lets `race` happen before step `number`; says whether there was such a step.

    Raises:
        BrokenPromiseError: something that must hold does not.
    """
    world = make_world(scenario, near, far)
    before = world.contents()
    outside = near / "outside"
    outside.mkdir()
    effects: list[Effect] = []

    def interfere(step: Step) -> None:
        if step.number == number:
            effects.append(race(world, outside))

    with begun(scenario, world) as (library, operations):
        operations.before = interfere
        _act(scenario, world, library)
        operations.before = None
    if not effects:
        return False
    _check_outside(outside, before, race, effects[0])
    effects[0].restore()
    _check(world, before, effects[0], limited(FileOperations, scenario.limits)())
    return True


def _act(scenario: Scenario, world: World, library: object) -> None:
    try:
        scenario.act(world, library)  # type: ignore[arg-type]
    except OrganizerError:
        return


def _check_outside(outside: Path, before: Counter[str], race: Race, effect: Effect) -> None:
    """Nothing has come out of the library through the swap, but what its owner has taken out."""
    if race in {takes_the_library_away, takes_the_inbox_away}:
        return
    taken = {sha256(data) for data in effect.destroyed}
    ours = {path: sha256(path.read_bytes()) for path in outside.rglob("*") if path.is_file()}
    if any(digest in before and digest not in taken for digest in ours.values()):
        raise BrokenPromiseError(f"led outside of the library: {ours}")


def _check(world: World, before: Counter[str], effect: Effect, operations: FileOperations) -> None:
    expected = before + Counter(sha256(data) for data in effect.brought)
    gone_by_themselves = Counter(sha256(data) for data in effect.destroyed)
    foreign = {sha256(data) for data in effect.brought}
    with world.open(operations) as library:
        for _ in range(2):
            library.recover()
            world.check_clean()
            now = world.contents(hidden=True)
            if missing := expected - now - gone_by_themselves:
                raise BrokenPromiseError(f"lost: {missing}")
            if extra := set(now) - set(expected):
                raise BrokenPromiseError(f"made up: {extra}")
            world.check_journal(library, foreign)
            world.check_groups()
            report = world.file_all(library)
    waiting = world.waiting() if world.transfer_mode is TransferMode.MOVE else report.filed
    if list(waiting):  # of copies and links: filed once more
        raise BrokenPromiseError("it did not go on by itself")


def check_races(scenario: Scenario, race: Race, near: Path, far: Path, *, exhaustive: bool = True) -> int:
    """The race before each step; or, without `exhaustive`, before and after each step that changes something.

    Returns:
        How often it was run.
    """
    runs = 0
    steps = steps_of(scenario, near, far)
    after = {step.number + 1 for step in steps if step.name in CHANGING}
    for step in steps:
        if exhaustive or step.name in CHANGING or step.number in after:
            try:
                runs += check_race(scenario, race, step.number, near, far)
            except AssertionError as error:
                place = f"{scenario}, {race.__name__} before step {step.number}, {step.name}"
                raise BrokenPromiseError(f"{place}: {error}") from error
    return runs
