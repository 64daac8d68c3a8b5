"""Labels come from every library, and a photo in two libraries says no more than its owner said."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from photo_organizer.config import Configuration, load_configuration
from photo_organizer.errors import OrganizerError
from photo_organizer.learning.labels.label_store import Provenance
from photo_organizer.library import Filing, Library
from photo_organizer.photo import Action, AssetGroup, Decision, FileIdentity, Photo, Prediction
from support.learning_home import Home


@dataclass(frozen=True)
class TwoLibraries(Home):
    """A home with an inbox whose photos go to a library of their own."""

    @property
    def config(self) -> Configuration:
        path = super().config.path
        own = f"{{path: {self.root}/scans, library: {self.root}/work, categories: [Bills, Food]}}"
        path.write_text(path.read_text().replace("/inbox]", f"/inbox, {own}]"), encoding="utf-8")
        return load_configuration(path)

    def file_in(self, library: Path, folder: str, category: str, seed: int) -> Path:
        """A photo that the organizer filed in a library, whatever the other has; returns where it lies."""
        source = self.drop(f"{category}-{seed}.png", category, seed)
        photo = Photo(source, FileIdentity.of(source.lstat()))
        action = Action.REVIEW if folder == self.config.review else Action.FILED
        decision = Decision(action, category, 0.9, "Others", 0.05, 0.5)
        prediction = Prediction(_sha256(source), "first", "test", (category, "Others"), (0.9, 0.1))
        filing = Filing(
            AssetGroup(source.parent, photo), action, folder, prediction, decision, library=library
        )
        with Library.open(self.config, owner=True) as opened:
            return opened.file([filing]).filed[0].destination


def _sha256(path: Path) -> str:
    import hashlib

    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def home(tmp_path: Path) -> TwoLibraries:
    home = TwoLibraries(tmp_path)
    home.make_folders()
    (tmp_path / "scans").mkdir()
    (tmp_path / "work").mkdir()
    return home


def labels(home: TwoLibraries) -> dict[str, tuple[str, Provenance]]:
    return {label.path.name: (label.category, label.provenance) for label in home.scan().labels}


def test_corrections_in_every_library_are_labels(home: TwoLibraries) -> None:
    work = home.root / "work"
    home.file_in(home.library, "Pets", "Pets", 1)
    filed = home.file_in(work, "Food", "Food", 2)
    corrected = work / "Bills" / filed.name
    corrected.parent.mkdir()
    filed.rename(corrected)
    assert labels(home) == {
        "Pets-1.png": ("Pets", Provenance.UNTOUCHED),
        "Food-2.png": ("Bills", Provenance.CORRECTED),
    }
    assert home.events()[-1] == ("corrected", "Bills")
    before = len(home.events())
    labels(home)
    assert len(home.events()) == before  # reported once


def test_a_guess_in_one_library_is_no_label_because_of_the_other(home: TwoLibraries) -> None:
    work = home.root / "work"
    home.file_in(home.library, "Food", "Food", 1)
    home.file_in(work, "Review", "Food", 1)  # the same photo, of which the model was less sure
    assert labels(home) == {"Food-1.png": ("Food", Provenance.UNTOUCHED)}


def test_a_photo_in_two_categories_of_two_libraries_says_nothing(home: TwoLibraries) -> None:
    home.file_in(home.library, "Food", "Food", 1)
    filed = home.file_in(home.root / "work", "Food", "Food", 1)
    (home.root / "work/Bills").mkdir()
    filed.rename(home.root / "work/Bills" / filed.name)
    scan = home.scan()
    assert (scan.labels, scan.ambiguous) == ((), 1)


def test_a_library_that_is_not_mounted_is_not_taken_for_an_empty_one(home: TwoLibraries) -> None:
    work = home.root / "work"
    home.file_in(work, "Food", "Food", 1)
    home.scan()
    shutil.rmtree(work)
    work.mkdir()
    with pytest.raises(OrganizerError, match="no photos are in the library, where there were some"):
        home.scan()
