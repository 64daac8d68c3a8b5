"""The pipe that wakes the loop."""

from __future__ import annotations

import select
from contextlib import closing

import pytest

from photo_organizer.service.wake import WakePipe


@pytest.mark.parametrize("wakes", [1, 2, 4096, 8192, 100_000])
def test_any_number_of_wakes_is_one(wakes: int) -> None:
    with closing(WakePipe()) as pipe:
        assert not pipe.drain()
        for _ in range(wakes):
            pipe.wake()
        assert select.select([pipe], [], [], 0)[0] == [pipe]
        assert pipe.drain()
        assert not pipe.drain()
        assert select.select([pipe], [], [], 0)[0] == []
