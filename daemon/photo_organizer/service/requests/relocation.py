"""`relocate`: a library, an inbox or the state has moved, and everything that names its old place follows."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from photo_organizer.config import Configuration
from photo_organizer.config.first_folders import SEEN_FILE
from photo_organizer.errors import OrganizerError, printable
from photo_organizer.files import PRIVATE, replace_file
from photo_organizer.fsops import FileOperations
from photo_organizer.learning.labels.label_store import LABELS, LabelStore
from photo_organizer.library import Library
from photo_organizer.library.locks import OwnerLock, moves_lock
from photo_organizer.library.record.journal import Journal
from photo_organizer.library.record.relocation import MovedFolder, rewrite_journal

_TOLERATED_SHARE = 0.1  # of photos that are at neither place: renamed or deleted by hand since


@dataclass(frozen=True, slots=True)
class Inventory:
    """What the journal believes to be in the folder, and what of it is at the new place.

    Args:
        entries: files that the journal and the label store know to be, or to have been, in the folder.
        found: photos that are at the new place.
        left_behind: photos that are still at the old place only.
        lost: photos that are at neither.
    """

    entries: int
    found: int
    left_behind: tuple[Path, ...]
    lost: tuple[Path, ...]

    @property
    def known(self) -> int:
        """All photos that were believed to be in the folder."""
        return self.found + len(self.left_behind) + len(self.lost)


def relocate(
    configuration: Configuration, old: Path, new: Path, *, dry_run: bool, missing_ok: bool
) -> Inventory:
    """Make the journal, the label store, the ledger and what else is remembered follow a folder that moved.

    No photo is touched. Running it again after an interruption goes on.

    Args:
        configuration: by which settings; they may name the old place or the new one.
        old: where it was; absolute.
        new: where it is; absolute.
        dry_run: look only.
        missing_ok: go on when many photos are at neither place.

    Raises:
        LibraryLocked: the daemon, or `sort`, is running.
        OrganizerError: the new place does not hold the photos, or something cannot be written.
    """
    moved = _moved_folder(old, new)
    state = configuration.state_directory
    path = state / "journal.sqlite"
    if not path.is_file():
        raise OrganizerError("there is no journal here", where=state, remedy="check `state.directory`")
    with contextlib.ExitStack() as stack:
        if not dry_run:
            stack.callback(OwnerLock(state / "owner.lock").release)
            stack.enter_context(moves_lock(state / "moves.lock"))
        with closing(Journal(path, FileOperations())) as journal:
            moved.check_roots(journal)
            inventory = _take_inventory(moved, journal)
            _check(inventory, old, new, missing_ok=missing_ok)
        if not dry_run:
            rewrite_journal(path, moved)
            with LabelStore(state / LABELS) as labels:
                inventory = replace(
                    inventory, entries=inventory.entries + labels.relocate(moved.old, moved.new)
                )
            _rewrite_seen(state / SEEN_FILE, moved)
    if not dry_run:
        with Library.open(configuration) as library:
            library.rebuild_ledger()
    return inventory


def settings_to_change(configuration: Configuration, old: Path) -> Iterator[str]:
    """Yield the keys of the configuration that still name the old place."""
    for index, inbox in enumerate(configuration.inboxes):
        key = f"inboxes[{index}]"
        if inbox.path.is_relative_to(old):
            yield key if inbox.is_plain else f"{key}.path"
        if inbox.library is not None and inbox.library.is_relative_to(old):
            yield f"{key}.library"
    for key, path in (
        ("library", configuration.library),
        ("state.directory", configuration.state_directory),
        ("ledger.path", configuration.ledger_path),
        ("model.directory", configuration.model_directory),
    ):
        if path.is_relative_to(old):
            yield key


def _moved_folder(old: Path, new: Path) -> MovedFolder:
    if old == new:
        raise OrganizerError("is both the old and the new place", where=old)
    if new.is_relative_to(old):
        remedy = "move it somewhere else; then nothing is rewritten twice"
        raise OrganizerError(f"is inside {printable(old)}", where=new, remedy=remedy)
    if not new.is_dir():
        raise OrganizerError("is not a folder that is there", where=new, remedy="move the photos first")
    return MovedFolder(os.fsencode(old), os.fsencode(new))


def _take_inventory(moved: MovedFolder, journal: Journal) -> Inventory:
    found = 0
    left_behind: list[Path] = []
    lost: list[Path] = []
    for path in moved.photos(journal):
        if os.path.lexists(moved.follow(path)):
            found += 1
        elif os.path.lexists(path):
            left_behind.append(Path(os.fsdecode(path)))
        else:
            lost.append(Path(os.fsdecode(path)))
    return Inventory(moved.entries(journal), found, tuple(left_behind), tuple(lost))


def _check(inventory: Inventory, old: Path, new: Path, *, missing_ok: bool) -> None:
    """Refuse a place that does not hold the photos.

    Raises:
        OrganizerError: with how many photos are missing, and one of them.
    """
    if inventory.left_behind:
        count, example = len(inventory.left_behind), printable(inventory.left_behind[0])
        what = f"lacks {count:,} of {inventory.known:,} photos that are still in {printable(old)}: {example}"
        raise OrganizerError(what, where=new, remedy="move or copy all of them first")
    if missing_ok or not inventory.known:
        return
    if not inventory.found or len(inventory.lost) > _TOLERATED_SHARE * inventory.known:
        count, example = len(inventory.lost), printable(inventory.lost[0])
        what = f"lacks {count:,} of {inventory.known:,} photos that were in {printable(old)}: {example}"
        raise OrganizerError(
            what, where=new, remedy="check the folder; if you have deleted them, add --missing-ok"
        )


def _rewrite_seen(path: Path, moved: MovedFolder) -> None:
    """The folders that were there once, see `first_folders.py`."""
    try:
        names = json.loads(path.read_text(encoding="utf-8"))
        followed = sorted({os.fsdecode(moved.follow(os.fsencode(name))) for name in names})
        replace_file(path, json.dumps(followed, indent=2) + "\n", mode=PRIVATE)
    except FileNotFoundError:
        return
    except (OSError, ValueError, TypeError) as error:
        raise OrganizerError(f"cannot be rewritten: {error}", where=path) from error
