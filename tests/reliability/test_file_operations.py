"""What each single step on a file promises: nothing followed, nothing replaced, nothing left unsynced."""

from __future__ import annotations

import errno
import fcntl
import os
import sqlite3
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from photo_organizer import fsops
from photo_organizer.fsops import FileOperations, open_photo

OPERATIONS = FileOperations()
Opener = Callable[[Path], int]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[int]:
    descriptor = os.open(tmp_path, os.O_RDONLY)
    yield descriptor
    os.close(descriptor)


def _in_its_folder(method: Callable[..., int], *more: int) -> Opener:
    def opener(path: Path) -> int:
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            return method(os.fsencode(path.name), folder, *more)
        finally:
            os.close(folder)

    return opener


OPENERS: dict[str, Opener] = {
    "open_photo": open_photo,
    "open_file": _in_its_folder(OPERATIONS.open_file),
    "open_ledger": _in_its_folder(OPERATIONS.open_ledger),
}
MAKERS = {
    "create_file": _in_its_folder(OPERATIONS.create_file),
    "open_ledger": _in_its_folder(OPERATIONS.open_ledger),
}


def _code(act: Callable[[], object]) -> int | None:
    with pytest.raises(OSError) as raised:
        act()
    return raised.value.errno


# opening
# ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", OPENERS)
def test_a_symbolic_link_is_never_opened(name: str, tmp_path: Path) -> None:
    (tmp_path / "photo").write_bytes(b"of somebody else")
    (tmp_path / "link").symlink_to("photo")
    assert _code(lambda: OPENERS[name](tmp_path / "link")) == errno.ELOOP
    (tmp_path / "to nothing").symlink_to("missing")
    assert _code(lambda: OPENERS[name](tmp_path / "to nothing")) == errno.ELOOP
    assert not (tmp_path / "missing").exists()


@pytest.mark.timeout(20)
@pytest.mark.parametrize("name", OPENERS)
def test_a_pipe_is_refused_without_waiting(name: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    before = {path.name for path in Path("/proc/self/fd").iterdir()}
    assert _code(lambda: OPENERS[name](tmp_path / "pipe")) == errno.EINVAL
    assert {path.name for path in Path("/proc/self/fd").iterdir()} == before


@pytest.mark.parametrize("name", ["open_photo", "open_file"])
def test_a_folder_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    assert _code(lambda: OPENERS[name](tmp_path / "folder")) == errno.EINVAL


@pytest.mark.parametrize("name", [*OPENERS, "create_file", "open_root", "open_folder"])
def test_no_other_program_inherits_a_descriptor(name: str, tmp_path: Path) -> None:
    (tmp_path / "photo").write_bytes(b"photo")
    (tmp_path / "folder").mkdir()
    openers: dict[str, tuple[Opener, str]] = {
        **{name: (opener, "photo") for name, opener in OPENERS.items()},
        "create_file": (MAKERS["create_file"], "new"),
        "open_root": (lambda path: OPERATIONS.open_root(os.fsencode(path)), "folder"),
        "open_folder": (_in_its_folder(OPERATIONS.open_folder), "folder"),
    }
    opener, target = openers[name]
    descriptor = opener(tmp_path / target)
    try:
        assert not os.get_inheritable(descriptor)
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("name", ["open_photo", "open_file", "open_root", "open_folder"])
def test_what_is_read_is_not_opened_for_writing(name: str, tmp_path: Path) -> None:
    (tmp_path / "photo").write_bytes(b"photo")
    openers: dict[str, Opener] = {
        **OPENERS,
        "open_root": lambda path: OPERATIONS.open_root(os.fsencode(path.parent)),
        "open_folder": lambda path: _in_its_folder(OPERATIONS.open_folder)(path.parent),
    }
    descriptor = openers[name](tmp_path / "photo")
    try:
        assert fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY
    finally:
        os.close(descriptor)


def test_a_configured_folder_may_be_a_link_and_one_below_it_may_not(tmp_path: Path, folder: int) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "file").write_bytes(b"")
    os.close(OPERATIONS.open_root(os.fsencode(tmp_path / "link")))
    os.close(OPERATIONS.open_folder(b"real", folder))
    assert _code(lambda: OPERATIONS.open_folder(b"link", folder)) in {errno.ELOOP, errno.ENOTDIR}
    assert _code(lambda: OPERATIONS.open_folder(b"file", folder)) == errno.ENOTDIR
    assert _code(lambda: OPERATIONS.open_root(os.fsencode(tmp_path / "file"))) == errno.ENOTDIR


def test_the_status_is_that_of_a_link_itself(tmp_path: Path, folder: int) -> None:
    (tmp_path / "photo").write_bytes(b"photo")
    (tmp_path / "link").symlink_to("photo")
    assert stat.S_ISLNK(OPERATIONS.status(b"link", folder).st_mode)
    assert OPERATIONS.read_link(b"link", folder) == b"photo"
    assert _code(lambda: OPERATIONS.read_link(b"photo", folder)) == errno.EINVAL


# making
# ----------------------------------------------------------------------------------------------------------


def test_a_new_file_takes_no_name_that_is_taken(tmp_path: Path, folder: int) -> None:
    (tmp_path / "taken").write_bytes(b"of another program")
    (tmp_path / "link").symlink_to("missing")
    for name in (b"taken", b"link"):
        assert _code(lambda name=name: OPERATIONS.create_file(name, folder)) == errno.EEXIST  # type: ignore[misc]
    assert (tmp_path / "taken").read_bytes() == b"of another program"
    assert not (tmp_path / "missing").exists()


@pytest.mark.parametrize("name", MAKERS)
def test_a_new_file_is_private_and_can_be_read_back(name: str, tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        descriptor = MAKERS[name](tmp_path / "new")
    finally:
        os.umask(old)
    try:
        assert stat.S_IMODE(os.fstat(descriptor).st_mode) == 0o600
        assert OPERATIONS.write(descriptor, b"bytes", 0) == 5
        assert OPERATIONS.read(descriptor, 3, 1) == b"yte"
    finally:
        os.close(descriptor)


def test_a_ledger_is_opened_as_it_is(tmp_path: Path, folder: int) -> None:
    (tmp_path / "ledger").write_bytes(b"rows")
    descriptor = OPERATIONS.open_ledger(b"ledger", folder)
    assert OPERATIONS.read(descriptor, 10, 0) == b"rows"
    OPERATIONS.truncate(descriptor, 2)
    OPERATIONS.close(descriptor)
    OPERATIONS.close(descriptor)  # never an error
    assert (tmp_path / "ledger").read_bytes() == b"ro"


def test_a_new_folder_has_its_mode_and_a_full_one_is_not_removed(tmp_path: Path, folder: int) -> None:
    OPERATIONS.make_folder(b"new", folder, 0o700)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700
    (tmp_path / "new" / "photo").write_bytes(b"photo")
    assert _code(lambda: OPERATIONS.remove_folder(b"new", folder)) in {errno.ENOTEMPTY, errno.EEXIST}
    (tmp_path / "new" / "photo").unlink()
    OPERATIONS.remove_folder(b"new", folder)
    assert not (tmp_path / "new").exists()
    assert OPERATIONS.may_change(folder) is True


# moving
# ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["rename_without_replacing", "link"])
def test_a_name_that_is_taken_is_never_replaced(way: str, tmp_path: Path, folder: int) -> None:
    (tmp_path / "photo").write_bytes(b"photo")
    (tmp_path / "taken").write_bytes(b"of another program")
    (tmp_path / "link").symlink_to("missing")
    for name in (b"taken", b"link"):
        assert (
            _code(lambda name=name: getattr(OPERATIONS, way)(b"photo", folder, name, folder)) == errno.EEXIST  # type: ignore[misc]
        )
    assert (tmp_path / "photo").read_bytes() == b"photo"
    assert (tmp_path / "taken").read_bytes() == b"of another program"
    assert (tmp_path / "link").is_symlink()


def test_between_two_folders(tmp_path: Path, folder: int) -> None:
    (tmp_path / "photo").write_bytes(b"photo")
    (tmp_path / "inner").mkdir()
    inner = OPERATIONS.open_folder(b"inner", folder)
    OPERATIONS.rename_without_replacing(b"photo", folder, b"moved", inner)
    assert (tmp_path / "inner" / "moved").read_bytes() == b"photo"
    OPERATIONS.link(b"moved", inner, b"linked", folder)
    assert (tmp_path / "linked").stat().st_ino == (tmp_path / "inner" / "moved").stat().st_ino
    OPERATIONS.rename_own(b"linked", folder, b"captured", folder)
    assert not (tmp_path / "linked").exists()
    OPERATIONS.unlink(b"captured", folder)
    assert not (tmp_path / "captured").exists()
    os.close(inner)


def test_a_second_name_for_a_link_is_not_one_for_what_it_leads_to(tmp_path: Path, folder: int) -> None:
    (tmp_path / "photo").write_bytes(b"photo")
    OPERATIONS.symlink(b"photo", b"link", folder)
    OPERATIONS.link(b"link", folder, b"second", folder)
    assert (tmp_path / "second").is_symlink()
    assert (tmp_path / "photo").stat().st_nlink == 1
    assert _code(lambda: OPERATIONS.symlink(b"else", b"link", folder)) == errno.EEXIST


def test_an_interrupted_rename_is_repeated_and_an_error_is_told(
    tmp_path: Path, folder: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (
        _code(lambda: OPERATIONS.rename_without_replacing(b"missing", folder, b"new", folder)) == errno.ENOENT
    )
    real, answers = fsops._renameat, [errno.EINTR, errno.EINTR]

    def renameat(*arguments: object) -> int:
        if answers:
            fsops.ctypes.set_errno(answers.pop())
            return -1
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(fsops, "_renameat", renameat)
    (tmp_path / "photo").write_bytes(b"photo")
    OPERATIONS.rename_without_replacing(b"photo", folder, b"new", folder)
    assert (tmp_path / "new").exists()
    assert not answers


# on the disk
# ----------------------------------------------------------------------------------------------------------


def test_a_sync_is_a_sync_of_that_descriptor(folder: int, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    OPERATIONS.sync(folder)
    assert synced == [folder]


def test_a_check_reads_from_the_disk(folder: int, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, ...]] = []
    monkeypatch.setattr(os, "posix_fadvise", lambda *arguments: asked.append(arguments))
    OPERATIONS.forget_cached(folder)
    assert asked == [(folder, 0, 0, os.POSIX_FADV_DONTNEED)]


def test_a_commit_ends_the_transaction() -> None:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute("CREATE TABLE t (n)")
    connection.execute("BEGIN")
    connection.execute("INSERT INTO t VALUES (1)")
    OPERATIONS.commit(connection)
    assert not connection.in_transaction
    assert connection.execute("SELECT n FROM t").fetchall() == [(1,)]


# who else has it open
# ----------------------------------------------------------------------------------------------------------


def test_a_file_that_a_program_writes_to_is_told(tmp_path: Path) -> None:
    path = tmp_path / "photo"
    path.write_bytes(b"photo")
    descriptor = open_photo(path)
    with path.open("ab"):
        assert OPERATIONS.is_being_written(descriptor) is True
        assert OPERATIONS.hold_against_writers(descriptor) is False
    assert OPERATIONS.is_being_written(descriptor) is False
    assert fcntl.fcntl(descriptor, fcntl.F_GETLEASE) == fcntl.F_UNLCK
    os.close(descriptor)


def test_a_held_file_is_not_opened_for_writing_until_it_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "photo"
    path.write_bytes(b"photo")
    descriptor = open_photo(path)
    assert OPERATIONS.hold_against_writers(descriptor) is True
    assert fcntl.fcntl(descriptor, fcntl.F_GETLEASE) == fcntl.F_RDLCK
    assert _code(lambda: os.open(path, os.O_WRONLY | os.O_NONBLOCK)) == errno.EAGAIN
    os.close(descriptor)
    os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK))


@pytest.mark.parametrize("code", [errno.EINVAL, errno.ENOLCK, errno.EACCES])
def test_a_file_system_without_leases_holds_nothing_up(
    code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise OSError(code, os.strerror(code))

    (tmp_path / "photo").write_bytes(b"photo")
    descriptor = open_photo(tmp_path / "photo")
    monkeypatch.setattr(fcntl, "fcntl", refuse)
    assert OPERATIONS.hold_against_writers(descriptor) is True
    assert OPERATIONS.is_being_written(descriptor) is False
    os.close(descriptor)


# attributes
# ----------------------------------------------------------------------------------------------------------


def test_mode_times_and_notes_are_copied(tmp_path: Path) -> None:
    source, copy = tmp_path / "photo", tmp_path / "copy"
    for path in (source, copy):
        path.write_bytes(b"photo")
    source.chmod(0o640)
    has_notes = True
    try:
        os.setxattr(source, "user.note", b"kept")
    except OSError:
        has_notes = False
    os.utime(source, ns=(1_600_000_000_123_456_789, 1_500_000_000_987_654_321))
    with source.open("rb") as reading, copy.open("r+b") as writing:
        OPERATIONS.copy_attributes(reading.fileno(), writing.fileno())
    status = copy.stat()
    assert stat.S_IMODE(status.st_mode) == 0o640
    assert (status.st_atime_ns, status.st_mtime_ns) == (1_600_000_000_123_456_789, 1_500_000_000_987_654_321)
    if has_notes:
        assert os.getxattr(copy, "user.note") == b"kept"


@pytest.mark.parametrize("code", [errno.EPERM, errno.EIO])
def test_what_a_disk_cannot_hold_is_left_out_and_a_failing_disk_is_told(
    code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    (tmp_path / "photo").write_bytes(b"photo")
    os.utime(tmp_path / "photo", ns=(1, 2))
    monkeypatch.setattr(os, "fchmod", refuse)
    monkeypatch.setattr(os, "listxattr", refuse)
    with (tmp_path / "photo").open("rb") as reading, (tmp_path / "copy").open("w+b") as writing:
        if code == errno.EIO:
            with pytest.raises(OSError, match="Input/output"):
                OPERATIONS.copy_attributes(reading.fileno(), writing.fileno())
            return
        OPERATIONS.copy_attributes(reading.fileno(), writing.fileno())
    assert (tmp_path / "copy").stat().st_mtime_ns == 2
