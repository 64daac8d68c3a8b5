"""VGG16 by OpenVINO: int8 from the model's quantised file, or bf16 and float32 built from backbone.npz.

The graph takes photos as they are decoded (uint8, blue first, height x width x channel) and does the rest
itself. It runs photos one at a time on as many streams as there are cores, one thread a stream: measured to
be as fast as larger batches, in less memory, and callers need not wait for one another.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photo_organizer.models.manifest import BACKBONE_FILE, INT8_FILES, ModelError
from photo_organizer.models.serving_model import BLOCK_DEPTHS, ModelDescription
from photo_organizer.vision.backbone.cores import BF16_FLAGS, available_cores, cpu_flags
from photo_organizer.vision.backbone.openvino_runtime import op, ov
from photo_organizer.vision.backbone.weights import Layer, read_backbone


class OpenVinoEngine:
    """See `Engine`.

    Args:
        model: whose backbone to load; its files have been verified.
        precision: "int8", "bf16" or "f32".
        reason: kept for people.
        threads: cores to use; all that this process may run on when None.

    Raises:
        ModelError: the weights are not those of a VGG16, or the quantised graph is not the model's.
    """

    def __init__(
        self, model: ModelDescription, precision: str, *, reason: str = "", threads: int | None = None
    ) -> None:
        self.name = f"openvino {precision}"
        self.reason = reason
        self.input_size = model.input_size
        self.feature_size = model.feature_size
        self.parallel = threads or available_cores()
        graph = read_int8_graph(model) if precision == "int8" else build_graph(model)
        # layers that an int8 backbone keeps out of int8 run in bf16 where the CPU has it
        bf16 = precision == "bf16" or (precision == "int8" and cpu_flags() & BF16_FLAGS)
        compiled = ov.Core().compile_model(
            graph,
            "CPU",
            {
                "NUM_STREAMS": self.parallel,
                "INFERENCE_NUM_THREADS": self.parallel,
                "INFERENCE_PRECISION_HINT": "bf16" if bf16 else "f32",
                # pinned threads of two processes would fight for the same cores
                "ENABLE_CPU_PINNING": False,
            },
        )
        self._idle: queue.SimpleQueue[ov.InferRequest] = queue.SimpleQueue()
        for _ in range(self.parallel):
            self._idle.put(compiled.create_infer_request())
        self._callers = 0
        self._lock = threading.Lock()

    def features(self, photos: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Feature vectors (N, F) of photos (N, S, S, 3). Simultaneous callers share the streams evenly."""
        features = np.empty((len(photos), self.feature_size), np.float32)
        requests: list[ov.InferRequest] = []
        running: list[tuple[ov.InferRequest, int]] = []
        with self._lock:
            self._callers += 1
        try:
            for index in range(len(photos)):
                request = self._another_request(len(requests))
                if request is None:
                    request, finished = running.pop(0)
                    features[finished] = _result(request)
                else:
                    requests.append(request)
                request.start_async({0: photos[index : index + 1]})
                running.append((request, index))
            for request, finished in running:
                features[finished] = _result(request)
        finally:
            for request in requests:
                request.wait()
                self._idle.put(request)
            with self._lock:
                self._callers -= 1
        return features

    def _another_request(self, held: int) -> ov.InferRequest | None:
        if held == 0:
            return self._idle.get()
        if held >= max(1, self.parallel // self._callers):
            return None
        try:
            return self._idle.get_nowait()
        except queue.Empty:
            return None


def _result(request: ov.InferRequest) -> NDArray[np.float32]:
    request.wait()
    result: NDArray[np.float32] = request.get_output_tensor(0).data[0]
    return result


def build_graph(
    model: ModelDescription, *, layers: Mapping[str, Layer] | None = None, heat: bool = False
) -> ov.Model:
    """The model's backbone from backbone.npz in float32: photos uint8 (1, S, S, 3) to features (1, F).

    Args:
        model: whose backbone, pools and input size to take.
        layers: other weights than those of backbone.npz, with the same names and shapes.
        heat: give the last convolution's activations (1, 512, S/16, S/16) as a second output.
    """
    weights = _ordered(layers or read_backbone(model.directory / BACKBONE_FILE))
    size = model.input_size
    photos = op.parameter([1, size, size, 3], np.uint8, name="photos")
    scaled = op.subtract(op.multiply(op.convert(photos, "f32"), np.float32(1 / 127.5)), np.float32(1))
    layer = op.transpose(scaled, np.array([0, 3, 1, 2]))
    if model.flip:  # the mirror image goes along as a second photo of the batch
        mirrored = op.gather(layer, np.arange(size)[::-1].copy(), np.int64(3))
        layer = op.concat([layer, mirrored], 0)
    blocks: dict[int, Any] = {}
    last_convolution = layer
    for block, depth in enumerate(BLOCK_DEPTHS, start=1):
        for convolution in range(1, depth + 1):
            name = f"block{block}_conv{convolution}"
            kernel, bias = weights[name]
            layer = op.convolution(layer, op.constant(kernel), [1, 1], [1, 1], [1, 1], [1, 1], name=name)
            layer = op.relu(op.add(layer, op.constant(bias)))
        last_convolution = layer
        layer = op.max_pool(layer, [2, 2], [1, 1], [0, 0], [0, 0], [2, 2]).output(0)
        blocks[block] = layer
    reduce = {"avg": op.reduce_mean, "max": op.reduce_max}
    pools = [
        reduce[pool](blocks[block], np.array([2, 3]), keep_dims=False) for block, pool in model.feature_layers
    ]
    features = op.concat(pools, 1) if len(pools) > 1 else pools[0]
    if model.flip:
        features = op.reduce_mean(features, np.array([0]), keep_dims=True)
    results = [op.result(features)] + ([op.result(last_convolution)] if heat else [])
    return ov.Model(results, [photos], "vgg16")


def read_int8_graph(model: ModelDescription) -> ov.Model:
    """The quantised backbone in the model's folder.

    Raises:
        ModelError: it is not a graph from the model's photos to its features.
    """
    path = model.directory / INT8_FILES[0]
    try:
        graph = ov.Core().read_model(path)
    except RuntimeError as error:
        raise ModelError("the quantised backbone cannot be read", where=path) from error
    takes = graph.input(0).partial_shape
    gives = graph.output(0).partial_shape
    if takes != ov.PartialShape([1, model.input_size, model.input_size, 3]) or gives != ov.PartialShape(
        [1, model.feature_size]
    ):
        raise ModelError("the quantised backbone does not fit the model's description", where=path)
    return graph


def _ordered(backbone: Mapping[str, Layer]) -> dict[str, tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Kernels in OpenVINO's order (out, in, height, width) and biases (1, out, 1, 1), by layer."""
    layers = {}
    for name, (kernel, bias) in backbone.items():
        ordered = np.ascontiguousarray(kernel.astype(np.float32).transpose(3, 2, 0, 1))
        layers[name] = (ordered, bias.astype(np.float32).reshape(1, -1, 1, 1))
    return layers
