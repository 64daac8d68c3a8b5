"""The daemon's side of the vision process: start it, send photos, restart it. Light imports only.

A photo can crash the process that decodes it, or keep it busy for ever. The process is then started again,
and the photos that it had begun are sent one at a time. The one that crashes it again is rejected; the others
are classified. A single `kill -9` from outside does not get a photo rejected.

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
    """Classify photos in the vision process.

    Only `poll` waits, for at most the time given. If the process cannot be started, `poll` or `submit` raises
    once and all photos in flight are forgotten (their files are unchanged); the next `submit` tries again.

    Args:
        model: the model's folder.
        engine: "auto", "openvino" or "tensorflow".
        categories: the owner's; probabilities come in this order.
        limits: what one photo may cost.
        features: the feature store's file, alone in its folder, because the process may write there; None to
            keep no features.
        unload_after: seconds without work after which the process is stopped; None for never.
        batch: the largest number of photos classified together.
        crash_log: receives the details of an unexpected error with a photo, which is then rejected; if None,
            the error is raised.
        worker: the module that the process runs.
        job: further arguments of that module.

    Attributes:
        pictures: thumbnails received from a process that makes them (see `ThumbnailClient`).
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
        """The number of photos that were submitted and have no outcome yet."""
        return len(self._queue) + len(self._not_sent)

    @property
    def pid(self) -> int | None:
        """The process id of the vision process, if it runs."""
        return self._process.pid if self._process else None

    def fileno(self) -> int | None:
        """Return the descriptor to watch for reading; None without a process. Each process has a new one."""
        return self._process.fileno() if self._process else None

    def wants_to_write(self) -> bool:
        """Return whether to watch the socket for writing too, because messages wait to be sent."""
        return self._process is not None and self._process.has_output

    def submit(self, photos: Sequence[Photo]) -> None:
        """Have photos classified; start the process if it is not running.

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
        """Start the process, if it is not running, for photos that will be submitted soon.

        Raises:
            VisionError: the process cannot be started at all.
        """
        self._start_if_needed()

    def poll(self, timeout: float = 0) -> list[Outcome]:
        """Return the outcomes received, waiting up to `timeout` seconds for the first.

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
        """Return when `poll` has to be called even if the process says nothing, as `time.monotonic()`."""
        if self._error is not None or self._not_sent:
            return time.monotonic()
        if self._process is None:
            return None
        if not self._queue:
            return None if self._unload_after is None else self._quiet_since + self._unload_after
        return min(due for due, _ in self._deadlines())

    def close(self) -> None:
        """Stop the process and forget the photos in flight."""
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
        for request in self._queue.take(_MOST_OPEN):
            try:
                message = photo_message(request.number, request.photo)
                self._process.send(message, fsops.open_photo(request.photo.path))
            except OSError as error:
                self._queue.answer(request.number)
                rejection = rejection_of(error)
                self._not_sent.append(Rejected(request.photo, rejection.kind, rejection.reason))
            except Exception as error:  # noqa: BLE001 (the photo's, whatever it is)
                self._queue.answer(request.number)
                self._not_sent.append(self._unforeseen(error, request.photo))

    def _hear_all(self, messages: Sequence[Message], outcomes: list[Outcome]) -> bool:
        """Handle messages; return False if they make no sense, as from a process with damaged memory."""
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
                request = self._queue.get(int(message["photo"]))
                if request is not None:
                    outcomes.append(self._outcome(message, request.photo))
                    self._queue.answer(request.number)
            case "thumbnail":
                request = self._queue.get(int(message["photo"]))
                if request is not None:
                    self.pictures.append(picture_of(message, request.photo))
                    self._queue.answer(request.number)
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
        """Stop the process, which cannot serve the model."""
        self._forget_all()
        self._end()
        # raised by the next `poll` that has nothing else to tell
        self._error = VisionError(message["what"], where=message["where"], remedy=message["remedy"])

    def _handle_worker_exit(self, verdict: str, outcomes: list[Outcome]) -> None:
        """Handle the exit of the process and find the photo that caused it.

        `verdict` says why the client ended the process; it is empty if the process ended by itself.
        """
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
        _LOG.warning("the vision process ended (%s); starting it again", verdict or cause)
        external = cause == "SIGKILL" and not verdict
        poisonous = self._queue.after_death(
            process.active_photos(), external=external, poison_photo=process.poison_photo
        )
        if poisonous is not None:
            reason = verdict or f"it crashes the decoder ({cause})"
            outcomes.append(Rejected(poisonous.photo, RejectionKind.UNREADABLE, reason))

    def _enforce_deadlines(self, outcomes: list[Outcome]) -> None:
        now = time.monotonic()
        if self._process is None:
            return
        if not self._queue:
            if self._unload_after is not None and now >= self._quiet_since + self._unload_after:
                _LOG.info("vision process stopped (idle for %g s)", self._unload_after)
                self._end()
            return
        due, late = min(self._deadlines(), key=lambda deadline: deadline[0])
        if now < due:
            return
        self._process.kill()
        if late is not None and self._process.stage_of(late.number) == "reading":
            self._queue.answer(late.number)
            reason = f"reading it took longer than {_READ_SECONDS:g} s"
            outcomes.append(Rejected(late.photo, RejectionKind.SOURCE_ERROR, reason))
            self._handle_worker_exit("a photo could not be read in time", outcomes)
        elif late is not None:
            self._process.poison_photo = late.number
            self._handle_worker_exit(
                f"it took longer than {self._limits.decode_seconds:g} s to decode", outcomes
            )
        else:
            self._handle_worker_exit("the vision process stopped responding" if self.ready else "", outcomes)

    def _deadlines(self) -> list[tuple[float, Request | None]]:
        """Return each deadline with the photo that it is for (None: the process itself)."""
        if self._process is None:
            return []
        patience = SILENCE_SECONDS + self._limits.decode_seconds if self.ready else _START_SECONDS
        deadlines: list[tuple[float, Request | None]] = [(self._quiet_since + patience, None)]
        for number, work in self._process.at_work():
            request = self._queue.get(number)
            if request is not None and work.stage != "waiting":
                allowed = _READ_SECONDS if work.stage == "reading" else self._allowed(work, self._process)
                deadlines.append((work.since + allowed, request))
        return deadlines

    def _allowed(self, work: Activity, process: WorkerProcess) -> float:
        """Return the seconds that a decoding may take.

        On a busy machine the process has to wait for the processor, which is not the photo's fault: it gets
        more time then, up to `_MOST_PATIENT` times the limit.
        """
        limit = self._limits.decode_seconds
        lacking = limit - (process.processor_seconds() - work.spent_before)
        passed = time.monotonic() - work.since
        return min(max(limit, passed + lacking), _MOST_PATIENT * limit)
