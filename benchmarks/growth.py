"""Whether it stays as fast and as small as it began: a very long backlog, and a very long memory.

    python benchmarks/growth.py

100,000 tiny photos arrive at once; the rate of the last tenth is compared with that of the first, and the
memory of both processes is sampled on the way. Then the daemon is started on a journal and a ledger of a
million rows, and on empty ones; and with a million files in its inbox that are no photos. Then come the parts
of a plan of a million photos, each compared with ten thousand. The model is a small one, so that what grows
is not hidden behind the network's work.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from runpy import run_path
from statistics import median
from typing import TYPE_CHECKING

from harness.arguments import parser
from harness.growth_plans import PARTS, measure
from harness.history import write_history
from harness.organizer import CHECKOUT, Organizer
from harness.photos import make_tiny_photos
from harness.processes import children, memory, processor_seconds
from harness.report import Figure, Report, Target

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

_PATIENCE = 2 * 3600.0


@dataclass(frozen=True, slots=True)
class Sample:
    """The state of things some seconds after the backlog arrived.

    Attributes:
        daemon, vision: resident memory in MB.
        processor: processor seconds that both used since then.
    """

    seconds: float
    filed: int
    daemon: float
    vision: float
    processor: float


_NOTHING_YET = Sample(0.0, 0, 0.0, 0.0, 0.0)


def main() -> None:
    """Measures, prints and writes the results."""
    arguments = parse_arguments()
    report = Report("growth")
    arguments.scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="growth-", dir=arguments.scratch) as scratch:
        model = arguments.model or small_model(Path(scratch) / "small-model")
        samples = file_backlog(Path(scratch) / "backlog", model, arguments.photos_count)
        empty = start_up(Path(scratch) / "empty", model, 0, arguments.starts)
        long = start_up(Path(scratch) / "long", model, arguments.rows, arguments.starts)
        add_backlog(report, samples, empty, long, arguments)
        add_plans(report, Path(scratch) / "plans", arguments.plan_photos)
        add_inbox(report, Path(scratch), model, arguments.inbox_files)
        report.publish({"samples": samples}, lambda canvas: draw(canvas, samples), arguments.results)


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    made = parser(__doc__ or "")
    made.add_argument("--photos-count", type=int, default=100_000)
    made.add_argument("--rows", type=int, default=1_000_000, help="of the journal and the ledger at start-up")
    made.add_argument("--starts", type=int, default=3, help="of the daemon with a past, and without one")
    made.add_argument("--plan-photos", type=int, default=1_000_000, help="of a plan")
    made.add_argument("--inbox-files", type=int, default=1_000_000, help="that are no photos")
    return made.parse_args()


def small_model(directory: Path) -> Path:
    """VGG16 with random weights for photos of 32 x 32, as the tests have it."""
    made: Path = run_path(str(CHECKOUT / "tests/support/small_models.py"))["make_model"](directory)
    return made


def file_backlog(home: Path, model: Path, count: int) -> list[Sample]:
    """Moves `count` tiny photos in at once and watches them being filed."""
    print(f"making {count} tiny photos ...", flush=True)
    with Organizer(home, model) as organizer:
        make_tiny_photos(home / "first", 1)
        (home / "first" / "0000").rename(organizer.inbox / "first")  # warms the vision process up
        organizer.wait_for_rows(1, 120)
        vision = children(organizer.pid)[0]
        make_tiny_photos(home / "arriving", count + 1)
        (home / "arriving" / "0000" / "IMG_000000.jpg").unlink()  # filed already
        time.sleep(organizer.configuration.watch.settle_seconds)  # they are complete when they appear
        used = processor_seconds(organizer.pid) + processor_seconds(vision)
        started = time.monotonic()
        (home / "arriving").rename(organizer.inbox / "backlog")
        samples: list[Sample] = []
        while not samples or samples[-1].filed < count:
            interval = 0.1 if len(samples) < 100 else 0.5
            time.sleep(interval)
            organizer.check_time(started + _PATIENCE, "the backlog is filed")
            now = time.monotonic() - started
            processor = processor_seconds(organizer.pid) + processor_seconds(vision) - used
            sizes = memory(organizer.pid).rss, memory(vision).rss
            samples.append(Sample(now, organizer.rows() - 1, *sizes, processor))
            if len(samples) % 60 == 0:
                print(f"{now:6.0f} s  {samples[-1].filed:7} filed  {samples[-1].daemon:.0f} MB", flush=True)
        return samples


def start_up(home: Path, model: Path, rows: int, starts: int) -> float:
    """Median seconds from the daemon's start to its first idle status, with `rows` operations behind it."""
    organizer = Organizer(home, model)
    with organizer:  # makes journal and ledger
        make_tiny_photos(home / "first", 1)
        (home / "first" / "0000").rename(organizer.inbox / "first")
        organizer.wait_for_rows(1, 120)
    if rows:
        print(f"writing {rows} rows ...", flush=True)
        write_history(organizer.configuration, rows)
    seconds = []
    for _ in range(starts):
        started = time.monotonic()
        organizer.start()
        seconds.append(time.monotonic() - started)
        organizer.stop()
    shutil.rmtree(home)
    return median(seconds)


def cost_between(samples: list[Sample], low: float, high: float) -> tuple[float, float]:
    """Seconds and processor seconds of a photo between two shares of the backlog."""
    count = samples[-1].filed
    first, last = max(1.0, low * count), high * count
    before, after = moment_of(samples, first), moment_of(samples, last)
    return (after[0] - before[0]) / (last - first), (after[1] - before[1]) / (last - first)


def moment_of(samples: list[Sample], filed: float) -> tuple[float, float]:
    """When so many photos were filed, and what they had cost by then; between two samples by proportion."""
    before = _NOTHING_YET
    for sample in samples:
        if sample.filed >= filed:
            share = (filed - before.filed) / (sample.filed - before.filed)
            return (
                before.seconds + share * (sample.seconds - before.seconds),
                before.processor + share * (sample.processor - before.processor),
            )
        if sample.filed > before.filed:
            before = sample
    raise ValueError(f"{filed} photos were never filed")


def add_backlog(
    report: Report, samples: list[Sample], empty: float, long: float, arguments: argparse.Namespace
) -> None:
    """How the last photos of a backlog compare with the first, and the start-up."""
    count = arguments.photos_count
    first, last = cost_between(samples, 0.0, 0.1), cost_between(samples, 0.9, 1.0)
    early = next(sample for sample in samples if sample.filed >= count / 10)
    late = samples[-1]
    bound = Target("limit", at_most=1.1)
    report.figures += [
        Figure(
            "last tenth (limit: first): time", 1000 * last[0], "ms/photo", limit=1000 * first[0], target=bound
        ),
        Figure("... and core-time", 1000 * last[1], "ms/photo", limit=1000 * first[1], target=bound),
        Figure("daemon at the end (limit: after a tenth)", late.daemon, "MB", limit=early.daemon),
        Figure("vision at the end (limit: after a tenth)", late.vision, "MB", limit=early.vision),
        Figure("daemon at its largest", max(sample.daemon for sample in samples), "MB"),
        Figure(
            f"start-up with {arguments.rows:,} rows (limit: empty)",
            long,
            "s",
            limit=empty,
            target=Target("value", at_most=2),
        ),
    ]
    report.notes.append(f"{count:,} photos in {late.seconds:.0f} s, {count / late.seconds:.0f} a second")


def add_plans(report: Report, folder: Path, count: int) -> None:
    """What a photo of a plan costs in a plan of `count` photos, against one of a hundredth of it."""
    for part in PARTS:
        small = measure(part, max(1, count // 100), folder / f"{part}-small")
        large = measure(part, count, folder / part)
        report.figures += [
            Figure(
                f"{part} of {count:,} photos (limit: of {count // 100:,})", large.microseconds, "µs/photo",
                limit=small.microseconds, target=Target("limit", at_most=1.5),
            ),
            Figure("... largest memory", large.megabytes, "MB", limit=small.megabytes),
        ]  # fmt: skip


def add_inbox(report: Report, scratch: Path, model: Path, count: int) -> None:
    """What the daemon spends on files in its inbox that are no photos, until it files one that is."""
    few = with_files(scratch / "few-files", model, max(1, count // 100))
    many = with_files(scratch / "many-files", model, count)
    bound = Target("limit", at_most=1.5)
    name = f"inbox with {count:,} files (limit: {count // 100:,})"
    report.figures += [
        Figure(f"{name}: core time", many[0], "µs/file", limit=few[0], target=bound),
        Figure("... daemon's memory", many[1], "MB", limit=few[1]),
    ]


def with_files(home: Path, model: Path, count: int) -> tuple[float, float]:
    """Core microseconds a file, and the daemon's memory in MB."""
    organizer = Organizer(home, model)
    folder = organizer.inbox / "papers"
    folder.mkdir()
    for number in range(count):
        (folder / f"paper {number:07}.txt").write_bytes(b"")
    with organizer:
        make_tiny_photos(home / "first", 1)
        (home / "first" / "0000").rename(organizer.inbox / "first")
        organizer.wait_for_rows(1, 600)
        return 1e6 * processor_seconds(organizer.pid) / count, memory(organizer.pid).rss


def draw(canvas: Canvas, samples: list[Sample]) -> None:
    """Rate and memory over the photos filed."""
    rates, sizes = canvas.subplots(2, 1, sharex=True)
    step = max(1, len(samples) // 60)
    pairs = [
        (one, other) for one, other in zip(samples, samples[step:], strict=False) if other.filed > one.filed
    ]
    rates.plot(
        [other.filed for _, other in pairs],
        [(other.filed - one.filed) / (other.seconds - one.seconds) for one, other in pairs],
    )
    rates.set_ylabel("photos a second")
    rates.set_ylim(bottom=0)
    for name in ("daemon", "vision"):
        sizes.plot(
            [sample.filed for sample in samples], [getattr(sample, name) for sample in samples], label=name
        )
    sizes.set_ylabel("resident, MB")
    sizes.set_xlabel("photos filed")
    sizes.set_ylim(bottom=0)
    sizes.legend()
    canvas.suptitle(f"A backlog of {samples[-1].filed:,} tiny photos")


if __name__ == "__main__":
    main()
