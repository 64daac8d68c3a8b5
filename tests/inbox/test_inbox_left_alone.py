"""What is nobody's photo stays where it is, unopened where opening could do harm."""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path

import pytest

from photo_organizer import fsops
from photo_organizer.inbox import Trouble, TroubleKind, find_groups
from photo_organizer.photo import Photo
from support.inbox_driver import JPEG_HEAD, Start, write_many

HEIC_HEAD = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"

UNFINISHED = [
    "a.jpg.part", "b.jpg.crdownload", "c.tmp", "d.jpg~", "e.jpg.rclonepart", "e.jpg.1a2b3c4d.partial",
    "f.jpg.uploading", "g.jpg.bak", "h.jpg.!sync", "i.jpg.ocTransferId12.part", "j.jpg.aria2",
    "k.jpg.filepart", "l.jpg.fdmdownload", "m.jpg.sb-1a2b3c4d-x1y2z3", ".syncthing.n.jpg.tmp",
    "~syncthing~o.jpg.tmp", "p.jpg.nextcloud", ".photo-organizer-7.part", "~$q.jpg", "r.JPG.PART",
]  # fmt: skip
OF_SYSTEMS = [
    ".hidden.jpg", "._e.jpg", "Thumbs.db", "desktop.ini", "SYNOFILE_THUMB_M.jpg", ".stfolder/f.jpg",
    "@eaDir/g.jpg/SYNOPHOTO_THUMB_M.jpg", ".Trash/h.jpg", ".Trash-1000/files/a.jpg",
    "$RECYCLE.BIN/S-1-5/a.jpg", "RECYCLER/a.jpg", "LOST.DIR/a.jpg", "lost+found/a.jpg", "FOUND.000/a.jpg",
    "__MACOSX/i.jpg", "#recycle/a.jpg", "#snapshot/GMT+01-2026.01.01/a.jpg", "~snapshot/a.jpg",
    "@GMT-2026.01.01-00.00.00/a.jpg", "@Recycle/a.jpg", "@Recently-Snapshot/a.jpg", ".@__thumb/a.jpg",
    ".stversions/a.jpg", "files_trashbin/a.jpg", "_gsdata_/a.jpg", "System Volume Information/a.jpg",
    "Network Trash Folder/a.jpg", "timeshift/a.jpg", "Backups.backupdb/a.jpg",
]  # fmt: skip
OF_PROGRAMS = [
    "Photos Library.photoslibrary/originals/0/a.jpg", "Old.photolibrary/Masters/a.jpg",
    "Mine.aplibrary/Masters/a.jpg", "iPhoto Library/Originals/a.jpg", "Catalog Previews.lrdata/a.jpg",
    "Mine.cocatalog/Originals/a.jpg", "CaptureOne/Cache/a.jpg", ".dtrash/files/a.jpg",
    ".picasaoriginals/a.jpg", "[Originals]/a.jpg", "Corel Auto-Preserve/a.jpg",
    "Art.library/images/a.info/a.jpg", "Film.imovielibrary/a.jpg", "Some.app/a.png",
    "iPod Photo Cache/a.jpg", "Luminar Neo Catalog/a.jpg", "Recently Deleted/a.jpg",
    "immich/upload/.immich", "immich/upload/a.jpg", "cache/CACHEDIR.TAG", "cache/a.jpg", "2008/Picasa.ini",
    "2008/Originals/a.jpg",
]  # fmt: skip
NOT_LEFT_ALONE = [
    "photo.jpg", "Originals/a.jpg", "Trash the dress/a.jpg", "My library/a.jpg", "2008/b.jpg",
    "Snapshot/a.jpg", "Key West/a.jpg", "lost and found/a.jpg", "immich/a.jpg",
]  # fmt: skip


def test_what_belongs_to_systems_and_other_programs(drive: Start, folder: Path) -> None:
    write_many(folder, [*UNFINISHED, *OF_SYSTEMS, *OF_PROGRAMS, *NOT_LEFT_ALONE])
    driver = drive()
    driver.settle_all()
    assert driver.names == set(NOT_LEFT_ALONE)
    assert driver.inbox.counts.not_images == 0


def test_sort_leaves_the_same_alone(folder: Path) -> None:
    write_many(folder, [*UNFINISHED, *OF_SYSTEMS, *OF_PROGRAMS, *NOT_LEFT_ALONE])
    found = {os.path.relpath(group.photo.path, folder) for group in find_groups([folder], settle_seconds=0)}
    assert found == set(NOT_LEFT_ALONE)


def test_what_the_owner_ignores(drive: Start, folder: Path) -> None:
    write_many(
        folder,
        ["a.jpg", "b_proof.jpg", "Private/c.jpg", "Other/Private/d.jpg", "Other/e.jpg", "x/y/raw/f.jpg"],
    )
    driver = drive(ignore=("*_proof.*", "raw", "Private/*"))
    driver.settle_all()
    assert driver.names == {"a.jpg", "Other/Private/d.jpg", "Other/e.jpg"}


def test_links_fifos_sockets_and_devices_are_neither_followed_nor_opened(
    drive: Start, folder: Path, elsewhere: Path
) -> None:
    write_many(elsewhere, ["a.jpg", "below/b.jpg"])
    (folder / "link.jpg").symlink_to(elsewhere / "a.jpg")
    (folder / "folder").symlink_to(elsewhere / "below")
    (folder / "loop").symlink_to(folder)
    os.mkfifo(folder / "fifo.jpg")
    os.mkfifo(folder / "fifo.unknown")
    os.mkfifo(folder / "fifo.jpg.xmp")
    write_many(folder, ["fifo.jpg.txt", "photo.jpg"])
    os.mkfifo(folder / "photo.xmp")
    if os.geteuid() == 0:
        os.mknod(folder / "device.jpg", 0o600 | 0o020000, os.makedev(1, 5))
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(folder / "socket.jpg"))
        driver = drive()
        driver.settle_all()
    assert driver.names == {"photo.jpg"}
    assert driver.inbox.counts.ready == 0  # or `status` says for ever that they wait
    assert driver.groups[0].companions == ()


def test_a_photo_that_became_a_link_while_it_settled(drive: Start, folder: Path, elsewhere: Path) -> None:
    write_many(elsewhere, ["secret.jpg"])
    driver = drive()
    write_many(folder, ["photo.jpg"])
    driver.run_for(0.07)
    (folder / "photo.jpg").unlink()
    (folder / "photo.jpg").symlink_to(elsewhere / "secret.jpg")
    driver.settle_all()
    assert driver.names == set()


def test_other_files_stay_and_are_counted(drive: Start, folder: Path) -> None:
    write_many(folder, ["notes.txt", "report.pdf", "no-extension"])
    driver = drive()
    driver.settle_all()
    assert driver.names == set()
    assert driver.inbox.counts.not_images == 3
    (folder / "notes.txt").unlink()
    driver.settle_all()
    assert driver.inbox.counts.not_images == 2


def test_an_image_under_another_extension_is_offered(drive: Start, folder: Path) -> None:
    (folder / "scan.dat").write_bytes(JPEG_HEAD)
    (folder / "IMG_0001").write_bytes(JPEG_HEAD)
    driver = drive()
    driver.settle_all()
    assert driver.names == {"scan.dat", "IMG_0001"}


def test_an_unknown_file_is_read_once_for_each_state_it_is_in(
    drive: Start, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[Path] = []
    open_photo = fsops.open_photo

    def counting(path: bytes) -> int:
        reads.append(Path(os.fsdecode(path)))
        return open_photo(path)

    driver = drive()
    (folder / "notes.txt").write_bytes(b"text")
    driver.settle_all()
    monkeypatch.setattr("photo_organizer.fsops.open_photo", counting)
    driver.settle_all()
    driver.settle_all()
    assert folder / "notes.txt" not in reads
    (folder / "notes.txt").write_bytes(JPEG_HEAD)
    driver.take(1)
    assert driver.names == {"notes.txt"}


def test_formats_that_need_an_extra_wait_for_it(drive: Start, folder: Path) -> None:
    (folder / "a.heic").write_bytes(HEIC_HEAD)
    (folder / "b.CR2").write_bytes(b"II*\0\x10\0\0\0CR\x02\0")
    (folder / "c.jxl").write_bytes(b"\xff\x0a")
    (folder / "misnamed.heic").write_bytes(JPEG_HEAD)
    driver = drive(available_extras=frozenset({"jxl"}))
    driver.settle_all()
    assert driver.names == {"c.jxl", "misnamed.heic"}
    assert driver.inbox.counts.waiting_for_extra == {"heif": 1, "raw": 1}


def test_a_misnamed_photo_left_by_the_caller_is_counted_by_its_content(drive: Start, folder: Path) -> None:
    (folder / "a.jpg").write_bytes(HEIC_HEAD)
    (folder / "b.jpg").write_bytes(b"<html>")
    (folder / "c.jpg").write_bytes(JPEG_HEAD)
    driver = drive()
    for group in driver.take(3):
        driver.inbox.leave(group, "a duplicate of one that was filed")
    driver.groups.clear()
    for _ in range(2):
        counts = driver.inbox.counts
        assert counts.waiting_for_extra == {"heif": 1}
        assert counts.not_images == 1
        assert counts.left == {"a duplicate of one that was filed": 1}
        driver.settle_all()
    assert driver.names == set()


def test_sub_folders_only_when_wanted(drive: Start, folder: Path) -> None:
    write_many(folder, ["a.jpg", "below/b.jpg"])
    driver = drive(recursive=False)
    driver.settle_all()
    write_many(folder, ["below/c.jpg", "new/d.jpg"])
    driver.settle_all()
    assert driver.names == {"a.jpg"}


def test_the_library_is_not_looked_into(drive: Start, folder: Path) -> None:
    write_many(folder, ["a.jpg", "Library/Pets/b.jpg"])
    driver = drive(library=folder / "Library")
    driver.settle_all()
    assert driver.names == {"a.jpg"}


def test_what_undo_put_back_is_left_until_it_is_touched(drive: Start, folder: Path) -> None:
    held = {"a.jpg"}
    asked: list[str] = []

    def is_held(photo: Photo) -> bool:
        asked.append(photo.path.name)
        return photo.path.name in held and photo.identity.mtime_ns == mtime

    write_many(folder, ["a.jpg", "a.nef", "a.xmp"])
    mtime = (folder / "a.jpg").stat().st_mtime_ns
    driver = drive(is_held=is_held, available_extras=frozenset({"raw"}))
    driver.settle_all()
    driver.settle_all()
    assert driver.names == set()
    assert driver.inbox.counts.left == {"put back by undo": 2}
    assert asked.count("a.jpg") == 1
    os.utime(folder / "a.jpg")
    with (folder / "a.jpg").open("ab"):
        pass
    driver.take(1)
    assert driver.names == {"a.jpg"}


def test_folders_that_photos_left_stay(drive: Start, folder: Path, elsewhere: Path) -> None:
    write_many(folder, ["trip/a.jpg"])
    driver = drive()
    driver.move_away(driver.take(1)[0], elsewhere)
    driver.settle_all()
    assert (folder / "trip").is_dir()


def test_a_folder_whose_path_is_too_long_is_counted_and_named(drive: Start, folder: Path) -> None:
    write_many(folder, ["b.jpg"])
    here = os.open(folder, os.O_RDONLY)
    for _ in range(20):
        os.mkdir("d" * 250, dir_fd=here)
        deeper = os.open("d" * 250, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = deeper
    os.close(here)
    driver = drive()
    driver.settle_all()
    assert driver.names == {"b.jpg"}
    counts = driver.inbox.counts
    assert counts.unreadable_folders == 1
    [trouble] = counts.troubled
    assert (trouble.kind, trouble.reason) == (TroubleKind.FOLDER, "file name too long")


def test_a_photo_that_cannot_be_read_is_counted_and_named_until_it_can(
    drive: Start, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_many(folder, ["a.jpg"])
    refuse = True

    def closed(path: str, *_: object, **__: object) -> None:
        if refuse and path.endswith("a.jpg"):
            raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("photo_organizer.inbox.readiness.readiness_check.blocked_reason", closed)
    driver = drive()
    driver.run_until(lambda: driver.inbox.counts.retrying)
    counts = driver.inbox.counts
    assert counts.troubled == (Trouble(TroubleKind.PHOTO, folder / "a.jpg", "permission denied"),)
    refuse = False
    os.utime(folder / "a.jpg")
    driver.run_until(lambda: "a.jpg" in driver.names)
    assert driver.inbox.counts.troubled == ()


def test_an_inbox_that_cannot_be_written_is_named(
    drive: Start, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("photo_organizer.inbox.folder_state.os.access", lambda *_: False)
    driver = drive()
    driver.settle_all()
    assert driver.inbox.counts.troubled == (Trouble(TroubleKind.INBOX, folder, "the folder is read-only"),)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_cannot_be_read_is_told_once(
    drive: Start, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_many(folder, ["closed/a.jpg", "b.jpg"])
    (folder / "closed").chmod(0)
    driver = drive()
    driver.settle_all()
    (folder / "closed").chmod(0o700)
    assert driver.names == {"b.jpg"}
    assert caplog.text.count("cannot look into this folder") == 1
