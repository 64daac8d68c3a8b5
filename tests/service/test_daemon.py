"""The daemon as a person meets it: a process that watches folders, and what it does with what is dropped
there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from photo_organizer import __version__
from support.household import Household, LiveDaemon, files_below, small_model
from support.small_models import draw_photo

BACKLOG = 1200  # photos: seconds of work on a fast machine, which files 200 between two looks at the status


def test_each_photo_goes_where_it_belongs_and_the_ledger_says_so(household: Household) -> None:
    with LiveDaemon(household) as daemon:
        daemon.until_ready()
        inbox = household.inbox
        draw_photo(inbox / "dog.jpg", "Pets", seed=1)
        draw_photo(inbox / "trip" / "soup.png", "Food", seed=2)
        draw_photo(inbox / "what.jpg", "Food", between="Pets", seed=3)
        (inbox / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0" + bytes(500))
        (inbox / "letter.pdf").write_bytes(b"%PDF-1.7 a letter")
        daemon.until(lambda status: (status["filed_total"], status["review_total"]) == (2, 1))
        status = daemon.until(lambda status: status["quarantined_total"] == 1 and status["state"] == "idle")
        daemon.stop()
    assert household.filed() == {"Pets": ["dog.jpg"], "Food": ["soup.png"], "Review": ["what.jpg"]}
    assert [path.name for path in household.waiting()] == ["letter.pdf"]
    assert {path.name for path in files_below(household.state / "quarantine")} == {
        "broken.jpg",
        "broken.jpg.reason.txt",
    }
    rows = {Path(row["source"]).name: row["action"] for row in household.ledger()}
    assert rows == {
        "dog.jpg": "filed",
        "soup.png": "filed",
        "what.jpg": "review",
        "broken.jpg": "quarantined",
    }
    assert (status["version"], status["model"], status["queued"]) == (__version__, "small", 0)
    assert status["not_images"] == 1
    assert status["engine"]
    assert status["last_photo_time"]
    assert household.status()["state"] == "stopping"


def test_what_lies_there_at_the_start_and_a_folder_moved_in_are_filed(household: Household) -> None:
    early = [draw_photo(household.inbox / f"early-{n}.jpg", "Travel", seed=n) for n in range(5)]
    for n in range(20):
        draw_photo(household.root / "camera" / f"moved-{n}.jpg", "Nature", seed=100 + n)
    with LiveDaemon(household) as daemon:
        daemon.until_filed(early)
        (household.root / "camera").rename(household.inbox / "camera")
        daemon.until_filed([household.inbox / "camera" / f"moved-{n}.jpg" for n in range(20)])
    assert {folder: len(names) for folder, names in household.filed().items()} == {"Travel": 5, "Nature": 20}


def test_a_file_that_is_still_being_written_is_left_until_it_is_whole(
    make_household: Callable[..., Household],
) -> None:
    household = make_household(watch={"settle_seconds": 0.5, "rescan_seconds": 5})
    whole = draw_photo(household.root / "whole.png", "Food", size=(400, 300)).read_bytes()
    slow = household.inbox / "slow.png"
    with LiveDaemon(household) as daemon:
        daemon.until_ready()
        with slow.open("wb", buffering=0) as file:
            step = len(whole) // 4 + 1
            for number, start in enumerate(range(0, len(whole), step)):
                file.write(whole[start : start + step])
                # Another photo comes and goes meanwhile: far longer than one turn of the loop.
                daemon.until_filed([draw_photo(household.inbox / f"quick-{number}.jpg", "Pets", seed=number)])
                assert slow.exists()
        daemon.until_filed([slow])
    assert (household.library / "Food" / "slow.png").read_bytes() == whole


def test_a_second_daemon_is_refused_and_told_by_whom(household: Household) -> None:
    with LiveDaemon(household) as daemon:
        daemon.until_ready()
        command = [sys.executable, "-m", "photo_organizer", "run", "--config", str(household.config)]
        second = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
        assert second.returncode == 1
        assert str(daemon.pid) in second.stderr
        assert "Traceback" not in second.stderr
        assert daemon.until(lambda status: status["state"] == "idle")


def test_a_stop_amid_a_backlog_is_quick_and_the_next_start_goes_on(household: Household) -> None:
    photos = [draw_photo(household.inbox / f"{n}.jpg", "Events", seed=n) for n in range(BACKLOG)]
    before = household.contents()
    with LiveDaemon(household) as daemon:
        daemon.until(lambda status: status["filed_total"] > 10 and status["state"] == "working")
        assert daemon.stop() < 5
    assert household.waiting(), "there should have been a backlog"
    assert household.contents() == before
    assert household.leftovers() == []
    with LiveDaemon(household) as daemon:
        daemon.until_filed(photos)
    assert household.contents() == before
    assert len(household.ledger()) == BACKLOG


def test_a_saved_configuration_is_taken_over_and_a_broken_one_is_refused(household: Household) -> None:
    with LiveDaemon(household) as daemon:
        daemon.until_ready()
        household.save(thresholds={"default": 0.2}, inboxes=["Inbox", "Second"])
        daemon.until_it_says("configuration reloaded")
        daemon.until_filed(
            [draw_photo(household.root / "Second" / "what.jpg", "Food", between="Pets", seed=1)]
        )
        household.save(thresholds={"default": 7, "Food": 8})
        status = daemon.until(lambda status: status["config_error"])
        assert "thresholds.default" in status["config_error"]
        assert "; " in status["config_error"], "both, on one line"
        assert "\n" not in status["config_error"]
        said = household.attempt("status", seconds=60)
        assert said is not None
        assert said.startswith(f"needs you   the configuration is invalid ({household.config}:")
        assert "state       idle" in said
        daemon.until_filed([draw_photo(household.inbox / "still.jpg", "Food", between="Pets", seed=2)])
        household.save(thresholds={"default": 1.0})
        daemon.process.send_signal(signal.SIGHUP)
        daemon.until(lambda status: status["config_error"] is None)
        daemon.until_filed([draw_photo(household.inbox / "strict.jpg", "Food", between="Pets", seed=3)])
    filed = household.filed()
    assert filed.pop("Review") == ["strict.jpg"]
    assert sorted(name for names in filed.values() for name in names) == ["still.jpg", "what.jpg"]
    assert daemon.says().count("configuration not reloaded") == 2, "each fault on a line of its own"
    assert "\\n" not in daemon.says()


def test_a_model_that_is_chosen_takes_over_while_photos_go_on_being_filed(household: Household) -> None:
    small_model(household.models, "second", seed=2)
    with LiveDaemon(household) as daemon:
        daemon.until_filed([draw_photo(household.inbox / "0.jpg", "Food", seed=0)])
        before = daemon.vision_pid()
        link = household.models / "next"
        link.symlink_to("second")
        link.replace(household.models / "current")
        photos = [household.inbox / "0.jpg"]
        while household.status()["model"] != "second":
            photos.append(draw_photo(household.inbox / f"{len(photos)}.jpg", "Food", seed=len(photos)))
            daemon.until_filed(photos[-1:])
        daemon.until_filed([draw_photo(household.inbox / "last.jpg", "Food", seed=1000)])
        assert before not in (None, daemon.vision_pid())
    models = [row["model"] for row in household.ledger()]
    assert (models[0], models[-1]) == ("small", "second")
    assert models == sorted(models, reverse=True), "first the one, then the other"


def test_a_model_that_cannot_be_loaded_leaves_the_one_before_in_charge(household: Household) -> None:
    broken = small_model(household.models, "broken")
    (broken / "backbone.npz").write_bytes(b"damaged")
    with LiveDaemon(household) as daemon:
        daemon.until_filed([draw_photo(household.inbox / "one.jpg", "Food", seed=1)])
        link = household.models / "next"
        link.symlink_to("broken")
        link.replace(household.models / "current")
        daemon.until_it_says("could not switch to the new model")
        daemon.until_filed([draw_photo(household.inbox / "two.jpg", "Food", seed=2)])
        assert daemon.until(lambda status: status["state"] == "idle")["model"] == "small"


def test_the_vision_process_gives_its_memory_back_and_returns(
    make_household: Callable[..., Household],
) -> None:
    household = make_household(model={"directory": "models", "unload_after_minutes": 0.01})
    with LiveDaemon(household) as daemon:
        daemon.until_filed([draw_photo(household.inbox / "one.jpg", "Food", seed=1)])
        daemon.until(lambda _: daemon.vision_pid() is None)
        daemon.until(lambda status: not status["vision_loaded"])
        daemon.until_filed([draw_photo(household.inbox / "two.jpg", "Food", seed=2)])
    assert sorted(household.filed()["Food"]) == ["one.jpg", "two.jpg"]


def test_the_model_is_loaded_while_the_first_photo_settles(make_household: Callable[..., Household]) -> None:
    household = make_household(watch={"settle_seconds": 60})
    with LiveDaemon(household) as daemon:
        daemon.until_ready()
        assert daemon.vision_pid() is None
        draw_photo(household.inbox / "one.jpg", "Food", seed=1)
        status = daemon.until(lambda status: status["vision_loaded"])
        assert (status["settling"], status["filed_total"]) == (1, 0)


def test_a_companion_that_comes_late_joins_its_photo(household: Household) -> None:
    with LiveDaemon(household) as daemon:
        daemon.until_filed([draw_photo(household.inbox / "IMG_1.jpg", "Food", seed=1)])
        late = household.inbox / "IMG_1.xmp"
        late.write_text("<x:xmpmeta xmlns:x='adobe:ns:meta/'/>")
        daemon.until_filed([late])
    assert sorted(household.filed()["Food"]) == ["IMG_1.jpg", "IMG_1.xmp"]


def test_what_undo_put_back_and_what_cannot_be_moved_is_told(household: Household) -> None:
    stuck = draw_photo(household.inbox / "stuck.jpg", "Pets", seed=2)
    if subprocess.run(["chattr", "+i", str(stuck)], capture_output=True, check=False).returncode:
        pytest.skip("no file can be made immutable here")
    try:
        with LiveDaemon(household) as daemon:
            daemon.until(lambda status: (status["left_alone"], status["retrying"]) == (0, 1))
            daemon.until_filed([draw_photo(household.inbox / "one.jpg", "Food", seed=1)])
            household.organizer("undo")
            daemon.until(lambda status: (status["left_alone"], status["retrying"]) == (1, 1))
            daemon.until(lambda status: status["filed_total"] == 0)
            said = household.attempt("status", seconds=60)
            assert said is not None
            assert f"1 photo cannot be filed yet: {stuck} (" in said
            assert "1 to be retried, 1 ignored (put back by undo" in said
    finally:
        subprocess.run(["chattr", "-i", str(stuck)], check=True)


def test_a_library_that_goes_away_is_awaited_and_not_replaced(household: Household) -> None:
    with LiveDaemon(household) as daemon:
        daemon.until_filed([draw_photo(household.inbox / "one.jpg", "Food", seed=1)])
        household.library.rename(household.root / "unplugged")
        waiting = draw_photo(household.inbox / "two.jpg", "Food", seed=2)
        status = daemon.until(lambda status: status["state"] == "paused")
        assert "Library" in status["reason"]
        assert waiting.exists()
        assert not household.library.exists()
        (household.root / "unplugged").rename(household.library)
        daemon.until_filed([waiting])
        assert daemon.says().count("paused") == 1
    assert sorted(household.filed()["Food"]) == ["one.jpg", "two.jpg"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small file system")
def test_a_full_disk_pauses_filing_which_resumes_by_itself(household: Household) -> None:
    household.library.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(household.library)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode != 0:
        pytest.skip("this container lets nobody mount")
    try:
        ballast = household.library / "ballast"
        ballast.write_bytes(bytes(240 * 1024))
        photos = [draw_photo(household.inbox / f"{n}.png", "Food", seed=n, size=(96, 64)) for n in range(3)]
        before = household.contents()
        with LiveDaemon(household) as daemon:
            status = daemon.until(lambda status: status["state"] == "paused")
            assert "space" in status["reason"]
            assert household.contents() == before
            ballast.unlink()
            daemon.until_filed(photos)
            assert daemon.says().count("paused") == 1
        assert household.leftovers() == []
        assert sorted(household.filed()["Food"]) == ["0.png", "1.png", "2.png"]
    finally:
        subprocess.run(["umount", str(household.library)], check=True)


def test_a_pause_survives_a_restart_and_resume_ends_it(household: Household) -> None:
    household.organizer("pause")
    with LiveDaemon(household) as daemon:
        daemon.until(lambda status: status["state"] == "paused")
        photo = draw_photo(household.inbox / "soup.png", "Food", seed=2)
        assert "paused by you" in household.organizer("status")
        daemon.stop()
    with LiveDaemon(household) as daemon:
        daemon.until(lambda status: status["state"] == "paused")
        assert household.filed() == {}
        assert household.organizer("resume") == "filing goes on\n"
        daemon.until_filed([photo])
        assert household.organizer("resume") == "filing is not paused\n"
        daemon.stop()


def test_a_pause_ends_by_itself_after_its_time(household: Household) -> None:
    with LiveDaemon(household) as daemon:
        daemon.until_ready()
        household.organizer("pause", "--for", "2s")
        photo = draw_photo(household.inbox / "soup.png", "Food", seed=2)
        daemon.until_it_says("paused by you until")
        daemon.until_filed([photo])
        assert not (household.state / "pause.json").exists()
        daemon.stop()
