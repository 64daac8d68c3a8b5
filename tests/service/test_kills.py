"""kill -9 of the daemon and of the vision process at random moments: nothing lost, nothing twice, the ledger
exact."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from pathlib import Path

from support.household import Household, LiveDaemon
from support.small_models import draw_photo

CATEGORIES = ("Food", "Pets", "Travel", "Nature")


def drop(household: Household, count: int) -> list[Path]:
    return [draw_photo(household.inbox / f"{n}.jpg", CATEGORIES[n % 4], seed=n) for n in range(count)]


def check_all_is_well(household: Household, before: Counter[str]) -> None:
    """Every photo once, each with one row, nothing half-done."""
    assert household.contents() == before
    assert household.waiting() == []
    assert household.leftovers() == []
    rows = household.ledger()
    assert Counter(row["sha256"] for row in rows) == before
    assert all(Path(row["destination"]).exists() for row in rows)


def test_the_daemon_is_killed_again_and_again(household: Household) -> None:
    """A few times here; `tests/support/soak.py` does it for as long as one likes."""
    chance = random.Random()
    photos = drop(household, 80)
    before = household.contents()
    for _ in range(3):
        with LiveDaemon(household) as daemon:
            goal = len(household.ledger()) + chance.randrange(1, 30)
            while len(household.ledger()) < goal and household.waiting():
                assert daemon.process.poll() is None, daemon.says()
            time.sleep(chance.random() * 0.02)  # somewhere within the next batch
            daemon.kill()
        assert household.contents() == before
    with LiveDaemon(household) as daemon:
        daemon.until_filed(photos)
        daemon.stop()
    check_all_is_well(household, before)


def test_the_vision_process_is_killed_again_and_again(household: Household) -> None:
    chance = random.Random()
    photos = drop(household, 80)
    before = household.contents()
    with LiveDaemon(household) as daemon:
        for _ in range(2):
            daemon.until(lambda status: status["vision_loaded"] or not household.waiting())
            time.sleep(chance.random() * 0.05)
            pid = daemon.vision_pid()
            if pid is not None:
                os.kill(pid, signal.SIGKILL)
            daemon.until(lambda status: True)
        daemon.until_filed(photos)
        assert daemon.until(lambda status: status["state"] == "idle")["quarantined_total"] == 0
        daemon.stop()
    check_all_is_well(household, before)
