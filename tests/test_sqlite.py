"""Databases of our own, shared by several processes and several connections of one."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from photo_organizer.sqlite import closed_on_error, open_database
from photo_organizer.vision import feature_store
from photo_organizer.vision.feature_store import FeatureStore

READ = """
import sys
from contextlib import closing
from pathlib import Path
from photo_organizer.sqlite import open_database
with closing(open_database(Path(sys.argv[1]), synchronous="FULL")) as connection:
    print(connection.execute("SELECT group_concat(number) FROM numbers").fetchone()[0])
"""


def read_elsewhere(path: Path) -> str:
    """What another process reads, which is the last to close the database, as far as it can tell."""
    command = [sys.executable, "-c", READ, str(path)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_two_connections_of_one_process_lose_nothing_to_another_process(tmp_path: Path) -> None:
    path = tmp_path / "numbers.sqlite"
    with closing(open_database(path, synchronous="FULL")) as first:
        first.execute("CREATE TABLE numbers (number)")
        with closing(open_database(path, synchronous="FULL")) as second:
            second.execute("INSERT INTO numbers VALUES (1)")
            assert read_elsewhere(path) == "1"
            first.execute("INSERT INTO numbers VALUES (2)")
            second.execute("INSERT INTO numbers VALUES (3)")
            assert read_elsewhere(path) == "1,2,3"
    assert read_elsewhere(path) == "1,2,3"


def test_what_cannot_be_prepared_is_closed(tmp_path: Path) -> None:
    connection = open_database(tmp_path / "numbers.sqlite", synchronous="OFF")
    with pytest.raises(KeyboardInterrupt), closed_on_error(connection):
        raise KeyboardInterrupt
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        connection.execute("SELECT 1")


def test_a_feature_store_whose_tables_cannot_be_made_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feature_store, "_SCHEMA", "CREATE NOTHING")
    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(sqlite3.OperationalError) as error:
        FeatureStore(tmp_path / "features.sqlite")
    assert len(list(Path("/proc/self/fd").iterdir())) == before, error


def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    umask = os.umask(0)
    try:
        with closing(open_database(tmp_path / "new.sqlite", synchronous="OFF")) as connection:
            connection.execute("CREATE TABLE numbers (number)")
            assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
    finally:
        os.umask(umask)
