"""Calibration, evaluation, and the rule for promoting a challenger."""

from __future__ import annotations

import numpy as np
import pytest

from photo_organizer.learning.head.head import Floats, Labels, softmax
from photo_organizer.learning.head.label_trust import LabelTrust, trust_labels
from photo_organizer.learning.judge.calibration import (
    fit_temperature,
    reliability,
    suggest_thresholds,
)
from photo_organizer.learning.judge.evaluation import evaluate
from photo_organizer.learning.judge.label_consistency import LabelFacts, label_consistency
from photo_organizer.learning.judge.owner_sample import OwnerSample, Scores, stand_for
from photo_organizer.learning.judge.promotion import compare, objections
from photo_organizer.learning.judge.thresholds import Looked, choose_thresholds

CATEGORIES = ("Pets", "Food", "Travel")


def honest(count: int, sharpness: float = 2.0, seed: int = 0) -> tuple[Floats, Labels]:
    """Logits, and labels drawn from the very probabilities that these logits give."""
    random = np.random.default_rng(seed)
    logits = (sharpness * random.standard_normal((count, 3))).astype(np.float32)
    probabilities = softmax(logits).astype(np.float64)
    draws = random.random(count)[:, None]
    labels = (draws > np.cumsum(probabilities, axis=1)).sum(axis=1).clip(0, 2)
    return logits, labels


def sure(labels: Labels, right: Labels, confidence: float = 0.9) -> Floats:
    """Probabilities that put `confidence` on the label where `right`, else on the next category."""
    rest = (1 - confidence) / 2
    probabilities = np.full((len(labels), 3), rest, np.float32)
    chosen = np.where(right, labels, (labels + 1) % 3)
    probabilities[np.arange(len(labels)), chosen] = confidence
    return probabilities


def scores(count: int, champion: float, challenger: float, seed: int = 1) -> Scores:
    """Two models that are right on these shares of the same photos, independently."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    return Scores(
        sure(labels, random.random(count) < champion), sure(labels, random.random(count) < challenger), labels
    )


def same(count: int, share: float = 0.8) -> Scores:
    one = scores(count, share, share)
    return Scores(one.champion, one.champion, one.labels)


def test_the_temperature_is_found_again() -> None:
    logits, labels = honest(4000)
    assert fit_temperature(3 * logits, labels) == pytest.approx(3, rel=0.1)


def test_few_photos_hardly_move_the_temperature() -> None:
    logits, labels = honest(5)
    assert fit_temperature(3 * logits, labels, known=1.0) < 1.6
    assert fit_temperature(logits[:0], labels[:0], known=1.3) == 1.3


def test_calibrated_confidence_has_a_small_error_and_boasting_a_large_one() -> None:
    logits, labels = honest(6000)
    assert reliability(softmax(logits), labels).error < 0.02
    assert reliability(softmax(4 * logits), labels).error > 0.1


@pytest.mark.parametrize("target", [0.90, 0.95, 0.99])
def test_suggested_thresholds_reach_their_target_on_other_photos(target: float) -> None:
    logits, labels = honest(6000, 3.0, seed=1)
    suggestions = suggest_thresholds(softmax(logits), labels, CATEGORIES, target)
    thresholds = np.array([it.threshold for it in suggestions])
    more, truth = honest(20000, 3.0, seed=2)
    probabilities = softmax(more)
    predicted = probabilities.argmax(axis=1)
    filed = probabilities.max(axis=1) >= thresholds[predicted]
    assert (predicted == truth)[filed].mean() >= target - 0.015
    assert filed.mean() > 0.2


def test_a_higher_target_files_less() -> None:
    logits, labels = honest(2000, 3.0)
    shares = [
        np.mean([it.filed_share for it in suggest_thresholds(softmax(logits), labels, CATEGORIES, target)])
        for target in (0.90, 0.95, 0.99)
    ]
    assert shares == sorted(shares, reverse=True)


def test_a_category_without_photos_gets_a_sensible_threshold() -> None:
    labels = np.array([0] * 30 + [1] * 3)
    probabilities = sure(labels, np.ones(33, np.bool_))
    single = suggest_thresholds(probabilities, labels, CATEGORIES, 0.95)
    assert single[2].threshold == 0.95
    assert single[2].filed_share == 0


def test_the_figures_of_an_evaluation_are_counts() -> None:
    labels = np.array([0, 0, 0, 1, 1, 2])
    probabilities = sure(labels, np.array([1, 1, 0, 1, 0, 1], np.bool_))
    probabilities[0] = [0.4, 0.3, 0.3]
    it = evaluate(probabilities, labels, CATEGORIES, [0.5, 0.5, 0.5])
    assert it.accuracy == pytest.approx(4 / 6)
    assert it.confusion.tolist() == [[2, 1, 0], [0, 1, 1], [0, 0, 1]]
    pets = it.per_category[0]
    assert (pets.photos, pets.predicted, pets.precision, pets.recall) == (3, 2, 1.0, pytest.approx(2 / 3))
    assert it.coverage == pytest.approx(5 / 6)
    assert it.filed_precision == pytest.approx(3 / 5)


def test_an_evaluation_of_nothing_is_no_trouble() -> None:
    it = evaluate(np.zeros((0, 3), np.float32), np.zeros(0, np.int64), CATEGORIES, [0.5] * 3)
    assert it.photos == 0
    assert it.summary()["accuracy"] == 0


def trusted(owner: Scores) -> LabelTrust:
    nowhere = np.full(len(owner), -1)
    return trust_labels(owner.challenger, owner.labels, nowhere, np.ones(len(owner), np.bool_))


def against(owner: Scores, elsewhere: Scores, trust: LabelTrust | None = None) -> str:
    facts = LabelFacts.none(len(owner))
    return "; ".join(objections(owner, facts, trust or trusted(owner), elsewhere, CATEGORIES))


def test_a_better_challenger_takes_over() -> None:
    assert not against(scores(60, 0.5, 0.8), same(300))


def test_an_equal_challenger_takes_over_too() -> None:
    assert not against(same(60), same(300))


def test_a_challenger_that_is_worse_on_your_photos_does_not() -> None:
    assert "worse on your photos" in against(scores(60, 0.9, 0.6), same(300))


def test_a_challenger_that_forgets_the_rest_does_not() -> None:
    assert "it forgets" in against(scores(60, 0.5, 0.8), scores(400, 0.9, 0.80))


def test_exemplars_that_go_to_a_new_category_are_not_forgotten() -> None:
    elsewhere = same(400, 1.0)
    old = np.hstack([elsewhere.champion, np.zeros((400, 1), np.float32)])
    new = old * 0.4
    new[:, 3] = 0.6
    owner = scores(60, 0.5, 0.8)
    wide = Scores(
        *(np.hstack([it, np.zeros((60, 1), np.float32)]) for it in (owner.champion, owner.challenger)),
        owner.labels,
    )
    found = objections(
        wide, LabelFacts.none(60), trusted(wide), Scores(old, new, elsewhere.labels), (*CATEGORIES, "New")
    )
    assert found == ()


def test_a_category_that_got_clearly_worse_is_named() -> None:
    owner = scores(90, 0.4, 0.9)
    ruined = owner.labels == 1
    owner = Scores(
        np.where(ruined[:, None], sure(owner.labels, ruined, 0.98), owner.champion),
        np.where(ruined[:, None], sure(owner.labels, ruined, 0.5), owner.challenger),
        owner.labels,
    )
    assert "Food got clearly worse" in against(owner, same(300))


def test_shuffled_labels_never_take_over() -> None:
    """Whatever the challenger gains: labels that fit no better than shuffled ones teach nothing."""
    random = np.random.default_rng(4)
    for _ in range(20):
        owner = scores(60, 0.4, 0.4, seed=int(random.integers(1e6)))
        shuffled = Scores(owner.champion, owner.challenger, random.permutation(owner.labels))
        assert "shuffled" in against(shuffled, same(300))


def fits(
    said: Floats, labels: Labels, facts: LabelFacts | None = None, champion: Floats | None = None
) -> bool:
    before = said if champion is None else champion
    return label_consistency(before, said, labels, facts or LabelFacts.none(len(labels))).is_consistent


def test_a_dozen_shuffled_labels_of_few_categories_are_not_believed() -> None:
    """Shuffling leaves many of them right; so few photos must fit better than nearly every other deal."""
    random = np.random.default_rng(8)
    truth = np.array([0] * 6 + [1] * 3 + [2] * 3)
    said = sure(truth, random.random(12) < 0.9, 0.7)
    assert fits(said, truth)
    believed = [labels for _ in range(200) if fits(said, labels := random.permutation(truth))]
    assert all(np.mean(labels == truth) > 0.8 for labels in believed)
    assert len(believed) <= 2


def test_what_the_model_in_use_said_counts_as_evidence() -> None:
    """Of a dozen labels the heads without them know little; that each was the second choice tells."""
    labels = np.tile([0, 1, 2], 4)
    vague = sure(labels, np.arange(12) % 4 > 0, 0.45)
    assert not fits(vague, labels)
    assert fits(vague, labels, champion=sure(labels, np.ones(12, np.bool_), 0.6))


def test_that_the_organizer_was_sure_of_the_former_category_is_no_evidence() -> None:
    """It is sure that all photos are Pets, those too that the owner moved out of Pets or into it."""
    labels, former = np.repeat([0, 1, 2], 8), np.repeat([1, 0, 0], 8)
    said = np.full((24, 3), 0.02, np.float32)
    said[np.arange(24), labels] = 0.08
    said[:, 0] = np.where(labels == 0, 0.5, 0.9)
    said[labels == 0, 1] = 0.45
    nowhere = np.full(24, -1)
    assert fits(said, labels, LabelFacts(former, np.arange(24)))
    assert not fits(said, labels, LabelFacts(nowhere, np.arange(24)))


def test_labels_of_one_category_alone_can_be_consistent() -> None:
    labels = np.zeros(12, np.int64)
    said = sure(labels, np.ones(12, np.bool_), 0.6)
    assert fits(said, labels)
    assert not fits(np.full((12, 3), 1 / 3, np.float32), labels)


@pytest.mark.parametrize(("count", "others"), [(6, 0), (6, 1), (9, 1), (12, 0), (12, 3), (40, 1), (40, 4)])
def test_a_few_odd_labels_among_many_of_one_category_do_not_refute_them(count: int, others: int) -> None:
    """A new category and some corrections that no head understands yet: shuffling would change as few."""
    labels = np.array([0] * count + [1, 2, 1, 2][:others])
    said = sure(labels, np.arange(len(labels)) < count, 0.7)
    assert fits(said, labels)


def test_few_labels_drawn_at_random_are_not_believed() -> None:
    random = np.random.default_rng(2)
    for count in (6, 8, 12):
        said = random.dirichlet(np.full(10, 0.2), (200, count)).astype(np.float32)
        believed = sum(fits(said[draw], random.integers(0, 10, count)) for draw in range(200))
        assert believed <= 1, f"{believed} of 200 sets of {count}"
        right = [fits(said[draw], said[draw].argmax(axis=1)) for draw in range(20)]
        assert all(right), f"{count} labels that are obviously right"


def test_a_burst_is_one_photo_and_a_few_photos_are_believed() -> None:
    labels = np.tile([0, 1, 2], 8)
    wrong = sure(labels, np.zeros(24, np.bool_))
    nowhere = np.full(24, -1)
    assert fits(wrong, labels, LabelFacts(nowhere, np.repeat([1, 2], 12)))
    assert not fits(wrong, labels)
    right = sure(labels[:9], np.ones(9, np.bool_))
    alone, bursts = np.repeat(right, 8, axis=0), np.repeat(np.arange(9), 8)
    given = np.repeat(labels[:9], 8)
    one = label_consistency(alone, alone, given, LabelFacts(np.full(72, -1), bursts))
    single = label_consistency(right, right, labels[:9], LabelFacts.none(9))
    assert one.chance == pytest.approx(single.chance, abs=0.001)


def test_a_category_whose_photos_were_put_elsewhere_is_named() -> None:
    labels = np.repeat([0, 1, 2], 30)
    said = sure(labels, np.ones(90, np.bool_))
    given = labels.copy()
    given[30:45] = 0  # half of what looks like Food is put into Pets
    owner = Scores(said, said, given)
    nowhere = np.full(90, -1)
    trust = trust_labels(said, given, nowhere, np.zeros(90, np.bool_))
    assert "15 photos that look like Food were put elsewhere" in against(owner, same(300), trust)


def test_the_comparison_counts_what_it_says() -> None:
    labels = np.array([0, 1, 2, 0])
    champion = sure(labels, np.array([1, 0, 0, 1], np.bool_), 0.9)
    challenger = sure(labels, np.array([1, 1, 0, 1], np.bool_), 0.9)
    found = compare(Scores(champion, challenger, labels))
    assert (found.photos, found.champion_right, found.challenger_right) == (4, 0.5, 0.75)
    assert found.difference == pytest.approx(0.85 / 4)
    weighted = compare(Scores(champion, challenger, labels), np.array([0, 1, 0, 0], np.float32))
    assert (weighted.champion_right, weighted.challenger_right) == (0, 1)


def test_each_labelled_photo_stands_for_those_like_it() -> None:
    reviewed = np.array([True, True, False])
    np.testing.assert_allclose(stand_for(reviewed, 10), [6, 6, 1])
    labels = np.array([0, 1, 2])
    none, every = np.zeros(3, np.bool_), np.ones(3, np.bool_)
    sample = OwnerSample(
        labelled=Scores(sure(labels, none), sure(labels, every), labels),
        stands_for=stand_for(reviewed, 10),
        champion=sure(np.zeros(20, np.int64), np.ones(20, np.bool_), 1.0),
        challenger=sure(np.zeros(20, np.int64), np.ones(20, np.bool_), 1.0),
        filed=np.repeat([True, False], 10),
    )
    before = sample.estimate(sample.labelled.champion, sample.champion, [0.95] * 3)
    after = sample.estimate(sample.labelled.challenger, sample.challenger, [0.5] * 3)
    assert before.filed_share == pytest.approx(10 / 23)
    assert before.right_share == pytest.approx(10 / 23)
    assert (after.filed_share, after.filed_precision, after.right_share) == (1, 1, 1)


def looked(confidence: list[float], right: list[bool], count: int = 1, *, labelled: bool = True) -> Looked:
    """So many photos of each kind, all called the first category."""
    sure_of, chance = np.repeat(confidence, count), np.repeat(right, count).astype(np.float64)
    return Looked(
        np.zeros(len(sure_of), np.int64),
        sure_of,
        chance,
        np.ones(len(sure_of)),
        np.full(len(sure_of), labelled),
    )


def test_few_photos_leave_the_threshold_as_it_was() -> None:
    for right in (True, False):
        few = looked([0.9], [right], 2)
        assert choose_thresholds(few, CATEGORIES, {"default": 0.85}, 0.95).thresholds == {"default": 0.85}


def test_photos_filed_wrongly_raise_the_threshold_and_the_category_is_named() -> None:
    photos = looked([0.87, 0.95], [False, True], 15)
    chosen = choose_thresholds(photos, CATEGORIES, {"default": 0.85}, 0.95)
    assert 0.87 < chosen.thresholds["default"] <= 0.95
    hopeless = choose_thresholds(looked([0.99], [False], 30), CATEGORIES, {"default": 0.85}, 0.95)
    assert hopeless.thresholds["default"] == 0.99
    assert hopeless.below_target == ("Pets",)


def test_only_many_photos_filed_rightly_lower_the_threshold() -> None:
    few = looked([0.7], [True], 30)
    many = looked([0.7], [True], 200)
    assert choose_thresholds(few, CATEGORIES, {"default": 0.85}, 0.95).thresholds["default"] == 0.85
    left_alone = looked([0.7], [True], 200, labelled=False)
    assert choose_thresholds(many, CATEGORIES, {"default": 0.85}, 0.95).thresholds["default"] <= 0.7
    assert choose_thresholds(left_alone, CATEGORIES, {"default": 0.85}, 0.95).thresholds["default"] == 0.85


def test_a_category_that_files_nothing_is_named() -> None:
    chosen = choose_thresholds(looked([0.4], [True], 20), CATEGORIES, {"default": 0.85}, 0.95)
    assert chosen.files_nothing == ("Pets",)


@pytest.mark.parametrize("seed", range(5))
def test_the_promised_precision_is_kept_on_other_photos(seed: int) -> None:
    """Overconfident by a factor: whatever number of photos is looked at, other photos are filed rightly."""
    logits, labels = honest(400, 3.0, seed=seed)
    said = softmax(logits)
    photos = Looked(
        said.argmax(axis=1),
        said.max(axis=1).astype(np.float64),
        (said.argmax(axis=1) == labels).astype(np.float64),
        np.ones(400),
        np.ones(400, np.bool_),
    )
    chosen = choose_thresholds(photos, CATEGORIES, {"default": 0.85}, 0.95).thresholds
    more, truth = honest(20000, 3.0, seed=seed + 100)
    other = softmax(more)
    limits = np.array([chosen.get(name, chosen["default"]) for name in CATEGORIES])
    filed = other.max(axis=1) >= limits[other.argmax(axis=1)]
    assert (other.argmax(axis=1) == truth)[filed].mean() >= 0.94
