"""How fast each engine runs the VGG16 backbone, and what the faster ones cost in accuracy.

    python benchmarks/engines.py [--model FOLDER] [--photos DIR] [--onnx FILE]

Each engine and precision runs in a process of its own, on all cores, at 224 x 224 pixels and at the model's
own input size, on the same pixels. The peer is TensorFlow in float32 (`keras.applications.VGG16` in a
`tf.function`); the ratios to it are what counts. With `--photos DIR` (labelled, a folder a category) the
reduced precisions are also compared with float32, decision by decision. `--onnx` measures a quantised ONNX
file of the same network with ONNX Runtime, where that is installed.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.report import RESULTS, Figure, Report, Target
from photo_organizer.models.manifest import INT8_FILES
from photo_organizer.models.serving_model import read_model
from photo_organizer.vision.backbone.cores import BF16_FLAGS, INT8_FLAGS, available_cores, cpu_flags
from photo_organizer.vision.backbone.engine import load_engine
from photo_organizer.vision.labelled_photos import read_labelled_photos

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

STARTER = Path(__file__).parent.parent / "models" / "starter"
PEER = "tensorflow f32"
ENGINES = (PEER, "openvino f32", "openvino bf16", "openvino int8")
TARGETS = {"openvino f32": 1.0, "openvino bf16": 1.6, "openvino int8": 3.5}
COMMON_SIZE = 224
BATCH = 32


def main() -> None:
    """Measures and publishes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, default=STARTER, help="model folder (default: the starter)")
    parser.add_argument("--photos", type=Path, help="labelled photos, to compare decisions")
    parser.add_argument("--compared", type=int, default=2000, help="photos to compare decisions on, at most")
    parser.add_argument(
        "--onnx", type=Path, help="a quantised ONNX file of the network, taking 224 x 224 pixels"
    )
    parser.add_argument("--seconds", type=float, default=8.0, help="to measure each engine for")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--one", nargs=2, metavar=("ENGINE", "FOLDER"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        engine, folder = arguments.one
        measured = (
            measure_onnx(Path(folder), arguments.seconds)
            if engine == "onnx"
            else measure(engine, Path(folder), arguments.seconds)
        )
        print(json.dumps(measured))
        return
    report = Report("engines")
    measured = measure_all(arguments)
    for (name, size), found in measured.items():
        peer = measured[PEER, size]["photos_per_second"]
        target = Target("peer", at_least=TARGETS[name]) if name in TARGETS else None
        rate = found["photos_per_second"]
        report.figures.append(Figure(f"{name}, {size} px", rate, "photos/s", peer=peer, target=target))
    compared = compare_decisions(arguments, report) if arguments.photos else []
    report.notes.append(
        "Peak memory, and time from loading the engine to its first result: "
        + "; ".join(
            f"{name} at {size} px {found['peak_megabytes']:.0f} MB, {found['start_seconds']:.1f} s"
            for (name, size), found in measured.items()
        )
    )
    details = {"engines": {f"{name}, {size} px": found for (name, size), found in measured.items()}}
    report.publish(
        {**details, "decisions": [asdict(one) for one in compared]},
        lambda canvas: draw(canvas, measured),
        arguments.results,
    )


def measure_all(arguments: argparse.Namespace) -> dict[tuple[str, int], dict[str, float]]:
    """Every engine that can run here, at both sizes, each in a process of its own."""
    measured: dict[tuple[str, int], dict[str, float]] = {}
    own_size = read_model(arguments.model).input_size
    with tempfile.TemporaryDirectory(prefix="engines-") as scratch:
        for size in dict.fromkeys((COMMON_SIZE, own_size)):
            model = at_size(arguments.model, size, Path(scratch) / str(size))
            for engine in ENGINES:
                if can_run(engine, model):
                    measured[engine, size] = in_own_process(engine, model, arguments.seconds)
    if arguments.onnx:
        measured["onnxruntime int8", COMMON_SIZE] = in_own_process("onnx", arguments.onnx, arguments.seconds)
    return measured


def at_size(model: Path, size: int, folder: Path) -> Path:
    """The same model for photos of another size: convolutions do not care."""
    shutil.copytree(model, folder)
    description = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    if description["input_size"] != size and (folder / INT8_FILES[0]).exists():
        from photo_organizer.vision.backbone.openvino_runtime import ov  # noqa: PLC0415 (not for every engine)

        graph = ov.Core().read_model(model / INT8_FILES[0])
        graph.reshape([1, size, size, 3])
        ov.save_model(graph, folder / INT8_FILES[0])
    description["input_size"] = size
    description["files"] = {
        name: sha256(folder / name) for name in description["files"] if (folder / name).exists()
    }
    (folder / "model.json").write_text(json.dumps(description), encoding="utf-8")
    return folder


def sha256(path: Path) -> str:
    """Of a file, in hex."""
    import hashlib  # noqa: PLC0415

    return hashlib.sha256(path.read_bytes()).hexdigest()


def can_run(engine: str, model: Path) -> bool:
    """Whether this machine and this model have what the engine needs."""
    flags = cpu_flags()
    if engine.endswith("int8"):
        return bool(flags & INT8_FLAGS) and all((model / name).exists() for name in INT8_FILES)
    return not engine.endswith("bf16") or bool(flags & BF16_FLAGS)


def in_own_process(engine: str, folder: Path, seconds: float) -> dict[str, float]:
    """The figures of `measure`, or of `measure_onnx`."""
    command = [sys.executable, __file__, "--one", engine, str(folder), "--seconds", str(seconds)]
    finished = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(finished.stdout.splitlines()[-1])
    print(f"{engine:18} {folder.name:>8}: {found['photos_per_second']:6.1f} photos/s", file=sys.stderr)
    return found


def measure(engine: str, model: Path, seconds: float) -> dict[str, float]:
    """Photos a second of an engine, given many at a time."""
    begun = time.perf_counter()
    loaded = load_engine(model, engine.removesuffix(" f32") if engine == PEER else engine)
    photos = np.random.default_rng(0).integers(
        0, 256, (BATCH, loaded.input_size, loaded.input_size, 3), np.uint8
    )
    loaded.features(photos[:1])
    return rate(lambda: loaded.features(photos), time.perf_counter() - begun, seconds)


def measure_onnx(file: Path, seconds: float) -> dict[str, float]:
    """The same of ONNX Runtime, a batch at a time, with as many threads as there are cores."""
    import onnxruntime  # noqa: PLC0415 (optional)

    begun = time.perf_counter()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = available_cores()
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    photos = np.random.default_rng(0).uniform(-1, 1, (8, 3, COMMON_SIZE, COMMON_SIZE)).astype(np.float32)
    name = session.get_inputs()[0].name
    session.run(None, {name: photos})
    return rate(lambda: session.run(None, {name: photos}), time.perf_counter() - begun, seconds, batch=8)


def rate(run: Any, start: float, seconds: float, batch: int = BATCH) -> dict[str, float]:  # noqa: ANN401
    """Runs for a while after a first run to warm up."""
    run()
    begun, done = time.perf_counter(), 0
    while time.perf_counter() - begun < seconds:
        run()
        done += batch
    return {
        "photos_per_second": done / (time.perf_counter() - begun),
        "start_seconds": start,
        "peak_megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def compare_decisions(arguments: argparse.Namespace, report: Report) -> Sequence[Any]:
    """Equal decisions and accuracy of the reduced precisions against float32."""
    from photo_organizer.vision.backbone.openvino_engine import OpenVinoEngine  # noqa: PLC0415
    from photo_organizer.vision.backbone.precision import ACCURACY_LOSS, EQUAL_DECISIONS, compare  # noqa: PLC0415

    model = read_model(arguments.model)
    check = read_labelled_photos(
        arguments.photos, model.categories, model.input_size, most=arguments.compared, seed=1
    )
    exact = OpenVinoEngine(model, "f32").features(check.pixels)
    compared = []
    for precision in ("bf16", "int8"):
        if not can_run(f"openvino {precision}", arguments.model):
            continue
        one = compare(model, precision, check, exact)
        compared.append(one)
        report.figures += [
            Figure(
                f"{precision}: equal decisions",
                one.equal_decisions,
                "of 1",
                target=Target("value", at_least=EQUAL_DECISIONS),
            ),
            Figure(
                f"{precision}: accuracy lost to float32",
                one.accuracy_float - one.accuracy,
                "of 1",
                target=Target("value", at_most=ACCURACY_LOSS),
            ),
        ]
        report.notes.append(f"Decisions, {one}.")
    return compared


def draw(canvas: Canvas, measured: dict[tuple[str, int], dict[str, float]]) -> None:
    """Bars: photos a second by engine, a panel a size, the ratio to the peer on each."""
    sizes = list(dict.fromkeys(size for _, size in measured))
    for axes, size in zip(np.atleast_1d(canvas.subplots(1, len(sizes))), sizes, strict=True):
        names = [name for name, other in measured if other == size]
        rates = [measured[name, size]["photos_per_second"] for name in names]
        bars = axes.barh(names, rates, color=["0.6" if name == PEER else "C0" for name in names])
        peer = measured[PEER, size]["photos_per_second"]
        axes.bar_label(bars, [f"{rate:.1f}  ({rate / peer:.2f}x)" for rate in rates], padding=3)
        axes.set_xlim(0, 1.6 * max(rates))
        axes.invert_yaxis()
        axes.set_title(f"{size} x {size} pixels")
        axes.set_xlabel("photos/s")
    canvas.suptitle("VGG16 backbone, 13 convolutions, all cores")


if __name__ == "__main__":
    main()
