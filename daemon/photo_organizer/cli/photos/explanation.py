"""Gathers what is known about one photo, for `why`."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from photo_organizer.cli.photos.photo_hash import photo_sha256
from photo_organizer.cli.sort.plan_files.rows import shown_path
from photo_organizer.errors import OrganizerError, printable
from photo_organizer.formats import by_extension
from photo_organizer.library.record.operation import JOINED
from photo_organizer.photo import Action
from photo_organizer.vision.decision import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from photo_organizer.config import Configuration
    from photo_organizer.library import Event

WIDEST_BAR = 30
DECISIONS = (Action.FILED, Action.REVIEW, Action.DUPLICATE)
CHUNK = 1 << 20
SHA256 = re.compile(r"[0-9a-fA-F]{64}")


@dataclass(frozen=True, slots=True)
class Classification:
    """What a model predicted. `probabilities` has the most probable category first."""

    action: str
    threshold: float | None
    model: str
    engine: str
    decoder: str
    probabilities: tuple[tuple[str, float], ...]
    reason: str = ""

    @property
    def margin(self) -> float:
        """Return how far the best category is ahead of the second."""
        return self.probabilities[0][1] - (self.probabilities[1][1] if len(self.probabilities) > 1 else 0.0)


@dataclass(frozen=True, slots=True)
class Explanation:
    """One photo: where it is (None when it is gone), its prediction, and its history.

    `is_fresh` when it was never filed, and was classified just now.
    """

    place: Path | None
    sha256: str
    verdict: Classification | None
    events: tuple[Event, ...]
    is_fresh: bool

    @property
    def category(self) -> str | None:
        """Return the most probable category."""
        return self.verdict.probabilities[0][0] if self.verdict else None

    def lines(self) -> Iterator[str]:
        """Yield the lines to print."""
        yield f"photo       {printable(shown_path(self.place)) if self.place else 'no longer there'}"
        yield f"sha256      {self.sha256}"
        if self.verdict is not None:
            yield from self._verdict_lines(self.verdict)
        elif self.events:
            yield f"quarantine  {printable(self.events[-1].reason)}"
        if self.events:
            yield "moves"
        for event in self.events:
            source, destination = (
                printable(shown_path(event.source)),
                printable(shown_path(event.destination)),
            )
            taken_back = "  (taken back)" if event.undone else ""
            how = "" if event.transfer_mode == "move" else f"  ({event.transfer_mode})"
            moment = f"{event.time.astimezone():%Y-%m-%d %H:%M}"
            yield f"  {moment}  {event.action:<11} {source} -> {destination}{how}{taken_back}"
            if event.action == JOINED and event.reason:
                yield f"{'':<20}because it is {printable(event.reason)}"

    def _verdict_lines(self, verdict: Classification) -> Iterator[str]:
        category, confidence = verdict.probabilities[0]
        would = "would be " if self.is_fresh else ""
        sure_text, threshold_text = shown(confidence, verdict.threshold)
        threshold = f"threshold {threshold_text}, " if threshold_text else ""
        sure = f"{category} {sure_text} ({threshold}margin {verdict.margin:.2f})"
        yield f"decision    {would}{verdict.action}: {sure}"
        if verdict.reason:
            yield f"because     {printable(verdict.reason)}"
        decoded = f", decoded as {verdict.decoder}" if verdict.decoder else ""
        yield f"model       {verdict.model}, {verdict.engine}{decoded}"
        yield "probabilities"
        width = max(len(name) for name, _ in verdict.probabilities)
        for name, probability in verdict.probabilities:
            bar = "█" * round(WIDEST_BAR * probability)
            yield f"  {printable(name):<{width}}  {probability:.4f}  {bar}".rstrip()

    def to_json(self) -> dict[str, Any]:
        """Return the values for `--json`."""
        verdict = self.verdict
        return {
            "path": os.fspath(self.place) if self.place else None,
            "sha256": self.sha256,
            "filed_before": not self.is_fresh,
            "action": verdict.action if verdict else None,
            "category": self.category,
            "threshold": verdict.threshold if verdict else None,
            "reason": verdict.reason if verdict else None,
            "margin": round(verdict.margin, 4) if verdict else None,
            "model": verdict.model if verdict else None,
            "engine": verdict.engine if verdict else None,
            "decoder": verdict.decoder if verdict else None,
            "probabilities": {name: round(value, 4) for name, value in verdict.probabilities}
            if verdict
            else None,
            "moves": [
                {
                    "time": event.time.isoformat(),
                    "batch": event.batch,
                    "action": event.action,
                    "manner": event.transfer_mode,
                    "source": os.fspath(event.source),
                    "destination": os.fspath(event.destination),
                    "companions": [os.fspath(companion) for companion in event.companions],
                    "reason": event.reason,
                    "undone": event.undone,
                }
                for event in self.events
            ],
        }


def _rounded(probabilities: tuple[tuple[str, float], ...]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in probabilities}


def explain(configuration: Configuration, photo: str) -> Explanation:
    """Return everything that is known about `photo`.

    Args:
        configuration: whose journal and model.
        photo: a path, where it is or was, or a SHA-256 in hex.

    Raises:
        OrganizerError: it does not exist, and is not in the journal, or it cannot be read or classified.
    """
    from photo_organizer.library import Library

    path = None if SHA256.fullmatch(photo) else Path(os.path.abspath(os.path.expanduser(photo)))  # noqa: PTH111
    with Library.open(configuration) as library:
        # the bytes tell more than the path: photos are renamed, and names are used again
        sha256 = photo_sha256(path) if path and path.is_file() else None
        events = library.history(sha256) if sha256 else library.history(path or photo.lower())
        is_companion = path is not None and by_extension(path) is None
        if not events and path is not None and is_companion:
            events, sha256 = library.history(path), None
    verdict = next((found for event in reversed(events) if (found := _verdict_of(event))), None)
    if events:
        place = path if sha256 else _place(events)
        return Explanation(place, events[-1].sha256, verdict, tuple(events), is_fresh=False)
    if path is not None and path.is_dir():
        raise OrganizerError("is a folder", where=photo, remedy="name one photo in it")
    if path is None or sha256 is None:
        raise OrganizerError("does not exist, and is not in the journal", where=photo)
    return Explanation(path, sha256, _classify(configuration, path), (), is_fresh=True)


def _place(events: tuple[Event, ...]) -> Path | None:
    for event in reversed(events):
        for candidate in (event.destination, event.source):
            if candidate.is_file() and photo_sha256(candidate) == event.sha256:
                return candidate
    return None


def _verdict_of(event: Event) -> Classification | None:
    details = event.details
    if not details.probabilities or event.action not in DECISIONS:
        return None
    pairs = sorted(zip(details.categories, details.probabilities, strict=True), key=lambda pair: -pair[1])
    return Classification(
        event.action, details.threshold, details.model, details.engine, details.decoder, tuple(pairs),
        event.reason,
    )  # fmt: skip


def _classify(configuration: Configuration, path: Path) -> Classification:
    """Classify a photo that was never filed, with the model in use."""
    from photo_organizer.cli.sort.selection import groups_in, model_in_use
    from photo_organizer.service.runtime import new_placement, new_vision
    from photo_organizer.vision.outcome import Rejected

    skipped: list[str] = []
    group = next(groups_in(configuration, [path], lambda one: skipped.append(one.reason)), None)
    if group is None:
        raise OrganizerError("; ".join(skipped) or "is no photo", where=path)
    model = model_in_use(configuration)
    vision = new_vision(configuration, model)
    try:
        vision.submit([group.photo])
        while not (outcomes := vision.poll(1.0)):
            continue
    finally:
        vision.close()
    outcome = outcomes[0]
    if isinstance(outcome, Rejected):
        raise OrganizerError(outcome.reason, where=path)
    filing = new_placement(configuration, model).of_classified(group, outcome.prediction)
    prediction = outcome.prediction
    return Classification(
        str(filing.action),
        filing.decision.threshold if filing.decision else None,
        prediction.model,
        prediction.engine,
        prediction.decoder,
        tuple(prediction.ranked()),
        filing.reason,
    )
