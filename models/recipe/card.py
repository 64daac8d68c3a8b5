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

The backbone was trained on 7,409 labelled photos of 11 collections and 26,014 photos without labels,
starting from weights trained on 10,178 more. The head was fitted on {labelled} labelled photos of
{sources} public collections. They are labelled by the definitions in `docs/categories.md`: by folder,
or for personal collections photo by photo. No collection gives more than a third of a category. This
directory contains no photo: `exemplars.npz` holds the averaged features and labels of {exemplars} of them.

"""

FIGURES = """\
## How good it is

All figures count agreement with one label. Many photos fit more than one category: of 87
predictions on left-out sources that contradict the label, 44 were acceptable when checked by eye.

Temperature and thresholds were chosen on training photos alone, by leaving whole sources out. The
penalty and the weights of categories and collections were chosen on the held-out photos, so their
figures are slightly optimistic (`docs/starter-model.md`). `held out` are {held} photos that the
evaluated head was not fitted on: photos of the same sources, and whole sources. The shipped head was
then fitted, with the same settings, on all labelled photos except {judges} of the same sources, which
are the held-out exemplars that later models are compared on.

*Limits of these figures.* The backbone was trained on labels of the first 11 collections (marked with
* in the table of sources), so their rows are too good. It has seen no label of the others.

The threshold is {threshold:.2f}{own}.
"""

REST = """\
## Known confusions

Family, Friends and Events all show people together and differ in what only the photographer knows;
the model confuses them, and Review offers all three. People doing something are confused between
Hobbies and Events, cities and landscapes between Travel and Nature, objects between Hobbies and Others.

## What it must not be used for

It recognises kinds of pictures, not persons: it cannot tell who is in a photo, how old they are or how
they are related, and nobody's access, safety or reputation may depend on it. How its errors are
distributed over groups of people was not examined. It must not be used to delete or publish photos
unseen. Photos it is unsure of belong in Review, and its predictions must never become training labels.

## Attribution

Distilled from MobileNetV2 1.0 224 (Sandler et al. 2018), Apache License 2.0, whose weights are not
included. The labelled photos came from these public repositories and are not included. Licences are
those that the repositories state:

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
    yield "Each category: recognised (of its photos) / filed (of those predicted as it) / right (of those"
    yield "filed), number of photos in brackets:"
    yield ""
    yield "| category | " + " | ".join(SETS[name] for name in sets) + " |"
    yield "|---|" + "---|" * len(sets)
    for category in manifest["categories"]:
        cells = (_category_figures(metrics[name]["categories"][category]) for name in sets)
        yield f"| {category} | " + " | ".join(cells) + " |"


def _category_figures(scores: Mapping[str, float]) -> str:
    if not scores["photos"]:
        return "none"
    shares = (scores[name] for name in ("recall", "filed_share", "filed_precision"))
    return f"{' / '.join(f'{share:.2f}' for share in shares)} ({scores['photos']})"


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
    for source, scores in sorted(rows.items(), key=lambda item: -item[1]["photos"]):
        name = f"{source}{'*' if source in FIRST_COLLECTIONS else ''}"
        shown = f"**{name}**" if source in held else name
        precision = f"{scores['filed_precision']:.2f}" if scores["coverage"] else "-"
        figures = f"{scores['photos']} | {scores['accuracy']:.2f} | {scores['coverage']:.2f}"
        yield f"| {shown} | {figures} | {precision} |"


def _number(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.3f}"
