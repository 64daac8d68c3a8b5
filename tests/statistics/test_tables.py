"""The numbers of `stats`, from actions that are known."""

from __future__ import annotations

from collections.abc import Sequence

from photo_organizer.library.record.actions import RecordedAction
from photo_organizer.statistics.tables import Statistics, make_statistics


def action(  # noqa: PLR0917
    time: str, kind: str, photo: str, category: str = "Food", label: str = "", taken: str = "",
    *, undone: bool = False,
) -> RecordedAction:  # fmt: skip
    confidence = 0.9 if kind in {"filed", "review"} else None
    sha256 = photo.encode()
    return RecordedAction(
        0, f"{time}T12:00:00+01:00", kind, sha256, category, label, confidence, "m", taken, undone
    )


def statistics(*actions: RecordedAction) -> Statistics:
    return make_statistics([one._replace(number=number) for number, one in enumerate(actions, start=1)])


def rows(values: Sequence[dict[str, object]], *keys: str) -> list[tuple[object, ...]]:
    return [tuple(value[key] for key in keys) for value in values]


def test_a_correction_counts_for_what_the_model_filed() -> None:
    made = statistics(
        action("2026-01-01", "filed", "a"),
        action("2026-01-01", "filed", "b"),
        action("2026-02-01", "filed", "c", "Pets"),
        action("2026-02-02", "corrected", "a", label="Pets"),  # wrong
        action("2026-02-02", "corrected", "b", label="Food"),  # moved within its category: right
        action("2026-02-02", "corrected", "c", label="Food", undone=True),  # taken back
    ).to_json()
    assert rows(made["categories"], "category", "photos", "corrected", "share") == [
        ("Food", 2, 1, 0.5),
        ("Pets", 1, 0, 0.0),
    ]
    assert made["corrected_share"] == 0.3333
    assert rows(made["corrected"], "month", "photos", "corrected") == [("2026-01", 2, 1), ("2026-02", 1, 0)]


def test_what_was_taken_back_was_not_filed() -> None:
    made = statistics(
        action("2026-01-01", "filed", "a", undone=True), action("2026-01-02", "undone", "a", "")
    ).to_json()
    assert (made["filed"], made["corrected_share"]) == (0, None)
    assert made["totals"] == {"filed": 1, "undone": 1}


def test_months_are_those_of_the_picture_and_none_is_left_out() -> None:
    made = statistics(
        action("2026-03-01", "filed", "a", taken="2025-11-30T10:00:00"),
        action("2026-01-05", "filed", "b", "Pets"),
        action("2026-01-05", "filed", "c", taken="0001-01-01T00:00:00"),
    ).to_json()
    assert made["months"] == [
        {"month": "2025-11", "photos": {"Food": 1}},
        {"month": "2025-12", "photos": {}},
        {"month": "2026-01", "photos": {"Food": 1, "Pets": 1}},
    ]


def test_review_grows_and_shrinks() -> None:
    made = statistics(
        action("2026-01-01", "review", "a"),
        action("2026-01-01", "review", "b"),
        action("2026-01-03", "corrected", "a", label="Pets"),
        action("2026-01-04", "undone", "b"),
        action("2026-01-05", "review", "b"),
    ).to_json()
    assert rows(made["review"], "date", "waiting") == [
        ("2026-01-01", 2), ("2026-01-02", 2), ("2026-01-03", 1), ("2026-01-04", 0), ("2026-01-05", 1),
    ]  # fmt: skip
    assert made["filed"] == 0  # out of Review is no correction of what the model filed


def test_confidence_is_counted_in_bins() -> None:
    made = statistics(action("2026-01-01", "filed", "a"), action("2026-01-01", "review", "b")).to_json()
    filled = [row for row in made["confidence"] if row["filed"] or row["review"]]
    assert filled == [{"from": 0.9, "filed": 1, "review": 1}]
    assert len(made["confidence"]) == 20


def test_nothing_at_all() -> None:
    made = statistics().to_json()
    assert (made["totals"], made["categories"], made["months"], made["review"]) == ({}, [], [], [])
