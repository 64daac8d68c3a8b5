"""Which folders of the library stand for categories.

A folder is a category when the configuration lists it, or when its owner made it, put photos there and
accepted it as one. Never are: folders of ours (Review, Duplicates, videos), also under the names that they
had before, and folders of systems, NAS and sync programs.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePath

from photo_organizer.config import Configuration
from photo_organizer.errors import OrganizerError
from photo_organizer.learning.labels.journal_history import JournalHistory
from photo_organizer.learning.labels.label_store import (
    LABELS,
    FolderChoice,
    LabelStore,
    LabelStoreError,
)
from photo_organizer.learning.labels.library_walk import FoundPhoto, Layout
from photo_organizer.typed_command import typed

log = logging.getLogger(__name__)


def own_folders(config: Configuration, store: LabelStore, history: JournalHistory) -> frozenset[str]:
    """Return the folders of ours, past and present, and remember the present ones.

    One that was ours and is a configured category now is a category.
    """
    now = config.own_folder_names
    store.remember_own_folders(now | history.own_folders)
    return frozenset((store.own_folders() - set(config.all_categories)) | now)


def library_layout(config: Configuration, library: Path, own: Collection[str]) -> Layout:
    """Return where photos of categories can lie in a library.

    Args:
        config: the folder template of the library.
        library: one of the configuration's.
        own: from `own_folders`.
    """
    template = config.library_template(library)
    depth = template.category_depth

    def is_left_out(folder: PurePath) -> bool:
        return len(folder.parts) in {1, depth + 1} and folder.name in own

    return Layout(library, template.category_of, is_left_out)


def category_names(config: Configuration, store: LabelStore, own: Collection[str]) -> frozenset[str]:
    """Return the folders that count: the configured categories, and those that the owner accepted."""
    choices = store.folder_choices()
    accepted = {name for name, choice in choices.items() if choice is FolderChoice.ACCEPTED}
    return frozenset(config.all_categories) | (accepted - set(own))


def find_folders(
    photos: Iterable[FoundPhoto], categories: Collection[str], store: LabelStore, history: JournalHistory
) -> dict[str, int]:
    """Return the folders that the owner is to be asked about, with the photos in each.

    They are folders in which no photo was ever filed and which were not declined.
    """
    declined = {name for name, choice in store.folder_choices().items() if choice is FolderChoice.DECLINED}
    known = set(categories) | declined | history.categories
    counts = Counter(photo.category for photo in photos if photo.category not in known)
    return dict(sorted(counts.items()))


def accepted_folders(config: Configuration) -> frozenset[str]:
    """Return the categories and the folders that the owner accepted as such, as the label store has them.

    A store that cannot be opened is logged, and no reason not to file photos in the configured categories.
    """
    path = config.state_directory / LABELS
    if not path.exists():
        return frozenset()
    try:
        with LabelStore(path) as store:
            return category_names(config, store, store.own_folders() | config.own_folder_names)
    except LabelStoreError as error:
        log.warning("folders accepted as categories are not predicted: %s", error)
        return frozenset()


@dataclass(frozen=True, slots=True)
class KnownFolder:
    """A folder that is a category or may become one.

    Attributes:
        state: "configured", "accepted", "found" (not decided yet) or "declined".
        photos: for one that was found, how many photos its owner put there.
    """

    name: str
    state: str
    photos: int | None = None


def known_folders(config: Configuration) -> list[KnownFolder]:
    """Return the configured categories, then the owner's folders by name, as of the last scan.

    Raises:
        LabelStoreError: the store cannot be opened.
    """
    folders = [KnownFolder(name, "configured") for name in config.all_categories]
    path = config.state_directory / LABELS
    if not path.exists():
        return folders
    with LabelStore(path) as store:
        chosen = {name: KnownFolder(name, choice.value) for name, choice in store.folder_choices().items()}
        found = {name: KnownFolder(name, "found", photos) for name, photos in store.found_folders().items()}
        own = store.own_folders() | config.own_folder_names
    others = {**found, **chosen}
    return folders + [others[name] for name in sorted(others.keys() - own - set(config.all_categories))]


def choose_folder(config: Configuration, name: str, choice: FolderChoice, time: datetime) -> None:
    """Accept or decline a folder of the library as a category.

    Raises:
        OrganizerError: there is no such folder, or it is one of ours.
    """
    with LabelStore(config.state_directory / LABELS) as store:
        if name in store.own_folders() | config.own_folder_names:
            raise OrganizerError("is a folder of the organizer's own", where=config.library / name)
        if name not in store.found_folders() and name not in store.folder_choices():
            remedy = f"{typed('categories list')} shows the folders that were found"
            raise OrganizerError("no such folder was found in the library", where=name, remedy=remedy)
        store.choose_folder(name, choice, time)
        remaining = {found: photos for found, photos in store.found_folders().items() if found != name}
        store.replace_found_folders(remaining)
