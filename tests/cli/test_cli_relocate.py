"""Moving house: the photos are somewhere else, and their history follows."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from photo_organizer.library.locks import OwnerLock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.command_line import Home, Said

    Organizer = Callable[..., Said]


@pytest.fixture
def filed(organizer: Organizer, home: Home) -> Home:
    """A home with photos in two categories, Review, quarantine, and one that undo has put back."""
    home.draw("a.png", "Food", seed=1)
    (home.old / "a.png.xmp").write_text("<x:xmpmeta/>")
    home.draw("b.png", "Pets", seed=2)
    home.draw("strange\udcff.png", "Pets", seed=4)
    home.draw("c.png", "Food", between="Travel", seed=3)
    (home.old / "bad.jpg").write_bytes(b"\xff\xd8\xff\xe0 no picture")
    assert organizer("sort", home.old).code == 3
    assert organizer("undo", "--photo", home.library / "Pets/b.png").code == 0
    return home


def point(home: Home, old: str, new: str) -> None:
    """Changes the config."""
    home.config.write_text(home.config.read_text().replace(old, new))


def journal_paths(home: Home) -> set[bytes]:
    with closing(sqlite3.connect(home.state / "journal.sqlite")) as journal:
        return {path for row in journal.execute("SELECT source, destination FROM moves") for path in row}


def test_undo_works_after_the_library_has_moved(organizer: Organizer, filed: Home) -> None:
    before = filed.contents()
    new = filed.root / "disk/photos"
    new.parent.mkdir()
    shutil.move(filed.library, new)
    trial = organizer("relocate", filed.library, new, "--dry-run")
    assert (trial.code, trial.out.splitlines()[0]) == (0, "3 photos would follow; nothing was changed")
    assert any(path.startswith(os.fsencode(filed.library)) for path in journal_paths(filed))
    said = organizer("relocate", filed.library, new)
    assert (said.code, said.out) == (0, f"3 photos followed\nnow change library in {filed.config}\n")
    assert not [path for path in journal_paths(filed) if path.startswith(os.fsencode(filed.library) + b"/")]
    point(filed, "library: lib", "library: disk/photos")
    assert organizer("ledger", "verify").code == 0
    assert str(new / "Food/a.png") in organizer("search", "a.png").out
    assert organizer("why", new / "Food/a.png").code == 0
    assert organizer("undo").code == 0
    assert {path.name for path in filed.old.iterdir()} == {
        "a.png", "a.png.xmp", "b.png", "c.png", "strange\udcff.png", "bad.jpg",
    }  # fmt: skip
    assert filed.contents() == before
    assert organizer("ledger", "verify").code == 0


def test_the_home_has_another_name_and_everything_is_elsewhere(
    organizer: Organizer, filed: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `docs/backup.md` has it: all is copied, the old machine is gone."""
    new = tmp_path / "another/home"
    shutil.copytree(filed.root, new, symlinks=True, ignore=shutil.ignore_patterns("another"))
    for folder in (filed.library, filed.old, filed.state, filed.models):
        shutil.rmtree(folder)
    monkeypatch.setenv("PHOTO_ORGANIZER_CONFIG", str(new / "organizer.yaml"))
    # the old home holds the new one here, so that each folder is told by itself
    for name in ("lib", "old", "state"):
        assert organizer("relocate", filed.root / name, new / name).code == 0
    assert organizer("ledger", "verify").code == 0
    said = organizer("undo")
    assert (said.code, said.err) == (0, "")
    assert len(list((new / "old").iterdir())) == 6
    assert organizer("models", "list").code == 0


def test_a_place_that_does_not_hold_the_photos_is_refused(organizer: Organizer, filed: Home) -> None:
    new = filed.root / "copy"
    assert "no such folder" in organizer("relocate", filed.library, new).err
    shutil.copytree(filed.library, new)
    (new / "Food/a.png").unlink()
    half = organizer("relocate", filed.library, new)
    assert (half.code, half.err) == (
        1,
        f"photo-organizer: {new}: is missing 1 of 3 photos, which are still in {filed.library}, such as "
        f"{filed.library}/Food/a.png; move or copy all of them first\n",
    )
    shutil.rmtree(filed.library)
    gone = organizer("relocate", filed.library, new)
    assert (gone.code, "use --missing-ok if you deleted them" in gone.err) == (1, True)
    assert str(filed.library / "Food/a.png").encode() in journal_paths(filed)
    followed = organizer("relocate", filed.library, new, "--missing-ok")
    assert followed.out.startswith(
        "1 photo in neither place: deleted or renamed by hand?\n2 photos followed\n"
    )


def test_what_makes_no_sense_is_refused(organizer: Organizer, filed: Home) -> None:
    before = journal_paths(filed)
    for old, new, fault in (
        ("lib", "lib", "is both the old and the new place"),
        ("lib", "lib/Food", "is inside"),
        ("lib/Food", "old", f"is inside {filed.root}/lib, which is one library or inbox"),
        ("in", "old", "no photo was ever filed from or to this folder"),
    ):
        said = organizer("relocate", filed.root / old, filed.root / new)
        assert (said.code, fault in said.err) == (1, True), said.err
    assert journal_paths(filed) == before


def test_a_folder_within_the_library_may_be_renamed(organizer: Organizer, filed: Home) -> None:
    (filed.library / "Pets").rename(filed.library / "Animals")
    assert organizer("relocate", filed.library / "Pets", filed.library / "Animals").code == 0
    assert organizer("undo", "--photo", filed.library / "Animals/strange\udcff.png").code == 0


def test_a_folder_with_a_similar_name_is_left_alone(organizer: Organizer, filed: Home) -> None:
    other = filed.root / "lib2"
    point(filed, "library: lib", "library: lib2")
    filed.draw("z.png", "Food", seed=9)
    assert organizer("sort", filed.old / "z.png").code == 0
    shutil.move(filed.library, filed.root / "moved")
    assert organizer("relocate", filed.library, filed.root / "moved").code == 0
    assert os.fsencode(other / "Food/z.png") in journal_paths(filed)


def test_it_is_refused_while_the_daemon_runs(organizer: Organizer, filed: Home) -> None:
    shutil.move(filed.library, filed.root / "moved")
    lock = OwnerLock(filed.state / "owner.lock")
    try:
        said = organizer("relocate", filed.library, filed.root / "moved")
    finally:
        lock.release()
    assert said.code == 1
    assert str(filed.library / "Food/a.png").encode() in journal_paths(filed)


def test_an_interrupted_relocation_goes_on(
    organizer: Organizer, filed: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    from photo_organizer.errors import OrganizerError
    from photo_organizer.learning.labels.label_store import LABELS, KnownFile, LabelStore

    path = os.fsencode(filed.library / "Food/a.png")
    with LabelStore(filed.state / LABELS) as labels:
        labels.remember_files({path: KnownFile(1, 2, 3, "ab" * 32)}, [])
    shutil.move(filed.library, filed.root / "moved")
    with monkeypatch.context() as broken:

        def fail(*_: object) -> None:
            raise OrganizerError("the disk is full")

        broken.setattr(LabelStore, "relocate", fail)
        assert organizer("relocate", filed.library, filed.root / "moved").code == 1
    assert organizer("relocate", filed.library, filed.root / "moved").code == 0
    point(filed, "library: lib", "library: moved")
    with LabelStore(filed.state / LABELS) as labels:
        assert list(labels.files()) == [os.fsencode(filed.root / "moved/Food/a.png")]
    assert organizer("ledger", "verify").code == 0
