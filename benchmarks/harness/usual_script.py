"""The script that people write for this job: Keras, a photo at a time, shutil.move and a CSV file.

It is what the organizer is compared with, written as a competent person would: the model is loaded once and
warm, photos are loaded at the model's size, and the library's own ways are used throughout.

    python benchmarks/harness/usual_script.py INBOX LIBRARY MODEL

It prints a JSON line with the photos it filed and the seconds that took, without imports and warm-up.
"""

from __future__ import annotations

import csv
import json
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np


def load_model(directory: Path) -> tuple[Any, list[str], int]:
    """VGG16 with the head of the model in `directory`, its categories, and the side of its photos."""
    description = json.loads((directory / "model.json").read_text())
    size = description["input_size"]
    vgg16 = keras.applications.VGG16(weights=None, include_top=False, input_shape=(size, size, 3))
    with np.load(directory / "backbone.npz") as weights:
        for layer in vgg16.layers:
            if layer.weights:
                layer.set_weights(
                    [weights[f"{layer.name}/{part}"].astype(np.float32) for part in ("kernel", "bias")]
                )
    pools = {"avg": keras.layers.GlobalAveragePooling2D, "max": keras.layers.GlobalMaxPooling2D}
    features = [
        pools[pool]()(vgg16.get_layer(f"{block}_pool").output)
        for block, pool in (name.split(".") for name in description["features"])
    ]
    joined = keras.layers.Concatenate()(features) if len(features) > 1 else features[0]
    head = keras.layers.Dense(len(description["categories"]), activation="softmax")
    model = keras.Model(vgg16.input, head(joined))
    with np.load(directory / "head.npz") as weights:
        temperature = description["temperature"]
        head.set_weights([weights["kernel"] / temperature, weights["bias"] / temperature])
    return model, description["categories"], size


def classify(model: Any, path: Path, size: int) -> np.ndarray[Any, Any]:  # noqa: ANN401  (Keras has no types)
    """Probabilities of the categories."""
    image = keras.utils.load_img(path, target_size=(size, size))
    batch = np.expand_dims(keras.utils.img_to_array(image)[..., ::-1] / 127.5 - 1, axis=0)
    probabilities: np.ndarray[Any, Any] = model.predict(batch, verbose=0)[0]
    return probabilities


def main(inbox: Path, library: Path, model_directory: Path) -> None:
    """Files every photo of `inbox`."""
    model, categories, size = load_model(model_directory)
    photos = sorted(inbox.glob("*.jpg"))
    classify(model, photos[0], size)

    started = time.perf_counter()
    with (library / "predictions.csv").open("a", newline="", encoding="utf-8") as file:
        ledger = csv.writer(file)
        for photo in photos:
            probabilities = classify(model, photo, size)
            best = int(np.argmax(probabilities))
            folder = library / (categories[best] if probabilities[best] >= 0.5 else "Review")
            folder.mkdir(exist_ok=True)
            shutil.move(photo, folder / photo.name)
            ledger.writerow([photo.name, categories[best], f"{probabilities[best]:.4f}"])
            file.flush()
    print(json.dumps({"photos": len(photos), "seconds": time.perf_counter() - started}))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
