"""Calibration, evaluation, and the rule by which a challenger takes over."""

from __future__ import annotations

import numpy as np
import pytest

from photo_organizer.learning.head.head import Floats, Labels, softmax
from photo_organizer.learning.judge.calibration import (
    fit_temperature,
    reliability,
    suggest_all,
    suggest_thresholds,
)
from photo_organizer.learning.judge.evaluation import evaluate
from photo_organizer.learning.judge.promotion import Scores, compare, judge

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
    together = suggest_all(probabilities, labels, CATEGORIES, 0.90)
    assert set(together) == {"default", "Pets"}


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


def test_a_better_challenger_is_promoted() -> None:
    verdict = judge(same(300), scores(60, 0.5, 0.8), CATEGORIES)
    assert verdict.promoted
    assert "better on your photos" in verdict.reason


def test_an_equal_challenger_is_not() -> None:
    verdict = judge(same(300), same(60), CATEGORIES)
    assert not verdict.promoted
    assert "not better on your photos" in verdict.reason


def test_a_challenger_that_forgets_the_rest_is_not() -> None:
    verdict = judge(scores(400, 0.9, 0.84), scores(60, 0.5, 0.8), CATEGORIES)
    assert not verdict.promoted
    assert "it forgets" in verdict.reason


def test_one_ruined_category_is_enough() -> None:
    rest, yours = same(300, 0.95), scores(60, 0.4, 0.9)
    ruined = rest.challenger.copy()
    pets = np.flatnonzero(rest.labels == 0)
    ruined[pets[:40]] = [0.1, 0.8, 0.1]
    verdict = judge(Scores(rest.champion, ruined, rest.labels), yours, CATEGORIES)
    assert not verdict.promoted
    assert "Pets got clearly worse" in verdict.reason


def test_a_category_that_is_right_but_hesitant_is_noticed() -> None:
    rest, yours = same(300, 0.95), scores(90, 0.4, 0.9)
    yours = yours.only(yours.labels != 0)
    hesitant = rest.challenger.copy()
    pets = rest.labels == 0
    hesitant[pets] = 0.5 * hesitant[pets] + 0.5 / 3
    verdict = judge(Scores(rest.champion, hesitant, rest.labels), yours, CATEGORIES)
    assert not verdict.promoted
    assert "Pets got clearly less certain" in verdict.reason


def test_a_small_category_cannot_veto_by_chance() -> None:
    rest = same(300, 0.95)
    labels = np.concatenate([rest.labels, np.full(6, 2)])
    champion = np.concatenate([rest.champion, sure(np.full(6, 2), np.ones(6, np.bool_))])
    challenger = np.concatenate([rest.champion, sure(np.full(6, 2), np.arange(6) > 0)])
    assert judge(Scores(champion, challenger, labels), scores(60, 0.4, 0.9), CATEGORIES).promoted


def test_without_photos_of_the_owner_nothing_is_promoted() -> None:
    empty = scores(0, 0.5, 0.5)
    assert not judge(same(300), empty, CATEGORIES).promoted


def test_chance_alone_seldom_promotes_what_is_worse() -> None:
    """A challenger that is 10 points worse on the owner's photos, judged on 100 of them, 200 times over."""
    promoted = [
        judge(same(300), scores(100, 0.75, 0.65, seed=seed), CATEGORIES).promoted for seed in range(200)
    ]
    assert np.mean(promoted) < 0.1


def test_a_comparison_is_paired() -> None:
    labels = np.zeros(10, np.int64)
    champion = sure(labels, np.arange(10) < 6)
    challenger = sure(labels, np.arange(10) < 9)
    it = compare(Scores(champion, challenger, labels))
    assert (it.gained, it.lost) == (3, 0)
    assert it.p_less_right == 1.0
