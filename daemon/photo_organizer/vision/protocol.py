"""What the daemon and the vision process say to each other: JSON, a line a message. Light.

To the vision process: `start` (once, first), `classify` (a photo), `model` (take another model). The end of
the stream ends the process. From it: `ready` or `failed` after `start` and `model`; then for each photo
`reading`, `decoding` and, while others hold the memory that it needs, `waiting`, with the number of the
thread that does it; `inferring` for a thread's batch; and at last `classified` or `rejected` (from the
process that makes thumbnails `thumbnail` or `rejected`), and `resting` with the seconds that the batch took.
Names that are not UTF-8 survive as escaped surrogates.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Any

from photo_organizer.photo import Photo, Prediction
from photo_organizer.vision.outcome import (
    Classified,
    Outcome,
    PhotoRejectedError,
    Pictured,
    Rejected,
    RejectionKind,
)

Message = dict[str, Any]


def pack(message: Message) -> bytes:
    """A message as a line."""
    return json.dumps(message, separators=(",", ":")).encode("ascii") + b"\n"


class LineReader:
    """Puts the pieces of a byte stream together to messages."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, piece: bytes) -> Iterator[Message]:
        """The messages that `piece` completes.

        Raises:
            ValueError: a line is no message.
        """
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            message = json.loads(line)
            if not isinstance(message, dict):
                raise TypeError("not a message")
            yield message


def photo_message(number: int, photo: Photo) -> Message:
    """`classify`: a photo under a number of its own."""
    identity = photo.identity
    return {
        "op": "classify",
        "photo": number,
        "path": str(photo.path),
        "identity": [identity.device, identity.inode, identity.size, identity.mtime_ns],
    }


def prediction_message(number: int, prediction: Prediction, *, ends_early: bool = False) -> Message:
    """`classified` for the photo with this number; categories are known to the other side."""
    fields = asdict(prediction)
    del fields["categories"]
    fields["taken"] = prediction.taken.isoformat() if prediction.taken else None
    return {"event": "classified", "photo": number, "ends_early": ends_early, **fields}


def rejection_message(number: int, error: PhotoRejectedError) -> Message:
    """`rejected` for the photo with this number."""
    return {
        "event": "rejected",
        "photo": number,
        "kind": error.kind.value,
        "reason": error.reason,
        "ends_early": error.ends_early,
    }


def outcome_of(message: Message, photo: Photo, categories: tuple[str, ...]) -> Outcome:
    """The outcome that a `classified` or `rejected` message tells of `photo`."""
    if message["event"] == "rejected":
        return Rejected(photo, RejectionKind(message["kind"]), message["reason"], message["ends_early"])
    prediction = Prediction(
        sha256=message["sha256"],
        model=message["model"],
        engine=message["engine"],
        categories=categories,
        probabilities=tuple(message["probabilities"]),
        decoder=message["decoder"],
        taken=_moment(message),
        camera=message["camera"],
        perceptual_hash=message["perceptual_hash"],
    )
    return Classified(photo, prediction, message["ends_early"])


def picture_of(message: Message, photo: Photo) -> Pictured:
    """The thumbnail of `photo` that a `thumbnail` message brings."""
    jpeg = base64.b64decode(message["jpeg"])
    return Pictured(photo, message["sha256"], jpeg, _moment(message), message["camera"])


def _moment(message: Message) -> datetime | None:
    return datetime.fromisoformat(message["taken"]) if message["taken"] else None
