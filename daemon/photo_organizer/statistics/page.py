"""The statistics page: a self-contained HTML file with a table and plots."""

from __future__ import annotations

import base64
import html
from collections.abc import Iterator
from datetime import datetime

from photo_organizer.errors import printable
from photo_organizer.statistics.tables import Statistics

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #222 }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.6rem; margin-bottom: 0 } h2 { font-size: 1.15rem; margin: 2.2rem 0 .2rem }
p { margin: .2rem 0 .8rem; color: #555 } img { width: 100%; height: auto }
.wide { overflow-x: auto }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
th, td { text-align: right; padding: .3rem .6rem; border-bottom: 1px solid #eee }
th:first-child, td:first-child { text-align: left } th { color: #555; font-weight: 600 }
tr:last-child td { font-weight: 600 }
.totals { display: flex; flex-wrap: wrap; gap: 1rem 2.2rem; margin: 1.2rem 0 }
.totals b { display: block; font-size: 1.7rem; line-height: 1.2 } .totals span { color: #555 }
"""
_TOTALS = (
    ("filed", "filed"),
    ("review", "sent to Review"),
    ("corrected", "moved by you"),
    ("duplicate", "duplicates"),
    ("quarantined", "unreadable"),
    ("undone", "undone"),
)


def page(statistics: Statistics, made: datetime) -> str:
    """Return the page as HTML.

    Args:
        statistics: the numbers to show.
        made: the time of creation to show.
    """
    parts = [
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>Photo statistics</title><style>{_STYLE}</style></head><body>",
        f"<h1>Your photos</h1><p>As of {made:%d %B %Y, %H:%M}</p>",
        *_totals(statistics),
        *_table(statistics),
        *_plots(statistics),
        "</body></html>\n",
    ]
    return "\n".join(parts)


def _totals(statistics: Statistics) -> Iterator[str]:
    yield '<div class="totals">'
    for action, words in _TOTALS:
        if count := statistics.totals.get(action):
            yield f"<div><b>{count:,}</b><span>{words}</span></div>"
    if statistics.corrected_share is not None:
        yield f"<div><b>{statistics.corrected_share:.1%}</b><span>of filed photos corrected</span></div>"
    yield "</div>"


def _table(statistics: Statistics) -> Iterator[str]:
    yield "<h2>Categories</h2><p>Photos filed by the model, and how many you moved elsewhere.</p>"
    yield '<div class="wide"><table><tr>' + "".join(f"<th>{name}</th>" for name in COLUMNS) + "</tr>"
    for row in table_rows(statistics):
        yield "<tr>" + "".join(f"<td>{html.escape(printable(cell))}</td>" for cell in row) + "</tr>"
    yield "</table></div>"


COLUMNS = ("category", "photos", "confidence", "corrected", "share corrected")


def table_rows(statistics: Statistics) -> Iterator[tuple[str, ...]]:
    """Yield the rows of the table: one for each category, and one with the totals."""
    for name, row in statistics.categories.iterrows():
        numbers = f"{int(row['photos']):,}", f"{row['confidence']:.2f}", f"{int(row['corrected']):,}"
        yield str(name), *numbers, f"{row['share']:.1%}"
    share = statistics.corrected_share
    corrected = int(statistics.categories["corrected"].sum())
    yield "all", f"{statistics.filed:,}", "", f"{corrected:,}", "" if share is None else f"{share:.1%}"


def _plots(statistics: Statistics) -> Iterator[str]:
    from photo_organizer.statistics import plots  # noqa: PLC0415 (matplotlib)

    if not statistics.months.empty:
        yield from _plot(
            "Photos per month",
            "By the month in which they were taken, or filed if that is not known.",
            plots.draw_months(statistics.months),
        )
    if statistics.confidence.to_numpy().sum():
        yield from _plot(
            "Confidence",
            "The model's confidence for each photo.",
            plots.draw_confidence(statistics.confidence),
        )
    if not statistics.corrected.empty:
        yield from _plot(
            "Corrected after filing",
            "Share of the photos filed in each month that you have since moved to another category: "
            "how often the model was wrong, as far as you noticed.",
            plots.draw_corrected(statistics.corrected),
        )
    if not statistics.review.empty:
        yield from _plot(
            "Review",
            "Photos in the review folder at the end of each day.",
            plots.draw_review(statistics.review),
        )


def _plot(title: str, explanation: str, svg: str) -> Iterator[str]:
    yield f"<h2>{title}</h2><p>{explanation}</p>"
    data = base64.b64encode(svg.encode()).decode("ascii")
    yield f'<img alt="{title}: {explanation}" src="data:image/svg+xml;base64,{data}">'
