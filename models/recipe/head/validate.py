"""Predict photos that the head was not fitted on: by random folds, and by leaving out whole sources."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from photo_organizer.learning.head.head import Floats, Head
from recipe.data.split import Integers, folds_by_group

FitHead = Callable[[NDArray[np.bool_]], Head]
"""Given the photos to fit on, bool (N,), return a head."""


def same_source_logits(features: Floats, groups: Integers, fit: FitHead, folds: int = 5) -> Floats:
    """Return cross-validated logits, float32 (N, C); copies of one photo share a fold."""
    fold = folds_by_group(groups, folds, seed=1)
    predicted = np.stack([fit(fold != number).logits(features) for number in range(folds)])
    return np.asarray(predicted[fold, np.arange(len(features))], np.float32)


MOST_FOLDS = 10
"""If there are more sources than this, several are left out together to save time."""


def fold_of_sources(sources: NDArray[np.str_], folds: int = MOST_FOLDS) -> Integers:
    """Return a fold number for each photo, int64 (N,); a source is in one fold, large sources are spread."""
    names, inverse, counts = np.unique(sources, return_inverse=True, return_counts=True)
    weight = np.zeros(min(folds, len(names)))
    of_source = np.zeros(len(names), np.int64)
    for place in np.argsort(-counts, kind="stable"):
        of_source[place] = weight.argmin()
        weight[of_source[place]] += np.sqrt(counts[place])
    return np.asarray(of_source[inverse], np.int64)


def source_folds(
    sources: NDArray[np.str_], labels: Integers
) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """Yield (fitted on, judged), both bool (N,), for each group of sources left out as a whole.

    Photos are judged only if some source that is fitted on has their category.
    """
    fold = fold_of_sources(sources)
    for number in range(int(fold.max()) + 1):
        fitted = fold != number
        judged = ~fitted & np.isin(labels, np.unique(labels[fitted]))
        if judged.any():
            yield fitted, judged


def other_source_logits(
    features: Floats, labels: Integers, sources: NDArray[np.str_], groups: Integers, fit: FitHead
) -> tuple[Floats, NDArray[np.bool_]]:
    """Return leave-one-source-out logits, float32 (N, C), and which rows were judged, bool (N,).

    Copies of a judged photo in other sources are not fitted on either.
    """
    logits: Floats | None = None
    judged_rows = np.zeros(len(labels), np.bool_)
    for fitted, judged in source_folds(sources, labels):
        clean = fitted & ~np.isin(groups, groups[judged])
        predicted = fit(clean).logits(features)
        logits = np.zeros_like(predicted) if logits is None else logits
        logits[judged] = predicted[judged]
        judged_rows |= judged
    if logits is None:
        raise ValueError("no category has two sources, so no source can be left out")
    return logits, judged_rows
