"""The vision process that makes thumbnails: it reads and decodes as the other does, and loads no model.

The last that was asked for comes first, for that is what its owner is looking at.
"""

from __future__ import annotations

import base64
import os
import socket
import sys
import threading
import traceback
from collections import deque
from collections.abc import Iterable

from photo_organizer.vision.backbone.cores import available_cores
from photo_organizer.vision.decode.budget.limits import FixedLimits
from photo_organizer.vision.decode.budget.memory import MemoryGate
from photo_organizer.vision.decode.thumbnail import make_thumbnail
from photo_organizer.vision.outcome import PhotoRejectedError, UnreadablePhotoError
from photo_organizer.vision.protocol import Message, pack, rejection_message
from photo_organizer.vision.worker import confinement
from photo_organizer.vision.worker.channel import Channel, Submitted
from photo_organizer.vision.worker.reading import read_photo


class ThumbnailWorker:
    """The work of that process.

    Args:
        connection: to the client; blocking.
        channel: what comes from there.
        start: the `start` message, with `side`: the longer edge of a thumbnail, in pixels.
        confined: what the kernel allowed.
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
        self._side = int(start["side"])
        self._limits = FixedLimits(**start["limits"])
        self._file_gate = MemoryGate(self._limits.max_file_megabytes * 1_000_000)
        self._picture_gate = MemoryGate(self._limits.memory_megabytes * 1_000_000)
        self._waiting: deque[Submitted] = deque()
        self._arrival = threading.Condition()

    def run(self, messages: Iterable[Message]) -> None:
        """Works until the client closes the connection."""
        confinement.return_freed_memory()
        for number in range(available_cores()):
            threading.Thread(target=self._work, args=(number,), daemon=True).start()
        limits = self._limits  # set now, so that the stacks of the threads do not count
        confinement.limit_memory((limits.memory_megabytes + limits.max_file_megabytes) * 1_000_000)
        self._send(
            {
                "event": "ready",
                "model": "",
                "engine": "",
                "reason": "thumbnails",
                "confinement": str(self._confined),
            }
        )
        for message in messages:
            submitted = self._channel.submitted(message)
            with self._arrival:
                self._waiting.append(submitted)
                self._arrival.notify()

    def _work(self, thread: int) -> None:
        try:
            while True:
                with self._arrival:
                    self._arrival.wait_for(lambda: self._waiting)
                    submitted = self._waiting.pop()
                try:
                    self._answer(thread, submitted)
                finally:
                    os.close(submitted.descriptor)
        except BaseException:  # noqa: BLE001 (a thread that ends silently leaves its photos waiting)
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(os.EX_SOFTWARE)

    def _answer(self, thread: int, submitted: Submitted) -> None:
        try:
            answer = self._thumbnail(thread, submitted)
        except PhotoRejectedError as error:
            answer = rejection_message(submitted.number, error)
        self._send({"event": "resting", "thread": thread}, answer)

    def _thumbnail(self, thread: int, submitted: Submitted) -> Message:
        number, photo = submitted.number, submitted.photo
        with self._file_gate.hold(photo.identity.size):
            self._send({"event": "reading", "thread": thread, "photo": number})
            content = read_photo(submitted.descriptor, photo, self._limits)
            self._send({"event": "decoding", "thread": thread, "photo": number})

            def tell(*, waits: bool) -> None:
                event = "waiting" if waits else "decoding"
                self._send({"event": event, "thread": thread, "photo": number})

            try:
                made = make_thumbnail(content.data, self._side, self._limits, self._picture_gate, tell)
            except PhotoRejectedError:
                raise
            except Exception as error:  # an unforeseen failure of a decoder is this photo's
                raise UnreadablePhotoError(f"the decoder failed ({type(error).__name__}: {error})") from error
        return {
            "event": "thumbnail",
            "photo": number,
            "sha256": content.sha256,
            "jpeg": base64.b64encode(made.jpeg).decode("ascii"),
            "taken": made.taken.isoformat() if made.taken else None,
            "camera": made.camera,
        }

    def _send(self, *messages: Message) -> None:
        with self._sending:
            self._connection.sendall(b"".join(pack(message) for message in messages))


make_worker = ThumbnailWorker
