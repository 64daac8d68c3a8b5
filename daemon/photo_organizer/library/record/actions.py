"""Every action of the journal in a few columns, for statistics over all of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from photo_organizer.library.record.journal import Journal
from photo_organizer.library.record.operation import JOINED, SKIPPED, State


class RecordedAction(NamedTuple):
    """One action, as the journal has it.

    `category` is the model's, `label` the owner's; `taken` is when the picture was taken, ISO 8601 or empty;
    `undone` whether it was taken back since.
    """

    number: int
    time: str
    action: str
    sha256: bytes
    category: str
    label: str
    confidence: float | None
    model: str
    taken: str
    undone: bool


def recorded_actions(journal: Journal) -> Iterator[RecordedAction]:
    """Yield every action that was carried out, oldest first: a million take some seconds."""
    query = (
        "SELECT o.id, o.time, o.kind, o.sha256, o.category, o.label, o.confidence, o.model, o.taken,"  # noqa: S608 (ours)
        " o.undone_by IS NOT NULL FROM operations o"
        f" WHERE o.state IN ({State.DONE:d}, {State.RECORDED:d}) AND o.kind <> '{JOINED}'"
        f" AND o.label <> '{SKIPPED}' ORDER BY o.id"
    )
    for row in journal.rows(query):
        yield RecordedAction._make((*row[:-1], bool(row[-1])))
