"""The vision process' end of its connection: messages, and the open photos that come with them."""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from photo_organizer.photo import FileIdentity, Photo
from photo_organizer.vision.protocol import LineReader, Message

_PIECE = 65536
_MOST_WITH_A_PIECE = 253  # SCM_MAX_FD of the kernel
_CLOSE_ON_EXEC = getattr(socket, "MSG_CMSG_CLOEXEC", 0)


@dataclass(frozen=True, slots=True)
class Submitted:
    """A photo that waits.

    Args:
        number: names it to the client.
        photo: what it was when it was seen.
        descriptor: the file, open for reading; whoever is done with the photo closes it.
    """

    number: int
    photo: Photo
    descriptor: int


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

    def submitted(self, message: Message) -> Submitted:
        """Return the photo of a `classify` message that was just read.

        Raises:
            IndexError: no open file came with it.
        """
        photo = Photo(Path(message["path"]), FileIdentity(*message["identity"]))
        return Submitted(int(message["photo"]), photo, self._descriptors.popleft())
