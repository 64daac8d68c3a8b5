"""The comparison with other decoders tells right from wrong, and draws what differs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))
from decoders import Seen, compare, contact_sheet  # noqa: E402

DARK, BRIGHT, GREY = (np.full((8, 8, 3), value, np.uint8) for value in (10, 240, 120))
NOTHING = Seen(None, "not decoded")


@pytest.mark.parametrize(("ours", "others", "verdict"), [
    (DARK, (DARK + 3, None), "same"),
    (DARK, (BRIGHT, BRIGHT + 2), "differs"),
    (None, (BRIGHT, BRIGHT), "refused"),
    (DARK, (BRIGHT, GREY), "alone"),
    (None, (BRIGHT, None), "alone"),
])  # fmt: skip
def test_the_verdict(ours: np.ndarray | None, others: tuple[np.ndarray | None, ...], verdict: str) -> None:
    seen = {"organizer": Seen(ours)} | {str(number): Seen(pixels) for number, pixels in enumerate(others)}
    row = compare(Path("file.tif"), seen, 8)
    assert row.verdict == verdict
    assert contact_sheet([row], 8).width > 24


def test_a_folder_is_compared_by_the_command(tmp_path: Path) -> None:
    picture = Image.linear_gradient("L").resize((60, 40)).convert("RGB")
    picture.save(tmp_path / "right.png")
    picture.save(tmp_path / "right.jpg", quality=90)
    (tmp_path / "no photo.txt").write_text("hello")
    command = [
        sys.executable,
        str(BENCHMARKS / "decoders.py"),
        str(tmp_path),
        "--sheet",
        str(tmp_path / "sheet"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stderr
    assert "3 files: 2 same, 0 differs, 0 refused, 1 alone" in done.stdout
    assert not (tmp_path / "sheet.png").exists()
