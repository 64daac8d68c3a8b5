"""When to retrain, and what speaks against now."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from photo_organizer.config import Configuration
from photo_organizer.learning.retraining_schedule import blocked_reason, next_run
from support.learning_home import Home


@pytest.fixture
def config(tmp_path: Path) -> Configuration:
    return Home(tmp_path).config


def with_retraining(config: Configuration, **changes: object) -> Configuration:
    return config.model_copy(update={"retraining": config.retraining.model_copy(update=changes)})


def supply(folder: Path, name: str, **properties: str) -> None:
    (folder / name).mkdir(parents=True)
    for key, value in properties.items():
        (folder / name / key).write_text(value + "\n")


@pytest.mark.parametrize(
    ("text", "after", "expected"),
    [
        ("Sun 03:00", "2026-11-22T02:59", "2026-11-22T03:00"),
        ("Sun 03:00", "2026-11-22T03:00", "2026-11-29T03:00"),
        ("daily 02:30", "2026-12-31T12:00", "2027-01-01T02:30"),
        ("*/15 4 * * 1-5", "2026-11-22T00:00", "2026-11-23T04:00"),
    ],
)
def test_the_next_run(text: str, after: str, expected: str) -> None:
    assert next_run(text, datetime.fromisoformat(after)) == datetime.fromisoformat(expected)


def test_an_aware_time_stays_aware_and_means_the_wall_clock() -> None:
    found = next_run("daily 02:30", datetime(2026, 11, 22, tzinfo=UTC))
    assert found.tzinfo is not None
    local = found.astimezone().replace(tzinfo=None)
    assert (local.hour, local.minute) == (2, 30)


def test_what_is_no_schedule_says_so() -> None:
    with pytest.raises(ValueError, match="not a valid schedule"):
        next_run("now and then", datetime(2026, 1, 1))


def test_nothing_hinders_a_desktop(config: Configuration, tmp_path: Path) -> None:
    assert blocked_reason(config, supplies=tmp_path / "none", load=9.0) is None


def test_battery_hinders_unless_allowed(config: Configuration, tmp_path: Path) -> None:
    supply(tmp_path / "power", "BAT0", type="Battery", status="Discharging")
    supply(tmp_path / "power", "AC", type="Mains", online="0")

    assert blocked_reason(config, supplies=tmp_path / "power") == "the machine runs on battery"
    assert blocked_reason(with_retraining(config, on_battery=True), supplies=tmp_path / "power") is None


@pytest.mark.parametrize(
    "supplies",
    [
        [{"type": "Battery", "status": "Discharging"}, {"type": "Mains", "online": "1"}],
        [{"type": "Battery", "status": "Charging"}],
        [{"type": "Battery", "status": "Discharging", "scope": "Device"}],
    ],
    ids=["plugged in and helping out", "charging", "a mouse"],
)
def test_other_batteries_do_not_hinder(
    config: Configuration, tmp_path: Path, supplies: list[dict[str, str]]
) -> None:
    for number, properties in enumerate(supplies):
        supply(tmp_path / "power", f"supply{number}", **properties)
    assert blocked_reason(config, supplies=tmp_path / "power") is None


def test_load_hinders_above_the_limit(config: Configuration, tmp_path: Path) -> None:
    limited = with_retraining(config, max_load=0.7)
    reason = blocked_reason(limited, supplies=tmp_path / "none", load=0.9)
    assert reason == "the load is 0.90 per core, above max_load 0.7"
    assert blocked_reason(limited, supplies=tmp_path / "none", load=0.5) is None


def test_switched_off_is_a_hindrance(config: Configuration) -> None:
    assert blocked_reason(with_retraining(config, enabled=False)) == "retraining is switched off"


def test_a_month_of_sleep_is_one_missed_run() -> None:
    considered = datetime(2026, 10, 1, 12)
    assert next_run("Sun 03:00", considered) < datetime(2026, 11, 1)
    assert next_run("Sun 03:00", datetime(2026, 11, 1, 3, 5)) - datetime(2026, 11, 1, 3, 5) < timedelta(
        days=7
    )
