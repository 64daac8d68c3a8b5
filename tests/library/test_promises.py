"""Single promises of the safety core, each broken by one wrong line (`tests/mutation/known_mutants.py`)."""

from __future__ import annotations

import errno
import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from photo_organizer.fsops import FileOperations, open_photo
from photo_organizer.library import Selection, TransferMode
from photo_organizer.library.errors import DestinationError
from photo_organizer.library.locks import moves_lock
from photo_organizer.library.move.atomic_steps import Spot, put_back, remove_if
from photo_organizer.library.move.open_folders import Folders, OpenFolder
from support.faults.fault_scenarios import BY_NAME, limited, make_world
from support.faults.fault_steps import Step, SteppedOperations
from support.faults.photo_world import World, sha256
from support.faults.stops import begun, in_process

OPERATIONS = FileOperations()


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[int]:
    descriptor = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    yield descriptor
    os.close(descriptor)


def same_size_and_time(path: Path, content: bytes) -> None:
    """Another file in the place of `path`: same size and time, other bytes, other inode."""
    status = path.stat()
    assert len(content) == status.st_size
    new = path.with_name(".saving")
    new.write_bytes(content)
    os.utime(new, ns=(status.st_atime_ns, status.st_mtime_ns))
    new.replace(path)


# single steps


def test_a_new_file_never_takes_a_name_that_is_there(tmp_path: Path, folder: int) -> None:
    (tmp_path / "there").write_bytes(b"somebody's")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    for name in (b"there", b"link"):
        with pytest.raises(FileExistsError):
            OPERATIONS.create_file(name, folder)
    assert (tmp_path / "there").read_bytes() == b"somebody's"
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("opened", ["open_file", "open_folder", "open_ledger"])
def test_links_are_not_followed(tmp_path: Path, folder: int, opened: str) -> None:
    target = tmp_path / "target"
    target.mkdir() if opened == "open_folder" else target.write_bytes(b"")
    (tmp_path / "link").symlink_to(target)
    with pytest.raises(OSError, match=r"symbolic|directory"):
        getattr(OPERATIONS, opened)(b"link", folder)
    with pytest.raises(OSError, match="symbolic"):
        open_photo(tmp_path / "link")


def test_a_pipe_is_no_photo_and_holds_nobody_up(tmp_path: Path, folder: int) -> None:
    os.mkfifo(tmp_path / "pipe")
    for attempt in (
        lambda: open_photo(tmp_path / "pipe"),
        lambda: OPERATIONS.open_file(b"pipe", folder),
        lambda: OPERATIONS.open_ledger(b"pipe", folder),
    ):
        with pytest.raises(OSError, match="regular"):
            attempt()


@pytest.mark.parametrize("name", [b"..", b"."])
def test_no_folder_name_leads_upwards(tmp_path: Path, name: bytes) -> None:
    (tmp_path / "library").mkdir()
    root = os.fsencode(tmp_path / "library")
    with Folders(OPERATIONS) as folders, pytest.raises(OSError, match="plain"):
        folders.open(OpenFolder(os.path.join(root, name, b"outside"), len(root)), make=0o700)
    assert not (tmp_path / "outside").exists()


def test_a_file_that_is_open_for_writing_is_not_removed(tmp_path: Path, folder: int) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(b"photo")
    with path.open("r+b"):
        assert not remove_if(OPERATIONS, Spot(b"photo.jpg", folder), b".hidden", path.stat())
        assert OPERATIONS.is_being_written(os.open(path, os.O_RDONLY))
    assert path.read_bytes() == b"photo"
    assert remove_if(OPERATIONS, Spot(b"photo.jpg", folder), b".hidden", path.stat())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("change", ["size", "time", "inode"])
def test_a_file_that_is_not_the_one_expected_is_put_back(tmp_path: Path, folder: int, change: str) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(b"photo")
    expected = path.stat()
    if change == "inode":
        same_size_and_time(path, b"other")
    elif change == "time":
        os.utime(path, ns=(expected.st_atime_ns, expected.st_mtime_ns + 1))
    else:
        path.write_bytes(b"longer than before")
        os.utime(path, ns=(expected.st_atime_ns, expected.st_mtime_ns))
    now = path.read_bytes()
    assert not remove_if(OPERATIONS, Spot(b"photo.jpg", folder), b".hidden", expected)
    assert path.read_bytes() == now
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_not_safe_to_remove_is_put_back(tmp_path: Path, folder: int) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(b"photo")
    assert not remove_if(OPERATIONS, Spot(b"photo.jpg", folder), b".hidden", path.stat(), lambda: False)
    assert path.read_bytes() == b"photo"


def test_one_moves_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "moves.lock"
    with moves_lock(path), pytest.raises(DestinationError), moves_lock(path, patience=0):
        pytest.fail("both have it")
    with moves_lock(path, patience=0):
        pass


def test_the_journal_is_on_the_disk_when_a_transaction_ends(world: World) -> None:
    with world.open() as library:
        assert library._journal.value("PRAGMA synchronous") == 2  # FULL
        assert library._journal.value("PRAGMA journal_mode") == "wal"


# a photo that is not the one that was looked at


@pytest.mark.parametrize("across", [False, True])
@pytest.mark.parametrize("when", ["before", "during"])
def test_another_photo_of_the_same_size_and_time_is_not_filed_as_this_one(
    world: World, *, across: bool, when: str
) -> None:
    path = world.drop("a.jpg", b"photo a")
    filing = world.filing(path)
    operations = limited(SteppedOperations, ("across",) if across else ())()
    swapped: list[bool] = []

    def swap(step: Step) -> None:
        is_move = step.name in {"rename_without_replacing", "create_file"}
        if not swapped and ((is_move and "Pets" in _folder(step)) or when == "before"):
            swapped.append(True)
            same_size_and_time(path, b"photo b")

    with world.open(operations) as library:
        operations.before = swap
        report = library.file([filing])
        operations.before = None
        assert not report.filed
        assert swapped
        assert path.read_bytes() == b"photo b"
        assert not any(file.is_file() for file in (world.library / "Pets").glob("*"))


def _folder(step: Step) -> str:
    at = {"rename_without_replacing": 3, "create_file": 1}[step.name]
    return os.fspath(Path(f"/proc/self/fd/{step.arguments[at]}").readlink())


def test_a_source_that_is_open_for_writing_stays(world: World) -> None:
    """Across devices the source is removed at the end, unless a program could still write to it."""
    path = world.drop("a.jpg", b"photo a")
    operations = limited(FileOperations, ("across",))()
    with world.open(operations) as library, path.open("r+b") as writer:
        library.file([world.filing(path)])
        writer.seek(0)
        writer.write(b"edited!")
        writer.flush()
        assert path.read_bytes() == b"edited!"


@pytest.mark.parametrize("open_one", ["original", "copy"])
def test_undo_of_a_copy_leaves_both_while_one_is_open_for_writing(world: World, open_one: str) -> None:
    world.transfer_mode = TransferMode.COPY
    path = world.drop("a.jpg", b"photo a")
    with world.open() as library:
        library.file([replace(world.filing(path), transfer_mode=TransferMode.COPY)])
        copy = world.library / "Pets" / "a.jpg"
        with (path if open_one == "original" else copy).open("r+b"):
            library.undo(Selection())
            assert path.read_bytes() == copy.read_bytes() == b"photo a"
        path.unlink()
        library.undo(Selection())
        assert copy.read_bytes() == b"photo a", "it is the last one"


@pytest.mark.parametrize("at", ["create_file", "copy_attributes"])
def test_an_edit_that_restores_the_time_while_the_photo_is_copied_is_kept(world: World, at: str) -> None:
    """As `exiftool -P` edits: same size, same modification time. The disk is not to blame."""
    path = world.drop("a.jpg", b"photo a")
    before = path.stat()
    operations = limited(SteppedOperations, ("across",))()
    edited: list[bool] = []

    def edit(step: Step) -> None:
        if step.name == at and not edited:
            edited.append(True)
            with path.open("r+b") as file:
                file.write(b"edited!")
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    with world.open(operations) as library:
        operations.before = edit
        report = library.file([world.filing(path)])
        operations.before = None
    assert edited
    assert (report.filed, report.pause) == ((), None)
    assert len(report.set_aside) == 1
    assert path.read_bytes() == b"edited!"


def test_what_goes_back_takes_no_name_on_the_poorest_file_systems(tmp_path: Path, folder: int) -> None:
    (tmp_path / "hidden").write_bytes(b"photo")
    (tmp_path / "a.jpg").write_bytes(b"another")
    operations = limited(FileOperations, ("noreplace", "link"))()
    name = put_back(operations, Spot(b"hidden", folder), Spot(b"a.jpg", folder), b".hidden")
    assert name == b"a (2).jpg"
    assert (tmp_path / "a.jpg").read_bytes() == b"another"
    assert (tmp_path / "a (2).jpg").read_bytes() == b"photo"


# the last copy


def fail_after_publishing(world: World, act: Callable[[], None]) -> None:
    """Across devices: does `act` when the copy has its name, and then lets the sync of the folder fail."""
    operations = limited(SteppedOperations, ("across",))()
    published: list[bool] = []

    def interfere(step: Step) -> None:
        if step.name == "sync" and published:
            published.clear()
            act()
            raise OSError(errno.EIO, "Input/output error")

    def heard(step: Step, _: object) -> None:
        if step.name == "rename_without_replacing" and not step.arguments[2].startswith(b"."):
            published.append(True)

    with world.open(operations) as library:
        operations.before, operations.after = interfere, heard
        library.file([world.filing(world.inbox / "a.jpg")])
        operations.before = operations.after = None


def test_error_handling_keeps_the_copy_when_the_source_is_gone(world: World) -> None:
    path = world.drop("a.jpg", b"photo a")
    fail_after_publishing(world, path.unlink)
    with world.open() as library:
        library.recover()
    assert world.contents(hidden=True) == Counter([sha256(b"photo a")])


def test_error_handling_keeps_the_copy_when_the_source_was_edited(world: World) -> None:
    path = world.drop("a.jpg", b"photo a")
    fail_after_publishing(world, lambda: same_size_and_time(path, b"photo b"))
    with world.open() as library:
        library.recover()
    assert set(world.contents(hidden=True)) >= {sha256(b"photo b")}
    assert path.read_bytes() == b"photo b"


def test_error_handling_leaves_a_foreign_file_that_took_the_name(world: World) -> None:
    path = world.drop("a.jpg", b"photo a")
    published = world.library / "Pets" / "a.jpg"

    def replace_it() -> None:
        published.with_name("theirs").write_bytes(b"somebody's photo")
        published.with_name("theirs").replace(published)

    fail_after_publishing(world, replace_it)
    assert published.read_bytes() == b"somebody's photo"
    assert path.read_bytes() == b"photo a"


def test_a_captured_source_gets_its_name_again_though_the_first_try_fails(world: World) -> None:
    path = world.drop("a.jpg", b"photo a")
    operations = limited(SteppedOperations, ("across",))()
    failures: list[str] = []

    def fail(step: Step) -> None:
        goes = step.name == "unlink" and step.arguments[0].endswith(b".source")
        comes_back = step.name == "rename_without_replacing" and step.arguments[0].endswith(b".source")
        if (goes and not failures) or (comes_back and failures == ["unlink"]):
            failures.append(step.name)
            raise OSError(errno.EIO, "Input/output error")

    with world.open(operations) as library:
        operations.before = fail
        library.file([world.filing(path)])
        operations.before = None
        assert failures == ["unlink", "rename_without_replacing"]
        assert path.read_bytes() == b"photo a"


def test_the_original_is_on_the_disk_before_its_copy_goes(world: World) -> None:
    path = world.drop("a.jpg", b"photo a")
    operations = SteppedOperations()
    synced: list[int] = []
    removed: list[bool] = []

    def listen(step: Step) -> None:
        if step.name == "sync":
            synced.append(os.fstat(step.arguments[0]).st_ino)
        elif step.name == "unlink" and step.arguments[0].endswith(b".source"):
            removed.append({path.stat().st_ino, path.parent.stat().st_ino} <= set(synced))

    with world.open(operations) as library:
        library.file([replace(world.filing(path), transfer_mode=TransferMode.COPY)])
        operations.before = listen
        library.undo(Selection())
        operations.before = None
    assert removed == [True]


def killed_before(name: str, near: Path, is_the_step: Callable[[Step], bool]) -> World:
    """A world in which the scenario was killed before the first such step."""
    scenario = BY_NAME[name]
    world = make_world(scenario, near, near)

    def act() -> None:
        with begun(scenario, world) as (library, operations):

            def stop(step: Step) -> None:
                if is_the_step(step):
                    os.kill(os.getpid(), 9)

            operations.before = stop
            scenario.act(world, library)

    assert in_process(act) == -9
    return world


def publishes(step: Step) -> bool:
    return step.name == "rename_without_replacing" and step.arguments[0].endswith(b".part")


def removes_captured(step: Step) -> bool:
    return step.name == "unlink" and step.arguments[0].endswith(b".source")


def recovered(world: World) -> World:
    with world.open(limited(FileOperations, ("across",))()) as library:
        library.recover()
    return world


def test_recovery_keeps_a_complete_copy_whose_source_is_gone(world: World) -> None:
    killed = killed_before("a group across devices", world.base.parent / "k", publishes)
    before = killed.contents()
    for path in killed.inbox.iterdir():
        path.unlink()
    after = recovered(killed).contents()
    assert sha256(b"photo a" * 500) in after
    assert sha256(b"a sidecar that was there before") in after
    assert before[sha256(b"photo a" * 500)] == 1


def test_recovery_takes_no_foreign_file_of_the_same_size_for_its_copy(world: World) -> None:
    killed = killed_before("a group across devices", world.base.parent / "k", publishes)
    source = killed.inbox / "a.jpg"
    foreign = killed.library / "Pets" / "a.jpg"
    foreign.write_bytes(b"photo b" * 500)
    os.utime(foreign, ns=(source.stat().st_atime_ns, source.stat().st_mtime_ns))
    recovered(killed)
    assert {sha256(b"photo a" * 500), sha256(b"photo b" * 500)} <= set(killed.contents())


def test_recovery_puts_a_captured_source_back_that_was_written_to(world: World) -> None:
    killed = killed_before("a group across devices", world.base.parent / "k", removes_captured)
    (captured,) = killed.inbox.glob(".photo-organizer-*.source")
    captured.write_bytes(b"edited while it was captured")
    recovered(killed)
    assert sha256(b"edited while it was captured") in killed.contents()
    assert not list(killed.inbox.glob(".photo-organizer-*"))


# a swap at the last moment


@pytest.mark.parametrize("in_place", [False, True])
def test_a_photo_that_was_swapped_at_the_last_moment_goes_back(world: World, *, in_place: bool) -> None:
    path = world.drop("a.jpg", b"photo a")
    filing = world.filing(path)
    operations = SteppedOperations()

    def swap(step: Step) -> None:
        if step.name == "rename_without_replacing":
            operations.before = None
            new = path if in_place else path.with_name(".new")
            new.write_bytes(b"a newer photo")
            new.replace(path)

    with world.open(operations) as library:
        operations.before = swap
        assert not library.file([filing]).filed
    assert path.read_bytes() == b"a newer photo"
    assert not list((world.library / "Pets").glob("*.jpg"))


# the ledger


def test_a_repair_keeps_rows_that_the_journal_does_not_have(world: World) -> None:
    path = world.drop("a.jpg", b"photo a")
    with world.open() as library:
        library.file([world.filing(path)])
    ledger = world.settings.ledger
    with ledger.open("ab") as file:
        file.write(
            b"2020-01-01T00:00:00.000+00:00,old,filed,ff,/a,/b,Pets,0.9,Food,0.1,0.5,model-0\r\nhalf a r"
        )
    kept = ledger.read_bytes()[: -len(b"half a r")]
    second = world.drop("b.jpg", b"photo b")
    with world.open() as library:
        library.file([world.filing(second)])
    assert ledger.read_bytes().startswith(kept)
