"""The table of kinds: in each kind of file, the picture that is in it is seen."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from photo_organizer.vision.decode.decoder import decode
from support.pictures.kinds import Kind, Shares
from support.pictures.kinds_colour import colour_kinds
from support.pictures.kinds_encoded import encoded_kinds
from support.pictures.kinds_formats import format_kinds
from support.pictures.kinds_old import old_kinds
from support.pictures.kinds_photoshop import photoshop_kinds
from support.pictures.kinds_plain import plain_kinds
from support.pictures.kinds_tiff import tiff_kinds

SIZE = 32
TABLE = (
    *plain_kinds(),
    *format_kinds(),
    *encoded_kinds(),
    *photoshop_kinds(),
    *old_kinds(),
    *tiff_kinds(),
    *colour_kinds(),
)
KINDS = {kind.name: kind for kind in TABLE}


def squared(picture: Shares) -> np.ndarray:
    """The picture as the network should see it: sRGB, blue last, from 0 to 255."""
    whole = np.repeat(picture, 3, axis=-1) if picture.shape[2] == 1 else picture
    return cv2.resize(np.clip(whole, 0, 1) * 255, (SIZE, SIZE), interpolation=cv2.INTER_AREA)


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS.keys())
def test_the_picture_in_it_is_seen(kind: Kind) -> None:
    if not kind.can_be_made:
        pytest.skip(f"{kind.needs} is not installed")
    photo = decode(kind.make(), SIZE)
    difference = np.abs(photo.pixels[..., ::-1] - squared(kind.picture())).mean()
    assert difference <= kind.tolerance, photo.decoder
