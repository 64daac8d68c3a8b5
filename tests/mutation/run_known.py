"""Applies wrong versions of the safety code one by one, each to a copy of the package, and runs its tests.

    PYTHONPATH=tests .venv/bin/python tests/mutation/run_known.py [--only TEXT] [--jobs 2]

A mutant that leaves its tests green is a promise that nobody checks: the command names it and ends with 1.
`known_mutants.py` holds the mutants, and which tests are to notice each.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mutation.known_mutants import MUTANTS, Mutant

CHECKOUT = Path(__file__).parents[2]
PACKAGE = CHECKOUT / "daemon" / "photo_organizer"


class StaleMutantError(Exception):
    """The text that a mutant replaces is not in the file, or not just once."""


def survives(mutant: Mutant) -> bool:
    """Return whether the tests of `mutant` pass although the package is wrong.

    Raises:
        StaleMutantError: the code has changed, and the mutant has to follow.
    """
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        copy = Path(folder, "photo_organizer")
        shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
        path = copy / mutant.file
        text = path.read_text(encoding="utf-8")
        if text.count(mutant.old) != 1:
            raise StaleMutantError(f"{mutant.name}: {text.count(mutant.old)} times in {mutant.file}")
        path.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *mutant.tests]
        environment = {**os.environ, "PYTHONPATH": folder, "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(
            command, cwd=CHECKOUT, env=environment, capture_output=True, check=False, timeout=900, text=True
        )
        if done.returncode not in {0, 1}:
            raise StaleMutantError(f"{mutant.name}: the tests cannot run: {done.stdout[-2000:]}")
        return done.returncode == 0


def main() -> int:
    """Run them all, or those whose name contains `--only`."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", default="", help="mutants whose name contains this")
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    chosen = [mutant for mutant in MUTANTS if arguments.only in mutant.name]
    survivors = 0
    with ThreadPoolExecutor(arguments.jobs) as pool:
        for mutant, alive in zip(chosen, pool.map(survives, chosen), strict=True):
            survivors += alive
            print(f"{'SURVIVES' if alive else 'caught  '}  {mutant.name}", flush=True)
    print(f"{len(chosen)} mutants, {survivors} survived")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
