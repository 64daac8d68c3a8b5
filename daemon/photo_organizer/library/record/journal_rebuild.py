"""Taking over into the journal what only the ledger knows: after a damaged journal, or one that is gone.

The ledger has no companions and no probabilities: undo takes back the photo, whose SHA-256 it checks as
always, and leaves the rest. Whether a photo was copied or linked is told by the two files.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from photo_organizer.library.locations import LibrarySettings
from photo_organizer.library.record.journal import Journal
from photo_organizer.library.record.ledger_rows import read_rows
from photo_organizer.library.record.ledger_text import COLUMNS, text_of_cell
from photo_organizer.library.record.operation import (
    SKIPPED,
    Details,
    Move,
    Operation,
    State,
    TransferMode,
)
from photo_organizer.photo import Action, FileIdentity

_UNKNOWN = FileIdentity(0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class LedgerAdoption:
    """Reads rows of the ledger as the operations that they tell of.

    Args:
        journal: gets those that it does not have.
        settings: where the library and the quarantine are.
    """

    journal: Journal
    settings: LibrarySettings

    def adopt(self, ledger: Path) -> int:
        """Write down what the journal does not know, and return how many rows that were.

        Raises:
            OSError: the ledger cannot be read.
            DestinationError: the journal cannot be written.
        """
        return self.journal.adopt(self._unknown(ledger))

    def _unknown(self, ledger: Path) -> Iterator[Operation]:
        for row in read_rows(ledger):
            operation = self._operation(row)
            if operation is not None and not self._is_known(operation):
                yield operation

    def _is_known(self, operation: Operation) -> bool:
        condition = "o.sha256 = ? AND o.batch = ? AND o.kind = ?"
        values = (operation.sha256, operation.batch, operation.kind)
        return any(other.source == operation.source for other in self.journal.select(condition, values))

    def _operation(self, row: list[str]) -> Operation | None:
        """The operation that a row tells of; None for the header, and for what we would not have written."""
        if len(row) != len(COLUMNS):
            return None
        time, batch, action, sha256, *texts = row
        source, destination, category, confidence, second, second_confidence, threshold, model = map(
            text_of_cell, texts
        )
        try:
            kind = Action(action)
            content = bytes.fromhex(sha256)
            numbers = [float(text) if text else None for text in (confidence, second_confidence, threshold)]
        except ValueError:
            return None
        if len(content) != 32 or not (source.startswith("/") and destination.startswith("/")):
            return None
        old, new = os.fsencode(source), os.fsencode(destination)
        is_back = kind is Action.UNDONE
        filed, other = (old, new) if is_back else (new, old)
        root = self._root(filed)
        if root is None:
            return None
        other_root = root if kind is Action.CORRECTED else len(os.path.dirname(other)) or 1
        transfer_mode = _transfer_mode(kind, old, new)
        is_kept = transfer_mode is not TransferMode.MOVE
        is_left = kind is Action.DUPLICATE and os.path.lexists(old)
        return Operation(
            0, batch, kind, time, content,
            (Move(old, new, _identity(old if is_left or is_kept else new), content),),
            root if is_back else other_root, other_root if is_back else root,
            Details(category, numbers[0], second, numbers[1], numbers[2], model),
            label=SKIPPED if is_left else self._category(new) if kind is Action.CORRECTED else "",
            state=State.RECORDED,
            transfer_mode=transfer_mode,
        )  # fmt: skip

    def _root(self, path: bytes) -> int | None:
        """The length of the folder of ours that a path is below."""
        for folder in (*self.settings.libraries, self.settings.quarantine):
            root = os.fsencode(folder)
            if path.startswith(root + b"/") and b".." not in path.split(b"/"):
                return len(root)
        return None

    def _category(self, path: bytes) -> str:
        relative = path[(self._root(path) or 0) + 1 :]
        return os.fsdecode(relative.split(b"/")[0])


def _transfer_mode(kind: Action, old: bytes, new: bytes) -> TransferMode:
    """Tell how a photo came from `old` to `new`, both of which may be there: the ledger does not say.

    A copy has the times of its original. Undo compares the bytes of both before it removes a copy.
    """
    if kind in {Action.UNDONE, Action.CORRECTED, Action.DUPLICATE}:
        return TransferMode.MOVE
    try:
        if stat.S_ISLNK(os.lstat(new).st_mode):
            target = os.fsencode(Path(os.fsdecode(new)).readlink())
            return TransferMode.SYMLINK if target == old else TransferMode.MOVE
        original, made = os.lstat(old), os.lstat(new)
    except OSError:
        return TransferMode.MOVE
    if os.path.samestat(original, made):
        return TransferMode.LINK
    is_alike = (original.st_size, original.st_mtime_ns) == (made.st_size, made.st_mtime_ns)
    return TransferMode.COPY if is_alike else TransferMode.MOVE


def _identity(path: bytes) -> FileIdentity:
    try:
        return FileIdentity.of(os.lstat(path))
    except OSError:
        return _UNKNOWN
