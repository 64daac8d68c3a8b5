"""How fast photos are filed while a retraining runs, beside the same daemon at other times.

    python benchmarks/retraining.py --photos DIR

Each round files a backlog with nothing else going on, and another one while the training process fine-tunes
(the longest and heaviest work that it has), started as the daemon starts it. The limit of the table is the
rate without a retraining.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from harness.arguments import parser_with_photos
from harness.organizer import Organizer
from harness.photos import make_photos
from harness.processes import processor_seconds
from harness.report import Figure, Report, Target
from throughput import Run, file_backlog, linked, total

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

CATEGORIES_TRAINED = 4


def main() -> None:
    """Measures, prints and writes the results."""
    arguments = parse_arguments()
    report = Report("retraining")
    photos = make_photos(
        1 + arguments.count + arguments.labelled, arguments.photos, arguments.megapixels, arguments.scratch
    )
    with tempfile.TemporaryDirectory(prefix="retraining-", dir=arguments.scratch) as home:
        alone, beside, training = measure(photos, Path(home), arguments)
    publish(report, alone, beside, training, arguments.results)


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = parser_with_photos(__doc__ or "")
    parser.add_argument("--count", type=int, default=900, help="photos to file in all")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--labelled", type=int, default=160, help="photos that the retraining learns from")
    return parser.parse_args()


def measure(
    photos: Sequence[Path], home: Path, arguments: argparse.Namespace
) -> tuple[list[Run], list[Run], float]:
    """The runs without and with a retraining, and the core-seconds that the retraining had beside the
    latter.
    """
    first, labelled, photos = photos[0], photos[1 : 1 + arguments.labelled], photos[1 + arguments.labelled :]
    share = len(photos) // (2 * arguments.rounds)
    alone, beside, spent = [], [], 0.0
    with Organizer(home / "organizer", arguments.model) as organizer:
        data_set = make_data_set(labelled, home / "labelled", organizer.configuration.categories)
        os.link(first, organizer.inbox / "first.jpg")  # warms the vision process up
        organizer.wait_for_rows(1, 120)
        for number in range(arguments.rounds):
            print(f"round {number + 1} of {arguments.rounds}", flush=True)
            start = 2 * number * share
            alone.append(file_backlog(organizer, photos[start : start + share]))
            with retraining(organizer, data_set) as process:
                before = processor_seconds(process.pid)
                beside.append(file_backlog(organizer, photos[start + share : start + 2 * share]))
                if process.poll() is not None:
                    raise RuntimeError(
                        "the retraining ended before the photos were filed: use more --labelled"
                    )
                spent += processor_seconds(process.pid) - before
    return alone, beside, spent


def make_data_set(photos: Sequence[Path], folder: Path, categories: Sequence[str]) -> Path:
    """A folder for each of some categories with photos in it, whose labels mean nothing."""
    folder.mkdir()
    for number, category in enumerate(categories[:CATEGORIES_TRAINED]):
        linked(photos[number::CATEGORIES_TRAINED], folder / category)
    return folder


@contextmanager
def retraining(organizer: Organizer, data_set: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The training process, from its heavy work on, for as long as the block lasts."""
    command = [sys.executable, "-m", "photo_organizer.learning.process", "--mode", "fine-tune"]
    config = organizer.configuration.path
    with (
        (organizer.home / "training.log").open("ab") as log,
        subprocess.Popen(
            [*command, "--config", str(config), "--photos", str(data_set)], stdout=subprocess.PIPE, stderr=log
        ) as process,
    ):
        try:
            await_stage(process, "activations")
            yield process
        finally:
            process.kill()


def await_stage(process: subprocess.Popen[bytes], stage: str) -> None:
    """Waits until the process says that it has come to `stage`."""
    for line in process.stdout or ():
        if json.loads(line).get("stage") == stage:
            return
    raise RuntimeError(f"the retraining ended before its stage {stage!r}")


def publish(
    report: Report, alone: Sequence[Run], beside: Sequence[Run], training: float, results: Path
) -> None:
    """Table, notes, JSON and plot."""
    without, during = total(alone), total(beside)
    goal = Target("limit", at_least=0.5)
    report.figures.append(
        Figure("backlog during a retraining", during.rate, "photos/s", limit=without.rate, target=goal)
    )
    report.notes.append(
        f"{len(alone)} rounds of {alone[0].photos} photos each way: without "
        + ", ".join(f"{run.rate:.1f}" for run in alone)
        + "; during "
        + ", ".join(f"{run.rate:.1f}" for run in beside)
        + f" photos/s. The retraining had {training:.1f} core-seconds in those {during.seconds:.1f} s."
    )
    report.publish(
        {"without": list(alone), "during": list(beside), "training_core_seconds": training},
        lambda canvas: draw(canvas, alone, beside),
        results,
    )


def draw(canvas: Canvas, alone: Sequence[Run], beside: Sequence[Run]) -> None:
    """Both rates of each round, side by side."""
    axes = canvas.subplots()
    for offset, runs, name in ((-0.2, alone, "nothing else"), (0.2, beside, "during a retraining")):
        bars = axes.bar(
            [number + offset for number in range(len(runs))], [run.rate for run in runs], 0.4, label=name
        )
        axes.bar_label(bars, fmt="%.1f")
    axes.set_xticks(range(len(alone)), [f"round {number + 1}" for number in range(len(alone))])
    axes.set_ylabel("photos a second")
    axes.legend()
    canvas.suptitle("Filing while a retraining runs")


if __name__ == "__main__":
    main()
