"""Rules for names of folders in the library."""

from __future__ import annotations

import os
import unicodedata

LONGEST_NAME = 255  # bytes, on every filesystem in use
DIRECTION_MARKS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def folder_name_fault(name: str) -> str:
    """Return why `name` is not a plain folder name ("contains a /"); empty when it is one."""
    faults = {
        "is empty": not name.strip(),
        "contains a /": "/" in name,
        "contains a control character": any(is_control(character) for character in name),
        "begins with a dot": name.startswith("."),
        "begins or ends with a space or a dot, which some drives remove": name != name.strip()
        or name.endswith("."),
        f"is longer than {LONGEST_NAME} bytes": len(name.encode("utf-8", "surrogatepass")) > LONGEST_NAME,
    }
    return next((fault for fault, found in faults.items() if found), "")


def is_control(character: str) -> bool:
    """Return whether `character` would break a line, a listing or the reading direction."""
    return unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} or character in DIRECTION_MARKS


def same_name_key(name: str) -> str:
    """Return a key that is equal for names that a case-insensitive or normalising drive treats as one."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def plain_folder_name(text: str, *, instead: str) -> str:
    """Turn `text`, such as a camera's name, into a plain folder name; `instead` if nothing is left."""
    text = "".join("-" if character in "/\\" or is_control(character) else character for character in text)
    text = text.strip().strip(".").strip()
    while len(os.fsencode(text)) > LONGEST_NAME:
        text = text[:-1].rstrip(" .")
    return text or instead
