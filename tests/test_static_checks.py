"""The linter and the type checker find nothing, here as on the next engineer's screen."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[1]


@pytest.mark.parametrize("check", [["ruff", "check", "."], ["mypy"]], ids=["ruff", "mypy"])
@pytest.mark.timeout(300)
def test_the_code_is_clean(check: list[str]) -> None:
    command = [sys.executable, "-m", *check]
    result = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
