"""What a worker does with a batch of photos: the same as one machine, with its own warm vision process."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from photo_organizer.errors import OrganizerError
from photo_organizer.photo import FileIdentity, Photo
from photo_organizer.vision.client.client import VisionClient
from photo_organizer.vision.client.driving import answers
from photo_organizer.vision.decode.budget.limits import FixedLimits, Limits
from photo_organizer.vision.outcome import Classified, Outcome, PhotoRejectedError, RejectionKind
from photo_organizer.vision.protocol import Message, prediction_message, rejection_message

PLUGIN = "photo-organizer"
UNSEEN = "unseen"
FAILED = "failed"
_MICROSECOND = 1000
_POLL_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class BatchRequest:
    """What a worker is asked, in plain values.

    Args:
        photos: path as the worker sees it, size in bytes, and time of the last change in ns.
        categories: probabilities come in this order.
        limits: what one photo may cost, as fields of `FixedLimits`.
    """

    photos: tuple[tuple[str, int, int], ...]
    categories: tuple[str, ...]
    limits: dict[str, Any]

    @classmethod
    def of(cls, photos: list[tuple[str, Photo]], categories: tuple[str, ...], limits: Limits) -> BatchRequest:
        """Return the request for photos, given with their paths on the worker."""
        files = tuple((path, photo.identity.size, photo.identity.mtime_ns) for path, photo in photos)
        return cls(files, categories, asdict(FixedLimits.of(limits)))


class WorkerVision:
    """A worker's vision process.

    Args:
        model: the model's folder.
        engine: `model.engine` of the configuration.
        categories: those that it starts with.
        limits: those that it starts with.
        batch: most photos that are classified together.
    """

    def __init__(
        self, model: Path, *, engine: str, categories: tuple[str, ...], limits: FixedLimits, batch: int
    ) -> None:
        self._model, self._engine, self._batch = model, engine, batch
        self._made_for = (categories, limits)
        self._vision = self._new_vision(categories, limits)

    def warm_up(self) -> None:
        """Load the model.

        Raises:
            OrganizerError: it cannot be served.
        """
        self._vision.warm_up()
        while not self._vision.ready:
            self._vision.poll(_POLL_SECONDS)
            self._vision.warm_up()

    def close(self) -> None:
        """End the vision process."""
        self._vision.close()

    def classify(self, request: BatchRequest) -> list[Message]:
        """Return a message of the vision process's protocol for each photo, under its place in the request.

        A photo that is not there is `unseen`; one message `failed` says that this worker classifies nothing.
        """
        try:
            return self._classify(request)
        except OrganizerError as error:
            return [{"event": FAILED, "what": str(error)}]

    def _classify(self, request: BatchRequest) -> list[Message]:
        made_for = request.categories, FixedLimits(**request.limits)
        if made_for != self._made_for:
            self._vision.close()
            self._vision, self._made_for = self._new_vision(*made_for), made_for
        messages: list[Message] = []
        places: dict[Path, list[int]] = {}
        photos: list[Photo] = []
        for place, (path, size, mtime_ns) in enumerate(request.photos):
            seen = _look_at(path, size, mtime_ns)
            if isinstance(seen, Photo):
                places.setdefault(seen.path, []).append(place)
                photos.append(seen)
            else:
                messages.append({**seen, "photo": place})
        for outcome in answers(self._vision, photos):
            messages.append(_message(places[outcome.photo.path].pop(), outcome))
        return messages

    def _new_vision(self, categories: tuple[str, ...], limits: FixedLimits) -> VisionClient:
        return VisionClient(
            self._model, engine=self._engine, categories=categories, limits=limits, batch=self._batch
        )


def _look_at(path: str, size: int, mtime_ns: int) -> Photo | Message:
    """The photo as this machine sees it, or a message that says why it is not the one that was meant.

    Device and inode may be others here, and some shares keep times to the microsecond only.
    """
    try:
        identity = FileIdentity.of(os.lstat(path))
    except OSError as error:
        return {"event": UNSEEN, "what": (error.strerror or str(error)).lower()}
    if (identity.size, identity.mtime_ns // _MICROSECOND) != (size, mtime_ns // _MICROSECOND):
        return rejection_message(0, PhotoRejectedError(RejectionKind.CHANGED, "it was changed"))
    return Photo(Path(path), identity)


def _message(place: int, outcome: Outcome) -> Message:
    if isinstance(outcome, Classified):
        return prediction_message(place, outcome.prediction, ends_early=outcome.ends_early)
    error = PhotoRejectedError(outcome.kind, outcome.reason, ends_early=outcome.ends_early)
    return rejection_message(place, error)


def classify_here(request: BatchRequest) -> list[Message]:
    """Classify on the worker that this runs on: the task that the scheduler hands out."""
    from distributed import get_worker  # noqa: PLC0415 (an extra)

    messages: list[Message] = get_worker().plugins[PLUGIN].classifier.classify(request)
    return messages


def unseen_here(paths: tuple[str, ...]) -> list[str]:
    """Return which of `paths` are not there on the worker that this runs on."""
    return [path for path in paths if not os.path.lexists(path)]
