"""Bytes of memory that decoding takes for each pixel, as `benchmarks/decoding_memory.py` measures them.

Measured with Pillow 13.0, OpenCV 5.0, pillow-heif 1.8 and pillow-jxl-plugin 1.3, and rounded up.
"""

from __future__ import annotations

OPENCV = 12.0
"""Up to four samples of 16 bits, and the picture of 8 bits beside them."""
HEIF, HEIF_WITH_ALPHA, HEIF_HDR = 9.0, 14.0, 24.0
TONE_MAPPED = 3.0
"""How much more it is where a PQ or HLG picture is tone-mapped."""
JXL = 20.0
RAW = 10.0

_PLAIN = 5.0
"""Pillow's own picture of four bytes a pixel, and what is averaged from it."""
_CONVERTED = 10.0
"""Two of them, where the mode is not one that can be averaged."""
_OF_A_FORMAT = {"WEBP": 18.0, "AVIF": 11.0, "GIF": 10.0, "JPEG2000": 18.0}
_WITH_ALPHA = {"AVIF": 14.0}
_ANIMATED = {"GIF": 14.0, "PNG": 14.0, "AVIF": 14.0}
_AVERAGED = frozenset({"L", "RGB", "RGBA", "CMYK", "1"})


def pillow_cost(container: str, mode: str, frames: int = 1) -> float:
    """Bytes a pixel that Pillow takes for a file of a format with this mode, conversion included."""
    with_alpha = mode in {"RGBA", "LA", "PA"}
    return max(
        _PLAIN if mode in _AVERAGED and not with_alpha else _CONVERTED,
        _OF_A_FORMAT.get(container, 0.0),
        _WITH_ALPHA.get(container, 0.0) if with_alpha else 0.0,
        _ANIMATED.get(container, 0.0) if frames > 1 else 0.0,
    )
