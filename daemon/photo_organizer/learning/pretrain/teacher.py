"""What the teacher, a quantised MobileNetV2 in TFLite form, says of each photo.

Output file ``teacher.npz``, rows in the cache's order:

``embedding``      float16 (N, 1280), the last feature map averaged over its 7x7 places;
``probabilities``  float16 (N, 1001), ImageNet classes with a background class first.

The embedding is averaged from the dequantised map instead of being read from the network's own pooled tensor,
because that one is rounded to 8 bits again.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photo_organizer.learning.pretrain.corpus import Pixels, decode, open_cache, squeeze

TEACHER_SIDE = 224
CHUNK = 256

TeacherAnswer = tuple[NDArray[np.float16], NDArray[np.float16]]


def _interpreter(model: Path) -> Any:  # noqa: ANN401 (the interpreter has no types)
    """Open the TFLite file in whichever interpreter is installed, one thread, intermediate tensors kept."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        from ai_edge_litert.interpreter import Interpreter  # noqa: PLC0415 (only this stage needs it)
    except ImportError:
        from tensorflow.lite import Interpreter  # noqa: PLC0415
    interpreter = Interpreter(str(model), num_threads=1, experimental_preserve_all_tensors=True)
    interpreter.allocate_tensors()
    return interpreter


def open_teacher(model: Path) -> Callable[[Pixels], TeacherAnswer]:
    """Return a function from uint8 (224, 224, 3) BGR to embedding (1280,) and probabilities (1001,), float16.

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

    def dequantised(details: dict[str, Any]) -> NDArray[np.float32]:
        scale, zero = details["quantization"]
        values = interpreter.get_tensor(details["index"]).astype(np.float32)
        return np.asarray((values - zero) * scale, np.float32)

    def answer(image: Pixels) -> TeacherAnswer:
        interpreter.set_tensor(source, np.ascontiguousarray(image[None, :, :, ::-1]))
        interpreter.invoke()
        embedding = dequantised(features).mean((0, 1, 2)).astype(np.float16)
        probabilities = dequantised(target).reshape(-1).astype(np.float16)
        return embedding, probabilities

    return answer


def _answer_chunk(model: Path, cache: Path, start: int, stop: int) -> TeacherAnswer:
    """Teacher's answers for the rows ``start:stop``; the original file is decoded where it is a loose
    file.
    """
    corpus = open_cache(cache)
    teacher = open_teacher(model)
    answers = []
    for row in range(start, stop):
        origin = Path(corpus.entries[row].origin)
        # A labelled photo has more pixels than the cache keeps: let the teacher see them.
        image = decode(origin.read_bytes()) if corpus.entries[row].category else corpus.pixels[row]
        answers.append(teacher(squeeze(image, TEACHER_SIDE)))
    return np.stack([a[0] for a in answers]), np.stack([a[1] for a in answers])


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
