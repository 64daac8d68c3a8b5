"""Files as uploads bring them: in parts, in any order, with a pause between."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from support.household import Household, LiveDaemon
from support.small_models import draw_photo


def test_an_interrupted_upload_ends_filed_whole(make_household: Callable[..., Household]) -> None:
    household = make_household(watch={"settle_seconds": 0.1, "rescan_seconds": 5})
    inbox = household.inbox
    whole = {
        name: draw_photo(household.root / name, "Food", size=(400, 300), seed=seed).read_bytes()
        for seed, name in enumerate(["r.jpg", "p.png", "w.webp", "t.tif"])
    }
    with LiveDaemon(household) as daemon:
        daemon.until_ready()
        for name, data in whole.items():
            (inbox / name).write_bytes(data[: len(data) // 2])
        (inbox / "empty.jpg").touch()
        status = daemon.until(lambda status: status.get("incomplete") == 5 and status["state"] == "idle")
        assert status["quarantined_total"] == 0
        assert "5 incomplete, waiting for the rest" in household.organizer("status")
        for name, data in whole.items():
            with (inbox / name).open("ab") as file:
                file.write(data[len(data) // 2 :])
        (inbox / "empty.jpg").write_bytes(whole["r.jpg"] + b"another")
        daemon.until_filed([inbox / name for name in [*whole, "empty.jpg"]])
        daemon.stop()
    filed = {path.name: path.read_bytes() for path in household.library.rglob("*.*") if path.name in whole}
    assert filed == whole
    assert not (household.state / "quarantine").exists() or not list(
        (household.state / "quarantine").iterdir()
    )


def test_what_does_not_come_ends_in_quarantine_with_the_true_reason(
    make_household: Callable[..., Household],
) -> None:
    household = make_household(
        watch={"settle_seconds": 0.1, "rescan_seconds": 5, "incomplete_minutes": 0.02}, videos="Videos"
    )
    data = draw_photo(household.root / "whole.jpg", "Food", size=(400, 300)).read_bytes()
    with LiveDaemon(household) as daemon:
        daemon.until_ready()
        (household.inbox / "half.jpg").write_bytes(data[: len(data) // 2])
        (household.inbox / "empty.png").touch()
        daemon.until(lambda status: status["quarantined_total"] == 2)
        daemon.stop()
    assert "ends before the picture does" in _reason(household, "half.jpg")
    assert "the file is empty" in _reason(household, "empty.png")


def _reason(household: Household, name: str) -> str:
    return Path(household.state, "quarantine", f"{name}.reason.txt").read_text(encoding="utf-8")
