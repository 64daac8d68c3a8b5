"""When to retrain by itself, and what speaks against now.

The words of a schedule ("Sun 03:00", "daily 02:30", a cron expression) are the configuration's; the
arithmetic of cron is cronsim's. Schedules are wall-clock times of this machine: aware times are turned into
local ones first, so that 03:00 stays 03:00 when summer time begins.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from cronsim import CronSim

from photo_organizer.config import Configuration
from photo_organizer.config.schedule_expression import cron_expression

POWER_SUPPLIES = Path("/sys/class/power_supply")


def next_run(text: str, after: datetime) -> datetime:
    """Return the first time after `after` that the schedule names; aware (local) when `after` is aware.

    Raises:
        ValueError: `text` is not a valid schedule.
    """
    found: datetime = next(CronSim(cron_expression(text), _wall_clock(after)))
    return found.astimezone() if after.tzinfo is not None else found


def blocked_reason(
    config: Configuration, *, supplies: Path = POWER_SUPPLIES, load: float | None = None
) -> str | None:
    """Return why a scheduled retraining should not start now ("the machine runs on battery"); None when
    nothing does.

    Args:
        config: whose `retraining` section decides.
        supplies: the kernel's folder of power supplies.
        load: load average per core of the last minute; None asks the machine.
    """
    settings = config.retraining
    if not settings.enabled:
        return "retraining is switched off"
    if not settings.on_battery and _on_battery(supplies):
        return "the machine runs on battery"
    if settings.max_load is not None:
        per_core = os.getloadavg()[0] / (os.cpu_count() or 1) if load is None else load
        if per_core > settings.max_load:
            return f"the load is {per_core:.2f} per core, above max_load {settings.max_load:g}"
    return None


def _wall_clock(moment: datetime) -> datetime:
    return moment.astimezone().replace(tzinfo=None) if moment.tzinfo is not None else moment


def _on_battery(supplies: Path) -> bool:
    """Return whether a battery of the machine is discharging, or its mains adapter is there and offline."""
    mains, discharging = [], False
    for supply in _folders(supplies):
        if _text(supply / "scope") == "Device":  # the battery of a mouse
            continue
        kind = _text(supply / "type")
        if kind in {"Mains", "USB"}:
            mains.append(_text(supply / "online") == "1")
        elif kind == "Battery":
            discharging = discharging or _text(supply / "status") == "Discharging"
    return discharging and not any(mains)


def _folders(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from sorted(path.iterdir())


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError):  # a supply without this property
        return ""
