"""The teacher, a quantised MobileNetV2 in TFLite format.

It runs once on every whole photo, which gives the mean and deviation of the targets and the values that
errors are measured against, and during training on every crop that the network sees (Beyer and others,
'Knowledge distillation: A good teacher is patient and consistent', 2022), in 3.6 ms on one core.

Output of the former, ``teacher.npz``, rows in the cache's order:

``embedding``      float16 (N, E), the last feature map averaged over its 7 x 7 places (E = 1280 here);
``probabilities``  float16 (N, 1001), ImageNet classes with a background class first.

The embedding is averaged from the dequantised map, because the network's own pooled tensor is rounded to 8
bits a second time.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from photo_organizer.learning.head.head import Floats
from recipe.data.corpus import Pixels, squeeze

TEACHER_SIDE = 224


@dataclass(frozen=True)
class Answer:
    """``places`` float32 (7, 7, E): the last feature map; ``probabilities`` float32 (1001,), sum 1."""

    places: Floats
    probabilities: Floats

    @property
    def embedding(self) -> Floats:
        """Return the map averaged over its places, float32 (E,)."""
        return np.asarray(self.places.mean((0, 1)), np.float32)


Teacher = Callable[[Pixels], Answer]
"""From a photo, uint8 (height, width, 3) BGR of any size, to the teacher's output."""


def _interpreter(model: Path) -> Any:  # noqa: ANN401 (the interpreter has no types)
    """Open the TFLite file with the installed interpreter, single-threaded, keeping intermediate tensors."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        from ai_edge_litert.interpreter import Interpreter  # noqa: PLC0415 (only this stage needs it)
    except ImportError:
        from tensorflow.lite import Interpreter  # noqa: PLC0415
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # It warns that keeping tensors takes memory: 20 MB here.
        interpreter = Interpreter(str(model), num_threads=1, experimental_preserve_all_tensors=True)
    interpreter.allocate_tensors()
    return interpreter


def open_tflite_teacher(model: Path) -> Teacher:
    """Return a function that runs the teacher; it must not be called from two threads at once.

    Raises:
        ValueError: the file has no 7x7x1280 feature map, so it is not the expected MobileNetV2.
    """
    interpreter = _interpreter(model)
    source = interpreter.get_input_details()[0]["index"]
    target = interpreter.get_output_details()[0]
    maps = [d for d in interpreter.get_tensor_details() if tuple(d["shape"]) == (1, 7, 7, 1280)]
    if not maps:
        raise ValueError(
            f"{model}: no tensor of shape (1, 7, 7, 1280); expected MobileNetV2 1.0 at 224 pixels"
        )
    features = maps[-1]

    def dequantised(details: dict[str, Any]) -> Floats:
        scale, zero = details["quantization"]
        values = interpreter.get_tensor(details["index"])[0].astype(np.float32)
        return np.asarray((values - zero) * scale, np.float32)

    def answer(image: Pixels) -> Answer:
        seen = squeeze(image, TEACHER_SIDE)
        interpreter.set_tensor(source, np.ascontiguousarray(seen[None, :, :, ::-1]))
        interpreter.invoke()
        probabilities = dequantised(target).reshape(-1)
        # The teacher's 8-bit softmax does not sum to one.
        return Answer(dequantised(features), probabilities / max(float(probabilities.sum()), 1e-6))

    return answer
