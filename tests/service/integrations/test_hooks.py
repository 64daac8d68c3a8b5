"""The owner's commands: run with JSON, never by a shell, for a limited time, and never waited for."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from photo_organizer.config.settings import HookSettings
from photo_organizer.library import Filing, Placed
from photo_organizer.photo import Action, AssetGroup, Decision, FileIdentity, Photo
from photo_organizer.service.integrations.hook_events import HookEvents
from photo_organizer.service.integrations.hooks import MAX_QUEUED, Hooks
from support.household import Household, LiveDaemon
from support.small_models import draw_photo

WRITE = "import sys, pathlib; open(sys.argv[1], 'a').write(sys.stdin.read())"


def writes_to(path: Path) -> tuple[str, ...]:
    """A command that appends what it is told to `path`."""
    return sys.executable, "-c", WRITE, str(path)


def settings(**values: Any) -> HookSettings:
    return HookSettings.model_validate(values)


def events(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def run_all(hooks: Hooks) -> None:
    """Steps until nothing runs or waits."""
    deadline = time.monotonic() + 20
    while any(hook.run or hook.queue for hook in hooks._hooks.values()):
        assert time.monotonic() < deadline
        hooks.step()
        time.sleep(0.01)


def test_a_hook_gets_the_facts_as_json(tmp_path: Path) -> None:
    hooks = Hooks(settings(on_batch=writes_to(tmp_path / "told")), os.environ)
    hooks.fire("on_batch", photos=2, names=["a\n'b", "ü"])
    hooks.fire("on_error", error="nobody listens")
    hooks.fire("on_batch", photos=3)
    run_all(hooks)
    first, second = events(tmp_path / "told")
    assert (first["event"], first["photos"], first["names"], second["photos"]) == (
        "batch",
        2,
        ["a\n'b", "ü"],
        3,
    )
    assert "T" in first["time"]


def test_words_are_never_given_to_a_shell(tmp_path: Path) -> None:
    hooks = Hooks(
        settings(on_batch=("touch", str(tmp_path / "a;b $(touch c)"))), {"PATH": os.environ["PATH"]}
    )
    hooks.fire("on_batch")
    run_all(hooks)
    assert [path.name for path in tmp_path.iterdir()] == ["a;b $(touch c)"]


def test_the_service_manager_is_not_for_hooks(tmp_path: Path) -> None:
    code = f"import os; open({str(tmp_path / 'told')!r}, 'w').write(repr('NOTIFY_SOCKET' in os.environ))"
    hooks = Hooks(
        settings(on_batch=(sys.executable, "-c", code)),
        {**os.environ, "NOTIFY_SOCKET": "/run/systemd/notify"},
    )
    hooks.fire("on_batch")
    run_all(hooks)
    assert (tmp_path / "told").read_text() == "False"


def test_a_slow_hook_holds_nobody_up_and_is_ended_with_its_children(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock = [0.0]
    script = 'sleep 60 & echo $! >"$0.new"; mv "$0.new" "$0"; wait'
    command = ("sh", "-c", script, str(tmp_path / "pid"))
    hooks = Hooks(settings(on_error=command, timeout_seconds=5.0), os.environ, lambda: clock[0])
    begun = time.monotonic()
    hooks.fire("on_error", error="x" * 1_000_000)  # more than a pipe holds, and nobody reads it
    hooks.step()
    assert time.monotonic() - begun < 5
    while not (tmp_path / "pid").exists():
        time.sleep(0.01)
    clock[0] = 5.0
    hooks.step()
    assert caplog.messages == ["hook on_error failed: timed out after 5 s"]
    pid = int((tmp_path / "pid").read_text())
    deadline = time.monotonic() + 10
    while is_running(pid):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert hooks.next_due() is None


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_failure_is_logged_once_until_the_hook_works_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    flag = tmp_path / "works"
    command = ("sh", "-c", f"test -e {flag} || {{ echo no such luck >&2; exit 3; }}")
    hooks = Hooks(settings(on_model=command, on_batch=("/nowhere/at-all",)), os.environ)
    for _ in range(3):
        hooks.fire("on_model")
        hooks.fire("on_batch")
        run_all(hooks)
    assert sorted(caplog.messages) == [
        "hook on_batch failed: /nowhere/at-all: No such file or directory",
        "hook on_model failed: exit code 3: no such luck",
    ]
    flag.touch()
    hooks.fire("on_model")
    run_all(hooks)
    flag.unlink()
    hooks.fire("on_model")
    run_all(hooks)
    assert len(caplog.messages) == 3


def test_what_waits_for_a_slow_hook_is_bounded() -> None:
    hooks = Hooks(settings(on_batch=("sleep", "60")), os.environ)
    for number in range(2 * MAX_QUEUED):
        hooks.fire("on_batch", number=number)
    assert len(hooks._hooks["on_batch"].queue) == MAX_QUEUED
    hooks.close()
    assert hooks.next_due() is None


def test_the_ready_ping_comes_regularly_and_only_when_it_is_asked_for(tmp_path: Path) -> None:
    clock = [0.0]
    hooks = Hooks(
        settings(on_ready=writes_to(tmp_path / "told"), ready_minutes=5.0), os.environ, lambda: clock[0]
    )
    for moment in (0.0, 10.0, 299.0, 301.0):
        clock[0] = moment
        hooks.ping_ready(state="idle")
        run_all(hooks)
    assert [event["state"] for event in events(tmp_path / "told")] == ["idle", "idle"]
    assert hooks.next_due() == 601.0
    clock[0] = 700.0  # overdue, since all is not well: no reason to wake for it
    assert hooks.next_due() is None
    silent = Hooks(settings(), os.environ)
    silent.ping_ready()
    assert silent.next_due() is None


def filing(name: str, action: Action) -> tuple[Filing, Placed]:
    group = AssetGroup(Path("/in"), Photo(Path("/in", name), FileIdentity(1, 1, 1, 1)))
    decision = (
        Decision(action, "Food", 0.71234, "Pets", 0.1, 0.8) if action is not Action.QUARANTINED else None
    )
    return Filing(group, action, "Food", None, decision, "it ends early"), Placed(
        group, action, Path("/lib", name)
    )


class Ear(Hooks):
    """Hooks that only write down what is fired."""

    def __init__(self) -> None:
        super().__init__(settings(), {})
        self.heard: list[tuple[str, dict[str, Any]]] = []

    def fire(self, name: str, **facts: Any) -> None:
        self.heard.append((name, facts))


def test_a_batch_is_told_of_once_with_its_review() -> None:
    ear = Ear()
    events = HookEvents(ear)
    for name, action in (
        ("a", Action.FILED),
        ("b", Action.FILED),
        ("c", Action.REVIEW),
        ("d", Action.QUARANTINED),
    ):
        events.placed(*filing(name, action))
    events.batch_finished("b-1")
    events.batch_finished("b-1")
    assert ear.heard == [
        ("on_error", {"kind": "quarantine", "error": "/in/d: it ends early"}),
        ("on_batch", {"batch": "b-1", "photos": 4, "actions": {"filed": 2, "review": 1, "quarantined": 1},
                      "categories": {"Food": 2}}),
        ("on_review", {"batch": "b-1", "review": 1,
                       "photos": [{"path": "/lib/c", "category": "Food", "confidence": 0.7123}]}),
    ]  # fmt: skip


def test_the_same_error_is_told_once_an_hour() -> None:
    clock = [0.0]
    ear = Ear()
    events = HookEvents(ear, lambda: clock[0])
    for moment in (0.0, 1800.0, 3601.0):
        clock[0] = moment
        events.error("the disk is full", kind="paused")
    events.error("another", kind="photo")
    assert [facts["error"] for _, facts in ear.heard] == ["the disk is full", "the disk is full", "another"]


def test_models_are_told_of_when_they_change_or_were_not_better() -> None:
    ear = Ear()
    events = HookEvents(ear)
    events.model_in_use(None, None)
    events.model_in_use("one", None)
    events.model_in_use("one", None)
    events.training_finished("not promoted: no better", promoted=False, failed=False)
    events.training_finished("promoted: better", promoted=True, failed=False)
    events.model_in_use("two", "promoted: better")
    events.training_finished("failed: no memory", promoted=False, failed=True)
    assert ear.heard == [
        ("on_model", {"model": "one", "changed": False, "reason": "not promoted: no better"}),
        ("on_model", {"model": "two", "changed": True, "previous": "one", "reason": "promoted: better"}),
        ("on_error", {"kind": "training", "error": "retraining failed: no memory"}),
    ]


def test_a_daemon_tells_its_hooks_and_writes_its_metrics(tmp_path: Path, model: Path) -> None:
    told = {name: tmp_path / name for name in ("on_batch", "on_review", "on_error", "on_ready")}
    metrics = tmp_path / "organizer.prom"
    household = Household(
        tmp_path / "house",
        model,
        hooks={name: list(writes_to(path)) for name, path in told.items()},
        metrics={"textfile": str(metrics)},
    )
    household.inbox.mkdir()
    photos = [
        draw_photo(household.inbox / "a.png", "Food", seed=1),
        draw_photo(household.inbox / "b.png", "Food", between="Travel", seed=2),
    ]
    (household.inbox / "c.jpg").write_bytes(b"\xff\xd8\xff\xe0 no picture")
    with LiveDaemon(household) as daemon:
        daemon.until_filed(photos)
        daemon.until(lambda status: status["state"] == "idle" and events(told["on_batch"]))
        assert str(household.library / "Food/a.png") in household.organizer("search", "a.png", "food")
        daemon.stop()
    batch = events(told["on_batch"])[0]
    assert batch["actions"]["review"] == 1
    assert batch["batch"] in {row["batch"] for row in household.ledger()}
    (review,) = events(told["on_review"])
    assert review["photos"][0]["path"] == str(household.library / "Review/b.png")
    assert events(told["on_ready"])
    text = metrics.read_text()
    assert 'photo_organizer_state{state="' in text
    assert not [line for line in text.splitlines() if not line.startswith(("#", "photo_organizer_"))]
