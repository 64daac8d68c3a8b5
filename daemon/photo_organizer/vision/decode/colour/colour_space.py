"""Colour spaces given by numbers: H.273 code points, or chromaticities and a gamma, made into ICC profiles.

Sources: ITU-T H.273 (07/2024) tables 2 and 3 (colour primaries and transfer characteristics); ICC.1:2022
(profile layout, the `cicp` tag, adaptation to D50); IEC 61966-2-1 (sRGB).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Chromaticities = tuple[float, float, float, float, float, float, float, float]
"""x and y of white, red, green and blue, the order of PNG's `cHRM`."""

_D65 = (0.3127, 0.3290)
BT709: Chromaticities = (*_D65, 0.640, 0.330, 0.300, 0.600, 0.150, 0.060)
BT2020: Chromaticities = (*_D65, 0.708, 0.292, 0.170, 0.797, 0.131, 0.046)
_PRIMARIES: dict[int, Chromaticities] = {
    9: BT2020,
    11: (0.314, 0.351, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),  # DCI-P3 with its own white
    12: (*_D65, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),  # Display P3
}
_GAMMAS = {4: 2.2, 5: 2.8, 8: 1.0}
PQ, HLG = 16, 18
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_D50 = np.array([0.96422, 1.0, 0.82521])
_SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
_SRGB_GAMMA = 1 / 0.45455
_GAMMA_TOLERANCE = 0.02
_CHROMATICITY_TOLERANCE = 0.003


@dataclass(frozen=True, slots=True)
class CodePoints:
    """Colour primaries and transfer characteristics of ITU-T H.273, as `nclx` and `cICP` carry them."""

    primaries: int
    transfer: int

    @property
    def is_hdr(self) -> bool:
        """Whether the samples are coded in PQ or HLG."""
        return self.transfer in {PQ, HLG}

    @property
    def chromaticities(self) -> Chromaticities:
        """Those of the primaries; all that are not much wider than sRGB count as BT.709's."""
        return _PRIMARIES.get(self.primaries, BT709)

    def profile(self) -> bytes:
        """The ICC profile of an SDR picture with these code points; b"" where that is sRGB.

        The transfer functions of television (BT.709, BT.601, BT.2020) are shown with sRGB's, as browsers do:
        the pictures that carry them were made on displays with about that gamma.
        """
        gamma = _GAMMAS.get(self.transfer)
        if gamma is None and self.primaries not in _PRIMARIES:
            return b""
        return matrix_profile(self.chromaticities, gamma)


def code_points_in_profile(profile: bytes) -> CodePoints | None:
    """What the `cicp` tag of an ICC profile says (JPEG XL and Photoshop write it); None without one."""
    if len(profile) < 132:
        return None
    (count,) = struct.unpack_from(">I", profile, 128)
    for at in range(132, min(132 + 12 * min(count, 100), len(profile) - 11), 12):
        name, offset, size = struct.unpack_from(">4sII", profile, at)
        if name == b"cicp" and size >= 12 and offset + 12 <= len(profile):
            return CodePoints(profile[offset + 8], profile[offset + 9])
    return None


def profile_of_gamma(gamma: float | None, chromaticities: Chromaticities | None) -> bytes:
    """The ICC profile that PNG's `gAMA` and `cHRM` describe; b"" where that is sRGB or makes no sense.

    Args:
        gamma: as in the file, the exponent of encoding: 0.45455 is that of sRGB.
        chromaticities: None: those of sRGB.
    """
    exponent = 1 / gamma if gamma else _SRGB_GAMMA
    colours = chromaticities or BT709
    curve = None if abs(exponent / _SRGB_GAMMA - 1) <= _GAMMA_TOLERANCE else exponent
    near = max(abs(a - b) for a, b in zip(colours, BT709, strict=True)) <= _CHROMATICITY_TOLERANCE
    if (curve is None and near) or not 0.2 <= exponent <= 10:
        return b""
    try:
        return matrix_profile(BT709 if near else colours, curve)
    except (np.linalg.LinAlgError, ZeroDivisionError, struct.error):  # numbers that are no colours
        return b""


def rgb_to_xyz(chromaticities: Chromaticities) -> NDArray[np.float64]:
    """The 3 x 3 matrix from linear red, green, blue to XYZ with the space's own white at Y = 1."""
    white, *primaries = (_xyz(*chromaticities[at : at + 2]) for at in (0, 2, 4, 6))
    columns = np.stack(primaries, axis=1)
    scaled: NDArray[np.float64] = columns * np.linalg.solve(columns, white)
    return scaled


def _xyz(x: float, y: float) -> NDArray[np.float64]:
    return np.array([x / y, 1.0, (1 - x - y) / y])


@lru_cache(maxsize=16)
def matrix_profile(chromaticities: Chromaticities, gamma: float | None) -> bytes:
    """An ICC display profile (version 4) of these primaries; `gamma` is the exponent from code to light.

    Without a gamma its curve is that of sRGB.
    """
    white = _BRADFORD @ _xyz(*chromaticities[:2])
    adaptation = np.linalg.inv(_BRADFORD) @ np.diag((_BRADFORD @ _D50) / white) @ _BRADFORD
    columns = (adaptation @ rgb_to_xyz(chromaticities)).T
    curve = (
        struct.pack(">4sIHH5i", b"para", 0, 3, 0, *_fixed(_SRGB_CURVE))
        if gamma is None
        else struct.pack(">4sIHHi", b"para", 0, 0, 0, *_fixed((gamma,)))
    )
    text = "made from numbers".encode("utf-16-be")
    tags = {
        b"desc": struct.pack(">4sIII2s2sII", b"mluc", 0, 1, 12, b"en", b"US", len(text), 28) + text,
        b"wtpt": _xyz_tag(_D50),
        **{name: _xyz_tag(column) for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), columns, strict=True)},
        **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve),
    }
    return _profile_file(tags)


def _fixed(values: tuple[float, ...]) -> list[int]:
    return [round(value * 65536) for value in values]


def _xyz_tag(values: NDArray[np.float64]) -> bytes:
    return struct.pack(">4sI3i", b"XYZ ", 0, *_fixed(tuple(float(value) for value in values)))


def _profile_file(tags: dict[bytes, bytes]) -> bytes:
    table, body = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for name, value in tags.items():
        table += struct.pack(">4sII", name, start + len(body), len(value))
        body += value + bytes(-len(value) % 4)
    header = struct.pack(">I4sI4s4s4s", start + len(body), bytes(4), 0x04400000, b"mntr", b"RGB ", b"XYZ ")
    header += struct.pack(">6H4s28x3i", 2026, 1, 1, 0, 0, 0, b"acsp", *_fixed((0.96422, 1.0, 0.82521)))
    return header.ljust(128, b"\0") + table + body
