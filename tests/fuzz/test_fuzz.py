"""A bounded run of the fuzzer on each reader, always from the same seed. Longer ones: docs/reliability.md."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("atheris", reason="atheris has no wheel for this machine", exc_type=ImportError)


@pytest.mark.parametrize(("target", "runs"), [("decode", 2000), ("config", 1500), ("ledger", 4000)])
def test_only_its_own_errors_leave_a_reader(target: str, runs: int, tmp_path: Path) -> None:
    command = [sys.executable, str(Path(__file__).with_name("fuzz.py")), target, str(tmp_path / "corpus")]
    command += ["-seed=1", f"-runs={runs}", f"-artifact_prefix={tmp_path}/", "-max_len=4096"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr[-4000:]
    assert f"Done {runs} runs" in result.stderr
