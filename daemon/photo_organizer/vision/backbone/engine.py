"""The engines that run a model's backbone, and which of them to take."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from photo_organizer.models.manifest import BACKBONE_FILE, HEAD_FILE, INT8_FILES, ModelError, verify_files
from photo_organizer.models.serving_model import ModelDescription, read_model
from photo_organizer.vision.backbone.cores import BF16_FLAGS, INT8_FLAGS, cpu_flags

__all__ = ["BF16_FLAGS", "INT8_FLAGS", "Engine", "arithmetic", "choose", "cpu_flags", "load_engine"]


class Engine(Protocol):
    """Runs a VGG16 backbone. `features` may be called from several threads at once.

    Attributes:
        name: engine and precision, such as "openvino int8".
        reason: why this engine and precision were taken, for `doctor` and the log.
        input_size: S, the side in pixels of the square photos it takes.
        feature_size: F, the width of the feature vectors it gives.
        parallel: how many callers of `features` at a time keep every core busy.
    """

    name: str
    reason: str
    input_size: int
    feature_size: int
    parallel: int

    def features(self, photos: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Feature vectors (N, F) of photos (N, S, S, 3), blue first, 0 to 255."""
        ...


def load_engine(model: Path | ModelDescription, engine: str = "auto") -> Engine:
    """The engine for a model, its files verified against model.json first.

    Args:
        model: the model's folder, or what its model.json says.
        engine: "auto"; "openvino" (the best precision here) or "tensorflow"; or one precision for measuring:
            "openvino int8", "openvino bf16", "openvino f32".

    Raises:
        ModelError: the model cannot be served, or the engine is not installed.
    """
    description = model if isinstance(model, ModelDescription) else read_model(model)
    name, precision, reason = choose(description, engine)
    if name == "tensorflow":
        verify_files(description.directory, description.listed(BACKBONE_FILE, HEAD_FILE))
        return _tensorflow(description, reason)
    backbone = INT8_FILES if precision == "int8" else (BACKBONE_FILE,)
    verify_files(description.directory, description.listed(HEAD_FILE, *backbone))
    from photo_organizer.vision.backbone.openvino_engine import OpenVinoEngine  # noqa: PLC0415 (0.3 s)

    return OpenVinoEngine(description, precision, reason=reason)


def choose(model: ModelDescription, engine: str) -> tuple[str, str, str]:
    """Engine, precision and the reason, given what the model has, what is installed and what the CPU can do.

    int8 where the model's quantised backbone is verified and the CPU adds up int8 products exactly (VNNI): on
    older x86 they saturate. Else bf16 where the CPU has it, else float32, and without OpenVINO TensorFlow.
    """
    asked, _, precision = engine.partition(" ")
    if precision:
        return asked, precision, "asked for"
    if asked == "tensorflow":
        return "tensorflow", "f32", "asked for"
    if importlib.util.find_spec("openvino") is None:
        if asked == "openvino":
            raise ModelError(
                "OpenVINO is not installed", remedy="pip install openvino, or set model.engine: auto"
            )
        return "tensorflow", "f32", "OpenVINO is not installed"
    flags = cpu_flags()
    without_int8 = ""
    if not model.has_int8:
        without_int8 = str(model.serving.get("reason", "the model has no verified int8 backbone"))
    elif not flags & INT8_FLAGS:
        without_int8 = "the CPU has no VNNI"
    if not without_int8:
        return "openvino", "int8", "the model's int8 backbone is verified and the CPU has VNNI"
    if flags & BF16_FLAGS and model.serving.get("bf16", "verified") == "verified":
        return "openvino", "bf16", f"{without_int8}; the CPU has bf16"
    return "openvino", "f32", f"{without_int8}; no bf16 either"


def arithmetic(model: ModelDescription, engine: str) -> str:
    """Return what computes here, as far as it may decide a photo otherwise: "openvino int8 with bf16".

    Args:
        model: the model that is served.
        engine: `model.engine` of the configuration.

    Raises:
        ModelError: the engine is not installed.
    """
    name, precision, _ = choose(model, engine)
    # layers that an int8 backbone keeps out of int8 run in bf16 where the CPU has it
    has_bf16 = (name, precision) == ("openvino", "int8") and cpu_flags() & BF16_FLAGS
    return f"{name} {precision} with bf16" if has_bf16 else f"{name} {precision}"


def _tensorflow(model: ModelDescription, reason: str) -> Engine:
    try:
        from photo_organizer.vision.backbone.tensorflow_engine import TensorFlowEngine  # noqa: PLC0415 (seconds)

        return TensorFlowEngine(model, reason=reason)
    except ImportError as error:
        remedy = "pip install openvino and set `engine: auto`, or pip install 'smart-photo-organizer[train]'"
        raise ModelError(f"TensorFlow cannot be loaded ({error})", remedy=remedy) from error
