"""From "these photos, that category" to moves for the library: groups, categories and folders.

For `photo-organizer move` and for the review page alike.
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

_SMALL = 64  # pixels: only what EXIF says is wanted


@dataclass(frozen=True, slots=True)
class WantedPhoto:
    """A photo that shall go to a category.

    Args:
        path: absolute.
        sha256: what it must hold, in hex; empty when whatever it holds is meant.
    """

    path: Path
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Exif:
    """What a folder template may ask of a photo."""

    taken: datetime | None = None
    camera: str = ""


@dataclass(frozen=True, slots=True)
class PlannedMoves:
    """Moves for `Library.move`, and the photos that cannot be moved, each with its reason."""

    moves: tuple[OwnerMove, ...]
    refused: tuple[tuple[Path, OrganizerError], ...]


class Categories:
    """The categories there are: the configured ones, and those that the owner made by making a folder."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration

    def names(self) -> list[str]:
        """The configured ones first, in their order; then the owner's folders, by name."""
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
        """The category that `text` names, in whatever case; Review too (its name in the configuration).

        Raises:
            OrganizerError: there is none; the nearest are named.
        """
        names = [*self.names(), self._configuration.review]
        if text in names:
            return text
        alike = [name for name in names if same_name_key(name) == same_name_key(text)]
        if len(alike) == 1:
            return alike[0]
        near = difflib.get_close_matches(text, names, n=3, cutoff=0.5)
        remedy = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(names)}"
        raise OrganizerError("is not a category", where=text, remedy=f"{remedy} (--new makes a new one)")

    def make(self, text: str) -> str:
        """The category that `text` names, old or new; a new one has no folder until a photo goes there.

        Raises:
            OrganizerError: it cannot be a folder's name, or is the name of a folder that is no category.
        """
        name = text.strip()
        for known in (*self.names(), self._configuration.review):
            if same_name_key(known) == same_name_key(name):
                return known
        if fault := folder_name_fault(name):
            raise OrganizerError(f"cannot be a category: it {fault}", where=text)
        if any(same_name_key(special) == same_name_key(name) for special in self._special):
            raise OrganizerError("cannot be a category: the folder has another use", where=text)
        return name


@dataclass(frozen=True, slots=True)
class OwnerMovePlanner:
    """Finds the group of each photo and the folder that it goes to.

    Args:
        configuration: the libraries and their folder templates.
        library: open; asked through which inbox a photo came.
        exif: what EXIF says of photos, asked only where the folder template needs it.
    """

    configuration: Configuration
    library: Library
    exif: Callable[[Sequence[Photo]], Mapping[Path, Exif]]
    _folders: dict[Path, FolderGroups] = field(default_factory=dict)

    def plan(self, photos: Iterable[WantedPhoto], category: str) -> PlannedMoves:
        """What has to be moved for `photos` to be in `category` (one of `Categories`, or Review)."""
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
        """The photo with its companions.

        Raises:
            OrganizerError: it is gone, no photo, or not to be moved by hand.
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
        """The photo's folder, and the folder above it that is trusted: the library, where it is in it.

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
        """The rules for a photo: of the inbox that it came through, or is in."""
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
        """The library that a photo goes to: the one that it is in, else that of its inbox."""
        if group.inbox in self.configuration.libraries:
            return group.inbox
        return self.configuration.rules_for(group.photo.path).library

    def _folders_for(self, groups: Sequence[AssetGroup], category: str) -> dict[Path, str]:
        """The folder of each photo, relative to the library."""
        if category == self.configuration.review:
            return {group.photo.path: category for group in groups}
        folders = {group.photo.path: self._beside(group, category) for group in groups}
        open_still = [group for group in groups if folders[group.photo.path] is None]
        asking = [
            group.photo for group in open_still if _asks_for(self._template(group), {"taken", "camera"})
        ]
        known = self.exif(asking) if asking else {}
        for group in open_still:
            folders[group.photo.path] = self._rendered(group, category, known.get(group.photo.path, Exif()))
        return {path: folder for path, folder in folders.items() if folder is not None}

    def _template(self, group: AssetGroup) -> FolderTemplate:
        """The template by which a photo is filed in its library."""
        return self._rules(group).template

    def _beside(self, group: AssetGroup, category: str) -> str | None:
        """For a photo that is in a category's folder: the same folder of the other category."""
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

    def _rendered(self, group: AssetGroup, category: str, exif: Exif) -> str:
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
        """The inbox that the photo came through, or is in; the first one where that is not known."""
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


def _asks_for(template: FolderTemplate, fields: Container[str]) -> bool:
    return any(piece.field in fields for part in template.parts for piece in part)


def read_exif(configuration: Configuration, photos: Sequence[Photo]) -> dict[Path, Exif]:
    """What EXIF says of `photos`, read by the confined vision process; nothing of those it cannot read.

    Raises:
        VisionError: the process cannot be started.
    """
    with closing(ThumbnailClient(_SMALL, limits=configuration.limits)) as client:
        return {
            answer.photo.path: Exif(answer.taken, answer.camera)
            for answer in answers(client, photos)
            if isinstance(answer, Pictured)
        }


def _moment(mtime_ns: int) -> datetime:
    """A file's time; one that no calendar knows is the first of all."""
    try:
        return datetime.fromtimestamp(mtime_ns / 1e9)
    except (OverflowError, ValueError, OSError):
        return datetime.fromtimestamp(0)
