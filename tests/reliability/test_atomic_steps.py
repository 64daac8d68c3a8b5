"""The steps that the mover is made of: which file is taken for which, and what is removed or put back."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from photo_organizer.fsops import FileOperations
from photo_organizer.library.move import atomic_steps
from photo_organizer.library.move.atomic_steps import (
    Found,
    NoAtomicMoveError,
    Spot,
    exists,
    find,
    has_content,
    put_back,
    remove_if,
    shift,
    write_all,
)
from photo_organizer.library.record.operation import Move
from photo_organizer.photo import FileIdentity
from support.faults.fault_scenarios import limited

PHOTO = b"the photo's bytes"
SAME_SIZE = b"the other's bytes"
HIDDEN = b".photo-organizer-hidden"


@dataclass
class Folder:
    """An open folder, with the photo in it."""

    path: Path
    descriptor: int
    operations: FileOperations = field(default_factory=FileOperations)

    def spot(self, name: str) -> Spot:
        return Spot(os.fsencode(name), self.descriptor)

    def put(self, name: str, data: bytes, like: os.stat_result | None = None) -> os.stat_result:
        (self.path / name).write_bytes(data)
        if like is not None:
            os.utime(self.path / name, ns=(like.st_atime_ns, like.st_mtime_ns))
        return (self.path / name).lstat()

    def move(self, status: os.stat_result, sha256: bytes | None) -> Move:
        return Move(b"/in/photo", b"/out/photo", FileIdentity.of(status), sha256)

    def files(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.path.iterdir()}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    path = tmp_path / "folder"
    path.mkdir()
    descriptor = os.open(path, os.O_RDONLY)
    yield Folder(path, descriptor)
    os.close(descriptor)


SHA256 = hashlib.sha256(PHOTO).digest()


# which file is it?
# ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "with_hash", "expected"),
    [
        ("photo", True, Found.SAME),
        ("photo", False, Found.SAME),
        ("equal copy", True, Found.SAME),
        ("copy of another time", True, Found.OTHER),
        ("same size and time", True, Found.OTHER),
        ("longer, same time", True, Found.OTHER),
        ("missing", True, Found.NOTHING),
        ("link", True, Found.OTHER),
        ("folder", True, Found.OTHER),
    ],
)
def test_a_file_is_known_by_inode_or_by_size_time_and_bytes(
    folder: Folder, name: str, expected: Found, *, with_hash: bool
) -> None:
    photo = folder.put("photo", PHOTO)
    folder.put("equal copy", PHOTO, photo)
    folder.put("copy of another time", PHOTO)
    os.utime(folder.path / "copy of another time", ns=(1, 1))
    folder.put("same size and time", SAME_SIZE, photo)
    folder.put("longer, same time", PHOTO + b"!", photo)
    (folder.path / "link").symlink_to("photo")
    (folder.path / "folder").mkdir()
    move = folder.move(photo, SHA256 if with_hash else None)
    assert find(folder.operations, move, os.fsencode(name), folder.descriptor) is expected


@pytest.mark.parametrize("change", ["bytes", "time", "size"])
def test_the_same_inode_written_to_has_changed(folder: Folder, change: str) -> None:
    photo = folder.put("photo", PHOTO)
    if change == "size":
        folder.put("photo", PHOTO + b"!", photo)
    else:
        (folder.path / "photo").write_bytes(SAME_SIZE)
        os.utime(folder.path / "photo", ns=(1, photo.st_mtime_ns + 1))
    assert find(folder.operations, folder.move(photo, SHA256), b"photo", folder.descriptor) is Found.CHANGED


@pytest.mark.parametrize(
    ("data", "expected"),
    [(PHOTO, True), (SAME_SIZE, False), (PHOTO + b"!", False), (PHOTO[:-1], False), (b"", False)],
)
def test_content_is_every_byte(folder: Folder, data: bytes, expected: bool) -> None:  # noqa: FBT001
    move = folder.move(folder.put("photo", PHOTO), SHA256)
    folder.put("there", data)
    assert has_content(folder.operations, move, b"there", folder.descriptor) is expected


def test_content_of_what_is_no_file(folder: Folder) -> None:
    move = folder.move(folder.put("photo", PHOTO), SHA256)
    (folder.path / "link").symlink_to("photo")
    os.mkfifo(folder.path / "pipe")
    for name in (b"link", b"pipe", b"missing"):
        assert has_content(folder.operations, move, name, folder.descriptor) is False
    assert has_content(folder.operations, folder.move(folder.put("photo", PHOTO), None), b"x", 0) is True


def test_what_cannot_be_read_is_not_judged(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> Any:
        raise OSError(errno.EIO, "broken")

    move = folder.move(folder.put("photo", PHOTO), SHA256)
    monkeypatch.setattr(folder.operations, "open_file", fail, raising=False)
    with pytest.raises(OSError, match="broken"):
        has_content(folder.operations, move, b"photo", folder.descriptor)
    monkeypatch.setattr(folder.operations, "status", fail, raising=False)
    with pytest.raises(OSError, match="broken"):
        exists(folder.operations, b"photo", folder.descriptor)


def test_short_writes_and_long_files(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(atomic_steps, "CHUNK", 5)
    real = folder.operations.write
    monkeypatch.setattr(
        folder.operations, "write", lambda fd, data, at: real(fd, bytes(data)[:3], at), raising=False
    )
    new = folder.operations.create_file(b"new", folder.descriptor)
    assert write_all(folder.operations, new, PHOTO, 2) == len(PHOTO) + 2
    assert folder.files()["new"] == b"\0\0" + PHOTO
    assert atomic_steps.digest(folder.operations, new) == hashlib.sha256(b"\0\0" + PHOTO).digest()
    os.close(new)


# moving
# ----------------------------------------------------------------------------------------------------------

WAYS = {"rename": (), "link": ("noreplace",), "neither": ("noreplace", "link")}


@pytest.mark.parametrize("way", WAYS)
def test_a_move_takes_no_name_that_is_taken(folder: Folder, way: str) -> None:
    folder.operations = limited(FileOperations, WAYS[way])()
    folder.put("photo", PHOTO)
    folder.put("taken", SAME_SIZE)
    with pytest.raises(NoAtomicMoveError if way == "neither" else FileExistsError):
        shift(folder.operations, folder.spot("photo"), folder.spot("taken"), HIDDEN)
    assert folder.files() == {"photo": PHOTO, "taken": SAME_SIZE}
    assert put_back(folder.operations, folder.spot("photo"), folder.spot("taken"), HIDDEN) == b"taken (2)"
    assert folder.files() == {"taken (2)": PHOTO, "taken": SAME_SIZE}


def test_over_a_link_the_new_name_lasts_before_the_old_one_goes(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.operations = limited(FileOperations, ("noreplace",))()
    folder.put("photo", PHOTO)
    at_sync: list[dict[str, bytes]] = []

    def sync(descriptor: int) -> None:
        assert descriptor == folder.descriptor
        at_sync.append(folder.files())

    monkeypatch.setattr(folder.operations, "sync", sync, raising=False)
    shift(folder.operations, folder.spot("photo"), folder.spot("new"), HIDDEN)
    assert at_sync == [{"photo": PHOTO, "new": PHOTO}]
    assert folder.files() == {"new": PHOTO}


@pytest.mark.parametrize("step", ["rename_without_replacing", "link"])
def test_a_step_that_was_made_and_answered_with_an_error_was_made(
    folder: Folder, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As over a network, when the answer is lost and the repeated question fails."""
    folder.operations = limited(FileOperations, () if step.startswith("rename") else ("noreplace",))()
    folder.put("photo", PHOTO)
    real = getattr(folder.operations, step)

    def late(*arguments: Any) -> None:
        real(*arguments)
        raise FileNotFoundError(errno.ENOENT, "lost")

    monkeypatch.setattr(folder.operations, step, late, raising=False)
    shift(folder.operations, folder.spot("photo"), folder.spot("new"), HIDDEN)
    assert folder.files() == {"new": PHOTO}


def test_a_failed_step_is_an_error(folder: Folder) -> None:
    status = folder.put("photo", PHOTO)
    (folder.path / "photo").unlink()
    with pytest.raises(FileNotFoundError):
        shift(folder.operations, folder.spot("photo"), folder.spot("new"), HIDDEN, status)
    limited_operations = limited(FileOperations, ("noreplace",))()
    with pytest.raises(FileNotFoundError):
        shift(limited_operations, folder.spot("photo"), folder.spot("new"), HIDDEN, status)


@pytest.mark.parametrize("when", ["written in place", "renamed over it"])
def test_the_last_resort_replaces_nothing_that_came_meanwhile(
    folder: Folder, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another program saves its file under the name that we have just reserved."""
    folder.operations = limited(FileOperations, ("noreplace", "link"))()
    folder.put("captured", PHOTO)
    real = folder.operations.create_file
    came = False

    def create_file(name: bytes, *arguments: Any) -> int:
        nonlocal came
        descriptor = real(name, *arguments)
        if name == b"wanted" and not came:
            came = True
            if when == "written in place":
                (folder.path / "wanted").write_bytes(SAME_SIZE)
            else:
                folder.put(".saving", SAME_SIZE)
                (folder.path / ".saving").rename(folder.path / "wanted")
        return descriptor

    monkeypatch.setattr(folder.operations, "create_file", create_file, raising=False)
    name = put_back(folder.operations, folder.spot("captured"), folder.spot("wanted"), HIDDEN)
    assert name == b"wanted (2)"
    assert folder.files() == {"wanted": SAME_SIZE, "wanted (2)": PHOTO}


# removing
# ----------------------------------------------------------------------------------------------------------


def test_what_is_as_expected_is_removed(folder: Folder) -> None:
    photo = folder.put("photo", PHOTO)
    assert remove_if(folder.operations, folder.spot("photo"), HIDDEN, photo) is True
    assert folder.files() == {}


def _rewritten(folder: Folder, photo: os.stat_result) -> None:
    (folder.path / "photo").write_bytes(SAME_SIZE)
    os.utime(folder.path / "photo", ns=(1, photo.st_mtime_ns + 1))


def _longer(folder: Folder, photo: os.stat_result) -> None:
    folder.put("photo", PHOTO + b"!", photo)


def _swapped(folder: Folder, photo: os.stat_result) -> None:
    """Another file with the same size and time."""
    folder.put("new", SAME_SIZE, photo)
    (folder.path / "new").rename(folder.path / "photo")


def _swapped_for_an_equal_one(folder: Folder, photo: os.stat_result) -> None:
    folder.put("new", PHOTO, photo)
    (folder.path / "new").rename(folder.path / "photo")


@pytest.mark.parametrize("change", [_rewritten, _longer, _swapped, _swapped_for_an_equal_one])
def test_what_is_something_else_is_put_back(
    folder: Folder, change: Callable[[Folder, os.stat_result], None]
) -> None:
    photo = folder.put("photo", PHOTO)
    change(folder, photo)
    before = folder.files()
    assert remove_if(folder.operations, folder.spot("photo"), HIDDEN, photo) is False
    assert folder.files() == before


def test_what_a_program_writes_to_is_put_back(folder: Folder) -> None:
    photo = folder.put("photo", PHOTO)
    with (folder.path / "photo").open("r+b") as writer:
        assert remove_if(folder.operations, folder.spot("photo"), HIDDEN, photo) is False
        writer.write(b"edited")
    assert folder.files() == {"photo": b"edited" + PHOTO[6:]}


def test_what_is_written_to_behind_the_look_is_put_back(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the status of the name and the lease: the file is looked at again when it is held."""
    photo = folder.put("photo", PHOTO)
    real = folder.operations.open_file

    def open_file(name: bytes, descriptor: int) -> int:
        (folder.path / os.fsdecode(name)).write_bytes(SAME_SIZE + b"!")
        return real(name, descriptor)

    monkeypatch.setattr(folder.operations, "open_file", open_file, raising=False)
    assert remove_if(folder.operations, folder.spot("photo"), HIDDEN, photo) is False
    assert folder.files() == {"photo": SAME_SIZE + b"!"}


def test_the_last_word_is_asked_with_the_name_captured(folder: Folder) -> None:
    photo = folder.put("photo", PHOTO)

    def is_safe() -> bool:
        assert [path.name for path in folder.path.iterdir()] == [os.fsdecode(HIDDEN)]
        return False

    assert remove_if(folder.operations, folder.spot("photo"), HIDDEN, photo, is_safe) is False
    assert folder.files() == {"photo": PHOTO}


def test_what_comes_under_its_name_meanwhile_stays(folder: Folder) -> None:
    photo = folder.put("photo", PHOTO)

    def is_safe() -> bool:
        folder.put("photo", SAME_SIZE)
        return False

    assert remove_if(folder.operations, folder.spot("photo"), HIDDEN, photo, is_safe) is False
    assert folder.files() == {"photo": SAME_SIZE, "photo (2)": PHOTO}


def test_what_its_owner_has_removed_is_gone(folder: Folder) -> None:
    photo = folder.put("photo", PHOTO)
    (folder.path / "photo").rename(folder.path / "kept by its owner")
    assert remove_if(folder.operations, folder.spot("photo"), HIDDEN, photo) is False
    assert folder.files() == {"kept by its owner": PHOTO}


def test_a_captured_file_is_removed_though_its_capture_was_answered_with_an_error(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = folder.put("photo", PHOTO)
    real = folder.operations.rename_own

    def late(*arguments: Any) -> None:
        real(*arguments)
        raise FileNotFoundError(errno.ENOENT, "lost")

    monkeypatch.setattr(folder.operations, "rename_own", late, raising=False)
    assert remove_if(folder.operations, folder.spot("photo"), HIDDEN, photo) is True
    assert folder.files() == {}


@pytest.mark.parametrize("step", ["rename_own", "unlink", "open_file", "status"])
def test_after_an_error_it_has_its_name(folder: Folder, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    photo = folder.put("photo", PHOTO)
    real = getattr(folder.operations, step)
    calls = 0

    def fail(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise OSError(errno.EIO, "broken")
        return real(*arguments)

    monkeypatch.setattr(folder.operations, step, fail, raising=False)
    with pytest.raises(OSError, match="broken"):
        remove_if(folder.operations, folder.spot("photo"), HIDDEN, photo)
    assert folder.files() == {"photo": PHOTO}


def test_removed_and_answered_with_an_error_is_removed(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = folder.put("photo", PHOTO)
    real = folder.operations.unlink

    def late(*arguments: Any) -> None:
        real(*arguments)
        raise OSError(errno.EIO, "lost")

    monkeypatch.setattr(folder.operations, "unlink", late, raising=False)
    assert remove_if(folder.operations, folder.spot("photo"), HIDDEN, photo) is True
    assert folder.files() == {}
