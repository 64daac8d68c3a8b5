"""Plans of large archives: disks plugged in again, other machines, other processors, order, size."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from photo_organizer.cli.sort.plan_files.planned_photo import PlannedPhoto

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.command_line import Home, Said

    Organizer = Callable[..., Said]


def make_plan(organizer: Organizer, home: Home, *, photos: int = 3, name: str = "p") -> Path:
    for number in range(photos):
        home.draw(f"{number}.png", "Food", seed=number)
    plan = home.root / name
    assert organizer("sort", home.old, "--dry-run", "--plan", plan).code == 0
    return plan


def rewrite(plan: Path, *, head: dict[str, Any] | None = None, device: int | None = None) -> None:
    """Change a plan as another machine, or the disk at another port, would have written it."""
    first, *photos = [json.loads(line) for line in plan.read_text().splitlines()]
    for photo in photos:
        if device is not None:
            photo["identity"][0] = device
            photo["companions"] = [[path, device, *rest] for path, _, *rest in photo["companions"]]
    lines = [first | (head or {}), *photos]
    plan.write_text("".join(json.dumps(line) + "\n" for line in lines))


def test_a_plan_is_carried_out_after_the_disk_was_plugged_in_again(
    organizer: Organizer, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = make_plan(organizer, home)
    (home.old / "1.xmp").write_text("<x/>")
    assert organizer("sort", home.old, "--dry-run", "--plan", plan).code == 0
    head = json.loads(plan.read_text().splitlines()[0])
    [[number, folder]] = head["devices"]
    assert (number, folder) == (home.old.stat().st_dev, str(home.old))
    rewrite(plan, head={"devices": [[987654, folder]]}, device=987654)
    # no photo is read again for that
    monkeypatch.setattr("photo_organizer.cli.sort.plan_files.unchanged.photo_sha256", None)
    said = organizer("sort", "--plan", plan)
    assert (said.code, said.err) == (0, "")
    assert home.filed() == {"Food": ["0.png", "1.png", "1.xmp", "2.png"]}


def test_on_another_machine_photos_are_known_by_their_bytes(organizer: Organizer, home: Home) -> None:
    plan = make_plan(organizer, home)
    before = (home.old / "1.png").stat()
    contents = bytearray((home.old / "1.png").read_bytes())
    contents[-20] ^= 1
    (home.old / "1.png").write_bytes(contents)  # in place: same inode and size, and soon the same time
    os.utime(home.old / "1.png", ns=(before.st_atime_ns, before.st_mtime_ns))
    rewrite(plan, head={"machine": "another"}, device=5)
    said = organizer("sort", "--plan", plan)
    assert said.code == 3
    assert "1.png: changed since it was planned" in said.err
    assert home.filed() == {"Food": ["0.png", "2.png"]}


def test_another_file_of_the_same_size_and_time_is_not_taken_for_the_planned_one(
    organizer: Organizer, home: Home
) -> None:
    plan = make_plan(organizer, home, photos=2)
    status = (home.old / "0.png").stat()
    (home.old / "0.png").rename(home.root / "aside.png")
    (home.old / "0.png").write_bytes(bytes(status.st_size))
    os.utime(home.old / "0.png", ns=(status.st_atime_ns, status.st_mtime_ns))
    copy = home.old / "copy.png"
    copy.write_bytes((home.old / "1.png").read_bytes())
    old = (home.old / "1.png").stat()
    os.utime(copy, ns=(old.st_atime_ns, old.st_mtime_ns))
    copy.rename(home.old / "1.png")  # restored from a backup: another inode, the same bytes
    said = organizer("sort", "--plan", plan)
    assert said.code == 3
    assert "0.png: changed since it was planned" in said.err
    assert home.filed() == {"Food": ["1.png"]}


def test_a_draft_survives_another_device_number(
    organizer: Organizer, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = begun(organizer, home, monkeypatch)
    with closing(sqlite3.connect(f"{plan}.part")) as database, database:
        [(identity,)] = database.execute("SELECT identity FROM photos LIMIT 1").fetchall()
    assert str(home.old.stat().st_dev) not in json.dumps(json.loads(identity)[1][0][1:2])
    assert json.loads(identity)[0] == str(home.old)
    monkeypatch.undo()
    monkeypatch.setenv("PHOTO_ORGANIZER_CONFIG", str(home.config))
    # no classifying: all is known
    monkeypatch.setattr("photo_organizer.service.runtime.VisionClient.submit", None)
    assert organizer("sort", home.old, "--dry-run", "--plan", plan).code == 0
    assert len(plan.read_text().splitlines()) == 4


def begun(organizer: Organizer, home: Home, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A plan that was stopped after all was classified."""
    for number in range(3):
        home.draw(f"{number}.png", "Food", seed=number)
    plan = home.root / "p"
    monkeypatch.setattr("photo_organizer.cli.sort.planning.write_contact_sheet", stop_here)
    assert organizer("sort", home.old, "--dry-run", "--plan", plan).code != 0
    assert (home.root / "p.part").exists()
    return plan


def stop_here(*_: object) -> None:
    from photo_organizer.errors import OrganizerError

    raise OrganizerError("the disk is full")


def test_a_draft_of_another_arithmetic_is_begun_anew(
    organizer: Organizer, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = begun(organizer, home, monkeypatch)
    monkeypatch.undo()
    monkeypatch.setenv("PHOTO_ORGANIZER_CONFIG", str(home.config))
    monkeypatch.setattr(
        "photo_organizer.vision.backbone.engine.arithmetic", lambda _model, _engine: "openvino other"
    )
    submitted: list[int] = []
    submit = "photo_organizer.vision.client.client.VisionClient.submit"
    from photo_organizer.vision.client.client import VisionClient

    original = VisionClient.submit

    def counting(client: VisionClient, photos: Any) -> None:
        submitted.append(len(photos))
        original(client, photos)

    monkeypatch.setattr(submit, counting)
    assert organizer("sort", home.old, "--dry-run", "--plan", plan).code == 0
    assert sum(submitted) == 3
    assert json.loads(plan.read_text().splitlines()[0])["engine"] == "openvino other"


def test_the_plan_names_engine_and_precision(organizer: Organizer, home: Home) -> None:
    plan = make_plan(organizer, home, photos=1)
    head, photo = [json.loads(line) for line in plan.read_text().splitlines()]
    assert head["engine"].startswith(photo["prediction"]["engine"])
    assert head["engine"].split()[0] in {"openvino", "tensorflow"}
    said = organizer("why", home.old / "0.png")
    assert photo["prediction"]["engine"] in said.out


@pytest.mark.parametrize("leftover", [b"", b"SQLite format 3\0" + bytes(84), b"SQLite format 3\0"])
def test_an_empty_or_torn_draft_is_begun_anew(organizer: Organizer, home: Home, leftover: bytes) -> None:
    (home.root / "p.part").write_bytes(leftover)
    plan = make_plan(organizer, home, photos=1)
    assert len(plan.read_text().splitlines()) == 2
    assert not (home.root / "p.part").exists()


def test_what_is_no_draft_is_left_alone(organizer: Organizer, home: Home) -> None:
    home.draw("0.png", "Food")
    (home.root / "p.part").write_bytes(b"a film that is still being fetched")
    said = organizer("sort", home.old, "--dry-run", "--plan", home.root / "p")
    assert said.code == 1
    assert "p.part: is not the draft of a plan" in said.err
    assert (home.root / "p.part").read_bytes() == b"a film that is still being fetched"


def test_two_processes_do_not_make_one_plan(
    organizer: Organizer, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = begun(organizer, home, monkeypatch)
    other = sqlite3.connect(f"{plan}.part")
    other.execute("BEGIN EXCLUSIVE")
    said = organizer("sort", home.old, "--dry-run", "--plan", plan)
    other.close()
    assert said.code == 1
    assert "another process is making this plan" in said.err


def test_duplicates_and_numbers_go_by_the_paths(organizer: Organizer, home: Home) -> None:
    for name, seed in (("z/0.png", 1), ("a/0.png", 2), ("m/0.png", 3)):
        home.draw(name, "Food", seed=seed)
    for copy in ("c", "b"):
        (home.old / copy).mkdir()
        (home.old / copy / "z.png").write_bytes((home.old / "z/0.png").read_bytes())
    plan = home.root / "p"
    assert organizer("sort", home.old, "--dry-run", "--plan", plan).code == 0
    rows = [json.loads(line) for line in plan.read_text().splitlines()[1:]]
    placed = {
        os.path.relpath(row["source"], home.old): os.path.relpath(row["destination"], home.library)
        for row in rows
    }
    assert placed == {
        "a/0.png": "Food/0.png",
        "b/z.png": "Food/z.png",
        "c/z.png": "Duplicates/z.png",
        "m/0.png": "Food/0 (2).png",
        "z/0.png": "Duplicates/0.png",
    }
    assert list(placed) == sorted(placed)


def test_a_plan_is_parsed_once(organizer: Organizer, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = make_plan(organizer, home)
    parsed: list[str] = []
    original = PlannedPhoto.from_line

    def counting(line: str, head: Any) -> PlannedPhoto:
        parsed.append(line)
        return original(line, head)

    monkeypatch.setattr(PlannedPhoto, "from_line", staticmethod(counting))
    assert organizer("sort", "--plan", plan).code == 0
    assert len(parsed) == 3


def test_a_plan_with_a_torn_end_is_refused_as_a_whole(organizer: Organizer, home: Home) -> None:
    plan = make_plan(organizer, home)
    plan.write_bytes(plan.read_bytes()[:-40])
    said = organizer("sort", "--plan", plan)
    assert said.code == 1
    assert "p: line 4 is damaged (not JSON); make the plan again" in said.err
    assert home.filed() == {}


def test_a_plan_may_be_compressed(organizer: Organizer, home: Home) -> None:
    plan = make_plan(organizer, home, photos=20, name="p.zst")
    assert plan.read_bytes()[:4] == b"\x28\xb5\x2f\xfd"
    torn = home.root / "torn.zst"
    torn.write_bytes(plan.read_bytes()[:-200])
    assert organizer("sort", "--plan", torn).code == 1
    damaged = bytearray(plan.read_bytes())
    damaged[len(damaged) // 2] ^= 0xFF
    torn.write_bytes(damaged)
    said = organizer("sort", "--plan", torn)
    assert said.code == 1
    assert said.err.count("\n") == 1
    assert home.filed() == {}
    assert organizer("sort", "--plan", plan.rename(home.root / "renamed")).code == 0
    assert len(home.filed()["Food"]) == 20


def test_copies_are_known_again_after_the_disk_was_plugged_in_again(
    organizer: Organizer, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.draw("0.png", "Food")
    assert organizer("sort", home.old, "--copy").code == 0
    with closing(sqlite3.connect(home.state / "journal.sqlite")) as journal, journal:
        journal.execute("UPDATE moves SET device = 987654")
    monkeypatch.setattr("photo_organizer.service.runtime.VisionClient.submit", None)  # nothing to classify
    said = organizer("sort", home.old, "--copy")
    assert said.code == 0
    assert home.filed() == {"Food": ["0.png"]}
