r"""One row of the ledger as text: what spreadsheets, CSV readers and terminals can all live with.

Control characters, line and paragraph separators, marks that turn the writing direction, and the backslash
itself are written as backslash escapes; so are bytes that are not UTF-8 (`\xff`). A cell that a spreadsheet
would run as a formula begins with an apostrophe. `unescape` gives a path back.
"""

from __future__ import annotations

import csv
import io
import os
import re

from photo_organizer.library.record.operation import Operation

COLUMNS = (
    "time", "batch", "action", "sha256", "source", "destination", "category", "confidence", "second_category",
    "second_confidence", "threshold", "model",
)  # fmt: skip

_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_UNSAFE = re.compile(f"[\\x00-\\x1f\\x7f-\\x9f\\\\\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff{_BIDI}]")
_SHORT = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_ESCAPE = re.compile(r"\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|([\\nrt]))")
_LONG = {"\\": "\\", "n": "\n", "r": "\r", "t": "\t"}
_FORMULA = re.compile(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20|%]")


def escape(text: str) -> str:
    """`text` with everything that could break a line, a reader or a reader's eye as a backslash escape."""
    return _UNSAFE.sub(_escaped, text)


def _escaped(match: re.Match[str]) -> str:
    character = match.group()
    if character in _SHORT:
        return _SHORT[character]
    if "\udc80" <= character <= "\udcff":  # a byte that is not UTF-8, as os.fsdecode shows it
        return f"\\x{ord(character) - 0xDC00:02x}"
    return f"\\u{ord(character):04x}"


def unescape(text: str) -> str:
    """What `escape` was given."""
    return _ESCAPE.sub(_unescaped, text)


def _unescaped(match: re.Match[str]) -> str:
    byte, point, letter = match.groups()
    if byte:
        return chr(0xDC00 + int(byte, 16))
    return chr(int(point, 16)) if point else _LONG[letter]


def cell(text: str) -> str:
    """`text` escaped, and no formula."""
    text = escape(text)
    return f"'{text}" if _FORMULA.match(text) else text


def text_of_cell(text: str) -> str:
    """What `cell` was given."""
    plain = text[1:] if text.startswith("'") and _FORMULA.match(text[1:]) else text
    return unescape(plain)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def cells(operation: Operation) -> tuple[str, ...]:
    """The row of `operation`, in the order of `COLUMNS`."""
    details = operation.details
    return (
        operation.time,
        operation.batch,
        operation.kind,
        operation.sha256.hex(),
        cell(os.fsdecode(operation.source)),
        cell(os.fsdecode(operation.destination)),
        cell(details.category),
        _number(details.confidence),
        cell(details.second_category),
        _number(details.second_confidence),
        _number(details.threshold),
        cell(details.model),
    )


def line(row: tuple[str, ...]) -> bytes:
    """`row` as RFC 4180 has it, with its CRLF."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(row)
    return text.getvalue().encode()


HEADER = line(COLUMNS)
