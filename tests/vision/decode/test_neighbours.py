"""A bad file does no harm to those that are decoded beside it, in however many threads."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from test_hostile import flips, header_edits
from test_kinds import KINDS

from photo_organizer.vision.decode.budget.limits import FixedLimits
from photo_organizer.vision.decode.budget.memory import MemoryGate
from photo_organizer.vision.decode.decoder import decode
from photo_organizer.vision.outcome import PhotoRejectedError

pytestmark = pytest.mark.filterwarnings(r"ignore::UserWarning:PIL\..*")

SIZE = 32
LIMITS = FixedLimits(max_pixels=50_000_000, memory_megabytes=512, decode_seconds=20)
GOOD = [kind for kind in KINDS.values() if kind.can_be_made][::6]


@pytest.mark.parametrize("threads", [1, 2, 16])
def test_good_files_look_the_same_beside_bad_ones(threads: int) -> None:
    chance = random.Random(threads)
    files: list[tuple[str, bytes]] = []
    for kind in GOOD:
        data = kind.make()
        bad = [*flips(data, chance), *header_edits(data, chance)]
        files += [(kind.name, data), *(("", damaged) for damaged in chance.sample(bad, 2))]
    alone = {name: decode(data, SIZE, LIMITS).pixels for name, data in files if name}
    chance.shuffle(files)
    gate = MemoryGate(LIMITS.memory_megabytes * 1_000_000)

    def look(file: tuple[str, bytes]) -> tuple[str, np.ndarray | None]:
        try:
            return file[0], decode(file[1], SIZE, LIMITS, gate=gate).pixels
        except PhotoRejectedError as error:
            assert not file[0], (file[0], error.reason)
            return "", None

    with ThreadPoolExecutor(threads) as pool:
        seen = [(name, pixels) for name, pixels in pool.map(look, files) if name]
    assert len(seen) == len(GOOD)
    for name, pixels in seen:
        assert pixels is not None
        assert np.array_equal(pixels, alone[name]), name
