"""Labelled photos in folders, decoded: for calibrating and checking, never for serving."""

from __future__ import annotations

import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from photo_organizer import formats
from photo_organizer.errors import OrganizerError
from photo_organizer.vision.backbone.cores import available_cores
from photo_organizer.vision.decode.decoder import decode
from photo_organizer.vision.outcome import PhotoRejectedError


@dataclass(frozen=True, slots=True)
class LabelledPixels:
    """Decoded photos uint8 (N, S, S, 3), and the places of their categories in the model's list (N,)."""

    pixels: NDArray[np.uint8]
    labels: NDArray[np.integer]

    def split(self, count: int) -> tuple[LabelledPixels, LabelledPixels]:
        """The first `count`, and the others."""
        return (
            LabelledPixels(self.pixels[:count], self.labels[:count]),
            LabelledPixels(self.pixels[count:], self.labels[count:]),
        )


def read_labelled_photos(
    folder: Path, categories: Sequence[str], size: int, *, most: int, seed: int = 0
) -> LabelledPixels:
    """Up to `most` photos below `folder`/<category>/, decoded, in an order that `seed` decides.

    Photos that cannot be decoded are left out.

    Raises:
        OrganizerError: there are fewer than two photos.
    """
    files = sorted(
        (path, label)
        for label, category in enumerate(categories)
        for path in (folder / category).rglob("*")
        if formats.by_extension(path) is not None and path.is_file()
    )
    random.Random(seed).shuffle(files)  # noqa: S311 (an order, no secret)

    def read(path: Path) -> NDArray[np.uint8] | None:
        try:
            return decode(path.read_bytes(), size).pixels
        except PhotoRejectedError:
            return None

    with ThreadPoolExecutor(available_cores()) as threads:
        decoded = list(threads.map(read, [path for path, _ in files[:most]]))
    pairs = [
        (pixels, label) for pixels, (_, label) in zip(decoded, files, strict=False) if pixels is not None
    ]
    if len(pairs) < 2:
        raise OrganizerError(
            "there are no photos in folders named after the model's categories", where=folder
        )
    return LabelledPixels(np.stack([pixels for pixels, _ in pairs]), np.array([label for _, label in pairs]))
