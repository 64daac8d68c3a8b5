"""A backlog of phone photos: how fast it is filed, beside the machine's limit and the usual script.

    python benchmarks/throughput.py --photos DIR

Limit, organizer and script take turns in short rounds, so that what else the machine does hits all alike.
The organizer is a real daemon with its vision process; its time runs from the moment a folder of photos
appears in the inbox (by one rename) to the moment the last photo's ledger row is on disk.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from harness.arguments import parser_with_photos
from harness.organizer import Organizer
from harness.photos import make_photos
from harness.processes import Moment, children
from harness.report import Figure, Report, Target
from limit import CORES, NOTHING, CoreSeconds, measure_limit
from photo_organizer.vision.backbone.engine import Engine, load_engine

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas


@dataclass(frozen=True, slots=True)
class Run:
    """One round of the organizer: seconds of the clock, processor seconds of whom, and waits for a core."""

    photos: int
    seconds: float
    daemon: float
    vision: float
    others: float
    waiting: float

    @property
    def rate(self) -> float:
        """Photos a second."""
        return self.photos / self.seconds

    @property
    def undisturbed_rate(self) -> float:
        """The same without the core-time that other processes had meanwhile: on a machine of its own."""
        return CORES * self.photos / (CORES * self.seconds - self.others)

    @property
    def idle(self) -> float:
        """Core-seconds that nobody used."""
        return max(0.0, CORES * self.seconds - self.daemon - self.vision - self.others)


@dataclass(frozen=True, slots=True)
class Round:
    """The three, one after the other."""

    limit: CoreSeconds
    ours: Run
    peer: float


def main() -> None:
    """Measures, prints and writes the results."""
    arguments = parse_arguments()
    report = Report("throughput")
    photos = make_photos(arguments.count + 1, arguments.photos, arguments.megapixels, arguments.scratch)
    with tempfile.TemporaryDirectory(prefix="throughput-", dir=arguments.scratch) as home:
        rounds, engine = measure(photos, Path(home), arguments)
    publish(report, rounds, engine, arguments.results)


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = parser_with_photos(__doc__ or "")
    parser.add_argument("--count", type=int, default=1500, help="photos for the organizer in all")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--limit-count", type=int, default=192, help="photos for the limit, each round")
    parser.add_argument("--peer-count", type=int, default=40, help="photos for the usual script, each round")
    return parser.parse_args()


def measure(photos: Sequence[Path], home: Path, arguments: argparse.Namespace) -> tuple[list[Round], Engine]:
    """All rounds, and the engine of the limit, which is the one that the daemon chooses."""
    first, *photos = photos
    share = len(photos) // arguments.rounds
    organizer = Organizer(home / "organizer", arguments.model)
    engine = load_engine(organizer.model, "auto")
    measure_limit(photos[:CORES], engine)  # warms the limit's engine up
    rounds = []
    with organizer:
        os.link(first, organizer.inbox / "first.jpg")  # warms the vision process up
        organizer.wait_for_rows(1, 120)
        for number in range(arguments.rounds):
            print(f"round {number + 1} of {arguments.rounds}", flush=True)
            mine = photos[number * share : (number + 1) * share]
            limit = measure_limit(mine[: arguments.limit_count // 2], engine)
            peer = run_peer(home, mine[: arguments.peer_count], organizer.model)
            ours = file_backlog(organizer, mine)
            limit += measure_limit(mine[-arguments.limit_count // 2 :], engine)
            rounds.append(Round(limit, ours, peer))
    return rounds, engine


def file_backlog(organizer: Organizer, photos: Sequence[Path]) -> Run:
    """Moves a folder with `photos` in and waits until the last of them is filed."""
    folder = linked(photos, organizer.home / "arriving")
    time.sleep(organizer.configuration.watch.settle_seconds)  # they are complete when they appear
    already = organizer.rows()
    processes = {"daemon": organizer.pid, "vision": children(organizer.pid)[0]}
    before = Moment.now(processes)
    folder.rename(organizer.inbox / f"backlog-{already}")
    organizer.wait_for_rows(already + len(photos), 1200)
    after = Moment.now(processes)
    spent = {name: after.processes[name] - before.processes[name] for name in processes}
    others = max(0.0, after.busy - before.busy - sum(spent.values()))
    waiting = after.waiting - before.waiting
    return Run(len(photos), after.clock - before.clock, spent["daemon"], spent["vision"], others, waiting)


def run_peer(home: Path, photos: Sequence[Path], model: Path) -> float:
    """Photos a second of the usual script."""
    library = home / "usual-library"
    library.mkdir()
    inbox = linked(photos, home / "usual-inbox")
    script = Path(__file__).parent / "harness" / "usual_script.py"
    finished = subprocess.run(
        [sys.executable, str(script), str(inbox), str(library), str(model)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    result = json.loads(finished.stdout.splitlines()[-1])
    shutil.rmtree(inbox)
    shutil.rmtree(library)
    return float(result["photos"] / result["seconds"])


def linked(photos: Sequence[Path], folder: Path) -> Path:
    """A folder with hard links to `photos`, so that moving them moves no bytes, for whoever moves them."""
    folder.mkdir()
    for photo in photos:
        os.link(photo, folder / photo.name)
    return folder


def publish(report: Report, rounds: Sequence[Round], engine: Engine, results: Path) -> None:
    """Table, notes, JSON and plot."""
    limit = sum((turn.limit for turn in rounds), NOTHING)
    peer = median(turn.peer for turn in rounds)
    ours = total([turn.ours for turn in rounds])
    best = limit.photos_per_second
    of_limit, of_peer = Target("limit", at_least=0.85), Target("peer", at_least=5)
    report.figures += [
        Figure("backlog, found to filed", ours.rate, "photos/s", limit=best, target=of_limit),
        Figure("... less others' core-time", ours.undisturbed_rate, "photos/s", limit=best),
        Figure("backlog, found to filed", ours.rate, "photos/s", peer=peer, target=of_peer),
    ]
    parts = core_milliseconds(ours, limit)
    report.notes += [
        f"engine {engine.name}, input {engine.input_size} x {engine.input_size}; {ours.photos} photos in "
        f"{ours.seconds:.1f} s in {len(rounds)} rounds: "
        + ", ".join(
            f"{turn.ours.rate:.1f} ({100 * turn.ours.rate / turn.limit.photos_per_second:.0f} %)"
            for turn in rounds
        ),
        "core-milliseconds a photo: "
        + ", ".join(f"{name} {value:.2f}" for name, value in parts.items())
        + f"; each photo's threads waited {1000 * ours.waiting / ours.photos:.2f} ms for a core",
    ]
    details = {"rounds": list(rounds), "core_milliseconds": parts}
    report.publish(
        details, lambda canvas: draw(canvas, ours.rate, limit.photos_per_second, peer, parts), results
    )


def total(runs: Sequence[Run]) -> Run:
    """All runs as one."""
    return Run(
        photos=sum(run.photos for run in runs),
        seconds=sum(run.seconds for run in runs),
        daemon=sum(run.daemon for run in runs),
        vision=sum(run.vision for run in runs),
        others=sum(run.others for run in runs),
        waiting=sum(run.waiting for run in runs),
    )


def core_milliseconds(ours: Run, limit: CoreSeconds) -> dict[str, float]:
    """Where all the time of all cores went, a photo: first what the limit knows of, then the gap."""
    needed = {
        "decode": 1000 * limit.decode / limit.photos,
        "forward": 1000 * limit.forward / limit.photos,
        "hash": 1000 * limit.hash / limit.photos,
    }
    return needed | {
        "rest of vision": 1000 * ours.vision / ours.photos - sum(needed.values()),
        "daemon": 1000 * ours.daemon / ours.photos,
        "other processes": 1000 * ours.others / ours.photos,
        "idle": 1000 * ours.idle / ours.photos,
    }


def draw(canvas: Canvas, ours: float, limit: float, peer: float, parts: dict[str, float]) -> None:
    """Rates on the left, the core-time of a photo on the right."""
    rates, times = canvas.subplots(1, 2)
    bars = rates.bar(["limit", "organizer", "usual script"], [limit, ours, peer], color=["0.75", "C0", "C1"])
    rates.bar_label(bars, fmt="%.1f")
    rates.set_ylabel("photos a second")
    base = 0.0
    for name, value in parts.items():
        times.bar(["organizer"], [max(0.0, value)], bottom=base, label=f"{name} {value:.2f}")
        base += max(0.0, value)
    times.set_ylabel("core-milliseconds a photo")
    times.set_xlim(-0.6, 2.2)
    times.legend(fontsize=8)
    canvas.suptitle("A backlog of 12-megapixel JPEGs")


if __name__ == "__main__":
    main()
