"""What guards the library: one owner, one mover at a time, no folder outside of it, no ledger row lost."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from photo_organizer.fsops import FileOperations
from photo_organizer.library import DestinationError, LibraryLocked, Selection
from photo_organizer.library.locks import OwnerLock, moves_lock
from photo_organizer.library.move.open_folders import FolderRefusedError, Folders, OpenFolder
from photo_organizer.library.record.ledger_text import HEADER
from photo_organizer.library.xmp import sidecars
from photo_organizer.library.xmp.keywords import KeywordSettings, is_ours, sidecar_text
from photo_organizer.library.xmp.sidecars import Sidecars
from support.faults.fault_steps import SteppedOperations
from support.faults.photo_world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "near", tmp_path / "there")


# locks
# ----------------------------------------------------------------------------------------------------------


def test_two_movers_do_not_move_at_once(tmp_path: Path) -> None:
    with (
        moves_lock(tmp_path / "lock"),
        pytest.raises(DestinationError),
        moves_lock(tmp_path / "lock", patience=0.05),
    ):
        pytest.fail("two move at once")
    with moves_lock(tmp_path / "lock", patience=0):
        pass
    with pytest.raises(KeyError), moves_lock(tmp_path / "lock"):
        raise KeyError
    with moves_lock(tmp_path / "lock", patience=0):
        pass


def test_a_library_has_one_owner_who_says_which_process_it_is(tmp_path: Path) -> None:
    lock = OwnerLock(tmp_path / "lock")
    assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"
    with pytest.raises(LibraryLocked) as raised:
        OwnerLock(tmp_path / "lock")
    assert raised.value.pid == os.getpid()
    lock.release()
    OwnerLock(tmp_path / "lock").release()


def test_what_moves_photos_holds_the_lock(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Filing, undo, recovery and the repair of the ledger: not one step on the disk without it."""
    world.drop("a.jpg", b"photo a")
    operations = SteppedOperations()
    with world.open(operations) as library:
        lock = world.state / "moves.lock"
        assert lock.exists()

        def check(step: Any) -> None:
            if step.name in {"rename_without_replacing", "rename_own", "unlink", "link", "write"}:
                with pytest.raises(DestinationError), moves_lock(lock, patience=0):
                    pytest.fail(f"{step.name} without the lock")

        operations.before = check
        world.file_all(library)
        library.undo(Selection())
        library.rebuild_ledger()
        library.recover()
        operations.before = None


# folders
# ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [b"..", b".", b"inner/../..", b"../outside"])
def test_no_name_leads_out_of_the_root(name: bytes, tmp_path: Path) -> None:
    (tmp_path / "root" / "inner").mkdir(parents=True)
    with Folders(FileOperations()) as folders, pytest.raises(OSError) as raised:
        folders.open(OpenFolder.below(os.fsencode(tmp_path / "root"), name), make=0o777)
    assert raised.value.errno == errno.EINVAL
    assert [path.name for path in tmp_path.iterdir()] == ["root"]


def test_a_link_or_a_file_in_the_place_of_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "outside").mkdir()
    (tmp_path / "root" / "link").symlink_to(tmp_path / "outside")
    (tmp_path / "root" / "file").write_bytes(b"")
    with Folders(FileOperations()) as folders:
        for name in (b"link", b"file", b"link/inner"):
            with pytest.raises(FolderRefusedError):
                folders.open(OpenFolder.below(os.fsencode(tmp_path / "root"), name), make=0o777)
    assert [path.name for path in (tmp_path / "outside").iterdir()] == []


def test_a_new_folder_is_on_the_disk_before_anything_is_put_into_it(tmp_path: Path) -> None:
    operations = SteppedOperations()
    with Folders(operations) as folders:
        folders.open(OpenFolder.below(os.fsencode(tmp_path), b"a/b"), make=0o700)
        names = [step.name for step in operations.steps if step.name in {"make_folder", "sync"}]
        assert names == ["make_folder", "sync", "make_folder", "sync"]
        assert set(folders.made) == {os.fsencode(tmp_path / "a"), os.fsencode(tmp_path / "a" / "b")}


def test_a_folder_that_was_moved_away_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    place = OpenFolder.below(os.fsencode(tmp_path), b"a")
    with Folders(FileOperations()) as folders:
        assert not folders.is_still_there(place)
        folders.open(place)
        assert folders.is_still_there(place)
        (tmp_path / "a").rename(tmp_path / "b")
        assert not folders.is_still_there(place)
        (tmp_path / "a").mkdir()
        assert not folders.is_still_there(place)


# the ledger
# ----------------------------------------------------------------------------------------------------------


def test_a_repair_keeps_every_whole_row(world: World) -> None:
    """Also a last row of which only the line end was written half."""
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        world.drop(name, name.encode())
    with world.open() as library:
        world.file_all(library)
    ledger = world.settings.ledger
    whole = ledger.read_bytes()
    assert whole.count(b"\r\n") == 4
    for cut in (
        whole[:-1],
        whole[:-2],
        whole[: whole.rindex(b"\r\n", 0, -2) + 2],
        whole[:-10],
        HEADER,
        b"",
        HEADER[:5],
    ):
        ledger.write_bytes(cut)
        with world.open() as library:
            library.recover()
            assert library.verify_ledger().is_equal
        assert ledger.read_bytes() == whole, cut
    ledger.write_bytes(whole + b"a row of its owner's\r\n")
    with world.open() as library:
        library.recover()
    assert ledger.read_bytes() == whole + b"a row of its owner's\r\n"


def test_the_ledger_is_on_the_disk_and_a_new_ones_name_too(world: World) -> None:
    world.drop("a.jpg", b"photo a")
    operations = SteppedOperations()
    written: list[str] = []

    def note(step: Any, _: object) -> None:
        if step.name in {"write", "sync", "rename_own"}:
            descriptor = step.arguments[1 if step.name == "rename_own" else 0]
            path = Path(f"/proc/self/fd/{descriptor}").readlink()
            written.append(f"{step.name} {path.name}")

    with world.open(operations) as library:
        operations.after = note
        world.file_all(library)
        at = written.index("write predictions.csv")
        assert written[at : at + 3] == ["write predictions.csv", "sync predictions.csv", "sync state"]
        written.clear()
        library.rebuild_ledger()
        operations.after = None
    own = [step for step in written if "predictions" in step or "state" in step]
    last_write = max(at for at, step in enumerate(own) if step.startswith("write .predictions.csv.part"))
    assert own[last_write + 1] == "sync .predictions.csv.part"
    assert own.index("rename_own state") > last_write + 1
    assert own[-1] == "sync state" or "sync state" in own[own.index("rename_own state") :]


# sidecars
# ----------------------------------------------------------------------------------------------------------

KEYWORDS = KeywordSettings()


@pytest.fixture
def photo(world: World) -> Path:
    path = world.library / "Pets" / "a.jpg"
    path.parent.mkdir()
    path.write_bytes(b"photo")
    return path


def _sidecars(world: World, operations: FileOperations | None = None) -> Sidecars:
    return Sidecars(operations or FileOperations(), (os.fsencode(world.library),), KEYWORDS)


@pytest.mark.parametrize("name", ["a.jpg.xmp", "a.xmp", "a.jpg.XMP", "a.XMP"])
def test_a_sidecar_of_its_owner_is_never_touched(name: str, photo: Path, world: World) -> None:
    foreign = sidecar_text("Pets", KEYWORDS).replace(b"Pets", b"Pets</rdf:li><rdf:li>mine")
    photo.with_name(name).write_bytes(foreign)
    writer = _sidecars(world)
    assert writer.write(os.fsencode(photo), "Food") is False
    writer.remove(os.fsencode(photo))
    assert photo.with_name(name).read_bytes() == foreign
    assert {path.name for path in photo.parent.iterdir()} == {"a.jpg", name}


def test_ours_is_replaced_and_removed_and_is_on_the_disk(photo: Path, world: World) -> None:
    operations = SteppedOperations()
    writer = _sidecars(world, operations)
    for category in ("Pets", "Food"):
        operations.steps.clear()
        assert writer.write(os.fsencode(photo), category) is True
        assert photo.with_name("a.jpg.xmp").read_bytes() == sidecar_text(category, KEYWORDS)
        names = [step.name for step in operations.steps]
        at = names.index("write")
        assert names[at + 1] == "sync"
        assert names.index("rename_without_replacing") > at + 1
        assert "sync" in names[names.index("rename_without_replacing") :]
    operations.steps.clear()
    writer.remove(os.fsencode(photo))
    names = [step.name for step in operations.steps]
    assert "sync" in names[names.index("unlink", names.index("rename_own")) :]
    assert [path.name for path in photo.parent.iterdir()] == ["a.jpg"]


def test_one_that_comes_between_is_not_replaced(
    photo: Path, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another program saves its sidecar while ours is written, and while ours is removed."""
    operations = SteppedOperations()
    writer = _sidecars(world, operations)
    theirs = photo.with_name("a.jpg.xmp")

    def save(step: Any, _: object) -> None:
        if step.name == "write":
            theirs.write_bytes(b"<theirs/>")

    operations.after = save
    writer.write(os.fsencode(photo), "Pets")
    assert theirs.read_bytes() == b"<theirs/>"
    assert sorted(path.name for path in photo.parent.iterdir()) == ["a.jpg", "a.jpg.xmp"]
    operations.after = None
    theirs.unlink()
    writer.write(os.fsencode(photo), "Pets")

    def edit(step: Any) -> None:
        if step.name == "rename_own":
            new = photo.with_name("saving")
            new.write_bytes(b"<theirs/>")
            new.rename(theirs)

    operations.before = edit
    writer.remove(os.fsencode(photo))
    assert theirs.read_bytes() == b"<theirs/>"
    assert sorted(path.name for path in photo.parent.iterdir()) == ["a.jpg", "a.jpg.xmp"]


def test_only_every_byte_makes_a_sidecar_ours() -> None:
    ours = sidecar_text("Pets", KEYWORDS)
    assert is_ours(ours)
    for foreign in (
        b"<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>" + ours,
        ours + b"\n<!-- kept -->",
        b" " + ours,
        ours.replace(b"Pets", b"Pets&e;<x/>"),
        ours[:-1],
        ours.replace(b"</rdf:Bag>", b"<rdf:li>mine</rdf:li></rdf:Bag>"),
        b"",
        b"\xff" + ours,
    ):
        assert not is_ours(foreign), foreign


def test_what_a_crash_left_of_a_sidecar_is_tidied(photo: Path, world: World) -> None:
    draft, captured = (
        photo.with_name(os.fsdecode(sidecars._DRAFT)),
        photo.with_name(os.fsdecode(sidecars._CAPTURED)),
    )
    draft.write_bytes(b"half")
    captured.write_bytes(b"<of its owner/>")
    _sidecars(world).write(os.fsencode(photo), "Pets")
    assert not draft.exists()
    assert not captured.exists()
    assert photo.with_name("recovered.xmp").read_bytes() == b"<of its owner/>"


def test_a_new_start_tidies_what_a_crash_left_of_a_sidecar(world: World) -> None:
    world.drop("a.jpg", b"photo a")
    with world.open() as library:
        world.file_all(library)
    draft = world.library / "Pets" / os.fsdecode(sidecars._DRAFT)
    draft.write_bytes(b"half")
    world.open().close()
    assert [path.name for path in draft.parent.iterdir()] == ["a.jpg"]
