"""A small household for the tests of learning: a configuration, a library, a model, photos with known
colours.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from models import CATEGORIES, draw_photo, make_model
from photo_organizer.config import Configuration, load_configuration
from photo_organizer.learning.labels.journal_history import LibraryHistory
from photo_organizer.library import Filing, Library, Manner
from photo_organizer.models.store import Registry
from photo_organizer.photo import Action, AssetGroup, Decision, FileIdentity, Photo, Prediction

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
        manner: Manner = Manner.MOVE,
    ) -> Path:
        """A photo that the organizer filed; returns where it lies."""
        source = self.root / "inbox" / f"filed-{looks_like or category}-{seed}.png"
        draw_photo(source, looks_like or category, seed=seed, categories=CATEGORIES)
        photo = Photo(source, FileIdentity.of(source.lstat()))
        decision = Decision(action, category, 0.9, "Others", 0.05, 0.5)
        prediction = Prediction(_sha256(source), "first", "test", (category, "Others"), (0.9, 0.1))
        folder = "Review" if action is Action.REVIEW else category
        filing = Filing(AssetGroup(source.parent, photo), action, folder, prediction, decision, manner=manner)
        with Library.open(self.config, owner=True) as library:
            return library.file([filing]).filed[0].destination

    def events(self) -> list[tuple[str, str]]:
        """Action and label of all that the journal has."""
        with Library.open(self.config) as library:
            return [(event.action, event.label) for event in library.events()]

    def history(self) -> tuple[Library, LibraryHistory]:
        library = Library.open(self.config)
        return library, LibraryHistory(library)


def _sha256(path: Path) -> str:
    import hashlib

    return hashlib.sha256(path.read_bytes()).hexdigest()
