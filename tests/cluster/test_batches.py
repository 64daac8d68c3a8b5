"""What happens to a batch that workers die with."""

from __future__ import annotations

from pathlib import Path

from photo_organizer.cluster.batches import BATCHES_A_WORKER, Batch, BusyWorker
from photo_organizer.photo import FileIdentity, Photo


def photo(name: str) -> Photo:
    return Photo(Path(name), FileIdentity(1, 1, 1, 1))


def test_the_file_that_kills_workers_is_found_by_halving_and_its_neighbours_are_not_blamed() -> None:
    waiting = [Batch(tuple(photo(str(number)) for number in range(8)))]
    deaths, rejected, classified = 0, [], []
    while waiting:
        batch = waiting.pop(0)
        if any(photo.path.name == "5" for photo in batch.photos):
            deaths += 1
            again = batch.after_death()
            waiting += again
            rejected += [] if again else batch.photos
        else:
            classified += batch.photos
    assert [photo.path.name for photo in rejected] == ["5"]
    assert sorted(photo.path.name for photo in classified) == [*"0123467"]
    assert deaths == 2 + 1 + 1 + 2  # whole; in halves of 4 and 2; alone


def test_a_batch_that_a_worker_died_with_is_alone_with_its_next_one() -> None:
    suspect, plain = Batch((photo("a"),), deaths=1), Batch((photo("b"),))
    idle, busy = BusyWorker("tcp://1"), BusyWorker("tcp://2", [plain])
    assert idle.can_take(suspect)
    assert not busy.can_take(suspect)
    assert busy.can_take(plain) == (BATCHES_A_WORKER > 1)
    assert not BusyWorker("tcp://3", [suspect]).can_take(plain)
