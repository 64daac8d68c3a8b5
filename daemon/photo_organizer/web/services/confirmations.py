"""What its owner has looked at and found to be in the right category: labels that the model learns from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path

from photo_organizer.learning.labels.label_store import LabelStore


class Confirmations:
    """The confirmed categories in one state directory. Safe from any thread: each call opens the store.

    Args:
        state: the state directory.
    """

    def __init__(self, state: Path) -> None:
        self._path = state / "labels.sqlite"

    def all(self) -> dict[str, str]:
        """Return the confirmed category by SHA-256 in hex."""
        if not self._path.exists():
            return {}
        with LabelStore(self._path) as store:
            return {sha256: found.category for sha256, found in store.confirmed().items()}

    def add(self, labels: Mapping[str, str]) -> None:
        """Record that these photos (SHA-256 in hex) are in the right category.

        Raises:
            LabelStoreError: the store cannot be written.
        """
        with LabelStore(self._path) as store:
            store.confirm(labels, datetime.now().astimezone())

    def withdraw(self, photos: Iterable[str]) -> None:
        """Withdraw the confirmation of these photos.

        Raises:
            LabelStoreError: the store cannot be written.
        """
        with LabelStore(self._path) as store:
            store.withdraw_confirmation(photos)
