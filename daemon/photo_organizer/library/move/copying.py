"""Moves the files of an operation to another device: copy, check the copy on the disk, publish it, and only
then remove the source. With the transfer mode COPY that is left out, on one device as on two.

The copies are made under hidden names first, all of the group; each is read back and compared by SHA-256.
They get their names without replacing anything, the folder is synced, and then each source is captured
(renamed aside), looked at once more, and removed. Until that moment the source is complete under its own
name, and from before it on the copy is.
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from photo_organizer.fsops import FileOperations
from photo_organizer.library.errors import (
    DestinationError,
    SourceError,
    at_destination,
    at_source,
    changed,
    destination_error,
    gone,
    refused,
)
from photo_organizer.library.move.atomic_steps import (
    CHUNK,
    Found,
    NoAtomicMoveError,
    Spot,
    digest,
    digest_named,
    find,
    put_back,
    remove_if,
    shift,
    write_all,
)
from photo_organizer.library.plan.name_chooser import may_be_the_name, refused_name
from photo_organizer.library.record.operation import RESERVED, Move, Operation, TransferMode


@dataclass(slots=True)
class _Copy:
    move: Move
    hidden: bytes
    made: os.stat_result
    """The copy, by which it is known again."""
    source: os.stat_result
    published: bool = False


class Copier:
    """See the module.

    Args:
        hidden: gives the hidden names, see `Mover.hidden`.
        note: writes a changed operation down in the journal.
    """

    def __init__(
        self,
        operations: FileOperations,
        hidden: Callable[[Operation, Move, str], bytes],
        note: Callable[[Operation], None],
    ) -> None:
        self._operations = operations
        self._hidden = hidden
        self._note = note
        self.is_clean = True
        """Whether the last `copy` that failed left nothing behind."""

    def copy(self, operation: Operation, source: int, destination: int) -> Operation:
        """Moves (or copies) the operation's files from the folder `source` to the folder `destination`.

        Raises:
            FileExistsError: a name is taken; nothing was moved.
            SourceError, DestinationError: nothing was moved, unless `is_clean` says otherwise.
        """
        self.is_clean = True
        if operation.transfer_mode is TransferMode.MOVE and not self._operations.may_change(source):
            raise refused(operation.source, "its folder is read-only", "make the folder writable")
        operation = self._with_hashes(operation, source)
        copies: list[_Copy] = []
        try:
            for move in operation.moves:
                copies.append(self._copy_file(operation, move, source, destination))
            operation = self._publish_all(operation, copies, destination)
        except BaseException:
            self._clean_up(operation, copies, source, destination)
            raise
        if operation.transfer_mode is TransferMode.MOVE:
            self._remove_sources(operation, copies, source, destination)
        return operation

    def _with_hashes(self, operation: Operation, source: int) -> Operation:
        """The operation with the hash of each file; recovery needs them to tell a copy from another's
        file.
        """
        if all(move.sha256 for move in operation.moves):
            return operation
        moves = []
        for move in operation.moves:
            with at_source(move.source):
                sha256 = move.sha256 or digest_named(self._operations, os.path.basename(move.source), source)
            moves.append(replace(move, sha256=sha256))
        operation = replace(operation, moves=tuple(moves))
        self._note(operation)
        return operation

    def _copy_file(self, operation: Operation, move: Move, source: int, destination: int) -> _Copy:
        name = os.path.basename(move.source)
        hidden = self._hidden(operation, move, "part")
        with at_source(move.source):
            found = find(self._operations, move, name, source)
            if found is not Found.SAME:
                raise gone(move.source) if found is Found.NOTHING else changed(move.source)
            reading = self._operations.open_file(name, source)
        try:
            with at_source(move.source):
                before = self._operations.status_of(reading)
            made = self._fill(move, reading, hidden, destination)
            with at_source(move.source):
                self._check_unchanged(move, name, source, reading, before)
            return _Copy(move, hidden, made, before)
        except BaseException:
            self._remove_hidden(hidden, destination)
            raise
        finally:
            self._operations.close(reading)

    def _fill(
        self,
        move: Move,
        reading: int,
        name: bytes,
        destination: int,
        on_made: Callable[[os.stat_result], None] = lambda _: None,
    ) -> os.stat_result:
        """A complete copy under the new name `name`, on the disk, read back and compared; or none.

        `on_made` is told which file it will be while that is empty.
        """
        with at_destination(move.destination):
            writing = self._operations.create_file(name, destination)
        try:
            with at_destination(move.destination):
                on_made(self._operations.status_of(writing))
            self._copy_bytes(move, reading, writing)
            with at_destination(move.destination):
                self._operations.copy_attributes(reading, writing)
                self._operations.sync(writing)
                self._operations.forget_cached(writing)
                self._check_copy(move, writing)
                return self._operations.status_of(writing)
        except BaseException:
            self._remove_hidden(name, destination)
            raise
        finally:
            self._operations.close(writing)

    def _check_copy(self, move: Move, writing: int) -> None:
        if digest(self._operations, writing) != move.sha256:
            raise OSError(errno.EIO, "the copy reads back with other bytes than were written")

    def _copy_bytes(self, move: Move, reading: int, writing: int) -> None:
        """Copies all bytes, and makes sure that they are those that were classified."""
        sha256 = hashlib.sha256()
        offset = 0
        while True:
            with at_source(move.source):
                chunk = self._operations.read(reading, CHUNK, offset)
            if not chunk:
                break
            sha256.update(chunk)
            try:
                with at_destination(move.destination):
                    offset = write_all(self._operations, writing, chunk, offset)
            except DestinationError as trouble:
                if isinstance(trouble.__cause__, OSError) and trouble.__cause__.errno == errno.EFBIG:
                    raise refused(move.source, "too large for the library's file system") from trouble
                raise
        if sha256.digest() != move.sha256:
            raise changed(move.source)

    def _check_unchanged(
        self, move: Move, name: bytes, source: int, reading: int, before: os.stat_result
    ) -> None:
        after = self._operations.status_of(reading)
        if (after.st_ctime_ns, after.st_size) != (before.st_ctime_ns, before.st_size):
            raise changed(move.source)
        match find(self._operations, move, name, source):
            case Found.NOTHING:
                raise gone(move.source)
            case Found.CHANGED | Found.OTHER:
                raise changed(move.source)

    def _publish_all(self, operation: Operation, copies: list[_Copy], destination: int) -> Operation:
        for copy in copies:
            name = os.path.basename(copy.move.destination)
            try:
                shift(self._operations, Spot(copy.hidden, destination), Spot(name, destination), copy.hidden)
            except NoAtomicMoveError:
                operation = self._publish_reserved(operation, copy, name, destination)
            except OSError as error:
                copy.published = self._is_at(copy, name, destination)
                if isinstance(error, FileExistsError):
                    raise
                trouble = destination_error(error, copy.move.destination)
                if not copy.published and may_be_the_name(self._operations, error, destination):
                    raise refused_name(error, operation, trouble) from error
                raise trouble from error
            copy.published = True
        with at_destination(operation.destination):
            self._operations.sync(destination)
        return operation

    def _publish_reserved(
        self, operation: Operation, copy: _Copy, name: bytes, destination: int
    ) -> Operation:
        """The last resort, on file systems with neither RENAME_NOREPLACE nor hard links.

        The name is taken with O_EXCL and filled there, so that nothing can be replaced; the journal knows the
        file's inode before it has a byte, so that recovery removes it where it was left part-filled, and
        nobody else's. The hidden copy stays until the named one is complete.
        """
        if not operation.reserved:
            operation = replace(operation, reserved=RESERVED)
            self._note(operation)

        def note_inode(made: os.stat_result) -> None:
            nonlocal operation
            operation = replace(operation, reserved=made.st_ino or RESERVED)
            self._note(operation)

        with at_destination(copy.move.destination):
            reading = self._operations.open_file(copy.hidden, destination)
        try:
            copy.made = self._fill(copy.move, reading, name, destination, note_inode)
            copy.published = True
        except DestinationError as trouble:
            cause = trouble.__cause__
            if isinstance(cause, FileExistsError):
                raise cause from trouble
            if isinstance(cause, OSError) and may_be_the_name(self._operations, cause, destination):
                raise refused_name(cause, operation, trouble) from trouble
            raise
        finally:
            self._operations.close(reading)
        with at_destination(copy.move.destination):
            self._operations.unlink(copy.hidden, destination)
        return operation

    def _is_at(self, copy: _Copy, name: bytes, destination: int) -> bool:
        """Whether a step that failed has made the copy's name all the same."""
        with suppress(OSError):
            return self._operations.status(name, destination).st_ino == copy.made.st_ino
        return False

    def _remove_sources(
        self, operation: Operation, copies: list[_Copy], source: int, destination: int
    ) -> None:
        for number, copy in enumerate(copies):
            name = os.path.basename(copy.move.source)
            try:
                with at_source(copy.move.source):
                    # False: it was changed since; its old bytes are in the library, and it stays, to be filed
                    # itself
                    captured = self._hidden(operation, copy.move, "source")
                    remove_if(self._operations, Spot(name, source), captured, copy.source)
            except (SourceError, DestinationError):
                if number:
                    self.is_clean = False
                else:
                    self._clean_up(operation, copies, source, destination)
                raise

    def _clean_up(self, operation: Operation, copies: list[_Copy], source: int, destination: int) -> None:
        """Takes every copy away again: each is one of ours, and its source is complete in its place."""
        for copy in copies:
            try:
                self._put_captured_back(operation, copy, source)
                here = find(self._operations, copy.move, os.path.basename(copy.move.source), source)
                if copy.published and here is not Found.SAME:
                    self.is_clean = False  # the only one that is left: recovery decides
                    continue
                # first: a rename between two links to one file, as removing the other begins with, does
                # nothing
                self._remove_hidden(copy.hidden, destination)
                if copy.published:
                    self._remove_published(copy, destination)
            except OSError:
                self.is_clean = False

    def _put_captured_back(self, operation: Operation, copy: _Copy, source: int) -> None:
        hidden = self._hidden(operation, copy.move, "source")
        try:
            self._operations.status(hidden, source)
        except FileNotFoundError:
            return
        wanted = Spot(os.path.basename(copy.move.source), source)
        put_back(self._operations, Spot(hidden, source), wanted, hidden)

    def _remove_published(self, copy: _Copy, destination: int) -> None:
        spot = Spot(os.path.basename(copy.move.destination), destination)
        try:
            status = self._operations.status(*spot)
        except FileNotFoundError:
            return
        if status.st_ino == copy.made.st_ino:
            remove_if(self._operations, spot, copy.hidden, copy.made)

    def _remove_hidden(self, name: bytes, destination: int) -> None:
        """Removes an unfinished copy: a name that this operation has just made, and its own file."""
        try:
            self._operations.unlink(name, destination)
        except FileNotFoundError:
            return
        except OSError:
            self.is_clean = False
