"""Plan moves of photos to a category: their groups and the folders that they go to.

Used by `photo-organizer move` and by the review page.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from photo_organizer.companions.in_folder import FolderGroups
from photo_organizer.config import Configuration
from photo_organizer.config.folders import FolderTemplate
from photo_organizer.config.inboxes import FilingRules
from photo_organizer.config.paths import is_inside
from photo_organizer.config.plain_names import folder_name_fault, same_name_key
from photo_organizer.errors import OrganizerError
from photo_organizer.library import Library, OwnerMove
from photo_organizer.photo import Action, AssetGroup, Photo
from photo_organizer.typed_command import typed
from photo_organizer.vision.client.driving import answers
from photo_organizer.vision.client.thumbnail_client import ThumbnailClient
from photo_organizer.vision.outcome import Pictured

_THUMBNAIL_SIZE = 64  # pixels; only the EXIF data is needed


@dataclass(frozen=True, slots=True)
class WantedPhoto:
    """A photo to move.

    Args:
        path: absolute.
        sha256: the hash that it must have, in hex; empty for any.
    """

    path: Path
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class ExifFields:
    """The EXIF data that folder templates use."""

    taken: datetime | None = None
    camera: str = ""


@dataclass(frozen=True, slots=True)
class PlannedMoves:
    """Moves for `Library.move`, and photos that cannot be moved, with the reason for each."""

    moves: tuple[OwnerMove, ...]
    refused: tuple[tuple[Path, OrganizerError], ...]


class Categories:
    """The configured categories, and those that the owner created as folders."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration

    def names(self) -> list[str]:
        """Return the configured categories in their order, then the owner's folders by name."""
        configured = list(self._configuration.all_categories)
        return configured + sorted(set(self._folders()) - set(configured), key=str.casefold)

    @property
    def _special(self) -> set[str]:
        return set(self._configuration.own_folder_names)

    def _folders(self) -> Iterator[str]:
        for library in self._configuration.libraries:
            yield from self._folders_in(library)

    def _folders_in(self, library: Path) -> Iterator[str]:
        depth = self._configuration.library_template(library).category_depth
        for folder in library.glob("/".join(["*"] * (depth + 1))):
            parts = folder.relative_to(library).parts
            hidden = any(part.startswith(".") for part in parts)
            if not hidden and parts[0] not in self._special and folder.is_dir() and not folder.is_symlink():
                yield parts[depth]

    def find(self, text: str) -> str:
        """Return the category `text`, ignoring case; the review folder counts as one.

        Raises:
            OrganizerError: there is no such category; similar ones are suggested.
        """
        names = [*self.names(), self._configuration.review]
        if text in names:
            return text
        alike = [name for name in names if same_name_key(name) == same_name_key(text)]
        if len(alike) == 1:
            return alike[0]
        near = difflib.get_close_matches(text, names, n=3, cutoff=0.5)
        remedy = f"did you mean {' or '.join(near)}?" if near else f"the categories are {', '.join(names)}"
        raise OrganizerError("is not a category", where=text, remedy=f"{remedy} (--new creates a new one)")

    def make(self, text: str) -> str:
        """Return the category `text`, which may be new; its folder is created with the first photo.

        Raises:
            OrganizerError: it is not a valid folder name, or the folder is used for something else.
        """
        name = text.strip()
        for known in (*self.names(), self._configuration.review):
            if same_name_key(known) == same_name_key(name):
                return known
        if fault := folder_name_fault(name):
            raise OrganizerError(f"cannot be a category: it {fault}", where=text)
        if any(same_name_key(special) == same_name_key(name) for special in self._special):
            raise OrganizerError("cannot be a category: the folder is used for something else", where=text)
        return name


@dataclass(frozen=True, slots=True)
class OwnerMovePlanner:
    """Plans where photos go: finds the group of each photo and its new folder.

    Args:
        configuration: the libraries and their folder templates.
        library: an open library; its history tells the inbox of a photo.
        exif: reads the EXIF data of photos; called only if the folder template uses it.
    """

    configuration: Configuration
    library: Library
    exif: Callable[[Sequence[Photo]], Mapping[Path, ExifFields]]
    _folders: dict[Path, FolderGroups] = field(default_factory=dict)

    def plan(self, photos: Iterable[WantedPhoto], category: str) -> PlannedMoves:
        """Plan the moves of `photos` to `category`: one of `Categories`, or the review folder."""
        groups: dict[Path, tuple[AssetGroup, str]] = {}
        refused: list[tuple[Path, OrganizerError]] = []
        for wanted in photos:
            try:
                group = self._group(wanted.path)
            except OrganizerError as error:
                refused.append((wanted.path, error))
                continue
            is_photo = group.photo.path.name == wanted.path.name
            groups.setdefault(group.photo.path, (group, wanted.sha256 if is_photo else ""))
        folders = self._folders_for([group for group, _ in groups.values()], category)
        is_review = category == self.configuration.review
        moves = [
            OwnerMove(group, "" if is_review else category, folders[path], sha256, self._library_for(group))
            for path, (group, sha256) in groups.items()
        ]
        return PlannedMoves(tuple(moves), tuple(refused))

    def _group(self, path: Path) -> AssetGroup:
        """Return the photo with its companions.

        Raises:
            OrganizerError: it is gone, is not a photo, or cannot be moved this way.
        """
        folder, root = self._place(path)
        try:
            groups = self._folders.get(folder)
            if groups is None:
                groups = self._folders[folder] = FolderGroups.of(folder)
            group = groups.group_of(path.name, root)
        except OSError as error:
            raise OrganizerError("no longer there", where=path) from error
        if group is not None:
            return group
        if not os.path.lexists(path):
            raise OrganizerError("no longer there", where=path)
        if path.is_dir():
            raise OrganizerError("is a folder", where=path, remedy="name the photos in it, as in FOLDER/*")
        raise OrganizerError("is not a photo", where=path)

    def _place(self, path: Path) -> tuple[Path, Path]:
        """Return the photo's folder, and the root folder to open it from: the library, if it is inside it.

        Raises:
            OrganizerError: it is in the state directory.
        """
        settings = self.configuration
        folder = path.parent
        if is_inside(folder, settings.state_directory):
            remedy = f"{typed('undo --photo PHOTO')} puts a photo in quarantine back in its inbox"
            raise OrganizerError("is not in the library or an inbox", where=path, remedy=remedy)
        real = Path(os.path.realpath(folder))
        for library in settings.libraries:
            real_library = Path(os.path.realpath(library))
            if real.is_relative_to(real_library):
                return library / real.relative_to(real_library), library
        return folder, folder

    def _rules(self, group: AssetGroup) -> FilingRules:
        """Return the rules for a photo: those of the inbox that it came from or is in."""
        if group.inbox in self.configuration.libraries:
            template = self.configuration.library_template(group.inbox)
            own = [self.configuration.rules_of(inbox) for inbox in self.configuration.inboxes]
            came_by = self._inbox_of(group.photo.path)
            rules = self.configuration.rules_for(came_by)
            if rules.library == group.inbox:
                return rules
            fitting = (rule for rule in own if rule.library == group.inbox)
            general = replace(self.configuration.general_rules, library=group.inbox, template=template)
            return next(fitting, general)
        return self.configuration.rules_for(group.photo.path)

    def _library_for(self, group: AssetGroup) -> Path:
        """Return the library for a photo: the one that it is in, else that of its inbox."""
        if group.inbox in self.configuration.libraries:
            return group.inbox
        return self.configuration.rules_for(group.photo.path).library

    def _folders_for(self, groups: Sequence[AssetGroup], category: str) -> dict[Path, str]:
        """Return the folder of each photo, relative to the library."""
        if category == self.configuration.review:
            return {group.photo.path: category for group in groups}
        folders = {group.photo.path: self._beside(group, category) for group in groups}
        remaining = [group for group in groups if folders[group.photo.path] is None]
        asking = [group.photo for group in remaining if _uses(self._template(group), {"taken", "camera"})]
        known = self.exif(asking) if asking else {}
        for group in remaining:
            folders[group.photo.path] = self._rendered(
                group, category, known.get(group.photo.path, ExifFields())
            )
        return {path: folder for path, folder in folders.items() if folder is not None}

    def _template(self, group: AssetGroup) -> FolderTemplate:
        """Return the folder template for a photo."""
        return self._rules(group).template

    def _beside(self, group: AssetGroup, category: str) -> str | None:
        """Return the corresponding folder in `category`, for a photo in a category's folder; else None."""
        if group.inbox not in self.configuration.libraries:
            return None
        relative = group.photo.path.parent.relative_to(group.inbox)
        if not relative.parts or relative.parts[0] in self.configuration.own_folder_names:
            return None
        template = self.configuration.library_template(group.inbox)
        if template.category_of(relative) is None:
            return None
        parts = list(relative.parts)
        parts[template.category_depth] = category
        return "/".join(parts)

    def _rendered(self, group: AssetGroup, category: str, exif: ExifFields) -> str:
        photo = group.photo
        return self._template(group).render(
            category=category,
            taken=exif.taken,
            modified=_moment(photo.identity.mtime_ns),
            camera=exif.camera,
            inbox=self._inbox_of(photo.path),
            name=photo.path.name,
        )

    def _inbox_of(self, path: Path) -> Path:
        """Return the inbox that the photo came from or is in; the first inbox if unknown."""
        inboxes = self.configuration.inbox_paths
        if len(inboxes) == 1:
            return inboxes[0]
        sources = [
            event.source
            for event in self.library.history(path)
            if event.action in {Action.FILED, Action.REVIEW}
        ]
        for source in (path, *reversed(sources)):
            for inbox in inboxes:
                if source.is_relative_to(inbox):
                    return inbox
        return inboxes[0]


def _uses(template: FolderTemplate, fields: Container[str]) -> bool:
    return any(piece.field in fields for part in template.parts for piece in part)


def read_exif(configuration: Configuration, photos: Sequence[Photo]) -> dict[Path, ExifFields]:
    """Return the EXIF data of `photos`, read in the sandboxed vision process; omit unreadable photos.

    Raises:
        VisionError: the process cannot be started.
    """
    with closing(ThumbnailClient(_THUMBNAIL_SIZE, limits=configuration.limits)) as client:
        return {
            answer.photo.path: ExifFields(answer.taken, answer.camera)
            for answer in answers(client, photos)
            if isinstance(answer, Pictured)
        }


def _moment(mtime_ns: int) -> datetime:
    """Return a file's time; 1970 if it is out of range."""
    try:
        return datetime.fromtimestamp(mtime_ns / 1e9)
    except (OverflowError, ValueError, OSError):
        return datetime.fromtimestamp(0)
