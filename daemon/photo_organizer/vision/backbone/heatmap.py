"""Grad-CAM: where in a photo the model saw a category.

The head is linear in pools over VGG16's blocks, and between the last convolution and the head there is only a
max-pooling and those pools. The gradient of a category's logit by the last convolution's activations is then
known in closed form and needs no automatic differentiation. For average pooling alone it is the class
activation map (Zhou et al., "Learning Deep Features for Discriminative Localization", CVPR 2016), of which
Grad-CAM (Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based
Localization", ICCV 2017) is the generalisation: channels weighted by the mean gradient, negative evidence
cut off.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from photo_organizer.errors import OrganizerError
from photo_organizer.models.manifest import BACKBONE_FILE, HEAD_FILE, verify_files
from photo_organizer.models.serving_model import BLOCK_WIDTHS, ModelDescription, read_model
from photo_organizer.vision.backbone.classifier import Classifier
from photo_organizer.vision.backbone.openvino_engine import build_graph
from photo_organizer.vision.backbone.openvino_runtime import ov
from photo_organizer.vision.backbone.weights import read_head
from photo_organizer.vision.decode.budget.limits import FixedLimits, Limits
from photo_organizer.vision.decode.decoder import decode
from photo_organizer.vision.outcome import PhotoRejectedError

_SIDE = 1024  # of the square that the photo is decoded to for showing
_HEAT = 0.45  # share of the heat in the overlay, where it is hottest


def write_heatmap(
    photo: Path, model: Path, category: str | None, target: Path, *, limits: Limits | None = None
) -> None:
    """Write the photo with the heat of `category` over it (its most probable one when None) to `target`.

    Args:
        photo: the file to explain.
        model: the model's folder.
        category: one of the model's.
        target: an image file, by its suffix (.png, .jpg, .webp); replaced when it is there.
        limits: what decoding may cost.

    Raises:
        OrganizerError: the photo, the model or the category is no good, or `target` cannot be written.
    """
    try:
        overlay = heatmap(model, photo.read_bytes(), category, limits=limits)
    except OSError as error:
        raise OrganizerError(f"the photo cannot be read ({error.strerror})", where=photo) from error
    except PhotoRejectedError as error:
        raise OrganizerError(error.reason, where=photo) from error
    try:
        encoded = cv2.imencode(target.suffix or ".", overlay)[1]
    except cv2.error as error:
        raise OrganizerError(
            "a heatmap cannot be written in this format", where=target, remedy="name it .png or .jpg"
        ) from error
    try:
        target.write_bytes(encoded.tobytes())
    except OSError as error:
        raise OrganizerError(f"the heatmap cannot be written ({error.strerror})", where=target) from error


def heatmap(
    model: Path, data: bytes, category: str | None = None, *, limits: Limits | None = None
) -> NDArray[np.uint8]:
    """The photo in its own proportions with the heat over it: uint8 (height, width, 3), blue first.

    Args:
        model: the model's folder.
        data: the photo's bytes.
        category: one of the model's; the most probable one when None.
        limits: what decoding may cost.

    Raises:
        OrganizerError: the model cannot be used, or does not know the category.
        PhotoRejectedError: the photo cannot be decoded.
    """
    description = read_model(model)
    verify_files(description.directory, description.listed(BACKBONE_FILE, HEAD_FILE))
    seen = decode(data, description.input_size, limits or FixedLimits())
    shown = decode(data, _SIDE, limits or FixedLimits())
    features, activations = _run(description, seen.pixels)
    heat = grad_cam(description, activations, _place(description, category, features))
    scale = min(1.0, _SIDE / max(shown.width, shown.height))
    size = max(1, round(shown.width * scale)), max(1, round(shown.height * scale))
    picture = cv2.resize(shown.pixels, size, interpolation=cv2.INTER_AREA)
    warm = cv2.resize(heat, size, interpolation=cv2.INTER_CUBIC).clip(0, 1)
    colours = cv2.applyColorMap((255 * warm).astype(np.uint8), cv2.COLORMAP_INFERNO)
    share = (_HEAT * np.sqrt(warm))[..., np.newaxis]
    overlay: NDArray[np.uint8] = (picture * (1 - share) + colours * share).round().astype(np.uint8)
    return overlay


def grad_cam(model: ModelDescription, activations: NDArray[np.float32], category: int) -> NDArray[np.float32]:
    """Heat (H, W), 0 to 1, of a category's logit over the last convolution's activations (512, H, W).

    The logit is the sum over channels of w_avg * mean(P) + w_max * max(P), where P is the 2 x 2 max-pooled
    activation. Its gradient is spread over the places where the maxima lie; Grad-CAM weighs each channel by
    its mean gradient: (w_avg + w_max) / (H * W) for every channel that is active at all. Blocks before the
    last hold no gradient by this layer, and no heat.
    """
    kernel, _ = read_head(model)
    weights = np.zeros(len(activations), np.float32)
    start = 0
    for block, _ in model.feature_layers:
        width = BLOCK_WIDTHS[block - 1]
        if block == len(BLOCK_WIDTHS):
            weights += kernel[start : start + width, category]
        start += width
    heat = np.maximum(np.einsum("c,chw->hw", weights, activations), 0)
    highest = heat.max()
    scaled: NDArray[np.float32] = heat / highest if highest > 0 else heat
    return scaled


def _run(
    model: ModelDescription, pixels: NDArray[np.uint8]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Features (1, F) of one photo (S, S, 3), and its last convolution's activations (512, S/16, S/16)."""
    compiled = ov.Core().compile_model(
        build_graph(model, heat=True), "CPU", {"INFERENCE_PRECISION_HINT": "f32"}
    )
    request = compiled.create_infer_request()
    request.infer({0: pixels[np.newaxis]})
    features, activations = (request.get_output_tensor(place).data for place in range(2))
    return features.copy(), activations[0].copy()


def _place(model: ModelDescription, category: str | None, features: NDArray[np.float32]) -> int:
    if category is None:
        return int(Classifier(model, model.categories).probabilities(features)[0].argmax())
    if category not in model.categories:
        raise OrganizerError(
            f"the model {model.id} does not know this category",
            where=category,
            remedy=", ".join(model.categories),
        )
    return model.categories.index(category)
