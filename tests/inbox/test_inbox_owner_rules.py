"""What the owner leaves alone: patterns, `.nophotos`, and originals that are in the library already."""

from __future__ import annotations

from pathlib import Path

from photo_organizer.inbox import Skipped, find_groups
from support.inbox_driver import Start, write_many

NAMES = ["a.jpg", "a.gif", "Shots/b.jpg", "DCIM/.thumbnails/c.jpg", "DCIM/Shots/d.jpg", "DCIM/Raw/e.jpg"]


def taken(folder: Path, *patterns: str) -> set[str]:
    groups = find_groups([folder], settle_seconds=0, ignore=patterns)
    return {str(group.photo.path.relative_to(folder)) for group in groups}


def test_patterns_for_names_folders_and_paths(folder: Path) -> None:
    write_many(folder, [*NAMES, "Shots.jpg/x.jpg", "DCIM/100/e.jpg"])
    write_many(folder, ["Raw"])  # a file, which a pattern for folders does not mean
    everything = taken(folder)
    assert everything == {
        "a.jpg", "a.gif", "Shots/b.jpg", "DCIM/Shots/d.jpg", "DCIM/Raw/e.jpg", "Shots.jpg/x.jpg",
        "DCIM/100/e.jpg",
    }  # fmt: skip
    assert everything - taken(folder, "*.gif") == {"a.gif"}
    assert everything - taken(folder, "Shots/") == {"Shots/b.jpg", "DCIM/Shots/d.jpg"}
    assert everything - taken(folder, "DCIM/Raw/") == {"DCIM/Raw/e.jpg"}
    assert everything - taken(folder, "/Shots") == everything - taken(folder, "/Shots/") == {"Shots/b.jpg"}
    assert everything - taken(folder, "DCIM/*/e.jpg") == {"DCIM/Raw/e.jpg", "DCIM/100/e.jpg"}
    assert everything - taken(folder, "*.jpg/") == {"Shots.jpg/x.jpg"}


def test_the_daemon_obeys_them_too(drive: Start, folder: Path) -> None:
    write_many(folder, NAMES)
    inbox = drive(ignore=("Shots/", "*.gif", "DCIM/Raw/"))
    inbox.settle_all()
    assert inbox.names == {"a.jpg"}


def test_a_marker_leaves_a_folder_alone_as_long_as_it_is_there(drive: Start, folder: Path) -> None:
    write_many(folder, ["a.jpg", "private/b.jpg", "private/deep/c.jpg"])
    marker = folder / "private/.nophotos"
    marker.touch()
    inbox = drive()
    inbox.settle_all()
    assert inbox.names == {"a.jpg"}
    assert inbox.inbox.counts.skipped_folders == (folder / "private",)
    marker.unlink()
    inbox.take(3)
    assert inbox.names == {"a.jpg", "private/b.jpg", "private/deep/c.jpg"}
    marker.touch()
    inbox.settle_all()
    write_many(folder, ["private/d.jpg", "private/deep/e.jpg"])
    inbox.settle_all()
    assert len(inbox.groups) == 3


def test_a_marker_with_patterns(drive: Start, folder: Path) -> None:
    write_many(folder, ["a.gif", "trip/a.gif", "trip/a.jpg", "trip/raw/b.jpg", "trip/x/raw/c.jpg"])
    (folder / "trip/.nophotos").write_text("# not these\n*.gif\n/raw/\n")
    inbox = drive()
    inbox.settle_all()
    assert inbox.names == {"a.gif", "trip/a.jpg", "trip/x/raw/c.jpg"}
    assert taken(folder) == inbox.names


def test_sort_says_that_a_marker_leaves_a_folder_alone(folder: Path) -> None:
    write_many(folder, ["a.jpg", "a.xmp"])
    (folder / ".nophotos").touch()
    told: list[Skipped] = []
    assert list(find_groups([folder], settle_seconds=0, on_skipped=told.append)) == []
    assert told == [Skipped(folder, "everything in it is left alone, as its .nophotos says")]
    (group,) = find_groups([folder / "a.jpg"], settle_seconds=0)  # by name: taken at its word
    assert [photo.path.name for photo in group.companions] == ["a.xmp"]


def test_folders_of_other_programs_are_named(drive: Start, folder: Path) -> None:
    write_many(folder, ["a.jpg", "Old.photoslibrary/b.jpg", "cache/c.jpg", ".hidden/d.jpg"])
    (folder / "cache/CACHEDIR.TAG").touch()
    inbox = drive()
    inbox.settle_all()
    assert set(inbox.inbox.counts.skipped_folders) == {folder / "Old.photoslibrary", folder / "cache"}


def test_originals_that_stay_are_offered_once_and_companions_that_come_later_too(
    drive: Start, folder: Path
) -> None:
    write_many(folder, ["a.jpg", "a.xmp", "b.jpg", "b.xmp"])
    kept = {folder / "b.jpg", folder / "b.xmp"}  # from before a restart
    inbox = drive(is_kept_original=lambda photo: photo.path in kept)
    (group,) = inbox.take(1)
    kept |= {group.photo.path, *(companion.path for companion in group.companions)}
    inbox.inbox.done(group)
    inbox.settle_all()
    assert (inbox.names, inbox.late) == ({"a.jpg"}, [])
    write_many(folder, ["a.aae", "b.aae"])
    inbox.run_until(lambda: len(inbox.late) == 2)
    assert {late.companion.path.name for late in inbox.late} == {"a.aae", "b.aae"}
    assert inbox.inbox.counts.originals == 2
    (folder / "a.jpg").write_bytes((folder / "a.jpg").read_bytes() + b"edited")
    kept.remove(folder / "a.jpg")
    inbox.take(2)
