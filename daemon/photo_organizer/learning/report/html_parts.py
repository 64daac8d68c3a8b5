"""Parts of an HTML page, escaped."""

from __future__ import annotations

import base64
import html
from collections.abc import Iterable, Sequence
from pathlib import Path


def picture(path: Path, title: str) -> str:
    """Return a heading and a PNG that is part of the page."""
    data = base64.b64encode(path.read_bytes()).decode()
    return f'<h2>{text(title)}</h2><img alt="{text(title)}" src="data:image/png;base64,{data}">'


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table of cells in plain text."""
    top = "".join(f"<th>{text(cell)}</th>" for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{text(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"


def text(plain: str) -> str:
    """Return plain text as HTML; bytes of file names that are not UTF-8 are replaced."""
    return html.escape(plain.encode("utf-8", "replace").decode("utf-8"))


STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#222;"
    "background:#fff}img{max-width:100%}table{border-collapse:collapse}th,td{padding:.25rem .9rem;"
    "border-bottom:1px solid #ddd;text-align:right}th:first-child,td:first-child{text-align:left}"
    ".good,.bad{padding:.5rem 1rem;border-left:.4rem solid #0072B2;background:#f2f7fb}"
    ".bad{border-color:#D55E00;background:#fdf5f0}.grid{display:flex;flex-wrap:wrap;gap:1rem}"
    "figure{margin:0;width:11rem;font-size:.8rem;overflow-wrap:anywhere}"
    "figure img{height:9rem;width:11rem;object-fit:contain;background:#eee}"
)
