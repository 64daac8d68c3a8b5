"""A fault test that cannot fail is worse than none: each mutation of the mover must be caught."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.faults.lying_disk import check_lying_disk
from support.faults.mutations import MUTATIONS, Mutation, _no_check_of_the_copy


@pytest.mark.parametrize("mutation", MUTATIONS, ids=str)
def test_mutation_is_caught(
    mutation: Mutation, near: Path, far: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mutation.apply(monkeypatch)
    with pytest.raises(AssertionError):
        mutation.check(near, far)


def test_a_disk_that_writes_other_bytes_is_found_out(near: Path) -> None:
    check_lying_disk(near)


def test_without_the_check_of_the_copy_it_is_not(near: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _no_check_of_the_copy(monkeypatch)
    with pytest.raises(AssertionError):
        check_lying_disk(near)
