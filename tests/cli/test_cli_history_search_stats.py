"""`history`, `search` and `stats`, as a person meets them."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.command_line import Home, Said

    Organizer = Callable[..., Said]


@pytest.fixture
def sorted_home(organizer: Organizer, home: Home) -> Home:
    """A home in which two photos were filed and one is for review."""
    home.draw("a.png", "Food", seed=1)
    home.draw("b.png", "Pets", seed=2)
    home.draw("c.png", "Food", between="Travel", seed=3)
    assert organizer("sort", home.old).code == 0
    return home


def test_search_prints_a_table_or_says_that_nothing_is_found(organizer: Organizer, sorted_home: Home) -> None:
    said = organizer("search", "a.png", "food")
    assert said.code == 0
    assert str(sorted_home.library / "Food/a.png") in said.out
    assert "1 photo\n" in said.out
    nothing = organizer("search", "nothing-like-it")
    assert (nothing.code, nothing.out) == (1, "nothing found\n")
    assert organizer("search", "png", "--limit", 2).out.endswith("the first 2; more with --limit\n")


def test_search_as_json_has_the_ledgers_columns(organizer: Organizer, sorted_home: Home) -> None:
    row = next(row for row in sorted_home.ledger() if row["source"].endswith("b.png"))
    (found,) = organizer("search", row["sha256"][:12], "--json").objects
    assert {
        key: found[key] for key in ("batch", "action", "sha256", "source", "destination", "category")
    } == {key: row[key] for key in ("batch", "action", "sha256", "source", "destination", "category")}
    assert len(organizer("search", "png", "--json").objects) == 3


def test_search_before_anything_was_filed(organizer: Organizer, home: Home) -> None:
    assert home
    assert (organizer("search", "x").code, organizer("search").code) == (1, 2)


def test_stats_are_a_table_json_and_a_page(organizer: Organizer, sorted_home: Home, tmp_path: Path) -> None:
    table = organizer("stats")
    assert table.code == 0
    assert re.search(r"Food +1 +1\.00 +0 +0\.0%", table.out)
    assert "Review: 1 photo waiting" in table.out
    (values,) = organizer("stats", "--json").objects
    assert values["totals"] == {"filed": 2, "review": 1}
    assert values["corrected_share"] == 0.0
    page = tmp_path / "photos.html"
    assert organizer("stats", "--html", page).out == f"wrote {page}\n"
    text = page.read_text()
    images = re.findall(r'<img alt="([^"]+)" src="data:image/svg\+xml;base64,([^"]+)">', text)
    assert [alt.partition(":")[0] for alt, _ in images] == [
        "Photos per month", "Confidence", "Corrected after filing", "Review",
    ]  # fmt: skip
    assert all(base64.b64decode(data).startswith(b"<svg") for _, data in images)
    assert "http" not in re.sub(r"base64,[^\"]+", "", text)


def test_stats_before_anything_was_filed(organizer: Organizer, home: Home, tmp_path: Path) -> None:
    assert home
    assert organizer("stats").out == "nothing was filed yet\n"
    assert json.loads(organizer("stats", "--json").out)["filed"] == 0
    assert organizer("stats", "--html", tmp_path / "p.html").code == 0
    refused = organizer("stats", "--html", tmp_path / "missing/p.html")
    assert (refused.code, "cannot be written" in refused.err) == (1, True)


def test_history_lists_batches_and_what_was_undone(organizer: Organizer, sorted_home: Home) -> None:
    batch = sorted_home.ledger()[0]["batch"]
    assert organizer("undo", "--photo", sorted_home.library / "Food/a.png").code == 0
    listed = organizer("history")
    assert listed.code == 0
    undo, first = listed.out.splitlines()[3:5]
    assert batch in first
    assert "Food 1, Pets 1; 1 to Review" in first
    assert "1 of 3" in first
    assert f"of {batch}" in undo
    last, values = organizer("history", "--json").objects
    assert (values["actions"], values["categories"]) == ({"filed": 2, "review": 1}, {"Food": 1, "Pets": 1})
    assert (values["undone"], values["undoable"], last["took_back"]) == (1, 2, [batch])
    assert organizer("undo", "--batch", batch).code == 0
    assert organizer("history", "--limit", 1).out.endswith("the last 1; more with --limit or --since\n")
    assert " all" in organizer("history").out.splitlines()[5]


def test_history_of_a_batch_lists_its_photos(organizer: Organizer, sorted_home: Home) -> None:
    batch = sorted_home.ledger()[0]["batch"]
    assert organizer("undo", "--photo", sorted_home.library / "Food/a.png").code == 0
    said = organizer("history", batch)
    assert said.code == 0
    assert said.out.endswith(f"3 photos; back: photo-organizer undo --batch {batch}\n")
    photos = organizer("history", batch, "--json").objects
    assert {photo["sha256"]: photo["undone"] for photo in photos} == {
        row["sha256"]: row["category"] == "Food" and row["action"] == "filed"
        for row in sorted_home.ledger()
        if row["batch"] == batch
    }
    unknown = organizer("history", "20200101-000000-1")
    assert (unknown.code, "there is no such batch; photo-organizer history lists them" in unknown.err) == (
        1,
        True,
    )
    assert organizer("history", batch, "--since", "1h").code == 2


def test_history_since_a_time(organizer: Organizer, sorted_home: Home) -> None:
    assert sorted_home
    assert len(organizer("history", "--since", "1h", "--json").objects) == 1
    assert organizer("history", "--since", "2099-01-01").out == "nothing was done since\n"


def test_history_before_anything_was_filed(organizer: Organizer, home: Home) -> None:
    assert home
    assert organizer("history").out == "nothing was filed yet\n"


def test_doctor_looks_for_the_programs_of_hooks_and_the_folder_of_the_metrics(
    organizer: Organizer, home: Home
) -> None:
    with home.config.open("a") as config:
        config.write(
            "hooks: {on_batch: [sh], on_error: [no-such-program]}\nmetrics: {textfile: no/such/m.prom}\n"
        )
    found = [
        check for check in organizer("doctor", "--json").objects if check["check"] in {"hooks", "metrics"}
    ]
    assert [(check["state"], check["found"]) for check in found] == [
        ("fix", "on_error: program not found: no-such-program"),
        ("ok", "on_batch"),
        ("fix", f"{home.root}/no/such/m.prom cannot be written"),
    ]
