"""Bytes of memory that decoding takes for each pixel, as `benchmarks/decoding_memory.py` measures them."""

from __future__ import annotations

OPENCV = 12.0
"""Up to four samples of 16 bits, and the picture of 8 bits beside them."""
HEIF = 8.0
HEIF_HDR = 24.0
HDR = 24.0
"""16 bits a sample, in the codes of the file and in those that are averaged."""
JXL = 17.0
RAW = 10.0

_OF_A_FORMAT = {"WEBP": 17.0, "AVIF": 10.0, "GIF": 10.0}
_OF_A_MODE = {"1": 1.0, "L": 1.0, "P": 1.0, "LA": 4.0, "I;16": 2.0, "I;16B": 2.0}


def pillow_cost(container: str, mode: str) -> float:
    """Bytes a pixel that Pillow takes for a file of a format with this mode, conversion included."""
    usual = _OF_A_MODE.get(mode, 4.0) + (0.0 if mode in {"RGB", "L"} else 4.0)
    return max(usual, _OF_A_FORMAT.get(container, 0.0))
