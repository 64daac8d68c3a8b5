"""Inboxes that come and go, and groups that come back."""

from __future__ import annotations

import errno
import select
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from photo_organizer.inbox.mounts import MountWatch
from photo_organizer.inbox.watcher import InotifyWatcher
from support.inbox_driver import Driver, Start, write_many


def test_an_inbox_renamed_away_and_back(drive: Start, folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_many(folder, ["kept/a.jpg"])
    driver = drive()
    driver.take(1)
    folder.rename(folder.with_name("away"))
    driver.run_until(lambda: driver.inbox.counts.missing == (folder,))
    driver.inbox.done(driver.groups.pop())
    driver.run_for(0.5)
    assert not folder.exists()
    folder.with_name("away").rename(folder)
    write_many(folder, ["kept/b.jpg"])
    driver.take(2)
    assert driver.inbox.counts.missing == ()
    write_many(folder, ["kept/c.jpg"])
    driver.take(3)
    assert driver.names == {"kept/a.jpg", "kept/b.jpg", "kept/c.jpg"}
    assert caplog.text.count("the inbox is missing") == 1


def test_an_inbox_that_was_not_there_at_the_start(drive: Start, folder: Path) -> None:
    folder.rmdir()
    driver = drive(rescan_seconds=1.0)
    driver.run_for(0.2)
    assert driver.inbox.counts.missing == (folder,)
    assert not folder.exists()
    write_many(folder, ["a.jpg"])
    driver.take(1)


def test_an_inbox_deleted_and_made_anew(drive: Start, folder: Path) -> None:
    write_many(folder, ["a.jpg"])
    driver = drive(rescan_seconds=1.0)
    driver.take(1)
    shutil.rmtree(folder)
    driver.run_until(lambda: driver.inbox.counts.missing)
    write_many(folder, ["b.jpg"])
    driver.take(2)
    write_many(folder, ["c.jpg"])
    driver.take(3)


def test_an_unmounted_inbox_is_missing_and_not_empty(drive: Start, folder: Path) -> None:
    mounted = subprocess.run(["mount", "-t", "tmpfs", "none", folder], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("mounting is not allowed here")
    try:
        write_many(folder, ["a.jpg"])
        driver = drive(rescan_seconds=1.0)
        driver.take(1)
        subprocess.run(["umount", "--lazy", folder], check=True)
        driver.run_until(lambda: driver.inbox.counts.missing == (folder,))
        subprocess.run(["mount", "-t", "tmpfs", "none", folder], check=True)
        write_many(folder, ["b.jpg"])
        driver.take(2)
        assert driver.inbox.counts.missing == ()
    finally:
        subprocess.run(["umount", "--lazy", folder], check=False)


@pytest.mark.parametrize("place", ["", "camera"], ids=["over the inbox", "over a folder in it"])
def test_a_disk_that_is_mounted_is_noticed_at_once_and_its_unmounting_too(
    drive: Start, folder: Path, elsewhere: Path, place: str
) -> None:
    disk = folder / place
    write_many(disk, ["covered.jpg"])
    driver = drive()
    driver.move_away(driver.take(1)[0], elsewhere)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "none", disk], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("mounting is not allowed here")
    try:
        await_mount(driver)
        write_many(disk, ["on-it.jpg"])
        driver.take(2)
        subprocess.run(["umount", "--lazy", disk], check=True)
        await_mount(driver)
        driver.run_until(lambda: bool(driver.inbox.counts.missing) == (disk == folder))
        write_many(disk, ["again.jpg"])
        driver.take(3)
        assert [group.photo.path.name for group in driver.groups] == ["covered.jpg", "on-it.jpg", "again.jpg"]
    finally:
        subprocess.run(["umount", "--lazy", disk], check=False, capture_output=True)


def await_mount(driver: Driver) -> None:
    """Be woken by a mount as the daemon's loop is, and look."""
    poll = select.poll()
    driver.inbox.register(poll)
    assert poll.poll(5000)
    driver.step(0)
    driver.run_for(0.05)


def test_where_mounts_are_not_told_nothing_is_noticed(tmp_path: Path) -> None:
    watch, poll = MountWatch(tmp_path / "absent"), select.poll()
    watch.register(poll)
    assert not watch.changed()
    assert poll.poll(0) == []
    watch.close()


def test_an_inbox_moved_home_from_another_disk(drive: Start, folder: Path) -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as drive_of_its_own:
        if Path(drive_of_its_own).stat().st_dev == folder.stat().st_dev:
            pytest.skip("only one device here")
        folder.rmdir()
        folder.symlink_to(drive_of_its_own)
        driver = drive(rescan_seconds=1.0)
        write_many(folder, ["a.jpg"])
        driver.take(1)
        folder.unlink()
        write_many(folder, ["b.jpg"])
        driver.take(2)
        assert driver.inbox.counts.missing == ()


def test_a_retried_photo_comes_back_ever_later(drive: Start, folder: Path) -> None:
    write_many(folder, ["a.jpg", "a.xmp"])
    driver = drive()
    waits = []
    for number in range(3):
        group = driver.take(number + 1)[number]
        assert len(group.companions) == 1
        given_back = time.monotonic()
        driver.inbox.retry(group, 0.2)
        driver.take(number + 2)
        waits.append(time.monotonic() - given_back)
    assert waits[0] >= 0.2
    assert waits[1] >= 0.4
    assert waits[2] >= 0.8


def test_a_photo_to_be_retried_is_counted(drive: Start, folder: Path) -> None:
    write_many(folder, ["a.jpg"])
    driver = drive()
    driver.inbox.retry(driver.take(1)[0], 60.0)
    driver.settle_all()
    assert driver.inbox.counts.retrying == 1
    assert len(driver.groups) == 1


def test_given_back_without_a_wait_it_comes_at_once_and_no_later_the_next_time(
    drive: Start, folder: Path
) -> None:
    write_many(folder, ["a.jpg"])
    driver = drive()
    for number in range(12):
        driver.inbox.retry(driver.take(number + 1)[number], 0.0)
    driver.take(13)


def test_a_photo_in_flight_is_not_offered_twice(drive: Start, folder: Path) -> None:
    write_many(folder, ["a.jpg"])
    driver = drive()
    driver.take(1)
    driver.settle_all()
    driver.settle_all()
    assert len(driver.groups) == 1
    assert driver.inbox.counts.in_flight == 1


def test_a_photo_left_is_offered_again_when_it_changes(drive: Start, folder: Path) -> None:
    write_many(folder, ["a.jpg"])
    driver = drive()
    driver.inbox.leave(driver.take(1)[0], "a reason")
    driver.settle_all()
    assert len(driver.groups) == 1
    write_many(folder, ["a.jpg"])
    driver.take(2)


def test_a_photo_left_stays_left_over_many_sweeps(drive: Start, folder: Path) -> None:
    write_many(folder, ["a.jpg"])
    driver = drive(mode="polling")
    driver.inbox.leave(driver.take(1)[0], "a reason")
    driver.run_for(0.8)
    assert len(driver.groups) == 1
    assert driver.inbox.counts.left == {"a reason": 1}


def test_nothing_is_collected_while_paused_and_nothing_is_missed(drive: Start, folder: Path) -> None:
    driver = drive()
    driver.settle_all()
    driver.inbox.pause()
    write_many(folder, ["a.jpg", "new/b.jpg"])
    assert driver.inbox.next_due() is None
    assert driver.inbox.collect(10).groups == ()
    driver.inbox.resume()
    driver.take(2)


def test_a_group_that_another_inbox_handed_out_is_taken_calmly(drive: Start, folder: Path) -> None:
    write_many(folder, ["a.jpg"])
    first = drive()
    (group,) = first.take(1)
    second = drive()
    second.inbox.done(group)
    second.inbox.retry(group, 1.0)
    second.inbox.leave(group, "whatever")
    second.take(1)


def test_collecting_nothing_is_legal(drive: Start, folder: Path) -> None:
    write_many(folder, ["a.jpg"])
    driver = drive()
    assert driver.inbox.collect(0).groups == ()
    driver.take(1)


def test_polling_needs_no_events(drive: Start, folder: Path) -> None:
    driver = drive(mode="polling")
    assert driver.inbox._hints is None
    driver.run_for(0.2)
    write_many(folder, ["a.jpg", "new/b.jpg"])
    driver.take(2)
    assert driver.wakes == 0


def test_polling_does_not_trust_the_clock_of_another_machine(drive: Start, folder: Path) -> None:
    write_many(folder, ["a.jpg"])
    while time.time() - (folder / "a.jpg").stat().st_ctime < 0.5:
        time.sleep(0.05)
    driver = drive(mode="polling", settle_seconds=0.4)
    started = time.monotonic()
    driver.take(1)
    assert time.monotonic() - started >= 0.4


def test_when_the_kernel_grants_no_more_watches_the_inbox_is_polled(
    drive: Start, folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    granted = InotifyWatcher.watch

    def refuse(self: InotifyWatcher, path: str) -> None:
        if path != str(folder):
            raise OSError(errno.ENOSPC, "inotify watch limit reached")
        granted(self, path)

    monkeypatch.setattr(InotifyWatcher, "watch", refuse)
    write_many(folder, ["x/a.jpg", "y/b.jpg"])
    driver = drive()
    driver.take(2)
    write_many(folder, ["x/c.jpg"])
    driver.take(3)
    assert caplog.text.count("fs.inotify.max_user_watches") == 1


def test_without_inotify_the_inbox_is_polled(
    drive: Start, folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(_self: object) -> int:
        raise OSError(errno.EMFILE, "inotify instance limit reached")

    monkeypatch.setattr("watchdog.observers.inotify_c.InotifyFD._create_inotify_fd", refuse)
    driver = drive()
    write_many(folder, ["a.jpg"])
    driver.take(1)
    assert caplog.text.count("fs.inotify.max_user_instances") == 1


def test_an_inbox_on_a_network_share_is_polled(tmp_path: Path) -> None:
    from photo_organizer.inbox.mounts import file_system_of, is_remote

    mounts = tmp_path / "mountinfo"
    mounts.write_text(
        "22 1 254:0 / / rw shared:1 - ext4 /dev/vda rw\n"
        "40 22 0:50 / /mnt/my\\040photos rw - nfs4 server:/photos rw\n"
        "41 22 0:51 / /media/card rw - vfat /dev/sdb1 rw\n"
        "42 22 0:52 / /home/me/remote rw - fuse.sshfs me@there: rw\n"
    )
    kinds = {
        path: file_system_of(path, mounts) for path in ("/home/me", "/mnt/my photos/new", "/home/me/remote/x")
    }
    assert kinds == {"/home/me": "ext4", "/mnt/my photos/new": "nfs4", "/home/me/remote/x": "fuse.sshfs"}
    assert [is_remote(kind) for kind in kinds.values()] == [False, True, True]
    assert file_system_of("/", tmp_path / "absent") == ""


def test_stopping_ends_the_watching_thread(drive: Start, folder: Path) -> None:
    import threading

    before = threading.active_count()
    driver = drive()
    driver.settle_all()
    assert threading.active_count() > before
    driver.inbox.stop()
    assert threading.active_count() == before
    write_many(folder, ["a.jpg"])
    assert driver.inbox.collect(10).groups == ()


def test_no_descriptor_stays_open(drive: Start, folder: Path) -> None:
    def open_ones() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    write_many(folder, [f"{number}/{name}" for number in range(5) for name in ("a.jpg", "b.txt")])
    before = open_ones()
    driver = drive()
    driver.settle_all()
    driver.inbox.stop()
    assert open_ones() == before
