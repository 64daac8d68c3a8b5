"""The pipeline by itself, with simulated parts: what is submitted, what is filed when, and what
rests."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from photo_organizer.config import Configuration, load_configuration
from photo_organizer.crash_log import CrashLog
from photo_organizer.errors import OrganizerError
from photo_organizer.library import (
    DestinationError,
    Filing,
    FilingReport,
    JoinReport,
    Latecomer,
    Placed,
    SourceError,
    SourceErrorKind,
)
from photo_organizer.photo import Action, AssetGroup, FileIdentity, Photo, Prediction
from photo_organizer.service.one_shot import FilingStoppedError, ListedPhotos, run_to_end
from photo_organizer.service.pipeline import FILED_TOGETHER, Pipeline
from photo_organizer.service.placement import Placement
from photo_organizer.vision.outcome import Classified, Outcome, Rejected, RejectionKind

INBOX = Path("/inbox")


def group(number: int, name: str = "") -> AssetGroup:
    return AssetGroup(INBOX, Photo(INBOX / (name or f"{number}.jpg"), FileIdentity(1, number, 100, 0)))


def prediction(confidence: float = 0.9) -> Prediction:
    return Prediction("ab" * 32, "m1", "test", ("Pets", "Food"), (confidence, 1 - confidence))


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class TestSource(ListedPhotos):
    """`sort`'s own source, remembering what it was told."""

    __test__ = False

    def __init__(self, groups: Sequence[AssetGroup], clock: Clock) -> None:
        super().__init__(iter(groups), clock)
        self.told: list[tuple[str, str]] = []
        self.incomplete: set[str] = set()

    def done(self, group: AssetGroup) -> None:
        self.told.append(("done", group.photo.path.name))
        super().done(group)

    def retry(self, group: AssetGroup, after_seconds: float, reason: str = "") -> None:
        self.told.append(("retry", group.photo.path.name))
        super().retry(group, after_seconds)

    def wait_for_rest(self, group: AssetGroup, *, ends_early: bool) -> bool:
        self.told.append(("wait" if ends_early else "ask", group.photo.path.name))
        return ends_early and group.photo.path.name in self.incomplete

    def leave(self, group: AssetGroup, reason: str) -> None:
        self.told.append(("leave", group.photo.path.name))
        super().leave(group, reason)


@dataclass
class TestVision:
    """Says what it was asked only when the test lets it, `speed` photos a step."""

    __test__ = False

    speed: int = 1000
    capacity: int = 128
    rejections: dict[str, RejectionKind] = field(default_factory=dict)
    ends_early: set[str] = field(default_factory=set)
    broken: bool = False
    is_warm: bool = False
    waiting: list[Photo] = field(default_factory=list)
    spoons: list[int] = field(default_factory=list)

    @property
    def in_flight(self) -> int:
        return len(self.waiting)

    def submit(self, photos: Sequence[Photo]) -> None:
        if self.broken:
            raise OrganizerError("no model")
        self.spoons.append(len(photos))
        self.waiting += photos

    def warm_up(self) -> None:
        if self.broken:
            raise OrganizerError("no model")
        self.is_warm = True

    def poll(self, timeout: float = 0) -> list[Outcome]:
        now, self.waiting = self.waiting[: self.speed], self.waiting[self.speed :]
        return [self.outcome(photo) for photo in now]

    def outcome(self, photo: Photo) -> Outcome:
        kind = self.rejections.get(photo.path.name)
        early = photo.path.name in self.ends_early
        return Rejected(photo, kind, "because", early) if kind else Classified(photo, prediction(), early)

    def next_due(self) -> float | None:
        return None

    def fileno(self) -> int | None:
        return None

    def wants_to_write(self) -> bool:
        return False


@dataclass
class TestLibrary:
    """Files everything, or finds the trouble that the test has put in its way."""

    __test__ = False

    trouble: DestinationError | None = None
    after: int = 0
    unwilling: set[str] = field(default_factory=set)
    batches: list[list[Filing]] = field(default_factory=list)
    ids: list[str | None] = field(default_factory=list)

    def file(self, filings: Sequence[Filing], *, batch: str | None = None) -> FilingReport:
        self.ids.append(batch)
        self.batches.append(list(filings))
        willing = [filing for filing in filings if filing.group.photo.path.name not in self.unwilling]
        if self.trouble:
            willing = willing[: self.after]
        placed = [
            Placed(filing.group, filing.action, Path("/library") / filing.folder / "x") for filing in willing
        ]
        refused = [filing.group for filing in filings if filing.group.photo.path.name in self.unwilling]
        return FilingReport(
            batch or f"batch-{len(self.batches)}",
            filed=tuple(placed),
            set_aside=tuple((group, SourceError(SourceErrorKind.CHANGED, "changed")) for group in refused),
            pause=self.trouble,
        )

    def join(self, latecomers: Sequence[Latecomer], inbox: Path) -> JoinReport:
        return JoinReport()


@dataclass
class TestReporter:
    __test__ = False

    heard: list[str] = field(default_factory=list)

    def placed(self, filing: Filing, placed: Placed) -> None:
        self.heard.append(f"{placed.action} {placed.group.photo.path.name}")

    def joined(self, companion: Photo, path: Path) -> None: ...

    def left(self, group: AssetGroup, reason: str) -> None:
        self.heard.append(f"left {group.photo.path.name}")

    def incomplete(self, group: AssetGroup) -> None:
        self.heard.append(f"incomplete {group.photo.path.name}")

    def set_aside(self, group: AssetGroup, reason: str) -> None:
        self.heard.append(f"aside {group.photo.path.name}")

    def paused(self, reason: str) -> None:
        self.heard.append("paused")

    def resumed(self) -> None:
        self.heard.append("resumed")


@dataclass
class Bench:
    """A pipeline on the bench."""

    source: TestSource
    vision: TestVision
    library: TestLibrary
    reporter: TestReporter
    clock: Clock
    pipeline: Pipeline


@pytest.fixture
def configuration(tmp_path: Path) -> Configuration:
    path = tmp_path / "organizer.yaml"
    path.write_text("inboxes: [in]\nlibrary: out\ncategories: [Pets, Food]\nvideos: Videos\n")
    return load_configuration(path)


@pytest.fixture
def bench(configuration: Configuration) -> Iterator[Bench]:
    yield make_bench(configuration, 1)


def make_bench(configuration: Configuration, count: int, **vision: object) -> Bench:
    clock = Clock()
    source, library, reporter = (
        TestSource([group(n) for n in range(count)], clock),
        TestLibrary(),
        TestReporter(),
    )
    seeing = TestVision(**vision)  # type: ignore[arg-type]  # as the test says
    placement = Placement.by(configuration, {})
    pipeline = Pipeline(
        source,
        seeing,
        library,
        placement,
        reporter,
        crash_log=CrashLog(configuration.state_directory),
        linger=0.5,
        clock=clock,
    )
    return Bench(source, seeing, library, reporter, clock, pipeline)


def test_a_lone_photo_waits_for_nobody(bench: Bench) -> None:
    bench.pipeline.step()
    bench.pipeline.step()
    assert bench.reporter.heard == ["filed 0.jpg"]
    assert bench.source.told == [("done", "0.jpg")]
    assert bench.pipeline.in_progress == 0


def test_under_load_results_are_filed_together_and_the_first_waits_half_a_second_at_most(
    configuration: Configuration,
) -> None:
    bench = make_bench(configuration, 300, speed=8)
    for _ in range(8):
        bench.pipeline.step()
    assert bench.library.batches == [], "56 results are no full batch yet"
    bench.pipeline.step()
    assert [len(batch) for batch in bench.library.batches] == [FILED_TOGETHER]
    for _ in range(3):
        bench.pipeline.step()
    assert len(bench.library.batches) == 1
    due = bench.pipeline.next_due()
    assert due == bench.clock.now + 0.5
    bench.clock.now = due
    bench.pipeline.step()
    assert [len(batch) for batch in bench.library.batches] == [64, 32]


def test_vision_is_fed_in_spoons_so_that_its_batches_are_full(configuration: Configuration) -> None:
    bench = make_bench(configuration, 1000, speed=5)
    for _ in range(40):
        bench.pipeline.step()
    assert bench.vision.spoons[0] == bench.vision.capacity
    assert all(spoon >= bench.vision.capacity // 4 for spoon in bench.vision.spoons)
    assert bench.vision.in_flight <= bench.vision.capacity


@pytest.mark.parametrize(
    "rejections", [{}, {"0.jpg": RejectionKind.UNREADABLE}], ids=["decoded", "unreadable"]
)
def test_a_file_that_is_not_whole_is_the_sources_to_keep(
    configuration: Configuration, rejections: dict[str, RejectionKind]
) -> None:
    bench = make_bench(configuration, 2, rejections=rejections, ends_early={"0.jpg", "1.jpg"})
    bench.source.incomplete = {"0.jpg"}
    for _ in range(3):
        bench.pipeline.step()
    assert bench.reporter.heard == ["incomplete 0.jpg", "filed 1.jpg"]
    assert bench.pipeline.in_progress == 0


def test_every_kind_of_rejection_has_its_end(configuration: Configuration) -> None:
    bench = make_bench(configuration, len(RejectionKind))
    bench.vision.rejections = {f"{number}.jpg": kind for number, kind in enumerate(RejectionKind)}
    for _ in range(2):
        bench.pipeline.step()
    told = {name: word for word, name in bench.source.told}
    expected = {
        RejectionKind.UNREADABLE: "done",
        RejectionKind.CHANGED: "retry",
        RejectionKind.NOT_AN_IMAGE: "leave",
        RejectionKind.UNSUPPORTED: "leave",
        RejectionKind.NEEDS_EXTRA: "leave",
        RejectionKind.GONE: "done",
        RejectionKind.SOURCE_ERROR: "retry",
    }
    assert told == {f"{number}.jpg": expected[kind] for number, kind in enumerate(RejectionKind)}
    (batch,) = bench.library.batches
    assert [(filing.action, filing.reason) for filing in batch] == [(Action.QUARANTINED, "because")]


def test_a_video_alone_is_filed_without_being_looked_at(configuration: Configuration) -> None:
    bench = make_bench(configuration, 0)
    bench.pipeline.source = TestSource([group(1, "film.mov")], bench.clock)
    bench.pipeline.step()
    assert bench.vision.spoons == []
    assert [filing.folder for batch in bench.library.batches for filing in batch] == ["Videos"]


def test_what_was_classified_in_another_state_is_offered_again(bench: Bench) -> None:
    bench.pipeline.step()
    photo = bench.vision.waiting[0]
    bench.vision.waiting = [Photo(photo.path, FileIdentity(1, 0, 999, 5))]
    bench.pipeline.step()
    assert bench.library.batches == []
    assert bench.source.told == [("retry", "0.jpg")]


def test_a_full_disk_pauses_once_and_is_tried_later_and_later(configuration: Configuration) -> None:
    bench = make_bench(configuration, 10)
    bench.library.trouble, bench.library.after = DestinationError("no space left on device"), 4
    bench.pipeline.step()
    bench.pipeline.step()
    assert bench.pipeline.pause is not None
    assert bench.pipeline.in_progress == 6, "four were filed before the disk was full"
    bench.library.after = 0
    waits = []
    for _ in range(8):
        due = bench.pipeline.next_due()
        assert due is not None
        waits.append(due - bench.clock.now)
        bench.clock.now = due
        bench.pipeline.step()
    assert waits == [1, 2, 4, 8, 16, 30, 30, 30]
    assert bench.reporter.heard.count("paused") == 1
    bench.library.trouble = None
    bench.clock.now += 30
    bench.pipeline.step()
    assert bench.pipeline.pause is None
    assert bench.reporter.heard[-7:] == [*(f"filed {number}.jpg" for number in range(4, 10)), "resumed"]
    assert len([told for told in bench.source.told if told[0] == "done"]) == 10


def test_a_model_that_does_not_work_pauses_and_no_photo_is_touched(configuration: Configuration) -> None:
    bench = make_bench(configuration, 3)
    bench.vision.broken = True
    bench.pipeline.step()
    assert bench.pipeline.pause is not None
    assert "no model" in bench.pipeline.pause.reason
    assert bench.pipeline.in_progress == 0
    bench.vision.broken = False
    bench.clock.now += 1
    bench.pipeline.step()
    bench.pipeline.step()
    assert bench.reporter.heard == ["paused", "resumed", "filed 0.jpg", "filed 1.jpg", "filed 2.jpg"]


def test_a_model_is_loaded_for_photos_that_are_expected_and_its_trouble_told(
    configuration: Configuration,
) -> None:
    bench = make_bench(configuration, 0)
    bench.pipeline.expect_photos()
    assert bench.vision.is_warm
    bench.vision.broken = True
    bench.pipeline.expect_photos()
    bench.pipeline.expect_photos()
    assert bench.pipeline.pause is not None
    assert bench.reporter.heard == ["paused"]


def test_trouble_with_one_photo_sets_that_one_aside(configuration: Configuration) -> None:
    bench = make_bench(configuration, 3)
    bench.library.unwilling = {"1.jpg"}
    bench.pipeline.step()
    bench.pipeline.step()
    assert bench.source.told == [("done", "0.jpg"), ("done", "2.jpg"), ("retry", "1.jpg")]
    assert bench.pipeline.pause is None


def test_photos_that_come_together_are_one_batch_for_undo(configuration: Configuration) -> None:
    bench = make_bench(configuration, 200, speed=64)
    for _ in range(8):
        bench.pipeline.step()
    first = "batch-1"
    assert bench.library.ids == [None, first, first, first]
    bench.pipeline.end_batch()
    bench.pipeline.source = TestSource([group(500)], bench.clock)
    bench.pipeline.step()
    bench.pipeline.step()
    assert bench.library.ids[-1] is None


def test_results_for_a_source_that_was_replaced_find_no_one(bench: Bench) -> None:
    bench.pipeline.step()
    bench.pipeline.give_back()
    bench.pipeline.source = TestSource([], bench.clock)
    bench.pipeline.step()
    assert bench.library.batches == []
    assert bench.pipeline.in_progress == 0


def test_sort_ends_when_all_is_done_and_gives_up_on_what_fails_three_times(
    configuration: Configuration,
) -> None:
    clock = Clock()
    source = TestSource([group(n) for n in range(5)], clock)
    vision = TestVision(rejections={"3.jpg": RejectionKind.SOURCE_ERROR})
    library, reporter = TestLibrary(), TestReporter()

    def ticking() -> bool:
        clock.now += 1
        return False

    placement = Placement.by(configuration, {})
    run_to_end(
        Pipeline(
            source,
            vision,
            library,
            placement,
            reporter,
            crash_log=CrashLog(configuration.state_directory),
            linger=0.5,
            clock=clock,
        ),
        source,
        ticking,
    )
    assert sum(len(batch) for batch in library.batches) == 4
    assert [group.photo.path.name for group in source.failed] == ["3.jpg"]


def test_sort_stops_at_a_full_disk_and_says_so(configuration: Configuration) -> None:
    bench = make_bench(configuration, 5)
    bench.library.trouble = DestinationError("no space left on device")
    with pytest.raises(FilingStoppedError, match="no space left"):
        run_to_end(bench.pipeline, bench.source, lambda: False)


def _raising(*_: object, **__: object) -> None:
    raise OverflowError("a number nobody thought of")


@dataclass
class UnlikePhoto:
    """Raises when it is about photo 3, and else does what it is put before."""

    inner: Callable[..., object]

    def __call__(self, *arguments: object, **keywords: object) -> object:
        if "3.jpg" in repr(arguments):
            _raising()
        return self.inner(*arguments, **keywords)


CALLS = [
    "source.done", "source.retry", "source.collect", "vision.submit", "vision.poll", "library.file",
    "reporter.placed", "pipeline.placement.of_classified", "pipeline.placement.is_video",
]  # fmt: skip


@pytest.mark.parametrize("call", CALLS)
def test_an_unforeseen_error_is_one_photos_own_and_never_ends_the_pipeline(
    configuration: Configuration, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = make_bench(configuration, 8, speed=4)
    *path, name = call.split(".")
    whose: object = bench
    for step in path:
        whose = getattr(whose, step)
    failing: object = UnlikePhoto(getattr(whose, name))
    if name == "poll":
        failing = _raising
    elif name == "collect":
        failing = _once(getattr(whose, name))
    if path[-1] == "placement":
        real = getattr(Placement, name)
        unlike = UnlikePhoto(real)
        monkeypatch.setattr(Placement, name, lambda self, *given: unlike(self, *given))  # noqa: PLW0108  a method
    else:
        monkeypatch.setattr(whose, name, failing)
    if name == "retry":
        bench.library.unwilling.add("3.jpg")
    for _ in range(20):
        bench.pipeline.step()
        bench.clock.now += 40
        if name == "poll":
            monkeypatch.setattr(bench.vision, "poll", TestVision.poll.__get__(bench.vision))
    done = {line for line in bench.reporter.heard if line.startswith("filed")}
    assert {f"filed {number}.jpg" for number in range(8) if number != 3} <= done
    assert bench.pipeline.pause is None
    assert "OverflowError" in (configuration.state_directory / "crash.log").read_text()


def _once(real: Callable[..., object]) -> Callable[..., object]:
    failures = [OverflowError("a number nobody thought of")]

    def call(*arguments: object) -> object:
        if failures:
            raise failures.pop()
        return real(*arguments)

    return call
