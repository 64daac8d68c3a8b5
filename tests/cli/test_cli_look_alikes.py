"""Photos that look like another one are found among many, and counted once."""

from __future__ import annotations

import random

from photo_organizer.cli.sorting.look_alikes import MOST_PAIRS_KEPT, LookAlikes


def test_hashes_a_few_bits_apart_are_alike_and_others_are_not() -> None:
    seeded = random.Random(1)
    alike = LookAlikes()
    values = [seeded.getrandbits(64) for _ in range(2000)]
    for number, value in enumerate(values):
        alike.add(f"{value:016x}", f"{number}")
    assert alike.count == 0
    for number, value in enumerate(values[:20]):
        bits = sum(1 << bit for bit in seeded.sample(range(64), 3))
        alike.add(f"{value ^ bits:016x}", f"copy {number}")
    assert alike.count == 20
    assert alike.pairs == [(f"copy {number}", f"{number}") for number in range(MOST_PAIRS_KEPT)]


def test_a_photo_without_a_hash_is_like_none() -> None:
    alike = LookAlikes()
    alike.add("", "a")
    alike.add("", "b")
    assert alike.count == 0
