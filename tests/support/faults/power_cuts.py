"""A disk that forgets: what is left after a power cut, when only what was synced is certain to be there.

The model is stricter than the usual file systems. A file's bytes last from the sync of the file on, a name
from the sync of its folder on (a rename, which is atomic, from the sync of either), and of what was not
synced any single change may have reached the disk without the others, or all of them may. The journal is as
SQLite promises: as of its last commit.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from photo_organizer.fsops import FileOperations
from support.faults.fault_scenarios import Scenario, limited, make_world
from support.faults.fault_steps import CHANGING, Step
from support.faults.photo_world import BrokenPromiseError, World
from support.faults.stops import begun

JOURNAL = ("journal.sqlite", "journal.sqlite-wal")

Change = tuple[tuple[int, bytes, int | None], ...]
"""What one step changes at once: (folder, name, file), None for a name that goes."""


@dataclass(frozen=True)
class Content:
    data: bytes
    mode: int
    mtime_ns: int


@dataclass(frozen=True)
class Cut:
    """What is certainly on the disk at one moment, and what may be."""

    after: str
    folders: dict[int, dict[bytes, int]]
    contents: dict[int, Content]
    pending: tuple[Change, ...]
    journal: dict[str, bytes]

    def variants(self) -> Iterator[tuple[str, dict[int, dict[bytes, int]]]]:
        yield "nothing unsynced", self.folders
        yield "all names", self._with(self.pending)
        if len(self.pending) > 1:
            for number, change in enumerate(self.pending, 1):
                if all(file is None or self._has(folder, file) for folder, _, file in change):
                    yield f"only change {number} of {len(self.pending)}", self._with((change,))

    def _has(self, folder: int, file: int) -> bool:
        """Whether a change can be there alone: into a folder that is there, of a file that is somewhere."""
        return folder in self.folders and (
            file in self.contents or any(file in e.values() for e in self.folders.values())
        )

    def _with(self, changes: tuple[Change, ...]) -> dict[int, dict[bytes, int]]:
        folders = {folder: dict(entries) for folder, entries in self.folders.items()}
        for change in changes:
            for folder, name, file in change:
                entries = folders.setdefault(folder, {})
                if file is None:
                    entries.pop(name, None)
                else:
                    entries[name] = file
        return folders


@dataclass
class Recorder:
    """Follows the steps and keeps a `Cut` for the moment after each."""

    world: World
    vault: Path
    folders: dict[int, dict[bytes, int]] = field(default_factory=dict)
    contents: dict[int, Content] = field(default_factory=dict)
    pending: list[Change] = field(default_factory=list)
    roots: dict[Path, int] = field(default_factory=dict)
    ours: set[int] = field(default_factory=set)
    journal: dict[str, bytes] = field(default_factory=dict)
    cuts: list[Cut] = field(default_factory=list)

    def begin(self) -> None:
        """Takes what is there as being on the disk; keeps a second link to each file, so that none can
        vanish."""
        self.vault.mkdir(parents=True)
        for root in (self.world.inbox, self.world.library, self.world.state):
            self.roots[root] = self._scan(root)
        self._keep_journal()

    def _scan(self, folder: Path) -> int:
        number = folder.stat().st_ino
        entries = self.folders.setdefault(number, {})
        for path in folder.iterdir():
            if path.is_dir():
                entries[os.fsencode(path.name)] = self._scan(path)
            elif not path.name.startswith("journal.sqlite") and not path.name.endswith(".lock"):
                file = path.lstat().st_ino
                entries[os.fsencode(path.name)] = file
                if folder == self.world.state:
                    self.ours.add(file)
                    self.contents[file] = _content(path)
                elif not (self.vault / str(file)).exists():
                    os.link(path, self.vault / str(file))
        return number

    def _keep_journal(self) -> None:
        self.journal = {
            name: (self.world.state / name).read_bytes()
            for name in JOURNAL
            if (self.world.state / name).exists()
        }

    def after(self, step: Step, result: Any) -> None:
        getattr(self, f"_after_{step.name}", lambda *_: None)(result, *step.arguments)
        if step.name in CHANGING:
            self.cuts.append(
                Cut(
                    f"{step.number} {step.name}",
                    {folder: dict(entries) for folder, entries in self.folders.items()},
                    dict(self.contents),
                    tuple(self.pending),
                    self.journal,
                )
            )

    def _change(self, *changes: tuple[int, bytes, int | None]) -> None:
        self.pending.append(tuple((os.fstat(folder).st_ino, name, file) for folder, name, file in changes))

    def _after_make_folder(self, _: None, name: bytes, folder: int, __: int) -> None:
        number = os.stat(name, dir_fd=folder).st_ino
        self.contents.pop(number, None)
        self._change((folder, name, number))
        self.folders.setdefault(number, {})

    def _after_create_file(self, descriptor: int, name: bytes, folder: int, *_: int) -> None:
        number = os.fstat(descriptor).st_ino
        self.ours.add(number)
        self.contents[number] = Content(b"", 0o600, 0)
        self._change((folder, name, number))

    def _after_open_ledger(self, descriptor: int, name: bytes, folder: int) -> None:
        if os.fstat(descriptor).st_ino not in self.ours:
            self._after_create_file(descriptor, name, folder)

    def _after_sync(self, _: None, descriptor: int) -> None:
        status = os.fstat(descriptor)
        if not stat.S_ISDIR(status.st_mode):
            if status.st_ino in self.ours:
                data = os.pread(descriptor, status.st_size, 0)
                self.contents[status.st_ino] = Content(data, stat.S_IMODE(status.st_mode), status.st_mtime_ns)
            return
        synced = [
            change for change in self.pending if any(folder == status.st_ino for folder, _, _ in change)
        ]
        for change in synced:
            self.pending.remove(change)
        self.folders = replace(self._bare(), pending=tuple(synced))._with(tuple(synced))

    def _bare(self) -> Cut:
        return Cut("", self.folders, self.contents, (), {})

    def _after_rename_without_replacing(
        self, _: None, name: bytes, folder: int, new_name: bytes, new_folder: int
    ) -> None:
        number = os.stat(new_name, dir_fd=new_folder, follow_symlinks=False).st_ino
        self._change((folder, name, None), (new_folder, new_name, number))

    _after_rename_own = _after_rename_without_replacing

    def _after_link(self, _: None, __: bytes, ___: int, new_name: bytes, new_folder: int) -> None:
        self._change((new_folder, new_name, os.stat(new_name, dir_fd=new_folder).st_ino))

    def _after_symlink(self, _: None, __: bytes, name: bytes, folder: int) -> None:
        number = os.stat(name, dir_fd=folder, follow_symlinks=False).st_ino
        os.link(name, self.vault / str(number), src_dir_fd=folder, follow_symlinks=False)
        self._change((folder, name, number))

    def _after_unlink(self, _: None, name: bytes, folder: int) -> None:
        self._change((folder, name, None))

    _after_remove_folder = _after_unlink

    def _after_commit(self, *_: object) -> None:
        self._keep_journal()

    def restore(self, cut: Cut, folders: dict[int, dict[bytes, int]]) -> None:
        """Makes the world what is left of it."""
        for root, number in self.roots.items():
            shutil.rmtree(root)
            self._restore_folder(root, number, cut, folders)
        for name, data in cut.journal.items():
            (self.world.state / name).write_bytes(data)

    def _restore_folder(
        self, path: Path, number: int, cut: Cut, folders: dict[int, dict[bytes, int]]
    ) -> None:
        path.mkdir()
        for name, file in folders[number].items():
            inner = path / os.fsdecode(name)
            if file in cut.contents:
                content = cut.contents[file]
                inner.write_bytes(content.data)
                inner.chmod(content.mode)
                os.utime(inner, ns=(content.mtime_ns, content.mtime_ns))
            elif file in folders:
                self._restore_folder(inner, file, cut, folders)
            else:
                os.link(self.vault / str(file), inner)


def _content(path: Path) -> Content:
    status = path.stat()
    return Content(path.read_bytes(), stat.S_IMODE(status.st_mode), status.st_mtime_ns)


def record(scenario: Scenario, near: Path, far: Path) -> tuple[World, Counter[str], Recorder]:
    """A run of the scenario, with what the disk is certain of after each step."""
    world = make_world(scenario, near, far)
    before = world.contents()
    recorder = Recorder(world, near / "vault")
    with begun(scenario, world) as (library, operations):
        recorder.begin()
        operations.after = recorder.after
        scenario.act(world, library)
        operations.after = None
    return world, before, recorder


def check_power_cuts(scenario: Scenario, near: Path, far: Path) -> int:
    """Cuts the power after each step, in each variant, starts again and checks; returns how many cuts there
    were.

    Raises:
        BrokenPromiseError: something that must hold does not.
    """
    world, before, recorder = record(scenario, near, far)
    tried: list[object] = []
    for cut in recorder.cuts:
        for name, folders in cut.variants():
            state = (folders, cut.contents, cut.journal)
            if state in tried[-12:]:
                continue
            tried.append(state)
            recorder.restore(cut, folders)
            try:
                world.check_instant(before)
                world.recovered(before, limited(FileOperations, scenario.limits)(), scenario.repeat)
            except AssertionError as error:
                raise BrokenPromiseError(
                    f"{scenario}, power cut after {cut.after}, {name}: {error}"
                ) from error
    return len(tried)
