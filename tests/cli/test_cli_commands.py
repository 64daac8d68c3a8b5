"""`init`, `status`, `why`, `undo`, `models`, `ledger`, `doctor`, `train` and `run` as a person meets them."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.command_line import Home, Said

    Organizer = Callable[..., Said]


def test_init_writes_a_config_once_and_makes_its_folders(organizer: Organizer, own_home: Path) -> None:
    path = own_home / ".config/photo-organizer/organizer.yaml"
    said = organizer("init")
    assert said.code == 0
    assert said.out == (
        f"wrote  {path}\nmade   {own_home}/Pictures/Inbox\nmade   {own_home}/Pictures/Library\n"
        f"next:  photo-organizer run, then drop photos in {own_home}/Pictures/Inbox\n"
    )
    path.write_text(path.read_text() + "# mine\n")
    again = organizer("init")
    assert again.out.startswith(f"kept   {path}\nnext:")
    assert path.read_text().endswith("# mine\n")


def test_init_takes_folders(organizer: Organizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    said = organizer("init", "--inbox", "my: in", "--inbox", "two", "--library", "lib", "--config", "o.yaml")
    assert said.code == 0
    assert (tmp_path / "my: in").is_dir()
    assert (tmp_path / "lib").is_dir()
    refused = organizer("init", "--inbox", "three", "--config", "o.yaml")
    assert refused.code == 1
    assert "o.yaml: this configuration already exists; change `inboxes` and `library` in it" in refused.err


def test_init_where_nothing_can_be_written(organizer: Organizer) -> None:
    said = organizer("init", "--config", "/dev/null/o.yaml")
    assert (said.code, said.err) == (
        1,
        "photo-organizer: /dev/null: this folder cannot be created\n",
    )


@pytest.fixture
def sorted_home(organizer: Organizer, home: Home) -> Home:
    """A home in which two photos were filed and one is for review."""
    home.draw("a.png", "Food", seed=1)
    home.draw("b.png", "Pets", seed=2)
    home.draw("c.png", "Food", between="Travel", seed=3)
    assert organizer("sort", home.old).code == 0
    return home


def test_why_tells_a_filed_photo_by_any_of_its_names(organizer: Organizer, sorted_home: Home) -> None:
    filed = sorted_home.library / "Food/a.png"
    sha256 = next(row["sha256"] for row in sorted_home.ledger() if row["category"] == "Food")
    said = organizer("why", filed)
    assert said.code == 0
    assert "decision    filed: Food 1.00 (threshold 0.95, margin 1.00)" in said.out
    assert f"-> {filed}" in said.out
    by_path, by_old_path, by_hash = (
        organizer("why", photo, "--json").objects[0]
        for photo in (filed, sorted_home.old / "a.png", sha256.upper())
    )
    assert by_path == by_old_path == by_hash
    assert by_path["path"] == str(filed)
    assert by_path["category"] == "Food"
    assert sum(by_path["probabilities"].values()) == pytest.approx(1, abs=0.01)
    assert next(iter(by_path["probabilities"])) == "Food"
    # renamed by its owner: the bytes tell
    filed.rename(sorted_home.library / "renamed.png")
    assert organizer("why", sorted_home.library / "renamed.png", "--json").objects[0]["sha256"] == sha256


def test_why_classifies_a_photo_that_was_never_filed(organizer: Organizer, home: Home) -> None:
    photo = home.draw("new.png", "Travel")
    said = organizer("why", photo)
    assert said.code == 0
    assert "decision    would be filed: Travel" in said.out
    assert photo.exists()
    assert home.ledger() == []


def test_a_heatmap_is_a_new_file(organizer: Organizer, home: Home) -> None:
    photo = home.draw("new.png", "Travel")
    target = home.root / "heat.png"
    assert organizer("why", photo, "--heatmap", target).code == 0
    assert target.stat().st_size > 0
    before = photo.read_bytes()
    for existing in (target, photo):
        refused = organizer("why", photo, "--heatmap", existing)
        assert refused.code == 1
        assert f"{existing}: is there already; choose another name" in refused.err
    assert photo.read_bytes() == before


def test_why_of_nothing(organizer: Organizer, home: Home) -> None:
    said = organizer("why", home.root / "none.jpg")
    assert said.code == 1
    assert said.err == f"photo-organizer: {home.root}/none.jpg: does not exist, and is not in the journal\n"
    text = home.root / "text.txt"
    text.write_text("hello")
    assert organizer("why", text).code == 1
    assert f"{home.library}: is a folder; name one photo in it\n" in organizer("why", home.library).err


def test_undo_by_photo_time_and_batch(organizer: Organizer, sorted_home: Home) -> None:
    home = sorted_home
    dry = organizer("undo", "--dry-run")
    assert "3 photos would go back; nothing was moved" in dry.out
    assert len(home.filed()) == 3
    assert organizer("undo", "--photo", home.library / "Food/a.png").code == 0
    assert (home.old / "a.png").exists()
    batch = home.ledger()[0]["batch"]
    rows = organizer("undo", "--batch", batch, "--json").objects
    assert {os.path.basename(row["destination"]) for row in rows} == {"b.png", "c.png"}
    assert home.filed() == {}
    nothing = organizer("undo", "--since", "1h")
    assert nothing.code == 1
    assert "nothing to take back" in nothing.err


def test_undo_leaves_what_changed_and_says_so(organizer: Organizer, sorted_home: Home) -> None:
    (sorted_home.library / "Food/a.png").write_bytes(b"edited")
    said = organizer("undo")
    assert said.code == 3
    assert f"not taken back: {sorted_home.library}/Food/a.png: changed since it was filed" in said.err
    assert "2 photos taken back" in said.out


def test_undo_takes_one_selection(organizer: Organizer, config_file: Path) -> None:
    assert organizer("undo", "--since", "1h", "--batch", "x").code == 2


def test_ledger_verify_and_rebuild(organizer: Organizer, sorted_home: Home) -> None:
    path = sorted_home.state / "predictions.csv"
    assert organizer("ledger", "verify").out == f"{path}: 3 rows, all as in the journal\n"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    wrong = organizer("ledger", "verify")
    assert wrong.code == 1
    assert "differs from the journal; to rewrite it: photo-organizer ledger rebuild" in wrong.err
    assert organizer("ledger", "rebuild").out == f"{path}: 3 rows written\n"
    assert organizer("ledger", "verify").code == 0


def test_models_list_show_and_use(organizer: Organizer, home: Home) -> None:
    other = home.models / "other"
    other.mkdir()
    for file in (home.models / "small").iterdir():
        (other / file.name).write_bytes(file.read_bytes())
    description = json.loads((other / "model.json").read_text())
    estimate = {
        "before": {"filed_share": 0.44, "filed_precision": 0.9},
        "after": {"filed_share": 0.54, "filed_precision": 0.93},
    }
    tested = {"photos": 701, "accuracy": 0.87, "coverage": 0.69, "filed_precision": 0.98}
    metrics = {"estimate": estimate, "same_sources": tested}
    (other / "model.json").write_text(json.dumps(description | {"id": "other", "metrics": metrics}))
    listed = organizer("models", "list")
    assert "* small" in " ".join(listed.out.split())
    assert "    of photos like yours it files 54% (44% before)\n" in listed.out
    assert "    of the filed 93% are right (90% before)\n" in listed.out
    assert max(map(len, listed.out.splitlines())) <= 60
    assert {one["id"]: one["current"] for one in organizer("models", "list", "--json").objects} == {
        "small": True, "other": False,
    }  # fmt: skip
    shown = organizer("models", "show", "other").out
    assert "87% of 701 photos right; files 69%, 98% of these right" in shown
    assert "your photos of photos like yours it files 54% (44% before)" in shown
    assert organizer("models", "show", "other", "--json").objects[0]["metrics"]["same_sources"] == tested
    used = organizer("models", "use", "other")
    assert used.out == "other is in use now; to go back: photo-organizer models use small\n"
    assert (home.models / "current").readlink().name == "other"
    assert organizer("models", "use", "other").out == "other is in use already\n"
    missing = organizer("models", "use", "none")
    assert missing.code == 1
    assert "there is no model none" in missing.err


def test_a_damaged_model_is_not_taken_over(organizer: Organizer, home: Home) -> None:
    bad = home.models / "bad"
    bad.mkdir()
    for file in (home.models / "small").iterdir():
        (bad / file.name).write_bytes(file.read_bytes() + (b"x" if file.name == "head.npz" else b""))
    said = organizer("models", "use", "bad")
    assert said.code == 1
    assert "its SHA-256 differs" in said.err
    assert (home.models / "current").readlink().name == "small"


def test_doctor_finds_what_is_wrong_and_how_to_put_it_right(organizer: Organizer, sorted_home: Home) -> None:
    home = sorted_home
    (home.library / "Pets/b.png").rename(home.library / "Pets/b.jpg")
    checks = {check["check"]: check for check in organizer("doctor", "--json").objects}
    assert checks["model"]["state"] == "ok"
    assert checks["names"]["found"] == f"wrong extensions: {home.library}/Pets/b.jpg is png"
    home.inbox.rmdir()
    said = organizer("doctor")
    assert said.code == 1
    assert f"FIX   folders: the inbox {home.inbox} is missing\n      -> mount it" in said.out
    (home.models / "small/head.npz").unlink()
    assert "FIX   model:" in organizer("doctor").out


TRAINING = """
import json, sys
print("chatter of a library")
print(json.dumps({"event": "progress", "stage": "features", "done": 3, "total": 9, "text": "photo 3"}))
outcome = {"event": "outcome", "promoted": %s, "model": "new", "reason": "better by 0.02", "report": None}
print(json.dumps(outcome))
sys.exit(%d)
"""


def fake_training(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: str) -> None:
    """Another program in the place of the training process."""
    (tmp_path / "fake_training.py").write_text(code)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr("photo_organizer.cli.learning.training_progress.PROCESS", "fake_training")


def test_train_shows_progress_and_outcome(
    organizer: Organizer, config_file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for promoted, words in (
        ("True", "new is in use now: better by 0.02\n"),
        ("False", "new is kept, but the previous model stays in use: better by 0.02\n"),
    ):
        fake_training(monkeypatch, tmp_path, TRAINING % (promoted, 0))
        said = organizer("train")
        assert (said.code, said.out, said.err) == (0, words, "features (9): photo 3\n")


def test_a_training_that_fails_is_one_line(
    organizer: Organizer, config_file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fake_training(monkeypatch, tmp_path, "import sys; sys.exit('boom')")
    said = organizer("train")
    assert said.code == 1
    assert said.err.endswith(
        f"the training process ended with 1; details are in {tmp_path}/state/training.log\n"
    )
    assert "boom" in (tmp_path / "state/training.log").read_text()


def test_run_makes_new_folders_and_hands_over(
    organizer: Organizer, config_file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "in").rmdir()
    seen: list[Path] = []
    monkeypatch.setattr("photo_organizer.service.daemon.run_daemon", lambda path: seen.append(path) or 0)
    said = organizer("run")
    assert (said.code, said.err) == (0, f"made {tmp_path}/in\n")
    assert seen == [config_file]


def test_undo_asks_on_a_terminal_and_says_how_many(
    organizer: Organizer, sorted_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def confirm(text: str, **_: object) -> bool:
        asked.append(text)
        return len(asked) > 1

    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("click.confirm", confirm)
    assert organizer("undo").code == 1
    assert len(sorted_home.filed()) == 3
    assert organizer("undo", "--photo", sorted_home.library / "Food/a.png").code == 0
    assert organizer("undo").code == 0
    assert asked == ["Take back 3 photos?", "Take back 2 photos?"]


def test_undo_with_yes_asks_nothing(
    organizer: Organizer, sorted_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("click.confirm", lambda *_, **__: pytest.fail("asked"))
    assert organizer("undo", "--yes").code == 0
    assert sorted_home.filed() == {}


def test_undo_help_names_every_unit_of_time(organizer: Organizer) -> None:
    text = organizer("undo", "--help").out
    for example in ("90m", "2h", "3d", "1w"):
        assert example in text


def test_a_late_companion_is_explained_and_taken_back_alone(organizer: Organizer, sorted_home: Home) -> None:
    from photo_organizer.companions.late import LateCompanion
    from photo_organizer.config import load_configuration
    from photo_organizer.library import Library
    from photo_organizer.photo import FileIdentity, Photo

    home = sorted_home
    late = home.old / "a.png.xmp"
    late.write_text("<x/>")
    companion = LateCompanion(Photo(late, FileIdentity.of(late.stat())), home.old)
    with Library.open(load_configuration(home.config)) as library:
        assert library.join([companion], home.old).joined
    joined = home.library / "Food/a.png.xmp"
    for words in (joined, home.library / "Food/a.png"):
        said = organizer("why", words)
        assert said.code == 0, said.err
        assert "joined" in said.out
        assert "because it is named like the photo, and" in said.out
    said = organizer("undo", "--photo", joined)
    assert (said.code, late.exists(), joined.exists()) == (0, True, False)
    assert (home.library / "Food/a.png").exists()
    assert organizer("ledger", "verify").code == 0


def test_a_journal_that_is_damaged_or_gone_is_noticed_and_no_rebuild_is_advised(
    organizer: Organizer, home: Home
) -> None:
    home.draw("a.png", "Food")
    assert organizer("sort", home.old).code == 0
    (home.state / "journal.sqlite").write_text("damaged" * 1000)
    for command in ("status", "doctor"):
        assert "the journal is damaged (file is not a database)" in organizer(command).out
    for path in home.state.glob("journal*"):
        path.unlink() if path.is_file() else shutil.rmtree(path)
    for command in ("status", "doctor"):
        assert "the journal is gone, although the ledger has photos" in organizer(command).out
    before = home.ledger()
    for command in ("verify", "rebuild"):
        said = organizer("ledger", command)
        assert said.code == 1
        assert "a rebuild would lose what only the ledger has" in said.err
    assert home.ledger() == before
    home.draw("b.png", "Pets")
    assert organizer("sort", home.old).code == 0
    assert organizer("ledger", "verify").code == 0
    assert len(home.ledger()) == 2
