"""Moves the files of one operation: all, or (as far as the disk lets us) none.

Within a device each file is renamed without replacing and looked at again behind the rename: if somebody
swapped it just before, it goes back. Across devices `copying.py` takes over, and of copies and links the rest
is in `atomic_steps.py`. Whatever fails, what was moved is taken back, by looking at what is on the disk and
not at what we believe to have done.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from photo_organizer.fsops import FileOperations
from photo_organizer.library.errors import (
    DestinationError,
    SourceError,
    at_destination,
    at_source,
    changed,
    destination_error,
    gone,
    no_hard_link,
    source_error,
)
from photo_organizer.library.move.atomic_steps import (
    Found,
    NoAtomicMoveError,
    Spot,
    find,
    has_content,
    put_back,
    remove_if,
    shift,
)
from photo_organizer.library.move.copying import Copier
from photo_organizer.library.move.links import Entry, is_made, make_link, remove
from photo_organizer.library.move.open_folders import Folders, OpenFolder
from photo_organizer.library.move.removal import Remover
from photo_organizer.library.plan.free_names import GroupNames, NameRefusedError
from photo_organizer.library.plan.name_chooser import (
    FOLDER_MODE,
    may_be_the_name,
    name_trouble,
    refused_name,
)
from photo_organizer.library.record.operation import Move, Operation, TransferMode
from photo_organizer.photo import FileIdentity

_MOST_TRIES = 1000


class NameTakenError(Exception):
    """A destination name was taken by another program; nothing is moved now."""


class AnotherDeviceError(Exception):
    """The destination is on another device."""


class StillOpenError(Exception):
    """The operation could be neither made nor taken back now. `trouble` says why; recovery goes on with it
    later.
    """

    def __init__(self, trouble: SourceError | DestinationError) -> None:
        super().__init__(str(trouble))
        self.trouble = trouble


def source_place(operation: Operation) -> OpenFolder:
    return OpenFolder(os.path.dirname(operation.source), operation.source_root)


def destination_place(operation: Operation) -> OpenFolder:
    return OpenFolder(os.path.dirname(operation.destination), operation.destination_root)


class Mover:
    """Moves operations whose intent is in the journal.

    Args:
        folders: the open folders of this batch.
        token: part of our hidden names, see `Journal.token`.
        note: writes a changed operation down in the journal (other names, hashes) before it is acted on.
    """

    def __init__(
        self, operations: FileOperations, folders: Folders, token: str, note: Callable[[Operation], None]
    ) -> None:
        self._operations = operations
        self._folders = folders
        self._token = token
        self._copier = Copier(operations, self.hidden, note)

    def hidden(self, operation: Operation, move: Move, kind: str) -> bytes:
        """A name that only this journal gives, and only to this file; `kind` is `part` or `source`."""
        return f".photo-organizer-{self._token}-{operation.id}-{move.position}.{kind}".encode()

    def open(self, operation: Operation) -> tuple[int, int]:
        """The descriptors of the operation's two folders; the destination is made where it is missing."""
        source, destination = source_place(operation), destination_place(operation)
        with at_source(source.path):
            source_folder = self._folders.open(source)
        with at_destination(destination.path):
            return source_folder, self._folders.open(destination, make=FOLDER_MODE)

    def move(
        self,
        operation: Operation,
        rename: Callable[[Operation, NameTakenError | NameRefusedError], Operation],
    ) -> Operation:
        """Moves the operation's files, or copies or links them, or takes that back.

        Args:
            operation: an intent in the journal.
            rename: gives the operation other names, and writes them down; called when a name is taken, or
                when the disk does not take it.

        Returns:
            The operation as it was made at last.

        Raises:
            SourceError, DestinationError: it was not made; every file is at its source.
            StillOpenError: as above, but something could not be taken back.
        """
        if operation.is_withdrawal:
            return self._withdraw(operation)
        while True:
            try:
                return self._move_once(operation)
            except (NameTakenError, NameRefusedError) as reason:
                operation = rename(operation, reason)

    def _move_once(self, operation: Operation) -> Operation:
        source, destination = self.open(operation)
        if operation.transfer_mode is TransferMode.COPY:
            return self._copy(operation, source, destination)
        make = self._move_file if operation.transfer_mode is TransferMode.MOVE else self._link_file
        try:
            for move in operation.moves:
                make(operation, move, source, destination)
        except (NoAtomicMoveError, AnotherDeviceError):
            self._take_back_or_leave_open(operation)
            return self._copy(operation, source, destination)
        except FileExistsError as error:
            self._take_back_or_leave_open(operation)
            raise NameTakenError from error
        except NameRefusedError:
            self._take_back_or_leave_open(operation)
            raise
        except (SourceError, DestinationError) as trouble:
            self._take_back_or_leave_open(operation, trouble)
            raise
        return operation

    def _copy(self, operation: Operation, source: int, destination: int) -> Operation:
        try:
            return self._copier.copy(operation, source, destination)
        except FileExistsError as error:
            raise NameTakenError from error
        except NameRefusedError as error:
            if not self._copier.is_clean:
                raise StillOpenError(name_trouble(operation)) from error
            raise
        except (SourceError, DestinationError) as trouble:
            if not self._copier.is_clean:
                raise StillOpenError(trouble) from trouble
            raise
        except OSError as error:
            raise StillOpenError(destination_error(error, operation.destination)) from error

    def _move_file(self, operation: Operation, move: Move, source: int, destination: int) -> None:
        name, new_name = os.path.basename(move.source), os.path.basename(move.destination)
        with at_source(move.source):
            found = find(self._operations, move, name, source)
            moved = self._operations.status(name, source) if found is Found.SAME else None
        if found is not Found.SAME:
            raise gone(move.source) if found is Found.NOTHING else changed(move.source)
        hidden = self.hidden(operation, move, "source")
        try:
            shift(self._operations, Spot(name, source), Spot(new_name, destination), hidden, moved)
        except FileExistsError:
            raise
        except OSError as error:
            if error.errno == errno.EXDEV:
                raise AnotherDeviceError from error
            trouble = self._classify_error(error, operation, source, destination)
            if self._refused_name(error, operation, move, source, destination):
                raise refused_name(error, operation, trouble) from error
            raise trouble from error
        with at_destination(move.destination):
            if find(self._operations, move, new_name, destination) is not Found.SAME:
                put_back(self._operations, Spot(new_name, destination), Spot(name, source), hidden)
                raise changed(move.source)

    def _link_file(self, operation: Operation, move: Move, source: int, destination: int) -> None:
        entry = Entry.made_by(operation, move, source, destination)
        try:
            make_link(self._operations, entry, Spot(os.path.basename(move.source), source))
        except FileExistsError:
            raise
        except OSError as error:
            if operation.transfer_mode is TransferMode.LINK:
                photo, folder = (
                    Path(os.fsdecode(path)) for path in (move.source, os.path.dirname(move.destination))
                )
                if trouble := no_hard_link(photo, folder, error.errno or 0):
                    raise trouble from error
            poison_photo = self._classify_error(error, operation, source, destination)
            if self._refused_name(error, operation, move, source, destination):
                raise refused_name(error, operation, poison_photo) from error
            raise poison_photo from error

    def _refused_name(
        self, error: OSError, operation: Operation, move: Move, source: int, destination: int
    ) -> bool:
        """Whether a step failed because the destination's disk may not be able to hold the new name."""
        if error.errno == errno.ENOENT:
            here = find(self._operations, move, os.path.basename(move.source), source)
            return here is Found.SAME and may_be_the_name(self._operations, error, destination)
        return may_be_the_name(self._operations, error, destination)

    def _withdraw(self, operation: Operation) -> Operation:
        withdrawer = Remover(self._operations, self._folders, self.hidden)
        withdrawer.check(operation)
        try:
            withdrawer.withdraw(operation)
        except (SourceError, DestinationError) as trouble:
            raise StillOpenError(trouble) from trouble
        except OSError as error:
            raise StillOpenError(source_error(error, operation.source)) from error
        return operation

    def _take_back_or_leave_open(
        self, operation: Operation, trouble: SourceError | DestinationError | None = None
    ) -> None:
        try:
            self.take_back(operation)
        except (SourceError, DestinationError) as error:
            raise StillOpenError(trouble or error) from error
        except OSError as error:
            raise StillOpenError(trouble or destination_error(error, operation.destination)) from error

    def take_back(self, operation: Operation) -> None:
        """Brings each file of the operation that has been moved back to its source; removes copies and links.

        Raises:
            SourceError: the original of a copy or link has changed, so that it cannot be removed.
            OSError: a file could not be brought back.
        """
        destination = self._folders.open(destination_place(operation))
        if operation.transfer_mode is not TransferMode.MOVE:
            self._remove_made(operation, destination)
            return
        source = self._folders.open(source_place(operation))
        taken = [
            self._take_file_back(operation, move, source, destination) for move in reversed(operation.moves)
        ]
        if any(taken):
            self._operations.sync(source)
            self._operations.sync(destination)

    def _remove_made(self, operation: Operation, destination: int) -> None:
        source = self._folders.find(source_place(operation))
        for move in reversed(operation.moves):
            entry = Entry.made_by(operation, move, source, destination)
            if is_made(self._operations, entry):
                remove(self._operations, entry, self.hidden(operation, move, "part"))
        self._operations.sync(destination)

    def _take_file_back(self, operation: Operation, move: Move, source: int, destination: int) -> bool:
        """Brings one file back to its source, and says whether there was anything to bring."""
        name, new_name = os.path.basename(move.source), os.path.basename(move.destination)
        hidden = self.hidden(operation, move, "part")
        if find(self._operations, move, new_name, destination) not in {Found.SAME, Found.CHANGED}:
            return False
        there = self._operations.status(new_name, destination)
        if find(self._operations, move, name, source) is Found.SAME:
            # both names: a second link to it, or a copy of it
            here = self._operations.status(name, source)
            if not os.path.samestat(here, there) and not has_content(
                self._operations, move, new_name, destination
            ):
                return False
            self._operations.sync(source)
            remove_if(self._operations, Spot(new_name, destination), hidden, there)
            return True
        try:
            put_back(self._operations, Spot(new_name, destination), Spot(name, source), hidden)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            self._copy_back(operation, move, FileIdentity.of(there), source, destination)
        return True

    def _copy_back(
        self, operation: Operation, move: Move, identity: FileIdentity, source: int, destination: int
    ) -> None:
        """The way back over devices; only when the destination folder was moved away under our hands."""
        name = os.path.basename(move.source)
        for number in range(1, _MOST_TRIES):
            candidate = os.path.join(os.path.dirname(move.source), GroupNames(name).numbered(number)[0])
            back = Move(move.destination, candidate, identity, None, move.position)
            try:
                copier = Copier(self._operations, self.hidden, lambda _: None)
                copier.copy(replace(operation, moves=(back,)), destination, source)
            except FileExistsError:
                continue
            except (SourceError, DestinationError) as trouble:
                raise OSError(errno.EIO, str(trouble)) from trouble
            return

    def landed(self, operation: Operation) -> FileIdentity | None:
        """What the operation's photo is at its destination, now."""
        with suppress(OSError):
            folder = self._folders.open(destination_place(operation))
            return FileIdentity.of(self._operations.status(os.path.basename(operation.destination), folder))
        return None

    def _classify_error(
        self, error: OSError, operation: Operation, source: int, destination: int
    ) -> SourceError | DestinationError:
        """Whose trouble a failed rename is: it does not say which of its two sides it failed at."""
        folder = os.path.dirname(operation.destination)
        match error.errno:
            case errno.ENOENT:
                if self._operations.status_of(destination).st_nlink == 0:
                    return destination_error(error, folder)
            case errno.EACCES | errno.EPERM | errno.EROFS:
                if not self._operations.may_change(destination):
                    return destination_error(error, folder)
                if error.errno == errno.EROFS and self._operations.may_change(source):
                    return destination_error(error, folder)
            case errno.ENOSPC | errno.EDQUOT | errno.EIO | errno.EROFS:
                return destination_error(error, folder)
        return source_error(error, operation.source)
