"""Command line: ``python -m photo_organizer.learning.pretrain STAGE ...`` (each stage has ``--help``)."""

from __future__ import annotations

import argparse
from pathlib import Path

from .corpus import build_cache
from .teacher import ask_teacher


def main() -> None:
    """Run one stage."""
    parser = argparse.ArgumentParser(prog="python -m photo_organizer.learning.pretrain", description=__doc__)
    stages = parser.add_subparsers(dest="stage", required=True)
    cache = stages.add_parser("cache")
    cache.add_argument("--photos", type=Path, required=True)
    cache.add_argument("--archive", type=Path, nargs="*", default=[])
    cache.add_argument("--cache", type=Path, required=True)
    teach = stages.add_parser("teacher")
    teach.add_argument("--teacher", type=Path, required=True)
    teach.add_argument("--cache", type=Path, required=True)
    arguments = parser.parse_args()
    if arguments.stage == "cache":
        build_cache(arguments.photos, arguments.archive, arguments.cache)
    else:
        ask_teacher(arguments.teacher, arguments.cache)


if __name__ == "__main__":
    main()
