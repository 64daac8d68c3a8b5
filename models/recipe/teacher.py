"""What the teacher, a quantised MobileNetV2 in TFLite form, says of a photo.

It is asked twice: once for every whole photo, which is what targets are standardised by and errors are
measured against, and during training for every crop that the network sees (Beyer and others, 'Knowledge
distillation: A good teacher is patient and consistent', 2022), which costs 3.6 ms of one core.

Output file of the first, ``teacher.npz``, rows in the cache's order:

``embedding``      float16 (N, 1280), the last feature map averaged over its 7x7 places;
``probabilities``  float16 (N, 1001), ImageNet classes with a background class first.

The embedding is averaged from the dequantised map instead of being read from the network's own pooled tensor,
because that one is rounded to 8 bits again.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photo_organizer.learning.head.head import Floats
from recipe.corpus import Pixels, decode, open_cache, squeeze

TEACHER_SIDE = 224
CHUNK = 256


@dataclass(frozen=True)
class Answer:
    """``places`` float32 (7, 7, 1280): the last feature map; ``probabilities`` float32 (1001,), sum 1."""

    places: Floats
    probabilities: Floats

    @property
    def embedding(self) -> Floats:
        """The map averaged over its places, float32 (1280,)."""
        return np.asarray(self.places.mean((0, 1)), np.float32)


Teacher = Callable[[Pixels], Answer]
"""From one photo, uint8 (height, width, 3) BGR of any size, to what the teacher says."""


def _interpreter(model: Path) -> Any:  # noqa: ANN401 (the interpreter has no types)
    """Open the TFLite file in whichever interpreter is installed, one thread, intermediate tensors kept."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        from ai_edge_litert.interpreter import Interpreter  # noqa: PLC0415 (only this stage needs it)
    except ImportError:
        from tensorflow.lite import Interpreter  # noqa: PLC0415
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # That keeping tensors takes memory: 20 MB here.
        interpreter = Interpreter(str(model), num_threads=1, experimental_preserve_all_tensors=True)
    interpreter.allocate_tensors()
    return interpreter


def open_teacher(model: Path) -> Teacher:
    """Return a function that asks the teacher; it must not be called from two threads at once.

    Raises:
        ValueError: the file has no 7x7x1280 feature map, so it is not the MobileNetV2 that we expect.
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


def _answer_chunk(
    model: Path, cache: Path, start: int, stop: int
) -> tuple[NDArray[np.float16], NDArray[np.float16]]:
    """Embeddings and probabilities for the rows ``start:stop``; the original file is decoded where it is a
    loose file.
    """
    corpus = open_cache(cache)
    teacher = open_teacher(model)
    answers = []
    for row in range(start, stop):
        origin = Path(corpus.entries[row].origin)
        # A labelled photo has more pixels than the cache keeps: let the teacher see them.
        answers.append(
            teacher(decode(origin.read_bytes()) if corpus.entries[row].category else corpus.pixels[row])
        )
    embeddings = np.stack([answer.embedding for answer in answers])
    probabilities = np.stack([answer.probabilities for answer in answers])
    return embeddings.astype(np.float16), probabilities.astype(np.float16)


def ask_teacher(model: Path, cache: Path, processes: int = 2) -> None:
    """Write ``teacher.npz`` beside the cache."""
    rows = len(open_cache(cache).entries)
    starts = list(range(0, rows, CHUNK))
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        chunks = [pool.submit(_answer_chunk, model, cache, s, min(s + CHUNK, rows)) for s in starts]
        answers = [chunk.result() for chunk in chunks]
    np.savez(
        cache / "teacher.npz",
        embedding=np.concatenate([a[0] for a in answers]),
        probabilities=np.concatenate([a[1] for a in answers]),
    )
