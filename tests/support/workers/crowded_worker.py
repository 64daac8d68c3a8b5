"""The vision process with as many decoder threads as a test wants, on any machine.

`DECODER_THREADS` says how many; with `ESTIMATE`, each photo is thought to need this many bytes a pixel.
"""

from __future__ import annotations

import os

from photo_organizer.vision.decode.formats import raster
from photo_organizer.vision.worker import serving, worker


def crowded(*arguments: object) -> serving.Serving:
    loaded = serving.load_serving(*arguments)  # type: ignore[arg-type]
    loaded.engine.parallel = int(os.environ["DECODER_THREADS"])  # type: ignore[misc]
    return loaded


worker.load_serving = crowded  # type: ignore[attr-defined]
if "ESTIMATE" in os.environ:
    estimate = float(os.environ["ESTIMATE"])
    raster.pillow_cost = lambda *_: estimate  # type: ignore[attr-defined]

make_worker = worker.Worker
