"""How far the boundary of a new category is drawn in.

A dozen photos say what a new category looks like, and little about where it ends. Where other photos of the
owner lie between its boundary and its own photos, the boundary is moved towards its own, up to the point that
a fifth of them (out of fold) does not pass. Where nothing lies between, it stays.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from photo_organizer.learning.head.head import Floats, Labels

GIVEN_UP = 0.2
_FEWEST = 5
_BETWEEN = 0.01  # of the other photos


def drawn_in(out_of_fold: Floats, labels: Labels, others: Floats, new: NDArray[np.bool_]) -> Floats:
    """Return what is to be added to the bias of each category (C,); 0 for all but new ones.

    Args:
        out_of_fold: logits (N, C) of the labelled photos.
        labels: (N,) their categories.
        others: logits (M, C) of the owner's other photos.
        new: (C,) which categories are new.
    """
    shift = np.zeros(out_of_fold.shape[1], np.float32)
    for category in np.flatnonzero(new).tolist():
        mine = _margins(out_of_fold[labels == category], category)
        if len(mine) < _FEWEST or not len(others):
            continue
        limit = float(np.quantile(mine, GIVEN_UP))
        theirs = _margins(others, category)
        if np.mean((theirs > 0) & (theirs < limit)) > _BETWEEN:
            shift[category] = -limit
    return shift


def _margins(logits: Floats, category: int) -> Floats:
    """Return how far the category's logit lies above the highest of the others (N,)."""
    return np.asarray(logits[:, category] - np.delete(logits, category, axis=1).max(axis=1), np.float32)
