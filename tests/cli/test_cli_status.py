"""`status`: what needs its owner comes first, the counts are true, and a wrong config does not blind it."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from photo_organizer.cli.console import field_lines, print_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from support.command_line import Home, Said

    Organizer = Callable[..., Said]


def written_status(home: Home, **changes: Any) -> None:
    """As the daemon writes it."""
    values = {
        "pid": os.getpid(), "version": "1", "state": "working", "since": "2026-11-22T10:00:00+00:00",
        "model": "small", "engine": "openvino int8", "queued": 1682, "filed_total": 12431, "review_total": 7,
        "quarantined_total": 1, "last_photo_time": "2026-11-22T10:05:00+00:00", "last_error": None,
        "next_retraining": None, "missing_inboxes": ["/media/a\nb"],
    }  # fmt: skip
    home.state.mkdir(exist_ok=True)
    (home.state / "status.json").write_text(json.dumps(values | changes))


@pytest.fixture
def owned(home: Home) -> Iterator[Home]:
    """A home whose library this process owns, as a daemon does."""
    from photo_organizer.config import load_configuration, remember_accepted
    from photo_organizer.library import Library

    configuration = load_configuration(home.config)
    with Library.open(configuration, owner=True):
        remember_accepted(configuration)
        yield home


def test_without_a_daemon(organizer: Organizer, home: Home) -> None:
    said = organizer("status")
    assert said.code == 1
    assert said.out == (
        "needs you   the daemon is not running: start it with `photo-organizer run` or "
        "`photo-organizer service install`\n"
        "state       stopped\n"
    )
    [values] = organizer("status", "--json").objects
    assert (values["running"], values["state"], values["pid"]) == (False, "stopped", None)
    assert (values["exit_code"], values["needs_attention"][0]["kind"]) == (1, "stopped")


def test_of_a_daemon_at_work(organizer: Organizer, owned: Home) -> None:
    written_status(owned)
    said = organizer("status")
    assert said.code == 0
    assert said.out.startswith("needs you   nothing\n")
    assert f"state       working (process {os.getpid()}, running since " in said.out
    assert "12,431 filed, 7 to review, 1 in quarantine" in said.out
    assert "1,682 waiting, /media/a\\nb is missing" in said.out
    [values] = organizer("status", "--json").objects
    assert values["running"] is True
    assert values["filed_total"] == 12431
    assert values["needs_attention"] == []


def test_one_that_a_killed_daemon_left_is_not_believed(organizer: Organizer, home: Home) -> None:
    written_status(home)  # its process number is another program's by now: ours
    assert organizer("status", "--json").objects[0]["running"] is False
    assert "state       stopped; the rest was last updated at " in organizer("status").out


def trouble(kind: str, path: str, reason: str) -> dict[str, str]:
    """As status.json has it."""
    return {"kind": kind, "path": path, "reason": reason}


@pytest.mark.parametrize(
    ("values", "code", "line"),
    [
        ({"state": "paused", "reason": "the disk is full"}, 1, "filing is paused: the disk is full"),
        ({"state": "paused", "reason": "paused by you", "paused_by_owner": True}, 0, "paused by you"),
        ({"config_error": "x:3: batch.size: no"}, 2, "the configuration is invalid (x:3: batch.size: no)"),
        (
            {"retrying": 2, "troubled": [trouble("photo", "/in/a.jpg", "permission denied")]},
            3,
            "2 photos cannot be filed yet: /in/a.jpg (permission denied), and 1 more",
        ),
        (
            {"unreadable_folders": 1, "troubled": [trouble("folder", "/in/x", "too long")]},
            3,
            "1 folder cannot be read: /in/x (too long)",
        ),
        (
            {"troubled": [trouble("inbox", "/in", "its disk is read-only")]},
            1,
            "cannot read the inbox /in (its disk is read-only)",
        ),
        ({"incomplete": 1}, 0, "1 file incomplete, waiting for the rest"),
        ({"waiting_for_extra": {"heif": 3}}, 3, "pip install 'smart-photo-organizer[heif]'"),
    ],
)
def test_what_needs_its_owner_is_first(
    organizer: Organizer, owned: Home, values: dict[str, Any], code: int, line: str
) -> None:
    written_status(owned, **values)
    said = organizer("status")
    assert said.code == code
    assert line in said.out[: said.out.index("\nstate ")]
    [told] = organizer("status", "--json").objects
    assert told["exit_code"] == code
    assert len(told["needs_attention"]) == 1


def test_review_and_quarantine_are_counted_where_they_are(organizer: Organizer, owned: Home) -> None:
    written_status(owned)
    review, quarantine = owned.library / "Review" / "2024", owned.state / "quarantine"
    review.mkdir(parents=True)
    quarantine.mkdir(exist_ok=True)
    for path in (review / "a.jpg", review / "a.jpg.xmp", review.parent / "b.heic", review / ".hidden.jpg"):
        path.touch()
    for name in ("bad.jpg", "bad.jpg.reason.txt", "gone.jpg.reason.txt"):
        (quarantine / name).touch()
    said = organizer("status")
    assert said.code == 0
    assert f"needs you   2 photos in {review.parent}: photo-organizer review\n" in said.out
    assert f"            1 file in quarantine, {quarantine}: " in said.out


def test_the_counts_are_the_present_ones_after_undo(organizer: Organizer, home: Home) -> None:
    home.draw("a.png", "Food", seed=1)
    home.draw("b.png", "Food", between="Travel", seed=3)
    assert organizer("sort", home.old).code == 0
    written_status(home)
    assert "photos      1 filed, 1 to review, 0 in quarantine" in organizer("status").out
    assert organizer("undo").code == 0
    assert "photos      0 filed, 0 to review, 0 in quarantine" in organizer("status").out
    assert organizer("status", "--json").objects[0]["filed_total"] == 0


@pytest.mark.parametrize("text", ["batch: {size: none}\n", "inboxes: [in\n", "\0", None])
def test_a_config_that_is_now_wrong_does_not_hide_it(
    organizer: Organizer, owned: Home, text: str | None
) -> None:
    written_status(owned)
    if text is None:
        owned.config.unlink()
    else:
        owned.config.write_text(text)
    said = organizer("status")
    assert said.code == 2
    assert said.out.startswith("needs you   the configuration is invalid (")
    assert "the daemon continues with the previous settings" in said.out
    assert "12,431 filed" in said.out
    [values] = organizer("status", "--json").objects
    assert (values["filed_total"], values["exit_code"]) == (12431, 2)
    assert "- the configuration is invalid (" in organizer("service", "status").out


def test_long_lines_are_wrapped_below_their_value() -> None:
    path = "/a/very-long-path/" + "x" * 60
    fields = [("needs you", f"12 photos in {path} and more words than fit in a line of a terminal")]
    lines = list(field_lines(fields, columns=60))
    assert len(lines) > 2
    assert all(line.startswith(" " * 12) for line in lines[1:])
    assert path in lines[1]
    assert list(field_lines(fields, columns=200)) == [f"needs you   {fields[0][1]}"]


def test_watch_follows_until_it_is_interrupted(
    organizer: Organizer, owned: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    written_status(owned)
    looks = iter([lambda: None, lambda: written_status(owned, filed_total=12432)])

    def sleep(_seconds: float) -> None:
        look = next(looks, None)
        if look is None:
            raise KeyboardInterrupt
        look()

    monkeypatch.setattr("photo_organizer.cli.daemon.status.time.sleep", sleep)
    said = organizer("status", "--watch")
    assert said.code == 130
    assert [said.out.count(f"{count} filed") for count in ("12,431", "12,432")] == [1, 1]


def test_a_table_that_does_not_fit_becomes_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [("/old/a.jpg", "/a/long/library/Review/2024/a.jpg", "0.68"), ("/old/b.jpg", "/lib/b.jpg", "")]
    columns = ("photo", "goes to", "confidence")
    monkeypatch.setattr("photo_organizer.cli.console.width", lambda: 50)
    print_table(columns, rows)
    assert capsys.readouterr().out == (
        "/old/a.jpg\n    goes to     /a/long/library/Review/2024/a.jpg\n    confidence  0.68\n"
        "/old/b.jpg\n    goes to     /lib/b.jpg\n"
    )
    monkeypatch.setattr("photo_organizer.cli.console.width", lambda: 200)
    print_table(columns, rows)
    assert "/old/a.jpg   /a/long/library/Review/2024/a.jpg" in capsys.readouterr().out
