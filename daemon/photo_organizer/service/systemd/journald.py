"""Log to journald with its native protocol, if systemd-python is not installed.

https://systemd.io/JOURNAL_NATIVE_PROTOCOL/ : lines of FIELD=value; a value with a newline is sent as the
field's name, a newline, its length as 64 bits little-endian, the bytes, and a newline.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import struct
from pathlib import Path

_SOCKET = Path("/run/systemd/journal/socket")
_PRIORITIES = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))
_DEBUG = 7


class JournalDatagramHandler(logging.Handler):
    """Sends records with their priority and their attributes in capitals.

    Args:
        identifier: the syslog identifier, for `journalctl -t`.
        path: journald's socket.
    """

    def __init__(self, identifier: str, path: Path = _SOCKET) -> None:
        super().__init__()
        self._identifier = identifier
        self._path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)

    def emit(self, record: logging.LogRecord) -> None:
        with contextlib.suppress(OSError):  # there is nowhere else to report it
            self._socket.sendto(self._datagram(record), str(self._path))

    def close(self) -> None:
        self._socket.close()
        super().close()

    def _datagram(self, record: logging.LogRecord) -> bytes:
        fields: dict[str, object] = {
            "MESSAGE": self.format(record),
            "PRIORITY": next((number for level, number in _PRIORITIES if record.levelno >= level), _DEBUG),
            "SYSLOG_IDENTIFIER": self._identifier,
            "LOGGER": record.name,
        }
        fields |= {name: value for name, value in vars(record).items() if name.isupper()}
        return b"".join(_field(name, str(value)) for name, value in fields.items())


def _field(name: str, value: str) -> bytes:
    encoded = value.encode("utf-8", "backslashreplace")
    if b"\n" not in encoded:
        return name.encode() + b"=" + encoded + b"\n"
    return name.encode() + b"\n" + struct.pack("<Q", len(encoded)) + encoded + b"\n"
