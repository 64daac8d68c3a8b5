"""From probabilities to where a photo belongs. Light: the daemon imports it."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from photo_organizer.photo import Action, Decision, Prediction

if TYPE_CHECKING:
    from photo_organizer.config.settings import ThresholdSettings


def decide(
    prediction: Prediction,
    thresholds: ThresholdSettings,
    suggested: dict[str, float] | None = None,
    categories: Collection[str] | None = None,
) -> Decision:
    """Decide where a photo goes: its most probable category at or above the threshold, else review.

    A photo whose most probable category is not in `categories` goes to review too, not to the next best.

    Args:
        prediction: with calibrated probabilities.
        thresholds: the owner's.
        suggested: `thresholds` of model.json: by category, and "default".
        categories: those that photos are filed in; None for all of the prediction's.
    """
    ranked = prediction.ranked()
    category, confidence = ranked[0]
    second_category, second_confidence = ranked[1] if len(ranked) > 1 else ("", 0.0)
    threshold = thresholds.for_category(category, suggested)
    is_filed = confidence >= threshold and (categories is None or category in categories)
    return Decision(
        action=Action.FILED if is_filed else Action.REVIEW,
        category=category,
        confidence=confidence,
        second_category=second_category,
        second_confidence=second_confidence,
        threshold=threshold,
    )


_FEWEST_DIGITS, _MOST_DIGITS = 2, 6


def shown(confidence: float, threshold: float | None) -> tuple[str, str]:
    """Return both with as many digits as show which one is larger: 0.8496 and 0.85, not 0.85 and 0.85."""
    for digits in range(_FEWEST_DIGITS, _MOST_DIGITS + 1):
        texts = f"{confidence:.{digits}f}", "" if threshold is None else f"{threshold:.{digits}f}"
        if threshold is None or (float(texts[0]) < float(texts[1])) == (confidence < threshold):
            return texts[0], _without_zeros(texts[1])
    return repr(confidence), "" if threshold is None else repr(threshold)


def _without_zeros(number: str) -> str:
    """`number` with two digits, and more only where they say something."""
    whole, point, digits = number.partition(".")
    return f"{whole}{point}{digits[:_FEWEST_DIGITS]}{digits[_FEWEST_DIGITS:].rstrip('0')}"
