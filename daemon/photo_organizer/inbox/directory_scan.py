"""One look into one folder, in two passes over its names, so that a folder of any size takes bounded memory.

The first pass finds photos that are new, up to a limit; the second finds what belongs to them, which may
stand anywhere in the folder. A name is some 70 bytes as an object; a hundred thousand of them are never held.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from photo_organizer.companions.grouping import PhotoIndex
from photo_organizer.companions.kinds import Kind, kind_of, may_accompany
from photo_organizer.companions.names import companion_keys, photo_keys
from photo_organizer.inbox.ignore_rules import is_real_folder
from photo_organizer.inbox.skip_cache import KEPT_ORIGINAL, NOT_AN_IMAGE, OFFERED_LATE, SkipReason

_SKIPPED = 16
"""Folders that are left alone and remembered by name."""

_STRAYS = 4096
"""Companions without a photo that are offered at a time."""


@dataclass(slots=True)
class DirectoryScan:
    """What was found in a folder.

    Attributes:
        photos: names that may be a photo, with their status: the new ones, and partners of known ones.
        companions: names that belong to `photos` or to the awaited ones.
        present: the awaited photos that are still there.
        orphans, videos: how many companions and videos belong to no file of this folder (told only when not
            `truncated`).
        strays: the first few of them that may belong to a photo filed before, and were not offered yet.
        folders: names and inodes of the folders in it.
        kept: photos that stay since the library has a copy of them, or a link to them.
        skipped: folders that are left alone, hidden ones aside.
        left: how many photos stay, by reason and extra.
        beyond: photos that did not fit any more.
        truncated: whether names were left unread for want of room.
        expected: whether a companion belongs to a photo that is in flight or stays.
        unreachable: how many photos cannot be asked about, though they are listed.
        next_due: when the first fact ends (monotonic), or None.
    """

    photos: dict[str, os.stat_result] = field(default_factory=dict)
    present: set[str] = field(default_factory=set)
    companions: dict[str, os.stat_result] = field(default_factory=dict)
    orphans: int = 0
    videos: int = 0
    strays: dict[str, os.stat_result] = field(default_factory=dict)
    folders: list[tuple[str, int]] = field(default_factory=list)
    kept: set[str] = field(default_factory=set)
    skipped: list[str] = field(default_factory=list)
    left: Counter[tuple[str, str | None]] = field(default_factory=Counter)
    beyond: int = 0
    truncated: bool = False
    expected: bool = False
    unreachable: int = 0
    next_due: float | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """What to look for in a folder.

    Attributes:
        folder: its path.
        ignored: whether to leave an entry alone.
        awaited: photos already known there and waiting; they are not examined again.
        busy: files in flight.
        room: how many new photos to take at most.
        recall: the fact that keeps a file where it is, or None.
        may_be_image: whether the content of a file, whose name does not tell, may be that of an image.
        now: monotonic seconds.
        videos: whether videos alone are wanted.
    """

    folder: str
    ignored: Callable[[os.DirEntry[str]], bool]
    awaited: frozenset[str]
    busy: frozenset[str]
    room: int
    recall: Callable[[str, os.stat_result], SkipReason | None]
    may_be_image: Callable[[str, os.stat_result], bool]
    now: float
    videos: bool


def look(question: Question) -> DirectoryScan:
    """Look into a folder.

    Raises:
        OSError: when it cannot be listed.
    """
    listing = DirectoryScan()
    others = _find_photos(question, listing)
    _SecondPass(question, listing, others).run()
    return listing


def _entries(question: Question) -> Iterator[os.DirEntry[str]]:
    ignored = question.ignored
    with os.scandir(question.folder) as entries:
        for entry in entries:
            if not ignored(entry):
                yield entry


def _status(entry: os.DirEntry[str]) -> os.stat_result | None:
    """The status of a regular file, None for anything else and for what is gone or cannot be asked about."""
    try:
        return entry.stat(follow_symlinks=False) if entry.is_file(follow_symlinks=False) else None
    except OSError:
        return None


def _is_plain(entry: os.DirEntry[str]) -> bool:
    """Whether it is a regular file: what is offered one day. As a rule the listing itself tells."""
    try:
        return entry.is_file(follow_symlinks=False)
    except OSError:
        return False


def _is_out_of_reach(entry: os.DirEntry[str]) -> bool:
    """Whether it is there, and cannot be asked about: its folder may be listed but not entered, say."""
    try:
        entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def _may_be_photo(kind: Kind, *, videos: bool) -> bool:
    return kind in {Kind.PHOTO, Kind.UNKNOWN} or (videos and kind is Kind.VIDEO)


def _find_photos(question: Question, listing: DirectoryScan) -> set[str]:
    """First pass: new photos into `listing`. Returns the names of the photos that are not offered now.

    (That set holds what stays in the inbox for good; it lives as long as this look.)
    """
    others: set[str] = set(question.busy)
    videos: dict[str, SkipReason] = {}
    examined = 0
    for entry in _entries(question):
        name = entry.name
        if name in question.awaited or name in question.busy:
            continue
        kind = kind_of(name)
        if not _may_be_photo(kind, videos=question.videos):
            continue
        if len(listing.photos) + examined >= question.room:
            listing.truncated = True
            break
        status = _status(entry)
        if status is None:
            listing.unreachable += kind is not Kind.UNKNOWN and _is_plain(entry) and _is_out_of_reach(entry)
            continue
        fact = question.recall(name, status)
        if fact is None or fact.due <= question.now:
            if kind is not Kind.UNKNOWN or question.may_be_image(name, status):
                listing.photos[name] = status
            else:  # what is no image founds no group, and takes nothing along
                examined += 1
                listing.left[NOT_AN_IMAGE, None] += 1
            continue
        if fact.due != float("inf"):
            listing.next_due = min(fact.due, listing.next_due or fact.due)
        if kind is Kind.VIDEO:
            videos[name] = fact
            continue
        listing.left[fact.label] += 1
        if fact.reason == KEPT_ORIGINAL:
            listing.kept.add(name)
        if kind is not Kind.UNKNOWN:
            others.add(name)
    _leave_videos(videos, others, listing)
    return others


def _leave_videos(videos: dict[str, SkipReason], others: set[str], listing: DirectoryScan) -> None:
    """Count the videos that stay for a reason of their own: not those which stay with their picture."""
    if not videos:
        return
    keys = {key for name in others for key in photo_keys(name)}
    for name, fact in videos.items():
        if not (may_accompany(name) and any(key in keys for key in companion_keys(name))):
            listing.left[fact.label] += 1
        if fact.reason != OFFERED_LATE:  # one that waits for its picture goes along when that comes
            others.add(name)


class _SecondPass:
    """Folders, partners and companions of the photos found and awaited, and what belongs to nobody.

    `others` are the photos that are not offered now: their companions wait with them.
    """

    def __init__(self, question: Question, listing: DirectoryScan, others: set[str]) -> None:
        self._question = question
        self._listing = listing
        self._others = others
        self._other_keys: set[int] | None = None
        self._kept_keys: set[int] | None = None
        self._index = PhotoIndex()
        for name in (*question.awaited, *listing.photos):
            self._index.add(name)

    def run(self) -> None:
        question, listing = self._question, self._listing
        for entry in self._entries_and_skipped():
            name = entry.name
            if is_real_folder(entry):
                listing.folders.append((name, entry.inode()))
            elif name in question.awaited:
                listing.present.add(name)
            elif name not in listing.photos and name not in self._others:
                self._meet(entry)
        if question.videos:
            self._give_back_videos()

    def _entries_and_skipped(self) -> Iterator[os.DirEntry[str]]:
        """Yield the entries to look at, and take note of the folders that are left alone."""
        skipped = self._listing.skipped
        with os.scandir(self._question.folder) as entries:
            for entry in entries:
                if not self._question.ignored(entry):
                    yield entry
                elif not entry.name.startswith(".") and len(skipped) < _SKIPPED and is_real_folder(entry):
                    skipped.append(entry.name)

    def _meet(self, entry: os.DirEntry[str]) -> None:
        kind = kind_of(entry.name)
        if kind is Kind.PHOTO:
            self._meet_partner(entry)
        elif may_accompany(entry.name) and self._index.photo_of(entry.name) is not None:
            status = _status(entry)
            if status is not None:
                self._listing.companions[entry.name] = status
        elif kind is not Kind.UNKNOWN and not self._listing.truncated:
            self._meet_orphan(entry, kind)

    def _meet_partner(self, entry: os.DirEntry[str]) -> None:
        """A photo that the first pass did not reach: taken along when it belongs to one that was found."""
        if self._index.has_kin(entry.name):
            status = _status(entry)
            fact = None if status is None else self._question.recall(entry.name, status)
            if status is not None and (fact is None or fact.due <= self._question.now):
                self._listing.photos[entry.name] = status
                return
        if _is_plain(entry):  # a link or a pipe is never offered, so it does not wait either
            self._listing.beyond += 1

    def _meet_orphan(self, entry: os.DirEntry[str], kind: Kind) -> None:
        name, listing = entry.name, self._listing
        is_companion = may_accompany(name)
        if is_companion and self._belongs_to_others(name) and not self._belongs_to_kept(name):
            listing.expected = True
            return
        status = _status(entry)
        if status is None:
            return
        if is_companion and self._belongs_to_kept(name):
            self._meet_late(name, status)
            return
        if kind is Kind.VIDEO:
            listing.videos += 1
        else:
            listing.orphans += 1
        known = self._question.recall(name, status) is not None
        if may_accompany(name) and not known and len(listing.strays) < _STRAYS:
            listing.strays[name] = status

    def _meet_late(self, name: str, status: os.stat_result) -> None:
        """A companion of a photo whose original is kept: new, or in the library with it."""
        if self._question.recall(name, status) is None and len(self._listing.strays) < _STRAYS:
            self._listing.strays[name] = status

    def _belongs_to_kept(self, companion: str) -> bool:
        if not self._listing.kept:
            return False
        if self._kept_keys is None:
            self._kept_keys = {hash(key) for name in self._listing.kept for key in photo_keys(name)}
        return any(hash(key) in self._kept_keys for key in companion_keys(companion))

    def _belongs_to_others(self, companion: str) -> bool:
        if self._other_keys is None:
            self._other_keys = {hash(key) for name in self._others for key in photo_keys(name)}
        return any(hash(key) in self._other_keys for key in companion_keys(companion))

    def _give_back_videos(self) -> None:
        """A video beside a photo that is in flight or stays is that photo's companion, and waits with it."""
        photos = self._listing.photos
        for name in [name for name in photos if kind_of(name) is Kind.VIDEO and may_accompany(name)]:
            if self._belongs_to_kept(name):
                self._meet_late(name, photos.pop(name))
            elif self._belongs_to_others(name):
                del photos[name]
                self._listing.expected = True
