"""Serves the page on the loopback address until it is closed, idle for long, or interrupted."""

from __future__ import annotations

import io
import json
import logging
import os
import secrets
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from photo_organizer.config import Configuration
from photo_organizer.errors import OrganizerError
from photo_organizer.files import PRIVATE, private_file, replace_file
from photo_organizer.web.access import Access
from photo_organizer.web.app import make_app
from photo_organizer.web.page_service import PageService

log = logging.getLogger(__name__)

HOST = "127.0.0.1"
ADDRESS_FILE = "review-page.json"
LOG_FILE = "review-page.log"
_LAST_WORDS_SECONDS = 2


@dataclass(frozen=True, slots=True)
class PageOptions:
    """How the page is served.

    Args:
        port: 0 for any that is free.
        or_any_port: whether another one will do where that one is taken.
        idle_minutes: without a request for so long it ends; None for never.
        ends_when_closed: it ends too when its last window is closed.
    """

    port: int = 0
    or_any_port: bool = False
    idle_minutes: float | None = 30.0
    ends_when_closed: bool = True


def serve(configuration: Configuration, options: PageOptions, ready: Callable[[str], None]) -> None:
    """Serve the page until it ends.

    Args:
        configuration: whose photos.
        options: see there.
        ready: called with the address once it can be opened.

    Raises:
        OrganizerError: the port is taken or not to be had.
    """
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # what fails is told by the page itself
    listening = _listen(options)
    port = listening.getsockname()[1]
    token = secrets.token_urlsafe(32)
    address = f"http://{HOST}:{port}/?token={token}"
    server = _Server(ready=lambda: ready(address))
    service = PageService(
        configuration,
        idle_seconds=None if options.idle_minutes is None else 60 * options.idle_minutes,
        stop=server.stop,
        ends_when_closed=options.ends_when_closed,
    )
    server.use(Access(make_app(service), token, port), before_exit=service.windows.close)
    path = configuration.state_directory / ADDRESS_FILE
    text = json.dumps({"pid": os.getpid(), "address": address}) + "\n"
    replace_file(path, text, mode=PRIVATE, durable=False)
    try:
        server.run(sockets=[listening])
    finally:
        listening.close()
        _forget_address(path)


class _Server(uvicorn.Server):
    """A uvicorn server that reports when it is ready, and ends its event streams when it stops."""

    def __init__(self, ready: Callable[[], None]) -> None:
        self._ready = ready
        self._before_exit: Callable[[], None] = lambda: None
        super().__init__(uvicorn.Config(lambda *_: None, log_config=None))

    def use(self, app: Access, before_exit: Callable[[], None]) -> None:
        """Set the application."""
        self._before_exit = before_exit
        self.config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="on",
            ws="none",
            server_header=False,
            timeout_graceful_shutdown=_LAST_WORDS_SECONDS,
        )

    def stop(self) -> None:
        """Stop the server soon."""
        self.should_exit = True

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop on Ctrl-C and SIGTERM, as when the page is closed."""
        wanted = (signal.SIGINT, signal.SIGTERM)
        before = {number: signal.signal(number, self.handle_exit) for number in wanted}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._before_exit()
        await super().shutdown(sockets)


def _listen(options: PageOptions) -> socket.socket:
    ports = (options.port, 0) if options.or_any_port else (options.port,)
    for port in ports:
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((HOST, port))
        except OSError as error:
            listening.close()
            if port == ports[-1]:
                what = f"the port cannot be used: {error.strerror}"
                raise OrganizerError(
                    what, where=f"{HOST}:{port}", remedy="choose another with --port"
                ) from error
            continue
        listening.listen(128)
        return listening
    raise AssertionError("one of the ports was tried last")


@contextmanager
def logging_to_file(configuration: Configuration) -> Iterator[None]:
    """Log to a file in the state directory, and not to the terminal."""
    path = configuration.state_directory / LOG_FILE
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = io.TextIOWrapper(private_file(path), encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise OrganizerError(f"cannot be written: {error.strerror}", where=path) from error
    handler = logging.StreamHandler(file)
    handler.setLevel(logging.WARNING)
    handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(message)s"))
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)
        file.close()


def running_page(configuration: Configuration) -> str | None:
    """Return the address of the page already served for this state directory; None when there is none."""
    path = configuration.state_directory / ADDRESS_FILE
    try:
        written = json.loads(path.read_text(encoding="utf-8"))
        address, pid = str(written["address"]), int(written["pid"])
        os.kill(pid, 0)
        port = int(address.split(":")[2].split("/", maxsplit=1)[0])
        with socket.create_connection((HOST, port), timeout=1.0):
            return address
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return None


def _forget_address(path: Path) -> None:
    with suppress(OSError, ValueError, KeyError):
        if json.loads(path.read_text(encoding="utf-8"))["pid"] == os.getpid():
            path.unlink()
