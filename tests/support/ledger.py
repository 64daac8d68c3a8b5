"""Reading the ledger as a script of the owner's would."""

from __future__ import annotations

import csv
from pathlib import Path


def ledger_rows(state: Path) -> list[dict[str, str]]:
    """The rows of the ledger in a state directory; none before the first photo."""
    path = state / "predictions.csv"
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
