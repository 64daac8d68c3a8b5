"""Which categories Review suggests for a photo."""

from __future__ import annotations

from collections.abc import Sequence

MOST = 3
PEOPLE = frozenset({"Events", "Family", "Friends"})
"""Categories that show people together and differ by what only the owner knows."""
SURE_OF_PEOPLE = 0.7
"""Joint probability of `PEOPLE` at which they come first. On collections that the model was not trained on,
they then contain the right category more often than the three most probable ones do, and less often at lower
values (docs/starter-model.md).
"""


def suggest(categories: Sequence[str], probabilities: Sequence[float]) -> tuple[tuple[str, float], ...]:
    """Return at most three categories with their probabilities, the most probable one first.

    Where the model is sure that a photo shows people together, but not on which occasion, these are `Family`,
    `Friends` and `Events`, even if another category is more probable than the last of them.
    """
    ranked = sorted(zip(categories, probabilities, strict=True), key=lambda pair: (-pair[1], pair[0]))
    people = [pair for pair in ranked if pair[0] in PEOPLE]
    if sum(probability for _, probability in people) >= SURE_OF_PEOPLE:
        ranked = people + [pair for pair in ranked if pair[0] not in PEOPLE]
    return tuple(ranked[:MOST])
