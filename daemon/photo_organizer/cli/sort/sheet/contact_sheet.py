"""The contact sheet of a plan: one HTML file with all photos, in sections, the least sure first in each.

Pictures that a browser can show are loaded from where they lie, and only when they come into view, so that a
sheet of any number of photos opens at once. The others, and the least sure, have their thumbnail in the file.
"""

from __future__ import annotations

import html
import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote_from_bytes

from photo_organizer.cli.sort.plan_files.rows import shown_path
from photo_organizer.cli.sort.sheet.contact_sheet_page import END, HEAD, SECTION, SECTION_END
from photo_organizer.cli.sort.sheet.thumbnails import thumbnails
from photo_organizer.cli.sort.tally import BINS
from photo_organizer.errors import OrganizerError, printable
from photo_organizer.files import replacing
from photo_organizer.photo import Action

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from photo_organizer.cli.sort.plan_files.plan_draft import Key, PlanDraft
    from photo_organizer.cli.sort.plan_files.planned_photo import PlannedPhoto
    from photo_organizer.cli.sort.tally import Tally

SHOWN_BY_BROWSERS = {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".gif", ".webp", ".avif", ".bmp"}
THUMBNAILS_A_SECTION = 30
"""The least sure of each section have a thumbnail: they can be seen after the photos have moved, too."""


def write_contact_sheet(draft: PlanDraft, plan: Path, tally: Tally, library: Path) -> Path:
    """Write `FILE.html` for the plan `FILE`, given as `plan`; return its path.

    Raises:
        OrganizerError: it cannot be written.
    """
    path = plan.with_name(plan.name + ".html")
    try:
        with replacing(path) as file:
            _write(file, draft, tally, library)
    except OSError as error:
        raise OrganizerError(f"the contact sheet cannot be written: {error.strerror}", where=path) from error
    return path


def _write(file: BinaryIO, draft: PlanDraft, tally: Tally, library: Path) -> None:
    def section(photo: PlannedPhoto) -> Key:
        return _section(photo, library)

    sizes = Counter(key for key, _ in draft.by_section(section))
    file.write(_head(tally, library, sizes).encode())
    images = thumbnails(
        photo.group.photo.path
        for _, photo, number in _numbered(draft.by_section(section))
        if _is_embedded(photo, number)
    )
    before: Key | None = None
    for key, photo, number in _numbered(draft.by_section(section)):
        if key != before:
            file.write((SECTION_END if before else "").encode())
            file.write(SECTION.format(id=key[0], name=_text(key[1]), count=f"{sizes[key]:,}").encode())
            before = key
        file.write(_figure(photo, next(images) if _is_embedded(photo, number) else None).encode())
    file.write(((SECTION_END if before else "") + END).encode())


def _numbered(photos: Iterator[tuple[Key, PlannedPhoto]]) -> Iterator[tuple[Key, PlannedPhoto, int]]:
    """Yield each photo with its number in its section, from 0."""
    numbers: Counter[Key] = Counter()
    for key, photo in photos:
        yield key, photo, numbers[key]
        numbers[key] += 1


def _section(photo: PlannedPhoto, library: Path) -> Key:
    """Return the section of the photo: Review first, then the categories, then the unclassified."""
    action = Action(photo.row["action"])
    destination = Path(photo.row["destination"])
    if action is Action.QUARANTINED:
        return (3, "Quarantine: cannot be read")
    folder = destination.parent
    name = folder.relative_to(library).parts[0] if folder.is_relative_to(library) else folder.name
    return ({Action.REVIEW: 0, Action.DUPLICATE: 2}.get(action, 1), name)


def _is_embedded(photo: PlannedPhoto, number: int) -> bool:
    is_shown = photo.group.photo.path.suffix.lower() in SHOWN_BY_BROWSERS
    return photo.row["action"] != Action.QUARANTINED and (number < THUMBNAILS_A_SECTION or not is_shown)


def _head(tally: Tally, library: Path, sizes: Counter[Key]) -> str:
    most = max([*tally.histogram, 1])
    review = tally.actions[Action.REVIEW]
    shown = sizes.total()
    rest = f" Shown are the {shown:,} that the model is least sure of." if shown < tally.photos else ""
    return HEAD.format(
        title=f"Plan for {_text(shown_path(library))}",
        summary=f"{tally.photos:,} photos, {review:,} of them for review. Nothing has been moved yet.{rest}",
        sections="\n".join(
            f'<li><a href="#{_id(key)}">{_text(key[1])}</a> {count:,}</li>'
            for key, count in sorted(sizes.items())
        ),
        histogram="\n".join(
            f'<tr><td>{index / BINS:.1f} to {(index + 1) / BINS:.1f}</td><td class="number">{photos:,}</td>'
            f'<td><div class="bar" style="width: {20 * photos / most:.2f}rem"></div></td></tr>'
            for index, photos in enumerate(tally.histogram)
        ),
    )


def _id(key: Key) -> str:
    return html.escape(f"{key[0]}-{key[1]}", quote=True)


def _figure(photo: PlannedPhoto, image: str | None) -> str:
    """Return one photo.

    Args:
        photo: as it is planned.
        image: its thumbnail in base64, "" where there can be none; None to load the photo itself.
    """
    row = photo.row
    link = html.escape("file://" + quote_from_bytes(os.fsencode(row["source"])), quote=True)
    if image:
        picture = f'<img alt="" src="data:image/jpeg;base64,{image}">'
    elif image is None and photo.group.photo.path.suffix.lower() in SHOWN_BY_BROWSERS:
        picture = f'<img alt="" loading="lazy" decoding="async" src="{link}">'
    else:
        picture = "<small>no picture</small>"
    judged = ""
    if row["category"]:
        judged = f"{_text(row['category'])} {row['confidence']:.2f}"
    if judged and row["second_category"]:
        judged += f" or {_text(row['second_category'])} {row['second_confidence']:.2f}"
    name = _text(Path(row["source"]).name)
    folder = _text(shown_path(Path(row["destination"]).parent))
    return (
        f'<figure title="{folder}"><a href="{link}">{picture}</a>'
        f"<figcaption><b>{judged or _text(photo.reason)}</b>{name}</figcaption></figure>\n"
    )


def _text(text: str) -> str:
    return html.escape(printable(text))
