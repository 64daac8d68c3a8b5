"""What owners gain from their corrections: a simulation on any folder of category folders.

    python benchmarks/learning.py --photos DIR [--owners 8] [--draws 3] [--corrections 12,50,100]

Sources (`manifest.csv`: `file,source,...`) are dealt out among simulated owners, each with a starter whose
head was fitted without the owner's sources. Without a manifest, or with fewer than three sources, there is a
single owner with all photos, and the model as it is. For each draw, 300 photos are filed, some of those that
were filed wrongly or went to Review are moved, and the code that trains for a real owner trains, judges and
perhaps promotes; the other photos tell what was gained. The same is done with labels of which three in ten
are wrong, and with shuffled ones, to count the errors of the rule of promotion.

The backbone may have been trained on the photos, which flatters all figures alike.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from accuracy import LabelledPhoto, find_model, find_photos, see
from harness.learning_owners import LabelledFeatures, Starter, owners, shipped_starter, starter_without
from harness.learning_rounds import Round, SimulatedOwner
from harness.report import RESULTS, Figure, Report, Target
from photo_organizer.errors import OrganizerError
from photo_organizer.models.serving_model import read_model

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

CLEARLY = 0.01
"""A challenger is truly better or worse when it gets a point more or less of the other photos right."""
FEWEST_SOURCES = 3
LABELS = {
    "right": {"wrong": 0.0, "shuffled": False},
    "three in ten wrong": {"wrong": 0.3, "shuffled": False},
    "shuffled": {"wrong": 0.0, "shuffled": True},
}


def main() -> int:
    """Measure, print and write the results."""
    arguments = parse_arguments()
    report = Report("learning")
    try:
        folder = find_model(None if arguments.model is None else str(arguments.model))
        model = read_model(folder)
        readable, features = see(folder, find_photos(arguments.photos, model.categories), "auto")
    except OrganizerError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    photos = labelled(readable, features, model.categories)
    corrections = [int(count) for count in arguments.corrections.split(",")]
    rounds = pd.DataFrame(simulate(photos, folder, arguments, corrections))
    publish(report, rounds, arguments.results)
    return 0


def parse_arguments() -> argparse.Namespace:
    """Return the command line's."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=Path, required=True, help="folder of category folders")
    parser.add_argument("--model", type=Path, help="model folder (default: the starter)")
    parser.add_argument("--owners", type=int, default=8, help="simulated owners at most")
    parser.add_argument("--draws", type=int, default=3, help="of each owner")
    parser.add_argument("--corrections", default="12,50,100", help="photos moved at each training")
    parser.add_argument("--seed", type=int, default=0, help="of the first draw")
    parser.add_argument("--scratch", type=Path, help="not needed")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder for the JSON file and the plot")
    return parser.parse_args()


def labelled(
    photos: Sequence[LabelledPhoto], features: np.ndarray, categories: tuple[str, ...]
) -> LabelledFeatures:
    """Return photos and features as the simulation wants them."""
    labels = np.array([photo.label for photo in photos], np.int64)
    return LabelledFeatures(features, labels, np.array([photo.source for photo in photos]), categories)


def simulate(
    photos: LabelledFeatures, model: Path, arguments: argparse.Namespace, corrections: Sequence[int]
) -> Iterator[dict[str, object]]:
    """Yield a row for each training of each owner."""
    for name, starter, pool in _owners(photos, model, arguments.owners):
        for seed in range(arguments.seed, arguments.seed + arguments.draws):
            for labels, errors in LABELS.items():
                owner = SimulatedOwner(starter, pool, seed)
                for training in owner.rounds(corrections, errors["wrong"], shuffled=bool(errors["shuffled"])):
                    yield {"owner": name, "seed": seed, "labels": labels, **as_row(training)}
        print(f"{name}: {arguments.draws} draws of {len(pool.labels)} photos", flush=True)


def _owners(
    photos: LabelledFeatures, model: Path, count: int
) -> Iterator[tuple[str, Starter, LabelledFeatures]]:
    if len(np.unique(photos.sources)) < FEWEST_SOURCES:
        yield "all photos", shipped_starter(model), photos
        return
    for number, rows in enumerate(owners(photos, count), 1):
        own = photos.only(rows)
        sources = np.unique(own.sources)
        yield f"owner {number} ({len(sources)} sources)", starter_without(photos, sources), own


def as_row(training: Round) -> dict[str, object]:
    """Return a training as one row of a table."""
    models = {"before": training.before, "challenger": training.challenger, "after": training.after}
    return {
        "corrections": training.corrections,
        "promoted": training.promoted,
        "objections": "; ".join(training.objections),
        **{
            f"{name} {key}": value
            for name, figures in models.items()
            for key, value in asdict(figures).items()
        },
    }


def summary(rounds: pd.DataFrame) -> pd.DataFrame:
    """Return means over all draws with right labels, by the number of corrections; 0 is the starter."""
    right = rounds[rounds["labels"] == "right"]
    columns = ["right", "filed", "precision", "own_sources"]
    first = right.groupby(["owner", "seed"]).first()[[f"before {name}" for name in columns]]
    after = right.groupby("corrections")[[f"after {name}" for name in columns]].mean()
    start = pd.DataFrame([first.mean().to_numpy()], index=[0], columns=after.columns)
    table = pd.concat([start, after])
    table.columns = pd.Index(columns)
    table["promoted"] = right.groupby("corrections")["promoted"].mean()
    return table


def promotion_errors(rounds: pd.DataFrame) -> pd.DataFrame:
    """Return how many truly better, equal and worse challengers were promoted, by the kind of labels."""
    gain = rounds["challenger right"] - rounds["before right"]
    truth = np.select([gain >= CLEARLY, gain <= -CLEARLY], ["better", "worse"], "equal")
    grouped = rounds.assign(truth=truth).groupby(["labels", "truth"])["promoted"]
    return grouped.agg(["sum", "count"]).rename(columns={"sum": "promoted", "count": "challengers"})


def publish(report: Report, rounds: pd.DataFrame, results: Path) -> None:
    """Print and write everything."""
    means, errors = summary(rounds), promotion_errors(rounds)
    start, *later = [
        {str(key): float(value) for key, value in row.items()} for row in means.to_dict("records")
    ]
    for count, row in zip(means.index[1:], later, strict=True):
        report.figures += [
            Figure(f"{count} corrections: right", row["right"], "", peer=start["right"]),
            Figure(f"{count} corrections: filed", row["filed"], "", peer=start["filed"]),
            Figure(
                f"{count} corrections: right of the filed",
                row["precision"],
                "",
                peer=start["precision"],
                target=Target("peer", at_least=1.0),
            ),
            Figure(
                f"{count} corrections: right of the starter's own sources",
                row["own_sources"],
                "",
                peer=start["own_sources"],
            ),
        ]
    everything = errors.groupby("truth").sum()
    for truth, target in (
        ("better", Target("value", at_least=0.85)),
        ("worse", Target("value", at_most=0.05)),
    ):
        chosen = errors.loc[[("right", truth)]] if ("right", truth) in errors.index else errors.iloc[:0]
        counted = chosen if truth == "better" else everything.loc[everything.index == truth]
        if counted["challengers"].sum():
            share = float(counted["promoted"].sum() / counted["challengers"].sum())
            report.figures.append(Figure(f"truly {truth} challengers promoted", share, "", target=target))
    report.notes += ["`peer` is the starter.", errors.reset_index().to_string(index=False)]
    report.publish(
        {"means": means.reset_index().to_dict("records"), "rounds": rounds.to_dict("records")},
        lambda canvas: draw(canvas, means),
        results,
    )


def draw(canvas: Canvas, means: pd.DataFrame) -> None:
    """Plot the means against the number of corrections."""
    axes = canvas.subplots()
    places = np.arange(len(means))
    for name, words, marker in (
        ("right", "right", "o"),
        ("filed", "filed", "s"),
        ("precision", "right of the filed", "D"),
        ("own_sources", "right of the starter's own sources", "v"),
    ):
        axes.plot(places, means[name], marker=marker, label=words)
    axes.set_xticks(places, [str(count) for count in means.index])
    axes.set_xlabel("corrections")
    axes.set_ylabel("share of photos that the owner has not sorted")
    axes.set_title("What corrections bring: mean over simulated owners of unseen sources", loc="left")
    axes.grid(axis="y", color="#EEEEEE")
    axes.legend(frameon=False)


if __name__ == "__main__":
    sys.exit(main())
