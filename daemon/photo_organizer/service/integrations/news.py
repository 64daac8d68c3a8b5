"""What the daemon's hooks are told: batches, photos for Review, errors and models, as facts for JSON."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from photo_organizer.library import Filing, Placed
from photo_organizer.library.record.ledger_text import escape
from photo_organizer.photo import Action
from photo_organizer.service.integrations.hooks import Hooks

MOST_PHOTOS_TOLD = 100
_SAME_ERROR_SECONDS = 3600.0
_MOST_ERRORS_REMEMBERED = 100


class News:
    """Gathers what happens to the photos of a batch, and tells the hooks at its end.

    Args:
        hooks: who is told.
        clock: seconds that only grow.
    """

    def __init__(self, hooks: Hooks, clock: Callable[[], float] = time.monotonic) -> None:
        self._hooks = hooks
        self._clock = clock
        self._actions: Counter[str] = Counter()
        self._categories: Counter[str] = Counter()
        self._review: list[dict[str, Any]] = []
        self._errors: dict[str, float] = {}
        self._model: str | None = None

    def placed(self, filing: Filing, placed: Placed) -> None:
        """Take in a photo that was filed."""
        self._actions[placed.action] += 1
        if placed.action is Action.FILED and filing.decision is not None:
            self._categories[filing.decision.category] += 1
        if placed.action is Action.REVIEW and len(self._review) < MOST_PHOTOS_TOLD:
            decision = filing.decision
            self._review.append(
                {
                    "path": escape(str(placed.destination)),
                    "category": decision.category if decision else None,
                    "confidence": round(decision.confidence, 4) if decision else None,
                }
            )
        if placed.action is Action.QUARANTINED:
            self.error(f"{escape(str(filing.group.photo.path))}: {filing.reason}", kind="quarantine")

    def batch_is_over(self, batch: str | None) -> None:
        """Tell of the photos since the last batch; nothing when there were none.

        Args:
            batch: its id in the ledger.
        """
        if self._actions:
            self._hooks.fire(
                "on_batch",
                batch=batch,
                photos=self._actions.total(),
                actions=dict(self._actions),
                categories=dict(self._categories),
            )
        if reviewed := self._actions[Action.REVIEW]:
            self._hooks.fire("on_review", batch=batch, review=reviewed, photos=self._review)
        self._actions, self._categories, self._review = Counter(), Counter(), []

    def error(self, text: str, *, kind: str) -> None:
        """Tell of an error; the same one again only after an hour.

        Args:
            text: one line for people.
            kind: `paused`, `photo`, `quarantine`, `configuration`, `model` or `training`.
        """
        now = self._clock()
        told = self._errors.get(text)
        if told is not None and now < told + _SAME_ERROR_SECONDS:
            return
        self._errors.pop(text, None)
        self._errors[text] = now
        if len(self._errors) > _MOST_ERRORS_REMEMBERED:
            del self._errors[next(iter(self._errors))]
        self._hooks.fire("on_error", kind=kind, error=text)

    def training_is_over(self, text: str, *, promoted: bool, failed: bool) -> None:
        """Tell of a retraining that gave no new model; a new one is told of when it serves.

        Args:
            text: how it ended.
            promoted: whether there is a new model.
            failed: whether it could not be done.
        """
        if failed:
            self.error(f"retraining {text}", kind="training")
        elif not promoted:
            self._hooks.fire("on_model", model=self._model, changed=False, reason=text)

    def model_serves(self, model: str | None, reason: str | None) -> None:
        """Tell when another model classifies than before.

        Args:
            model: its id; None while there is none.
            reason: what the last retraining said.
        """
        if model is None or model == self._model:
            return
        before, self._model = self._model, model
        if before is not None:
            self._hooks.fire("on_model", model=model, changed=True, previous=before, reason=reason)
