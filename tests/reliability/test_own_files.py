"""Files and databases of our own: replaced as a whole, on the disk, private, locked by one."""

from __future__ import annotations

import errno
import hashlib
import os
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from photo_organizer import files
from photo_organizer.fsops import FileOperations
from photo_organizer.library.record.journal import Journal
from photo_organizer.sqlite import NewerDatabaseError, open_database, replace_folder, transaction, upgrade


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_new_file_is_on_the_disk_before_it_takes_the_name_and_the_name_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    steps: list[str] = []

    def fsync(descriptor: int) -> None:
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        steps.append(f"{'folder' if is_folder else 'file'} {path.read_text()}")
        if not is_folder:
            assert os.fstat(descriptor).st_size == 3

    monkeypatch.setattr(os, "fsync", fsync)
    files.replace_file(path, "new")
    assert steps == ["file old", "folder new"]
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    steps.clear()
    files.replace_file(path, "fleeting", durable=False)
    assert steps == []
    assert path.read_text() == "fleeting"


def test_when_the_new_file_cannot_be_written_the_old_one_stays(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt), files.replacing(path) as file:
        file.write(b"half of the n")
        raise KeyboardInterrupt
    assert path.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_link_is_replaced_and_what_it_leads_to_is_not(tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"of somebody else")
    (tmp_path / "file").symlink_to("other")
    files.replace_file(tmp_path / "file", b"new", mode=0o600)
    assert not (tmp_path / "file").is_symlink()
    assert _mode(tmp_path / "file") == 0o600
    assert (tmp_path / "other").read_bytes() == b"of somebody else"


def test_the_hidden_file_is_not_written_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"of somebody else")
    (tmp_path / f".file.{os.getpid()}.new").symlink_to("other")
    with pytest.raises(OSError, match="symbolic"):
        files.replace_file(tmp_path / "file", b"new")
    assert (tmp_path / "other").read_bytes() == b"of somebody else"


def test_a_private_file_is_empty_private_and_no_link(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"old")
    (tmp_path / "file").unlink()
    old = os.umask(0)
    try:
        files.private_file(tmp_path / "file").close()
    finally:
        os.umask(old)
    assert _mode(tmp_path / "file") == 0o600
    (tmp_path / "file").write_bytes(b"old")
    files.private_file(tmp_path / "file").close()
    assert (tmp_path / "file").read_bytes() == b""
    (tmp_path / "link").symlink_to("file")
    with pytest.raises(OSError, match="symbolic"):
        files.private_file(tmp_path / "link")


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "read", [files.open_regular, lambda path: files.read_small_file(path, 10), files.file_sha256]
)
def test_a_pipe_is_not_waited_for(read: Callable[[Path], object], tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="not a regular file"):
        read(tmp_path / "pipe")


def test_a_small_file_is_small(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"0123456789")
    assert files.read_small_file(tmp_path / "file", 10) == b"0123456789"
    with pytest.raises(OSError) as raised:
        files.read_small_file(tmp_path / "file", 9)
    assert raised.value.errno == errno.EFBIG


def test_a_hash_is_of_the_file_itself(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"photo")
    assert files.file_sha256(tmp_path / "file") == hashlib.sha256(b"photo").hexdigest()
    (tmp_path / "link").symlink_to("file")
    with pytest.raises(OSError, match="symbolic"):
        files.file_sha256(tmp_path / "link")


def test_a_lock_has_one_holder_at_a_time(tmp_path: Path) -> None:
    first, second = files.open_lock_file(tmp_path / "lock"), files.open_lock_file(tmp_path / "lock")
    assert _mode(tmp_path / "lock") == 0o600
    assert not os.get_inheritable(first)
    assert files.try_lock(first) is True
    assert files.try_lock(second) is False
    os.close(first)
    assert files.try_lock(second) is True
    os.close(second)
    (tmp_path / "link").symlink_to("lock")
    with pytest.raises(OSError, match="symbolic"):
        files.open_lock_file(tmp_path / "link")


# databases
# ----------------------------------------------------------------------------------------------------------


def _pragma(connection: sqlite3.Connection, name: str) -> object:
    return connection.execute(f"PRAGMA {name}").fetchone()[0]


@pytest.mark.parametrize(("level", "number"), [("OFF", 0), ("NORMAL", 1), ("FULL", 2)])
def test_a_database_is_opened_as_asked(level: str, number: int, tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        with closing(open_database(tmp_path / "database", synchronous=level)) as connection:  # type: ignore[arg-type]
            assert _pragma(connection, "synchronous") == number
            assert _pragma(connection, "journal_mode") == "wal"
            assert _pragma(connection, "foreign_keys") == 1
            assert connection.isolation_level is None
    finally:
        os.umask(old)
    assert _mode(tmp_path / "database") == 0o600


def test_the_journal_survives_a_loss_of_power(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite", FileOperations())
    assert _pragma(journal._connection, "synchronous") == 2
    assert _pragma(journal._connection, "journal_mode") == "wal"
    journal.close()


def test_a_transaction_is_all_or_nothing_and_waits_for_others(tmp_path: Path) -> None:
    with (
        closing(open_database(tmp_path / "database", synchronous="OFF")) as one,
        closing(open_database(tmp_path / "database", synchronous="OFF")) as other,
    ):
        assert _pragma(one, "busy_timeout") == 30_000
        one.execute("CREATE TABLE t (n)")
        with pytest.raises(KeyboardInterrupt), transaction(one):
            one.execute("INSERT INTO t VALUES (1)")
            raise KeyboardInterrupt
        with transaction(one):
            one.execute("INSERT INTO t VALUES (2)")
            other.execute("PRAGMA busy_timeout = 0")
            with pytest.raises(sqlite3.OperationalError, match="locked"), transaction(other):
                pytest.fail("two write at once")
        assert other.execute("SELECT n FROM t").fetchall() == [(2,)]
        assert not one.in_transaction


def test_a_database_is_upgraded_once_and_a_newer_one_is_left_alone(tmp_path: Path) -> None:
    steps: list[int] = []
    with closing(open_database(tmp_path / "database", synchronous="OFF")) as connection:
        for version in (1, 1, 3):
            upgrade(connection, version, lambda _, found: steps.append(found))
        assert steps == [0, 1]
        assert _pragma(connection, "user_version") == 3
        with pytest.raises(NewerDatabaseError):
            upgrade(connection, 2, lambda _, found: steps.append(found))
        assert _pragma(connection, "user_version") == 3


def test_a_folder_is_replaced_in_what_is_below_it_alone(tmp_path: Path) -> None:
    paths = [b"/a/b", b"/a/b/c", b"/a/b0", b"/a/b.jpg", b"/a/bc", b"/a", b"/x/a/b"]
    with closing(open_database(tmp_path / "database", synchronous="OFF")) as connection:
        connection.execute("CREATE TABLE t (path BLOB)")
        connection.executemany("INSERT INTO t VALUES (?)", [(path,) for path in paths])
        assert replace_folder(connection, "t", "path", b"/a/b", b"/new") == 2
        found = [path for (path,) in connection.execute("SELECT path FROM t ORDER BY rowid")]
    assert found == [b"/new", b"/new/c", *paths[2:]]
