"""One photo at a time: how soon it is filed, and what the waiting daemon costs in memory and processor time.

    python benchmarks/latency.py --photos DIR

Photos are dropped on an idle daemon, half of them written in place and closed, the others renamed in; the
time is from that moment to the ledger row on disk, less `settle_seconds`, which is a promise and no delay. A
second daemon gives its vision process back after seconds, for drops on a cold one and for the memory left.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median, quantiles
from typing import TYPE_CHECKING, Any

from harness.arguments import parser_with_photos
from harness.organizer import Organizer
from harness.photos import make_photos
from harness.processes import Moment, children, memory
from harness.report import Figure, Report, Target

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

_UNLOAD_MINUTES = 0.05


def main() -> None:
    """Measures, prints and writes the results."""
    arguments = parse_arguments()
    report = Report("latency")
    photos = make_photos(
        arguments.drops + arguments.cold_drops + 2, arguments.photos, arguments.megapixels, arguments.scratch
    )
    with tempfile.TemporaryDirectory(prefix="latency-", dir=arguments.scratch) as scratch:
        warm = measure_warm(photos[: arguments.drops + 1], Path(scratch) / "warm", arguments)
        cold = measure_cold(photos[arguments.drops + 1 :], Path(scratch) / "cold", arguments)
        model = next(path.parent for path in (Path(scratch) / "cold" / "models").glob("*/model.json"))
        alone = limit_alone(model, photos[: min(10, len(photos))])
    publish(report, warm, cold, alone, arguments)


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = parser_with_photos(__doc__ or "")
    parser.add_argument("--drops", type=int, default=40)
    parser.add_argument("--cold-drops", type=int, default=3)
    parser.add_argument("--idle-minutes", type=float, default=5.0, help="warm, and again unloaded")
    parser.add_argument("--settle-seconds", type=float, default=2.0)
    return parser.parse_args()


def measure_warm(photos: Sequence[Path], home: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """Drops on a warm daemon, then its memory and its idle cost."""
    settings = {"watch": {"settle_seconds": arguments.settle_seconds}}
    with Organizer(home, arguments.model, settings) as organizer:
        fresh = memory(organizer.pid)
        drop(organizer, photos[0], renamed=False)
        seconds = {
            kind: [drop(organizer, photo, renamed=renamed) for photo in photos[1 + renamed :: 2]]
            for kind, renamed in (("written", False), ("renamed in", True))
        }
        vision = children(organizer.pid)[0]
        return {
            "beyond settling": seconds,
            "fresh daemon": fresh,
            "daemon": memory(organizer.pid),
            "vision": memory(vision),
            "idle": idle({"daemon": organizer.pid, "vision": vision}, arguments.idle_minutes),
        }


def measure_cold(photos: Sequence[Path], home: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """Drops when there is no vision process, then the memory and the idle cost of what is left after each."""
    settings = {
        "watch": {"settle_seconds": arguments.settle_seconds},
        "model": {"unload_after_minutes": _UNLOAD_MINUTES},
    }
    with Organizer(home, arguments.model, settings) as organizer:
        seconds = []
        for photo in photos[: arguments.cold_drops]:
            seconds.append(drop(organizer, photo, renamed=True))
            organizer.wait(lambda: not children(organizer.pid), 60, "the vision process has gone")
        return {
            "beyond settling": seconds,
            "daemon": memory(organizer.pid),
            "idle": idle({"daemon": organizer.pid}, arguments.idle_minutes),
        }


def drop(organizer: Organizer, photo: Path, *, renamed: bool) -> float:
    """Seconds beyond `settle_seconds` until `photo` is filed, dropped at a moment of no particular phase."""
    time.sleep(0.3 + 0.4 * random.random())
    already = organizer.rows()
    data = photo.read_bytes()
    arrived = organizer.inbox / photo.name
    if renamed:
        outside = organizer.home / photo.name
        outside.write_bytes(data)
        outside.rename(arrived)
    else:
        arrived.write_bytes(data)
    started = time.perf_counter()
    organizer.wait_for_rows(already + 1, 60)
    return time.perf_counter() - started - organizer.configuration.watch.settle_seconds


def idle(pids: dict[str, int], minutes: float) -> dict[str, float]:
    """Percent of one core that each process used, of its own CPU-time clock, while nothing happened."""
    time.sleep(min(2, 60 * minutes))  # what the last photo left to do is not idling
    before = Moment.now(pids)
    time.sleep(60 * minutes)
    after = Moment.now(pids)
    return {
        name: 100 * (after.processes[name] - before.processes[name]) / (after.clock - before.clock)
        for name in pids
    }


def limit_alone(model: Path, photos: Sequence[Path]) -> float:
    """Median seconds to read, hash, decode and classify one photo with nothing around it.

    In a process of its own: one that has OpenVINO's libraries mapped would make the daemon's look small.
    """
    script = Path(__file__).with_name("limit.py")
    finished = subprocess.run(
        [sys.executable, str(script), str(model), *map(str, photos)], stdout=subprocess.PIPE, check=True
    )
    return float(json.loads(finished.stdout)["median_seconds"])


def publish(
    report: Report, warm: dict[str, Any], cold: dict[str, Any], alone: float, arguments: argparse.Namespace
) -> None:
    """Table, notes, JSON and plot."""
    drops: dict[str, list[float]] = warm["beyond settling"]
    for kind, seconds in {**drops, "all": [*drops["written"], *drops["renamed in"]]}.items():
        high = quantiles(seconds, n=20)[-1] if len(seconds) > 1 else seconds[0]
        report.figures += [
            Figure(
                f"drop, {kind}: median",
                median(seconds),
                "s",
                limit=alone,
                target=Target("value", at_most=0.15),
            ),
            Figure(f"drop, {kind}: 95 of 100", high, "s", limit=alone, target=Target("value", at_most=0.5)),
        ]
    daemon, vision, left = warm["daemon"], warm["vision"], cold["daemon"]
    idle_warm = sum(warm["idle"].values())
    report.figures += [
        Figure("drop, cold: slowest", max(cold["beyond settling"]), "s", target=Target("value", at_most=4)),
        Figure("daemon, resident", daemon.rss, "MB", target=Target("value", at_most=80)),
        Figure(
            "daemon + vision, shared once", daemon.pss + vision.pss, "MB", target=Target("value", at_most=350)
        ),
        Figure("after unload, resident", left.rss, "MB", target=Target("value", at_most=80)),
        Figure("idle, warm", idle_warm, "% of a core", target=Target("value", at_most=0.1)),
        Figure("idle, unloaded", cold["idle"]["daemon"], "% of a core", target=Target("value", at_most=0.1)),
    ]
    report.notes += [
        f"{arguments.drops} drops of {arguments.megapixels:g} megapixels, beyond the "
        f"{arguments.settle_seconds:g} s of settling; the limit is one photo read, hashed, "
        f"decoded and classified alone. "
        f"{len(cold['beyond settling'])} cold drops; {arguments.idle_minutes:g} minutes of idling each.",
        f"Resident: fresh daemon {warm['fresh daemon'].rss:.0f} MB, warm vision {vision.rss:.0f} MB.",
    ]
    report.publish({"warm": warm, "cold": cold}, lambda canvas: draw(canvas, drops, alone), arguments.results)


def draw(canvas: Canvas, drops: dict[str, list[float]], alone: float) -> None:
    """Each drop, sorted, as the share of drops that were filed by then."""
    axes = canvas.subplots()
    for kind, seconds in drops.items():
        share = [100 * (rank + 1) / len(seconds) for rank in range(len(seconds))]
        axes.step(sorted(seconds), share, where="post", label=f"{kind}, {len(seconds)} drops")
    axes.axvline(alone, color="0.6", linestyle=":", label="one photo alone (limit)")
    axes.axvline(0.15, color="C2", linestyle="--", label="target for the median")
    axes.set_xlim(0, max(0.2, 1.05 * max(map(max, drops.values()))))
    axes.set_xlabel("seconds beyond settle_seconds")
    axes.set_ylabel("filed, %")
    axes.legend()
    canvas.suptitle("One photo dropped on an idle daemon")


if __name__ == "__main__":
    main()
