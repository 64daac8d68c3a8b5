"""The model card: what a model is, its data, its accuracy, and what it must not be used for.

Every figure comes from ``model.json``, so that the card always describes the model beside it.
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

The backbone is that of `starter-20261122-4`, learned from 7,409 labelled photos of 11 collections,
26,014 photos without labels, and 10,178 more in the weights that it began from. The head was fitted
on {labelled} labelled photos of {sources} public collections. Their categories are those of
`docs/categories.md`, given by the collections' folders and, for the personal ones, photo by photo
by looking at them; no collection gives more than a third of a category. No photo is in this
directory: `exemplars.npz` holds the averaged features and labels of {exemplars} of them.

"""

FIGURES = """\
## How good it is

All figures count agreement with one label. Many photos fit more than one category: of 87
predictions on left-out sources that contradict the label, 44 were acceptable when looked at.

Temperature and thresholds were chosen on training photos alone, by leaving whole sources out; the
head's penalty and the weights of categories and collections after a look at the held-out photos, so
that these flatter them a little (`docs/starter-model.md`). `held out` are {held} photos that the
judged head has not seen: photos of the same sources, and whole sources. The shipped head is then
fitted again, with the same choices, on all labelled photos but {judges} of the same sources, which
are the exemplars that judge later models.

*The limit of these figures.* The backbone had learned from labels of the first 11 collections
(marked with * in the table of sources), so that their rows are too good. It has seen none of the
others.

The threshold is {threshold:.2f}{own}.
"""

REST = """\
## Known confusions

Family, Friends and Events show the same thing, people together, and differ by what the photographer
knows; the model takes one for the other. Photos of people doing something drift between Hobbies and
Events, cities and landscapes between Travel and Nature, objects between Hobbies and Others.

## What it must not be used for

It recognises kinds of pictures, not persons: who is in a photo, how old somebody is or how people are
related cannot be told from it, and nobody's access, safety or reputation may depend on it. It was not
examined for how its errors spread over groups of people. It must not delete or publish photos unseen.
Photos that it is unsure of belong in Review, and its own guesses must never become training labels.

## Attribution

Distilled from MobileNetV2 1.0 224 (Sandler et al. 2018), Apache License 2.0, whose weights are not
included. Labelled photos came from these public repositories, and are not included. The licence is
the one that the repository states:

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
            exemplars=data["exemplars"],
        ),
        FIGURES.format(
            held=data["held_out_photos"],
            judges=data["judges"],
            threshold=manifest["thresholds"]["default"],
            own=_own_thresholds(manifest["thresholds"]),
        ),
        "\n".join([*_overall(manifest["metrics"]), ""]),
        "\n".join([*_categories(manifest), ""]),
        "\n".join([*_sources(manifest["metrics"]), ""]),
        REST.format(
            collections="\n".join(
                f"- {source} ({data['licences'].get(source) or 'not looked up'})"
                for source in data["sources"]
            )
        ),
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


FIRST_COLLECTIONS = frozenset(
    {
        "EliSchwartz/imagenet-sample-images",
        "RlNZLER/Image-Text-Matching",
        "afroozsheikh/Intel-Image-Classifier",
        "alexchagan/sports-images-classifier",
        "anurag173/Event-Classification-For-Personal-Photo-Collections-",
        "ardamavi/Dog-Cat-Classifier",
        "chandrikadeb7/Face-Mask-Detection",
        "prajnasb/observations",
        "quantumnaan/sic_translator",
        "srohit0/food_mnist",
        "zzzDavid/ICDAR-2019-SROIE",
    }
)
"""Sources whose labels the backbone was trained on."""


def _own_thresholds(thresholds: Mapping[str, float]) -> str:
    own = [f"{value:.2f} for {name}" for name, value in sorted(thresholds.items()) if name != "default"]
    return f", and {', '.join(own)}" if own else " for every category"


def _sources(metrics: Mapping[str, Any]) -> Iterator[str]:
    """List each source, judged by a head that was not fitted on it."""
    rows = {
        **metrics["leave_one_source_out"].get("sources", {}),
        **metrics.get("other_sources", {}).get("sources", {}),
    }
    held = metrics.get("other_sources", {}).get("sources", {})
    yield "Each source, judged by a head that has seen none of it (**held out**, or left out in turn):"
    yield ""
    yield "| source | photos | right | filed | right, of those filed |"
    yield "|---|---|---|---|---|"
    for source, it in sorted(rows.items(), key=lambda item: -item[1]["photos"]):
        name = f"{source}{'*' if source in FIRST_COLLECTIONS else ''}"
        shown = f"**{name}**" if source in held else name
        precision = f"{it['filed_precision']:.2f}" if it["coverage"] else "-"
        yield f"| {shown} | {it['photos']} | {it['accuracy']:.2f} | {it['coverage']:.2f} | {precision} |"


def _number(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.3f}"
