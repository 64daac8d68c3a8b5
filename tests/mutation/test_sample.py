"""Changes of `run.py` that lose photos are noticed, and one that no test runs is told; the rest by hand."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

RUN = Path(__file__).with_name("run.py")
TESTS = "tests/reliability/test_file_operations.py"


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    # its own process: the package must not be imported there before it is changed
    command = [sys.executable, str(RUN), *arguments, "--tests", TESTS]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)


def test_dangerous_changes_are_noticed() -> None:
    result = _run("fsops.py", "--only", "create_file: drop os.O_EXCL", "FileOperations.sync:")
    assert "0 survived" in result.stdout, result.stdout + result.stderr
    assert result.returncode == 0


def test_a_change_that_no_test_runs_survives() -> None:
    result = _run("library/locks.py", "--only", "_wait_for: True")
    assert "_wait_for" in result.stdout, result.stdout + result.stderr
    assert result.returncode == 1
