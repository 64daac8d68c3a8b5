"""Chooses the names that photos and companions get in their new folder, for filing and planning alike."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from photo_organizer.errors import OrganizerError, printable
from photo_organizer.fsops import FileOperations
from photo_organizer.library.errors import DestinationError, SourceError, at_destination, refused
from photo_organizer.library.move.open_folders import Folders, OpenFolder
from photo_organizer.library.plan.free_names import (
    GroupNames,
    NameLimits,
    NameRefusedError,
    stricter_limits,
)
from photo_organizer.library.record.operation import Operation

FOLDER_MODE = 0o777
"""Of category folders, less the umask: they are the owner's."""

_MOST_REMEMBERED = 4096
_ALWAYS_A_NAME = {errno.EILSEQ, errno.ENAMETOOLONG}
_MAY_BE_A_NAME = _ALWAYS_A_NAME | {errno.EINVAL}


class NameRegister(Protocol):
    """The names that were given and may not be on the disk yet."""

    def __contains__(self, path: bytes, /) -> bool: ...
    def add(self, path: bytes, /) -> None: ...


@dataclass(frozen=True, slots=True)
class NameRequest:
    """What names are wanted for.

    Args:
        operation: its destinations are the wanted names.
        names: the wanted names, from which the numbered ones follow.
        may_be_numbered: whether a name that is taken may get a number.
    """

    operation: Operation
    names: GroupNames
    may_be_numbered: bool = True

    @property
    def place(self) -> OpenFolder:
        return OpenFolder(os.path.dirname(self.operation.destination), self.operation.destination_root)


@dataclass(frozen=True, slots=True)
class _Folder:
    """The folder for a photo; while it is to be made still, the one above it, whose disk will hold it."""

    descriptor: int | None
    is_there: bool


@dataclass(slots=True)
class NameChooser:
    """Chooses names so that no two are the same and none is taken.

    Args:
        operations: the steps on files.
        folders: open folders.
        given: the names that were given before.
        folder_mode: that of folders which are made; None to make none: nothing is taken in one that is
            missing.
        known_limits: what is known of the disks below a root, so that it need not be found out for each
            photo.
    """

    operations: FileOperations
    folders: Folders
    given: NameRegister
    folder_mode: int | None
    known_limits: dict[bytes, NameLimits]
    last: dict[tuple[bytes, GroupNames], int] = field(default_factory=dict)
    """The last number of a name, so that photos of one name are not each a search from the first. Only for as
    long as no name can have become free.
    """
    _refused: dict[bytes, NameLimits] = field(default_factory=dict)
    """By which a photo's names are to be chosen after others were refused, by its source."""
    _writable: set[bytes] = field(default_factory=set)
    """Destination folders of the batch that are known to be writable."""
    _limits: dict[bytes, NameLimits] = field(default_factory=dict)
    """By which the names of each photo of the batch were chosen, by its source; what is known may change
    since.
    """

    def choose(self, request: NameRequest) -> Operation:
        """Return the operation with the first free names that the disk can hold, as far as it tells.

        Raises:
            SourceError: there are none.
            DestinationError: the destination folder cannot be looked into.
        """
        while True:
            try:
                return self._choose(request)
            except NameRefusedError as error:
                self.refuse(request, error)

    def refuse(self, request: NameRequest, error: NameRefusedError) -> None:
        """Have the next `choose` give other names, since the disk does not take those.

        Raises:
            SourceError, DestinationError: there are no others.
        """
        chosen_by = self._limits.get(request.operation.source, NameLimits())
        limits = stricter_limits(request.names, chosen_by, error.errno or 0)
        if limits is None:
            raise error.trouble
        self.forget(request)
        self._refused[request.operation.source] = limits
        root = request.place.path[: request.place.root]
        if limits.is_learned:
            self.known_limits[root] = limits

    def _limits_of(self, request: NameRequest) -> NameLimits:
        root = request.place.path[: request.place.root]
        known = self.known_limits.get(root, NameLimits())
        return self._refused.get(request.operation.source, known)

    def forget(self, request: NameRequest) -> None:
        """Names that were chosen came to nothing: the next search begins from the first again."""
        self.last.pop((request.place.path, request.names), None)

    def _choose(self, request: NameRequest) -> Operation:
        place, operation = request.place, request.operation
        folder = self._look_up(place, operation.source)
        limits = self._limits_of(request)
        if self.folder_mode is not None:  # a plan has no end of photos, and no disk that refuses them later
            self._limits[operation.source] = limits
        number = self.last.get((place.path, request.names), 0) + 1
        while number == 1 or request.may_be_numbered:
            names = request.names.numbered(number, limits)
            chosen = tuple(names[move.position] for move in operation.moves)
            if not any(
                self._is_taken(operation, place, name, folder) for name in _all(chosen, request.names)
            ):
                self._give(request, chosen, number)
                return operation.renamed(chosen)
            number += 1
        raise refused(operation.source, "its name is taken there")

    def _give(self, request: NameRequest, names: Sequence[bytes], number: int) -> None:
        for name in _all(names, request.names):
            self.given.add(os.path.join(request.place.path, name))
        if len(self.last) >= _MOST_REMEMBERED:
            self.last.clear()
        self.last[request.place.path, request.names] = number

    def _look_up(self, place: OpenFolder, photo: bytes) -> _Folder:
        """The destination folder.

        Raises:
            SourceError: nothing can be put into it, though its library is writable: only its photos wait.
            DestinationError: the library cannot be looked into.
        """
        try:
            with at_destination(place.path):
                folder = self._open(place)
                is_closed = place.path not in self._writable and self._is_closed(place)
        except DestinationError as trouble:
            if self._is_closed_to_us(place):
                raise self._closed(place, photo) from trouble
            raise
        if is_closed:
            raise self._closed(place, photo)
        self._writable.add(place.path)
        return folder

    def _open(self, place: OpenFolder) -> _Folder:
        try:
            return _Folder(self.folders.open(place, make=self.folder_mode), is_there=True)
        except FileNotFoundError:
            if self.folder_mode is not None:
                raise
        return _Folder(self.folders.nearest(place), is_there=False)

    def _is_closed(self, place: OpenFolder) -> bool:
        """Whether the folder, or the nearest one above it, cannot be changed while its root can."""
        nearest = self.folders.nearest(place)
        if not place.parts or nearest is None or self.operations.may_change(nearest):
            return False
        return self.operations.may_change(self.folders.open(OpenFolder.below(place.path[: place.root])))

    def _is_closed_to_us(self, place: OpenFolder) -> bool:
        """As `_is_closed`, for a folder that could not be opened."""
        try:
            return self._is_closed(place)
        except PermissionError:
            root = self.folders.find(OpenFolder.below(place.path[: place.root]))
            return root is not None and self.operations.may_change(root)
        except OSError:
            return False

    def _closed(self, place: OpenFolder, photo: bytes) -> SourceError:
        folder = printable(os.fsdecode(place.path))
        return refused(photo, f"its folder {folder} is read-only", "make the folder writable")

    def _is_taken(self, operation: Operation, place: OpenFolder, name: bytes, folder: _Folder) -> bool:
        if os.path.join(place.path, name) in self.given:
            return True
        if folder.descriptor is None:
            return False
        try:
            self.operations.status(name, folder.descriptor)
        except FileNotFoundError:
            return False
        except OSError as error:
            if error.errno in _MAY_BE_A_NAME:
                raise NameRefusedError(error.errno, name_trouble(operation)) from error
            with at_destination(place.path):
                raise
        return folder.is_there


def _all(names: Sequence[bytes], wanted: GroupNames) -> Iterator[bytes]:
    yield from names
    if wanted.beside:
        yield names[0] + wanted.beside


def name_trouble(operation: Operation) -> SourceError:
    """Return the trouble of a photo whose name its new disk cannot hold, and no other that it could get."""
    folder = os.fsdecode(os.path.dirname(operation.destination))
    return refused(operation.source, f"the disk of {folder} cannot hold its name", "rename it")


def may_be_the_name(operations: FileOperations, error: OSError, folder: int) -> bool:
    """Whether a step failed perhaps because the disk of `folder` cannot hold a name.

    exFAT says that there is no such file, as it would be if the folder were gone.
    """
    if error.errno == errno.ENOENT:
        return operations.status_of(folder).st_nlink != 0
    return error.errno in _MAY_BE_A_NAME


def refused_name(error: OSError, operation: Operation, trouble: OrganizerError) -> NameRefusedError:
    """Return what to raise for a name that may have been refused; `trouble` is what else `error` can be."""
    is_name = error.errno in _ALWAYS_A_NAME
    return NameRefusedError(error.errno, name_trouble(operation) if is_name else trouble)
