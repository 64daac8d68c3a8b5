"""A long past for a daemon: journal and ledger as they would be after very many photos."""

from __future__ import annotations

import hashlib
import os
from datetime import UTC, datetime, timedelta

from photo_organizer.config import Configuration
from photo_organizer.fsops import FileOperations
from photo_organizer.library.record.journal import Journal
from photo_organizer.library.record.ledger_text import cells, line
from photo_organizer.library.record.operation import Details, Move, Operation, State
from photo_organizer.photo import FileIdentity

_AT_ONCE = 10_000
_BATCH = 64


def write_history(configuration: Configuration, count: int) -> None:
    """Adds `count` finished operations to the journal and their rows to the ledger of a daemon at rest."""
    ledger = configuration.ledger_path
    journal = Journal(next(configuration.state_directory.glob("journal*")), FileOperations())
    try:
        with ledger.open("ab") as file:
            for first in range(0, count, _AT_ONCE):
                numbers = range(first, min(first + _AT_ONCE, count))
                written = journal.intend([_operation(number, configuration) for number in numbers])
                file.write(b"".join(line(cells(operation)) for operation in written))
        journal.record([], ledger.stat().st_size)
    finally:
        journal.close()


def _operation(number: int, configuration: Configuration) -> Operation:
    """One photo that was filed, a second after the one before, and nothing like any other."""
    categories = configuration.categories
    category, second = categories[number % len(categories)], categories[(number + 1) % len(categories)]
    source = configuration.inbox_paths[0] / f"{number // 1000:04}" / f"IMG_{number:07}.jpg"
    destination = configuration.library / category / source.name
    moment = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(seconds=number)
    return Operation(
        id=0,
        batch=f"past-{number // _BATCH}",
        kind="filed",
        time=moment.isoformat(),
        sha256=hashlib.sha256(str(number).encode()).digest(),
        moves=(
            Move(
                os.fsencode(source),
                os.fsencode(destination),
                FileIdentity(1, number, 2_500_000, number * 10**9),
            ),
        ),
        source_root=len(os.fsencode(configuration.inbox_paths[0])),
        destination_root=len(os.fsencode(configuration.library)),
        details=Details(
            category=category,
            confidence=0.9,
            second_category=second,
            second_confidence=0.05,
            threshold=0.5,
            model="small",
            engine="openvino int8",
            decoder="jpeg 1/8",
            categories=categories,
            probabilities=tuple(1 / len(categories) for _ in categories),
        ),
        state=State.RECORDED,
    )
