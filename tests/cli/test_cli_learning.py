"""What `status` says of corrections and found folders, and `categories`."""

from __future__ import annotations

import json
import os
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from photo_organizer.learning.labels.corrections import notice_corrections
from photo_organizer.learning.labels.label_questions import LabelQuestion, write_questions

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.command_line import Home, Said

    Organizer = Callable[..., Said]


SUNDAY = datetime(2026, 11, 29, 3).astimezone()


def written_status(home: Home, **changes: Any) -> None:
    values = {
        "pid": os.getpid(), "version": "1", "state": "idle", "since": "2026-11-22T10:00:00+00:00",
        "model": "small", "engine": None, "queued": 0, "filed_total": 40, "review_total": 7,
        "quarantined_total": 0, "last_photo_time": None, "last_error": None, "next_retraining": None,
    }  # fmt: skip
    home.state.mkdir(exist_ok=True)
    (home.state / "status.json").write_text(json.dumps(values | changes))


@pytest.mark.parametrize(
    ("new", "next_retraining", "line"),
    [
        (
            {"corrected": 12, "reviewed": 5},
            None,
            "learning    17 new corrections; retraining once there are 20, or now: photo-organizer train",
        ),
        (
            {"corrected": 1, "confirmed": 40, "placed": 1},
            SUNDAY.isoformat(),
            "learning    1 new correction, 40 photos confirmed, 1 photo moved by hand; "
            "retraining Sun 29 Nov 2026, 03:00, or now: photo-organizer train",
        ),
        (
            {"reviewed": 3},
            SUNDAY.isoformat(),
            "learning    3 new corrections; retraining once there are 20, or now: photo-organizer train",
        ),
        ({}, SUNDAY.isoformat(), "retraining  Sun 29 Nov 2026, 03:00"),
    ],
)
def test_status_says_what_is_not_learned_yet_and_when_it_will_be(
    organizer: Organizer, home: Home, new: dict[str, int], next_retraining: str | None, line: str
) -> None:
    written_status(home, new_labels=new, next_retraining=next_retraining)
    assert line in organizer("status").out.splitlines()


def test_status_counts_the_labels_that_the_last_training_asks_about(organizer: Organizer, home: Home) -> None:
    written_status(home)
    assert "questions" not in organizer("status").out
    asked = [LabelQuestion("ab" * 32, "/library/Pets/cake.jpg", "Pets", "Food", 0.9)]
    write_questions(home.state, asked, model="small", time=SUNDAY)
    assert (
        "questions   1 photo that you sorted may be in the wrong category: see the report of the last "
        "training, then move or confirm them"
    ) in organizer("status").out.splitlines()
    assert organizer("status", "--json").objects[0]["label_questions"] == 1


def place(home: Home, folder: str) -> Path:
    photo = home.draw(f"{folder}.png", "Food", seed=7)
    (home.library / folder).mkdir()
    return photo.rename(home.library / folder / photo.name)


def test_a_found_folder_is_asked_for_listed_accepted_and_declined(organizer: Organizer, home: Home) -> None:
    from photo_organizer.config import load_configuration

    place(home, "To print")
    notice_corrections(load_configuration(home.config))
    written_status(home, found_folders={"To print": 1})
    assert (
        "is the new folder To print (1 photo) a category? photo-organizer categories accept 'To print' "
        "(or decline 'To print')"
    ) in organizer("status").out

    listed = organizer("categories", "list", "--json").objects
    assert listed[0] == {"name": "Family", "state": "configured", "photos": None}
    assert listed[-1] == {"name": "To print", "state": "found", "photos": 1}
    assert "To print" in organizer("categories", "list").out
    said = organizer("categories", "accept", "To print")
    assert said.out == "To print is a category now; it is trained from 12 photos on\n"
    assert organizer("categories", "list", "--json").objects[-1]["state"] == "accepted"
    assert organizer("categories", "decline", "To print").code == 0
    assert organizer("categories", "list", "--json").objects[-1]["state"] == "declined"


@pytest.mark.parametrize("folder", ["Review", "Duplicates", "Nowhere"])
def test_a_folder_of_ours_or_an_unknown_one_cannot_be_accepted(
    organizer: Organizer, home: Home, folder: str
) -> None:
    said = organizer("categories", "accept", folder)
    assert said.code == 1
    assert folder in said.err
    assert "Traceback" not in said.err


def test_before_any_scan_there_are_the_configured_ones(organizer: Organizer, home: Home) -> None:
    states = {row["state"] for row in organizer("categories", "list", "--json").objects}
    assert states == {"configured"}
    assert not (home.state / "labels.sqlite").exists()
