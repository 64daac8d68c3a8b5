"""How often a model is right on a folder of photos: DIR/<category>/*, with all that is filed from it.

    python benchmarks/accuracy.py --photos DIR [--model ID|FOLDER] [--acceptable FILE.csv]

Photos are decoded, classified and judged by the code that serves them. Printed are accuracy (over photos, and
averaged over categories), the share that the thresholds file (coverage) and how much of that is right
(precision), the expected calibration error, each category, and the confusion matrix; where DIR has a
`manifest.csv` (`file,source,...`), each source as well. With --acceptable, a CSV file `file,acceptable` names
every category that an owner could accept for a photo (`Family+Friends`), and the figures by it are printed
too; such photos need not be in folders of categories. The figures are honest only for photos that the model
was not trained on.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.acceptable import AcceptableFigures, acceptable_figures, acceptable_lines, read_acceptable
from photo_organizer import formats
from photo_organizer.config.paths import model_home
from photo_organizer.errors import OrganizerError
from photo_organizer.learning.judge.evaluation import Evaluation, evaluate
from photo_organizer.models.serving_model import read_model
from photo_organizer.models.store import Registry, packaged_starter
from photo_organizer.vision.backbone.classifier import Classifier
from photo_organizer.vision.backbone.cores import available_cores
from photo_organizer.vision.backbone.engine import load_engine
from photo_organizer.vision.decode.decoder import decode
from photo_organizer.vision.outcome import PhotoRejectedError

CHUNK = 64
FALLBACK_THRESHOLD = 0.5


@dataclass(frozen=True, slots=True)
class LabelledPhoto:
    """A photo: its path, the position of its category or None, the source that a manifest names or "", and
    its name relative to the folder of photos.
    """

    path: Path
    label: int | None
    source: str
    name: str


@dataclass(frozen=True, slots=True)
class Judged:
    """Calibrated `probabilities` (N, C) of the readable `photos`, and how many could not be read."""

    photos: tuple[LabelledPhoto, ...]
    probabilities: NDArray[np.float32]
    unreadable: int


def find_model(wanted: str | None) -> Path:
    """The folder of a model: the starter, a folder, or an id in the user's model directory."""
    if wanted is None:
        starter = packaged_starter()
        if starter is None:
            raise OrganizerError("there is no starter model here", remedy="name one with --model")
        return starter
    if (Path(wanted) / "model.json").is_file():
        return Path(wanted)
    return Registry(model_home()).show(wanted).path


def find_photos(
    folder: Path, categories: Sequence[str], judged: Collection[str] = ()
) -> tuple[LabelledPhoto, ...]:
    """The photos below the folders that are named after categories, and those that `judged` names.

    Raises:
        OrganizerError: there are none, or one that is named is missing.
    """
    sources: dict[str, str] = {}
    manifest = folder / "manifest.csv"
    if manifest.is_file():
        with manifest.open(newline="", encoding="utf-8") as file:
            sources = {row["file"]: row.get("source", "") for row in csv.DictReader(file)}
    labels: dict[str, int | None] = {
        path.relative_to(folder).as_posix(): label
        for label, category in enumerate(categories)
        for path in sorted((folder / category).rglob("*"))
        if formats.by_extension(path) is not None and path.is_file()
    }
    for name in judged:
        if not (folder / name).is_file():
            raise OrganizerError("a judged photo is not there", where=folder / name)
        labels.setdefault(name, None)
    if not labels:
        raise OrganizerError("no photos in folders named after the model's categories", where=folder)
    return tuple(
        LabelledPhoto(folder / name, label, sources.get(name, ""), name) for name, label in labels.items()
    )


def judge(model_folder: Path, photos: Sequence[LabelledPhoto], engine_name: str) -> Judged:
    """Classify the photos as the vision process would."""
    model = read_model(model_folder)
    classifier = Classifier(model, model.categories)
    readable, features = see(model_folder, photos, engine_name)
    probabilities = classifier.probabilities(features).astype(np.float32)
    return Judged(readable, probabilities, len(photos) - len(readable))


def see(
    model_folder: Path, photos: Sequence[LabelledPhoto], engine_name: str
) -> tuple[tuple[LabelledPhoto, ...], NDArray[np.float32]]:
    """Return the photos that can be read, and their features (N, F), as the vision process sees them."""
    model = read_model(model_folder)
    engine = load_engine(model, engine_name)

    def read(photo: LabelledPhoto) -> NDArray[np.uint8] | None:
        try:
            return decode(photo.path.read_bytes(), model.input_size).pixels
        except PhotoRejectedError:
            return None

    readable: list[LabelledPhoto] = []
    features = [np.zeros((0, engine.feature_size), np.float32)]
    with ThreadPoolExecutor(available_cores()) as threads:
        for start in range(0, len(photos), CHUNK):
            part = photos[start : start + CHUNK]
            decoded = [(photo, pixels) for photo, pixels in zip(part, threads.map(read, part), strict=True)]
            good = [(photo, pixels) for photo, pixels in decoded if pixels is not None]
            if good:
                readable += [photo for photo, _ in good]
                features.append(engine.features(np.stack([pixels for _, pixels in good])))
    return tuple(readable), np.concatenate(features).astype(np.float32)


def lines(evaluation: Evaluation) -> Iterator[str]:
    """The evaluation as text."""
    yield f"photos            {evaluation.photos}"
    yield f"accuracy          {evaluation.accuracy:.3f}"
    yield f"macro accuracy    {evaluation.macro_recall:.3f}"
    yield f"coverage          {evaluation.coverage:.3f}   (filed at the thresholds; the rest goes to review)"
    yield f"precision         {evaluation.filed_precision:.3f}   (of the photos filed)"
    yield f"calibration error {evaluation.calibration_error:.3f}"
    width = max(len(name) for name in ("category", *evaluation.categories))
    yield ""
    yield f"{'category':{width}}  photos  found  right  filed  right when filed"
    for it in evaluation.per_category:
        yield (
            f"{it.category:{width}}  {it.photos:6}  {it.recall:5.2f}  {it.precision:5.2f}  "
            f"{it.filed_share:5.2f}  {it.filed_precision:5.2f}"
        )
    yield ""
    yield "confusion: a line a true category, a column a predicted one"
    yield f"{'':{width}} " + " ".join(f"{name[:7]:>7}" for name in evaluation.categories)
    for name, row in zip(evaluation.categories, evaluation.confusion, strict=True):
        yield f"{name:{width}} " + " ".join(f"{count:7}" for count in row)


def source_lines(judged: Judged, thresholds: Sequence[float], categories: Sequence[str]) -> Iterator[str]:
    """One line a source, where there are any."""
    sources = np.array([photo.source for photo in judged.photos])
    labels = label_array(judged)
    if not any(sources):
        return
    yield ""
    yield "photos  accuracy  coverage  precision  source"
    for source in np.unique(sources):
        rows = sources == source
        it = evaluate(judged.probabilities[rows], labels[rows], categories, thresholds)
        yield (
            f"{it.photos:6}  {it.accuracy:8.3f}  {it.coverage:8.3f}  {it.filed_precision:9.3f}  "
            f"{source or 'not told'}"
        )


def label_array(judged: Judged) -> NDArray[np.int64]:
    """The positions of the photos' categories, (N,); every photo must have one."""
    return np.array([photo.label for photo in judged.photos], np.int64)


def those(judged: Judged, keep: Sequence[bool]) -> Judged:
    """The photos where `keep` is True."""
    photos = tuple(photo for photo, kept in zip(judged.photos, keep, strict=True) if kept)
    return Judged(photos, judged.probabilities[np.array(keep, np.bool_)], judged.unreadable)


def by_judgement(
    judged: Judged, acceptable: Mapping[str, frozenset[int]], thresholds: Sequence[float]
) -> tuple[AcceptableFigures, dict[str, AcceptableFigures]] | None:
    """Figures of the photos that `acceptable` names, and of each source; None if none of them is readable."""
    own = those(judged, [photo.name in acceptable for photo in judged.photos])
    if not own.photos:
        return None

    def figures(part: Judged) -> AcceptableFigures:
        return acceptable_figures(
            part.probabilities, [acceptable[photo.name] for photo in part.photos], thresholds
        )

    sources = sorted({photo.source for photo in own.photos})
    parts = {source: those(own, [photo.source == source for photo in own.photos]) for source in sources}
    return figures(own), {source: figures(part) for source, part in parts.items()}


def main() -> int:
    """The command of the module's docstring."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=Path, required=True, help="folder of category folders")
    parser.add_argument("--model", help="id or folder of a model (default: the starter)")
    parser.add_argument("--engine", default="auto", help='"auto", "tensorflow", "openvino int8", ...')
    parser.add_argument("--threshold", type=float, help="for all categories (default: the model's own)")
    parser.add_argument("--acceptable", type=Path, help="CSV file: file,acceptable (A+B)")
    parser.add_argument("--most", type=int, help="at most so many photos, chosen at random")
    parser.add_argument("--json", type=Path, help="write the figures there as well")
    arguments = parser.parse_args()
    try:
        folder = find_model(arguments.model)
        model = read_model(folder)
        acceptable = (
            read_acceptable(arguments.acceptable, model.categories)
            if arguments.acceptable is not None
            else {}
        )
        photos = find_photos(arguments.photos, model.categories, acceptable)
        if arguments.most is not None and arguments.most < len(photos):
            chosen = np.sort(np.random.default_rng(0).permutation(len(photos))[: arguments.most])
            photos = tuple(photos[place] for place in chosen)
        judged = judge(folder, photos, arguments.engine)
    except OrganizerError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    default = model.thresholds.get("default", FALLBACK_THRESHOLD)
    thresholds = [model.thresholds.get(name, default) for name in model.categories]
    if arguments.threshold is not None:
        thresholds = [arguments.threshold] * len(model.categories)
    print(f"model             {model.id}")
    figures: dict[str, object] = {"model": model.id}
    labelled = those(judged, [photo.label is not None for photo in judged.photos])
    if labelled.photos:
        evaluation = evaluate(labelled.probabilities, label_array(labelled), model.categories, thresholds)
        figures |= {**evaluation.summary(), "confusion": evaluation.confusion.tolist()}
        print("\n".join([*lines(evaluation), *source_lines(labelled, thresholds, model.categories)]))
    accepted = by_judgement(judged, acceptable, thresholds)
    if accepted is not None:
        figures["acceptable"] = accepted[0].summary()
        print("\n".join(["", *acceptable_lines(*accepted)]))
    if judged.unreadable:
        print(f"\n{judged.unreadable} photos could not be read and are not counted")
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
