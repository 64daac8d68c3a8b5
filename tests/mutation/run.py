"""Change the code that keeps photos safe, one place at a time, and list the changes that no test notices.

    .venv/bin/python tests/mutation/run.py                    all (tens of minutes)
    .venv/bin/python tests/mutation/run.py fsops.py library/move
    .venv/bin/python tests/mutation/run.py --sample 40 --seed 7

Those that are known to lose or duplicate photos are in `known_mutants.py`; `run_known.py` applies them.

Ends with 1 when a change survives that `survivors.toml` does not explain.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
import tomllib
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

# found by the line above
from mutation.mutants import mutants_of
from mutation.running import PACKAGE, measure, survivors

TARGETS = (
    "fsops.py",
    "files.py",
    "sqlite.py",
    "library",
    "companions",
    "inbox/readiness.py",
)
TESTS = (
    "tests/library",
    "tests/companions",
    *(
        f"tests/reliability/test_{name}.py"
        for name in (
            "file_operations",
            "own_files",
            "atomic_steps",
            "synced",
            "races",
            "power_cut",
            "reserved_names",
        )
    ),
)
EXPLAINED = Path(__file__).with_name("survivors.toml")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("targets", nargs="*", default=TARGETS, help="files and folders of the package")
    parser.add_argument(
        "--only", nargs="*", default=[""], help="only changes whose text contains one of these"
    )
    parser.add_argument("--sample", type=int, help="run only so many, drawn at random")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--tests", nargs="*", default=TESTS)
    options = parser.parse_args(arguments)
    began = time.monotonic()
    mutants = [mutant for module in modules(options.targets) for mutant in mutants_of(PACKAGE, module)]
    mutants = [mutant for mutant in mutants if any(text in str(mutant) for text in options.only)]
    if options.sample is not None:
        mutants = random.Random(options.seed).sample(mutants, min(options.sample, len(mutants)))
    with tempfile.TemporaryDirectory() as folder:
        coverage = measure(options.tests, Path(folder) / "coverage.json")
    print(f"tests measured in {time.monotonic() - began:.0f} s; {len(mutants)} mutants", flush=True)
    explained = explanations()
    unexplained = 0
    for mutant, survived in survivors(mutants, coverage, options.jobs):
        if survived and str(mutant) not in explained:
            unexplained += 1
            print(mutant, flush=True)
    seconds = time.monotonic() - began
    print(f"{len(mutants)} mutants in {seconds:.0f} s, {unexplained} survived without an explanation")
    return 1 if unexplained else 0


def modules(targets: Sequence[str]) -> list[str]:
    """Return the files that the targets name, relative to the package."""
    found: list[str] = []
    for target in targets:
        path = PACKAGE / target
        files = [path] if path.is_file() else sorted(path.rglob("*.py"))
        found += [str(file.relative_to(PACKAGE)) for file in files]
    return found


def explanations() -> dict[str, str]:
    """Return why mutants survive, by their text."""
    return dict(tomllib.loads(EXPLAINED.read_text())["survivors"]) if EXPLAINED.exists() else {}


if __name__ == "__main__":
    raise SystemExit(main())
