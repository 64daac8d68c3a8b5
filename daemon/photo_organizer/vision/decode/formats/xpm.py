"""XPM, a picture as a C source (X PixMap Format 3, Arnaud Le Hors, 1991).

Pillow wants one string a line and no comments, knows colours by number alone, and reads 3 and 12 digits as 6.
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor

from photo_organizer.vision.decode.budget.costs import OPENCV
from photo_organizer.vision.decode.colour.conversion import over_white
from photo_organizer.vision.decode.picture import Picture, Task
from photo_organizer.vision.outcome import DecoderRefusedError

_STRING_OR_COMMENT = re.compile(rb'/\*.*?\*/|//[^\n]*|"([^"]*)"', re.DOTALL)
_MOST_COLOURS = 1 << 16
_MOST_CHARACTERS = 8
_KEYS = ("c", "g", "g4", "m")
"""For colour, grey, four greys, black and white: the first that is there counts. `s` is a name."""
_ALL_KEYS = frozenset({*_KEYS, "s"})
_TRANSPARENT = (255, 255, 255, 0)
_GREY = re.compile(r"gr[ae]y(\d{1,3})")
_SHADE = re.compile(r"([a-z]+)([1-4])")
_SHADES = {"1": 1.0, "2": 0.932, "3": 0.804, "4": 0.548}
"""Of the colours that X11 has in four shades ("red3"), near enough."""
_OTHER_THAN_IN_CSS = {
    "green": (0, 255, 0), "gray": (190, 190, 190), "grey": (190, 190, 190), "maroon": (176, 48, 96),
    "purple": (160, 32, 240),
}  # fmt: skip


def decode_xpm(task: Task) -> Picture:
    """Decode an XPM.

    Raises:
        UnreadablePhotoError: it is damaged, incomplete or too large.
    """
    strings = [
        found[1].decode("latin-1") for found in _STRING_OR_COMMENT.finditer(task.data) if found[1] is not None
    ]
    try:
        width, height, colours, characters = (int(word) for word in strings[0].split()[:4])
    except (IndexError, ValueError) as error:
        raise DecoderRefusedError("the XPM cannot be decoded (its header is damaged)") from error
    task.check_size(width, height)
    task.reserve(OPENCV * width * height)
    rows = strings[1 + colours : 1 + colours + height]
    if not 1 <= colours <= _MOST_COLOURS or not 1 <= characters <= _MOST_CHARACTERS:
        raise DecoderRefusedError("the XPM cannot be decoded (its header is damaged)")
    if len(rows) < height or any(len(row) < width * characters for row in rows):
        raise DecoderRefusedError("the file ends before the picture does, a part of it is missing")
    table = strings[1 : 1 + colours]
    pixels = _pixels(
        rows, width, characters, {line[:characters]: _colour(line[characters:]) for line in table}
    )
    return Picture(over_white(Image.fromarray(pixels)), width, height, "xpm")


def _pixels(
    rows: list[str], width: int, characters: int, colours: dict[str, tuple[int, ...]]
) -> NDArray[np.uint8]:
    """Return uint8 (height, width, 4), red first.

    Raises:
        DecoderRefusedError: a pixel has a colour that is not in the table.
    """
    text = b"".join(row[: width * characters].encode("latin-1") for row in rows)
    written = np.frombuffer(text, f"S{characters}")
    names = np.array([name.encode("latin-1") for name in colours], f"S{characters}")
    order = np.argsort(names)
    places = np.searchsorted(names, written, sorter=order).clip(0, len(names) - 1)
    chosen = order[places]
    if (names[chosen] != written).any():
        raise DecoderRefusedError("the XPM cannot be decoded (a pixel has a colour that is not in its table)")
    table = np.array(list(colours.values()), np.uint8)
    return np.asarray(table[chosen].reshape(len(rows), width, 4))


def _colour(described: str) -> tuple[int, ...]:
    """Return the colour in "s name m white c light blue": red, green, blue, alpha."""
    told: dict[str, list[str]] = {}
    key = ""
    for word in described.split():
        if word in _ALL_KEYS and (not key or told[key]):
            key = word
            told[key] = []
        elif key:
            told[key].append(word)
    name = next(("".join(told[key]) for key in _KEYS if told.get(key)), "")
    return _by_name(name.lower())


def _by_name(name: str) -> tuple[int, ...]:
    """Return the colour of a name of X11 or a number; black where it is unknown, as in X11's own reader."""
    if name in {"none", "transparent"}:
        return _TRANSPARENT
    grey, shade = _GREY.fullmatch(name), _SHADE.fullmatch(name)
    if grey is not None:
        return (*[round(min(int(grey[1]), 100) * 2.55)] * 3, 255)
    if shade is not None:
        red, green, blue, _ = _by_name(shade[1])
        return (*(round(part * _SHADES[shade[2]]) for part in (red, green, blue)), 255)
    try:
        plain = _by_number(name) if name.startswith("#") else ImageColor.getrgb(name)
    except ValueError:
        plain = (0, 0, 0)
    return (*_OTHER_THAN_IN_CSS.get(name, plain)[:3], 255)


def _by_number(name: str) -> tuple[int, ...]:
    """Return the colour of `#` and three numbers of 1 to 4 digits each.

    Raises:
        ValueError: it is not one.
    """
    digits, odd = divmod(len(name) - 1, 3)
    if odd or not 1 <= digits <= 4:
        raise ValueError(name)
    numbers = [int(name[at : at + digits], 16) for at in range(1, len(name), digits)]
    return tuple(round(number * 255 / (16**digits - 1)) for number in numbers)
