"""The file for node_exporter: complete, readable for it, and written as a whole."""

from __future__ import annotations

import dataclasses
import re
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from photo_organizer.companions.photo_count import count_photos
from photo_organizer.service.integrations.metrics import Metrics, MetricsFile, exposition
from photo_organizer.service.status.status_file import DaemonState, Status
from photo_organizer.vision.client.timings import Timings

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
STATUS = Status(
    pid=1, version="1", state=DaemonState.WORKING, since=NOW.isoformat(), model='a "model"\\', engine=None,
    queued=7,
    filed_total=3, review_total=2, quarantined_total=0, last_photo_time=None, last_error=None,
    next_retraining=None,
)  # fmt: skip
METRICS = Metrics(
    STATUS, {"filed": 3, "review": 2}, 2, NOW - timedelta(minutes=1), NOW - timedelta(days=1),
    Timings(5, 1.25, 4, 0.5),
)  # fmt: skip
SAMPLE = re.compile(r'[a-z_]+(\{([a-z_]+="([^"\\\n]|\\["\\n])*",?)+\})? -?[0-9.e+-]+')


def test_every_figure_is_there_in_the_text_format() -> None:
    text = exposition(METRICS, NOW)
    lines = text.splitlines()
    assert text.endswith("\n")
    for wanted in (
        'photo_organizer_photos_total{action="filed"} 3',
        "photo_organizer_queue_photos 7",
        "photo_organizer_review_photos 2",
        'photo_organizer_state{state="working"} 1',
        'photo_organizer_state{state="idle"} 0',
        "photo_organizer_last_error_age_seconds 60.0",
        "photo_organizer_model_age_seconds 86400.0",
        'photo_organizer_model_info{model="a \\"model\\"\\\\",engine=""} 1',
        "photo_organizer_decode_seconds_sum 1.25",
        "photo_organizer_decode_seconds_count 5",
        "photo_organizer_inference_seconds_sum 0.5",
        "photo_organizer_inference_seconds_count 4",
    ):
        assert wanted in lines
    samples = [line for line in lines if not line.startswith("#")]
    assert [line for line in samples if not SAMPLE.fullmatch(line)] == []
    families = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    assert len(families) == len(set(families))
    names = {re.sub(r"_(sum|count)$", "", line.partition("{")[0].partition(" ")[0]) for line in samples}
    assert names == set(families)


def test_what_is_not_known_is_left_out() -> None:
    unknown = dataclasses.replace(METRICS, review=None, last_error=None, model_made=None)
    text = exposition(unknown, NOW)
    for name in ("review_photos", "last_error_age_seconds", "model_age_seconds", "last_photo_age_seconds"):
        assert name not in text


def test_it_is_written_every_15_seconds_and_readable_for_others(tmp_path: Path) -> None:
    clock = [0.0]
    path = tmp_path / "organizer.prom"
    file = MetricsFile(path, lambda: clock[0])
    file.write(lambda: METRICS)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    path.unlink()
    clock[0] = 14.0
    file.write(lambda: METRICS)
    assert not path.exists()
    assert file.next_due() == 15.0
    clock[0] = 15.0
    file.write(lambda: METRICS)
    assert [entry.name for entry in tmp_path.iterdir()] == ["organizer.prom"]


def test_a_folder_that_cannot_be_written_is_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock = [0.0]
    file = MetricsFile(tmp_path / "missing/organizer.prom", lambda: clock[0])
    for moment in (0.0, 20.0, 40.0):
        clock[0] = moment
        file.write(lambda: METRICS)
    assert caplog.messages == [
        f"could not write the metrics: {tmp_path}/missing/organizer.prom: No such file or directory"
    ]


def test_without_a_file_nothing_is_due() -> None:
    file = MetricsFile(None)
    file.write(lambda: pytest.fail("nobody asked for it"))
    assert file.next_due() is None


def test_review_is_counted_without_companions_and_hidden_files(tmp_path: Path) -> None:
    assert count_photos(tmp_path / "missing") == 0
    (tmp_path / "2024").mkdir()
    for name in ("a.jpg", "a.xmp", ".b.jpg", "2024/c.HEIC"):
        (tmp_path / name).touch()
    assert count_photos(tmp_path) == 2
