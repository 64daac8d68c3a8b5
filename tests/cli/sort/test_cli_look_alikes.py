"""Photos that look like another one are found among many, and counted once."""

from __future__ import annotations

import random
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from photo_organizer.cli.sort import look_alikes as module
from photo_organizer.cli.sort.look_alikes import MOST_PAIRS_KEPT, Alike, LookAlikes

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
    assert alike.find() == Alike()
    for number, value in enumerate(values[:20]):
        bits = sum(1 << bit for bit in seeded.sample(range(64), 3))
        alike.add(f"{value ^ bits:016x}", f"copy {number}")
    found = alike.find()
    assert found.count == 20
    assert found.pairs == tuple((f"copy {number}", f"{number}") for number in range(MOST_PAIRS_KEPT))
    assert found.is_complete


def test_every_pair_is_found_that_comparing_each_with_each_finds(look_alikes: LookAlikes) -> None:
    seeded = random.Random(2)
    values = [sum(1 << bit for bit in seeded.sample(range(64), seeded.randrange(5))) for _ in range(400)]
    values += [(1 << 64) - 1, (1 << 64) - 1, 1 << 63]
    for number, value in enumerate(values):
        look_alikes.add(f"{value:016x}", f"{number}")
    alike = {
        number: [
            earlier for earlier in range(number) if (value ^ values[earlier]).bit_count() <= 3
        ]
        for number, value in enumerate(values)
    }  # fmt: skip
    found = look_alikes.find()
    assert found.count == sum(1 for earlier in alike.values() if earlier)
    assert all(int(earlier) in alike[int(later)] for later, earlier in found.pairs)


def test_more_photos_of_one_part_than_any_limit_are_still_told_apart(look_alikes: LookAlikes) -> None:
    for number in range(500):  # all equal in 40 bits, and far apart in the others
        look_alikes.add(f"{number * 0x9E3779 % (1 << 24):016x}", f"{number}")
    before = look_alikes.find().count
    look_alikes.add(f"{(499 * 0x9E3779 % (1 << 24)) ^ (7 << 60):016x}", "copy")
    assert look_alikes.find().count == before + 1


def test_a_search_without_an_end_is_given_up_and_says_so(
    look_alikes: LookAlikes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FEWEST_COMPARISONS", 100)
    monkeypatch.setattr(module, "COMPARISONS_A_PHOTO", 1)
    for number in range(1000):
        look_alikes.add(f"{number:016x}", f"{number}")
    found = look_alikes.find()
    assert not found.is_complete
    assert found.count > 0


def test_a_photo_without_a_hash_is_like_none(look_alikes: LookAlikes) -> None:
    look_alikes.add("", "a")
    look_alikes.add("", "b")
    assert look_alikes.find() == Alike()
