"""The photos that a challenger got most wrong, as thumbnails."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from photo_organizer import fsops
from photo_organizer.learning.training_plan import Judgement
from photo_organizer.vision.decode.decoder import decode
from photo_organizer.vision.outcome import PhotoRejectedError

_MOST = 24
_SIDE = 224
_QUALITY = 80


@dataclass(frozen=True, slots=True)
class Mistake:
    """A photo of the owner that the challenger put in another category; `thumbnail` is a JPEG."""

    name: str
    category: str
    taken_for: str
    confidence: float
    thumbnail: bytes


def worst_mistakes(judgement: Judgement) -> list[Mistake]:
    """Return the owner's judging photos in a wrong category, the most confident first; unreadable ones
    are passed over.
    """
    scores = judgement.models.sample.labelled
    confidence, predicted = scores.challenger.max(axis=1), scores.challenger.argmax(axis=1)
    wrong = np.flatnonzero(predicted != scores.labels)
    categories = judgement.plan.categories
    mistakes: list[Mistake] = []
    for index in wrong[np.argsort(-confidence[wrong], kind="stable")].tolist():
        if len(mistakes) == _MOST:
            break
        label = judgement.models.photos[index]
        thumbnail = _thumbnail(label.path, judgement)
        if thumbnail is not None:
            taken_for = categories[int(predicted[index])]
            mistakes.append(
                Mistake(label.path.name, label.category, taken_for, float(confidence[index]), thumbnail)
            )
    return mistakes


def _thumbnail(path: Path, judgement: Judgement) -> bytes | None:
    try:
        with os.fdopen(fsops.open_photo(path), "rb") as file:
            photo = decode(file.read(), _SIDE, judgement.plan.config.limits)
    except (OSError, PhotoRejectedError):
        return None
    longer = max(photo.width, photo.height)
    upright = photo.pixels
    size = (max(1, round(_SIDE * photo.width / longer)), max(1, round(_SIDE * photo.height / longer)))
    encoded = cv2.imencode(".jpg", cv2.resize(upright, size), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1]
    return encoded.tobytes()
