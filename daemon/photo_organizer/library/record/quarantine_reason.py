"""The file beside a quarantined photo that says why it is there."""

from __future__ import annotations

import os
import re
from collections.abc import Callable

from photo_organizer.fsops import FileOperations
from photo_organizer.library.move.atomic_steps import CHUNK, Spot, exists, put_back, write_all
from photo_organizer.library.move.open_folders import Folders, OpenFolder
from photo_organizer.library.record.journal import Journal
from photo_organizer.library.record.ledger_text import escape
from photo_organizer.library.record.operation import Move, Operation
from photo_organizer.photo import Action
from photo_organizer.typed_command import typed

REASON = b".reason.txt"
_ENDING = re.compile(  # the program may have been started otherwise then
    rb"The photo is complete and unchanged\. "
    rb"(This puts it back:\n[^\n]+ undo --photo [0-9a-f]{64}\n"
    rb"|'photo-organizer undo --photo PHOTO' puts it back\.\n)"
)


def reason_text(operation: Operation) -> str:
    """What the owner reads."""
    return (
        f"{operation.reason or 'it cannot be read as an image'}\n\n"
        f"photo:  {escape(os.fsdecode(operation.source))}\n"
        f"sha256: {operation.sha256.hex()}\n"
        f"when:   {operation.time}\n\n"
        "The photo is complete and unchanged. This puts it back:\n"
        f"{typed('undo --photo', operation.sha256.hex())}\n"
    )


def _is_ours(text: bytes, operation: Operation) -> bool:
    """Whether it says what we wrote, be it in the words of an older version; not if its owner added
    something.
    """
    facts = reason_text(operation).partition("The photo is")[0].encode("utf-8", "backslashreplace")
    return text.startswith(facts) and _ENDING.fullmatch(text, len(facts)) is not None


def write_reason(
    operations: FileOperations,
    operation: Operation,
    folder: int,
    hidden: Callable[[Operation, Move, str], bytes],
) -> None:
    """Writes the reason beside the photo, whole or not at all; does nothing where it is already.

    Raises:
        OSError: it cannot be written.
    """
    name = os.path.basename(operation.destination) + REASON
    if exists(operations, name, folder):
        return
    part = hidden(operation, operation.moves[0], "reason.part")
    if exists(operations, part, folder):  # half of it, from before a crash
        operations.unlink(part, folder)
    descriptor = operations.create_file(part, folder)
    try:
        write_all(operations, descriptor, reason_text(operation).encode("utf-8", "backslashreplace"), 0)
        operations.sync(descriptor)
    finally:
        operations.close(descriptor)
    put_back(operations, Spot(part, folder), Spot(name, folder), part)


def remove_reason(operations: FileOperations, operation: Operation, folder: int) -> None:
    """Removes the reason of a photo that left quarantine, unless its owner wrote something else in it.

    Raises:
        OSError: it cannot be read or removed.
    """
    name = os.path.basename(operation.destination) + REASON
    if not exists(operations, name, folder):
        return
    descriptor = operations.open_file(name, folder)
    try:
        is_ours = _is_ours(operations.read(descriptor, CHUNK, 0), operation)
    finally:
        operations.close(descriptor)
    if is_ours:
        operations.unlink(name, folder)
        operations.sync(folder)


def settle_reason(
    operations: FileOperations,
    journal: Journal,
    operation: Operation,
    folders: Folders,
    hidden: Callable[[Operation, Move, str], bytes],
    *,
    came: bool,
) -> None:
    """Writes the reason of a photo that came into quarantine, and removes that of one that left it or never
    came.

    Raises:
        OSError: it cannot be written or removed.
    """
    if operation.kind == Action.QUARANTINED:
        folder = folders.open(OpenFolder(os.path.dirname(operation.destination), operation.destination_root))
        if came:
            write_reason(operations, operation, folder, hidden)
            return
        remove_reason(operations, operation, folder)
        part = hidden(operation, operation.moves[0], "reason.part")
        if exists(operations, part, folder):
            operations.unlink(part, folder)
    elif came and operation.kind == Action.UNDONE:
        for parent in journal.select("o.id = ? AND o.kind = 'quarantined'", (operation.parent,)):
            folder = folders.open(OpenFolder(os.path.dirname(parent.destination), parent.destination_root))
            remove_reason(operations, parent, folder)
