"""A plan is a file that anybody may have written: nothing in it is taken on trust."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

Change = Callable[[dict[str, Any]], object]


@dataclass
class Planned:
    """A plan of one photo, which can be changed and carried out any number of times.

    One plan serves all cases of a test, since making one takes a vision process.
    """

    organizer: Any
    home: Any
    plan: Path
    lines: list[str]

    def run(self, change_head: Change | None = None, change_line: Change | None = None, raw: str = "") -> Any:
        """Change the head and the line, and carry that out; nothing may have moved unless it exits with 0."""
        head, line = map(json.loads, self.lines)
        if change_head:
            change_head(head)
        if change_line:
            change_line(line)
        self.plan.write_text(json.dumps(head) + "\n" + (raw or json.dumps(line)) + "\n")
        before = self.home.contents()
        said = self.organizer("sort", "--plan", self.plan)
        assert self.home.contents() == before or said.code == 0
        return said

    def not_refused(self, changes: Iterable[tuple[object, dict[str, Any]]], words: str) -> list[object]:
        """The cases that did not end with one line that has `words` in it."""
        wrong = []
        for case, change in changes:
            said = self.run(**change)
            if said.code != 1 or said.err.count("\n") != 1 or words not in said.err:
                wrong.append((case, said.code, said.err))
        return wrong


@pytest.fixture
def planned(organizer: Any, home: Any) -> Planned:
    (home.root / "outside").mkdir()
    home.draw("a.png", "Food")
    (home.old / "secret.txt").write_text("no photo")
    (home.old / "a.xmp").write_text("<x/>")
    plan = home.root / "plan"
    organizer("sort", home.old, "--dry-run", "--plan", plan)
    return Planned(organizer, home, plan, plan.read_text().splitlines())


def set_in(path: str, value: object) -> Change:
    """Set a member of nested objects and lists, named "a.0.b"."""

    def change(fields: Any) -> None:
        *parents, last = path.split(".")
        for parent in parents:
            fields = fields[int(parent) if parent.isdigit() else parent]
        fields[int(last) if last.isdigit() else last] = value

    return change


def test_a_plan_that_nobody_changed_is_carried_out(planned: Planned) -> None:
    assert planned.run().code == 0
    assert planned.home.filed() == {"Food": ["a.png", "a.xmp"]}


FOLDERS = [
    "/etc", "////////////////////////////////////////outside", "../outside", "Food/../../outside", "Food//x",
    "Food/", ".hidden", "", "Food\0", "x" * 300, "a/" * 40 + "a", 7, None, ["Food"],
]  # fmt: skip


def test_a_folder_that_is_not_plainly_below_the_library_is_refused(planned: Planned) -> None:
    changes = ((folder, {"change_line": set_in("folder", folder)}) for folder in FOLDERS)
    assert planned.not_refused(changes, "line 2 is damaged") == []


LINES = [
    ("inbox", "/"), ("inbox", ""), ("inbox", "relative"), ("inbox", "/.."), ("inbox", 5),
    ("source", "/etc/hostname"), ("source", "{old}/../config"), ("source", "{old}/a.png/"),
    ("source", "{old}//a.png"), ("source", "{old}/a\0.png"), ("source", "/" + "x" * 20000),
    ("source", None), ("destination", "relative"), ("destination", 1),
    ("identity", []), ("identity", [1, 2, 3]), ("identity", [1, 2, 3, 4, 5]), ("identity", "1234"),
    ("identity.0", -1), ("identity.1", 1 << 64), ("identity.2", 1 << 63), ("identity.3", 10**400),
    ("identity.1", 1.5), ("identity.1", True), ("identity.1", "1"),
    ("companions.0.0", "/etc/hostname"),  ("companions", {"a": 1}), ("companions", "x"),
    ("filing", "undone"), ("filing", "corrected"), ("filing", "duplicate"), ("filing", "x"),
    ("filing", None), ("reason", 5), ("reason", "x" * 5000), ("sha256", "zz"), ("sha256", "ab"),
    ("confidence", float("nan")), ("confidence", float("inf")), ("confidence", 2), ("threshold", "x"),
    ("prediction.probabilities.0", float("nan")), ("prediction.probabilities", []),
    ("prediction.probabilities", [0.1] * 5000), ("prediction.taken", "yesterday"),
    ("prediction.taken", 5), ("prediction.more", 1), ("prediction.camera", {}), ("prediction", []),
    ("decision", 5), ("decision.confidence", -1), ("decision.confidence", float("-inf")),
    ("decision.action", "x"), ("decision.more", 1), ("more", 1),
]  # fmt: skip


def test_a_line_with_a_wrong_value_is_refused(planned: Planned) -> None:
    def change(path: str, value: object) -> Change:
        return set_in(path, json.loads(json.dumps(value).replace("{old}", str(planned.home.old))))

    changes = (((path, value), {"change_line": change(path, value)}) for path, value in LINES)
    assert planned.not_refused(changes, "line 2 is damaged") == []


NO_LINES = [
    "[" * 100_000, '{"a":' * 100_000, "9" * 5000, "1e999", "null", "[]", '"text"', "{}", "\x00",
    '{"source": ' + '"' + "x" * (1 << 20) + '"}',
]  # fmt: skip


def test_a_line_that_is_no_photo_is_refused(planned: Planned) -> None:
    changes = ((raw[:40], {"raw": raw}) for raw in NO_LINES)
    assert planned.not_refused(changes, "line 2 is damaged") == []


HEADS = [
    ("library", "relative"), ("library", 5), ("categories", "Food"), ("categories.0", "../x"),
    ("categories", ["x"] * 5000), ("paths", "x"), ("paths", ["relative"]), ("paths", [5]),
    ("made", "x"), ("made", None), ("manner", "steal"), ("manner", 5), ("model", 5), ("more", 1),
    ("paths", []), ("paths", ["/usr"]),
]  # fmt: skip


def test_a_head_with_a_wrong_value_is_refused(planned: Planned) -> None:
    changes = (((path, value), {"change_head": set_in(path, value)}) for path, value in HEADS)
    assert planned.not_refused(changes, "") == []


@pytest.mark.parametrize("first", ["[" * 100_000, "NaN", "x" * (1 << 21), "", "\x00\xff"], ids=range(5))
def test_what_is_no_plan_is_refused(organizer: Any, home: Any, first: str) -> None:
    plan = home.root / "plan"
    plan.write_text(first + "\n")
    said = organizer("sort", "--plan", plan)
    assert said.code == 1
    assert "is not a plan" in said.err
    assert said.err.count("\n") == 1


def test_a_pipe_in_a_plans_place_is_not_waited_for(organizer: Any, home: Any) -> None:
    os.mkfifo(home.root / "plan")
    said = organizer("sort", "--plan", home.root / "plan")
    assert said.code == 1
    assert "not a regular file" in said.err


def test_a_file_that_is_no_photo_stays(planned: Planned) -> None:
    """Even where the whole plan, head and line, was made for it."""
    secret = planned.home.old / "secret.txt"
    status = secret.stat()
    identity = [status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns]

    def change_companion(line: dict[str, Any]) -> None:
        line["companions"] = [[str(secret), *identity]]

    def change(line: dict[str, Any]) -> None:
        line["source"], line["companions"] = str(secret), []
        line["identity"] = identity

    said = planned.run(change_line=change)
    assert said.code == 3
    assert "secret.txt: not an image" in said.err
    said = planned.run(change_line=change_companion)
    assert said.code == 3
    assert "not an image (its companion secret.txt)" in said.err
    assert secret.exists()


def test_a_plan_whose_paths_lie_in_the_library_is_refused(planned: Planned) -> None:
    said = planned.run(change_head=set_in("paths", [str(planned.home.library)]))
    assert said.code == 1
    assert "is in the library" in said.err
