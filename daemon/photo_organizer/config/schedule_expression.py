"""When to retrain: `"after corrections"`, or at a time of the wall clock: `"Sun 03:00"`, `"Mon-Fri 02:30"`,
`"daily 02:30"` or a cron expression, in local time.

The arithmetic is cronsim's, which follows Debian's cron over the changes of summer time.
"""

from __future__ import annotations

import re
from datetime import datetime

from cronsim import CronSim, CronSimError

AFTER_CORRECTIONS = "after corrections"
"""The schedule of a retraining that begins when enough new corrections have come, at any time."""

DAYS = {
    "mon": "monday",
    "tue": "tuesday",
    "wed": "wednesday",
    "thu": "thursday",
    "fri": "friday",
    "sat": "saturday",
    "sun": "sunday",
}
CLOCK = re.compile(r"(?P<days>[A-Za-z,\- ]+?)\s+(?P<hour>\d{1,2}):(?P<minute>\d{2})")


def cron_expression(text: str) -> str:
    """The five cron fields that `text` means.

    Raises:
        ValueError: `text` is no schedule.
    """
    text = text.strip()
    clock = CLOCK.fullmatch(text)
    if clock is None:
        expression = text
    else:
        hour, minute = int(clock["hour"]), int(clock["minute"])
        expression = f"{minute} {hour} * * {_days(clock['days'])}"
    if len(expression.split()) != 5:
        raise ValueError("is no schedule")
    try:
        # a date that never comes (30 February) is found by looking for the first
        next(CronSim(expression, datetime(2024, 1, 1)))
    except CronSimError as error:
        raise ValueError(f"is no schedule ({error})") from error
    except StopIteration as error:
        raise ValueError("never comes") from error
    return expression


def _days(text: str) -> str:
    if text.strip().lower() in {"daily", "every day"}:
        return "*"
    return ",".join(
        "-".join(_day(name) for name in part.split("-", 1)) for part in text.replace(" ", "").split(",")
    )


def _day(name: str) -> str:
    short = name[:3].lower()
    if not name or not DAYS.get(short, "").startswith(name.lower()):
        raise ValueError(f"is no schedule ({name!r} is no day)")
    return short.upper()
