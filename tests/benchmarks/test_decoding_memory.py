"""The benchmark of decoding's memory measures, and finds what the decoder reserves to be enough."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

BENCHMARK = Path(__file__).resolve().parents[2] / "benchmarks" / "decoding_memory.py"


def test_what_is_reserved_for_a_webp_covers_what_it_takes() -> None:
    command = [sys.executable, str(BENCHMARK), "--megapixels", "3", "webp"]
    finished = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
    assert finished.returncode in {0, 1}, finished.stderr
    line = finished.stdout.splitlines()[1]
    taken, reserved = (float(number) for number in line.split()[1:3])
    assert 10 < taken <= 1.2 * reserved  # in a small picture, fixed costs count more
