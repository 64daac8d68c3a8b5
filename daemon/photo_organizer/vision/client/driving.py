"""Photos through a vision process outside the daemon, whose own loop has other things to do beside. Light."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Protocol, TypeVar

from photo_organizer.photo import Photo

Answer_co = TypeVar("Answer_co", covariant=True)
_POLL_SECONDS = 1.0


class Client(Protocol[Answer_co]):
    """What `VisionClient` and `ThumbnailClient` have in common."""

    @property
    def in_flight(self) -> int: ...

    @property
    def capacity(self) -> int: ...

    def submit(self, photos: Sequence[Photo]) -> None: ...

    def poll(self, timeout: float) -> Sequence[Answer_co]: ...


def answers(client: Client[Answer_co], photos: Iterable[Photo]) -> Iterator[Answer_co]:
    """Yield the answer for each photo, in the order in which they are ready.

    No more of `photos` are taken than the client has capacity for.

    Raises:
        VisionError: the process cannot be started.
    """
    waiting = iter(photos)
    while True:
        client.submit(list(islice(waiting, max(0, client.capacity - client.in_flight))))
        if not client.in_flight:
            return
        yield from client.poll(_POLL_SECONDS)
