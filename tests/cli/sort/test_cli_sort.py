"""`sort`: filing once, planning, carrying a plan out, and taking it back."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from support.command_line import Home, Said

    Organizer = Callable[..., Said]

COLUMNS = [
    "time", "batch", "action", "sha256", "source", "destination", "category", "confidence", "second_category",
    "second_confidence", "threshold", "model",
]  # fmt: skip


def some_photos(home: Home) -> None:
    """Food, Pets, an unsure one, the first again, one that is damaged, and a text."""
    home.draw("a.png", "Food", seed=1)
    home.draw("deeper/b.jpg", "Pets", seed=2)
    home.draw("c.png", "Food", between="Travel", seed=3)
    (home.old / "again.png").write_bytes((home.old / "a.png").read_bytes())
    (home.old / "damaged.jpg").write_bytes(b"\xff\xd8\xff\xe0 this is no JPEG")
    (home.old / "notes.txt").write_text("not a photo")


def test_sort_files_what_is_there_and_undo_takes_all_of_it_back(organizer: Organizer, home: Home) -> None:
    some_photos(home)
    before = home.contents()
    said = organizer("sort", home.old)
    assert said.code == 3  # one is in quarantine
    assert "5 photos: 2 filed, 1 for review, 1 as duplicates, 1 in quarantine" in said.out
    assert "left where they are: 1 no photos" in said.out
    filed = home.filed()
    assert filed.pop("Duplicates") in (["again.png"], ["a.png"])
    assert filed.pop("Food") in (["a.png"], ["again.png"])
    assert filed == {"Pets": ["b.jpg"], "Review": ["c.png"]}
    assert (home.state / "quarantine/damaged.jpg.reason.txt").read_text()
    assert home.contents() == before
    assert len({row["batch"] for row in home.ledger()}) == 1

    undone = organizer("undo")
    assert undone.code == 0
    assert "5 photos taken back" in undone.out
    assert home.filed() == {}
    assert {path.name for path in home.old.iterdir()} == {
        "a.png", "again.png", "c.png", "damaged.jpg", "notes.txt", "deeper",
    }  # fmt: skip
    assert home.contents() == before
    # what is named is filed again, although undo put it there
    assert organizer("sort", home.old / "deeper/b.jpg").code == 0
    assert home.filed() == {"Pets": ["b.jpg"]}


def test_json_has_the_ledgers_columns_and_values(organizer: Organizer, home: Home) -> None:
    home.draw("a.png", "Food", seed=1)
    home.draw("b.png", "Food", between="Travel", seed=2)
    said = organizer("sort", home.old, "--json")
    assert said.err == ""
    rows = {row["source"]: row for row in said.objects}
    assert len(rows) == 2
    for written in home.ledger():
        row = rows[written["source"]]
        assert list(row) == COLUMNS
        for key in ("batch", "action", "sha256", "destination", "category", "second_category", "model"):
            assert row[key] == written[key]
        for key in ("confidence", "second_confidence", "threshold"):
            assert f"{row[key]:.4f}" == written[key]


def test_a_dry_run_moves_nothing_and_says_what_sort_then_does(organizer: Organizer, home: Home) -> None:
    some_photos(home)
    home.draw("twin/b.jpg", "Pets", seed=7)  # the same name from another folder
    plan = {row["source"]: row for row in organizer("sort", home.old, "--dry-run", "--json").objects}
    assert home.ledger() == []
    assert home.filed() == {}
    done = {row["source"]: row for row in organizer("sort", home.old, "--json").objects}
    assert plan.keys() == done.keys()
    pets = sorted(row["destination"] for row in plan.values() if row["category"] == "Pets")
    assert pets == [f"{home.library}/Pets/b (2).jpg", f"{home.library}/Pets/b.jpg"]
    for key in ("action", "category", "confidence", "threshold"):
        same = [source for source in plan if plan[source][key] == done[source][key]]
        # which of two equal photos is the first may differ
        assert {"a.png", "again.png"} >= {os.path.basename(source) for source in plan.keys() - same}
    assert sorted(row["destination"] for row in done.values() if row["category"] == "Pets") == pets


def test_a_dry_run_for_people(organizer: Organizer, home: Home) -> None:
    some_photos(home)
    said = organizer("sort", home.old, "--dry-run")
    assert said.code == 3
    assert (
        "planned 5 photos: 2 filed, 1 for review, 1 as duplicates, 1 in quarantine; nothing was moved"
        in said.out
    )
    assert "disk work: 5 files renamed (no bytes are copied), 4 new folders" in said.out
    assert "0.9-1.0          3  ████" in said.out


def test_a_plan_is_carried_out_as_it_is_and_only_where_nothing_changed(
    organizer: Organizer, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"{number}.png" for number in range(6)]
    for number, name in enumerate(names):
        home.draw(name, "Food", seed=number)
    plan = home.root / "old.plan"
    said = organizer("sort", home.old, "--dry-run", "--plan", plan)
    assert said.code == 0, said.err
    sheet = (home.root / "old.plan.html").read_text()
    assert sheet.count("<figure ") == 6
    assert sheet.count("data:image/jpeg;base64,") == 6
    assert not (home.root / "old.plan.part").exists()

    (home.old / "0.png").unlink()
    home.draw("1.png", "Pets", seed=11)  # rewritten since
    home.draw("new.png", "Pets", seed=12)  # not in the plan
    (home.library / "Food").mkdir()
    (home.library / "Food/2.png").write_text("another")
    # no classifying: there is no model to do it with
    monkeypatch.setattr("photo_organizer.service.runtime.VisionClient", None)
    done = organizer("sort", "--plan", plan)
    assert done.code == 3
    assert "6 photos: 3 filed, 3 not filed" in done.out
    assert f"{home.old}/0.png: no longer there" in done.err
    assert f"{home.old}/1.png: changed since it was planned" in done.err
    assert f"{home.old}/2.png: its planned name is taken ({home.library}/Food/2.png)" in done.err
    assert home.filed() == {"Food": ["2.png", "3.png", "4.png", "5.png"]}
    assert sorted(path.name for path in home.old.iterdir()) == ["1.png", "2.png", "new.png"]
    assert all(row["confidence"] and row["model"] == "small" for row in home.ledger())
    # again: what it has filed is passed over
    assert "left where they are: 3 filed by this plan before" in organizer("sort", "--plan", plan).out


def test_a_plan_for_another_library_or_of_another_kind_is_refused(organizer: Organizer, home: Home) -> None:
    home.draw("a.png", "Food")
    plan = home.root / "p"
    organizer("sort", home.old, "--dry-run", "--plan", plan)
    text = home.config.read_text()
    home.config.write_text(text.replace("library: lib", "library: lib2"))
    assert f"is for the library {home.library}, not {home.root}/lib2" in organizer("sort", "--plan", plan).err
    home.config.write_text(text)
    lines = plan.read_text().splitlines()
    plan.write_text("\n".join([*lines, lines[-1][:40]]) + "\n")
    assert "p: line 3 is damaged (not JSON); make the plan again" in organizer("sort", "--plan", plan).err
    plan.write_text("hello\n")
    for words in (("sort", "--plan", plan), ("sort", home.old, "--dry-run", "--plan", plan)):
        said = organizer(*words)
        assert said.code == 1
        assert "is not a plan" in said.err
    assert plan.read_text() == "hello\n"
    assert (home.old / "a.png").exists()


def test_an_interrupted_plan_goes_on_where_it_was(organizer: Organizer, home: Home) -> None:
    for number in range(200):
        home.draw(f"{number}.jpg", "Food", seed=number)
    plan = home.root / "p"
    words = [
        sys.executable,
        "-m",
        "photo_organizer",
        "sort",
        str(home.old),
        "--dry-run",
        "--json",
        "--plan",
        str(plan),
    ]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None
        first.stdout.readline()
        first.send_signal(signal.SIGINT)
        _, err = first.communicate()
    assert first.returncode == 130
    assert err == "stopped; run the same command again to continue\n"
    assert not plan.exists()
    assert (home.root / "p.part").exists()
    done = organizer("sort", home.old, "--dry-run", "--json", "--plan", plan)
    assert done.code == 0
    assert len(done.objects) == 200
    assert len(plan.read_text().splitlines()) == 201
    assert len({json.loads(line)["destination"] for line in plan.read_text().splitlines()[1:]}) == 200
    assert home.ledger() == []


def test_ctrl_c_stops_between_two_photos_and_the_same_command_goes_on(
    organizer: Organizer, home: Home
) -> None:
    for number in range(200):
        home.draw(f"{number}.jpg", "Food", seed=number)
    before = home.contents()
    words = [sys.executable, "-m", "photo_organizer", "sort", str(home.old), "--json"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None
        first.stdout.readline()
        first.send_signal(signal.SIGINT)
        first.communicate()
    assert first.returncode == 130
    assert home.contents() == before
    filed = len(home.ledger())
    assert 0 < filed < 200
    assert organizer("sort", home.old).code == 0
    assert len(home.ledger()) == 200
    assert home.contents() == before


def test_a_terminal_shows_how_far_it_is_and_how_fast(home: Home) -> None:
    for number in range(5):
        home.draw(f"{number}.png", "Food", seed=number)
    terminal, stderr = pty.openpty()
    words = [sys.executable, "-m", "photo_organizer", "sort", str(home.old)]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120"}
    done = subprocess.run(
        words, stdout=subprocess.PIPE, stderr=stderr, check=False, text=True, env=environment
    )
    os.close(stderr)
    shown = b""
    with suppress(OSError):  # what Linux says at the end of a terminal whose other side is closed
        while part := os.read(terminal, 1 << 16):
            shown += part
    os.close(terminal)
    assert done.returncode == 0
    assert b"5/5" in shown
    assert b"photos/s" in shown
    assert b"Food" in shown


def test_what_cannot_be_sorted(organizer: Organizer, home: Home) -> None:
    (home.library / "x").mkdir()
    for words, code, reason in (
        (("sort",), 2, "name the folders or photos to sort"),
        (("sort", home.root / "none"), 1, f"{home.root}/none: is not there"),
        (("sort", home.library / "x"), 1, f"{home.library}/x: is in the library ({home.library})"),
        (("sort", home.old, "--plan", home.root / "p"), 2, "a plan already names its photos"),
    ):
        said = organizer(*words)
        assert (said.code, said.out) == (code, "")
        assert reason in said.err
        assert said.err.count("\n") == 1


def test_what_is_ours_is_not_sorted_when_it_lies_below(organizer: Organizer, home: Home) -> None:
    home.draw("a.png", "Food")
    (home.old / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0" + bytes(500))
    report = home.models / "report"
    report.mkdir()
    home.draw("plot.png", "Pets").rename(report / "plot.png")
    alias = home.root.with_name(f"{home.root.name}-alias")
    alias.symlink_to(home.root)
    for _ in range(2):
        assert organizer("sort", f"{alias}/").code in {0, 3}
    assert home.filed() == {"Food": ["a.png"]}
    assert (report / "plot.png").exists()
    assert {path.name for path in (home.state / "quarantine").iterdir()} == {
        "broken.jpg", "broken.jpg.reason.txt",
    }  # fmt: skip


def test_symbolic_links_are_left_and_told(organizer: Organizer, home: Home) -> None:
    home.draw("a.png", "Food").rename(home.root / "a.png")
    for number in range(3):
        (home.old / f"{number}.png").symlink_to(home.root / "a.png")
    (home.old / "folder").symlink_to(home.root)
    for words in (("sort", home.old), ("sort", home.old, "--dry-run")):
        said = organizer(*words)
        assert said.code == 0
        assert "left where they are: 4 symbolic links, which are not followed" in said.out


def test_a_library_in_use_is_told_with_its_owner(organizer: Organizer, home: Home) -> None:
    from photo_organizer.config import load_configuration
    from photo_organizer.library import Library

    home.draw("a.png", "Food")
    with Library.open(load_configuration(home.config), owner=True):
        said = organizer("sort", home.old)
    assert said.code == 1
    assert f"in use by process {os.getpid()}" in said.err
    assert (home.old / "a.png").exists()


def test_a_names_bytes_survive_in_json_and_plan(organizer: Organizer, home: Home) -> None:
    photo = home.draw("a.png", "Food")
    odd = os.fsencode(home.old) + b"/\xff\n\xe2\x80\xae.png"
    photo.rename(os.fsdecode(odd))
    plan = home.root / "p"
    [row] = organizer("sort", home.old, "--dry-run", "--json", "--plan", plan).objects
    assert row["source"].endswith(r"\xff\n\u202e.png")
    assert organizer("sort", "--plan", plan).code == 0
    [filed] = (home.library / "Food").iterdir()
    assert os.fsencode(filed.name) == b"\xff\n\xe2\x80\xae.png"
