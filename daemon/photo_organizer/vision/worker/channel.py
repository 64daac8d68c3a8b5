"""The vision process' end of its connection: messages, and the open photos that come with them."""

from __future__ import annotations

import array
import socket
from collections import deque
from collections.abc import Iterator

from photo_organizer.vision.protocol import LineReader, Message

_PIECE = 65536
_MOST_WITH_A_PIECE = 253  # SCM_MAX_FD of the kernel


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
        room = socket.CMSG_SPACE(_MOST_WITH_A_PIECE * array.array("i").itemsize)
        while True:
            piece, attached, _, _ = self._connection.recvmsg(_PIECE, room, socket.MSG_CMSG_CLOEXEC)
            for level, kind, data in attached:
                if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                    numbers = array.array("i")
                    numbers.frombytes(data[: len(data) - len(data) % numbers.itemsize])
                    self._descriptors.extend(numbers)
            if not piece:
                return
            yield from reader.feed(piece)

    def next_descriptor(self) -> int:
        """Return the open photo that belongs to the `classify` message just read; it is the caller's to close.

        Raises:
            IndexError: none came with it.
        """
        return self._descriptors.popleft()
