"""However photos arrive, each is offered once, when it is complete."""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from support.inbox_driver import LONG_SETTLE, SETTLE, Start, write_many


def test_photos_that_were_there_before_the_start_are_offered(drive: Start, folder: Path) -> None:
    write_many(folder, ["a.jpg", "b.png"])
    assert {group.photo.path.name for group in drive().take(2)} == {"a.jpg", "b.png"}


def test_an_old_file_is_offered_at_once_and_not_after_another_wait(drive: Start, folder: Path) -> None:
    write_many(folder, ["a.jpg"])
    driver = drive(settle_seconds=0.4)
    while time.time() - (folder / "a.jpg").stat().st_ctime < 0.5:
        threading.Event().wait(0.05)
    assert len(driver.inbox.collect(10).groups) == 1


def test_a_burst_of_files_written_as_fast_as_possible(drive: Start, folder: Path, elsewhere: Path) -> None:
    driver = drive()
    names = [f"burst-{number:05}.jpg" for number in range(3000)]
    writer = threading.Thread(target=write_many, args=(folder, names))
    writer.start()
    offered: Counter[str] = Counter()

    def all_came() -> bool:
        for group in driver.groups:
            offered[group.photo.path.name] += 1
            driver.move_away(group, elsewhere)
        driver.groups.clear()
        return len(offered) == len(names)

    driver.run_until(all_came, seconds=60)
    writer.join()
    driver.settle_all()
    assert set(offered.values()) == {1}
    assert driver.names == set()


def test_a_folder_that_is_moved_in_with_its_sub_folders(drive: Start, folder: Path, elsewhere: Path) -> None:
    (elsewhere / "Trip" / "Day 2").mkdir(parents=True)
    names = [f"Trip/{number}.jpg" for number in range(250)]
    names += [f"Trip/Day 2/{number}.jpg" for number in range(250)]
    write_many(elsewhere, names)
    driver = drive()
    driver.settle_all()
    (elsewhere / "Trip").rename(folder / "Trip")
    driver.take(500)
    assert driver.names == set(names)


def test_a_folder_made_and_filled_at_once(drive: Start, folder: Path) -> None:
    driver = drive()
    driver.settle_all()
    (folder / "new" / "deep").mkdir(parents=True)
    names = [f"new/deep/{number}.jpg" for number in range(200)]
    write_many(folder, names)
    driver.take(200)
    assert driver.names == set(names)


def test_a_folder_renamed_in_the_inbox_is_watched_under_its_new_name(drive: Start, folder: Path) -> None:
    (folder / "old").mkdir()
    driver = drive()
    driver.settle_all()
    (folder / "old").rename(folder / "new")
    driver.settle_all()
    write_many(folder, ["new/a.jpg"])
    driver.take(1)
    assert driver.names == {"new/a.jpg"}


def test_a_folder_replaced_by_another_of_the_same_name_is_watched(
    drive: Start, folder: Path, elsewhere: Path
) -> None:
    (folder / "day").mkdir()
    driver = drive()
    driver.settle_all()
    (elsewhere / "day").mkdir()
    write_many(elsewhere, ["day/a.jpg"])
    (folder / "day").rename(elsewhere / "gone")
    (elsewhere / "day").rename(folder / "day")
    driver.take(1)
    write_many(folder, ["day/b.jpg"])
    driver.take(2)
    assert driver.names == {"day/a.jpg", "day/b.jpg"}


def test_hard_links(drive: Start, folder: Path, elsewhere: Path) -> None:
    write_many(elsewhere, [f"{number}.jpg" for number in range(20)])
    driver = drive()
    driver.settle_all()
    for number in range(20):
        (folder / f"{number}.jpg").hardlink_to(elsewhere / f"{number}.jpg")
    assert len(driver.take(20)) == 20


def test_names_that_are_not_utf8(drive: Start, folder: Path) -> None:
    driver = drive()
    for name in (b"f\xe9t\xe9.jpg", b"line\nbreak.jpg", b"\xff\xfe.JPG"):
        Path(os.fsdecode(os.path.join(os.fsencode(folder), name))).write_bytes(b"photo")
    driver.take(3)
    assert {os.fsencode(name) for name in driver.names} == {
        b"f\xe9t\xe9.jpg",
        b"line\nbreak.jpg",
        b"\xff\xfe.JPG",
    }


def test_a_file_written_slowly_is_taken_when_it_is_whole(drive: Start, folder: Path) -> None:
    """Each chunk comes before the file could have settled; some writers open it anew each time."""
    driver = drive(settle_seconds=LONG_SETTLE)
    chunks = 12
    finished: dict[str, float] = {}

    def keep_open(name: str) -> None:
        with (folder / name).open("wb", buffering=0) as photo:
            for _ in range(chunks):
                photo.write(b"x" * 100)
                time.sleep(LONG_SETTLE / 10)
        finished[name] = time.time()

    def open_each_time(name: str) -> None:
        for _ in range(chunks):
            with (folder / name).open("ab") as photo:
                photo.write(b"x" * 100)
            written = time.time()
            time.sleep(LONG_SETTLE / 10)
        finished[name] = written

    writers = [threading.Thread(target=keep_open, args=(f"open-{number}.jpg",)) for number in range(5)]
    writers += [threading.Thread(target=open_each_time, args=(f"each-{number}.jpg",)) for number in range(5)]
    for writer in writers:
        writer.start()

    def whole() -> bool:
        now = time.time()
        for group in driver.groups:
            name = group.photo.path.name
            assert group.photo.identity.size == chunks * 100
            if name.startswith("each"):
                assert now - group.photo.path.stat().st_mtime >= LONG_SETTLE
        return len(driver.groups) == len(writers)

    driver.run_until(whole)
    for writer in writers:
        writer.join()


def test_a_file_that_somebody_has_open_for_writing_is_not_taken_however_still_it_is(
    drive: Start, folder: Path
) -> None:
    driver = drive(settle_seconds=0.05)
    with (folder / "pause.jpg").open("wb", buffering=0) as photo:
        photo.write(b"first half")
        driver.run_for(0.6)
        assert driver.names == set()
        photo.write(b"second half")
    driver.take(1)
    assert driver.groups[0].photo.identity.size == len("first halfsecond half")


def test_a_file_that_never_settles_is_counted_and_taken_in_the_end(drive: Start, folder: Path) -> None:
    driver = drive(settle_seconds=0.05)
    stop = threading.Event()

    def scribble() -> None:
        with (folder / "restless.jpg").open("wb", buffering=0) as photo:
            while not stop.wait(0.01):
                photo.write(b"x")

    writer = threading.Thread(target=scribble)
    writer.start()
    driver.run_until(lambda: driver.inbox.counts.changing == 1)
    stop.set()
    writer.join()
    driver.take(1)
    assert driver.inbox.counts.changing == 0


def test_a_file_replaced_while_it_settles(drive: Start, folder: Path, elsewhere: Path) -> None:
    driver = drive(settle_seconds=LONG_SETTLE)
    for number in range(6):
        (elsewhere / "new").write_bytes(b"x" * (number + 1))
        (elsewhere / "new").replace(folder / "photo.jpg")
        driver.run_for(LONG_SETTLE / 10)
    (group,) = driver.take(1)
    assert group.photo.identity.size == 6


def test_a_photo_changed_after_it_was_offered_and_given_back_settles_anew(drive: Start, folder: Path) -> None:
    write_many(folder, ["a.jpg"])
    driver = drive()
    (group,) = driver.take(1)
    (folder / "a.jpg").write_bytes(b"something longer than before")
    driver.inbox.retry(group, 0.0)
    second = driver.take(2)[1]
    assert second.photo.identity.size == len(b"something longer than before")


def test_timestamps_in_the_future_do_not_hold_a_photo_up(drive: Start, folder: Path) -> None:
    write_many(folder, ["future.jpg"])
    os.utime(folder / "future.jpg", (time.time() + 1e6, time.time() + 1e6))
    assert len(drive().take(1)) == 1


def test_a_lone_photo_is_offered_as_soon_as_it_has_settled(drive: Start, folder: Path) -> None:
    driver = drive()
    driver.settle_all()
    delays = []
    for number in range(8):
        (folder / f"{number}.jpg").write_bytes(b"photo")
        written = time.time()
        driver.take(number + 1)
        delays.append(time.time() - written - SETTLE)
    assert min(delays) > -0.005
    assert sorted(delays)[1] < 0.05, delays


def test_nothing_happens_while_nothing_happens(drive: Start, folder: Path) -> None:
    write_many(folder, ["a.jpg", "notes.txt"])
    driver = drive()
    driver.settle_all()
    wakes = driver.wakes
    assert (driver.inbox.next_due() or 0) > time.monotonic() + 200
    assert not driver.awake.wait(0.3)
    assert driver.wakes == wakes


def test_moving_photos_out_wakes_nobody(drive: Start, folder: Path, elsewhere: Path) -> None:
    write_many(folder, [f"{number}.jpg" for number in range(300)])
    driver = drive()
    driver.take(300)
    driver.settle_all()
    wakes = driver.wakes
    for group in driver.groups:
        driver.move_away(group, elsewhere)
    assert not driver.awake.wait(0.3)
    assert driver.wakes == wakes


def test_a_queue_overflow_in_the_kernel_loses_no_photo(
    drive: Start, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The kernel keeps 16,384 events; then it drops what happens elsewhere too."""
    limit = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    (folder / "busy").mkdir()
    (folder / "quiet").mkdir()
    driver = drive()
    driver.settle_all()
    hold, reached = threading.Event(), threading.Event()
    hints = driver.inbox._hints
    assert hints is not None
    wake = hints._wake

    def blocked() -> None:
        reached.set()
        hold.wait(60)
        wake()

    hints._wake = blocked  # the watching thread stands still, as on a machine that is too busy
    (folder / "busy" / "a.txt").touch()
    assert reached.wait(10)
    paths = [folder / "busy" / f"{name}.txt" for name in "bc"]
    for number in range(limit + 500):
        descriptor = os.open(
            paths[number % 2], os.O_WRONLY | os.O_CREAT
        )  # one event each, no two alike in a row
        os.close(descriptor)
    write_many(folder, ["quiet/lost.jpg"])
    hold.set()
    with caplog.at_level("INFO", logger="photo_organizer.inbox"):
        driver.run_until(lambda: "quiet/lost.jpg" in driver.names)
    assert "More happened in the inboxes than the kernel could report" in caplog.text
