"""What a settings file means."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from photo_organizer.config import ConfigurationError, find_configuration, load_configuration
from photo_organizer.learning.retraining_schedule import next_run

if TYPE_CHECKING:
    from collections.abc import Callable

    from photo_organizer.config import Configuration

    Settings = Callable[[str], Configuration]


def test_two_keys_are_a_complete_file(settings: Settings, tmp_path: Path, own_home: Path) -> None:
    configuration = settings("")
    assert configuration.inbox_paths == (tmp_path / "in",)
    assert configuration.library == tmp_path / "lib"
    assert configuration.categories[0] == "Family"
    assert len(configuration.categories) == 10
    assert configuration.review == "Review"
    assert configuration.duplicates_folder == "Duplicates"
    assert configuration.state_directory == own_home / ".local/state/photo-organizer"
    assert configuration.ledger_path == configuration.state_directory / "predictions.csv"
    assert configuration.quarantine_directory == configuration.state_directory / "quarantine"
    assert configuration.model_directory == own_home / ".local/share/photo-organizer/models"
    assert configuration.log_directory is None
    assert configuration.path == tmp_path / "organizer.yaml"


def test_the_contracts_own_sample_is_accepted(tmp_path: Path) -> None:
    path = tmp_path / "organizer.yaml"
    path.write_text(
        """\
inboxes: [~/Pictures/Inbox]
library: ~/Pictures/Library
categories: [Family, Friends, Travel, Nature, Events, Pets, Food, Hobbies, Selfies, Others]
thresholds:
  default: 0.5            # at or above: filed in its category; below: review
  Food: 0.4               # any category by name
review: Review            # folder in the library for photos below the threshold
watch:
  mode: auto              # auto | inotify | polling
  settle_seconds: 2.0     # unchanged for this long = complete
  rescan_seconds: 300
  recursive: true
  ignore: []              # extra glob patterns
batch: {size: 16, max_wait_seconds: 0.5}
model: {directory: null, engine: auto, unload_after_minutes: 30}   # engine: auto | openvino | tensorflow
state: {directory: null}  # journal, ledger, status, locks; null = XDG state
ledger: {path: null}      # null = predictions.csv in the state directory
retraining: {enabled: true, schedule: "Sun 03:00", min_new_labels: 20, mode: head}
logging: {level: info, directory: null}
"""
    )
    configuration = load_configuration(path)
    assert configuration.thresholds.for_category("Food") == 0.4
    assert configuration.thresholds.for_category("Pets") == 0.5


def test_paths_take_home_variables_and_the_files_folder(
    settings: Settings, tmp_path: Path, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISK", "/media/disk")
    configuration = settings(
        "state: {directory: ~/s}\nledger: {path: $DISK/l.csv}\nlogging: {directory: '${DISK}/x'}\n"
    )
    assert configuration.state_directory == own_home / "s"
    assert configuration.ledger_path == Path("/media/disk/l.csv")
    assert configuration.log_directory == Path("/media/disk/x")
    assert settings("model: {directory: ../m}\n").model_directory == tmp_path.parent / "m"


def test_the_same_file_read_twice_is_equal_and_cannot_be_changed(settings: Settings) -> None:
    configuration = settings("batch: {size: 3}\n")
    assert configuration == settings("batch: {size: 3}\n")
    assert configuration != settings("batch: {size: 4}\n")
    with pytest.raises(ValueError, match="frozen"):
        configuration.batch.size = 5  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "suggested", "threshold"),
    [
        ("{}", {}, 0.5),
        ("{}", {"default": 0.7}, 0.7),
        ("{}", {"default": 0.7, "Food": 0.8}, 0.8),
        ("{default: 0.6}", {"Food": 0.8}, 0.6),
        ("{default: 0.6, Food: 0.3}", {"Food": 0.8}, 0.3),
        ("{default: 0.6, target_precision: 0.95}", {"Food": 0.8}, 0.8),
        ("{default: 0.6, target_precision: 0.95}", {"Pets": 0.8}, 0.6),
        ("{Food: 0.0}", {"Food": 0.8}, 0.0),
    ],
)
def test_whose_threshold_goes_first(
    settings: Settings, text: str, suggested: dict[str, float], threshold: float
) -> None:
    assert settings(f"thresholds: {text}\n").thresholds.for_category("Food", suggested) == threshold


def test_numbers_may_be_written_whole_and_never_is_null(settings: Settings) -> None:
    configuration = settings("watch: {settle_seconds: 3}\nmodel: {unload_after_minutes: null}\n")
    assert configuration.watch.settle_seconds == 3.0
    assert configuration.model.unload_after_minutes is None


def test_a_backbone_is_a_word_or_a_file(settings: Settings, tmp_path: Path) -> None:
    assert settings("model: {backbone: imagenet}\n").model.backbone == "imagenet"
    assert settings("model: {backbone: ./vgg.npz}\n").model.backbone == tmp_path / "vgg.npz"


def test_a_byte_order_mark_and_windows_line_ends_are_fine(tmp_path: Path) -> None:
    path = tmp_path / "organizer.yaml"
    path.write_bytes(b"\xef\xbb\xbfinboxes: [in]\r\nlibrary: lib\r\n")
    assert load_configuration(path).library == tmp_path / "lib"


def test_names_of_any_script_are_categories(settings: Settings) -> None:
    names = ("Größe", "家族", "Ferien & Reisen", "👨\u200d👩\u200d👧", "-x", "a.b")
    text = "categories: [" + ", ".join(f'"{name}"' for name in names) + "]\n"
    assert settings(text).categories == names


def test_where_the_configuration_is_looked_for(
    tmp_path: Path, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_configuration() == own_home / ".config/photo-organizer/organizer.yaml"
    monkeypatch.setenv("PHOTO_ORGANIZER_CONFIG", "mine.yaml")
    assert find_configuration() == tmp_path / "mine.yaml"
    assert find_configuration(Path("~/given.yaml")) == own_home / "given.yaml"


def test_relative_xdg_variables_are_ignored(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", "somewhere/else")
    assert find_configuration() == own_home / ".config/photo-organizer/organizer.yaml"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Sun 03:00", "2026-11-29 03:00"),
        ("sunday 3:00", "2026-11-29 03:00"),
        ("daily 02:30", "2026-11-24 02:30"),
        ("Mon-Fri 02:30", "2026-11-24 02:30"),
        ("Wed, Sat 12:00", "2026-11-25 12:00"),
        ("0 3 1 * *", "2026-12-01 03:00"),
        ("*/15 * * * *", "2026-11-23 10:15"),
    ],
)
def test_schedules(text: str, expected: str) -> None:
    monday = datetime.fromisoformat("2026-11-23 10:00")
    assert next_run(text, monday) == datetime.fromisoformat(expected)


def test_a_schedule_in_the_hour_that_summer_time_skips_still_comes() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    night = datetime(2026, 3, 28, 12, tzinfo=berlin)  # on the 29th, 02:00 becomes 03:00
    assert next_run("daily 02:30", night).date().isoformat() == "2026-03-29"


@pytest.mark.parametrize(
    ("hook", "fault"),
    [
        ('"notify.sh -q"', "is not a list; write the program and each argument"),
        ("[]", "the list is empty"),
        ('["", a]', "names no program"),
    ],
)
def test_a_hook_is_a_list_of_words(tmp_path: Path, hook: str, fault: str) -> None:
    path = tmp_path / "organizer.yaml"
    path.write_text(f"inboxes: [in]\nlibrary: lib\nhooks:\n  on_batch: {hook}\n")
    with pytest.raises(ConfigurationError, match=re.escape(fault)) as caught:
        load_configuration(path)
    assert f"{path}:4: hooks.on_batch" in str(caught.value)


def test_the_program_of_a_hook_may_be_a_path(tmp_path: Path, own_home: Path) -> None:
    path = tmp_path / "organizer.yaml"
    path.write_text("inboxes: [in]\nlibrary: lib\nhooks: {on_batch: [~/bin/x, ~/y], on_error: [x]}\n")
    hooks = load_configuration(path).hooks
    assert (hooks.on_batch, hooks.on_error) == ((f"{own_home}/bin/x", "~/y"), ("x",))


def test_metrics_go_where_node_exporter_reads_them(tmp_path: Path) -> None:
    path = tmp_path / "organizer.yaml"
    path.write_text("inboxes: [in]\nlibrary: lib\nmetrics: {textfile: m.txt}\n")
    with pytest.raises(ConfigurationError, match=r"must end in \.prom"):
        load_configuration(path)
