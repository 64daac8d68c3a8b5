"""A running vision process: start it, exchange messages without blocking, stop it. Light."""

from __future__ import annotations

import errno
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import deque
from dataclasses import dataclass
from typing import IO

from photo_organizer import typed_command
from photo_organizer.vision.protocol import LineReader, Message, pack

_ENTRY = "photo_organizer.vision.worker.entry"
WORKER = "photo_organizer.vision.worker.worker"
ENVIRONMENT = frozenset({
    "PYTHONPATH", "PYTHONHOME", "PYTHONUTF8", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ",
    "OMP_NUM_THREADS", typed_command.VARIABLE,
})  # fmt: skip
"""The variables that the process inherits: where its modules are, and how names are encoded."""
_PIECE = 1 << 18
_LAST_STDERR_BYTES = 400
_REAP_SECONDS = 2.0
_CPUCLOCK_SCHED = 2  # linux/posix-timers.h


@dataclass(frozen=True, slots=True)
class Activity:
    """What a thread of the process is doing.

    Args:
        stage: "reading", "waiting" (for memory) or "decoding"; other stages belong to no photo.
        photo: its number, or None.
        since: `time.monotonic()` when it began.
        spent_before: processor seconds that the process had had by then.
    """

    stage: str
    photo: int | None
    since: float
    spent_before: float


def bare_environment() -> dict[str, str]:
    """Return the environment variables that a process that reads photos inherits."""
    return {name: value for name, value in os.environ.items() if name in ENVIRONMENT}


@dataclass(frozen=True, slots=True)
class Unsent:
    """Bytes that the socket has not taken yet, and the descriptor that goes with the first of them."""

    data: bytes
    descriptor: int | None


class WorkerProcess:
    """A running vision process.

    Args:
        worker: the module that it runs once it is confined, see `worker/entry.py`.
        max_pixels: OpenCV's own limit is set to this, so that it refuses nothing that the owner allows.

    Attributes:
        poison_photo: the photo because of which the client ends it, if any.
        last_stderr_line: the last line that it printed, once it has been reaped.

    Raises:
        OSError: it cannot be started.
    """

    def __init__(self, worker: str = WORKER, *, max_pixels: int) -> None:
        self._stages: dict[int, Activity] = {}
        self.poison_photo: int | None = None
        self.last_stderr_line = ""
        self._reader = LineReader()
        self._output: deque[Unsent] = deque()
        self._errors = _anonymous_file()
        self._socket, theirs = socket.socketpair()
        environment = {
            **bare_environment(),
            "OPENCV_IO_MAX_IMAGE_PIXELS": str(max_pixels),
            "OPENCV_LOG_LEVEL": "SILENT",
            "KERAS_HOME": os.devnull,  # the owner's ~/.keras must not affect serving
        }
        try:
            self._popen = subprocess.Popen(
                # -P: a folder `photo_organizer` in the working directory is not ours
                [
                    sys.executable,
                    "-P",
                    "-m",
                    _ENTRY,
                    str(theirs.fileno()),
                    str(os.getpid()),
                    worker,
                ],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._errors,
                env=environment,
                start_new_session=True,  # Ctrl-C in the terminal is for the daemon
            )
        except OSError:
            self._socket.close()
            self._errors.close()
            raise
        finally:
            theirs.close()
        self._socket.setblocking(False)  # noqa: FBT003 (the interface of socket)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._popen.pid

    @property
    def has_output(self) -> bool:
        """Whether messages wait to be sent."""
        return bool(self._output)

    def fileno(self) -> int:
        """The socket's descriptor."""
        return self._socket.fileno()

    def send(self, message: Message, descriptor: int | None = None) -> None:
        """Send a message, now as far as it goes, the rest with the next `exchange`.

        Args:
            message: what to say.
            descriptor: an open file that goes with it; it is closed here once it is on its way.
        """
        self._output.append(Unsent(pack(message), descriptor))
        self._flush()

    def exchange(self, timeout: float) -> tuple[list[Message], bool]:
        """Send and receive messages, waiting up to `timeout` seconds for the first to arrive.

        Returns:
            The messages received, and whether the connection is still open.
        """
        deadline = time.monotonic() + timeout
        messages: list[Message] = []
        while True:
            alive = self._flush()
            alive = self._receive(messages) and alive
            left = deadline - time.monotonic()
            if messages or not alive or left <= 0:
                return messages, alive
            select.select([self._socket], [self._socket] if self._output else [], [], left)

    def _flush(self) -> bool:
        while self._output:
            unsent = self._output[0]
            try:
                sent = self._send_part(unsent)
            except BlockingIOError:
                return True
            except OSError as error:
                if error.errno == errno.ETOOMANYREFS:  # too many files are under way
                    return True
                self._discard_output()
                return True  # what it said before it died is still to be read
            self._output.popleft()
            if unsent.descriptor is not None:
                os.close(unsent.descriptor)
            if sent < len(unsent.data):
                self._output.appendleft(Unsent(unsent.data[sent:], None))
        return True

    def _send_part(self, unsent: Unsent) -> int:
        if unsent.descriptor is None:
            return self._socket.send(unsent.data)
        return socket.send_fds(self._socket, [unsent.data], [unsent.descriptor])

    def _discard_output(self) -> None:
        while self._output:
            descriptor = self._output.popleft().descriptor
            if descriptor is not None:
                os.close(descriptor)

    def _receive(self, messages: list[Message]) -> bool:
        while True:
            try:
                piece = self._socket.recv(_PIECE)
            except BlockingIOError:
                return True
            except ConnectionResetError:
                return False
            if not piece:
                return False
            try:
                messages += self._reader.feed(piece)
            except (ValueError, TypeError, RecursionError):  # a process whose memory is damaged
                self._popen.kill()
                return False

    def note(self, thread: int, stage: str, photo: int | None) -> None:
        """Record what a thread of the process is doing."""
        self._stages[thread] = Activity(stage, photo, time.monotonic(), self.processor_seconds())

    def at_work(self) -> list[tuple[int, Activity]]:
        """Return the photos that are being read or decoded, and what is done with each."""
        return [(work.photo, work) for work in self._stages.values() if work.photo is not None]

    def stage_of(self, photo: int) -> str:
        """Return what is being done with a photo: "reading", "waiting", "decoding", or "" for nothing."""
        return next((work.stage for number, work in self.at_work() if number == photo), "")

    def processor_seconds(self) -> float:
        """Return the processor time of all its threads together; 0 when it has ended.

        Read from its CPU-time clock, whose number is made as clock_getcpuclockid(3) makes it on Linux.
        """
        try:
            return time.clock_gettime((~self.pid << 3) | _CPUCLOCK_SCHED)
        except OSError:
            return 0.0

    def active_photos(self) -> set[int]:
        """Return the photos that were being worked on when it ended."""
        return (
            {self.poison_photo} if self.poison_photo is not None else {photo for photo, _ in self.at_work()}
        )

    def kill(self) -> None:
        """Kill it."""
        self._popen.kill()

    def end(self) -> None:
        """Close the connection, upon which it exits; kill it if it does not."""
        self._socket.close()
        self.reap()

    def reap(self) -> str:
        """Wait until it has ended, killing it if need be; return the cause ("SIGSEGV", "exit code 70")."""
        self._discard_output()
        self._socket.close()
        cause = self._wait_for_end()
        self._read_last_stderr_line()
        return cause

    def _wait_for_end(self) -> str:
        try:
            code = self._popen.wait(_REAP_SECONDS)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            try:
                code = self._popen.wait(_REAP_SECONDS)
            except (
                subprocess.TimeoutExpired
            ):  # stuck in the kernel, on a dead share; it is gone when that answers
                return "it cannot be killed"
        return signal.Signals(-code).name if code < 0 else f"exit code {code}"

    def _read_last_stderr_line(self) -> None:
        if self._errors.closed:
            return
        with self._errors as errors:
            errors.seek(max(0, errors.seek(0, os.SEEK_END) - _LAST_STDERR_BYTES))
            lines = errors.read().decode("utf-8", "replace").split("\n")
        self.last_stderr_line = next((line.strip() for line in reversed(lines) if line.strip()), "")


def _anonymous_file() -> IO[bytes]:
    """Return an unnamed file for what the process prints."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("vision-errors"), "r+b")
    return tempfile.TemporaryFile()
