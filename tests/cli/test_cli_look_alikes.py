"""Photos that look like another one are found among many, and counted once."""

from __future__ import annotations

import random
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from photo_organizer.cli.sort.look_alikes import MOST_PAIRS_KEPT, LookAlikes

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def look_alikes() -> Iterator[LookAlikes]:
    with closing(LookAlikes()) as found:
        yield found


def test_hashes_a_few_bits_apart_are_alike_and_others_are_not(look_alikes: LookAlikes) -> None:
    seeded = random.Random(1)
    alike = look_alikes
    values = [seeded.getrandbits(64) for _ in range(2000)]
    for number, value in enumerate(values):
        alike.add(f"{value:016x}", f"{number}")
    assert alike.count == 0
    for number, value in enumerate(values[:20]):
        bits = sum(1 << bit for bit in seeded.sample(range(64), 3))
        alike.add(f"{value ^ bits:016x}", f"copy {number}")
    assert alike.count == 20
    assert alike.pairs == [(f"copy {number}", f"{number}") for number in range(MOST_PAIRS_KEPT)]


def test_a_photo_without_a_hash_is_like_none(look_alikes: LookAlikes) -> None:
    look_alikes.add("", "a")
    look_alikes.add("", "b")
    assert look_alikes.count == 0
