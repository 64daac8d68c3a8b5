"""Writing a photo's category into its XMP sidecar before both are filed, so that they move and come back
together.

The sidecar is written in the inbox: from there it is a companion like any other, with the photo in the
journal. A crash in between leaves a photo with a sidecar in the inbox, which is filed with it next time.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from photo_organizer.errors import OrganizerError
from photo_organizer.fsops import FileOperations
from photo_organizer.library.move.atomic_steps import write_all
from photo_organizer.library.move.open_folders import Folders, Place
from photo_organizer.library.plan.filing import Filing
from photo_organizer.library.xmp.keywords import LARGEST, XmpError, new_sidecar, with_keywords
from photo_organizer.photo import Action, AssetGroup, FileIdentity, Photo

_DRAFT = b".photo-organizer-xmp.part"
_NEW = b".xmp"
"""What the name of a new sidecar has more than its photo's."""

_LONGEST_NAME = 255  # bytes, on every file system that matters here


def with_sidecar(filing: Filing, operations: FileOperations) -> Filing:
    """`filing` with a companion that names the category and how sure the model is.

    Only of photos that are filed in a category: what goes to review is not labelled with a guess.

    Raises:
        OrganizerError: the sidecar cannot be written or added to. Nothing has changed; the photo can be filed
            without.
    """
    if filing.action is not Action.FILED or filing.decision is None:
        return filing
    keywords = (filing.decision.category, f"confidence {filing.decision.confidence:.2f}")
    group = filing.group
    existing = _existing(group)
    new = group.photo.path.with_name(group.photo.path.name + os.fsdecode(_NEW))
    path = existing.path if existing else new
    if len(os.fsencode(path.name)) > _LONGEST_NAME:
        raise XmpError("the photo's name is too long for a sidecar", where=group.photo.path)
    try:
        with Folders(operations) as folders:
            place = Place(os.path.dirname(os.fsencode(path)), len(os.fsencode(group.inbox)))
            identity = _write(path, existing, keywords, folders.open(place), operations)
    except OSError as error:
        raise OrganizerError(f"the sidecar cannot be written ({error.strerror})", where=path) from error
    others = tuple(companion for companion in group.companions if companion != existing)
    return replace(filing, group=replace(group, companions=(*others, Photo(path, identity))))


def with_planned_sidecar(filing: Filing) -> Filing:
    """`filing` as a plan has it: the name of a sidecar that `with_sidecar` would write must be free, too."""
    if filing.action is not Action.FILED or filing.decision is None or _existing(filing.group):
        return filing
    is_too_long = len(os.fsencode(filing.group.photo.path.name) + _NEW) > _LONGEST_NAME
    return filing if is_too_long else replace(filing, sidecar=os.fsdecode(_NEW))


def _existing(group: AssetGroup) -> Photo | None:
    """The group's own sidecar: `x.jpg.xmp` before `x.xmp`."""
    found = [companion for companion in group.companions if companion.path.suffix.lower() == ".xmp"]
    return max(found, key=lambda companion: len(companion.path.name), default=None)


def _write(
    path: Path, existing: Photo | None, keywords: tuple[str, ...], folder: int, operations: FileOperations
) -> FileIdentity:
    """Writes the sidecar under a hidden name, and moves it into place when it is whole and on the disk."""
    name = os.fsencode(path.name)
    before = _read(name, existing, folder, operations) if existing else None
    text = with_keywords(before, keywords) if before is not None else new_sidecar(keywords)
    if text == before and existing is not None:
        return existing.identity
    _discard(folder, operations)
    draft = operations.create_file(_DRAFT, folder, 0o644)
    try:
        write_all(operations, draft, text, 0)
        operations.sync(draft)
        if existing is None:
            operations.rename_without_replacing(_DRAFT, folder, name, folder)
        else:
            if FileIdentity.of(operations.status(name, folder)) != existing.identity:
                raise XmpError("the sidecar changes at this moment", where=path)
            operations.rename_own(_DRAFT, folder, name, folder)
        operations.sync(folder)
        return FileIdentity.of(operations.status_of(draft))
    except (OSError, OrganizerError):
        _discard(folder, operations)
        raise
    finally:
        operations.close(draft)


def _read(name: bytes, existing: Photo, folder: int, operations: FileOperations) -> bytes:
    descriptor = operations.open_file(name, folder)
    try:
        if FileIdentity.of(operations.status_of(descriptor)) != existing.identity:
            raise XmpError("the sidecar has just changed", where=existing.path)
        return operations.read(descriptor, LARGEST + 1, 0)
    finally:
        operations.close(descriptor)


def _discard(folder: int, operations: FileOperations) -> None:
    """Removes the hidden draft, which is nobody's but ours; one that a crash left, too."""
    try:
        operations.unlink(_DRAFT, folder)
    except FileNotFoundError:
        return
