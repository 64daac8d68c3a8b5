"""`sort`, `move` and `config check` with an inbox that has settings of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.command_line import below
from support.small_models import draw_photo

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.command_line import Home, Said

    Organizer = Callable[..., Said]


@pytest.fixture
def phone(home: Home) -> Path:
    """An inbox whose photos are copied to a library of their own; photos in it and in the plain inbox."""
    folder = home.root / "phone"
    own = "{path: phone, library: family, action: copy, ignore: [raw/], duplicates: keep}"
    text = home.config.read_text().replace("inboxes: [in]", f"inboxes: [in, {own}]")
    home.config.write_text(text)
    draw_photo(home.inbox / "a.png", "Food", seed=1)
    draw_photo(folder / "b.png", "Pets", seed=2)
    draw_photo(folder / "raw/c.png", "Pets", seed=3)
    return folder


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in below(folder)}


def test_sort_files_each_photo_by_the_settings_of_its_inbox(
    organizer: Organizer, home: Home, phone: Path
) -> None:
    (home.root / "family").mkdir()
    said = organizer("config", "check")
    assert f"{home.inbox} -> {home.library}; {phone} -> {home.root}/family" in said.out
    assert organizer("sort", home.inbox, phone).code == 0
    assert names(home.library) == {"Food/a.png"}
    assert names(home.root / "family") == {"Pets/b.png"}
    assert names(phone) == {"b.png", "raw/c.png"}
    assert names(home.inbox) == set()
    again = organizer("sort", phone)
    assert "left where they are: 1 filed before" in again.out
    assert organizer("move", home.root / "family/Pets/b.png", "Food").code == 0
    assert names(home.root / "family") == {"Food/b.png"}
    organizer("undo")
    assert organizer("undo", "--yes").code == 0
    assert names(home.root / "family") == set()


def test_a_plan_has_one_library_and_one_action(organizer: Organizer, home: Home, phone: Path) -> None:
    plan = home.root / "the.plan"
    both = organizer("sort", "--dry-run", "--plan", plan, home.inbox, phone)
    assert both.code == 1
    assert "different libraries or actions, and a plan has one of each; make a plan for each" in both.err
    assert organizer("sort", "--dry-run", "--plan", plan, phone).code == 0
    assert organizer("sort", "--plan", plan).code == 0
    assert names(home.root / "family") == {"Pets/b.png"}
    assert names(phone) == {"b.png", "raw/c.png"}
