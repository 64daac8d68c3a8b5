"""Measure the accuracy of a model on labelled photos: DIR/<category>/*.

    python benchmarks/accuracy.py --photos DIR [--model ID|FOLDER] [--acceptable FILE.csv]

Photos are decoded and classified with the daemon's code. The output has the accuracy (over photos, and
averaged over categories), the share of photos filed at the thresholds (coverage) and how many of these are
right (precision), the expected calibration error, each category, and the confusion matrix; if DIR has a
`manifest.csv` (`file,source,...`), also each source. With --acceptable, a CSV file `file,acceptable` lists
every category that an owner could accept for a photo (`Family+Friends`), and the figures by it are printed as
well; such photos need not be in category folders. The figures are meaningful only for photos that the model
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
    """A photo: its path, the index of its category or None, its source in the manifest or "", and its name
    relative to the folder of photos.
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
    """Return the folder of a model: the starter, a folder, or an id in the user's model directory."""
    if wanted is None:
        starter = packaged_starter()
        if starter is None:
            raise OrganizerError("no starter model found", remedy="pass one with --model")
        return starter
    if (Path(wanted) / "model.json").is_file():
        return Path(wanted)
    return Registry(model_home()).show(wanted).path


def find_photos(
    folder: Path, categories: Sequence[str], judged: Collection[str] = ()
) -> tuple[LabelledPhoto, ...]:
    """Return the photos in category folders, and those named in `judged`.

    Raises:
        OrganizerError: there are none, or a photo in `judged` is missing.
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
            raise OrganizerError("a photo of the --acceptable file is missing", where=folder / name)
        labels.setdefault(name, None)
    if not labels:
        raise OrganizerError("no photos in folders named after the model's categories", where=folder)
    return tuple(
        LabelledPhoto(folder / name, label, sources.get(name, ""), name) for name, label in labels.items()
    )


def judge(model_folder: Path, photos: Sequence[LabelledPhoto], engine_name: str) -> Judged:
    """Classify the photos as the vision process does."""
    model = read_model(model_folder)
    classifier = Classifier(model, model.categories)
    readable, features = see(model_folder, photos, engine_name)
    probabilities = classifier.probabilities(features).astype(np.float32)
    return Judged(readable, probabilities, len(photos) - len(readable))


def see(
    model_folder: Path, photos: Sequence[LabelledPhoto], engine_name: str
) -> tuple[tuple[LabelledPhoto, ...], NDArray[np.float32]]:
    """Return the readable photos and their features (N, F), computed as in the vision process."""
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
    """Yield the evaluation as text."""
    yield f"photos            {evaluation.photos}"
    yield f"accuracy          {evaluation.accuracy:.3f}"
    yield f"macro accuracy    {evaluation.macro_recall:.3f}"
    yield f"coverage          {evaluation.coverage:.3f}   (filed at the thresholds; the rest goes to Review)"
    yield f"precision         {evaluation.filed_precision:.3f}   (of the photos filed)"
    yield f"calibration error {evaluation.calibration_error:.3f}"
    width = max(len(name) for name in ("category", *evaluation.categories))
    yield ""
    yield f"{'category':{width}}  photos  found  right  filed  right when filed"
    for scores in evaluation.per_category:
        yield (
            f"{scores.category:{width}}  {scores.photos:6}  {scores.recall:5.2f}  {scores.precision:5.2f}  "
            f"{scores.filed_share:5.2f}  {scores.filed_precision:5.2f}"
        )
    yield ""
    yield "confusion matrix: true categories in rows, predicted ones in columns"
    yield f"{'':{width}} " + " ".join(f"{name[:7]:>7}" for name in evaluation.categories)
    for name, row in zip(evaluation.categories, evaluation.confusion, strict=True):
        yield f"{name:{width}} " + " ".join(f"{count:7}" for count in row)


def source_lines(judged: Judged, thresholds: Sequence[float], categories: Sequence[str]) -> Iterator[str]:
    """Yield a line per source, if there are sources."""
    sources = np.array([photo.source for photo in judged.photos])
    labels = label_array(judged)
    if not any(sources):
        return
    yield ""
    yield "photos  accuracy  coverage  precision  source"
    for source in np.unique(sources):
        rows = sources == source
        own = evaluate(judged.probabilities[rows], labels[rows], categories, thresholds)
        yield (
            f"{own.photos:6}  {own.accuracy:8.3f}  {own.coverage:8.3f}  {own.filed_precision:9.3f}  "
            f"{source or 'unknown'}"
        )


def label_array(judged: Judged) -> NDArray[np.int64]:
    """Return the index of each photo's category, (N,); every photo must have one."""
    return np.array([photo.label for photo in judged.photos], np.int64)


def select(judged: Judged, keep: Sequence[bool]) -> Judged:
    """Return the photos where `keep` is True."""
    photos = tuple(photo for photo, kept in zip(judged.photos, keep, strict=True) if kept)
    return Judged(photos, judged.probabilities[np.array(keep, np.bool_)], judged.unreadable)


def by_judgement(
    judged: Judged, acceptable: Mapping[str, frozenset[int]], thresholds: Sequence[float]
) -> tuple[AcceptableFigures, dict[str, AcceptableFigures]] | None:
    """Return the figures of the photos in `acceptable`, overall and by source; None if none is readable."""
    own = select(judged, [photo.name in acceptable for photo in judged.photos])
    if not own.photos:
        return None

    def figures(part: Judged) -> AcceptableFigures:
        return acceptable_figures(
            part.probabilities, [acceptable[photo.name] for photo in part.photos], thresholds
        )

    sources = sorted({photo.source for photo in own.photos})
    parts = {source: select(own, [photo.source == source for photo in own.photos]) for source in sources}
    return figures(own), {source: figures(part) for source, part in parts.items()}


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=Path, required=True, help="folder of category folders")
    parser.add_argument("--model", help="id or folder of a model (default: the starter)")
    parser.add_argument("--engine", default="auto", help='"auto", "tensorflow", "openvino int8", ...')
    parser.add_argument("--threshold", type=float, help="for all categories (default: the model's own)")
    parser.add_argument("--acceptable", type=Path, help="CSV file with the columns file,acceptable (A+B)")
    parser.add_argument("--most", type=int, help="use at most this many photos, chosen at random")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
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
    labelled = select(judged, [photo.label is not None for photo in judged.photos])
    if labelled.photos:
        evaluation = evaluate(labelled.probabilities, label_array(labelled), model.categories, thresholds)
        figures |= {**evaluation.summary(), "confusion": evaluation.confusion.tolist()}
        print("\n".join([*lines(evaluation), *source_lines(labelled, thresholds, model.categories)]))
    accepted = by_judgement(judged, acceptable, thresholds)
    if accepted is not None:
        figures["acceptable"] = accepted[0].summary()
        print("\n".join(["", *acceptable_lines(*accepted)]))
    if judged.unreadable:
        print(f"\n{judged.unreadable} photos could not be read and were left out")
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
