"""The vision process with photos that do to it what a bug in a decoder would."""

from __future__ import annotations

import hashlib
import signal
import time

from photo_organizer.vision.decode.decoder import DecodedPhoto, decode
from photo_organizer.vision.worker import worker


def faulty_decode(data: bytes, *arguments: object, **options: object) -> DecodedPhoto:
    if b"CRASH" in data:
        signal.raise_signal(signal.SIGSEGV)  # in this thread: sent to the process, another could get it first
    if b"HANG" in data:
        hashlib.pbkdf2_hmac("sha256", b"", b"", (1 << 31) - 1)  # an hour without the lock
    if b"WAIT" in data:  # as where other programs have the processor
        time.sleep(1.5)
    if b"RAISE" in data:
        raise LookupError("an unforeseen one")
    return decode(data, *arguments, **options)  # type: ignore[arg-type]


worker.decode = faulty_decode  # type: ignore[assignment,attr-defined]

make_worker = worker.Worker
