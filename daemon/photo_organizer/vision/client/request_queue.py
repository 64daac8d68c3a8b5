"""Which photos the vision process is to have next, and which is to blame when it dies. Light."""

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
    """A photo on its way.

    Attributes:
        number: names it to the vision process; never used twice.
        sent: whether the living process has it.
        started: whether the process has begun to read it.
        crash_count: how often the process has died of it for certain: while it worked on this photo alone, or
        ended
            because this photo took too long.
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
        self._flights: dict[int, Request] = {}
        self._suspects: deque[int] = deque()
        self._next_number = 1

    def __len__(self) -> int:
        return len(self._flights)

    def add(self, photos: Sequence[Photo]) -> None:
        """Puts `photos` at the end."""
        for photo in photos:
            self._flights[self._next_number] = Request(self._next_number, photo)
            self._next_number += 1

    def get(self, number: int) -> Request | None:
        """The photo with this number, if it still waits."""
        return self._flights.get(number)

    def take(self, room: int) -> list[Request]:
        """What is to be sent now, so that at most `room` photos are with the process; it counts as sent."""
        if self._suspects:
            chosen = [] if any(flight.sent for flight in self._flights.values()) else [self._suspects[0]]
        else:
            waiting = [number for number, flight in self._flights.items() if not flight.sent]
            chosen = waiting[: max(0, room - (len(self._flights) - len(waiting)))]
        flights = [self._flights[number] for number in chosen]
        for flight in flights:
            flight.sent = True
        return flights

    def mark_started(self, number: int) -> None:
        """The process has begun with this photo."""
        flight = self._flights.get(number)
        if flight is not None:
            flight.started = True

    def answer(self, number: int) -> Request | None:
        """The photo has its outcome; None when it was forgotten meanwhile."""
        if number in self._suspects:
            self._suspects.remove(number)
        return self._flights.pop(number, None)

    def clear(self) -> None:
        """Forgets all."""
        self._flights.clear()
        self._suspects.clear()

    def after_death(
        self, active: Collection[int], *, external: bool, poison_photo: int | None = None
    ) -> Request | None:
        """The process has died. Finds the culprit, or the suspects among which it is.

        Args:
            active: numbers of the photos that were being decoded just then; the likeliest go first.
            external: it was killed by SIGKILL, and not by us.
            poison_photo: number of the photo because of which we ended it.

        Returns:
            The photo that is guilty beyond doubt; it is no longer in the queue.
        """
        started = [flight for flight in self._flights.values() if flight.sent and flight.started]
        sent = [flight for flight in self._flights.values() if flight.sent]
        for flight in sent:
            flight.sent = flight.started = False
        culprit = self._flights.get(poison_photo) if poison_photo is not None else None
        if len(sent) == 1 and started:
            culprit = started[0]
        if culprit is not None:
            culprit.crash_count += 1
            if culprit.crash_count >= (_MOST_SIGKILLS if external else _MOST_CRASHES):
                self.answer(culprit.number)
                self._suspects.clear()  # the others were beside it by chance
                return culprit
        likeliest = [flight.number for flight in started if flight.number in active]
        others = [flight.number for flight in started if flight.number not in active]
        rest = [number for number in self._suspects if number not in {*likeliest, *others}]
        self._suspects = deque([*likeliest, *others, *rest])
        return None
