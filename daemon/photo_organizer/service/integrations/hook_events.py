"""The events of hooks: batches, photos for review, errors and models."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from photo_organizer.library import Filing, Placed
from photo_organizer.library.record.ledger_text import escape
from photo_organizer.photo import Action
from photo_organizer.service.integrations.hooks import Hooks

MAX_PHOTOS_LISTED = 100
_SAME_ERROR_SECONDS = 3600.0
_MAX_ERRORS_REMEMBERED = 100


class HookEvents:
    """Collects what happens to the photos of a batch, and runs the hooks at its end.

    Args:
        hooks: the hooks to run.
        clock: monotonic seconds.
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
        """Add a photo that was filed."""
        self._actions[placed.action] += 1
        if placed.action is Action.FILED and filing.decision is not None:
            self._categories[filing.decision.category] += 1
        if placed.action is Action.REVIEW and len(self._review) < MAX_PHOTOS_LISTED:
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

    def batch_finished(self, batch: str | None) -> None:
        """Run `on_batch` and `on_review` for the photos since the last batch, if there were any.

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
        """Run `on_error`, at most once an hour for the same error.

        Args:
            text: one line for people.
            kind: `paused`, `photo`, `quarantine`, `configuration`, `model` or `training`.
        """
        now = self._clock()
        reported = self._errors.get(text)
        if reported is not None and now < reported + _SAME_ERROR_SECONDS:
            return
        self._errors.pop(text, None)
        self._errors[text] = now
        if len(self._errors) > _MAX_ERRORS_REMEMBERED:
            del self._errors[next(iter(self._errors))]
        self._hooks.fire("on_error", kind=kind, error=text)

    def training_finished(self, text: str, *, promoted: bool, failed: bool) -> None:
        """Run `on_model` for a retraining without a new model; for a new one, it runs once that is in use.

        Args:
            text: the result, for people.
            promoted: whether there is a new model.
            failed: whether it ended with an error.
        """
        if failed:
            self.error(f"retraining {text}", kind="training")
        elif not promoted:
            self._hooks.fire("on_model", model=self._model, changed=False, reason=text)

    def model_in_use(self, model: str | None, reason: str | None) -> None:
        """Run `on_model` if the model in use has changed.

        Args:
            model: its id; None while there is none.
            reason: the result of the last retraining.
        """
        if model is None or model == self._model:
            return
        before, self._model = self._model, model
        if before is not None:
            self._hooks.fire("on_model", model=model, changed=True, previous=before, reason=reason)
