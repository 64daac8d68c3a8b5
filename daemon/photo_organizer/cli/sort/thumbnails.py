"""Thumbnails for the contact sheet, made in a process of their own: one that kills it is left out.

Run as a program, it reads a path a line (JSON), and answers each with a line: a JPEG in base64, or nothing.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

SIDE = 160  # pixels
QUALITY = 70
LARGEST_FILE = 200_000_000  # bytes; a contact sheet is no reason to read more


def thumbnails(paths: Iterable[Path]) -> Iterator[str]:
    """A JPEG in base64 for each path, in order; empty where there can be none."""
    process: subprocess.Popen[str] | None = None
    try:
        for path in paths:
            if process is None:
                process = _start()
            answer = _ask(process, path)
            if answer is None:  # it died of this photo
                _end(process)
                process = None
            yield answer or ""
    finally:
        if process is not None:
            _end(process)


def _start() -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", __name__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        encoding="ascii",
    )


def _ask(process: subprocess.Popen[str], path: Path) -> str | None:
    if process.stdin is None or process.stdout is None:
        return None
    try:
        process.stdin.write(json.dumps(os.fspath(path)) + "\n")
        process.stdin.flush()
    except BrokenPipeError:
        return None
    line = process.stdout.readline()
    return line.strip() if line.endswith("\n") else None


def _end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()


def _thumbnail(path: str) -> str:
    """One thumbnail, with the photo's own proportions and the right way up."""
    import io

    from PIL import Image, ImageOps

    from photo_organizer.fsops import open_photo

    with os.fdopen(open_photo(os.fsencode(path)), "rb") as file:
        data = file.read(LARGEST_FILE + 1)
    if len(data) > LARGEST_FILE:
        return ""
    with Image.open(io.BytesIO(data)) as photo:
        photo.draft("RGB", (SIDE, SIDE))
        upright = ImageOps.exif_transpose(photo)
        upright.thumbnail((SIDE, SIDE))
        small = upright.convert("RGB")
    target = io.BytesIO()
    small.save(target, "JPEG", quality=QUALITY)
    return base64.b64encode(target.getvalue()).decode("ascii")


def main() -> None:
    """Answers until its input ends."""
    import importlib
    import importlib.util

    if importlib.util.find_spec("pillow_heif"):
        importlib.import_module("pillow_heif").register_heif_opener()
    if importlib.util.find_spec("pillow_jxl"):
        importlib.import_module("pillow_jxl")
    for line in sys.stdin:
        try:
            answer = _thumbnail(json.loads(line))
        except (OSError, ValueError, SyntaxError, MemoryError):  # what Pillow raises for what it cannot read
            answer = ""
        print(answer, flush=True)


if __name__ == "__main__":
    main()
