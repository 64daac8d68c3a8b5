"""The folder template: the path of a photo's folder in the library, as in `{category}/{taken:%Y}/{taken:%m}`.

Fields:
    {category}      the category; exactly one part of the path is this and nothing else
    {taken:FORMAT}  when the photo was taken, in strftime's format (`%Y`, `%m`, `%d`, `%B`, ...)
    {camera}        the camera's name from the photo's EXIF data, or "Unknown camera"
    {inbox}         the name of the inbox folder it came through

The date taken is the first of these that exists: the capture date in the photo (EXIF), a date in its name
(`IMG_20240131_...`, `2024-01-31 ...`), its modification time, the current time. Dates before the first
photograph or in the future come from clocks that were wrong or never set, and are ignored.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import PurePath

from photo_organizer.config.plain_names import folder_name_fault, plain_folder_name

FIELDS = ("category", "taken", "camera", "inbox")
FIRST_PHOTOGRAPH = 1826  # year
UNKNOWN_CAMERA = "Unknown camera"
# strftime's directives that give plain text of a few characters on every platform
DATE_DIRECTIVES = frozenset("YymdBbjHMSGVUuAa")
DATE_IN_NAME = re.compile(r"(?<!\d)((?:19|20)\d\d)([-_.]?)(0[1-9]|1[0-2])\2(0[1-9]|[12]\d|3[01])(?!\d)")
TOKEN = re.compile(r"\{([^{}]*)\}|([^{}]+)|([{}])")


@dataclass(frozen=True, slots=True)
class Piece:
    """Literal text, or, with `field`, a placeholder; `text` is then the date format."""

    text: str
    field: str = ""


@dataclass(frozen=True, slots=True)
class FolderTemplate:
    """A parsed template: the folders of a path below the library, each a sequence of pieces."""

    parts: tuple[tuple[Piece, ...], ...]

    @classmethod
    def parse(cls, text: str) -> FolderTemplate:
        """Parse a template.

        Raises:
            ValueError: it is not a template, or a photo could end up outside its category's folder.
        """
        parts = tuple(tuple(part) for part in _parts(text))
        for part in parts:
            if not part:
                raise ValueError("has an empty part (a / at the beginning or end, or two in a row)")
            literal = "".join(piece.text if not piece.field else "x" for piece in part)
            if fault := folder_name_fault(literal):
                raise ValueError(f"has a part that {fault}")
        categories = [part for part in parts for piece in part if piece.field == "category"]
        if len(categories) != 1:
            raise ValueError("must contain {category} exactly once")
        if len(categories[0]) != 1:
            raise ValueError("must have {category} as a folder of its own, as in {category}/{taken:%Y}")
        return cls(parts)

    def render(
        self,
        *,
        category: str,
        taken: datetime | None,
        modified: datetime | None,
        camera: str,
        inbox: PurePath,
        name: str,
    ) -> str:
        """Return the folder of a photo, relative to and always inside the library ("Pets/2024").

        Args:
            category: the photo's category, a plain folder name.
            taken: capture date from EXIF; None when there is none.
            modified: when the file was last modified; None when that is not a valid date.
            camera: the camera's name from EXIF, unchecked; may be empty.
            inbox: the inbox the photo came through.
            name: the photo's file name, which may contain a date.
        """
        date = capture_date(taken, name, modified, datetime.now())
        values = {"category": category, "camera": camera or UNKNOWN_CAMERA, "inbox": inbox.name}

        def written(piece: Piece) -> str:
            if piece.field == "taken":
                return date.strftime(piece.text)
            return values[piece.field] if piece.field else piece.text

        rows = ("".join(written(piece) for piece in part) for part in self.parts)
        return "/".join(plain_folder_name(row, instead="Unknown") for row in rows)

    def category_of(self, folder: PurePath) -> str | None:
        """Return the category of `folder` (relative to the library); None when it is not in a category."""
        index = self.category_depth
        return folder.parts[index] if len(folder.parts) > index else None

    @property
    def category_depth(self) -> int:
        """Return the number of folders above the category's: 0 for `{category}/{taken:%Y}`."""
        return next(i for i, part in enumerate(self.parts) if part[0].field == "category")

    @property
    def first_name(self) -> str | None:
        """Return the first folder's name if it is the same for all photos, else None."""
        first = self.parts[0]
        return None if any(piece.field for piece in first) else "".join(piece.text for piece in first)


def capture_date(taken: datetime | None, name: str, modified: datetime | None, now: datetime) -> datetime:
    """Return when a photo was taken: the first plausible date, see the module."""
    dates = (taken, *_dates_in(name), modified)
    return next((date for date in dates if date is not None and _can_be(date, now)), now)


def _dates_in(name: str) -> Iterator[datetime]:
    for match in DATE_IN_NAME.finditer(name):
        try:
            yield datetime(int(match[1]), int(match[3]), int(match[4]))
        except ValueError:
            continue  # 31 February


def _can_be(date: datetime, now: datetime) -> bool:
    """Return whether a photo can have been taken then; time zones allow a day in the future."""
    return date.year >= FIRST_PHOTOGRAPH and date.replace(tzinfo=None) <= now + timedelta(days=1)


def _parts(text: str) -> list[list[Piece]]:
    parts: list[list[Piece]] = [[]]
    for match in TOKEN.finditer(text):
        inside, literal, brace = match[1], match[2], match[3]
        if brace:
            raise ValueError(f"has an unmatched {brace}")
        pieces = _field(inside) if literal is None else [Piece(piece) for piece in literal.split("/")]
        for index, piece in enumerate(pieces):
            if index:
                parts.append([])
            if piece.field or piece.text:
                parts[-1].append(piece)
    return parts


def _field(inside: str) -> list[Piece]:
    """Return the pieces of `{inside}`: several when a date format contains slashes."""
    name, colon, form = inside.partition(":")
    if name not in FIELDS:
        raise ValueError(
            f"has the unknown field {{{name}}} (known: {', '.join(f'{{{field}}}' for field in FIELDS)})"
        )
    if name != "taken":
        if colon:
            raise ValueError(f"gives {{{name}}} a format; only {{taken:...}} has one")
        return [Piece("", name)]
    if not form:
        raise ValueError("has {taken} without a format, as in {taken:%Y}")
    unknown = [directive for directive in re.findall("%(.?)", form) if directive not in DATE_DIRECTIVES]
    if unknown:
        known = " ".join(f"%{directive}" for directive in "YymdBbjHMSGVUuAa")
        raise ValueError(f"has %{unknown[0]} in a date (known: {known})")
    return [Piece(piece, "taken") if piece else Piece("") for piece in form.split("/")]
