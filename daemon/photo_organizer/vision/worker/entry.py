"""Where the vision process begins: it gives up its rights first, and loads what reads photos afterwards.

    python -m photo_organizer.vision.worker.entry SOCKET PARENT MODULE

MODULE has `make_worker(connection, channel, start, confinement)`, which returns what works until the client
closes the connection. Imports at the top of this file are light: whatever they load is not confined.
"""

from __future__ import annotations

import contextlib
import faulthandler
import importlib
import os
import signal
import socket
import sys
import tempfile
from pathlib import Path

from photo_organizer.errors import OrganizerError
from photo_organizer.vision.protocol import Message, pack
from photo_organizer.vision.worker import confinement
from photo_organizer.vision.worker.channel import Channel
from photo_organizer.vision.worker.readable_paths import needed_by_python

_NOWHERE = Path(os.devnull)


def main() -> int:
    """Serve the client behind the socket whose descriptor is the first argument; return the exit code."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the daemon, which then closes the socket
    confinement.die_with_parent(int(sys.argv[2]))
    connection = socket.socket(fileno=int(sys.argv[1]))
    channel = Channel(connection)
    messages = channel.messages()
    start = next(messages, None)
    if start is None:
        return 0
    confined = confinement.confine(*_paths(start))
    tempfile.tempdir = os.devnull  # there is none; TensorFlow only wants to know where it would be
    make_worker = importlib.import_module(sys.argv[3]).make_worker
    try:
        worker = make_worker(connection, channel, start, confined)
    except OrganizerError as error:
        connection.sendall(pack(failure_message(error)))
        return error.exit_code
    confinement.quieten_libraries()
    worker.run(messages)
    return 0


def _paths(start: Message) -> tuple[list[Path], list[Path]]:
    """What may be read, and what may be written: Python, the model and the feature cache's own folder."""
    model = Path(start["model"])
    readable = [*needed_by_python(), *([model] if model != Path() else [])]  # for thumbnails there is none
    writable = [_NOWHERE]
    if start.get("features"):
        folder = Path(start["features"]).parent
        with contextlib.suppress(OSError):  # the writer will say so
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        writable.append(folder)
    return readable, writable


def failure_message(error: OrganizerError) -> Message:
    """Return `failed`: the model cannot be served, and why."""
    return {"event": "failed", "what": error.what, "where": error.where, "remedy": error.remedy}


if __name__ == "__main__":
    faulthandler.enable()
    code = main()
    sys.stderr.flush()
    os._exit(code)  # threads may still be decoding for a client that no longer listens
