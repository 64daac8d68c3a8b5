"""Finds photos that look the same (edits, exports, bursts) by their perceptual hashes, and only tells."""

from __future__ import annotations

from dataclasses import dataclass, field

MOST_BITS_APART = 3  # of 64; what a smaller or recompressed copy of a photo differs by
BANDS = 4  # two hashes that differ in at most 3 bits are equal in at least one of 4 parts (pigeonholes)
BITS_A_BAND = 16
MOST_PAIRS_KEPT = 10
MOST_IN_A_BAND = 64  # of a thousand blank scans, a few are enough


@dataclass(slots=True)
class LookAlikes:
    """Counts photos that look like an earlier one, and keeps some of the pairs."""

    count: int = 0
    pairs: list[tuple[str, str]] = field(default_factory=list)
    _bands: dict[tuple[int, int], list[tuple[int, str]]] = field(default_factory=dict)

    def add(self, perceptual_hash: str, path: str) -> None:
        """A photo, with its 64-bit hash in hex; an empty one tells nothing."""
        if not perceptual_hash:
            return
        value = int(perceptual_hash, 16)
        bands = [(band, value >> (band * BITS_A_BAND) & 0xFFFF) for band in range(BANDS)]
        earlier = next(
            (
                other
                for band in bands
                for known, other in self._bands.get(band, ())
                if (known ^ value).bit_count() <= MOST_BITS_APART
            ),
            None,
        )
        if earlier is not None:
            self.count += 1
            if len(self.pairs) < MOST_PAIRS_KEPT:
                self.pairs.append((path, earlier))
            return
        for band in bands:
            entries = self._bands.setdefault(band, [])
            if len(entries) < MOST_IN_A_BAND:
                entries.append((value, path))
