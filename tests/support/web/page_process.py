"""`photo-organizer review` in a process that has its modules already: a second saved for each page."""

from __future__ import annotations

import multiprocessing
import os
import sys
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(
    ["photo_organizer.cli.photos.review", "photo_organizer.web.server", "support.web.page_process"]
)


def start(arguments: list[str]) -> tuple[BaseProcess, str]:
    """The running command, and the first line that it printed."""
    reading, writing = _PROCESSES.Pipe(duplex=False)
    process = _PROCESSES.Process(target=_run, args=(arguments, writing))
    process.start()
    writing.close()
    with open(reading.fileno(), encoding="utf-8", closefd=False) as output:
        line = output.readline().strip()
    reading.close()
    return process, line


def _run(arguments: list[str], output: Connection) -> None:
    from photo_organizer.cli import main

    os.dup2(output.fileno(), 1)
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 (as long as the process)
    sys.exit(main(arguments))
