"""What every benchmark with a real daemon is told on its command line."""

from __future__ import annotations

import argparse
from pathlib import Path

from harness.photos import SCRATCH
from harness.report import RESULTS


def parser(description: str) -> argparse.ArgumentParser:
    """A parser with the common options."""
    made = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--model", type=Path, help="model folder (default: the starter)")
    made.add_argument("--scratch", type=Path, default=SCRATCH, help="where photos are kept and moved about")
    made.add_argument("--results", type=Path, default=RESULTS, help="folder for the JSON file and the plot")
    return made


def parser_with_photos(description: str) -> argparse.ArgumentParser:
    """The same with the options that say which large photos to make."""
    made = parser(description)
    made.add_argument("--photos", type=Path, help="folder of photos to make large ones from (default: drawn)")
    made.add_argument("--megapixels", type=float, default=12.0)
    return made
