"""What the log says of each photo."""

from __future__ import annotations

import logging
import os
import signal
from pathlib import Path

import pytest

from photo_organizer.config.settings import HookSettings
from photo_organizer.library import Filing, Placed
from photo_organizer.photo import Action, AssetGroup, Decision, FileIdentity, Photo, Prediction
from photo_organizer.service.integrations.hook_events import HookEvents
from photo_organizer.service.integrations.hooks import Hooks
from photo_organizer.service.status.reporter import DaemonReporter
from photo_organizer.service.wake import Signals, WakePipe
from photo_organizer.vision.decision import shown

GROUP = AssetGroup(Path("/in"), Photo(Path("/in/a.jpg"), FileIdentity(1, 1, 1, 1)))
PREDICTION = Prediction("ab" * 32, "m1", "test", ("Food",), (0.99,))


def said(filing: Filing, destination: str, caplog: pytest.LogCaptureFixture) -> str:
    caplog.set_level(logging.INFO)
    reporter = DaemonReporter(None, HookEvents(Hooks(HookSettings(), {})))
    reporter.placed(filing, Placed(filing.group, filing.action, Path(destination)))
    return caplog.messages[-1]


def decision(action: Action, confidence: float, threshold: float) -> Decision:
    return Decision(action, "Food", confidence, "Pets", 0.1, threshold)


def test_the_whole_folder_of_a_template_is_told(caplog: pytest.LogCaptureFixture) -> None:
    filing = Filing(GROUP, Action.FILED, "Food/Unknown camera", PREDICTION, decision(Action.FILED, 0.99, 0.5))
    line = said(filing, "/lib/Food/Unknown camera/a.jpg", caplog)
    assert line == "a.jpg -> Food/Unknown camera (Food 0.99)"


def test_why_it_is_in_review_can_be_read(caplog: pytest.LogCaptureFixture) -> None:
    filing = Filing(GROUP, Action.REVIEW, "Review", PREDICTION, decision(Action.REVIEW, 0.8496, 0.85))
    assert said(filing, "/lib/Review/a.jpg", caplog) == "a.jpg -> Review (Food 0.8496, threshold 0.85)"


@pytest.mark.parametrize(
    ("confidence", "threshold", "texts"),
    [
        (0.85, 0.85, ("0.85", "0.85")),
        (0.8496, 0.85, ("0.8496", "0.85")),
        (0.846, 0.85, ("0.846", "0.85")),
        (0.84, 0.85, ("0.84", "0.85")),
        (0.85, 0.854, ("0.850", "0.854")),
        (0.849999, 0.85, ("0.849999", "0.85")),
        (0.9, None, ("0.90", "")),
    ],
)
def test_digits_that_tell_confidence_and_threshold_apart(
    confidence: float, threshold: float | None, texts: tuple[str, str]
) -> None:
    assert shown(confidence, threshold) == texts


def test_no_two_numbers_are_shown_the_wrong_way_round() -> None:
    for confidence in (0.1, 0.84999999, 0.85, 0.850001, 0.999999):
        for threshold in (0.1, 0.84999998, 0.85, 0.8500001, 1.0):
            one, other = shown(confidence, threshold)
            assert (float(one) < float(other)) == (confidence < threshold)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_how_it_was_stopped_shows_in_the_exit_code(number: signal.Signals, code: int) -> None:
    wake = WakePipe()
    signals = Signals(wake)
    with signals.installed():
        os.kill(os.getpid(), number)
        assert signals.stop_requested
    assert signals.exit_code == code
    wake.close()
