"""The split: groups never straddle it, parts never change, shares are kept."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from photo_organizer.learning.data.dataset import LabelledPhoto, folds, group_shots, split
from photo_organizer.learning.labels.label_store import Part

NOON = datetime(2026, 5, 1, 12)


def random_hash(number: int) -> str:
    return np.random.default_rng(number).bytes(8).hex()


def flipped(hash_text: str, bits: int) -> str:
    return f"{int(hash_text, 16) ^ ((1 << bits) - 1):016x}"


def shots(count: int, category: str = "Pets", start: int = 0) -> list[LabelledPhoto]:
    return [
        LabelledPhoto(f"{number:064x}", category, None, random_hash(number))
        for number in range(start, start + count)
    ]


def test_near_duplicates_are_one_group() -> None:
    first = random_hash(1)
    photos = [
        LabelledPhoto("a", "Pets", None, first),
        LabelledPhoto("b", "Pets", None, flipped(first, 4)),
        LabelledPhoto("c", "Pets", None, flipped(first, 30)),
    ]
    groups = group_shots(photos)
    assert groups[0] == groups[1] != groups[2]


def test_a_burst_is_one_group_and_a_long_pause_ends_it() -> None:
    first = random_hash(1)
    times = (0, 1, 2, 3, 60)
    photos = [
        LabelledPhoto(str(i), "Pets", NOON + timedelta(seconds=s), random_hash(i) if i else first)
        for i, s in enumerate(times)
    ]
    groups = group_shots(photos)
    assert len(set(groups[:4].tolist())) == 1
    assert groups[4] != groups[0]


def test_seconds_apart_needs_likeness() -> None:
    first = random_hash(1)
    alike = [
        LabelledPhoto("a", "Pets", NOON, first),
        LabelledPhoto("b", "Pets", NOON + timedelta(seconds=6), flipped(first, 15)),
    ]
    different = [
        LabelledPhoto("a", "Pets", NOON, first),
        LabelledPhoto("b", "Pets", NOON + timedelta(seconds=6), random_hash(2)),
    ]
    assert len(set(group_shots(alike).tolist())) == 1
    assert len(set(group_shots(different).tolist())) == 2


def test_a_clock_that_stands_still_joins_nothing() -> None:
    photos = [LabelledPhoto(str(i), "Pets", NOON, random_hash(i)) for i in range(40)]
    assert len(set(group_shots(photos).tolist())) == 40


def test_plain_surfaces_are_not_all_one_photo() -> None:
    photos = [
        LabelledPhoto("a", "Pets", None, "0" * 16),
        LabelledPhoto("b", "Pets", None, "0" * 16),
        LabelledPhoto("c", "Pets", None, ""),
    ]
    assert len(set(group_shots(photos).tolist())) == 3


def test_few_photos_are_all_for_training() -> None:
    photos = shots(9)
    assert set(split(photos, group_shots(photos), {}).values()) == {Part.TRAIN}


def test_a_fifth_of_each_category_is_held_out() -> None:
    photos = [*shots(100, "Pets"), *shots(40, "Food", 1000)]
    parts = split(photos, group_shots(photos), {})
    held = Counter(shot.category for shot in photos if parts[shot.sha256] is Part.HOLD_OUT)
    assert held == {"Pets": 20, "Food": 8}


def test_parts_stay_and_are_extended() -> None:
    early = shots(50)
    before = split(early, group_shots(early), {})
    everything = [*early, *shots(50, start=50)]
    after = split(everything, group_shots(everything), before)
    assert {it: after[it] for it in before} == before
    assert Counter(after.values())[Part.HOLD_OUT] == 20


def test_the_order_of_the_walk_does_not_matter() -> None:
    photos = shots(60)
    backwards = photos[::-1]
    assert split(photos, group_shots(photos), {}) == split(backwards, group_shots(backwards), {})


def test_what_was_trained_on_never_judges() -> None:
    first = random_hash(1)
    known = {"a": Part.TRAIN}
    photos = [
        LabelledPhoto("a", "Pets", None, first),
        LabelledPhoto("b", "Pets", None, flipped(first, 3)),
        *shots(40, start=100),
    ]
    assert split(photos, group_shots(photos), known)["b"] is Part.TRAIN


def test_a_link_between_both_parts_is_set_aside() -> None:
    first = random_hash(1)
    far = flipped(first, 10)
    middle = flipped(first, 5)
    photos = [
        LabelledPhoto("a", "Pets", None, first),
        LabelledPhoto("b", "Pets", None, far),
        LabelledPhoto("c", "Pets", None, middle),
    ]
    parts = split(photos, group_shots(photos), {"a": Part.TRAIN, "b": Part.HOLD_OUT})
    assert parts["c"] is Part.ASIDE


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 30), st.sampled_from(["Pets", "Food", "Travel"])), min_size=1, max_size=120
    )
)
def test_groups_never_straddle(rows: list[tuple[int, str]]) -> None:
    photos = [
        LabelledPhoto(f"{i}", category, None, random_hash(look)) for i, (look, category) in enumerate(rows)
    ]
    groups = group_shots(photos)
    parts = split(photos, groups, {})
    for group in set(groups.tolist()):
        assert len({parts[photos[i].sha256] for i in np.flatnonzero(groups == group)}) == 1


def test_folds_keep_groups_together_and_spread_categories() -> None:
    categories = ["Pets"] * 30 + ["Food"] * 9
    groups = np.array([i // 2 for i in range(30)] + list(range(100, 109)))
    fold = folds(categories, groups, 3)
    assert all(len(set(fold[groups == group])) == 1 for group in set(groups.tolist()))
    assert Counter(fold[30:].tolist()) == {0: 3, 1: 3, 2: 3}
    assert max(Counter(fold[:30].tolist()).values()) <= 12
