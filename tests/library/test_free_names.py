"""Names that the library's disk cannot hold, and folders that cannot be used: never trouble of the whole
library.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from photo_organizer.fsops import FileOperations
from photo_organizer.library import Library, TransferMode
from photo_organizer.library.plan.free_names import Characters, GroupNames, NameLimits
from support.faults.fault_scenarios import limited
from support.faults.photo_world import World, seen, sha256

SCREENSHOT = "Screenshot 2023-01-01 at 10:11:12.jpg"
PORTABLE = "Screenshot 2023-01-01 at 10_11_12.jpg"

RULES: dict[str, tuple[re.Pattern[bytes], int]] = {
    "exfat": (re.compile(rb'[:?*"<>|\\]'), errno.ENOENT),
    "ntfs": (re.compile(rb'[:?*"<>|\\]|[. ]$'), errno.EINVAL),
    "encodings": (re.compile(rb"\xff"), errno.EILSEQ),
    "ascii": (re.compile(rb"[^ -~]|:"), errno.EINVAL),
}
NAMES = {
    "exfat": (SCREENSHOT, PORTABLE),
    "ntfs": ("what?.jpg.", "what_.jpg_"),
    "encodings": ("caf\udcff.jpg", "caf_.jpg"),
    "ascii": ("für Élise 山.jpg", "fur Elise _.jpg"),
}
WAYS = {"rename": (), "link": ("noreplace",), "copy": ("across",), "reservation": ("noreplace", "link")}


def choosy(rule: str, limits: tuple[str, ...]) -> FileOperations:
    """Operations on a disk that does not take the names of a rule, in the library."""
    forbidden, code = RULES[rule]

    class Choosy(limited(FileOperations, limits)):  # type: ignore[misc]
        pass

    def refusing(name: str, at: int) -> Callable[..., Any]:
        def call(self: FileOperations, *arguments: Any) -> Any:
            folder = Path(f"/proc/self/fd/{arguments[at + 1]}").readlink()
            if "there" in folder.parts and forbidden.search(arguments[at]):
                raise OSError(code, os.strerror(code))
            return getattr(super(Choosy, self), name)(*arguments)

        return call

    for name, at in {"rename_without_replacing": 2, "rename_own": 2, "link": 2, "create_file": 0}.items():
        setattr(Choosy, name, refusing(name, at))
    if code == errno.EILSEQ:
        Choosy.status = refusing("status", 0)  # type: ignore[method-assign]
    return Choosy()


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="descriptors are looked up in /proc")
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("rule", RULES)
def test_a_name_that_the_disk_does_not_take_gets_one_that_it_does(world: World, rule: str, way: str) -> None:
    name, wanted = NAMES[rule]
    path = world.drop(name, b"photo", f"{name}.xmp")
    world.drop("a.jpg", b"another")
    with world.open(choosy(rule, WAYS[way])) as library:
        report = library.file([world.filing(world.inbox / "a.jpg"), _group(world, path)])
        assert report.pause is None
        assert [trouble.what for _, trouble in report.set_aside] == []
        assert {placed.destination.name for placed in report.filed} == {"a.jpg", wanted}
        assert (world.library / "Pets" / f"{wanted}.xmp").exists()
        assert not library.undo().refused
    assert {os.fsencode(one.name) for one in world.inbox.iterdir()} == {
        b"a.jpg", os.fsencode(name), os.fsencode(f"{name}.xmp")
    }  # fmt: skip


def _group(world: World, path: Path) -> Any:
    filing = world.filing(path)
    companion = path.with_name(f"{path.name}.xmp")
    return replace(filing, group=replace(filing.group, companions=(seen(companion),)))


def test_two_that_become_one_name_are_both_kept(world: World) -> None:
    paths = [world.drop(name, os.fsencode(name)) for name in ("a:b.jpg", "a?b.jpg", "a_b.jpg")]
    with world.open(choosy("ntfs", ())) as library:
        report = library.file([world.filing(path) for path in paths])
    assert {p.destination.name for p in report.filed} == {"a_b.jpg", "a_b (2).jpg", "a_b (3).jpg"}
    contents = {(world.library / "Pets" / p.destination.name).read_bytes() for p in report.filed}
    assert contents == {b"a:b.jpg", b"a?b.jpg", b"a_b.jpg"}


def test_a_name_that_no_form_of_is_taken_sets_its_photo_aside_with_the_true_reason(world: World) -> None:
    RULES["nothing of b"] = (re.compile(rb"^b"), errno.EILSEQ)
    try:
        paths = [world.drop(name, os.fsencode(name)) for name in ("b.jpg", "a.jpg")]
        with world.open(choosy("nothing of b", ())) as library:
            report = library.file([world.filing(path) for path in paths])
    finally:
        del RULES["nothing of b"]
    assert report.pause is None
    assert [placed.destination.name for placed in report.filed] == ["a.jpg"]
    ((group, trouble),) = report.set_aside
    assert group.photo.path.name == "b.jpg"
    assert "cannot hold its name" in str(trouble)
    assert "rename it" in str(trouble)


@pytest.mark.parametrize("kind", ["link", "dangling link", "file", "loop"])
def test_a_category_folder_that_is_none_has_only_its_photos_wait(
    world: World, library: Library, kind: str, tmp_path: Path
) -> None:
    pets = world.library / "Pets"
    match kind:
        case "link":
            pets.symlink_to(tmp_path)
        case "dangling link":
            pets.symlink_to(tmp_path / "nowhere")
        case "loop":
            pets.symlink_to(pets)
        case "file":
            pets.write_bytes(b"no folder")
    paths = [world.drop(name, os.fsencode(name)) for name in ("a.jpg", "f.jpg")]
    report = library.file([world.filing(paths[0], "Pets"), world.filing(paths[1], "Food")])
    assert report.pause is None
    assert [placed.destination.parent.name for placed in report.filed] == ["Food"]
    ((group, trouble),) = report.set_aside
    assert group.photo.path == paths[0]
    assert ("a file where" if kind == "file" else "symbolic link") in str(trouble)
    assert str(pets) in str(trouble)
    assert not list(tmp_path.iterdir())


def test_a_folder_name_that_the_disk_does_not_take_has_only_its_photos_wait(world: World) -> None:
    class NoFolder(FileOperations):
        def make_folder(self, name: bytes, folder: int, mode: int) -> None:
            if b":" in name:
                raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))
            super().make_folder(name, folder, mode)

    paths = [world.drop(name, os.fsencode(name)) for name in ("a.jpg", "f.jpg")]
    with world.open(NoFolder()) as library:
        report = library.file([world.filing(paths[0], "Pets: dogs"), world.filing(paths[1], "Food")])
    assert report.pause is None
    assert [placed.destination.parent.name for placed in report.filed] == ["Food"]
    assert "cannot hold a folder of this name" in str(report.set_aside[0][1])


@pytest.mark.parametrize(
    "name", [b"CON.jpg", b"com1", b"aux.tar.gz", b"x.", b"y ", b'<>:"|?*.jpg', b"\xff\x01.jpg"]
)
def test_portable_names(name: bytes) -> None:
    for characters in (Characters.PORTABLE, Characters.ASCII):
        (portable,) = GroupNames(name).numbered(1, NameLimits(characters=characters))
        assert portable.isascii()
        assert not re.search(rb'[\x00-\x1f<>:"/\\|?*]|[. ]$', portable)
        assert not re.match(rb"(?i)(con|com1|aux)(\.|$)", portable)
        assert GroupNames(portable).numbered(1, NameLimits(characters=characters)) == (portable,)


# on real file systems, through FUSE

REAL = {
    "exfat": (["mkfs.exfat"], ["mount.exfat-fuse"]),
    "ntfs": (["mkfs.ntfs", "-q", "-F"], ["ntfs-3g", "-o", "windows_names"]),
}


@pytest.fixture
def real_disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    make, mount = REAL[request.param]
    if (
        os.geteuid()
        or not Path("/dev/fuse").exists()
        or not all(map(shutil.which, (make[0], mount[0], "losetup")))
    ):
        pytest.skip(f"{make[0]}, {mount[0]} and the right to mount are needed")
    image, at = tmp_path / "image", tmp_path / "disk"
    at.mkdir()
    with image.open("wb") as file:
        file.truncate(32 << 20)
    subprocess.run([*make, str(image)], check=True, capture_output=True)
    loop = subprocess.run(
        ["losetup", "-f", "--show", str(image)], capture_output=True, text=True, check=False
    )
    if loop.returncode:
        pytest.skip(f"no loop device: {loop.stderr}")
    device = loop.stdout.strip()
    try:
        mounted = subprocess.run([*mount, device, str(at)], capture_output=True, text=True, check=False)
        if not os.path.ismount(at):
            pytest.skip(f"cannot be mounted: {mounted.stderr}")
        yield at
        subprocess.run(["umount", str(at)], check=True, capture_output=True)
    finally:
        subprocess.run(["losetup", "-d", device], check=False, capture_output=True)


ODD = [
    SCREENSHOT,
    "what?.jpg",
    "caf\udcff.jpg",
    "a\nb.jpg",
    "山" * 80 + ".jpg",
    "CON.jpg",
    "end..jpg",
    "plain.jpg",
]


@pytest.mark.parametrize("real_disk", REAL, indirect=True)
@pytest.mark.parametrize("transfer_mode", [TransferMode.MOVE, TransferMode.COPY])
def test_on_a_real_disk_every_photo_is_filed(
    real_disk: Path, tmp_path: Path, transfer_mode: TransferMode
) -> None:
    world = World(tmp_path / "near", real_disk / "there")
    paths = [world.drop(name, os.fsencode(name), f"{name}.xmp") for name in ODD]
    with world.open() as library:
        report = library.file([replace(_group(world, path), transfer_mode=transfer_mode) for path in paths])
        assert report.pause is None, str(report.pause)
        assert [str(trouble) for _, trouble in report.set_aside] == []
        assert len(report.filed) == len(ODD)
        for placed in report.filed:
            assert sha256(placed.destination.read_bytes()) == sha256(
                os.fsencode(placed.group.photo.path.name)
            )
        assert len(list((world.library / "Pets").iterdir())) == 2 * len(ODD)
        assert not library.undo().refused
    assert len(list(world.inbox.iterdir())) == 2 * len(ODD)


def test_a_plain_name_that_became_free_is_used_again(world: World, library: Library) -> None:
    for content in (b"1", b"2", b"3"):
        library.file([world.filing(world.drop("a.jpg", content))])
    (world.library / "Pets" / "a.jpg").rename(world.library / "moved by hand.jpg")
    (world.library / "Pets" / "a (2).jpg").unlink()
    names = [
        library.file([world.filing(world.drop("a.jpg", content))]).filed[0].destination.name
        for content in (b"4", b"5", b"6")
    ]
    assert names == ["a.jpg", "a (2).jpg", "a (4).jpg"]
