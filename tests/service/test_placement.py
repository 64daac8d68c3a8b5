"""Which folder a classified photo belongs in."""

from __future__ import annotations

from pathlib import Path

import pytest

from photo_organizer.config import Configuration, load_configuration
from photo_organizer.photo import Action, AssetGroup, FileIdentity, Photo, Prediction
from photo_organizer.service.placement import Placement

INBOX = Path("/inbox")


def configured(tmp_path: Path, categories: str, folders: str = "{category}") -> Configuration:
    path = tmp_path / "organizer.yaml"
    path.write_text(f'inboxes: [in]\nlibrary: out\ncategories: {categories}\nfolders: "{folders}"\n')
    return load_configuration(path)


def group(mtime_ns: int = 0) -> AssetGroup:
    return AssetGroup(INBOX, Photo(INBOX / "a.jpg", FileIdentity(1, 1, 100, mtime_ns)))


def predicted(**probabilities: float) -> Prediction:
    return Prediction("ab" * 32, "m1", "test", tuple(probabilities), tuple(probabilities.values()))


def test_a_photo_of_a_category_that_is_not_filed_in_goes_to_review_and_not_to_the_next_best(
    tmp_path: Path,
) -> None:
    placement = Placement.by(configured(tmp_path, "[Pets, Travel]"), {})
    for pets, food in ((0.4, 0.6), (0.01, 0.99), (0.49, 0.51)):
        filing = placement.of_classified(group(), predicted(Pets=pets, Travel=0.0, Food=food))
        assert (filing.action, filing.folder) == (Action.REVIEW, "Review")
        assert filing.decision is not None
        assert filing.decision.category == "Food"
        assert "Food is not a category" in filing.reason
    filing = placement.of_classified(group(), predicted(Pets=0.6, Travel=0.0, Food=0.4))
    assert (filing.action, filing.folder, filing.reason) == (Action.FILED, "Pets", "")


def test_a_folder_that_its_owner_made_is_filed_in_when_the_model_has_learned_it(tmp_path: Path) -> None:
    placement = Placement.by(configured(tmp_path, "[Pets]"), {}, ("Pets", "Garden"))
    filing = placement.of_classified(group(), predicted(Pets=0.1, Garden=0.9))
    assert (filing.action, filing.folder) == (Action.FILED, "Garden")


@pytest.mark.parametrize(
    "seconds", [-11_644_473_600, -62_135_596_801, -(1 << 31), 0, 10_413_792_000, 910_692_730_085, 1 << 62]
)
def test_no_time_of_a_file_is_too_far_away(tmp_path: Path, seconds: int) -> None:
    placement = Placement.by(configured(tmp_path, "[Pets]", "{category}/{taken:%Y}"), {})
    filing = placement.of_classified(group(seconds * 10**9), predicted(Pets=0.9))
    assert filing.folder.startswith("Pets/2")
    assert filing.folder != "Pets/2300"
