"""Pictures coded in PQ or HLG, tone-mapped to sRGB as an ordinary display would show them.

White, a sheet of paper in the scene, is at 203 cd/m2 (ITU-R BT.2408-7, table 1: 58 % of PQ, 75 % of HLG) and
becomes white in sRGB. What is brighter is rolled off by the curve of ITU-R BT.2390-11, section 5.4, from the
picture's own peak, so that a picture without brighter parts comes out as it would have in SDR. Transfer
functions: ITU-R BT.2100-3, tables 4 (PQ) and 5 (HLG); SMPTE ST 2084.

HLG codes the light of the scene, and each display adds the system gamma that its peak asks for: 1.2 at 1,000
cd/m2, and by the formula of BT.2390-11, section 6.2, gamma = 1.2 * 1.111 ** log2(peak / 1000), exactly 1 at
301 cd/m2. That is the peak of an ordinary display, so the light of the scene is shown as it is.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from photo_organizer.vision.decode.colour.colour_space import BT709, HLG, CodePoints, rgb_to_xyz
from photo_organizer.vision.decode.colour.depth import finite
from photo_organizer.vision.decode.picture import ENOUGH

WHITE = 203.0
"""cd/m2 of reference white."""

Floats = NDArray[np.float32]
Codes = NDArray[np.uint8] | NDArray[np.uint16]

_M1, _M2, _C1, _C2, _C3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
_PQ_PEAK = 10_000.0
_A, _B, _C = 0.17883277, 0.28466892, 0.55991073
_HLG_WHITE = (WHITE / 1000) ** (1 / 1.2)
"""Light of the scene, 0 to 1, that a display of 1,000 cd/m2 shows as reference white: HLG at 75 %."""
_BRIGHTEST_SHARE = 99.9
"""Percentile that counts as the picture's peak: glints of single pixels darken nothing else."""


def tone_map(codes: Codes, colours: CodePoints, size: int) -> NDArray[np.uint8]:
    """A PQ or HLG picture as sRGB, reduced by area averaging to what a square of `size` needs.

    Args:
        codes: uint8 or uint16 (height, width, 3 or 4), full range, red first; the fourth channel is alpha.
        colours: its code points.
        size: side of the wanted square in pixels.

    Returns:
        uint8 (height, width, 3), blue first, over white; the sides are at most `ENOUGH` times `size`.
    """
    encoded, white = _perceptual(codes[..., :3], colours)
    if codes.shape[2] == 4:
        opaque = codes[..., 3:].astype(np.float32) / np.iinfo(codes.dtype).max
        encoded = (encoded * opaque + white * (1 - opaque)).astype(np.uint16)
    height, width = codes.shape[:2]
    wanted = min(width, ENOUGH * size), min(height, ENOUGH * size)
    small = cv2.resize(encoded, wanted, interpolation=cv2.INTER_AREA).astype(np.float32)
    light = _srgb_to_light(small / white)
    shown = _roll_off(_to_bt709(light, colours))
    return np.ascontiguousarray((light_to_srgb(shown) * 255 + 0.5).astype(np.uint8)[..., ::-1])


def _perceptual(codes: Codes, colours: CodePoints) -> tuple[NDArray[np.uint16], int]:
    """The codes in the curve of sRGB, continued beyond white, and the value of white.

    That is the curve in which pictures of all other kinds are averaged.
    """
    table = _table(colours.transfer, int(np.iinfo(codes.dtype).max) + 1)
    white = round(65535 / float(light_to_srgb(np.array(_brightest(colours.transfer)))))
    if codes.dtype == np.uint8:
        return np.asarray(cv2.LUT(np.ascontiguousarray(codes), table), np.uint16), white
    return table[codes], white


def _brightest(transfer: int) -> float:
    """The light of the highest code, relative to white: of the scene for HLG, of the display for PQ."""
    return 1 / _HLG_WHITE if transfer == HLG else _PQ_PEAK / WHITE


@lru_cache(maxsize=4)
def _table(transfer: int, length: int) -> NDArray[np.uint16]:
    signal = np.linspace(0, 1, length)
    light = _hlg_scene(signal) / _HLG_WHITE if transfer == HLG else pq_to_light(signal)
    encoded = light_to_srgb(light)
    scaled: NDArray[np.uint16] = (encoded * (65535 / encoded[-1]) + 0.5).astype(np.uint16)
    return scaled


def pq_to_light(signal: NDArray[np.floating]) -> NDArray[np.floating]:
    """Light relative to reference white for PQ signals of 0 to 1 (the EOTF of BT.2100)."""
    power = np.power(signal, 1 / _M2)
    light = np.power(np.maximum(power - _C1, 0) / (_C2 - _C3 * power), 1 / _M1)
    return np.asarray(light * (_PQ_PEAK / WHITE))


def light_to_pq(light: NDArray[np.floating]) -> NDArray[np.floating]:
    """The inverse of `pq_to_light`."""
    power = np.power(light * (WHITE / _PQ_PEAK), _M1)
    return np.asarray(np.power((_C1 + _C2 * power) / (1 + _C3 * power), _M2))


def _hlg_scene(signal: NDArray[np.floating]) -> NDArray[np.floating]:
    """Light of the scene, 0 to 1, for HLG signals of 0 to 1 (the inverse OETF of BT.2100)."""
    return np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - _C) / _A) + _B) / 12)


def _to_bt709(light: Floats, colours: CodePoints) -> Floats:
    matrix = np.linalg.inv(rgb_to_xyz(BT709)) @ rgb_to_xyz(colours.chromaticities)
    return np.asarray(np.maximum(light @ matrix.T.astype(np.float32), 0), np.float32)


def _roll_off(light: Floats) -> Floats:
    """Light of which nothing is beyond white: BT.2390's curve, applied to the strongest of the three colours.

    All three are scaled alike, which keeps the hue.
    """
    strongest = np.maximum(light.max(axis=-1), 1e-6)
    peak = light_to_pq(np.array(max(1.0, np.percentile(strongest, _BRIGHTEST_SHARE))))
    signal = np.minimum(light_to_pq(strongest) / peak, 1)
    highest = light_to_pq(np.array(1.0)) / peak
    knee = 1.5 * highest - 0.5
    if knee >= 1:
        return np.asarray(np.minimum(light, 1), np.float32)
    part = np.maximum(signal - knee, 0) / (1 - knee)
    curve = (
        (2 * part**3 - 3 * part**2 + 1) * knee
        + (part**3 - 2 * part**2 + part) * (1 - knee)
        + (3 * part**2 - 2 * part**3) * highest
    )
    rolled = pq_to_light(np.where(signal < knee, signal, curve) * peak)
    scaled = np.clip(light * (rolled / strongest)[..., None], 0, 1)
    return np.asarray(scaled, np.float32)


def _srgb_to_light(encoded: Floats) -> Floats:
    light = np.where(encoded <= 0.04045, encoded / 12.92, np.power((encoded + 0.055) / 1.055, 2.4))
    return np.asarray(light, np.float32)


def light_to_srgb(light: NDArray[np.floating]) -> NDArray[np.floating]:
    """Codes for light, both 0 to 1, or beyond (IEC 61966-2-1)."""
    return np.asarray(np.where(light <= 0.0031308, light * 12.92, 1.055 * np.power(light, 1 / 2.4) - 0.055))


def light_as_srgb(light: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Return light, of which 1 and more is white, in the 8-bit codes of sRGB."""
    return np.round(light_to_srgb(np.clip(finite(light), 0, 1)) * 255).astype(np.uint8)
