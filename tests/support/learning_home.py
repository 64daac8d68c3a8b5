"""A small household for the tests of learning: a configuration, a library, a model, photos with known
colours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from photo_organizer.config import Configuration, load_configuration
from photo_organizer.learning.labels.label_store import FolderChoice, FolderStamp, LabelStore
from photo_organizer.learning.labels.labels import Scan, scan_library
from photo_organizer.library import Filing, Library, TransferMode
from photo_organizer.models.store import Registry
from photo_organizer.photo import Action, AssetGroup, Decision, FileIdentity, Photo, Prediction
from support.small_models import CATEGORIES, draw_photo, make_model

NOW = datetime(2026, 11, 22, 3, tzinfo=UTC)
SMALL = ("Food", "Pets", "Travel")


@dataclass(frozen=True)
class Home:
    """`more` are further lines of the configuration."""

    root: Path
    categories: tuple[str, ...] = SMALL
    more: str = ""

    @property
    def config(self) -> Configuration:
        path = self.root / "organizer.yaml"
        path.write_text(
            f"inboxes: [{self.root}/inbox]\nlibrary: {self.root}/library\n"
            f"categories: [{', '.join(self.categories)}]\nthresholds: {{default: null}}\n"
            f"model: {{directory: {self.root}/models, engine: openvino}}\n"
            f"state: {{directory: {self.root}/state}}\n{self.more}\n",
            encoding="utf-8",
        )
        return load_configuration(path)

    @property
    def library(self) -> Path:
        return self.root / "library"

    def make_folders(self) -> Home:
        for folder in ("inbox", "library", "state"):
            (self.root / folder).mkdir(parents=True, exist_ok=True)
        return self

    def install_model(self, *, sharpness: float = 30.0) -> Registry:
        """A model that knows the colours of the small categories."""
        make_model(self.root / "models" / "first", SMALL, sharpness=sharpness)
        registry = Registry(self.root / "models", starter=self.root / "no-starter")
        registry.use("first")
        return registry

    def place(self, category: str, seed: int, *, looks_like: str | None = None) -> Path:
        """A photo put into a category folder by hand."""
        path = self.library / category / f"{looks_like or category}-{seed}.png"
        return draw_photo(path, looks_like or category, seed=seed, categories=CATEGORIES)

    def file(
        self,
        category: str,
        seed: int,
        *,
        action: Action = Action.FILED,
        looks_like: str | None = None,
        transfer_mode: TransferMode = TransferMode.MOVE,
    ) -> Path:
        """A photo that the organizer filed; returns where it lies."""
        photo = self.drop(f"filed-{looks_like or category}-{seed}.png", looks_like or category, seed)
        return self.file_group(category, [photo], action=action, transfer_mode=transfer_mode)

    def drop(self, name: str, looks_like: str, seed: int) -> Path:
        """A photo in the inbox; its content is a PNG whatever its name says."""
        drawn = draw_photo(self.root / "drawn.png", looks_like, seed=seed, categories=CATEGORIES)
        return drawn.rename(self.root / "inbox" / name)

    def file_group(
        self,
        category: str,
        files: Sequence[Path],
        *,
        action: Action = Action.FILED,
        transfer_mode: TransferMode = TransferMode.MOVE,
    ) -> Path:
        """A photo with its companions that the organizer filed; returns where the photo lies."""
        source, *companions = files
        photo, *others = (Photo(path, FileIdentity.of(path.lstat())) for path in (source, *companions))
        decision = Decision(action, category, 0.9, "Others", 0.05, 0.5)
        prediction = Prediction(_sha256(source), "first", "test", (category, "Others"), (0.9, 0.1))
        folder = self.config.review if action is Action.REVIEW else category
        group = AssetGroup(source.parent, photo, tuple(others))
        filing = Filing(group, action, folder, prediction, decision, transfer_mode=transfer_mode)
        with Library.open(self.config, owner=True) as library:
            return library.file([filing]).filed[0].destination

    def events(self) -> list[tuple[str, str]]:
        """Action and label of all that the journal has."""
        with Library.open(self.config) as library:
            return [(event.action, event.label) for event in library.events()]

    def scan(self, now: datetime = NOW, folders: Mapping[bytes, FolderStamp] | None = None) -> Scan:
        """The labels, as a training takes them; with `folders` as the daemon looks at them."""
        with Library.open(self.config) as library, self.store() as store:
            return scan_library(
                self.config, store, library, now=now, progress=lambda count: None, folders=folders
            )

    def accept(self, folder: str) -> None:
        """The owner says that a folder is a category."""
        with self.store() as store:
            store.choose_folder(folder, FolderChoice.ACCEPTED, NOW)

    def store(self) -> LabelStore:
        return LabelStore(self.root / "state" / "labels.sqlite")


def _sha256(path: Path) -> str:
    import hashlib

    return hashlib.sha256(path.read_bytes()).hexdigest()
