"""`photo-organizer move`, as a person calls it."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Organizer = Callable[..., Any]
Home = Any


@pytest.fixture
def filed(home: Home, organizer: Organizer) -> Home:
    """A home with three photos of food and one of a pet in its library, one with companions."""
    for name in ("f1.jpg", "f2.jpg", "f3.jpg"):
        home.draw(name, "Food", seed=int(name[1]))
    home.draw("p.jpg", "Pets", seed=9)
    (home.old / "f1.xmp").write_text("of f1")
    (home.old / "f1.mov").write_bytes(b"of f1")
    assert organizer("sort", home.old).code == 0
    assert home.filed()["Food"] == ["f1.jpg", "f1.mov", "f1.xmp", "f2.jpg", "f3.jpg"]
    return home


def test_it_moves_with_companions_and_undo_takes_it_back(filed: Home, organizer: Organizer) -> None:
    before = filed.contents()
    said = organizer("move", filed.library / "Food" / "f1.jpg", "Pets")
    assert (said.code, said.err) == (0, "")
    assert "1 photo moved" in said.out
    assert filed.filed() == {"Food": ["f2.jpg", "f3.jpg"], "Pets": ["f1.jpg", "f1.mov", "f1.xmp", "p.jpg"]}
    row = filed.ledger()[-1]
    assert (row["action"], row["category"], Path(row["destination"]).parent.name) == (
        "corrected",
        "Food",
        "Pets",
    )
    assert organizer("undo").code == 0
    assert filed.filed()["Food"] == ["f1.jpg", "f1.mov", "f1.xmp", "f2.jpg", "f3.jpg"]
    assert filed.contents() == before


def test_globs_and_companions_name_each_photo_once(filed: Home, organizer: Organizer) -> None:
    said = organizer("move", filed.library / "Food" / "f[12].*", "pets")
    assert (said.code, "2 photos moved" in said.out) == (0, True)
    assert filed.filed()["Pets"] == ["f1.jpg", "f1.mov", "f1.xmp", "f2.jpg", "p.jpg"]
    assert len({row["batch"] for row in filed.ledger() if row["action"] == "corrected"}) == 1


@pytest.mark.parametrize("separator", [b"\n", b"\r\n", b"\0"])
def test_a_list_on_standard_input(
    filed: Home, organizer: Organizer, monkeypatch: pytest.MonkeyPatch, separator: bytes
) -> None:
    paths = [str(filed.library / "Food" / name).encode() for name in ("f2.jpg", "f3.jpg")]

    class Input:
        buffer = io.BytesIO(separator.join([*paths, b""]))

    monkeypatch.setattr("sys.stdin", Input())
    assert organizer("move", "-", "Pets").code == 0
    assert filed.filed()["Pets"] == ["f2.jpg", "f3.jpg", "p.jpg"]


def test_what_cannot_be_moved_is_told_and_the_rest_is_done(filed: Home, organizer: Organizer) -> None:
    food = filed.library / "Food"
    said = organizer(
        "move", food / "gone.jpg", food / "f2.jpg", filed.library / "Pets" / "p.jpg", food, "Pets"
    )
    assert said.code == 3
    assert "gone.jpg: is not there" in said.err
    assert "p.jpg: is in Pets already" in said.err
    assert "is a folder" in said.err
    assert "1 photo moved" in said.out


def test_an_unknown_category_is_refused_with_the_nearest(filed: Home, organizer: Organizer) -> None:
    said = organizer("move", filed.library / "Food" / "f2.jpg", "Petz")
    assert (said.code, "Pets" in said.err, "--new" in said.err) == (1, True, True)
    said = organizer("move", "--new", filed.library / "Food" / "f2.jpg", "Garden")
    assert said.code == 0
    assert filed.filed()["Garden"] == ["f2.jpg"]
    assert organizer("move", filed.library / "Food" / "f3.jpg", "garden").code == 0  # it is known by now
    for name in ("a/b", "..", ".hidden", "Duplicates"):
        assert organizer("move", "--new", filed.library / "Garden" / "f2.jpg", name).code == 1


def test_from_an_inbox_and_back_to_review(filed: Home, organizer: Organizer) -> None:
    arrived = filed.draw("new.jpg", "Food", seed=20)
    arrived = arrived.rename(filed.inbox / "new.jpg")
    assert organizer("move", arrived, "Pets").code == 0
    assert "new.jpg" in filed.filed()["Pets"]
    assert organizer("move", filed.library / "Pets" / "new.jpg", "Review").code == 0
    assert filed.filed()["Review"] == ["new.jpg"]
    assert organizer("undo").code == 0
    assert organizer("undo").code == 0
    assert (filed.inbox / "new.jpg").exists()


def test_a_dry_run_and_json(filed: Home, organizer: Organizer) -> None:
    photo = filed.library / "Food" / "f2.jpg"
    assert "would be moved" in organizer("move", "--dry-run", photo, "Pets").out
    assert photo.exists()
    (told,) = organizer("move", "--json", photo, "Pets").objects
    assert (told["source"], Path(told["destination"]).name, told["refused"]) == (str(photo), "f2.jpg", None)


def test_through_a_symbolic_link_to_the_library(filed: Home, organizer: Organizer, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(filed.library)
    assert organizer("move", link / "Food" / "f1.jpg", "Pets").code == 0
    assert organizer("undo", "--photo", filed.library / "Pets" / "f1.jpg").code == 0
    assert "f1.jpg" in filed.filed()["Food"]


def test_by_a_folder_template(filed: Home, organizer: Organizer) -> None:
    filed.config.write_text(filed.config.read_text() + 'folders: "{taken:%Y}/{category}/{inbox}"\n')
    drawn = filed.draw("IMG_20210305_1.jpg", "Food", seed=30)
    drawn = drawn.rename(filed.inbox / drawn.name)
    assert organizer("move", drawn, "Pets").code == 0
    moved = filed.library / "2021" / "Pets" / "in" / drawn.name
    assert moved.exists()
    assert organizer("move", moved, "Food").code == 0  # the other parts of its folder stay as they are
    assert (filed.library / "2021" / "Food" / "in" / drawn.name).exists()


def test_quarantine_is_not_moved_by_hand(filed: Home, organizer: Organizer, tmp_path: Path) -> None:
    bad = filed.state / "quarantine" / "bad.jpg"
    bad.write_bytes(b"bad")
    said = organizer("move", bad, "Pets")
    assert (said.code, "undo" in said.err) == (3, True)


def test_usage(organizer: Organizer, config_file: Any) -> None:
    assert organizer("move").code == 2
    assert organizer("move", "photo.jpg").code == 2
