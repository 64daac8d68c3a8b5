"""Make a starter model, one stage per call.

collect   gather labelled photos from snapshots of public repositories
cache     decode photos and archives into one pixel cache
teacher   run the teacher on every photo
prepare   hold out photos, find doubtful labels, compute the category targets
train     train for a time or a number of steps; run again to resume
distil    train only block 5 of a model, on the teachers' embedding
export    fold a checkpoint, fit and evaluate the head, write a model directory
"""

# ruff: noqa: PLC0415 (each stage imports what it needs: decoding photos should not wait for Keras)

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

TEACHER_HELP = "MobileNetV2 (.tflite) or EfficientNet-Lite (.pth); the same for `teacher` and `train`"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m recipe",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    stages = parser.add_subparsers(dest="stage", required=True)
    parents = argparse.ArgumentParser(add_help=False)
    parents.add_argument(
        "--cache", type=Path, required=True, help="directory of the pixel cache and everything made from it"
    )

    collect = stages.add_parser("collect")
    collect.add_argument("--snapshots", type=Path, required=True, help="directory of owner+name snapshots")
    collect.add_argument(
        "--photos", type=Path, nargs="*", default=[], help="directories of photos that already have labels"
    )
    collect.add_argument(
        "--output", type=Path, required=True, help="directory to write, for `cache --photos`"
    )

    cache = stages.add_parser("cache", parents=[parents])
    cache.add_argument("--photos", type=Path, required=True, help="directory of category directories")
    cache.add_argument("--archive", type=Path, nargs="*", default=[], help="tar files of unlabelled photos")

    teacher = stages.add_parser("teacher", parents=[parents])
    teacher.add_argument("--teacher", type=Path, nargs="+", required=True, help=TEACHER_HELP)
    teacher.add_argument("--processes", type=int, default=2)

    prepare = stages.add_parser("prepare", parents=[parents])
    prepare.add_argument(
        "--hold-out-source", nargs="*", default=[], help="sources to keep out of the training"
    )
    prepare.add_argument(
        "--hold-out-share",
        type=float,
        default=0.1,
        help="share of the other labelled photos to hold out as well",
    )

    train = stages.add_parser("train", parents=[parents])
    train.add_argument("--checkpoint", type=Path, required=True)
    train.add_argument("--teacher", type=Path, nargs="+", required=True, help=TEACHER_HELP)
    train.add_argument(
        "--start-from", type=Path, help="model directory to start from (default: random weights)"
    )
    train.add_argument("--start-side", type=int, default=96, help="input size of that model in pixels")
    budget = train.add_mutually_exclusive_group(required=True)
    budget.add_argument("--until", help="HH:MM or ISO time at which the schedule ends")
    budget.add_argument("--steps", type=int)
    train.add_argument("--batch", type=int, default=64)
    train.add_argument("--peak", type=float, default=1.2e-3, help="highest learning rate")
    train.add_argument(
        "--sides", default="0:64,0.3:96,0.7:128", help="input size by progress, for example 0:64,0.7:128"
    )
    train.add_argument("--dtype", default="mixed_bfloat16")
    train.add_argument("--log", type=Path)

    distil = stages.add_parser("distil", parents=[parents])
    distil.add_argument("--start-from", type=Path, required=True, help="model directory to start from")
    distil.add_argument("--side", type=int, default=96, help="its input size in pixels")
    distil.add_argument("--steps", type=int, required=True, help="batches of 64 photos")
    distil.add_argument("--output", type=Path, required=True, help="npz file for `export --weights`")

    export = stages.add_parser("export", parents=[parents])
    export.add_argument(
        "--weights", type=Path, required=True, help="checkpoint or folded convolutions, as npz"
    )
    export.add_argument("--model", type=Path, required=True, help="model directory to write")
    export.add_argument("--side", type=int, default=96, help="input size in pixels")
    export.add_argument("--feature-layers", default="block5.avg", help="for example block4.avg,block5.avg")
    export.add_argument("--flip", action="store_true")
    export.add_argument("--strength", type=float, default=0.02, help="of the penalty on the head's weights")
    export.add_argument(
        "--unlabelled", type=int, default=0, help="number of unlabelled photos to fit the head on as well"
    )
    export.add_argument("--unlabelled-weight", type=float, default=0.5)
    return parser


def _export(arguments: argparse.Namespace) -> None:
    from recipe.data.prepare import open_prepared
    from recipe.export import ExportChoice, make_model
    from recipe.head.features import FeatureChoice

    features = FeatureChoice(arguments.side, tuple(arguments.feature_layers.split(",")), arguments.flip)
    choice = ExportChoice(features, arguments.strength, arguments.unlabelled, arguments.unlabelled_weight)
    prepared = open_prepared(arguments.cache)
    manifest = make_model(prepared, arguments.weights, arguments.model, choice, kept=arguments.cache)
    print(f"wrote {manifest['id']} to {arguments.model}")
    print(f"temperature {manifest['temperature']}, thresholds {manifest['thresholds']}")
    for name, figures in manifest["metrics"].items():
        _print_figures(name, figures)


def _distil(arguments: argparse.Namespace) -> None:
    from recipe.data.prepare import open_prepared
    from recipe.training.last_block import Distillation, distil_last_block

    distil_last_block(
        open_prepared(arguments.cache),
        arguments.start_from,
        arguments.output,
        Distillation(arguments.steps),
        side=arguments.side,
        cache=arguments.cache,
    )


def _print_figures(name: str, figures: dict[str, Any]) -> None:
    print(name, {key: value for key, value in figures.items() if isinstance(value, int | float)})
    for category, numbers in figures["categories"].items():
        print(f"  {category:10} {numbers}")


def main() -> None:
    """Run one stage."""
    arguments = _parser().parse_args()
    if arguments.stage == "collect":
        from recipe.data.collect import collect

        print(collect(arguments.snapshots, arguments.photos, arguments.output), "photos")
    elif arguments.stage == "cache":
        from recipe.data.corpus import build_cache

        build_cache(arguments.photos, arguments.archive, arguments.cache)
    elif arguments.stage == "teacher":
        from recipe.data.teachers import ask_teachers

        ask_teachers(arguments.teacher, arguments.cache, arguments.processes)
    elif arguments.stage == "prepare":
        from recipe.data.prepare import prepare

        prepare(arguments.cache, frozenset(arguments.hold_out_source), arguments.hold_out_share)
    elif arguments.stage == "train":
        from recipe.training.run import run_training

        run_training(arguments)
    elif arguments.stage == "distil":
        _distil(arguments)
    else:
        _export(arguments)


if __name__ == "__main__":
    main()
