"""Hints from the kernel about which folders to look at. Hints only: the scan is the truth.

watchdog's `InotifyFD` (one inotify instance, one thread) is used, and not its `Observer`. The scan places a
watch on each folder it enters before it lists it, so that there is no moment in which a file can slip between
the two, and nothing is walked twice. An event costs a set insertion and no event object is queued, so that a
burst of any size takes no memory. Our own moves out of the inbox are no events at all. A queue overflow is
told to the callback, and a refused watch (`fs.inotify.max_user_watches`) to the caller. The `Observer` does
none of these, and holds each event that follows a move out of the folder back for half a second.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

from photo_organizer.ignored_names import NO_PHOTOS, is_ignored

if TYPE_CHECKING:
    from watchdog.observers.inotify_c import InotifyEvent, InotifyFD


@dataclass(frozen=True, slots=True)
class Hint:
    """What the kernel told: the folders to look at, or (`everything`) that it lost count."""

    folders: tuple[str, ...] = ()
    everything: bool = False


class Hints:
    """Collects hints from any thread, and wakes the loop once for each folder until it is looked into."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._lock = threading.Lock()
        self._told: set[str] = set()
        self._new: list[str] = []
        self._everything = False

    def add(self, folder: str) -> None:
        """Something happened in `folder`."""
        with self._lock:
            if folder in self._told:
                return
            self._told.add(folder)
            self._new.append(folder)
        self._wake()

    def add_everything(self) -> None:
        """Something happened, nobody knows where."""
        with self._lock:
            if self._everything:
                return
            self._everything = True
        self._wake()

    def take(self) -> Hint:
        """The hints that are new."""
        if not self._new and not self._everything:
            return Hint()
        with self._lock:
            hint = Hint(tuple(self._new), everything=self._everything)
            self._new = []
            self._everything = False
        return hint

    def listen(self, folder: str) -> None:
        """`folder` is about to be looked into: what happens there from now on is a new hint."""
        with self._lock:
            self._told.discard(folder)

    def mute(self) -> None:
        """Wake nobody any more."""
        with self._lock:
            self._wake = _nobody


def _nobody() -> None:
    """The loop is gone."""


class InotifyWatcher:
    """Watches folders, one by one, and turns events into hints.

    Raises:
        OSError: from the constructor where inotify is not to be had (EMFILE, ENOSYS).
        ImportError: on systems without inotify.
    """

    def __init__(self, hints: Hints) -> None:
        from watchdog.observers.inotify_c import InotifyConstants, InotifyFD  # noqa: PLC0415 - slow, Linux only

        self._hints = hints
        self._mask = (
            InotifyConstants.IN_CREATE
            | InotifyConstants.IN_MOVED_TO
            | InotifyConstants.IN_CLOSE_WRITE
            | InotifyConstants.IN_DELETE  # of a `.nophotos`
            | InotifyConstants.IN_DELETE_SELF
            | InotifyConstants.IN_MOVE_SELF
            | InotifyConstants.IN_ONLYDIR
        )
        self._lock = threading.Lock()
        self._names = count()
        self._watches: dict[str, tuple[int, int]] = {}  # folder: watch descriptor, callback
        self._folders: dict[int, str] = {}  # watch descriptor: folder
        self._inotify: InotifyFD = InotifyFD()
        self._inotify.start()

    def watch(self, folder: str) -> None:
        """Watch `folder`, or watch it anew when another folder is in its place now.

        Raises:
            OSError: ENOSPC when the kernel grants no more watches; ENOENT, ENOTDIR when the folder is gone.
        """
        name = next(self._names)
        descriptor = self._inotify.add_callback(os.fsencode(folder), self._mask, self, name)
        if descriptor < 0:  # EACCES, which watchdog passes over: the scan will meet it too
            return
        with self._lock:
            in_its_place = self._watches.pop(folder, None)
            if in_its_place is not None:
                self._folders.pop(in_its_place[0], None)
            elsewhere = self._watches.pop(self._folders.get(descriptor, ""), None)  # it was renamed
            self._watches[folder] = (descriptor, name)
            self._folders[descriptor] = folder
        self._drop({watch for watch in (in_its_place, elsewhere) if watch is not None})

    def forget(self, folder: str) -> None:
        """Watch `folder` no longer."""
        with self._lock:
            watch = self._watches.pop(folder, None)
            if watch is None or self._folders.get(watch[0]) != folder:
                return
            del self._folders[watch[0]]
        self._drop({watch})

    def is_watched(self, folder: str) -> bool:
        """Whether the kernel reports on `folder`."""
        return folder in self._watches

    def close(self) -> None:
        """End the thread and all watches."""
        self._inotify.stop()
        self._inotify.join()

    # Called by watchdog, from its thread (watchdog.observers.inotify_c.WatchCallback):

    def on_event(self, event: InotifyEvent) -> None:
        folder = self._folders.get(event.wd)
        if folder is not None and _is_of_interest(event):
            self._hints.add(folder)

    def on_watch_deleted(self, descriptor: int) -> None:
        with self._lock:
            folder = self._folders.pop(descriptor, None)
            if folder is not None:
                self._watches.pop(folder, None)
        if folder is not None:
            self._hints.add(folder)

    def on_queue_overflow(self) -> None:
        self._hints.add_everything()

    def _drop(self, watches: set[tuple[int, int]]) -> None:
        self._inotify.remove_callbacks(list(watches))


def _is_of_interest(event: InotifyEvent) -> bool:
    """Whether something may be new in the folder: not when a photo has left, or a hidden file has come."""
    name = os.fsdecode(event.name)
    if name == NO_PHOTOS:
        return True
    return not event.is_delete and not (name and is_ignored(name))
