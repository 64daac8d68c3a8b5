"""The keyword in an XMP sidecar: one, beside the photo wherever that goes; no trace after undo."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from photo_organizer.fsops import FileOperations
from photo_organizer.library import (
    Correction,
    Filing,
    Library,
    LibrarySettings,
    OwnerMove,
    Selection,
    TransferMode,
)
from photo_organizer.library.xmp.keywords import KeywordSettings, is_ours, sidecar_text
from photo_organizer.photo import Action, AssetGroup, Decision, FileIdentity, Photo
from support.household import Household, LiveDaemon
from support.small_models import draw_photo

RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
SUBJECT = "{http://purl.org/dc/elements/1.1/}subject"
LIGHTROOM = "{http://ns.adobe.com/lightroom/1.0/}hierarchicalSubject"
DIGIKAM = "{http://www.digikam.org/ns/1.0/}TagsList"

DARKTABLE = b"""<?xml version="1.0" encoding="UTF-8"?>
<!-- by hand: do not lose me -->
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="XMP Core 4.4.0-Exiv2">
 <r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <r:Description r:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="4"/>
 </r:RDF>
</x:xmpmeta>
"""


def keywords(sidecar: bytes, kind: str = SUBJECT) -> list[str]:
    tree = ElementTree.fromstring(sidecar)  # noqa: S314  made by the test itself
    return [item.text or "" for subject in tree.iter(kind) for item in subject.iter(f"{RDF}li")]


KEYWORD = KeywordSettings()


class World:
    """A library with keywords, and an inbox."""

    def __init__(self, root: Path, keyword: KeywordSettings | None = KEYWORD) -> None:
        self.inbox, self.library = root / "in", root / "lib"
        self.inbox.mkdir()
        self.library.mkdir()
        self.settings = LibrarySettings(
            self.library, root / "state", root / "state" / "ledger.csv", root / "state" / "quarantine",
            keyword=keyword,
        )  # fmt: skip

    def open(self, operations: FileOperations | None = None) -> Library:
        return Library.open(self.settings, operations=operations)

    def filing(self, name: str, *companions: str, transfer_mode: TransferMode = TransferMode.MOVE) -> Filing:
        path = self.inbox / name
        path.write_bytes(name.encode())
        others = tuple(seen(self.inbox / companion) for companion in companions)
        group = AssetGroup(self.inbox, seen(path), others)
        decision = Decision(Action.FILED, "Food", 0.98, "Pets", 0.01, 0.5)
        return Filing(group, Action.FILED, "Food", decision=decision, transfer_mode=transfer_mode)

    def files(self) -> dict[str, bytes]:
        return {
            str(path.relative_to(self.library.parent)): path.read_bytes()
            for folder in (self.inbox, self.library)
            for path in sorted(folder.rglob("*"))
            if path.is_file() and path.name != ".photo-organizer.lock"
        }


def seen(path: Path) -> Photo:
    return Photo(path, FileIdentity.of(path.lstat()))


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_sidecar_is_what_other_programs_read() -> None:
    text = sidecar_text("R&B <loud>", KeywordSettings("auto: {category}", "Photos|{category}"))
    assert keywords(text) == ["auto: R&B <loud>"]
    assert keywords(text, LIGHTROOM) == ["Photos|R&B <loud>"]
    assert keywords(text, DIGIKAM) == ["Photos/R&B <loud>"]
    assert keywords(sidecar_text("Pets", KeywordSettings()), LIGHTROOM) == []


def test_ours_is_told_by_every_byte() -> None:
    for settings in (KeywordSettings(), KeywordSettings("a {category}", "b|{category}")):
        text = sidecar_text("R&B", settings)
        assert is_ours(text)
        assert not is_ours(text.replace(b"R&amp;B", b"R&amp;B</rdf:li><rdf:li>mine"))
        assert not is_ours(text + b"\n")
        assert not is_ours(text[:-1])
    assert not is_ours(DARKTABLE)
    assert not is_ours(b"\xff")
    earlier = (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n<x:xmpmeta xmlns:x="adobe:ns:meta/">\n'
        ' <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\n  <rdf:Description rdf:about="">'
        '<dc:subject xmlns:dc="http://purl.org/dc/elements/1.1/"><rdf:Bag xmlns:rdf="x">'
        '<rdf:li xmlns:rdf="x">'
        'Food</rdf:li><rdf:li xmlns:rdf="x">confidence 0.98</rdf:li></rdf:Bag></dc:subject></rdf:Description>'
        '\n </rdf:RDF>\n</x:xmpmeta>\n<?xpacket end="w"?>\n'
    )
    assert is_ours(earlier.encode()), "what earlier versions wrote is ours, too"


@pytest.mark.parametrize(
    "transfer_mode", [TransferMode.MOVE, TransferMode.COPY, TransferMode.LINK, TransferMode.SYMLINK]
)
def test_one_keyword_and_no_trace_after_undo(world: World, transfer_mode: TransferMode) -> None:
    with world.open() as library:
        filing = world.filing("a.jpg", transfer_mode=transfer_mode)
        before = world.files()
        assert library.file([filing]).set_aside == ()
        assert keywords(world.files()["lib/Food/a.jpg.xmp"]) == ["Food"]
        report = library.undo()
        assert len(report.undone) == 1
        assert world.files() == before


def test_the_sidecar_of_another_program_is_never_touched(world: World) -> None:
    for name in ("a.jpg.xmp", "b.xmp", "c.XMP"):
        path = world.inbox / name
        path.write_bytes(DARKTABLE)
        path.chmod(0o640)
    (world.inbox / "linked").hardlink_to(world.inbox / "b.xmp")
    with world.open() as library:
        filings = [
            world.filing("a.jpg", "a.jpg.xmp"), world.filing("b.jpg", "b.xmp"), world.filing("c.jpg", "c.XMP")
        ]  # fmt: skip
        before = world.files()
        library.file(filings)
        assert sorted(path.name for path in (world.library / "Food").iterdir()) == [
            "a.jpg", "a.jpg.xmp", "b.jpg", "b.xmp", "c.XMP", "c.jpg"
        ]  # fmt: skip
        for name in ("a.jpg.xmp", "b.xmp", "c.XMP"):
            status = (world.library / "Food" / name).stat()
            assert (world.library / "Food" / name).read_bytes() == DARKTABLE
            assert (status.st_mode & 0o777, status.st_nlink) == (0o640, 1 + (name == "b.xmp"))
        library.undo()
        assert world.files() == before


@pytest.mark.parametrize(("label", "expected"), [("Pets", ["Pets"]), ("", None)])
def test_it_follows_a_correction(world: World, label: str, expected: list[str] | None) -> None:
    with world.open() as library:
        library.file([world.filing("a.jpg")])
        old, new = world.library / "Food" / "a.jpg", world.library / (label or "Review") / "a.jpg"
        new.parent.mkdir()
        old.rename(new)
        sha256 = library.history(new)[0].sha256 if library.history(new) else library.history(old)[0].sha256
        library.correct([Correction(sha256, old, new, label)])
        sidecar = new.with_name("a.jpg.xmp")
        assert (keywords(sidecar.read_bytes()) if expected else sidecar.exists()) == (expected or False)
        assert not old.with_name("a.jpg.xmp").exists()
        assert len(library.undo(Selection(photo=new)).undone) == 1
        assert [name for name in world.files() if name.endswith("xmp")] == []


def test_it_follows_a_move_by_command_and_back(world: World) -> None:
    with world.open() as library:
        library.file([world.filing("a.jpg")])
        photo, sidecar = world.library / "Food" / "a.jpg", world.library / "Food" / "a.jpg.xmp"
        group = AssetGroup(world.library, seen(photo), (seen(sidecar),))
        report = library.move([OwnerMove(group, "Pets", "Pets")])
        assert not report.refused
        assert set(world.files()) == {"lib/Pets/a.jpg", "lib/Pets/a.jpg.xmp"}
        assert keywords(world.files()["lib/Pets/a.jpg.xmp"]) == ["Pets"]
        library.undo()
        assert set(world.files()) == {"lib/Food/a.jpg", "lib/Food/a.jpg.xmp"}
        assert keywords(world.files()["lib/Food/a.jpg.xmp"]) == ["Food"]
        library.undo()
        assert world.files() == {"in/a.jpg": b"a.jpg"}


def test_what_another_program_wrote_into_ours_goes_back_with_the_photo(world: World) -> None:
    with world.open() as library:
        library.file([world.filing("a.jpg")])
        (world.library / "Food" / "a.jpg.xmp").write_bytes(DARKTABLE)
        library.undo()
        assert world.files() == {"in/a.jpg": b"a.jpg", "in/a.jpg.xmp": DARKTABLE}


class _Interfering(FileOperations):
    """Another program saves its own sidecar just before a step."""

    def __init__(self, step: str, target: Path) -> None:
        self._step, self._target = step, target

    def _save(self, step: str) -> None:
        if step == self._step and self._target.parent.is_dir():
            self._step = ""
            draft = self._target.with_name("draft")
            draft.write_bytes(DARKTABLE)
            draft.replace(self._target)

    def create_file(self, name: bytes, folder: int, mode: int = 0o600) -> int:
        self._save("create")
        return super().create_file(name, folder, mode)

    def rename_without_replacing(self, name: bytes, folder: int, new_name: bytes, new_folder: int) -> None:
        if new_name.endswith(b".xmp"):
            self._save("rename")
        super().rename_without_replacing(name, folder, new_name, new_folder)

    def rename_own(self, name: bytes, folder: int, new_name: bytes, new_folder: int) -> None:
        self._save("capture")
        super().rename_own(name, folder, new_name, new_folder)

    def unlink(self, name: bytes, folder: int) -> None:
        if name.endswith(b".source"):
            self._save("unlink")
        super().unlink(name, folder)


@pytest.mark.parametrize("step", ["create", "rename", "capture", "unlink"])
@pytest.mark.parametrize("act", ["file", "correct", "undo"])
def test_what_another_program_saves_in_between_is_kept(world: World, step: str, act: str) -> None:
    sidecar = world.library / "Food" / "a.jpg.xmp"
    with world.open() as library:
        if act != "file":
            library.file([world.filing("a.jpg")])
    with world.open(_Interfering(step, sidecar)) as library:
        if act == "file":
            library.file([world.filing("a.jpg")])
        elif act == "correct":
            photo = world.library / "Food" / "a.jpg"
            sha256 = library.history(photo)[0].sha256
            library.correct([Correction(sha256, photo, photo, "Pets")])
        else:
            library.undo()
    saved = [content for name, content in world.files().items() if content == DARKTABLE]
    acted = step in {"create", "rename"} if act == "file" else step in {"capture", "unlink"} or act != "undo"
    if acted:
        assert len(saved) == 1
    assert not list(world.library.rglob(".photo-organizer-xmp*"))


class _Stopped(BaseException):
    """The process ends here."""


class _Stopping(FileOperations):
    """Ends before the given changing step."""

    def __init__(self, at: int) -> None:
        self._left = at

    def _step(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise _Stopped


for _name in ("create_file", "write", "sync", "rename_without_replacing", "rename_own", "unlink", "commit"):

    def _make(name: str) -> Callable[..., object]:
        def step(self: _Stopping, *arguments: object) -> object:
            self._step()
            return getattr(FileOperations, name)(self, *arguments)

        return step

    setattr(_Stopping, _name, _make(_name))


def test_stopped_before_any_step_no_trace_stays_after_the_undo_that_follows(tmp_path: Path) -> None:
    """Filing, undo, and undo again after the stop: photo as it was, and nothing else."""
    for at in range(60):
        root = tmp_path / str(at)
        root.mkdir()
        world = World(root)
        filing = world.filing("a.jpg")
        finished = False
        try:
            with world.open(_Stopping(at)) as library:
                library.file([filing])
                library.undo()
            finished = True
        except _Stopped:
            pass
        with world.open() as library:
            library.recover()
            if (world.library / "Food" / "a.jpg").exists():
                library.undo()
        assert world.files() == {"in/a.jpg": b"a.jpg"}, at
        if finished:
            return
    pytest.fail("it never came to its end")


def test_the_daemon_files_a_photo_with_its_keyword_and_undo_leaves_none(
    make_household: Callable[..., Household],
) -> None:
    household = make_household(metadata={"xmp_sidecar": True})
    with LiveDaemon(household) as daemon:
        daemon.until_ready()
        with_own = draw_photo(household.inbox / "own.jpg", "Food", seed=1)
        with_own.with_name("own.xmp").write_bytes(DARKTABLE)
        broken = draw_photo(household.inbox / "broken.jpg", "Food", seed=2)
        broken.with_name("broken.jpg.xmp").write_bytes(b"no xml")
        plain = draw_photo(household.inbox / "plain.jpg", "Pets", seed=3)
        daemon.until_filed([with_own, broken, plain])
        unsure = draw_photo(household.inbox / "unsure.jpg", "Food", between="Pets", seed=4)
        daemon.until_filed([unsure])
        daemon.stop()
    filed = {folder: sorted(names) for folder, names in household.filed().items()}
    assert filed == {
        "Food": ["broken.jpg", "broken.jpg.xmp", "own.jpg", "own.xmp"],
        "Pets": ["plain.jpg", "plain.jpg.xmp"],
        "Review": ["unsure.jpg"],
    }
    assert keywords((household.library / "Pets" / "plain.jpg.xmp").read_bytes()) == ["Pets"]
    assert (household.library / "Food" / "own.xmp").read_bytes() == DARKTABLE
    assert (household.library / "Food" / "broken.jpg.xmp").read_bytes() == b"no xml"
    assert household.leftovers() == []
    household.organizer("undo", "--photo", str(household.library / "Pets" / "plain.jpg"))
    assert sorted(path.name for path in household.waiting()) == ["plain.jpg"]
