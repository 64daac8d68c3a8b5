"""Thumbnails for the contact sheet, made in a process of their own: one that kills it is left out.

The process is confined like the vision process (`vision/worker/confinement.py`). Run as a program, it is sent
open photos over the socket whose descriptor it is given, and answers each with a line: a JPEG in base64, or
nothing.
"""

from __future__ import annotations

import base64
import os
import socket
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SIDE = 160  # pixels
QUALITY = 70
LARGEST_FILE = 200_000_000  # bytes; a contact sheet is no reason to read more


@dataclass(frozen=True, slots=True)
class ThumbnailProcess:
    """The process, our end of its socket, and its answers."""

    process: subprocess.Popen[bytes]
    connection: socket.socket
    answers: BinaryIO

    @classmethod
    def start(cls) -> ThumbnailProcess:
        """Start it.

        Raises:
            OSError: it cannot be started.
        """
        from photo_organizer.vision.client.worker_process import bare_environment

        ours, theirs = socket.socketpair()
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", __name__, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=bare_environment(),
            )
        return cls(process, ours, ours.makefile("rb"))

    def ask(self, photo: int) -> str | None:
        """Return the thumbnail of an open photo, empty where there is none; None when the process died."""
        try:
            socket.send_fds(self.connection, [b"\n"], [photo])
            line = self.answers.readline()
        except (BrokenPipeError, ConnectionResetError):
            return None
        return line.decode("ascii").strip() if line.endswith(b"\n") else None

    def end(self) -> None:
        """Kill it."""
        self.process.kill()
        self.process.wait()
        self.answers.close()
        self.connection.close()


def thumbnails(paths: Iterable[Path]) -> Iterator[str]:
    """Yield a JPEG in base64 for each path, in order; empty where there can be none."""
    from photo_organizer.fsops import open_photo

    process: ThumbnailProcess | None = None
    try:
        for path in paths:
            try:
                photo = open_photo(path)
            except OSError:
                yield ""
                continue
            try:
                process = process or ThumbnailProcess.start()
                answer = process.ask(photo)
            finally:
                os.close(photo)
            if answer is None:  # it died of this photo
                process.end()
                process = None
            yield answer or ""
    finally:
        if process is not None:
            process.end()


def _thumbnail(descriptor: int) -> str:
    """Return one thumbnail, with the photo's own proportions and the right way up."""
    import io

    from PIL import Image, ImageOps

    with os.fdopen(descriptor, "rb") as file:
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
    """Answer until the socket is closed."""
    import importlib

    from photo_organizer.formats import EXTRAS, available_extras
    from photo_organizer.vision.worker.confinement import confine
    from photo_organizer.vision.worker.readable_paths import needed_by_python

    connection = socket.socket(fileno=int(sys.argv[1]))
    confine(needed_by_python(), [Path(os.devnull)])
    extras = available_extras()
    if "heif" in extras:
        importlib.import_module(EXTRAS["heif"].module).register_heif_opener()
    if "jxl" in extras:
        importlib.import_module(EXTRAS["jxl"].module)
    while (received := socket.recv_fds(connection, 1, 1))[0]:
        answer = ""
        # what Pillow raises for what it cannot read
        with suppress(OSError, ValueError, SyntaxError, MemoryError, IndexError):
            answer = _thumbnail(received[1][0])
        connection.sendall(answer.encode("ascii") + b"\n")


if __name__ == "__main__":
    main()
