"""The vision process: reads, decodes and classifies the photos that the daemon opens for it.

As many threads as the engine runs side by side. Each takes some waiting photos, reads and decodes them one
after the other, and classifies them together: a lone photo goes through at once, a backlog in batches of up
to `batch` photos, and there are never more busy threads than cores. The main thread only listens.

It ends when the daemon closes the socket, and is killed by the kernel when the daemon dies. It holds
nothing that could be lost: whoever kills it costs the daemon a restart.
"""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from photo_organizer import formats
from photo_organizer.vision.decode.budget.limits import FixedLimits
from photo_organizer.vision.decode.budget.memory import MemoryGate
from photo_organizer.vision.decode.completeness import ends_early, lacks_the_rest
from photo_organizer.vision.decode.decoder import DecodedPhoto, decode
from photo_organizer.vision.outcome import PhotoRejectedError, RejectionKind
from photo_organizer.vision.protocol import Message, pack, prediction_message, rejection_message
from photo_organizer.vision.worker import confinement
from photo_organizer.vision.worker.channel import Channel, Submitted
from photo_organizer.vision.worker.feature_writer import FeatureWriter
from photo_organizer.vision.worker.reading import read_photo
from photo_organizer.vision.worker.serving import load_serving


@dataclass(frozen=True, slots=True)
class Decoded:
    """A photo that was read and decoded; `ends_early` as in `Classified`."""

    sha256: str
    photo: DecodedPhoto
    ends_early: bool


class Worker:
    """The vision process' work.

    Args:
        connection: to the daemon; blocking.
        channel: what comes from there.
        start: the `start` message.
        confined: what the kernel allowed.

    Raises:
        ModelError: the model cannot be served.
    """

    def __init__(
        self,
        connection: socket.socket,
        channel: Channel,
        start: Message,
        confined: confinement.Confinement,
    ) -> None:
        self._connection = connection
        self._channel = channel
        self._confined = confined
        self._sending = threading.Lock()
        self._limits = FixedLimits(**start["limits"])
        self._batch = int(start["batch"])
        self._serving = load_serving(Path(start["model"]), str(start["engine"]), tuple(start["categories"]))
        self._features = FeatureWriter(Path(start["features"]) if start["features"] else None)
        # files that are being read, and pictures that are being decoded, each within the limit together
        self._file_gate = MemoryGate(self._limits.max_file_megabytes * 1_000_000)
        self._picture_gate = MemoryGate(self._limits.memory_megabytes * 1_000_000)
        self._waiting: deque[Submitted] = deque()
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
        submitted = self._channel.submitted(message)
        with self._arrival:
            self._waiting.append(submitted)
            self._arrival.notify()

    def _say_ready(self) -> None:
        serving = self._serving
        self._send(
            {
                "event": "ready",
                "model": serving.model.id,
                "engine": serving.engine.name,
                "reason": serving.engine.reason,
                "confinement": str(self._confined),
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

    def _take(self, threads: int) -> list[Submitted]:
        """The thread's fair share of what waits, at least one photo and at most a batch."""
        with self._arrival:
            self._arrival.wait_for(lambda: self._waiting)
            count = min(self._batch, -(-len(self._waiting) // threads))
            return [self._waiting.popleft() for _ in range(count)]

    def _run_batch(self, thread: int, batch: list[Submitted]) -> None:
        serving = self._serving
        decoded: list[tuple[int, Decoded]] = []
        begun = time.perf_counter()
        for submitted in batch:
            try:
                decoded.append((submitted.number, self._decode(thread, submitted, serving.model.input_size)))
            except PhotoRejectedError as error:
                self._send(rejection_message(submitted.number, error))
            finally:
                os.close(submitted.descriptor)
        timings = {"decoded": len(batch), "decode_seconds": time.perf_counter() - begun}
        if not decoded:
            self._send({"event": "resting", "thread": thread, **timings})
            return
        self._send({"event": "inferring", "thread": thread})
        begun = time.perf_counter()
        results = serving.classify([(photo.sha256, photo.photo) for _, photo in decoded])
        timings |= {"inferred": len(decoded), "inference_seconds": time.perf_counter() - begun}
        answers = [
            prediction_message(number, prediction, ends_early=photo.ends_early)
            for (number, photo), (prediction, _) in zip(decoded, results, strict=True)
        ]
        self._features.put(serving.backbone_key, results)
        self._send({"event": "resting", "thread": thread, **timings}, *answers)

    def _decode(self, thread: int, submitted: Submitted, size: int) -> Decoded:
        """SHA-256 and pixels of a photo, from the same bytes."""
        number, photo = submitted.number, submitted.photo
        with self._file_gate.hold(photo.identity.size):
            self._send({"event": "reading", "thread": thread, "photo": number})
            content = read_photo(submitted.descriptor, photo, self._limits)
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
            return Decoded(content.sha256, pixels, lacks_the_rest(content.data))

    def _send(self, *messages: Message) -> None:
        with self._sending:
            self._connection.sendall(b"".join(pack(message) for message in messages))


def _unreadable(reason: str, data: bytes) -> PhotoRejectedError:
    return PhotoRejectedError(RejectionKind.UNREADABLE, reason, ends_early=ends_early(data))


make_worker = Worker
