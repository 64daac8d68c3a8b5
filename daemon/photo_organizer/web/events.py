"""What the open windows are told as it happens (server-sent events), and how many there are."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

_HEARTBEAT_SECONDS = 15.0
_MOST_WAITING = 200


class Windows:
    """The open windows. Use it in the event loop's thread only."""

    def __init__(self) -> None:
        self._queues: set[asyncio.Queue[tuple[str, Any] | None]] = set()
        self._last: dict[str, Any] = {}

    @property
    def count(self) -> int:
        """Return how many windows are listening."""
        return len(self._queues)

    def tell(self, event: str, value: Any, *, again: bool = True) -> None:  # noqa: ANN401 (any JSON)
        """Send an event to all windows, and to those that open later unless `again` is False.

        What a window was told last is not told anew.
        """
        if again:
            if self._last.get(event) == value:
                return
            self._last[event] = value
        for queue in self._queues:
            if queue.qsize() < _MOST_WAITING:  # a window that sleeps is told the rest when it asks again
                queue.put_nowait((event, value))

    def close(self) -> None:
        """End all streams."""
        for queue in self._queues:
            queue.put_nowait(None)

    async def listen(self) -> AsyncIterator[str]:
        """Yield the stream of one window."""
        queue: asyncio.Queue[tuple[str, Any] | None] = asyncio.Queue()
        for item in self._last.items():
            queue.put_nowait(item)
        self._queues.add(queue)
        try:
            yield "retry: 1000\n\n"
            while True:
                try:
                    told = await asyncio.wait_for(queue.get(), _HEARTBEAT_SECONDS)
                except TimeoutError:
                    yield ": still here\n\n"
                    continue
                if told is None:
                    return
                event, value = told
                yield f"event: {event}\ndata: {json.dumps(value)}\n\n"
        finally:
            self._queues.discard(queue)
