"""The errors that need no harness: a full disk, a file size limit, folders without permission, two
devices."""

from __future__ import annotations

import errno
import os
import resource
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from photo_organizer.library import DestinationError, Library, SourceErrorKind
from support.faults.photo_world import World
from support.faults.stops import in_process

PHOTO = bytes(range(256)) * 400
NOBODY = 65534


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 1 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m,mode=777", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("a small file system can only be mounted by root")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def check_all_there(world: World, photos: int) -> None:
    with world.open() as library:
        library.recover()
        world.check_clean()
        world.check_journal(library)
    assert sum(world.contents().values()) == photos


def test_a_full_library_pauses_and_resumes(tmp_path: Path, small_disk: Path) -> None:
    world = World(tmp_path / "near", small_disk / "there")
    for number in range(16):
        world.drop(f"{number}.jpg", PHOTO + b"%d" % number, f"{number}.xmp")
    before = world.contents()
    with world.open() as library:
        report = world.file_all(library)
        assert isinstance(report.pause, DestinationError)
        assert report.pause.__cause__.errno == errno.ENOSPC  # type: ignore[union-attr]
        assert "free some space" in str(report.pause)
        assert 0 < len(report.filed) < 16
        world.check_instant(before)
        world.check_recovered(before, library)
        subprocess.run(["mount", "-o", "remount,size=8m", str(small_disk)], check=True)
        assert world.file_all(library).pause is None
        world.check_recovered(before, library)
    assert list(world.waiting()) == []


def test_a_full_state_directory_pauses_and_resumes(tmp_path: Path, small_disk: Path) -> None:
    world = World(small_disk / "near", tmp_path / "there")
    for number in range(4):
        world.drop(f"{number}.jpg", b"photo %d" % number)
    before = world.contents()
    with world.open() as library:
        filler = small_disk / "filler"
        with filler.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(512))
            except OSError:
                pass
        report = world.file_all(library)
        assert report.pause is not None
        world.check_instant(before)
        filler.unlink()
        assert world.file_all(library).pause is None
        world.check_recovered(before, library)


def test_a_file_size_limit_concerns_only_the_large_photo(near: Path, far: Path) -> None:
    world = World(near, far / "there")
    world.drop("big.jpg", PHOTO * 100)
    world.drop("small.jpg", b"a small photo")
    before = world.contents()

    def act() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(PHOTO) * 50, resource.RLIM_INFINITY))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        with world.open() as library:
            report = world.file_all(library)
            assert [placed.destination.name for placed in report.filed] == ["small.jpg"]
            assert [trouble.kind for _, trouble in report.set_aside] == [SourceErrorKind.REFUSED]
            assert report.pause is None

    assert in_process(act) == 0
    world.check_instant(before)
    world.check_clean()
    world.recovered(before)


def as_ordinary_user(act: Callable[[], None]) -> None:
    """Permissions do not hold for root."""

    def run() -> None:
        if os.geteuid() == 0:
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)
        act()

    assert in_process(run) == 0


def give_away(folder: Path) -> None:
    """To the user that `as_ordinary_user` becomes."""
    if os.geteuid() == 0:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, NOBODY, NOBODY)


@pytest.fixture
def own(near: Path) -> World:
    near.parent.chmod(0o755)
    world = World(near, near / "there")
    world.drop("a.jpg", b"photo a")
    world.drop("day/b.jpg", b"photo b")
    give_away(near)
    return world


def filing_report(world: World, check: Callable[[Library, Any], None]) -> None:
    def act() -> None:
        with world.open() as library:
            check(library, world.file_all(library))

    as_ordinary_user(act)


def test_a_read_only_library_pauses(own: World) -> None:
    own.library.chmod(0o555)
    before = own.contents()

    def check(library: Library, report: Any) -> None:
        assert isinstance(report.pause, DestinationError), report
        assert "make it writable" in str(report.pause)
        assert not report.filed
        own.library.chmod(0o755)
        assert len(own.file_all(library).filed) == 2

    filing_report(own, check)
    own.check_instant(before)


@pytest.mark.parametrize("mode", [0o555, 0o444, 0])
def test_a_category_folder_without_permission_concerns_its_photos_alone(own: World, mode: int) -> None:
    own.drop("f.jpg", b"photo f")
    give_away(own.inbox)
    (own.library / "Pets").mkdir()
    give_away(own.library)
    (own.library / "Pets").chmod(mode)

    def check(library: Library, report: Any) -> None:
        assert report.pause is None, report
        assert [placed.destination.name for placed in report.filed] == ["f.jpg"]
        assert [str(trouble) for _, trouble in report.set_aside] == [
            f"{own.inbox / name}: its folder {own.library / 'Pets'} is read-only; make the folder writable"
            for name in ("a.jpg", "day/b.jpg")
        ]
        (own.library / "Pets").chmod(0o755)
        assert len(own.file_all(library).filed) == 2

    filing_report(own, check)


def test_a_read_only_inbox_folder_concerns_its_photos_alone(own: World) -> None:
    (own.inbox / "day").chmod(0o555)

    def check(library: Library, report: Any) -> None:
        assert report.pause is None, report.pause
        assert [placed.destination.name for placed in report.filed] == ["a.jpg"]
        assert [trouble.kind for _, trouble in report.set_aside] == [SourceErrorKind.REFUSED]
        (own.inbox / "day").chmod(0o755)
        assert len(own.file_all(library).filed) == 1

    filing_report(own, check)


def test_a_read_only_inbox_on_another_device(near: Path, far: Path) -> None:
    near.parent.chmod(0o755)
    world = World(near, far / "there")
    world.drop("a.jpg", b"photo a")
    for folder in (near, far):
        give_away(folder)
    for folder in far.parents:
        if folder.stat().st_uid == os.geteuid() and Path(tempfile.gettempdir()) in folder.parents:
            folder.chmod(0o755)
    far.parent.chmod(0o755)
    world.inbox.chmod(0o555)

    def check(_: Library, report: Any) -> None:
        assert [trouble.kind for _, trouble in report.set_aside] == [SourceErrorKind.REFUSED]
        assert not (world.library / "Pets" / "a.jpg").exists()

    filing_report(world, check)
    world.check_clean()


def test_attributes_are_kept_across_devices(near: Path, far: Path) -> None:
    world = World(near, far / "there")
    path = world.drop("a.jpg", b"photo a")
    path.chmod(0o640)
    os.utime(path, ns=(1_600_000_000_123_456_789, 1_500_000_000_987_654_321))
    with_attributes = _set_attribute(path)
    with world.open() as library:
        (placed,) = world.file_all(library).filed
    status = placed.destination.stat()
    assert status.st_mode & 0o777 == 0o640
    assert status.st_mtime_ns == 1_500_000_000_987_654_321
    if with_attributes:
        assert os.getxattr(placed.destination, "user.note") == b"kept"


def _set_attribute(path: Path) -> bool:
    try:
        os.setxattr(path, "user.note", b"kept")
    except OSError:
        return False
    return True


@pytest.mark.parametrize("library", ["near", "far"])
def test_a_photo_that_is_still_being_written_is_not_taken(near: Path, far: Path, library: str) -> None:
    world = World(near, {"near": near, "far": far}[library] / "there")
    path = world.drop("a.jpg", b"photo a")
    with world.open() as opened:
        with path.open("ab") as writer:
            ((_, trouble),) = world.file_all(opened).set_aside
            assert trouble.kind is SourceErrorKind.CHANGED
            writer.write(b", all of it")
        (placed,) = world.file_all(opened).filed
    assert placed.destination.read_bytes() == b"photo a, all of it"


def test_two_processes_do_not_move_at_once(near: Path) -> None:
    world = World(near, near / "there")
    for number in range(40):
        world.drop(f"{number}.jpg", b"photo %d" % number)
    before = world.contents()
    with world.open() as library:
        world.file_all(library)

    def undo() -> None:
        with Library.open(world.settings) as command:
            command.undo()

    def file_more() -> None:
        settings = replace(world.settings)
        with Library.open(settings, owner=True) as library:
            for number in range(40, 60):
                library.file([world.filing(world.drop(f"{number}.jpg", b"photo %d" % number))])

    child = os.fork()
    if child == 0:
        os._exit(0 if in_process(undo) == 0 else 1)
    assert in_process(file_more) == 0
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    before = before + world.contents() - before
    check_all_there(world, 60)
