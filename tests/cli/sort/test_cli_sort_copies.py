"""`sort --copy`, `--link` and `--symlink`: the originals stay, and running it again goes on."""

from __future__ import annotations

import json
import os
import shutil
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.command_line import Home, Said

    Organizer = Callable[..., Said]

OPTIONS = ("--copy", "--link", "--symlink")
MEMORY = Path("/dev/shm")  # noqa: S108 (a file system, not a predictable name)


State = dict[Path, tuple[int, int, int, int, bytes]]


def some_photos(home: Home) -> State:
    """Two photos, one of them twice and with a companion, one that is damaged; and how each file is."""
    home.draw("a.png", "Food", seed=1)
    (home.old / "a.png.xmp").write_text("<x:xmpmeta xmlns:x='adobe:ns:meta/'/>")
    home.draw("deeper/b.jpg", "Pets", seed=2)
    (home.old / "deeper/again.png").write_bytes((home.old / "a.png").read_bytes())
    (home.old / "damaged.jpg").write_bytes(b"\xff\xd8\xff\xe0 this is no JPEG")
    return state_of(home)


def state_of(home: Home) -> State:
    """Of each file in `old`: inode, mode, size, time and bytes."""
    files = {}
    for path in sorted(home.old.rglob("*")):
        if path.is_file():
            status = path.lstat()
            assert stat.S_ISREG(status.st_mode)
            files[path] = (
                status.st_ino,
                status.st_mode,
                status.st_size,
                status.st_mtime_ns,
                path.read_bytes(),
            )
    return files


@pytest.mark.parametrize("option", OPTIONS)
def test_the_originals_stay_and_undo_takes_only_what_was_made(
    organizer: Organizer, home: Home, option: str
) -> None:
    before = some_photos(home)
    said = organizer("sort", home.old, option)
    assert "4 photos: 2 filed, 1 as duplicates, 1 in quarantine" in said.out
    filed = home.filed()
    assert filed["Pets"] == ["b.jpg"]
    assert [*filed["Food"], *filed["Duplicates"]] in (
        ["a.png", "a.png.xmp", "again.png"],
        ["again.png", "a.png", "a.png.xmp"],
    )
    assert state_of(home) == before
    made = home.library / "Pets/b.jpg"
    assert made.is_symlink() == (option == "--symlink")
    assert made.samefile(home.old / "deeper/b.jpg") == (option != "--copy")

    assert f"({option.removeprefix('--')})" in organizer("why", home.old / "deeper/b.jpg").out

    again = organizer("sort", home.old, option)
    assert "left where they are: 4 filed before" in again.out
    assert home.filed() == filed
    assert len(home.ledger()) == 4

    undone = organizer("undo")
    assert (undone.code, "4 photos taken back" in undone.out) == (0, True)
    assert home.filed() == {}
    assert state_of(home) == before


@pytest.mark.parametrize("option", OPTIONS)
def test_a_plan_says_how_and_is_carried_out_so(organizer: Organizer, home: Home, option: str) -> None:
    before = some_photos(home)
    plan = home.root / "old.plan"
    said = organizer("sort", home.old, "--dry-run", option, "--plan", plan)
    work = "5 files copied (0.00 GB)" if option == "--copy" else "5 links made (no bytes are copied)"
    assert f"disk work: {work}" in said.out
    assert json.loads(plan.read_text().splitlines()[0])["manner"] == option.removeprefix("--")
    assert home.filed() == {}
    assert organizer("sort", "--plan", plan).code == 3  # one is damaged
    assert home.filed().keys() == {"Duplicates", "Food", "Pets"}
    assert state_of(home) == before
    assert (home.library / "Pets/b.jpg").is_symlink() == (option == "--symlink")
    assert "left where they are: 4 filed by this plan before" in organizer("sort", "--plan", plan).out
    assert "4 filed before" in organizer("sort", home.old, "--dry-run", option).out
    assert len(home.ledger()) == 4


def test_a_plan_without_a_word_about_it_moves(organizer: Organizer, home: Home) -> None:
    photo = home.draw("a.png", "Food", seed=1)
    plan = home.root / "old.plan"
    organizer("sort", home.old, "--dry-run", "--plan", plan)
    head, line = plan.read_text().splitlines()
    older = {key: value for key, value in json.loads(head).items() if key != "manner"}
    plan.write_text(f"{json.dumps(older)}\n{line}\n")
    assert organizer("sort", "--plan", plan).code == 0
    assert not photo.exists()


def test_an_edited_original_keeps_its_copy(organizer: Organizer, home: Home) -> None:
    photo = home.draw("a.png", "Food", seed=1)
    organizer("sort", home.old, "--copy")
    old = photo.read_bytes()
    home.draw("a.png", "Pets", seed=9)
    said = organizer("undo")
    assert said.code == 3
    assert "not taken back: " in said.err
    assert "has changed since it was copied; its copy stays" in said.err
    assert (home.library / "Food/a.png").read_bytes() == old
    photo.unlink()
    copy = home.library / "Food/a.png"
    assert f"not taken back: {copy}: {photo}: no such file or directory" in organizer("undo").err
    home.draw("a.png", "Pets", seed=9)
    # what it is now is another photo, and comes as one
    assert organizer("sort", home.old, "--copy").code == 0
    assert home.filed() == {"Food": ["a.png"], "Pets": ["a.png"]}


def test_keywords_are_not_written_beside_photos_that_stay(organizer: Organizer, home: Home) -> None:
    home.config.write_text(home.config.read_text() + "metadata: {xmp_sidecar: true}\n")
    before = some_photos(home)
    organizer("sort", home.old, "--copy")
    assert state_of(home) == before


@pytest.mark.parametrize("words", [(), ("--dry-run",)])
def test_hard_links_to_another_device_are_refused_in_one_line(
    organizer: Organizer, home: Home, words: tuple[str, ...]
) -> None:
    if not os.access(MEMORY, os.W_OK) or MEMORY.stat().st_dev == home.root.stat().st_dev:
        pytest.skip("there is no second device")
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        photo = Path(shutil.move(home.draw("a.png", "Food", seed=1), folder))
        said = organizer("sort", folder, "--link", *words)
        assert said.code == 1
        assert said.err.count("\n") == 1
        assert "they are on different devices; use --copy or --symlink" in said.err
        assert photo.exists()
    assert home.filed() == {}


def test_what_does_not_go_together(organizer: Organizer, home: Home) -> None:
    for words, reason in (
        (("sort", home.old, "--copy", "--link"), "use one of --copy, --link and --symlink"),
        (("sort", "--plan", home.root / "p", "--copy"), "a plan already says how photos are filed"),
    ):
        said = organizer(*words)
        assert (said.code, said.out) == (2, "")
        assert reason in said.err
