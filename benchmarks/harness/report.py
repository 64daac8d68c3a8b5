"""What every benchmark leaves behind: a table, a JSON file and a plot.

    report = Report("throughput")
    goal = Target("limit", at_least=0.85)
    report.figures.append(Figure("backlog", 61.0, "photos/s", limit=66.0, peer=8.1, target=goal))
    report.publish(details={"core_seconds": {...}}, plot=draw)

`limit` is what the machine could do, `peer` what people would use instead, both measured in the same run, so
that the ratios hold on any machine; absolute values are only for orientation.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from harness.machine import Machine

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

RESULTS = Path(__file__).parents[1] / "results"


@dataclass(frozen=True, slots=True)
class Target:
    """What a figure should reach.

    Args:
        of: which number is judged: the `value` itself, or its ratio to the `limit` or to the `peer`.
        at_least: the smallest number that will do, or None.
        at_most: the largest, or None.
    """

    of: Literal["value", "limit", "peer"]
    at_least: float | None = None
    at_most: float | None = None

    def __str__(self) -> str:
        sign, bound = ("≥", self.at_least) if self.at_least is not None else ("≤", self.at_most)
        if bound is None:
            return ""
        return {
            "value": f"{sign} {_number(bound)}",
            "limit": f"{sign} {100 * bound:.3g} % of limit",
            "peer": f"{sign} {_number(bound)} x peer",
        }[self.of]


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table: what was measured, and what to compare it with (all in `unit`)."""

    name: str
    value: float
    unit: str
    limit: float | None = None
    peer: float | None = None
    target: Target | None = None

    @property
    def of_limit(self) -> float | None:
        """Value over limit."""
        return self.value / self.limit if self.limit else None

    @property
    def of_peer(self) -> float | None:
        """Value over peer."""
        return self.value / self.peer if self.peer else None

    @property
    def met(self) -> bool | None:
        """Whether the target is reached; None without one."""
        if self.target is None:
            return None
        judged = {"value": self.value, "limit": self.of_limit, "peer": self.of_peer}[self.target.of]
        if judged is None:
            return None
        low, high = self.target.at_least, self.target.at_most
        return (low is None or judged >= low) and (high is None or judged <= high)


@dataclass(slots=True)
class Report:
    """The figures of one benchmark on one machine. Make it before measuring: it notes the load beforehand.

    Args:
        name: of the benchmark and of its result files.
        figures: may be appended to as the run goes on.
        notes: lines for people, printed below the table.
    """

    name: str
    figures: list[Figure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    machine: Machine = field(default_factory=Machine.here)

    def table(self) -> str:
        """The table as Markdown, so that it can be pasted into README.md."""
        head = ("what", "this run", "limit", "peer", "of limit", "of peer", "target", "met")
        rows = [
            (
                figure.name,
                f"{_number(figure.value)} {figure.unit}".rstrip(),
                _optional(figure.limit),
                _optional(figure.peer),
                "" if figure.of_limit is None else f"{100 * figure.of_limit:.1f} %",
                "" if figure.of_peer is None else f"{figure.of_peer:.2f}x",
                "" if figure.target is None else str(figure.target),
                {None: "", True: "yes", False: "NO"}[figure.met],
            )
            for figure in self.figures
        ]
        return markdown_table(head, rows)

    def publish(
        self,
        details: Mapping[str, Any] | None = None,
        plot: Callable[[Canvas], None] | None = None,
        directory: Path = RESULTS,
    ) -> Path:
        """Prints the table and writes `<name>.json` and, when there is a plot, `<name>.png`.

        Args:
            details: what else is worth keeping (single measurements, series), as JSON or a dataclass.
            plot: draws on the empty matplotlib figure that it is given.
            directory: made when it is not there.

        Returns:
            The JSON file.
        """
        print("\n".join(self.machine.lines()), self.table(), *self.notes, sep="\n\n", flush=True)
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / f"{self.name}.json"
        content = {
            "benchmark": self.name,
            "machine": asdict(self.machine),
            "figures": [
                {
                    **asdict(figure),
                    "target": None if figure.target is None else str(figure.target),
                    "of_limit": figure.of_limit,
                    "of_peer": figure.of_peer,
                    "met": figure.met,
                }
                for figure in self.figures
            ],
            "notes": self.notes,
            "details": details or {},
        }
        path.write_text(
            json.dumps(content, indent=1, ensure_ascii=False, default=_plain) + "\n", encoding="utf-8"
        )
        print(f"\nwritten: {path}")
        if plot is not None:
            print(f"written: {_save(plot, path.with_suffix('.png'), self.machine)}")
        return path


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table whose columns line up; the first column is text, the others stand to the right."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]

    def line(cells: Sequence[str]) -> str:
        first, *others = (
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
        )
        return "| " + " | ".join((first, *others)) + " |"

    rules = ("-" * (widths[0] + 2), *("-" * (width + 1) + ":" for width in widths[1:]))
    return "\n".join([line(head), "|" + "|".join(rules) + "|", *map(line, rows)])


def _plain(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def _save(plot: Callable[[Canvas], None], path: Path, machine: Machine) -> Path:
    from matplotlib.figure import Figure as NewCanvas  # noqa: PLC0415  (slow, and not needed by the measurement)

    canvas = NewCanvas(figsize=(9, 5), dpi=120, layout="constrained")
    plot(canvas)
    canvas.supxlabel(f"{machine.cpu}, {machine.cores} cores, {machine.date[:10]}", fontsize=7, color="grey")
    canvas.savefig(path)
    return path


def _optional(value: float | None) -> str:
    return "" if value is None else _number(value)


def _number(value: float) -> str:
    """Three figures that mean something, without an exponent."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) >= 0.0001 or value == 0 else f"{value:.1e}"
