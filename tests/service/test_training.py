"""Retraining by schedule: due, caught up, postponed, listened to, and ended without harm."""

from __future__ import annotations

import select
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from photo_organizer.config import Configuration, load_configuration
from photo_organizer.service.persisted_state import PersistedState
from photo_organizer.service.retraining import Training, TrainingResult

MONDAY = datetime(2026, 11, 23, 12, 0).astimezone()
Make = Callable[[Configuration, "WallClock", str], Training]
ONLY_TRAINING = """
import sys
if "--notice" in sys.argv:
    from photo_organizer.learning.process import main
    sys.exit(main(sys.argv[1:]))
"""
PROMOTED = """
import json
print("a library talks", flush=True)
print(json.dumps({"event": "progress", "stage": "head", "text": "epoch 3 of 9"}), flush=True)
print(json.dumps({"event": "outcome", "promoted": True, "model": "m2", "reason": "accuracy 0.91, was 0.88"}))
"""


class WallClock:
    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def configuration(tmp_path: Path) -> Configuration:
    for name in ("in", "library", "state"):
        (tmp_path / name).mkdir()
    path = tmp_path / "organizer.yaml"
    path.write_text(
        "inboxes: [in]\nlibrary: library\nstate: {directory: state}\n"
        'retraining: {schedule: "Sun 03:00", on_battery: true}\n'
    )
    return load_configuration(path)


@pytest.fixture
def training() -> Iterator[Callable[[Configuration, WallClock, str], Training]]:
    """As in the daemon, with a short program in the place of the training process."""
    everything = []

    def make(configuration: Configuration, clock: WallClock, program: str) -> Training:
        persisted = PersistedState(configuration.state_directory)
        command = (sys.executable, "-c", ONLY_TRAINING + program)
        made = Training(configuration, persisted, clock=clock, command=command, grace_seconds=0.0)
        everything.append(made)
        return made

    yield make
    for made in everything:
        made.stop()


def run_to_result(made: Training) -> TrainingResult:
    while True:
        descriptor = made.fileno()
        assert descriptor is not None, "no process was started"
        assert select.select([descriptor], [], [], 10)[0]
        result = made.step()
        if result is not None:
            return result


def test_the_first_retraining_is_the_next_by_schedule_and_not_at_once(
    configuration: Configuration, training: Make
) -> None:
    made = training(configuration, WallClock(MONDAY), PROMOTED)
    assert made.next_time is not None
    assert (made.next_time.strftime("%a %H:%M"), made.next_time.date()) == (
        "Sun 03:00",
        datetime(2026, 11, 29).date(),
    )
    assert made.step() is None
    assert not made.running


def test_when_it_is_due_it_runs_and_its_words_are_heard(configuration: Configuration, training: Make) -> None:
    clock = WallClock(MONDAY)
    made = training(configuration, clock, PROMOTED)
    clock.now += timedelta(days=7)
    assert made.step() is None
    assert made.running
    result = run_to_result(made)
    assert result == TrainingResult("promoted: accuracy 0.91, was 0.88", promoted=True)
    assert not made.running
    assert made.next_time is not None
    assert made.next_time > clock.now


def test_a_time_that_was_slept_through_is_caught_up_after_a_restart(
    configuration: Configuration, training: Make
) -> None:
    clock = WallClock(MONDAY)
    training(configuration, clock, PROMOTED)
    clock.now += timedelta(days=30)
    later = training(configuration, clock, PROMOTED)
    later.step()
    assert run_to_result(later).promoted
    again = training(configuration, clock, PROMOTED)
    again.step()
    assert not again.running, "four Sundays are made up for by one run"


def test_a_run_that_a_shutdown_cut_off_is_caught_up(configuration: Configuration, training: Make) -> None:
    clock = WallClock(MONDAY)
    made = training(configuration, clock, "import time; time.sleep(60)")
    clock.now += timedelta(days=7)
    made.step()
    made.stop()
    assert not made.running
    after_restart = training(configuration, clock, PROMOTED)
    after_restart.step()
    assert run_to_result(after_restart).promoted


def test_a_process_that_dies_is_an_error_with_its_reason_and_does_not_loop(
    configuration: Configuration, training: Make
) -> None:
    clock = WallClock(MONDAY)
    made = training(configuration, clock, "import os; os.kill(os.getpid(), 9)")
    clock.now += timedelta(days=7)
    made.step()
    assert run_to_result(made) == TrainingResult("failed: SIGKILL", promoted=False, failed=True)
    made.step()
    assert not made.running


def test_switched_off_is_off(configuration: Configuration, training: Make) -> None:
    path = configuration.path
    path.write_text(path.read_text().replace("{schedule", "{enabled: false, schedule"))
    made = training(load_configuration(path), WallClock(MONDAY + timedelta(days=60)), PROMOTED)
    made.step()
    assert (made.next_time, made.next_due(), made.running) == (None, None, False)


def test_under_load_it_is_postponed_with_the_reason(configuration: Configuration, training: Make) -> None:
    path = configuration.path
    path.write_text(path.read_text().replace("{schedule", "{max_load: 0.0001, schedule"))
    clock = WallClock(MONDAY)
    made = training(load_configuration(path), clock, PROMOTED)
    clock.now += timedelta(days=7)
    made.step()
    assert not made.running
    assert "load" in (made.blocked_reason or "")
