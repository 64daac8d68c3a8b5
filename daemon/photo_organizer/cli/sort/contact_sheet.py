"""The contact sheet of a plan: one HTML file to look through, the least sure photos first."""

from __future__ import annotations

import html
import os
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote_from_bytes

from photo_organizer.cli.sort.rows import shown_path
from photo_organizer.cli.sort.tally import BINS
from photo_organizer.cli.sort.thumbnails import thumbnails
from photo_organizer.errors import OrganizerError, printable
from photo_organizer.files import replacing
from photo_organizer.photo import Action

if TYPE_CHECKING:
    from collections.abc import Iterator

    from photo_organizer.cli.sort.plan_draft import PlanDraft
    from photo_organizer.cli.sort.plan_file import PlannedPhoto
    from photo_organizer.cli.sort.tally import Tally

MOST_PHOTOS = 300
PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; font: 15px/1.4 system-ui, sans-serif; }}
body {{ max-width: 75rem; margin: 2rem auto; padding: 0 1rem; }}
table {{ border-collapse: collapse; margin: 1rem 0; }}
td, th {{ padding: .2rem .8rem .2rem 0; text-align: left; }}
td.number {{ text-align: right; font-variant-numeric: tabular-nums; }}
.bar {{ background: #3b7dd8; height: .8rem; }}
.photos {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(11rem, 1fr)); gap: 1.2rem 1rem; }}
figure {{ margin: 0; overflow-wrap: anywhere; }}
figure a {{ display: grid; place-items: center; height: 10rem; background: #8882; border-radius: .3rem; }}
figure img {{ max-width: 100%; max-height: 100%; }}
figcaption b {{ display: block; }}
small {{ opacity: .75; }}
</style></head><body>
<h1>{title}</h1>
<p>{summary}</p>
<table><tr><th>folder</th><th>as</th><th>photos</th></tr>
{folders}
</table>
<h2>How sure the model is</h2>
<table>
{histogram}
</table>
<h2>The least sure first</h2>
<p>{shown}</p>
<div class="photos">
"""


def write_contact_sheet(draft: PlanDraft, tally: Tally, library: Path) -> Path:
    """Writes `FILE.html` for the plan `FILE`; returns its path.

    Raises:
        OrganizerError: it cannot be written.
    """
    path = draft.path.with_name(draft.path.name + ".html")
    try:
        with replacing(path) as file:
            file.write(_head(tally, library).encode())
            images = thumbnails(photo.group.photo.path for photo in draft.least_sure(MOST_PHOTOS))
            for photo, image in zip(draft.least_sure(MOST_PHOTOS), images, strict=True):
                file.write(_figure(photo, image).encode())
            file.write(b"</div></body></html>\n")
    except OSError as error:
        raise OrganizerError(f"the contact sheet cannot be written: {error.strerror}", where=path) from error
    return path


def _head(tally: Tally, library: Path) -> str:
    most = max([*tally.histogram, 1])
    shown = min(MOST_PHOTOS, sum(tally.histogram))
    review = tally.actions[Action.REVIEW]
    return PAGE.format(
        title=f"Plan for {_text(shown_path(library))}",
        summary=f"{tally.photos:,} photos, {review:,} of them for review. Nothing has been moved yet.",
        folders="\n".join(_folder_rows(tally)),
        histogram="\n".join(
            f'<tr><td>{index / BINS:.1f} to {(index + 1) / BINS:.1f}</td><td class="number">{photos:,}</td>'
            f'<td><div class="bar" style="width: {20 * photos / most:.2f}rem"></div></td></tr>'
            for index, photos in enumerate(tally.histogram)
        ),
        shown=f"{shown:,} of {sum(tally.histogram):,} photos.",
    )


def _folder_rows(tally: Tally) -> Iterator[str]:
    for (action, folder), count in sorted(tally.folders.items(), key=lambda item: -item[1].photos):
        yield (
            f"<tr><td>{_text(shown_path(folder))}</td><td>{_text(str(action))}</td>"
            f'<td class="number">{count.photos:,}</td></tr>'
        )


def _figure(photo: PlannedPhoto, image: str) -> str:
    row = photo.row
    link = html.escape("file://" + quote_from_bytes(os.fsencode(row["source"])), quote=True)
    name = _text(Path(row["source"]).name)
    picture = f'<img alt="" src="data:image/jpeg;base64,{image}">' if image else "<small>no thumbnail</small>"
    second = (
        f" or {_text(row['second_category'])} {row['second_confidence']:.2f}"
        if row["second_category"]
        else ""
    )
    goes = "review" if row["action"] == Action.REVIEW else Path(row["destination"]).parent.name
    return (
        f'<figure><a href="{link}">{picture}</a><figcaption><b>{_text(row["category"])} '
        f"{row['confidence']:.2f}{second}</b>{name}<br><small>goes to {_text(goes)}</small></figcaption>"
        "</figure>\n"
    )


def _text(text: str) -> str:
    return html.escape(printable(text))
