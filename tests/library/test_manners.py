"""Photos that are copied or linked into the library: the source stays as it is, and undo loses nothing."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from photo_organizer.inbox import LateCompanion
from photo_organizer.library import (
    Correction,
    FilingReport,
    Library,
    Selection,
    SourceErrorKind,
    TransferMode,
)
from photo_organizer.photo import Action
from support.faults.fault_steps import Step, SteppedOperations
from support.faults.photo_world import World, seen, sha256

STAYING = (TransferMode.COPY, TransferMode.LINK, TransferMode.SYMLINK)
WITH_BYTES = (TransferMode.COPY, TransferMode.LINK)


def place(
    library: Library, world: World, path: Path, transfer_mode: TransferMode, folder: str = "Pets"
) -> FilingReport:
    return library.file([replace(world.filing(path, folder), transfer_mode=transfer_mode)])


@pytest.mark.parametrize("transfer_mode", STAYING)
def test_a_group_comes_and_its_source_stays(
    world: World, library: Library, transfer_mode: TransferMode
) -> None:
    place(library, world, world.drop("a.jpg", b"first"), TransferMode.MOVE)
    source = world.drop("a.jpg", b"a photo", "a.jpg.xmp")
    before = {path: seen(path) for path in world.inbox.iterdir()}
    (placed,) = place(library, world, source, transfer_mode).filed
    assert (placed.action, placed.destination) == (Action.FILED, world.library / "Pets/a (2).jpg")
    beside = world.library / "Pets/a (2).jpg.xmp"
    assert (placed.destination.read_bytes(), beside.read_bytes()) == (b"a photo", b"a photoa.jpg.xmp")
    assert {path: seen(path) for path in world.inbox.iterdir()} == before
    assert placed.destination.is_symlink() == (transfer_mode is TransferMode.SYMLINK)
    assert source.samefile(placed.destination) == (transfer_mode is not TransferMode.COPY)
    if transfer_mode is TransferMode.SYMLINK:
        assert placed.destination.readlink() == source  # absolute
    if transfer_mode is TransferMode.COPY:
        assert placed.destination.stat().st_mtime_ns == source.stat().st_mtime_ns
    (event,) = library.history(sha256(b"a photo"))
    assert (event.action, event.transfer_mode, event.source) == ("filed", transfer_mode, source)


@pytest.mark.parametrize("transfer_mode", STAYING)
def test_again_it_is_not_filed_twice(world: World, library: Library, transfer_mode: TransferMode) -> None:
    source = world.drop("a.jpg", b"a photo", "a.xmp")
    (first,) = place(library, world, source, transfer_mode).filed
    assert library.placed_before(seen(source), transfer_mode) == first.destination
    report = place(library, world, source, transfer_mode)
    assert (report.filed, report.left) == ((), ())
    assert [placed.destination for placed in report.known] == [first.destination]
    os.utime(source)  # touched, but of the same bytes
    assert library.placed_before(seen(source), transfer_mode) is None
    assert place(library, world, source, transfer_mode).known
    first.destination.unlink()
    assert place(library, world, source, transfer_mode).filed  # its owner removed what was made
    library.undo()
    assert place(library, world, source, transfer_mode).filed


def test_a_copy_that_was_corrected_is_known_where_it_is(world: World, library: Library) -> None:
    source = world.drop("a.jpg", b"a photo")
    old = place(library, world, source, TransferMode.COPY).filed[0].destination
    new = world.library / "Food/a.jpg"
    new.parent.mkdir()
    old.rename(new)
    library.correct([Correction(sha256(b"a photo"), old, new, "Food")])
    assert place(library, world, source, TransferMode.COPY).known[0].destination == new
    # nor is the original a duplicate of it
    assert place(library, world, source, TransferMode.MOVE).filed[0].action is Action.FILED


@pytest.mark.parametrize("transfer_mode", STAYING)
def test_the_original_is_no_duplicate_of_what_was_made_of_it(
    world: World, library: Library, transfer_mode: TransferMode
) -> None:
    source = world.drop("a.jpg", b"a photo")
    place(library, world, source, transfer_mode)
    (moved,) = place(library, world, source, TransferMode.MOVE).filed
    assert (moved.action, moved.destination) == (Action.FILED, world.library / "Pets/a (2).jpg")


@pytest.mark.parametrize("transfer_mode", WITH_BYTES)
def test_another_of_the_same_bytes_is_one(
    world: World, library: Library, transfer_mode: TransferMode
) -> None:
    first = place(library, world, world.drop("a.jpg", b"a photo"), transfer_mode).filed[0].destination
    for again in (transfer_mode, TransferMode.MOVE):
        (placed,) = place(library, world, world.drop("b.jpg", b"a photo"), again).filed
        assert (placed.action, placed.original) == (Action.DUPLICATE, first)


def test_a_symbolic_link_holds_no_bytes_to_be_a_duplicate_of(world: World, library: Library) -> None:
    first = place(library, world, world.drop("a.jpg", b"a photo"), TransferMode.SYMLINK).filed[0].destination
    other = world.drop("b.jpg", b"a photo")
    assert place(library, world, other, TransferMode.SYMLINK).filed[0].original == first
    assert place(library, world, other, TransferMode.COPY).filed[0].action is Action.FILED


@pytest.mark.parametrize("transfer_mode", STAYING)
def test_undo_removes_what_was_made(world: World, library: Library, transfer_mode: TransferMode) -> None:
    source = world.drop("a.jpg", b"a photo", "a.xmp")
    place(library, world, source, transfer_mode)
    before = {path: seen(path) for path in world.inbox.iterdir()}
    assert library.undo(dry_run=True).undone
    assert len(list((world.library / "Pets").iterdir())) == 2
    (step,) = library.undo().undone
    assert (step.source, step.destination) == (world.library / "Pets/a.jpg", source)
    assert not (world.library / "Pets").exists()
    assert {path: seen(path) for path in world.inbox.iterdir()} == before
    assert library.is_held(seen(source))
    assert [event.action for event in library.events()] == ["filed", "undone"]
    assert library.verify_ledger().is_equal


def _remove(path: Path) -> None:
    path.unlink()


def _edit(path: Path) -> None:
    path.write_bytes(path.read_bytes()[::-1])


def _save_anew(path: Path) -> None:
    """As an editor does that writes a new file and renames it."""
    new = path.with_name("new")
    new.write_bytes(b"edited")
    new.replace(path)


def _remove_folder(path: Path) -> None:
    shutil.rmtree(path.parent)


def _lead_to_the_library(path: Path) -> None:
    """The folder of the originals becomes a link to the library's own: the copy is all that there is."""
    shutil.rmtree(path.parent)
    path.parent.symlink_to(path.parents[2] / "there/library/Pets")


NAMES = ("a.jpg", "a.xmp")
ORIGINALS = tuple(f"near/inbox/{name}" for name in NAMES)
ALL = (*ORIGINALS, *(f"there/library/Pets/{name}" for name in NAMES))
HARMS: list[tuple[TransferMode, Callable[[Path], None], str]] = [
    *(
        (transfer_mode, harm, at)
        for transfer_mode in WITH_BYTES
        for harm in (_remove, _remove_folder)
        for at in ORIGINALS
    ),
    *((transfer_mode, _lead_to_the_library, at) for transfer_mode in WITH_BYTES for at in ORIGINALS),
    *((transfer_mode, _save_anew, at) for transfer_mode in WITH_BYTES for at in ALL),
    *((TransferMode.COPY, _edit, at) for at in ALL),
]


@pytest.mark.parametrize(("transfer_mode", "harm", "at"), HARMS)
def test_undo_leaves_what_may_be_the_last(
    world: World, library: Library, transfer_mode: TransferMode, harm: Callable[[Path], None], at: str
) -> None:
    place(library, world, world.drop("a.jpg", b"a photo", "a.xmp"), transfer_mode)
    harm(world.base.parent / at)
    kept = world.contents()
    for dry_run in (True, False):
        report = library.undo(dry_run=dry_run)
        assert not report.undone
        ((_, trouble),) = report.refused
        assert trouble.kind in {SourceErrorKind.CHANGED, SourceErrorKind.GONE}  # type: ignore[attr-defined]
        assert "\n" not in str(trouble)
        assert world.contents() == kept
        assert (world.library / "Pets" / "a.jpg").exists()
    assert library.verify_ledger().is_equal


@pytest.mark.parametrize("transfer_mode", WITH_BYTES)
def test_an_original_that_goes_at_the_last_moment_leaves_its_copy(
    world: World, library: Library, transfer_mode: TransferMode
) -> None:
    source = world.drop("a.jpg", b"a photo")
    (placed,) = place(library, world, source, transfer_mode).filed

    def remove_the_original(step: Step, _: object) -> None:
        if step.name == "rename_own":  # the copy's name is captured, and it is about to be removed
            source.unlink()

    with Library.open(world.settings, operations=SteppedOperations(after=remove_the_original)) as command:
        assert not command.undo().undone
    assert placed.destination.read_bytes() == b"a photo"
    library.recover()
    assert placed.destination.read_bytes() == b"a photo"
    world.check_clean()
    assert library.verify_ledger().is_equal


def test_a_hard_link_may_be_edited(world: World, library: Library) -> None:
    source = world.drop("a.jpg", b"a photo")
    (placed,) = place(library, world, source, TransferMode.LINK).filed
    placed.destination.write_bytes(b"edited")  # in place, and so under both names
    assert library.undo().undone
    assert source.read_bytes() == b"edited"


def test_a_symbolic_link_goes_whatever_became_of_its_original(world: World, library: Library) -> None:
    source = world.drop("a.jpg", b"a photo")
    (placed,) = place(library, world, source, TransferMode.SYMLINK).filed
    shutil.rmtree(world.inbox)
    assert library.undo().undone
    assert not placed.destination.is_symlink()


def test_a_photo_in_the_place_of_a_symbolic_link_stays(world: World, library: Library) -> None:
    (placed,) = place(library, world, world.drop("a.jpg", b"a photo"), TransferMode.SYMLINK).filed
    placed.destination.unlink()
    placed.destination.write_bytes(b"a photo")
    assert library.undo().refused
    assert placed.destination.read_bytes() == b"a photo"


@pytest.mark.parametrize("transfer_mode", [TransferMode.COPY, TransferMode.LINK, TransferMode.SYMLINK])
def test_a_late_companion_comes_as_its_photo_came(
    world: World, library: Library, transfer_mode: TransferMode
) -> None:
    source, late = world.drop("a.jpg", b"a photo"), world.inbox / "a.xmp"
    (placed,) = place(library, world, source, transfer_mode).filed
    late.write_bytes(b"late")
    companion = LateCompanion(seen(late), world.inbox)
    assert library.join([companion], world.inbox).joined
    assert not library.join([companion], world.inbox).joined  # once is enough
    joined = placed.destination.with_name("a.xmp")
    assert late.read_bytes() == joined.read_bytes() == b"late"
    assert library.undo().undone
    assert not os.path.lexists(placed.destination)
    assert not os.path.lexists(joined)
    assert source.exists()
    assert late.exists()


@pytest.mark.parametrize("transfer_mode", [TransferMode.COPY, TransferMode.LINK, TransferMode.SYMLINK])
def test_such_a_companion_is_taken_back_alone(
    world: World, library: Library, transfer_mode: TransferMode
) -> None:
    source, late = world.drop("a.jpg", b"a photo"), world.inbox / "a.xmp"
    (placed,) = place(library, world, source, transfer_mode).filed
    late.write_bytes(b"late")
    library.join([LateCompanion(seen(late), world.inbox)], world.inbox)
    assert library.undo(Selection(photo=late)).undone
    assert not os.path.lexists(placed.destination.with_name("a.xmp"))
    assert late.read_bytes() == b"late"
    assert placed.destination.exists()


def test_a_copy_that_a_companion_was_moved_to_stays(world: World, library: Library) -> None:
    source, late = world.drop("a.jpg", b"a photo"), world.inbox / "a.xmp"
    (placed,) = place(library, world, source, TransferMode.COPY).filed
    late.write_bytes(b"late")
    assert library.join([LateCompanion(seen(late), world.inbox)], world.inbox).joined
    with library._journal.transaction():  # as versions before 1.0 joined it
        library._journal._connection.execute("UPDATE operations SET manner = 'move' WHERE kind = 'joined'")
    late.unlink()
    assert "a companion came to it later" in str(library.undo().refused[0][1])
    assert placed.destination.exists()


@pytest.mark.parametrize("transfer_mode", [TransferMode.COPY, TransferMode.LINK])
def test_an_original_is_known_until_it_changes_or_its_copy_is_taken_back(
    world: World, library: Library, transfer_mode: TransferMode
) -> None:
    source = world.drop("a.jpg", b"a photo", "a.xmp")
    assert not library.is_kept_original(seen(source))
    place(library, world, source, transfer_mode)
    companion = seen(source.with_suffix(".xmp"))
    assert library.is_kept_original(seen(source))
    other_disk = replace(companion, identity=replace(companion.identity, device=1, inode=2))
    assert library.is_kept_original(other_disk)  # a card that was mounted anew
    os.utime(source, (1, 1))
    assert not library.is_kept_original(seen(source))
    library.undo()
    assert not library.is_kept_original(companion)


def test_a_photo_that_was_moved_leaves_no_original(world: World, library: Library) -> None:
    source = world.drop("a.jpg", b"a photo")
    place(library, world, source, TransferMode.MOVE)
    source.write_bytes(b"a photo")
    assert not library.is_kept_original(seen(source))


def test_hard_links_do_not_cross_devices(world: World, tmp_path: Path) -> None:
    if world.base.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second device")
    settings = replace(world.settings, library=tmp_path / "library")
    source = world.drop("a.jpg", b"a photo")
    with Library.open(settings, owner=True, clock=world.clock) as library:
        report = place(library, world, source, TransferMode.LINK)
        assert str(report.pause) == (
            f"{tmp_path}/library/Pets: cannot have a hard link to {source}: they are on different devices; "
            "use --copy or --symlink"
        )
        assert not (tmp_path / "library" / "Pets").exists()  # and no silent copy
        for transfer_mode in (TransferMode.COPY, TransferMode.SYMLINK):
            (placed,) = place(library, world, source, transfer_mode).filed
            assert placed.destination.read_bytes() == b"a photo"
        assert source.exists()


def test_from_a_folder_that_cannot_be_changed(world: World, library: Library) -> None:
    source = world.drop("card/a.jpg", b"a photo")
    source.parent.chmod(0o500)
    try:
        for transfer_mode in (TransferMode.COPY, TransferMode.SYMLINK):
            assert place(library, world, source, transfer_mode).filed
            assert library.undo().undone
    finally:
        source.parent.chmod(0o700)


@pytest.mark.parametrize("transfer_mode", STAYING)
def test_what_cannot_be_read_comes_to_quarantine_alike(
    world: World, library: Library, transfer_mode: TransferMode
) -> None:
    source = world.drop("bad.jpg", b"half")
    filing = replace(world.filing(source, action=Action.QUARANTINED), transfer_mode=transfer_mode)
    assert library.file([filing]).filed[0].action is Action.QUARANTINED
    assert {path.name for path in world.quarantine.iterdir()} == {"bad.jpg", "bad.jpg.reason.txt"}
    assert library.file([filing]).known
    library.undo()
    assert list(world.quarantine.iterdir()) == []
    assert source.read_bytes() == b"half"


@pytest.mark.parametrize("version", [1, 2, 3, 4])
def test_a_journal_of_an_older_version_goes_on(world: World, version: int) -> None:
    with world.open() as library:
        place(library, world, world.drop("a.jpg", b"a photo"), TransferMode.MOVE)
    journal = sqlite3.connect(world.state / "journal.sqlite")
    with journal:
        journal.execute("ALTER TABLE operations DROP COLUMN camera")
        if version < 4:
            journal.execute("ALTER TABLE operations DROP COLUMN observed")
        if version < 3:
            journal.execute("ALTER TABLE operations DROP COLUMN taken")
            journal.execute("DROP TABLE made_folders")
        if version == 1:
            journal.execute("ALTER TABLE operations DROP COLUMN manner")
        journal.execute(f"PRAGMA user_version = {version}")
    journal.close()
    with world.open() as library:
        assert [event.transfer_mode for event in library.events()] == [TransferMode.MOVE]
        assert place(library, world, world.drop("b.jpg", b"another"), TransferMode.COPY).filed
        assert library.undo().undone
        assert library.undo().undone
