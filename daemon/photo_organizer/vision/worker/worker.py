"""The vision process: reads, decodes and classifies the photos that the daemon names.

As many threads as the engine runs side by side. Each takes some waiting photos, reads and decodes them one
after the other, and classifies them together: a lone photo goes through at once, a backlog in batches of up
to `batch` photos, and there are never more busy threads than cores. The main thread only listens.

It ends when the daemon closes the socket, and is killed by the kernel when the daemon dies. It holds
nothing that could be lost: whoever kills it costs the daemon a restart.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import socket
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, Protocol

from photo_organizer import formats
from photo_organizer.errors import OrganizerError
from photo_organizer.photo import FileIdentity, Photo
from photo_organizer.vision.decode.completeness import ends_early, lacks_the_rest
from photo_organizer.vision.decode.decoder import DecodedPhoto, decode
from photo_organizer.vision.decode.limits import FixedLimits
from photo_organizer.vision.decode.memory import MemoryGate
from photo_organizer.vision.outcome import PhotoRejectedError, RejectionKind
from photo_organizer.vision.protocol import LineReader, Message, pack, prediction_message, rejection_message
from photo_organizer.vision.worker import confinement
from photo_organizer.vision.worker.feature_writer import FeatureWriter
from photo_organizer.vision.worker.reading import read_photo
from photo_organizer.vision.worker.serving import load_serving


class PhotoWorker(Protocol):
    """What works on photos in this process until the other side closes the connection."""

    def run(self, messages: Iterable[Message]) -> None: ...


@dataclass(frozen=True, slots=True)
class Opened:
    """A photo that was read and decoded; `ends_early` as in `Classified`."""

    sha256: str
    photo: DecodedPhoto
    ends_early: bool


class Worker:
    """The vision process' work.

    Args:
        connection: to the daemon; blocking.
        start: the `start` message.

    Raises:
        ModelError: the model cannot be served.
    """

    def __init__(self, connection: socket.socket, start: Message) -> None:
        self._connection = connection
        self._sending = threading.Lock()
        self._limits = FixedLimits(**start["limits"])
        self._batch = int(start["batch"])
        self._engine = str(start["engine"])
        self._categories = tuple(start["categories"])
        self._serving = load_serving(Path(start["model"]), self._engine, self._categories)
        self._features = FeatureWriter(Path(start["features"]) if start["features"] else None)
        # files that are being read, and pictures that are being decoded, each within the limit together
        self._file_gate = MemoryGate(self._limits.max_file_megabytes * 1_000_000)
        self._picture_gate = MemoryGate(self._limits.memory_megabytes * 1_000_000)
        self._waiting: deque[tuple[int, Photo]] = deque()
        self._arrival = threading.Condition()

    def run(self, messages: Iterable[Message]) -> None:
        """Works until the daemon closes the connection."""
        confinement.return_freed_memory()
        threads = self._serving.engine.parallel
        for number in range(threads):
            threading.Thread(target=self._work, args=(number, threads), daemon=True).start()
        limits = self._limits  # set now, so that the stacks of the threads do not count
        confinement.limit_memory((limits.memory_megabytes + limits.max_file_megabytes) * 1_000_000)
        self._say_ready()
        for message in messages:
            self._hear(message)
        self._features.close()

    def _hear(self, message: Message) -> None:
        if message["op"] == "classify":
            photo = Photo(Path(message["path"]), FileIdentity(*message["identity"]))
            with self._arrival:
                self._waiting.append((int(message["photo"]), photo))
                self._arrival.notify()
        elif message["op"] == "model":
            try:  # batches that are under way end with the model they began with
                self._serving = load_serving(Path(message["model"]), self._engine, self._categories)
            except OrganizerError as error:
                self._send(failure_message(error))
            else:
                self._say_ready()

    def _say_ready(self) -> None:
        serving = self._serving
        self._send(
            {
                "event": "ready",
                "model": serving.model.id,
                "directory": str(serving.model.directory),
                "engine": serving.engine.name,
                "reason": serving.engine.reason,
            }
        )

    def _work(self, number: int, threads: int) -> None:
        try:
            while True:
                self._run_batch(number, self._take(threads))
        except BaseException:  # noqa: BLE001 (a thread that ends silently leaves its photos waiting)
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(os.EX_SOFTWARE)

    def _take(self, threads: int) -> list[tuple[int, Photo]]:
        """The thread's fair share of what waits, at least one photo and at most a batch."""
        with self._arrival:
            self._arrival.wait_for(lambda: self._waiting)
            count = min(self._batch, -(-len(self._waiting) // threads))
            return [self._waiting.popleft() for _ in range(count)]

    def _run_batch(self, thread: int, batch: list[tuple[int, Photo]]) -> None:
        serving = self._serving
        decoded: list[tuple[int, Opened]] = []
        begun = time.perf_counter()
        for number, photo in batch:
            try:
                decoded.append((number, self._open(thread, number, photo, serving.model.input_size)))
            except PhotoRejectedError as error:
                self._send(rejection_message(number, error))
        timings = {"decoded": len(batch), "decode_seconds": time.perf_counter() - begun}
        if not decoded:
            self._send({"event": "resting", "thread": thread, **timings})
            return
        self._send({"event": "inferring", "thread": thread})
        begun = time.perf_counter()
        results = serving.classify([(opened.sha256, opened.photo) for _, opened in decoded])
        timings |= {"inferred": len(decoded), "inference_seconds": time.perf_counter() - begun}
        answers = [
            prediction_message(number, prediction, ends_early=opened.ends_early)
            for (number, opened), (prediction, _) in zip(decoded, results, strict=True)
        ]
        self._features.put(serving.backbone_key, results)
        self._send({"event": "resting", "thread": thread, **timings}, *answers)

    def _open(self, thread: int, number: int, photo: Photo, size: int) -> Opened:
        """SHA-256 and pixels of a photo, from the same bytes."""
        with self._file_gate.hold(photo.identity.size):
            self._send({"event": "reading", "thread": thread, "photo": number})
            content = read_photo(photo, self._limits)
            self._send({"event": "decoding", "thread": thread, "photo": number})

            def tell(*, waits: bool) -> None:  # for others' memory, which is not the photo's fault
                event = "waiting" if waits else "decoding"
                self._send({"event": event, "thread": thread, "photo": number})

            try:
                pixels = decode(content.data, size, self._limits, gate=self._picture_gate, on_wait=tell)
            except PhotoRejectedError as error:
                promised = formats.by_extension(photo.path)
                is_promised = promised is not None and not promised.needs_name
                if error.kind is RejectionKind.UNREADABLE or (
                    error.kind is RejectionKind.NOT_AN_IMAGE and is_promised
                ):
                    raise _unreadable(error.reason, content.data) from error
                raise
            except Exception as error:  # an unforeseen failure of a decoder is this photo's
                raise _unreadable(
                    f"the decoder failed ({type(error).__name__}: {error})", content.data
                ) from error
            return Opened(content.sha256, pixels, lacks_the_rest(content.data))

    def _send(self, *messages: Message) -> None:
        with self._sending:
            self._connection.sendall(b"".join(pack(message) for message in messages))


def _unreadable(reason: str, data: bytes) -> PhotoRejectedError:
    return PhotoRejectedError(RejectionKind.UNREADABLE, reason, ends_early=ends_early(data))


def failure_message(error: OrganizerError) -> Message:
    """`failed`: the model cannot be served, and why."""
    return {"event": "failed", "what": error.what, "where": error.where, "remedy": error.remedy}


def main(make_worker: Callable[[socket.socket, Message], PhotoWorker]) -> int:
    """Runs on the socket whose descriptor is the first argument."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the daemon, which then closes the socket
    confinement.die_with_parent(int(sys.argv[2]))
    connection = socket.socket(fileno=int(sys.argv[1]))
    reader = LineReader()
    messages = (
        message for piece in iter(lambda: connection.recv(65536), b"") for message in reader.feed(piece)
    )
    start = next(messages, None)
    if start is None:
        return 0
    try:
        worker = make_worker(connection, start)
    except OrganizerError as error:
        connection.sendall(pack(failure_message(error)))
        return error.exit_code
    confinement.quieten_libraries()
    worker.run(messages)
    return 0


def run_process(make_worker: Callable[[socket.socket, Message], PhotoWorker]) -> NoReturn:
    """Runs as a program, and ends it."""
    faulthandler.enable()
    code = main(make_worker)
    sys.stderr.flush()
    os._exit(code)  # threads may still be decoding for somebody who no longer listens


if __name__ == "__main__":
    run_process(Worker)
