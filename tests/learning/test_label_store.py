"""The label store: what the owner confirmed, and stores of an older version."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from photo_organizer.learning.labels.label_store import (
    Confirmation,
    FolderChoice,
    LabelStore,
    LabelStoreError,
    Part,
    Provenance,
)
from support.learning_home import NOW, Home

VERSION_1 = """
CREATE TABLE files (path BLOB PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
    inode INTEGER NOT NULL, sha256 TEXT) WITHOUT ROWID;
CREATE TABLE labels (sha256 TEXT PRIMARY KEY, category TEXT NOT NULL, provenance TEXT NOT NULL,
    first_seen TEXT NOT NULL, path BLOB NOT NULL, reported TEXT) WITHOUT ROWID;
CREATE TABLE parts (sha256 TEXT PRIMARY KEY, part TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE trained (sha256 TEXT PRIMARY KEY, category TEXT NOT NULL, model TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO files VALUES (CAST('/library/Pets/a.jpg' AS BLOB), 1, 2, 3, 'aa');
INSERT INTO labels VALUES ('aa', 'Pets', 'corrected', '2026-11-22T03:00:00+00:00', X'2F61', 'Pets');
INSERT INTO labels VALUES ('bb', 'Garden', 'placed', '2026-11-22T03:00:00+00:00', X'2F62', NULL);
INSERT INTO labels VALUES ('cc', 'Old', 'untouched', '2026-11-22T03:00:00+00:00', X'2F63', NULL);
INSERT INTO parts VALUES ('aa', 'hold-out');
INSERT INTO trained VALUES ('aa', 'Pets', 'm1');
PRAGMA user_version = 1;
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path).make_folders()


def columns(path: Path) -> dict[str, list[str]]:
    with closing(sqlite3.connect(path)) as connection, connection:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        found = {
            table: [row[1] for row in connection.execute(f"PRAGMA table_info({table})")] for table in tables
        }
    connection.close()
    return found


def test_a_store_of_version_1_is_brought_up_to_date_with_all_it_remembers(tmp_path: Path) -> None:
    path = tmp_path / "labels.sqlite"
    connection = sqlite3.connect(path)
    connection.executescript(VERSION_1)
    connection.close()
    with LabelStore(path) as store:
        assert store.labels()["aa"].provenance is Provenance.CORRECTED
        assert (store.parts(), store.trained()) == ({"aa": Part.HOLD_OUT}, {"aa": "Pets"})
        assert store.files()[b"/library/Pets/a.jpg"].sha256 == "aa"
        assert store.folder_choices() == {
            "Garden": FolderChoice.ACCEPTED,
            "Pets": FolderChoice.ACCEPTED,
        }, "what was learned without asking stays learned"
    with LabelStore(tmp_path / "new.sqlite"):
        pass
    assert columns(path) == columns(tmp_path / "new.sqlite")


def test_a_store_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "labels.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(LabelStoreError, match="newer version"):
        LabelStore(path)


def test_a_photo_that_the_owner_confirmed_where_it_was_filed_is_a_label(home: Home) -> None:
    photos = [home.file("Food", seed) for seed in range(2)]
    first, second = (label.sha256 for label in sorted(home.scan().labels, key=lambda label: label.path))
    with home.store() as store:
        store.confirm({first: "Food"}, NOW)
        assert store.confirmed() == {first: Confirmation("Food", NOW)}
    scan = home.scan()
    assert {label.sha256: label.provenance for label in scan.labels} == {
        first: Provenance.CONFIRMED,
        second: Provenance.UNTOUCHED,
    }
    assert scan.new == {Provenance.CONFIRMED: 1}
    assert [action for action, _ in home.events()] == ["filed", "filed"], "nothing was corrected"
    assert all(photo.exists() for photo in photos)


def test_a_confirmation_ends_when_it_is_withdrawn_or_the_photo_moves_on(home: Home) -> None:
    photo = home.file("Food", 1)
    (label,) = home.scan().labels
    with home.store() as store:
        store.confirm({label.sha256: "Food"}, NOW)
    photo.write_bytes(photo.read_bytes() + b"edited in place")
    assert [label.provenance for label in home.scan().labels] == [Provenance.CONFIRMED]
    with home.store() as store:
        store.withdraw_confirmation([label.sha256])
    photo = photo.rename(photo.with_name("renamed.png"))
    with home.store() as store:
        store.confirm({label.sha256: "Food"}, NOW + timedelta(days=1))
    (home.library / "Pets").mkdir()
    photo.rename(home.library / "Pets" / photo.name)
    assert Provenance.CONFIRMED not in [label.provenance for label in home.scan().labels]


def test_labels_that_stay_the_same_are_not_written_again(home: Home) -> None:
    home.place("Pets", 1)
    home.scan()
    with home.store() as store:
        watcher = sqlite3.connect(store.path)
        version = watcher.execute("PRAGMA data_version").fetchone()
        store.replace_labels(store.labels().values())
        assert watcher.execute("PRAGMA data_version").fetchone() == version
        watcher.close()
