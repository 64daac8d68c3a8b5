"""Corrections are noticed between retrainings, and enough of them begin one."""

from __future__ import annotations

import select
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from photo_organizer.learning.labels import library_walk
from photo_organizer.learning.labels.category_folders import choose_folder
from photo_organizer.learning.labels.label_store import FolderChoice
from photo_organizer.service import retraining
from photo_organizer.service.library_changes import LibraryChanges
from photo_organizer.service.persisted_state import PersistedState
from photo_organizer.service.retraining import Training, TrainingResult
from support.learning_home import NOW, Home

MONDAY = datetime(2026, 11, 23, 12, 0).astimezone()
MINUTE = timedelta(minutes=1)
LOOKS_ARE_REAL = """
import json, os, sys
from photo_organizer.config import load_configuration
from photo_organizer.learning.labels.label_store import LabelStore
from photo_organizer.learning.process import main
if "--notice" in sys.argv:
    sys.exit(main(sys.argv[1:]))
config = load_configuration(sys.argv[2])
"""
TRAINS = """
with LabelStore(config.state_directory / "labels.sqlite") as store:
    store.mark_trained({label.sha256: label.category for label in store.labels().values()}, "m2")
print(json.dumps({"event": "outcome", "promoted": True, "model": "m2", "reason": "better"}))
"""
FAILS = """
print(json.dumps({"event": "outcome", "promoted": False, "reason": "no memory"}))
sys.exit(1)
"""


class WallClock:
    def __init__(self) -> None:
        self.now = MONDAY

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setattr(library_walk, "_RECENT_NS", 0)
    settings = "retraining: {on_battery: true, min_new_labels: 2}"
    return Home(tmp_path, more=settings).make_folders()


@pytest.fixture
def clock() -> WallClock:
    return WallClock()


@pytest.fixture
def training(home: Home, clock: WallClock) -> Iterator[Callable[..., Training]]:
    everything = []

    def make(program: str = TRAINS) -> Training:
        command = (sys.executable, "-c", LOOKS_ARE_REAL + program)
        persisted = PersistedState(home.root / "state")
        made = Training(home.config, persisted, clock=clock, command=command, grace_seconds=0.0)
        everything.append(made)
        return made

    yield make
    for made in everything:
        made.stop()


def run(made: Training) -> TrainingResult | None:
    """Starts what is due, and waits until it has ended."""
    result = made.step()
    while (descriptor := made.fileno()) is not None:
        assert select.select([descriptor], [], [], 20)[0]
        result = made.step()
    return result


def look(made: Training, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next look, without the minute before it."""
    monkeypatch.setattr(made, "_next_scan", 0.0)
    assert run(made) is None


def correct(home: Home, *seeds: int) -> None:
    (home.library / "Pets").mkdir(exist_ok=True)
    for seed in seeds:
        photo = home.file("Food", seed)
        photo.rename(home.library / "Pets" / photo.name)


def test_corrections_are_noticed_counted_and_put_into_the_ledger(
    home: Home, training: Callable[..., Training]
) -> None:
    correct(home, 1)
    made = training()
    assert run(made) is None
    assert (made.labels.corrections, made.labels.total, made.next_time) == (1, 1, None)
    assert home.events()[-1] == ("corrected", "Pets")


def test_enough_of_them_begin_a_retraining_once_their_owner_has_stopped(
    home: Home, clock: WallClock, training: Callable[..., Training], monkeypatch: pytest.MonkeyPatch
) -> None:
    correct(home, 1, 2)
    made = training()
    run(made)
    assert made.next_time == MONDAY + 5 * MINUTE
    clock.now += 4 * MINUTE
    correct(home, 3)
    look(made, monkeypatch)
    assert made.next_time == MONDAY + 9 * MINUTE, "they are not through yet"
    clock.now += 5 * MINUTE
    assert run(made) == TrainingResult("promoted: better", promoted=True)
    assert (made.labels.total, made.next_time) == (0, None)


def test_somebody_who_never_stops_waits_half_an_hour(
    home: Home, clock: WallClock, training: Callable[..., Training], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = training()
    run(made)
    for seed in range(2, 18, 2):
        correct(home, seed, seed + 1)
        look(made, monkeypatch)
        clock.now += 4 * MINUTE
    assert made.next_time is not None
    assert made.next_time <= clock.now
    assert run(made) is not None


def test_what_waits_is_known_after_a_restart_without_a_look(
    home: Home, training: Callable[..., Training]
) -> None:
    correct(home, 1, 2)
    run(training())
    assert training().labels.corrections == 2


def test_a_retraining_that_failed_is_not_tried_again_at_once(
    home: Home, clock: WallClock, training: Callable[..., Training]
) -> None:
    correct(home, 1, 2)
    made = training(FAILS)
    run(made)
    clock.now += 5 * MINUTE
    assert run(made) == TrainingResult("failed: no memory", promoted=False, failed=True)
    assert made.next_time == clock.now + timedelta(hours=6)


def test_a_look_that_fails_is_told_and_made_again_much_later(
    home: Home, training: Callable[..., Training], caplog: pytest.LogCaptureFixture
) -> None:
    made = training()
    (home.root / "state" / "labels.sqlite").write_bytes(b"not a database" * 100)
    run(made)
    assert "could not look for corrections" in caplog.text
    assert made.next_due() is not None
    assert made.next_due() > retraining.time.monotonic() + 3000  # type: ignore[operator, attr-defined]


def test_a_library_that_did_not_change_costs_no_process(home: Home) -> None:
    correct(home, 1)
    home.place("Garden", 1, looks_like="Nature")
    home.scan()
    changes = LibraryChanges(home.config)
    assert changes.has_changed(), "nothing is known yet"
    changes.remember()
    assert not changes.has_changed()
    home.place("Travel", 1)
    assert changes.has_changed()
    home.scan()
    changes.remember()
    assert not changes.has_changed()


@pytest.mark.parametrize("what", ["confirmed", "accepted", "moved", "deleted"])
def test_whatever_the_owner_did_is_a_change(home: Home, what: str) -> None:
    photo = home.file("Food", 1)
    home.place("Garden", 1, looks_like="Nature")
    label = home.scan().labels[0]
    changes = LibraryChanges(home.config)
    changes.remember()
    assert not changes.has_changed()
    if what == "confirmed":
        with home.store() as store:
            store.confirm({label.sha256: "Food"}, NOW)
            assert changes.has_changed(), "while the page is open"
    elif what == "accepted":
        choose_folder(home.config, "Garden", FolderChoice.ACCEPTED, NOW)
    elif what == "moved":
        photo.rename(home.library / "Garden" / photo.name)
    else:
        photo.unlink()
    assert changes.has_changed()


def test_a_library_that_is_not_there_is_not_looked_at(home: Home) -> None:
    correct(home, 1)
    home.scan()
    changes = LibraryChanges(home.config)
    changes.remember()
    home.library.rename(home.root / "elsewhere")
    assert not changes.has_changed()
