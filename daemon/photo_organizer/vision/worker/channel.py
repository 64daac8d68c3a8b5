"""The vision process' end of its connection: messages, and the open photos that come with them."""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Iterator

from photo_organizer.vision.protocol import LineReader, Message

_PIECE = 65536
_MOST_WITH_A_PIECE = 253  # SCM_MAX_FD of the kernel
_CLOSE_ON_EXEC = getattr(socket, "MSG_CMSG_CLOEXEC", 0)


class Channel:
    """Reads what the client sends. One thread at a time.

    Args:
        connection: blocking.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._descriptors: deque[int] = deque()

    def messages(self) -> Iterator[Message]:
        """Yield each message until the client closes the connection.

        Raises:
            ValueError: a line is not a message.
        """
        reader = LineReader()
        while True:
            piece, descriptors, _, _ = socket.recv_fds(
                self._connection, _PIECE, _MOST_WITH_A_PIECE, _CLOSE_ON_EXEC
            )
            self._descriptors.extend(descriptors)
            if not piece:
                return
            yield from reader.feed(piece)

    def next_descriptor(self) -> int:
        """Return the open photo that belongs to the `classify` message just read; the caller closes it.

        Raises:
            IndexError: none came with it.
        """
        return self._descriptors.popleft()
