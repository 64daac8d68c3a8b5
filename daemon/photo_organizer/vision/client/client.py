"""The daemon's side of the vision process: starts it, feeds it, outlives it. Light imports only.

A photo can kill the process that decodes it, or keep it busy for ever. Then the process is started again
and the photos that it had touched go through one at a time; the one that kills it repeatedly while alone is
rejected, its neighbours are classified. Somebody's `kill -9` at the wrong moment is not held against a
photo.

Photos are opened here and handed over as descriptors, so that the process needs no right to open anything in
an inbox or the library (`worker/confinement.py`). On a network share that no longer answers, opening a file
can block; but so can looking at it, which the inbox has done a moment before. Reading, which takes much
longer, is left to the process.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType

from photo_organizer import fsops
from photo_organizer.crash_log import CrashLog
from photo_organizer.photo import Photo
from photo_organizer.typed_command import typed
from photo_organizer.vision.client.request_queue import Request, RequestQueue
from photo_organizer.vision.client.timings import Timings
from photo_organizer.vision.client.worker_process import WORKER, Activity, WorkerProcess
from photo_organizer.vision.decode.budget.limits import FixedLimits, Limits
from photo_organizer.vision.feature_location import move_older_store
from photo_organizer.vision.outcome import (
    Outcome,
    Pictured,
    Rejected,
    RejectionKind,
    VisionError,
    rejection_of,
)
from photo_organizer.vision.protocol import Message, outcome_of, photo_message, picture_of

_LOG = logging.getLogger(__name__)

_START_SECONDS = 120.0  # a cold disk and TensorFlow
_READ_SECONDS = 120.0  # a network share that hangs
SILENCE_SECONDS = 120.0
_MOST_PATIENT = 4.0  # times limits.decode_seconds, for a process that hardly gets the processor
_MOST_FAILED_STARTS = 3
_CAPACITY_IN_BATCHES = 8
_MOST_OPEN = 512  # photos with the process, each an open file there; two of the largest batches


class VisionClient:
    """Classifies photos by the vision process.

    Nothing here waits, but `poll` for the time that it is given. When the process cannot be started, `poll`
    or `submit` raises once, and every photo that was in flight is forgotten (none of them has been
    touched); the next `submit` tries again.

    Args:
        model: the model's folder.
        engine: "auto", "openvino" or "tensorflow".
        categories: the owner's; probabilities come in this order.
        limits: what one photo may cost.
        features: the feature store's file, in a folder that is its alone, since the process may write there;
            None to keep no features.
        unload_after: seconds without work after which the process is ended; None for never.
        batch: most photos that are classified together.
        crash_log: where the details of an unforeseen error with one photo go, which is rejected then; None
            to have the error raised.
        worker: the module that the process runs.
        job: what else that module is told at its start.

    Attributes:
        pictures: thumbnails that have come, of a process that makes them (see `ThumbnailClient`).
    """

    def __init__(
        self,
        model: Path,
        *,
        engine: str = "auto",
        categories: tuple[str, ...],
        limits: Limits,
        features: Path | None = None,
        unload_after: float | None = None,
        batch: int = 16,
        crash_log: CrashLog | None = None,
        worker: str = WORKER,
        job: Mapping[str, object] = MappingProxyType({}),
    ) -> None:
        self.pictures: list[Pictured] = []
        self.capacity = _CAPACITY_IN_BATCHES * batch
        self.engine_name = ""
        self.engine_reason = ""
        self.model_id = ""
        self.confinement = ""
        self.ready = False
        self.timings = Timings()
        self._model = model
        self._engine = engine
        self._categories = categories
        self._limits = FixedLimits.of(limits)
        self._features = features
        self._unload_after = unload_after
        self._batch = batch
        self._crash_log = crash_log
        self._worker = worker
        self._job = dict(job)
        self._queue = RequestQueue()
        self._process: WorkerProcess | None = None
        self._failed_starts = 0
        self._quiet_since = time.monotonic()
        self._error: VisionError | None = None
        self._not_sent: list[Outcome] = []

    @property
    def in_flight(self) -> int:
        """Photos that were submitted and have no outcome yet."""
        return len(self._queue) + len(self._not_sent)

    @property
    def pid(self) -> int | None:
        """The vision process, when there is one."""
        return self._process.pid if self._process else None

    def fileno(self) -> int | None:
        """To be watched for reading, while there is a process. A process started again has another."""
        return self._process.fileno() if self._process else None

    def wants_to_write(self) -> bool:
        """Whether `poll` has something left to send, so that the socket is to be watched for writing too."""
        return self._process is not None and self._process.has_output

    def submit(self, photos: Sequence[Photo]) -> None:
        """Has `photos` classified; starts the process when it is not running.

        Raises:
            VisionError: the process cannot be started at all.
        """
        if not self._queue:  # silence counts from when there is something to say
            self._quiet_since = time.monotonic()
        self._queue.add(photos)
        if photos:
            self._start_if_needed()
            self._send_waiting()

    def warm_up(self) -> None:
        """Starts the process, when it is not running, for photos that will be submitted in a moment.

        Raises:
            VisionError: the process cannot be started at all.
        """
        self._start_if_needed()

    def poll(self, timeout: float = 0) -> list[Outcome]:
        """Outcomes that are there, waiting up to `timeout` seconds for the first.

        Raises:
            ModelError, VisionError: see the class.
        """
        outcomes, self._not_sent = self._not_sent, []
        if self._process is not None:
            messages, open_still = self._process.exchange(0 if outcomes else timeout)
            understood = self._hear_all(messages, outcomes)
            if not understood:
                self._process.kill()
                self._handle_worker_exit("its answers make no sense", outcomes)
            elif not open_still:
                self._handle_worker_exit("", outcomes)
        self._enforce_deadlines(outcomes)
        if self._error is not None and not outcomes:
            error, self._error = self._error, None
            raise error
        if self._queue:
            self._start_if_needed()
            self._send_waiting()
        return outcomes

    def next_due(self) -> float | None:
        """The time.monotonic() at which `poll` has something to do even if the process says nothing."""
        if self._error is not None or self._not_sent:
            return time.monotonic()
        if self._process is None:
            return None
        if not self._queue:
            return None if self._unload_after is None else self._quiet_since + self._unload_after
        return min(due for due, _ in self._deadlines())

    def close(self) -> None:
        """Ends the process and forgets what is in flight."""
        self._forget_all()
        self._end()

    def _forget_all(self) -> None:
        self._queue.clear()
        self._not_sent.clear()

    def _end(self) -> None:
        if self._process is not None:
            self._process.end()
        self._process = None
        self.ready = False

    def _start_if_needed(self) -> None:
        if self._process is not None:
            return
        if self._features is not None:
            move_older_store(self._features)
        try:
            self._process = WorkerProcess(self._worker, max_pixels=self._limits.max_pixels)
        except OSError as error:
            self._forget_all()
            raise VisionError(f"the vision process cannot be started ({error.strerror})") from error
        self._quiet_since = time.monotonic()
        self._process.send(
            {
                "op": "start",
                "model": str(self._model),
                "engine": self._engine,
                "categories": list(self._categories),
                "limits": asdict(self._limits),
                "features": str(self._features) if self._features else None,
                "batch": self._batch,
                **self._job,
            }
        )

    def _send_waiting(self) -> None:
        if self._process is None or not self.ready:
            return
        for flight in self._queue.take(_MOST_OPEN):
            try:
                message = photo_message(flight.number, flight.photo)
                self._process.send(message, fsops.open_photo(flight.photo.path))
            except OSError as error:
                self._queue.answer(flight.number)
                rejection = rejection_of(error)
                self._not_sent.append(Rejected(flight.photo, rejection.kind, rejection.reason))
            except Exception as error:  # noqa: BLE001 (the photo's, whatever it is)
                self._queue.answer(flight.number)
                self._not_sent.append(self._unforeseen(error, flight.photo))

    def _hear_all(self, messages: Sequence[Message], outcomes: list[Outcome]) -> bool:
        """Take in what the process says; return False when its memory must be damaged."""
        for message in messages:
            self._quiet_since = time.monotonic()
            try:
                self._hear(message, outcomes)
            except (LookupError, TypeError, ValueError):
                return False
        return True

    def _hear(self, message: Message, outcomes: list[Outcome]) -> None:
        match message["event"]:
            case "reading" | "waiting" | "decoding":
                self._queue.mark_started(int(message["photo"]))
                if self._process is not None:
                    self._process.note(int(message["thread"]), message["event"], int(message["photo"]))
            case "inferring" | "resting":
                self.timings.add(message)
                if self._process is not None:
                    self._process.note(int(message["thread"]), message["event"], None)
            case "classified" | "rejected":
                flight = self._queue.get(int(message["photo"]))
                if flight is not None:
                    outcomes.append(self._outcome(message, flight.photo))
                    self._queue.answer(flight.number)
            case "thumbnail":
                flight = self._queue.get(int(message["photo"]))
                if flight is not None:
                    self.pictures.append(picture_of(message, flight.photo))
                    self._queue.answer(flight.number)
            case "ready":
                self._become_ready(message)
            case "failed":
                self._fail(message)

    def _outcome(self, message: Message, photo: Photo) -> Outcome:
        try:
            return outcome_of(message, photo, self._categories)
        except (LookupError, TypeError, ValueError):  # nonsense: see `_hear_all`
            raise
        except Exception as error:  # noqa: BLE001 (the photo's, whatever it is)
            return self._unforeseen(error, photo)

    def _unforeseen(self, error: Exception, photo: Photo) -> Rejected:
        if self._crash_log is None:
            raise error
        reason = self._crash_log.describe(error, str(photo.path))
        return Rejected(photo, RejectionKind.SOURCE_ERROR, reason)

    def _become_ready(self, message: Message) -> None:
        self.ready = True
        self._failed_starts = 0
        self.engine_name = message["engine"]
        self.engine_reason = message["reason"]
        self.model_id = message["model"]
        self.confinement = message["confinement"]
        _LOG.info("model %s is loaded: %s (%s)", self.model_id, self.engine_name, self.engine_reason)

    def _fail(self, message: Message) -> None:
        """The model cannot be served."""
        self._forget_all()
        self._end()
        # raised by the next `poll` that has nothing else to tell
        self._error = VisionError(message["what"], where=message["where"], remedy=message["remedy"])

    def _handle_worker_exit(self, verdict: str, outcomes: list[Outcome]) -> None:
        """The process is dead: who was it? `verdict` when it was ended here, and why."""
        process, self._process = self._process, None
        if process is None:
            return
        cause = process.reap()
        was_ready, self.ready = self.ready, False
        if not was_ready:
            self._failed_starts += 1
            if self._failed_starts >= _MOST_FAILED_STARTS:
                self._failed_starts = 0
                self._forget_all()
                raise VisionError(
                    f"the vision process died {_MOST_FAILED_STARTS} times while it started ({cause})",
                    remedy=process.last_stderr_line or f"see `{typed('doctor')}`",
                )
            return
        _LOG.warning("the vision process ended (%s) and is started again", verdict or cause)
        external = cause == "SIGKILL" and not verdict
        convicted = self._queue.after_death(
            process.active_photos(), external=external, poison_photo=process.poison_photo
        )
        if convicted is not None:
            reason = verdict or f"the decoder dies of it ({cause})"
            outcomes.append(Rejected(convicted.photo, RejectionKind.UNREADABLE, reason))

    def _enforce_deadlines(self, outcomes: list[Outcome]) -> None:
        now = time.monotonic()
        if self._process is None:
            return
        if not self._queue:
            if self._unload_after is not None and now >= self._quiet_since + self._unload_after:
                _LOG.info("the vision process rests: nothing to do for %g s", self._unload_after)
                self._end()
            return
        due, blame = min(self._deadlines(), key=lambda deadline: deadline[0])
        if now < due:
            return
        self._process.kill()
        if blame is not None and self._process.stage_of(blame.number) == "reading":
            self._queue.answer(blame.number)
            reason = f"reading it took longer than {_READ_SECONDS:g} s"
            outcomes.append(Rejected(blame.photo, RejectionKind.SOURCE_ERROR, reason))
            self._handle_worker_exit("a photo could not be read in time", outcomes)
        elif blame is not None:
            self._process.poison_photo = blame.number
            self._handle_worker_exit(
                f"it took longer than {self._limits.decode_seconds:g} s to decode", outcomes
            )
        else:
            self._handle_worker_exit("the vision process stood still" if self.ready else "", outcomes)

    def _deadlines(self) -> list[tuple[float, Request | None]]:
        """When to lose patience, and with which photo (None: with the process)."""
        if self._process is None:
            return []
        patience = SILENCE_SECONDS + self._limits.decode_seconds if self.ready else _START_SECONDS
        deadlines: list[tuple[float, Request | None]] = [(self._quiet_since + patience, None)]
        for number, work in self._process.at_work():
            flight = self._queue.get(number)
            if flight is not None and work.stage != "waiting":
                allowed = _READ_SECONDS if work.stage == "reading" else self._allowed(work, self._process)
                deadlines.append((work.since + allowed, flight))
        return deadlines

    def _allowed(self, work: Activity, process: WorkerProcess) -> float:
        """Seconds that a decoding may take. On a machine that is busy with other things the process has to
        wait for the processor, and the photo is not to blame: then it is given more, within reason.
        """
        limit = self._limits.decode_seconds
        lacking = limit - (process.processor_seconds() - work.spent_before)
        passed = time.monotonic() - work.since
        return min(max(limit, passed + lacking), _MOST_PATIENT * limit)
