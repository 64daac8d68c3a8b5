"""The library in a thread of its own: its journal belongs to one, and a batch may wait for the daemon's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from photo_organizer.config import Configuration
from photo_organizer.library import Library

Answer = TypeVar("Answer")


class LibraryThread:
    """Runs functions on an open library, one at a time, in a thread of its own.

    Args:
        configuration: which library.
        name: of the thread.
    """

    def __init__(self, configuration: Configuration, name: str) -> None:
        self._configuration = configuration
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._library: Library | None = None

    async def ask(self, question: Callable[[Library], Answer]) -> Answer:
        """Return the result of `question`, called in the library's thread.

        Raises:
            OrganizerError: the library cannot be opened, or whatever the question raises.
        """
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._ask, question)

    def _ask(self, question: Callable[[Library], Answer]) -> Answer:
        if self._library is None:
            self._library = Library.open(self._configuration)
        return question(self._library)

    def close(self) -> None:
        """Wait for the current call, and close the library."""
        self._executor.submit(self._close).result()
        self._executor.shutdown()

    def _close(self) -> None:
        if self._library is not None:
            self._library.close()
