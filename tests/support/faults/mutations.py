"""The mover with one promise broken at a time. The harness must catch each of them; see
`test_of_the_tests.py`."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from photo_organizer.fsops import FileOperations
from photo_organizer.library import TransferMode, recovery
from photo_organizer.library.move import atomic_steps, copying, executor, file_recovery, mover, removal
from photo_organizer.library.record.journal import Journal
from photo_organizer.library.record.ledger import Ledger
from support.faults.errors_injected import Failure, check_failure
from support.faults.fault_scenarios import BY_NAME
from support.faults.fault_steps import CHANGING
from support.faults.other_programs import (
    check_races,
    puts_a_link_in_place,
    rewrites_the_source,
    swaps_the_folder_for_a_link,
    swaps_the_source,
    takes_the_destination,
)
from support.faults.power_cuts import check_power_cuts
from support.faults.stops import check_stop, steps_of, stops_of

Patch = pytest.MonkeyPatch


@dataclass(frozen=True)
class Mutation:
    """`apply` breaks the mover; `check` is the part of the harness that must find out."""

    name: str
    apply: Callable[[Patch], None]
    check: Callable[[Path, Path], object]

    def __str__(self) -> str:
        return self.name


def _killed(name: str) -> Callable[[Path, Path], None]:
    def check(near: Path, far: Path) -> None:
        for stop in stops_of(steps_of(BY_NAME[name], near, far)):
            check_stop(BY_NAME[name], stop, near, far)

    return check


def _without_power(name: str) -> Callable[[Path, Path], object]:
    return lambda near, far: check_power_cuts(BY_NAME[name], near, far)


def _raced(name: str, race: Callable[..., Any]) -> Callable[[Path, Path], object]:
    return lambda near, far: check_races(BY_NAME[name], race, near, far, exhaustive=False)


def _failing(name: str, code: int) -> Callable[[Path, Path], None]:
    def check(near: Path, far: Path) -> None:
        for step in steps_of(BY_NAME[name], near, far):
            if step.name in CHANGING:
                check_failure(BY_NAME[name], Failure(step.number, code), near, far)

    return check


# syncs
# ----------------------------------------------------------------------------------------------------------


def _no_sync_of_copies(patch: Patch) -> None:
    real = copying.Copier._fill

    def fill(self: copying.Copier, *arguments: Any) -> Any:
        operations = self._operations
        with pytest.MonkeyPatch.context() as inner:
            inner.setattr(operations, "sync", lambda _: None, raising=False)
            return real(self, *arguments)

    patch.setattr(copying.Copier, "_fill", fill)


def _no_sync_of_folders(patch: Patch) -> None:
    patch.setattr(executor.Executor, "_sync", lambda *_: None)


def _no_sync_before_removing(patch: Patch) -> None:
    real = copying.Copier._publish_all

    def publish_all(self: copying.Copier, *arguments: Any) -> Any:
        operations = self._operations
        with pytest.MonkeyPatch.context() as inner:
            inner.setattr(operations, "sync", lambda _: None, raising=False)
            return real(self, *arguments)

    patch.setattr(copying.Copier, "_publish_all", publish_all)


def _no_sync_of_new_folders(patch: Patch) -> None:
    from photo_organizer.library.move.open_folders import Folders

    def make(self: Folders, part: bytes, folder: int, mode: int) -> None:
        with suppress(FileExistsError):
            self.operations.make_folder(part, folder, mode)

    patch.setattr(Folders, "_make", make)


# moves
# ----------------------------------------------------------------------------------------------------------


def _replacing_rename(patch: Patch) -> None:
    def rename(_: FileOperations, name: bytes, folder: int, new_name: bytes, new_folder: int) -> None:
        os.rename(name, new_name, src_dir_fd=folder, dst_dir_fd=new_folder)

    patch.setattr(FileOperations, "rename_without_replacing", rename)


def _no_look_behind_the_rename(patch: Patch) -> None:
    real = mover.find

    def find(operations: FileOperations, move: Any, name: bytes, folder: int) -> atomic_steps.Found:
        found = real(operations, move, name, folder)
        is_behind = name == os.path.basename(move.destination) and found is not atomic_steps.Found.NOTHING
        return atomic_steps.Found.SAME if is_behind else found

    patch.setattr(mover, "find", find)


def _no_look_at_what_is_removed(patch: Patch) -> None:
    patch.setattr(atomic_steps, "_is_untouched", lambda *_: True)


def _source_removed_first(patch: Patch) -> None:
    """Publishes only after the source is gone: a crash in between leaves the photo under a hidden name
    alone."""
    publish, remove = copying.Copier._publish_all, copying.Copier._remove_sources

    def publish_all(self: copying.Copier, operation: Any, copies: Sequence[Any], destination: int) -> Any:
        return operation

    def remove_sources(
        self: copying.Copier, operation: Any, copies: Sequence[Any], source: int, destination: int
    ) -> None:
        remove(self, operation, copies, source, destination)
        publish(self, operation, copies, destination)

    patch.setattr(copying.Copier, "_publish_all", publish_all)
    patch.setattr(copying.Copier, "_remove_sources", remove_sources)


def _copy_under_the_final_name(patch: Patch) -> None:
    real = copying.Copier._copy_file

    def copy_file(self: copying.Copier, operation: Any, move: Any, source: int, destination: int) -> Any:
        named = os.path.basename(move.destination)
        with pytest.MonkeyPatch.context() as inner:
            inner.setattr(self, "_hidden", lambda *_: named)
            return real(self, operation, move, source, destination)

    patch.setattr(copying.Copier, "_copy_file", copy_file)
    patch.setattr(copying.Copier, "_publish_all", lambda _, operation, __, ___: operation)


def _no_check_of_the_copy(patch: Patch) -> None:
    patch.setattr(copying.Copier, "_check_copy", lambda *_: None)


def _links_followed(patch: Patch) -> None:
    def open_folder(_: FileOperations, name: bytes, folder: int) -> int:
        return os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=folder)

    patch.setattr(FileOperations, "open_folder", open_folder)


def _folder_not_looked_at_again(patch: Patch) -> None:
    patch.setattr(executor.Executor, "_check_place", lambda *_: None)


# journal, ledger, recovery
# --------------------------------------------------------------------------------------


def _nothing_taken_back(patch: Patch) -> None:
    patch.setattr(mover.Mover, "take_back", lambda *_: None)


def _groups_not_brought_together(patch: Patch) -> None:
    def bring_together(_: Any, operation: Any, moved: Sequence[Any], *__: Any) -> Any:
        return replace(operation, moves=tuple(moved))

    patch.setattr(recovery.Recoverer, "_bring_together", bring_together)


def _sources_of_copies_removed(patch: Patch) -> None:
    patch.setattr(copying, "TransferMode", SimpleNamespace(MOVE=TransferMode.COPY))


def _withdrawals_not_completed(patch: Patch) -> None:
    patch.setattr(removal.Remover, "complete", lambda *_: False)


def _no_recovery(patch: Patch) -> None:
    patch.setattr(recovery.Recoverer, "recover", lambda self: self.report)


def _parts_left(patch: Patch) -> None:
    patch.setattr(file_recovery.FileRecovery, "_settle_part", lambda *_: None)


def _captured_sources_left(patch: Patch) -> None:
    patch.setattr(file_recovery.FileRecovery, "_settle_source", lambda *_: None)
    patch.setattr(file_recovery.FileRecovery, "_remove_leftovers", lambda *_: None)


def _intent_after_the_move(patch: Patch) -> None:
    """They are not in the journal when the moves begin: the transaction is rolled back."""
    real = Journal.intend

    def intend(self: Journal, operations: Sequence[Any], *arguments: Any, **options: Any) -> Any:
        with pytest.MonkeyPatch.context() as inner:
            inner.setattr(self._operations, "commit", lambda _: None, raising=False)
            return real(self, operations, *arguments, **options)

    patch.setattr(Journal, "intend", intend)


def _rows_appended_again(patch: Patch) -> None:
    """Recovery does not look at what the ledger has already."""
    real = Ledger.bring_up_to_date

    def bring_up_to_date(self: Ledger) -> int:
        size = str(self.path.stat().st_size) if self.path.exists() else "0"
        with self._journal.transaction():
            self._journal._set("ledger_size", size)
        return real(self)

    patch.setattr(Ledger, "bring_up_to_date", bring_up_to_date)


MUTATIONS = (
    Mutation("the copy is not synced", _no_sync_of_copies, _without_power("a group across devices")),
    Mutation("no folder is synced", _no_sync_of_folders, _without_power("a photo")),
    Mutation(
        "sources go before the copy's name lasts",
        _no_sync_before_removing,
        _without_power("a group across devices"),
    ),
    Mutation("new folders are not synced", _no_sync_of_new_folders, _without_power("a photo")),
    Mutation("the rename replaces", _replacing_rename, _raced("a photo", takes_the_destination)),
    Mutation(
        "the rename of a copy replaces",
        _replacing_rename,
        _raced("a group across devices", takes_the_destination),
    ),
    Mutation("no look behind the rename", _no_look_behind_the_rename, _raced("a photo", swaps_the_source)),
    Mutation(
        "what is removed is not looked at",
        _no_look_at_what_is_removed,
        _raced("a group across devices", rewrites_the_source),
    ),
    Mutation(
        "what is removed may be another file",
        _no_look_at_what_is_removed,
        _raced("a group across devices", swaps_the_source),
    ),
    Mutation("the source goes first", _source_removed_first, _killed("a group across devices")),
    Mutation("copied under the final name", _copy_under_the_final_name, _killed("a group across devices")),
    Mutation("links are followed", _links_followed, _raced("a photo", puts_a_link_in_place)),
    Mutation(
        "the folder is not looked at again",
        _folder_not_looked_at_again,
        _raced("a photo", swaps_the_folder_for_a_link),
    ),
    Mutation("nothing is taken back", _nothing_taken_back, _failing("a group with a collision", 5)),
    Mutation(
        "groups are not brought together", _groups_not_brought_together, _killed("a group with a collision")
    ),
    Mutation("sources of copies go", _sources_of_copies_removed, _killed("a group copied")),
    Mutation("linked groups are torn", _groups_not_brought_together, _killed("a group linked")),
    Mutation(
        "undo of a copied group stops half-way", _withdrawals_not_completed, _killed("undo of a copied group")
    ),
    Mutation("no recovery", _no_recovery, _killed("a photo")),
    Mutation("copies are left", _parts_left, _killed("a group across devices")),
    Mutation("captured sources are left", _captured_sources_left, _killed("a group across devices")),
    Mutation("intents come too late", _intent_after_the_move, _killed("a photo")),
    Mutation("rows are appended again", _rows_appended_again, _killed("a photo")),
)
