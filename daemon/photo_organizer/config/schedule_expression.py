"""Schedules for retraining: `"after corrections"`, or a local time such as `"Sun 03:00"`, `"Mon-Fri 02:30"`,
`"daily 02:30"` or a cron expression.

Times are computed by cronsim, which handles daylight saving time like Debian's cron.
"""

from __future__ import annotations

import re
from datetime import datetime

from cronsim import CronSim, CronSimError

AFTER_CORRECTIONS = "after corrections"
"""The schedule that retrains whenever there are enough new corrections."""

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
    """Return `text` as five cron fields.

    Raises:
        ValueError: `text` is not a valid schedule.
    """
    text = text.strip()
    clock = CLOCK.fullmatch(text)
    if clock is None:
        expression = text
    else:
        hour, minute = int(clock["hour"]), int(clock["minute"])
        expression = f"{minute} {hour} * * {_days(clock['days'])}"
    if len(expression.split()) != 5:
        raise ValueError("is not a valid schedule")
    try:
        # searching for the first occurrence finds dates that do not exist (30 February)
        next(CronSim(expression, datetime(2024, 1, 1)))
    except CronSimError as error:
        raise ValueError(f"is not a valid schedule ({error})") from error
    except StopIteration as error:
        raise ValueError("never occurs") from error
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
        raise ValueError(f"is not a valid schedule ({name!r} is not a day)")
    return short.upper()
