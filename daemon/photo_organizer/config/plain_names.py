"""What may be the name of a folder in the library."""

from __future__ import annotations

import os
import unicodedata

LONGEST_NAME = 255  # bytes, on every filesystem in use
DIRECTION_MARKS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def folder_name_fault(name: str) -> str:
    """Why `name` is not one plain folder name ("has a / in it"); empty when it is one."""
    faults = {
        "is empty": not name.strip(),
        "has a / in it": "/" in name,
        "has a control character in it": any(is_control(character) for character in name),
        "begins with a dot": name.startswith("."),
        "begins or ends with a space or a dot, which some drives drop": name != name.strip()
        or name.endswith("."),
        f"is longer than {LONGEST_NAME} bytes": len(name.encode("utf-8", "surrogatepass")) > LONGEST_NAME,
    }
    return next((fault for fault, found in faults.items() if found), "")


def is_control(character: str) -> bool:
    """Whether `character` would break a line, a listing or the reading direction."""
    return unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} or character in DIRECTION_MARKS


def same_name_key(name: str) -> str:
    """Equal for names that a case-insensitive or Unicode-normalising drive takes for the same folder."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def plain_folder_name(text: str, *, instead: str) -> str:
    """`text` (a camera's name, say) made into one plain folder name; `instead` when nothing is left of it."""
    text = "".join("-" if character in "/\\" or is_control(character) else character for character in text)
    text = text.strip().strip(".").strip()
    while len(os.fsencode(text)) > LONGEST_NAME:
        text = text[:-1].rstrip(" .")
    return text or instead
