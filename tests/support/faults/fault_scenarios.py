"""What is being done when the world stops: each scenario prepares a world and then acts on it, step by
step."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from photo_organizer.fsops import FileOperations
from photo_organizer.inbox import LateCompanion
from photo_organizer.library import Correction, Library, OwnerMove, Selection, TransferMode
from photo_organizer.photo import AssetGroup
from support.faults.photo_world import World, seen, sha256


def _nothing(world: World, library: Library) -> None:
    pass


@dataclass(frozen=True)
class Scenario:
    """`prepare` and `begin` are never interfered with; `act` is."""

    name: str
    prepare: Callable[[World], None]
    act: Callable[[World, Library], Any]
    begin: Callable[[World, Library], Any] = _nothing
    repeat: Callable[[World, Library], Any] = _nothing
    """What comes again by itself after a start, before everything is as it should be."""
    two_devices: bool = False
    limits: tuple[str, ...] = ()
    """What the file system cannot do: `noreplace`, `link`, `names` (those with a colon); or `across`, to move
    between folders, as across devices (in memory, since syncing a disk takes its time; `two_devices` are real
    ones).
    """
    transfer_mode: TransferMode = TransferMode.MOVE
    """How photos come into the library; with all but MOVE, everything in the inbox must stay as it is."""
    is_last_resort: bool = False
    """Part-filled final names may be seen after a crash (and only there), as `docs/reliability.md` says."""

    def __str__(self) -> str:
        return self.name


def _photo(world: World) -> None:
    world.drop("a.jpg", b"photo a")


def _group(world: World) -> None:
    (world.library / "Pets").mkdir()
    (world.library / "Pets" / "a.jpg.xmp").write_bytes(b"a sidecar that was there before")
    world.drop("a.jpg", b"photo a" * 500, "a.jpg.xmp", "a.aae")


def _batch(world: World) -> None:
    world.drop("a.jpg", b"photo a")
    world.drop("day/a.jpg", b"photo a of a day", "a.xmp")
    world.drop("f.jpg", b"photo f")
    world.drop("f2.jpg", b"photo f")


def _odd_name(world: World) -> None:
    world.drop("a:b.jpg", b"photo a" * 500, "a:b.xmp")


def _twins(world: World) -> None:
    world.drop("f.jpg", b"photo f")
    world.drop("f2.jpg", b"photo f")


def _bad(world: World) -> None:
    world.drop("bad.jpg", b"bad photo", "bad.xmp")


def _file(world: World, library: Library) -> Any:
    return world.file_all(library)


def _undo(world: World, library: Library) -> Any:
    return library.undo(Selection())


def _correct(world: World, library: Library) -> None:
    old, new = world.library / "Pets" / "a.jpg", world.library / "Food" / "a.jpg"
    if old.exists():
        new.parent.mkdir(exist_ok=True)
        old.rename(new)
    library.correct([Correction(sha256(b"photo a"), old, new, "Food")])


def _move(world: World, library: Library) -> Any:
    placed = world.library / "Pets" / "a (2).jpg"
    if not placed.exists():
        return None
    companions = tuple(seen(placed.with_name(name)) for name in ("a (2).jpg.xmp", "a (2).aae"))
    return library.move([OwnerMove(AssetGroup(world.library, seen(placed), companions), "Food", "Food")])


def _file_and_move(world: World, library: Library) -> None:
    _file(world, library)
    _move(world, library)


def _join(world: World, library: Library) -> Any:
    late = world.inbox / "a.xmp"
    if not late.exists() and not any(world.library.rglob("a.xmp")):
        late.write_bytes(b"late")
    return library.join([LateCompanion(seen(late), world.inbox)], world.inbox) if late.exists() else None


def _prepare_join(world: World) -> None:
    _photo(world)
    (world.inbox / "a.xmp").write_bytes(b"late")


def _file_photo_alone(world: World, library: Library) -> None:
    filing = world.filing(world.inbox / "a.jpg")
    group = replace(filing.group, companions=())
    library.file([replace(filing, group=group, transfer_mode=world.transfer_mode)])


def _file_and_join(world: World, library: Library) -> None:
    _file_photo_alone(world, library)
    _join(world, library)


def _undo_join(world: World, library: Library) -> Any:
    return library.undo(Selection(photo=world.inbox / "a.xmp"))


def _rebuild(world: World, library: Library) -> None:
    library.rebuild_ledger()


SCENARIOS = (
    Scenario("a photo", _photo, _file),
    Scenario("a group with a collision", _group, _file),
    Scenario("a batch with a duplicate", _batch, _file),
    Scenario("quarantine", _bad, _file),
    Scenario("undo", _group, _undo, _file),
    Scenario("undo of quarantine", _bad, _undo, _file),
    Scenario("a correction", _photo, _correct, _file, repeat=_correct),
    Scenario("a move by the owner", _group, _move, _file),
    Scenario("a move by the owner across devices", _group, _move, _file, limits=("across",)),
    Scenario("undo of a move by the owner", _group, _undo, _file_and_move),
    Scenario("a late companion", _prepare_join, _join, _file_photo_alone),
    Scenario("a name that the disk cannot hold", _odd_name, _file, limits=("names",)),
    Scenario("such a name across devices", _odd_name, _file, limits=("names", "across")),
    Scenario("undo of a join", _prepare_join, _undo_join, _file_and_join),
    Scenario("a ledger rebuilt", _photo, _rebuild, _file),
    Scenario("a group across devices", _group, _file, limits=("across",)),
    Scenario("undo across devices", _group, _undo, _file, limits=("across",)),
    Scenario("quarantine across devices", _bad, _file, limits=("across",)),
    Scenario("a group by links", _group, _file, limits=("noreplace",)),
    Scenario("a group across devices by links", _group, _file, limits=("across", "noreplace")),
    Scenario("a group by reservation", _group, _file, limits=("noreplace", "link"), is_last_resort=True),
)
COPIES_AND_LINKS = (
    Scenario("a photo and its duplicate copied", _twins, _file, transfer_mode=TransferMode.COPY),
    Scenario("a group copied", _group, _file, transfer_mode=TransferMode.COPY),
    Scenario(
        "a group copied by reservation", _group, _file, limits=("noreplace", "link"),
        transfer_mode=TransferMode.COPY,
        is_last_resort=True,
    ),
    Scenario("a group linked", _group, _file, transfer_mode=TransferMode.LINK),
    Scenario("a group linked symbolically", _group, _file, transfer_mode=TransferMode.SYMLINK),
    Scenario("quarantine by copy", _bad, _file, transfer_mode=TransferMode.COPY),
    Scenario("undo of a copied group", _group, _undo, _file, transfer_mode=TransferMode.COPY),
    Scenario("undo of a linked group", _group, _undo, _file, transfer_mode=TransferMode.LINK),
    Scenario("undo of a symbolically linked group", _group, _undo, _file, transfer_mode=TransferMode.SYMLINK),
    Scenario(
        "a late companion copied", _prepare_join, _join, _file_photo_alone, transfer_mode=TransferMode.COPY
    ),
    Scenario(
        "a late companion linked", _prepare_join, _join, _file_photo_alone, transfer_mode=TransferMode.LINK
    ),
    Scenario(
        "undo of a copied join", _prepare_join, _undo_join, _file_and_join, transfer_mode=TransferMode.COPY
    ),
    Scenario(
        "undo of a copy with a late companion", _prepare_join, _undo, _file_and_join,
        transfer_mode=TransferMode.COPY,
    ),
    Scenario("undo of quarantine by copy", _bad, _undo, _file, transfer_mode=TransferMode.COPY),
)  # fmt: skip
SCENARIOS += COPIES_AND_LINKS
ACROSS_DEVICES = Scenario("a group across real devices", _group, _file, two_devices=True)
UNDO_OF_A_COPY = Scenario("undo of a copied photo", _photo, _undo, _file, transfer_mode=TransferMode.COPY)
BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}


def limited(base: type[FileOperations], limits: tuple[str, ...]) -> type[FileOperations]:
    """`base` on a file system that cannot do what `limits` names, as NFS and some FUSE file systems
    cannot."""

    class Limited(base):  # type: ignore[misc,valid-type]
        pass

    if "across" in limits:
        Limited.rename_without_replacing = _within_folder("rename_without_replacing", base)  # type: ignore[method-assign]
        Limited.link = _within_folder("link", base)  # type: ignore[method-assign]
    if "noreplace" in limits:
        Limited.rename_without_replacing = _refusing(errno.EINVAL)  # type: ignore[method-assign]
    if "link" in limits:
        Limited.link = _refusing(errno.EPERM)  # type: ignore[method-assign]
    if "names" in limits:
        for name, at in {"rename_without_replacing": 2, "link": 2, "create_file": 0}.items():
            setattr(Limited, name, _portable_only(getattr(Limited, name), at))
    return Limited


def _within_folder(name: str, base: type[FileOperations]) -> Callable[..., None]:
    def move(self: FileOperations, old: bytes, folder: int, new: bytes, new_folder: int) -> None:
        if not os.path.samestat(os.fstat(folder), os.fstat(new_folder)):
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        getattr(base, name)(self, old, folder, new, new_folder)

    return move


def _portable_only(call: Callable[..., Any], at: int) -> Callable[..., Any]:
    """Refuse names with a colon in the library, as NTFS does; argument `at` is the name, then its folder."""

    def checked(self: FileOperations, *arguments: Any) -> Any:
        folder = Path(f"/proc/self/fd/{arguments[at + 1]}").readlink()
        if b":" in arguments[at] and "inbox" not in folder.parts:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        return call(self, *arguments)

    return checked


def _refusing(code: int) -> Callable[..., None]:
    def refuse(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    return refuse


def make_world(scenario: Scenario, near: Path, far: Path) -> World:
    world = World(near, (far if scenario.two_devices else near) / "there")
    scenario.prepare(world)
    if scenario.transfer_mode is not TransferMode.MOVE:
        world.transfer_mode = scenario.transfer_mode
        world.keep_sources()
    return world
