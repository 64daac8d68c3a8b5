"""Find conflicts between settings that are each valid by themselves."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from photo_organizer.config.paths import is_inside
from photo_organizer.config.plain_names import same_name_key
from photo_organizer.config.settings import ThresholdSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from photo_organizer.config.configuration import Configuration
    from photo_organizer.config.document import Key


SIDE_BY_SIDE = "inboxes and library must not contain each other"


class Conflict(NamedTuple):
    """Two conflicting settings: the key to change, the conflict, and the remedy."""

    key: Key
    what: str
    remedy: str = ""


def conflicts(configuration: Configuration) -> Iterator[Conflict]:
    """Yield every conflict in `configuration`."""
    yield from _folders_apart(configuration)
    yield from _own_files_apart(configuration)
    yield from _names_apart(configuration)
    yield from _thresholds_known(configuration)
    yield from _template_apart(configuration)


def _folders_apart(configuration: Configuration) -> Iterator[Conflict]:
    library = configuration.library
    if library.exists() and not library.is_dir():
        yield Conflict(("library",), f"{library} is a file, not a folder")
    for index, inbox in enumerate(configuration.inboxes):
        key = ("inboxes", index)
        if inbox.exists() and not inbox.is_dir():
            yield Conflict(key, f"{inbox} is a file, not a folder")
        if is_inside(inbox, library):
            yield Conflict(key, f"{inbox} is in the library {library}", SIDE_BY_SIDE)
        elif is_inside(library, inbox):
            yield Conflict(key, f"{inbox} contains the library {library}", SIDE_BY_SIDE)
        for other in configuration.inboxes[:index]:
            if is_inside(inbox, other):
                yield Conflict(key, f"{inbox} is in the inbox {other}", "list only the outer one")
            elif is_inside(other, inbox):
                yield Conflict(key, f"{inbox} contains the inbox {other}", "list only the outer one")


def _own_files_apart(configuration: Configuration) -> Iterator[Conflict]:
    """Find folders of the program inside folders of photos, where their files would be filed."""
    folders: list[tuple[Key, Path, bool]] = [
        (("state", "directory"), configuration.state_directory, True),
        (("model", "directory"), configuration.model_directory, True),
    ]
    if configuration.ledger.path:
        folders.append((("ledger", "path"), configuration.ledger.path, False))
    if configuration.log_directory:
        folders.append((("logging", "directory"), configuration.log_directory, False))
    for key, folder, keep_out_of_library in folders:
        around = list(configuration.inboxes) + ([configuration.library] if keep_out_of_library else [])
        for outer in around:
            if is_inside(folder, outer):
                yield Conflict(key, f"{folder} is in {outer}", "move it elsewhere; that folder is for photos")


def _names_apart(configuration: Configuration) -> Iterator[Conflict]:
    """Find names that are the same folder on a drive that ignores case."""
    taken: dict[str, tuple[str, str]] = {}
    names: list[tuple[Key, str]] = [(("review",), configuration.review)]
    if configuration.duplicates_folder:
        names.append((("duplicates",), configuration.duplicates_folder))
    if configuration.videos:
        names.append((("videos",), configuration.videos))
    names += [(("categories", index), name) for index, name in enumerate(configuration.categories)]
    for key, name in names:
        folded = same_name_key(name)
        if folded not in taken:
            taken[folded] = (name, str(key[0]))
            continue
        first, where = taken[folded]
        if first != name:
            what = f"{name!r} differs from {first!r} in `{where}` only in case or encoding"
            yield Conflict(key, what, "on some drives they are the same folder")
        elif where == key[0]:
            yield Conflict(key, f"the category {name!r} is given twice")
        else:
            yield Conflict(key, f"{name!r} is also in `{where}`", "choose different names")


def _thresholds_known(configuration: Configuration) -> Iterator[Conflict]:
    reserved = set(ThresholdSettings.model_fields)
    for index, name in enumerate(configuration.categories):
        if name in reserved:
            key = ("categories", index)
            yield Conflict(key, f"{name!r} is a key of `thresholds`", "choose another name")
    for name in configuration.thresholds.by_category:
        if name not in configuration.categories:
            known = [*configuration.categories, *reserved]
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.0)[0]
            yield Conflict(("thresholds", name), "is not a category", f"the nearest is {near!r}")


def _template_apart(configuration: Configuration) -> Iterator[Conflict]:
    """Find templates that lead into the review, duplicates or videos folder."""
    template = configuration.folder_template
    reserved = {
        same_name_key(name)
        for name in (configuration.review, configuration.duplicates_folder or "", configuration.videos or "")
    }
    first = template.first_name
    if first is not None and same_name_key(first) in reserved:
        yield Conflict(
            ("folders",),
            f"{configuration.folders!r} begins with the folder {first!r}",
            "that folder is not for categories",
        )
    if configuration.folders.startswith("{inbox}"):
        for index, inbox in enumerate(configuration.inboxes):
            if same_name_key(inbox.name) in reserved:
                what = f"{inbox.name!r} is also the name of the review, duplicates or videos folder"
                yield Conflict(("inboxes", index), what, "rename the inbox, or change `folders`")
