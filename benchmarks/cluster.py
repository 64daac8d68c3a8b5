"""What a cluster costs: core time a photo over one machine, from one worker to two, and the start.

    python benchmarks/cluster.py

A scheduler and workers run on this machine, on loopback; the model is a small one, so that what Dask and the
messages take is not hidden behind the network's work. Each figure is the difference of two plans, of few and
of many tiny photos, so that starting processes does not count.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from runpy import run_path
from typing import TYPE_CHECKING

from harness.arguments import parser
from harness.photos import make_tiny_photos
from harness.processes import children, processor_seconds
from harness.report import Figure, Report, Target
from photo_organizer.config import load_configuration

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

CHECKOUT = Path(__file__).parents[1]
sys.path.append(str(CHECKOUT / "tests"))
_PATIENCE_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Cost:
    """Wall clock and processor seconds, in all processes."""

    wall: float
    processor: float

    def per_photo(self, fewer: Cost, photos: int) -> Cost:
        """Return what each of `photos` more photos took."""
        return Cost((self.wall - fewer.wall) / photos, (self.processor - fewer.processor) / photos)


@dataclass(frozen=True, slots=True)
class Setting:
    """The configuration, and two folders with few and with many photos."""

    config: Path
    few: Path
    many: Path
    difference: int


def main() -> None:
    """Measures, prints and writes the results."""
    arguments = parse_arguments()
    report = Report("cluster")
    arguments.scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="cluster-", dir=arguments.scratch) as scratch:
        setting = prepare(Path(scratch), arguments)
        alone = slope(setting, None, [])
        one, start = on_cluster(Path(scratch), setting, 1)
        two, _ = on_cluster(Path(scratch), setting, 2)
        publish(report, (alone, one, two), start, arguments)


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    made = parser(__doc__ or "")
    made.add_argument("--few", type=int, default=100)
    made.add_argument("--many", type=int, default=2000)
    return made.parse_args()


def prepare(root: Path, arguments: argparse.Namespace) -> Setting:
    """Folders, photos and a model."""
    (root / "models").mkdir()
    if arguments.model is None:
        run_path(str(CHECKOUT / "tests/support/small_models.py"))["make_model"](root / "models" / "small")
    else:
        (root / "models" / "small").symlink_to(arguments.model.absolute())
    (root / "models" / "current").symlink_to("small")
    for folder in ("in", "lib"):
        (root / folder).mkdir()
    config = root / "organizer.yaml"
    config.write_text(
        "inboxes: [in]\nlibrary: lib\nstate: {directory: state}\nmodel: {directory: models}\n"
        "watch: {settle_seconds: 0}\nretraining: {enabled: false}\nlimits: {memory_megabytes: 512}\n"
    )
    few, many = root / "few", root / "many"
    make_tiny_photos(few, arguments.few)
    make_tiny_photos(many, arguments.many)
    return Setting(config, few, many, arguments.many - arguments.few)


def plan(setting: Setting, folder: Path, address: str | None, others: list[int]) -> Cost:
    """Make a plan of a folder; `others` are the processes besides the one that makes it."""
    words = [
        sys.executable, "-m", "photo_organizer", "--config", str(setting.config), "sort", str(folder),
        "--dry-run", "--plan", str(setting.config.parent / "plan"),
        *(["--cluster", address] if address else []),
    ]  # fmt: skip
    # features that were kept would spare one machine its work
    load_configuration(setting.config).feature_store_path.unlink(missing_ok=True)
    before = _spent() + sum(processor_seconds(pid) for pid in others)
    started = time.monotonic()
    done = subprocess.run(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode in {0, 3}, done.stderr
    wall = time.monotonic() - started
    return Cost(wall, _spent() + sum(processor_seconds(pid) for pid in others) - before)


def _spent() -> float:
    """Processor seconds of all children that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def slope(setting: Setting, address: str | None, others: list[int]) -> Cost:
    """What a photo takes."""
    plan(setting, setting.few, address, others)  # warms the disk's cache up
    fewer = plan(setting, setting.few, address, others)
    return plan(setting, setting.many, address, others).per_photo(fewer, setting.difference)


def on_cluster(root: Path, setting: Setting, processes: int) -> tuple[Cost, float]:
    """What a photo takes on so many workers, and the seconds from no process at all to the first plan."""
    from support.cluster_processes import scheduler, workers  # noqa: PLC0415 (found by the line above)

    folder = root / f"scheduler-{processes}"
    folder.mkdir()
    started = time.monotonic()
    with scheduler(folder) as address, workers(address, setting.config, processes=processes) as run:
        plan(setting, setting.few, address, [])
        start = time.monotonic() - started
        others = [pid for pid in descendants(os.getpid()) if pid != os.getpid()]
        assert run.pid in others
        return slope(setting, address, others), start


def descendants(pid: int) -> list[int]:
    """A process and all below it."""
    return [pid, *(below for child in children(pid) for below in descendants(child))]


def publish(
    report: Report, costs: tuple[Cost, Cost, Cost], start: float, arguments: argparse.Namespace
) -> None:
    """Table, notes, JSON and plot."""
    alone, one, two = costs
    overhead = 1000 * (one.processor - alone.processor)
    report.figures += [
        Figure("core time over one machine", overhead, "ms/photo", target=Target("value", at_most=3)),
        Figure("one machine: core time", 1000 * alone.processor, "ms/photo"),
        Figure("one worker: core time", 1000 * one.processor, "ms/photo"),
        Figure("two workers: time (limit: half)", 1000 * two.wall, "ms/photo", limit=500 * one.wall),
        Figure("from no process to the first plan", start, "s"),
    ]  # fmt: skip
    report.notes.append(
        f"{arguments.many:,} tiny photos less {arguments.few:,}, all processes on one machine"
    )
    report.publish({}, lambda canvas: draw(canvas, costs), arguments.results)


def draw(canvas: Canvas, costs: tuple[Cost, Cost, Cost]) -> None:
    """Time and core time a photo."""
    axes = canvas.subplots()
    names = ("one machine", "1 worker", "2 workers")
    places = range(len(names))
    axes.bar([place - 0.2 for place in places], [1000 * cost.wall for cost in costs], 0.4, label="time")
    axes.bar(
        [place + 0.2 for place in places], [1000 * cost.processor for cost in costs], 0.4, label="core time"
    )
    axes.set_xticks(list(places), names)
    axes.set_ylabel("ms a photo")
    axes.legend()


if __name__ == "__main__":
    main()
