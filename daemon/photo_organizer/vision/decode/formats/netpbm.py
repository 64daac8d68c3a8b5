"""PAM and PFM, the two of Netpbm's formats that Pillow and OpenCV read only in part.

Sources: pam(5) of Netpbm; PFM as HDRShop writes it: light, of which 1 is white, the bottom row first.
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from photo_organizer.vision.decode.colour.conversion import over_white
from photo_organizer.vision.decode.colour.hdr import light_as_srgb
from photo_organizer.vision.decode.formats.raster import decode_raster
from photo_organizer.vision.decode.picture import Picture, Task
from photo_organizer.vision.outcome import DecoderRefusedError, UnreadablePhotoError

_PAM_HEADER = re.compile(rb"P7\s.*?\nENDHDR\n", re.DOTALL)
_PAM_FIELD = re.compile(rb"^(WIDTH|HEIGHT|DEPTH|MAXVAL)\s+(\d+)", re.MULTILINE)
_PFM_HEADER = re.compile(rb"P([Ff])\s+(\d+)\s+(\d+)\s+(-?[0-9.eE+-]+)\s")
_HEAD = 8192
_BYTES_A_SAMPLE = 12.0
_CUT_OFF = "the file ends before the picture does, a part of it is missing"


def decode_netpbm(task: Task) -> Picture:
    """A picture of any of Netpbm's formats.

    Raises:
        UnreadablePhotoError: damaged, incomplete or too large.
    """
    if task.data[:2] == b"P7":
        return _pam(task)
    if task.data[:2] in {b"PF", b"Pf"}:
        return _pfm(task)
    return decode_raster(task, container="PPM")


def _pam(task: Task) -> Picture:
    header = _PAM_HEADER.match(task.data[:_HEAD])
    fields = {name: int(value) for name, value in _PAM_FIELD.findall(header[0])} if header else {}
    if header is None or len(fields) < 4 or not 1 <= fields[b"MAXVAL"] <= 65535 or not fields[b"DEPTH"]:
        raise DecoderRefusedError("the PAM header is damaged")
    width, height, depth = fields[b"WIDTH"], fields[b"HEIGHT"], fields[b"DEPTH"]
    kind = np.dtype(np.uint8 if fields[b"MAXVAL"] < 256 else ">u2")
    samples = _samples(task, header.end(), (height, width, depth), kind)
    wanted = samples[..., : min(depth, 4)]
    shares = wanted.astype(np.float32) / np.float32(fields[b"MAXVAL"])
    eight = (np.clip(shares, 0, 1) * 255 + 0.5).astype(np.uint8)
    mode = ("L", "LA", "RGB", "RGBA")[min(depth, 4) - 1]
    image = Image.frombytes(mode, (width, height), np.ascontiguousarray(eight).tobytes())
    pixels = over_white(image.convert("RGBA") if mode == "LA" else image)
    return Picture(pixels, width, height, "pam")


def _pfm(task: Task) -> Picture:
    header = _PFM_HEADER.match(task.data[:_HEAD])
    if header is None:
        raise DecoderRefusedError("the PFM header is damaged")
    width, height, channels = int(header[2]), int(header[3]), 3 if header[1] == b"F" else 1
    kind = np.dtype("<f4" if header[4].startswith(b"-") else ">f4")
    light = _samples(task, header.end(), (height, width, channels), kind)[::-1]
    colours = light if channels == 3 else light.repeat(3, axis=-1)
    return Picture(light_as_srgb(colours[..., ::-1]), width, height, "pfm")


def _samples(
    task: Task, start: int, shape: tuple[int, int, int], kind: np.dtype[np.generic]
) -> NDArray[np.generic]:
    height, width, depth = shape
    task.check_size(width, height)
    task.reserve(_BYTES_A_SAMPLE * height * width * depth)
    if start + height * width * depth * kind.itemsize > len(task.data):
        raise UnreadablePhotoError(_CUT_OFF)
    return np.frombuffer(task.data, kind, height * width * depth, start).reshape(shape)
