"""Moments as people type them: `14:30`, `2026-11-22`, `2026-11-22T14:30:00+01:00`, `90m`, `2h`, `1w`."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta

import click

AGO = re.compile(r"(\d+)\s*(s|m|h|d|w)")
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def parse_moment(text: str, now: datetime) -> datetime:
    """Return the moment that `text` means; without an offset it is in local time.

    Args:
        text: a time of today, a date, an ISO 8601 moment, or how long ago.
        now: the present, aware.

    Raises:
        ValueError: `text` is none of these.
    """
    text = text.strip()
    try:
        if match := AGO.fullmatch(text):
            return now - timedelta(**{UNITS[match[2]]: int(match[1])})
        if re.fullmatch(r"\d{1,2}:\d{2}(:\d{2})?", text):
            clock = time.fromisoformat(text.zfill(5) if text.count(":") == 1 else text.zfill(8))
            return datetime.combine(now.date(), clock).astimezone()
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{text!r} is not a time") from error


def moment(text: str) -> str:
    """Return an ISO time as people write it, in local time; `text` itself where it is none."""
    try:
        return datetime.fromisoformat(text).astimezone().strftime("%a %d %b %Y, %H:%M")
    except (ValueError, OverflowError):
        return text


def parse_duration(text: str) -> timedelta:
    """Return the time span that `text` means: `90s`, `30m`, `2h`, `3d`, `1w`.

    Raises:
        ValueError: `text` is none of these, or too long.
    """
    match = AGO.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a time span")
    try:
        return timedelta(**{UNITS[match[2]]: int(match[1])})
    except OverflowError as error:
        raise ValueError(f"{text!r} is too long") from error


class Duration(click.ParamType[timedelta]):
    """An option's value that is a time span."""

    name = "TIME"

    def convert(
        self, value: timedelta | str, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        """Return the time span; fail as a usage error when it is none."""
        if isinstance(value, timedelta):
            return value
        try:
            return parse_duration(value)
        except ValueError as error:
            self.fail(f"{error}; write 90s, 30m, 2h, 3d or 1w", param, ctx)


class PastTime(click.ParamType[datetime]):
    """An option's value that is a moment."""

    name = "TIME"

    def convert(
        self, value: datetime | str, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """Return the moment; fail as a usage error when it is none."""
        if isinstance(value, datetime):
            return value
        try:
            return parse_moment(value, datetime.now().astimezone())
        except ValueError as error:
            self.fail(f"{error}; write 14:30, 2026-11-22, 2026-11-22T14:30, 90m, 2h, 3d or 1w", param, ctx)
