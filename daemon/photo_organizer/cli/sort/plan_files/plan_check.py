"""Reading a plan as what it is: a file that anybody may have written.

Every value has a type, a range and a size that is checked before it is used. All of these raise ValueError
with a clause that says what is wrong.
"""

from __future__ import annotations

import json
import math
import os
import re
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from photo_organizer.config.plain_names import folder_name_fault
from photo_organizer.photo import FileIdentity

if TYPE_CHECKING:
    from collections.abc import Collection

LONGEST_LINE = 1 << 20  # bytes; a photo's line has one or two thousand
MOST_IN_A_LIST = 1000
_LONGEST_TEXT = 4096
_LONGEST_PATH = 1 << 14
_DEEPEST_FOLDER = 32
_UNSIGNED = (0, (1 << 64) - 1)
_SIZE = (0, (1 << 63) - 1)
_TIME = (-(1 << 71), 1 << 71)  # nanoseconds; file systems know more years than 64 bits hold
_SHA256 = re.compile(r"[0-9a-f]{64}|")


def json_object(line: bytes, keys: Collection[str], optional: Collection[str] = ()) -> dict[str, Any]:
    """Parse a line as an object with exactly these keys."""
    if len(line) > LONGEST_LINE:
        raise ValueError("too long")
    try:
        fields = json.loads(line, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise ValueError("not JSON") from error
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    return members(fields, keys, optional)


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not a number")


def members(fields: object, keys: Collection[str], optional: Collection[str] = ()) -> dict[str, Any]:
    """Return `fields` if it is an object with exactly these keys."""
    if not isinstance(fields, dict):
        raise ValueError("not an object")  # noqa: TRY004 (one kind of error for all of a plan)
    for key in keys:
        if key not in fields and key not in optional:
            raise ValueError(f"{key} is missing")
    for key in fields:
        if key not in keys:
            raise ValueError(f"{key[:40]!r} is not known")
    return fields


def items(value: object) -> list[Any]:
    """Return a list of bounded length."""
    if not isinstance(value, list) or len(value) > MOST_IN_A_LIST:
        raise ValueError("not a list, or too long")
    return value


def text(value: object, most: int = _LONGEST_TEXT) -> str:
    """Return a text of bounded length."""
    if not isinstance(value, str) or len(value) > most:
        raise ValueError("not a text, or too long")
    return value


def absolute_path(value: object) -> Path:
    """Return a path that begins at the root and has no `.`, `..`, doubled or closing slash in it."""
    path = text(value, _LONGEST_PATH)
    if "\0" in path or not path.startswith("/") or path.startswith("//") or os.path.normpath(path) != path:
        raise ValueError("not a normalised absolute path")
    os.fsencode(path)  # UnicodeEncodeError is a ValueError
    return Path(path)


def relative_folder(value: object) -> str:
    """Return a folder below the library: plain names with single slashes between them."""
    folder = text(value, _LONGEST_PATH)
    parts = folder.split("/")
    if len(parts) > _DEEPEST_FOLDER:
        raise ValueError("a folder too deep")
    for part in parts:
        if fault := folder_name_fault(part):
            raise ValueError(f"a folder name that {fault}")
    return folder


def number(value: object, bounds: tuple[int, int]) -> int:
    """Return an integer within `bounds`."""
    if not isinstance(value, int) or isinstance(value, bool) or not bounds[0] <= value <= bounds[1]:
        raise ValueError("not a number, or out of range")
    return value


def fraction(value: object) -> float:
    """Return a number from 0 to 1."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise ValueError("not a number")  # noqa: TRY004 (one kind of error for all of a plan)
    if not 0 <= value <= 1 or not math.isfinite(value):
        raise ValueError("a number out of range")
    return float(value)


def identity(value: object) -> FileIdentity:
    """Return the device, inode, size and time of a file."""
    device, inode, size, mtime_ns = items(value)
    return FileIdentity(
        number(device, _UNSIGNED), number(inode, _UNSIGNED), number(size, _SIZE), number(mtime_ns, _TIME)
    )


def moment(value: object) -> datetime:
    """Return an ISO 8601 time."""
    return datetime.fromisoformat(text(value))


def sha256(value: object) -> str:
    """Return 64 hexadecimal digits, or an empty text."""
    digits = text(value)
    if not _SHA256.fullmatch(digits):
        raise ValueError("not a SHA-256")
    return digits
