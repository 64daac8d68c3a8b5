"""Choose the photos to send to the vision process next, and find the one that crashed it. Light."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from photo_organizer.photo import Photo

_MOST_CRASHES = 2
_MOST_SIGKILLS = 3
"""A decoder's crash repeats itself. SIGKILL may be the kernel's, out of memory, or anybody's at random."""


@dataclass(slots=True)
class Request:
    """A photo that waits for its outcome.

    Attributes:
        number: its name in messages; never used twice.
        sent: whether the running process has it.
        started: whether the process has begun to read it.
        crash_count: how many times the process certainly ended because of it: while this photo was the only
            one, or because it took too long.
    """

    number: int
    photo: Photo
    sent: bool = False
    started: bool = False
    crash_count: int = 0


class RequestQueue:
    """Photos without an outcome, in the order in which they came.

    While there are suspects (photos that a dead process had begun), they go alone, one after the other.
    """

    def __init__(self) -> None:
        self._requests: dict[int, Request] = {}
        self._suspects: deque[int] = deque()
        self._next_number = 1

    def __len__(self) -> int:
        return len(self._requests)

    def add(self, photos: Sequence[Photo]) -> None:
        """Append photos."""
        for photo in photos:
            self._requests[self._next_number] = Request(self._next_number, photo)
            self._next_number += 1

    def get(self, number: int) -> Request | None:
        """Return the request with this number, if it still waits."""
        return self._requests.get(number)

    def take(self, most: int) -> list[Request]:
        """Return the requests to send now, and mark them as sent; the process has at most `most` in all."""
        if self._suspects:
            chosen = [] if any(request.sent for request in self._requests.values()) else [self._suspects[0]]
        else:
            waiting = [number for number, request in self._requests.items() if not request.sent]
            chosen = waiting[: max(0, most - (len(self._requests) - len(waiting)))]
        requests = [self._requests[number] for number in chosen]
        for request in requests:
            request.sent = True
        return requests

    def mark_started(self, number: int) -> None:
        """Note that the process has begun with this photo."""
        request = self._requests.get(number)
        if request is not None:
            request.started = True

    def answer(self, number: int) -> Request | None:
        """Remove the request, which has its outcome; return None if it was forgotten meanwhile."""
        if number in self._suspects:
            self._suspects.remove(number)
        return self._requests.pop(number, None)

    def clear(self) -> None:
        """Forget all requests."""
        self._requests.clear()
        self._suspects.clear()

    def after_death(
        self, active: Collection[int], *, external: bool, poison_photo: int | None = None
    ) -> Request | None:
        """Find the photo that ended the process, or the suspects, which are then sent one at a time.

        Args:
            active: numbers of the photos that were being decoded just then; these are sent first.
            external: whether it was killed by SIGKILL, and not by the client.
            poison_photo: number of the photo because of which the client ended it.

        Returns:
            The photo that certainly ended it; it is no longer in the queue.
        """
        started = [request for request in self._requests.values() if request.sent and request.started]
        sent = [request for request in self._requests.values() if request.sent]
        for request in sent:
            request.sent = request.started = False
        poisonous = self._requests.get(poison_photo) if poison_photo is not None else None
        if len(sent) == 1 and started:
            poisonous = started[0]
        if poisonous is not None:
            poisonous.crash_count += 1
            if poisonous.crash_count >= (_MOST_SIGKILLS if external else _MOST_CRASHES):
                self.answer(poisonous.number)
                self._suspects.clear()  # the others were beside it by chance
                return poisonous
        likeliest = [request.number for request in started if request.number in active]
        others = [request.number for request in started if request.number not in active]
        rest = [number for number in self._suspects if number not in {*likeliest, *others}]
        self._suspects = deque([*likeliest, *others, *rest])
        return None
