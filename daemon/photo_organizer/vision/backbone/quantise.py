"""Making a model's int8 backbone, and checking every reduced precision against float32 before it may serve.

Post-training quantisation by NNCF, calibrated on photos as they are decoded for serving. What the check
says is written into model.json (`serving`), which the engine's choice reads: int8 where it passed and the
CPU has VNNI, else bf16 where that passed, else float32.

    python -m photo_organizer.vision.backbone.quantise --model models/starter --photos DIR

DIR holds labelled photos, a folder a category.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import logging
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from photo_organizer.errors import OrganizerError
from photo_organizer.files import file_sha256, replace_file
from photo_organizer.models.manifest import BACKBONE_FILE, INT8_FILES, verify_files
from photo_organizer.models.serving_model import ModelDescription, read_model
from photo_organizer.vision.backbone.engine import BF16_FLAGS, INT8_FLAGS, cpu_flags
from photo_organizer.vision.backbone.openvino_engine import OpenVinoEngine, build_graph
from photo_organizer.vision.backbone.openvino_runtime import ov
from photo_organizer.vision.backbone.precision import PrecisionCheck, compare
from photo_organizer.vision.backbone.rounding import round_weights
from photo_organizer.vision.backbone.weights import Layer, read_backbone
from photo_organizer.vision.labelled_photos import LabelledPixels, read_labelled_photos

KEPT_EXACT = (
    ("block1_conv1",),
    ("block1_conv1", "block1_conv2", "block2_conv1", "block2_conv2"),
)
"""Layers left out of quantisation, tried in this order until the check passes; they run in bf16 or float32.

The first convolution is 0.6 % of the arithmetic and gains nothing by int8; blocks 1 and 2, 30 %, are where
the rounding of activations costs most after it.
"""
CALIBRATION_PHOTOS = 300
ROUNDING_PHOTOS = 100
CHECKED_PHOTOS = 2000


@dataclass(frozen=True, slots=True)
class Verification:
    """What may serve, and why.

    Attributes:
        precision: the fastest that passed on this machine: "int8", "bf16" or "f32".
        checks: of each reduced precision that this CPU can run exactly.
        reason: in words, for people; empty when int8 passed.
    """

    precision: str
    checks: tuple[PrecisionCheck, ...]
    reason: str


def quantise(
    directory: Path,
    calibration: NDArray[np.uint8],
    check: LabelledPixels,
    *,
    categories: tuple[str, ...] | None = None,
    rounding_photos: int = ROUNDING_PHOTOS,
) -> Verification:
    """Make the int8 backbone of the model in `directory`, check it, and record the result in model.json.

    An int8 backbone that fails its check is not kept; a CPU that cannot run int8 exactly makes none.

    Args:
        directory: of the model, complete but for its int8 backbone; nobody serves from it yet.
        calibration: photos uint8 (N, S, S, 3) as `decode` gives them, some hundreds of all categories.
        check: labelled photos to compare the precisions on, others than those.
        categories: those that the owner has; all of the model's when None.
        rounding_photos: of `calibration`, to round the weights against (see `rounding`): a minute or two; 0
        to
            round each to the nearest.

    Raises:
        ModelError: the model is damaged or not ours.
    """
    model = read_model(directory)
    verify_files(directory, model.listed(*model.files.keys() - set(INT8_FILES)))
    if cpu_flags() & INT8_FLAGS:
        exact = OpenVinoEngine(model, "f32").features(check.pixels)
        layers = read_backbone(directory / BACKBONE_FILE)
        rounded = dict(layers)
        if rounding_photos:
            rounded = round_weights(model, layers, calibration[:rounding_photos], KEPT_EXACT[0])
        for kept in KEPT_EXACT:
            weights = rounded | {name: layers[name] for name in kept}
            _save(model, _quantised(model, calibration, weights, kept))
            if compare(model, "int8", check, exact, categories=categories).passed:
                break
    return verify(directory, check, categories=categories)


def verify(
    directory: Path, check: LabelledPixels, *, categories: tuple[str, ...] | None = None
) -> Verification:
    """Compare the model's reduced precisions with float32 on `check`, and record the result in model.json.

    For a model whose backbone is its parent's, with an int8 file that is there already, and a new head.

    Raises:
        ModelError: the model is damaged or not ours.
    """
    model = read_model(directory)
    exact = OpenVinoEngine(model, "f32").features(check.pixels)
    checks = [
        compare(model, precision, check, exact, categories=categories)
        for precision in _precisions_here(model)
    ]
    passed = next((one.precision for one in checks if one.passed), "f32")
    reason = "; ".join(f"refused, {one}" for one in checks if not one.passed)
    verification = Verification(passed, tuple(checks), reason)
    _record(model, verification)
    return verification


def _precisions_here(model: ModelDescription) -> list[str]:
    flags = cpu_flags()
    has_file = all((model.directory / name).exists() for name in INT8_FILES)
    return ["int8"] * bool(has_file and flags & INT8_FLAGS) + ["bf16"] * bool(flags & BF16_FLAGS)


def _quantised(
    model: ModelDescription,
    calibration: NDArray[np.uint8],
    layers: Mapping[str, Layer],
    kept_exact: Sequence[str],
) -> ov.Model:
    import nncf  # noqa: PLC0415 (seconds, and of no use to anything else)
    from nncf.quantization.range_estimator import RangeEstimatorParametersSet  # noqa: PLC0415

    nncf.set_log_level(logging.ERROR)
    photos = nncf.Dataset([photo[np.newaxis] for photo in calibration])
    parameters = nncf.AdvancedQuantizationParameters(
        # the fix halves the weights' range for CPUs whose int8 sums saturate; int8 is never chosen there
        overflow_fix=nncf.OverflowFix.DISABLE,
        # the largest activation of all photos, not their mean or a quantile: cutting the strongest off costs
        # far more than a coarser step (relative error of the features 0.018 against 0.046 and 0.062)
        activations_range_estimator_params=RangeEstimatorParametersSet.MINMAX,
        # it shifts every channel by up to an eighth of a step, and the features by five times what rounding
        # does to them (relative error 0.047 against 0.009)
        disable_bias_correction=True,
    )
    with _nothing_printed():
        return nncf.quantize(
            build_graph(model, layers=layers),
            photos,
            subset_size=len(calibration),
            target_device=nncf.TargetDevice.CPU,
            preset=nncf.QuantizationPreset.PERFORMANCE,
            advanced_parameters=parameters,
            ignored_scope=nncf.IgnoredScope(names=list(kept_exact)),
        )


def _save(model: ModelDescription, graph: ov.Model) -> None:
    with tempfile.TemporaryDirectory(prefix=".int8-", dir=model.directory) as folder:
        ov.save_model(graph, Path(folder) / INT8_FILES[0])  # float16 for what is not int8
        for name in reversed(INT8_FILES):
            (Path(folder) / name).replace(model.directory / name)


@contextlib.contextmanager
def _nothing_printed() -> Iterator[None]:
    """NNCF draws progress bars on standard output, which may be a protocol's."""
    with contextlib.redirect_stdout(io.StringIO()):
        yield


def _record(model: ModelDescription, verification: Verification) -> None:
    """Write the result into model.json, replacing it at once and whole."""
    path = model.directory / "model.json"
    fields = json.loads(path.read_text(encoding="utf-8"))
    serving: dict[str, object] = {"precision": verification.precision}
    for check in verification.checks:
        serving[check.precision] = "verified" if check.passed else "refused"
        serving[f"{check.precision}_check"] = {
            "photos": check.photos,
            "equal_decisions": round(check.equal_decisions, 5),
            "accuracy": round(check.accuracy, 5),
            "accuracy_float": round(check.accuracy_float, 5),
        }
    if verification.reason:
        serving["reason"] = verification.reason
    fields["serving"] = serving
    files: dict[str, str] = {
        name: digest for name, digest in fields["files"].items() if name not in INT8_FILES
    }
    if serving.get("int8") == "verified":
        files |= _digests(model.directory)
    else:
        for name in INT8_FILES:
            (model.directory / name).unlink(missing_ok=True)
    fields["files"] = files
    replace_file(path, json.dumps(fields, indent=2, ensure_ascii=False) + "\n")


def _digests(directory: Path) -> Mapping[str, str]:
    return {name: file_sha256(directory / name) for name in INT8_FILES}


def main() -> int:
    """The command of the module's docstring."""
    parser = argparse.ArgumentParser(
        prog="python -m photo_organizer.vision.backbone.quantise",
        description="make and check a model's int8 backbone",
    )
    parser.add_argument("--model", type=Path, required=True, help="the model's folder")
    parser.add_argument("--photos", type=Path, required=True, help="labelled photos, a folder a category")
    parser.add_argument("--calibration", type=int, default=CALIBRATION_PHOTOS, help="photos to calibrate on")
    parser.add_argument(
        "--checked", type=int, default=CHECKED_PHOTOS, help="other photos to check on, at most"
    )
    parser.add_argument(
        "--only-check", action="store_true", help="keep the int8 backbone that is there and check it"
    )
    arguments = parser.parse_args()
    try:
        model = read_model(arguments.model)
        photos = read_labelled_photos(
            arguments.photos,
            model.categories,
            model.input_size,
            most=arguments.calibration + arguments.checked,
        )
        calibration, check = photos.split(arguments.calibration)
        if arguments.only_check:
            verification = verify(arguments.model, check)
        else:
            verification = quantise(arguments.model, calibration.pixels, check)
    except OrganizerError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    for one in verification.checks:
        print(one, "" if one.passed else "(refused)")
    print(f"serving: {verification.precision}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
