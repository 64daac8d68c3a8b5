"""The model card: what a model is, what it was made from, how good it is, and what it must not be used for.

Every figure is taken from ``model.json``, so that a card never tells of another model than the one beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

SETS = {
    "same_sources": "held out, same sources",
    "other_sources": "held out, another source",
    "leave_one_source_out": "leave one source out",
}

INTRODUCTION = """\
# {id}

A VGG16 (13 convolutions, Simonyan and Zisserman 2015) that sorts photos into {count} categories,
trained for this project from random weights. It takes the whole photo squeezed to {size} x {size}
pixels (BGR, x / 127.5 - 1); the head is a logistic regression on {features}. How it was trained:
`docs/starter-model.md`.

## Data

{labelled} labelled photos of {sources} public collections in {count} categories, and {unlabelled}
photos without labels; the weights that this training began from had seen 10,178 more. No photo is in
this directory: `exemplars.npz` holds the averaged features and labels of {exemplars} of them. The
labels come from captions and searches and are noisy: {doubted} of those that the training saw were
confidently contradicted by a cross-fitted classifier and replaced by what it said.
"""

FIGURES = """\
## How good it is

Temperature, threshold, features and the head's penalty were chosen on training photos alone, by
leaving sources out and by cross-validation. `held out` are {held} photos of which this training has
seen neither pixels nor labels, with a head that has not either; the shipped head is then fitted again,
with the same choices, on all labelled photos but {judges} of the same sources, which are the exemplars
that judge later models. Two choices had been settled with earlier weights after a look at them and were
kept: the precision that the threshold aims at, and the head's penalty (`docs/starter-model.md`).

*The limit of these figures.* The training went on from an earlier network that had learned from an
unknown part of these labels. That makes every column too good by an unknown amount, the third most of
all: there the backbone's own category loss, too, had seen labels of the source that the head had not.
Expect less on photos of a source of your own, and trust the second column before the third.

The threshold is {threshold:.2f} for every category.
"""

REST = """\
## Known confusions

Family, Friends and Events show the same thing, people together, and differ by what the photographer
knows; the model takes one for the other. Photos of people doing something drift between Hobbies and
Events, cities and landscapes between Travel and Nature. `Others` was learned from receipts and from
pictures of single objects: screenshots and documents of other kinds are less certain.

## What it must not be used for

It recognises kinds of pictures, not persons: who is in a photo, how old somebody is or how people are
related cannot be told from it, and nobody's access, safety or reputation may depend on it. It was not
examined for how its errors spread over groups of people. It must not delete or publish photos unseen.
Photos that it is unsure of belong in Review, and its own guesses must never become training labels.

## Attribution

Distilled from MobileNetV2 1.0 224 (Sandler et al. 2018), Apache License 2.0, whose weights are not
included. Labelled photos came from these public repositories, and are not included:

{collections}
"""


def write_card(directory: Path, manifest: Mapping[str, Any]) -> None:
    """Write ``MODEL_CARD.md`` beside ``model.json``, from its contents."""
    (directory / "MODEL_CARD.md").write_text(card(manifest), encoding="utf-8")


def card(manifest: Mapping[str, Any]) -> str:
    """The card's text."""
    data = manifest["data"]
    parts = [
        INTRODUCTION.format(
            id=manifest["id"],
            count=len(manifest["categories"]),
            size=manifest["input_size"],
            features=", ".join(manifest["features"]),
            labelled=data["labelled"],
            sources=len(data["sources"]),
            unlabelled=data["unlabelled"],
            exemplars=data["exemplars"],
            doubted=data["doubted_labels"],
        ),
        FIGURES.format(
            held=data["held_out_photos"],
            judges=data["judges"],
            threshold=manifest["thresholds"]["default"],
        ),
        "\n".join([*_overall(manifest["metrics"]), ""]),
        "\n".join([*_categories(manifest), ""]),
        REST.format(collections="\n".join(f"- {source}" for source in data["sources"])),
    ]
    return "\n".join(parts)


def _overall(metrics: Mapping[str, Any]) -> Iterator[str]:
    sets = [name for name in SETS if name in metrics]
    yield "| | " + " | ".join(SETS[name] for name in sets) + " |"
    yield "|---|" + "---|" * len(sets)
    rows = {
        "photos": "photos",
        "accuracy": "accuracy",
        "macro_recall": "macro accuracy (mean over categories)",
        "calibration_error": "expected calibration error",
        "coverage": "filed at the default thresholds",
        "filed_precision": "right, of those filed",
    }
    for key, title in rows.items():
        yield f"| {title} | " + " | ".join(_number(metrics[name][key]) for name in sets) + " |"


def _categories(manifest: Mapping[str, Any]) -> Iterator[str]:
    metrics = manifest["metrics"]
    sets = [name for name in SETS if name in metrics]
    yield "Found (share of a category's photos recognised), number of photos in brackets:"
    yield ""
    yield "| category | " + " | ".join(SETS[name] for name in sets) + " |"
    yield "|---|" + "---|" * len(sets)
    for category in manifest["categories"]:
        cells = []
        for name in sets:
            it = metrics[name]["categories"][category]
            cells.append(f"{it['recall']:.2f} ({it['photos']})" if it["photos"] else "none")
        yield f"| {category} | " + " | ".join(cells) + " |"


def _number(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.3f}"
