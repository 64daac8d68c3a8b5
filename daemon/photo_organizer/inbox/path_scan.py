"""Photos below given paths, once, for `sort`: no watching, folder by folder.

Memory is taken for the names of one folder at a time, about 300 bytes for each.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from photo_organizer.companions.grouping import NameGroup, PhotoIndex, bundle
from photo_organizer.companions.kinds import Kind, kind_of, may_accompany
from photo_organizer.crash_log import CrashLog
from photo_organizer.errors import OrganizerError
from photo_organizer.formats import by_extension
from photo_organizer.inbox.ignore_rules import EVERYTHING, Ignored, belongs_to_a_program, marker_patterns
from photo_organizer.inbox.mounts import file_system_of, is_remote
from photo_organizer.inbox.readiness.content_type import blocked_reason, is_being_written
from photo_organizer.inbox.readiness.readiness_check import settled_at
from photo_organizer.inbox.readiness.stability import Instant, Observation, observe, regular_file
from photo_organizer.inbox.skip_cache import NOT_AN_IMAGE
from photo_organizer.photo import AssetGroup, Photo

SYMBOLIC_LINK = "a symbolic link"
_WINDOW = 4096
_PATIENCE_SECONDS = 60.0


class NothingThereError(OrganizerError):
    """A path was given that does not exist or cannot be read."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that was looked at and is no photo to be filed now."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class _Search:
    settle_seconds: float
    recursive: bool
    videos: bool
    ignored: Ignored
    ours: frozenset[tuple[int, int]]
    available_extras: frozenset[str]
    on_skipped: Callable[[Skipped], None]
    crash_log: CrashLog | None

    def is_photo(self, name: str) -> bool:
        kind = kind_of(name)
        return kind in {Kind.PHOTO, Kind.UNKNOWN} or (self.videos and kind is Kind.VIDEO)

    def usable(self, name: str) -> bool:
        image_format = by_extension(name)
        return (
            image_format is None or image_format.extra is None or image_format.extra in self.available_extras
        )


@dataclass(slots=True)
class _Awaited:
    """A group that was not still when it was found."""

    folder: str
    names: tuple[str, ...]
    seen: dict[str, Observation]
    found: float
    due: float = 0.0


@dataclass(frozen=True, slots=True)
class _Place:
    """A folder to look into: all of it, or the names given."""

    folder: str
    root: Path
    relative: str = ""
    given: tuple[str, ...] = ()
    trust_clock: bool = field(default=True, kw_only=True)
    outer: Ignored | None = field(default=None, kw_only=True)


def find_groups(
    paths: Sequence[Path],
    *,
    settle_seconds: float,
    recursive: bool = True,
    videos: bool = False,
    ignore: Sequence[str] = (),
    ours: Sequence[Path] = (),
    available_extras: frozenset[str] = frozenset(),
    on_skipped: Callable[[Skipped], None] = lambda _skipped: None,
    crash_log: CrashLog | None = None,
) -> Iterator[AssetGroup]:
    """The photos in `paths` with their companions, each group once, as they are found.

    What was written within the last `settle_seconds` is waited for, after all else in its folder; what still
    changes after a minute is skipped. A photo given by name brings its companions along; an ignored name that
    is given is taken at its word. Files may be moved away while this runs.

    Args:
        paths: files and folders. A folder may be a symbolic link; nothing below it is followed.
        settle_seconds: what has not changed for so long is complete.
        recursive: whether to look into folders below the given ones.
        videos: whether videos alone are groups too.
        ignore: the owner's patterns (`watch.ignore`).
        ours: folders not looked into, under whatever path they are met: the library and the program's own.
        available_extras: the optional formats that can be decoded.
        on_skipped: called with each file that is not a photo, waits for an extra, or never stopped changing.
        crash_log: where the details of an error go that nobody foresaw; None to have it raised.

    Raises:
        NothingThereError: at once, when a path does not exist or cannot be read.
    """
    search = _Search(
        settle_seconds,
        recursive,
        videos,
        Ignored.by(ignore),
        frozenset(filter(None, map(_identity, ours))),
        available_extras,
        on_skipped,
        crash_log,
    )
    places = _starting_places([Path(os.path.abspath(path)) for path in paths], search)
    return _search_all(places, search)


def _starting_places(paths: list[Path], search: _Search) -> list[_Place]:
    folders: list[Path] = []
    files: dict[Path, list[str]] = {}
    for path in dict.fromkeys(paths):
        try:
            if path.is_dir():
                os.scandir(path).close()
                folders.append(path)
            else:
                os.lstat(path)
                files.setdefault(path.parent, []).append(path.name)
        except OSError as error:
            raise NothingThereError(
                (error.strerror or "cannot be read").lower(), where=path, remedy="check the path"
            ) from error
    if search.recursive:
        folders = [folder for folder in folders if not any(above in folders for above in folder.parents)]
        files = {above: names for above, names in files.items() if not {above, *above.parents} & set(folders)}
    else:
        files = {above: names for above, names in files.items() if above not in folders}
    return [_place(folder, ()) for folder in folders] + [
        _place(above, tuple(names)) for above, names in files.items()
    ]


def _place(folder: Path, given: tuple[str, ...]) -> _Place:
    return _Place(str(folder), folder, given=given, trust_clock=not is_remote(file_system_of(str(folder))))


def _search_all(places: list[_Place], search: _Search) -> Iterator[AssetGroup]:
    to_do = places[::-1]
    while to_do:
        place = to_do.pop()
        below: list[str] = []
        try:
            yield from _search_one(place, search, below)
        except OSError as error:  # this folder is gone or closed to us: go on with the others
            search.on_skipped(Skipped(Path(place.folder), (error.strerror or str(error)).lower()))
        for name in sorted(below, reverse=True):
            folder = f"{place.folder}/{name}"
            if _identity(folder) not in search.ours and not belongs_to_a_program(folder):
                relative = f"{place.relative}/{name}" if place.relative else name
                rules = _rules_of(place, search)
                to_do.append(_Place(folder, place.root, relative, trust_clock=place.trust_clock, outer=rules))


def _identity(folder: str | Path) -> tuple[int, int] | None:
    """Device and inode, which are the same by way of a symbolic link; None when it cannot be told."""
    try:
        status = os.stat(folder)  # noqa: PTH116 - called for each folder, most of them as text
    except OSError:
        return None
    return status.st_dev, status.st_ino


LEFT_ALONE = "everything in it is left alone, as its .nophotos says"


def _search_one(place: _Place, search: _Search, below: list[str]) -> Iterator[AssetGroup]:
    """Groups in one folder, in the order of their names; its sub-folders are added to `below`.

    The folder is listed and grouped once; then the files are looked at, so many at a time.
    """
    if not place.given and marker_patterns(place.folder) == EVERYTHING:
        search.on_skipped(Skipped(Path(place.folder), LEFT_ALONE))
        return
    bundles = iter(_bundles(place, search, below))
    awaited: list[_Awaited] = []
    while window := list(islice(bundles, _WINDOW)):
        found = time.monotonic()
        awaited += [_Awaited(place.folder, (group.photo, *group.companions), {}, found) for group in window]
        still, awaited = _sift(awaited, place, search)
        yield from still
        while len(awaited) > _WINDOW:
            yield from _after_a_pause(awaited, place, search)
    while awaited:
        yield from _after_a_pause(awaited, place, search)


def _may_be_image(place: _Place, search: _Search, name: str) -> bool:
    """Whether a file may be an image by its content, where its name does not tell."""
    if kind_of(name) is not Kind.UNKNOWN:
        return True
    path = f"{place.folder}/{name}"
    try:
        fact = blocked_reason(path, search.available_extras)
    except OSError:  # told later
        return True
    if fact is not None and fact.reason == NOT_AN_IMAGE:
        search.on_skipped(Skipped(Path(path), fact.reason))
        return False
    return True


def _rules_of(place: _Place, search: _Search) -> Ignored:
    """What is left alone in a folder: as in the one above it, and as its own `.nophotos` says.

    Photos that are given by name are taken all the same, with their companions.
    """
    outer = search.ignored if place.outer is None else place.outer
    return outer if place.given else outer.in_folder(marker_patterns(place.folder), place.relative)


def _names(place: _Place, search: _Search, below: list[str]) -> Iterator[str]:
    ignored = _rules_of(place, search).within(place.relative)
    with os.scandir(place.folder) as entries:
        for entry in entries:
            if ignored(entry):
                continue
            if entry.is_dir(follow_symlinks=False):
                if search.recursive:
                    below.append(entry.name)
            elif entry.is_file(follow_symlinks=False):
                yield entry.name


def _telling_links(place: _Place, search: _Search, below: list[str]) -> Iterator[str]:
    """As `_names`; symbolic links, which are not followed, are reported."""
    ignored = _rules_of(place, search).within(place.relative)
    with os.scandir(place.folder) as entries:
        links = [entry.name for entry in entries if entry.is_symlink() and not ignored(entry)]
    for name in sorted(links):
        search.on_skipped(Skipped(Path(place.folder, name), SYMBOLIC_LINK))
    yield from _names(place, search, below)


def _bundles(place: _Place, search: _Search, below: list[str]) -> list[NameGroup]:
    """The groups of a folder, or those that the names given belong to."""
    if place.given:
        asked = {name for name in place.given if search.is_photo(name) and _may_be_image(place, search, name)}
        names = list(asked) + [name for name in _names(place, search, []) if name not in asked]
    else:
        asked = set()
        names = list(_telling_links(place, search, below))
    index = PhotoIndex()
    for name in asked:
        index.add(name)
    photos, companions = list(asked), []
    for name in names:
        if name in asked:
            continue
        if _is_candidate(name, place, search, index):
            photos.append(name)
        elif may_accompany(name) and (not asked or index.photo_of(name) is not None):
            companions.append(name)
    groups = bundle(photos, companions, usable=search.usable)[0]
    if place.given:
        groups = [group for group in groups if not asked.isdisjoint((group.photo, *group.companions))]
    return sorted(groups, key=lambda group: group.photo)


def _is_candidate(name: str, place: _Place, search: _Search, asked: PhotoIndex) -> bool:
    """Whether a file in the folder is a photo to be grouped: any, or, of names given, the kin of one."""
    if place.given:
        return kind_of(name) is Kind.PHOTO and asked.has_kin(name)
    return search.is_photo(name) and _may_be_image(place, search, name)


def _sift(
    awaited: list[_Awaited], place: _Place, search: _Search
) -> tuple[Iterator[AssetGroup], list[_Awaited]]:
    """Those that are still, as groups, and those to be waited for."""
    now = Instant(time.monotonic(), time.time())
    ready, waiting = [], []
    for candidate in awaited:
        with _one_photo(candidate, search) as looked:
            is_there = _look_at(candidate, place, search, now)
            if is_there and candidate.due <= now.monotonic and place.trust_clock:
                paths = (f"{candidate.folder}/{name}" for name in candidate.names)
                if any(is_being_written(path) for path in paths):
                    candidate.due = now.monotonic + max(search.settle_seconds, 0.1)
            looked.append(is_there)
        if not all(looked) or not looked:
            continue
        if candidate.due <= now.monotonic:
            ready.append(candidate)
        elif now.monotonic - candidate.found > max(_PATIENCE_SECONDS, 3 * search.settle_seconds):
            search.on_skipped(Skipped(Path(candidate.folder, candidate.names[0]), "still being written"))
        else:
            waiting.append(candidate)
    return (group for candidate in ready for group in _groups(candidate, place, search)), waiting


def _groups(candidate: _Awaited, place: _Place, search: _Search) -> list[AssetGroup]:
    """The group, if there is one."""
    groups: list[AssetGroup] = []
    with _one_photo(candidate, search) as found:
        found.append(_group(candidate, place, search))
        groups += [group for group in found if group is not None]
    return groups


@contextmanager
def _one_photo(candidate: _Awaited, search: _Search) -> Iterator[list[Any]]:
    """Gives a list for what is found; an error that nobody foresaw has this photo skipped, and no other."""
    found: list[Any] = []
    try:
        yield found
    except OSError:
        raise
    except Exception as error:
        if search.crash_log is None:
            raise
        found.clear()
        path = Path(candidate.folder, candidate.names[0])
        search.on_skipped(Skipped(path, search.crash_log.describe(error, str(path))))


def _after_a_pause(awaited: list[_Awaited], place: _Place, search: _Search) -> Iterator[AssetGroup]:
    """Wait until the first of `awaited` may be still; what is not remains in the list."""
    time.sleep(max(0.0, min(candidate.due for candidate in awaited) - time.monotonic()))
    still, awaited[:] = _sift(awaited, place, search)
    yield from still


def _look_at(candidate: _Awaited, place: _Place, search: _Search, now: Instant) -> bool:
    """Observe the members; False when the photo is gone or is no regular file."""
    for name in candidate.names:
        path = f"{candidate.folder}/{name}"
        status = regular_file(path)
        if status is not None:
            candidate.seen[name] = observe(
                candidate.seen.get(name), status, now, trust_clock=place.trust_clock
            )
        elif name == candidate.names[0]:
            if os.path.lexists(path):
                search.on_skipped(Skipped(Path(path), _special(path)))
            return False
        else:
            candidate.seen.pop(name, None)
    candidate.names = tuple(name for name in candidate.names if name in candidate.seen)
    candidate.due = settled_at([candidate.seen[name] for name in candidate.names], search.settle_seconds)
    return True


def _special(path: str) -> str:
    return SYMBOLIC_LINK if stat.S_ISLNK(os.lstat(path).st_mode) else "not a regular file"


def _group(candidate: _Awaited, place: _Place, search: _Search) -> AssetGroup | None:
    """The group, unless its photo is none or cannot be decoded here."""
    path = Path(candidate.folder, candidate.names[0])
    try:
        fact = blocked_reason(str(path), search.available_extras)
    except FileNotFoundError:
        return None
    except OSError as error:
        search.on_skipped(Skipped(path, (error.strerror or str(error)).lower()))
        return None
    if fact is not None:
        search.on_skipped(Skipped(path, f"{fact.reason} ({fact.extra})" if fact.extra else fact.reason))
        return None
    photo, *companions = (
        Photo(Path(candidate.folder, name), candidate.seen[name].identity) for name in candidate.names
    )
    return AssetGroup(place.root, photo, tuple(companions))
