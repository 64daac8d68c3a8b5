"""What must hold between settings that are each fine by themselves."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from photo_organizer.config.document import Key, dotted
from photo_organizer.config.folders import FolderTemplate
from photo_organizer.config.paths import is_inside
from photo_organizer.config.plain_names import same_name_key
from photo_organizer.config.settings import ThresholdSettings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from photo_organizer.config.configuration import Configuration
    from photo_organizer.config.inboxes import InboxSettings


SIDE_BY_SIDE = "inboxes and libraries must lie side by side"


class Conflict(NamedTuple):
    """Two settings that do not go together: the key to change, why, and how."""

    key: Key
    what: str
    remedy: str = ""


def conflicts(configuration: Configuration) -> Iterator[Conflict]:
    """Everything in `configuration` that does not go together."""
    yield from _folders_apart(configuration)
    yield from _libraries_apart(configuration)
    yield from _own_files_apart(configuration)
    yield from _names_apart(configuration)
    yield from _thresholds_known(configuration)
    yield from _templates_apart(configuration)
    yield from _templates_alike(configuration)
    yield from _links_possible(configuration)


def _path_key(index: int, inbox: InboxSettings) -> Key:
    """Where the path of an inbox is written: as a key of its own, or as the inbox itself."""
    return ("inboxes", index) if inbox.is_plain else ("inboxes", index, "path")


def _folders_apart(configuration: Configuration) -> Iterator[Conflict]:
    if configuration.library.exists() and not configuration.library.is_dir():
        yield Conflict(("library",), f"{configuration.library} is a file, not a folder")
    for index, settings in enumerate(configuration.inboxes):
        key, inbox = _path_key(index, settings), settings.path
        if inbox.exists() and not inbox.is_dir():
            yield Conflict(key, f"{inbox} is a file, not a folder")
        for library in configuration.libraries:
            if is_inside(inbox, library):
                yield Conflict(key, f"{inbox} is in the library {library}", SIDE_BY_SIDE)
            elif is_inside(library, inbox):
                yield Conflict(key, f"{inbox} has the library {library} in it", SIDE_BY_SIDE)
        for other in configuration.inbox_paths[:index]:
            if is_inside(inbox, other):
                yield Conflict(key, f"{inbox} is in the inbox {other}", "name only the outer one")
            elif is_inside(other, inbox):
                yield Conflict(key, f"{inbox} has the inbox {other} in it", "name only the outer one")


def _libraries_apart(configuration: Configuration) -> Iterator[Conflict]:
    """No library in another: the folders of the inner one would be categories of the outer one."""
    seen = [configuration.library]
    for index, inbox in enumerate(configuration.inboxes):
        library = inbox.library
        if library is None or library in seen:
            continue
        key: Key = ("inboxes", index, "library")
        if library.exists() and not library.is_dir():
            yield Conflict(key, f"{library} is a file, not a folder")
        for other in seen:
            if is_inside(library, other) and is_inside(other, library):
                yield Conflict(key, f"{library} is the library {other} by another path", f"write {other}")
            elif is_inside(library, other):
                yield Conflict(key, f"{library} is in the library {other}", SIDE_BY_SIDE)
            elif is_inside(other, library):
                yield Conflict(key, f"{library} has the library {other} in it", SIDE_BY_SIDE)
        seen.append(library)


def _own_files_apart(configuration: Configuration) -> Iterator[Conflict]:
    """Our own folders must not be filed as photos, nor learned from as if the owner had sorted them."""
    folders: list[tuple[Key, Path, bool]] = [
        (("state", "directory"), configuration.state_directory, True),
        (("model", "directory"), configuration.model_directory, True),
    ]
    if configuration.ledger.path:
        folders.append((("ledger", "path"), configuration.ledger.path, False))
    if configuration.log_directory:
        folders.append((("logging", "directory"), configuration.log_directory, False))
    for key, folder, keep_out_of_library in folders:
        around = [*configuration.inbox_paths, *(configuration.libraries if keep_out_of_library else ())]
        for outer in around:
            if is_inside(folder, outer):
                yield Conflict(key, f"{folder} is in {outer}", "put it elsewhere: that folder is for photos")


def _names_apart(configuration: Configuration) -> Iterator[Conflict]:
    """No two folders of a library may be one on a drive that takes upper and lower case for the same."""
    names: list[tuple[Key, str]] = [(("review",), configuration.review)]
    if configuration.duplicates_folder:
        names.append((("duplicates",), configuration.duplicates_folder))
    if configuration.videos:
        names.append((("videos",), configuration.videos))
    names += [(("categories", index), name) for index, name in enumerate(configuration.categories)]
    for index, inbox in enumerate(configuration.inboxes):
        own: Key = ("inboxes", index)
        if inbox.duplicates and (folder := configuration.rules_of(inbox).duplicates_folder):
            names.append(((*own, "duplicates"), folder))
        names += [((*own, "categories", at), name) for at, name in enumerate(inbox.categories or ())]
    yield from _different(names)


def _different(names: Sequence[tuple[Key, str]]) -> Iterator[Conflict]:
    """Find names that are one, or would be on some drives; the same name may stand in two inboxes' lists."""
    taken: dict[str, list[tuple[str, Key]]] = {}
    for key, name in names:
        before = taken.setdefault(same_name_key(name), [])
        before.append((name, key))
        for first, where in before[:-1]:
            if first != name:
                what = f"{name!r} differs from {first!r} in `{_setting(where)}` only in case or encoding"
                yield Conflict(key, what, "on some drives the two are one folder")
            elif _list_of(where) == _list_of(key) and _kind(key) == "categories":
                yield Conflict(key, f"the category {name!r} is given twice")
            elif _kind(where) == _kind(key):
                continue
            else:
                yield Conflict(
                    key, f"{name!r} is also in `{_setting(where)}`", "each folder needs its own name"
                )
            break


def _kind(key: Key) -> str:
    """Return which setting of an inbox, or of all, a key is: "categories", "duplicates", ..."""
    return str(key[2] if key[0] == "inboxes" else key[0])


def _list_of(key: Key) -> Key:
    return key[:-1] if isinstance(key[-1], int) else key


def _setting(key: Key) -> str:
    return dotted(_list_of(key))


def _thresholds_known(configuration: Configuration) -> Iterator[Conflict]:
    lists: list[tuple[Key, tuple[str, ...], ThresholdSettings | None, tuple[str, ...]]] = [
        ((), configuration.categories, configuration.thresholds, configuration.all_categories)
    ]
    for index, inbox in enumerate(configuration.inboxes):
        known = inbox.categories or configuration.categories
        lists.append((("inboxes", index), inbox.categories or (), inbox.thresholds, known))
    reserved = set(ThresholdSettings.model_fields)
    for above, categories, thresholds, known in lists:
        for index, name in enumerate(categories):
            if name in reserved:
                key = (*above, "categories", index)
                yield Conflict(key, f"{name!r} is a word of `thresholds`", "choose another name")
        for name in thresholds.by_category if thresholds else ():
            if name not in known:
                near = difflib.get_close_matches(name, [*known, *reserved], n=1, cutoff=0.0)[0]
                key = (*above, "thresholds", name)
                yield Conflict(key, "is not a category", f"the nearest is {near!r}")


def _templates_apart(configuration: Configuration) -> Iterator[Conflict]:
    """A template must not lead into a folder that has another meaning."""
    reserved = {same_name_key(name) for name in configuration.own_folder_names}
    given: list[tuple[Key, str]] = [(("folders",), configuration.folders)]
    for index, inbox in enumerate(configuration.inboxes):
        if inbox.folders is not None:
            given.append((("inboxes", index, "folders"), inbox.folders))
    for key, text in given:
        first = FolderTemplate.parse(text).first_name
        if first is not None and same_name_key(first) in reserved:
            what = f"{text!r} begins with the folder {first!r}"
            yield Conflict(key, what, "that one is not for categories")
    for index, inbox in enumerate(configuration.inboxes):
        begins_with_inbox = (inbox.folders or configuration.folders).startswith("{inbox}")
        if begins_with_inbox and same_name_key(inbox.path.name) in reserved:
            what = f"{inbox.path.name!r} is also a folder of the library with another meaning"
            yield Conflict(_path_key(index, inbox), what, "rename the inbox, or change `folders`")


def _templates_alike(configuration: Configuration) -> Iterator[Conflict]:
    """Where in a library a category's folder is must be one and the same, or corrections cannot be told."""
    depths: dict[Path, tuple[int, str]] = {
        configuration.library: (configuration.folder_template.category_depth, configuration.folders)
    }
    for index, inbox in enumerate(configuration.inboxes):
        rules = configuration.rules_of(inbox)
        text = inbox.folders or configuration.folders
        depth, first = depths.setdefault(rules.library, (rules.template.category_depth, text))
        if depth != rules.template.category_depth:
            what = f"{text!r} has {{category}} at another depth than {first!r}, for the same library"
            key: Key = ("inboxes", index, "folders" if inbox.folders is not None else "library")
            yield Conflict(key, what, "put it at the same depth, or give this inbox a library of its own")


def _links_possible(configuration: Configuration) -> Iterator[Conflict]:
    """A hard link needs both names on one disk."""
    for index, inbox in enumerate(configuration.inboxes):
        library = configuration.rules_of(inbox).library
        if inbox.action == "link" and _device(inbox.path) != _device(library):
            what = f"{inbox.path} is on another disk than {library}: a hard link cannot lead there"
            yield Conflict(("inboxes", index, "action"), what, "use `action: copy`")


def _device(folder: Path) -> int:
    """Return the device of a folder, or of the nearest one above that is there."""
    return next(place.stat().st_dev for place in (folder, *folder.parents) if place.exists())
