"""What somebody can do who has taken over a decoder: the process is confined for real."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from photo_organizer.vision.client.client import VisionClient
from photo_organizer.vision.outcome import Classified, Rejected
from photo_organizer.vision.worker.confinement import available_confinement
from support.small_models import draw_photo
from support.vision_driver import outcomes, seen
from support.workers.captured_worker import MARK

NEEDS_LANDLOCK = pytest.mark.skipif(
    available_confinement().landlock < 6, reason="this kernel has no Landlock that knows signals"
)
NEEDS_SECCOMP = pytest.mark.skipif(
    not available_confinement().seccomp, reason="this kernel filters no system calls"
)
SYSTEM_CALL = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
def call(*arguments):
    if libc.syscall(*arguments) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
"""
OPEN_PHOTO = """
import os
photo = next(int(name) for name in os.listdir("/proc/self/fd")
             if os.path.realpath(f"/proc/self/fd/{name}").startswith(inbox))
"""
# name: the attempt; `home`, `inbox`, `library`, `state` and `daemon` are set before it
OF_FILES = {
    "reads a key": "open(home + '/.ssh/id_ed25519').read()",
    "lists the home folder": "import os; os.listdir(home)",
    "lists the inbox": "import os; os.listdir(inbox)",
    "reads another photo": "open(inbox + '/other.jpg', 'rb').read()",
    "reads the journal": "open(state + '/journal.sqlite', 'rb').read()",
    "reads its daemon's environment": "open(f'/proc/{daemon}/environ', 'rb').read()",
    "reads its daemon's memory": "open(f'/proc/{daemon}/mem', 'rb').read(1)",
    "goes round by the root of its daemon": "open(f'/proc/{daemon}/root{home}/.ssh/id_ed25519').read()",
    "goes round by its own root": "open('/proc/self/root' + home + '/.ssh/id_ed25519').read()",
    "writes to the inbox": "open(inbox + '/new.jpg', 'w')",
    "writes to a photo": "open(inbox + '/other.jpg', 'r+')",
    "writes to a photo that it holds": OPEN_PHOTO + "os.open(f'/proc/self/fd/{photo}', os.O_WRONLY)",
    "removes a photo": "import os; os.unlink(inbox + '/other.jpg')",
    "renames a photo": "import os; os.rename(inbox + '/other.jpg', inbox + '/gone.jpg')",
    "renames a photo into its folder": "import os; os.rename(inbox + '/other.jpg', state + '/features/x')",
    "links a photo into its folder": "import os; os.link(inbox + '/other.jpg', state + '/features/x')",
    "makes a folder in the library": "import os; os.mkdir(library + '/Pets')",
    "writes to the library": "open(library + '/new.jpg', 'w')",
    "makes a link in the library": "import os; os.symlink('/etc', library + '/etc')",
    "writes the status": "open(state + '/status.json', 'w')",
    "writes to the folder of temporary files": "import tempfile; tempfile.TemporaryFile(dir='/tmp')",
    "writes to shared memory": "open('/dev/shm/photo-organizer-test', 'w')",
}
OF_SYSTEM_CALLS = {
    "connects to the Internet": "import socket; socket.socket()",
    "talks to a program of the owner": "import socket; socket.socket(socket.AF_UNIX)",
    "opens a raw socket": "import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW)",
    "makes a pair of sockets": "import socket; socket.socketpair()",
    "starts a program": "import subprocess, sys; subprocess.run([sys.executable, '-c', ''])",
    "starts a shell": "import os; assert os.system('true') != 0; raise PermissionError",
    "becomes a program": "import os, sys; os.execv(sys.executable, ['python'])",
    "forks": "import os; os.fork()",
    "starts a program by posix_spawn": "import os; os.posix_spawn('/bin/true', ['true'], {})",
    "clones itself": SYSTEM_CALL + "call({'x86_64': 56, 'aarch64': 220}[os.uname().machine], 17, 0, 0, 0, 0)",
    "signals its daemon": "import os; os.kill(daemon, 0)",
    "kills its daemon": "import os; os.kill(daemon, 9)",
    "kills all": "import os; os.kill(-1, 9)",
    "holds its daemon by a descriptor": "import os; os.pidfd_open(daemon)",
    "limits its daemon": "import resource; resource.prlimit(daemon, resource.RLIMIT_CPU, (1, 1))",
    "has signals sent to its daemon": OPEN_PHOTO + "import fcntl; fcntl.fcntl(photo, 8, daemon)",
    "slows its daemon down": "import os; os.setpriority(os.PRIO_PROCESS, daemon, 19)",
    "traces its daemon": SYSTEM_CALL
    + "call({'x86_64': 101, 'aarch64': 117}[os.uname().machine], 16, daemon, 0, 0)",
    "makes a photo unreadable": "import os; os.chmod(inbox + '/other.jpg', 0)",
    "makes a photo that it holds unreadable": OPEN_PHOTO + "os.fchmod(photo, 0)",
    "dates a photo that it holds": OPEN_PHOTO + "os.utime(photo, (0, 0))",
    "marks a photo that it holds": OPEN_PHOTO + "os.setxattr(photo, 'user.mark', b'1')",
    "hinders writers of a photo that it holds": OPEN_PHOTO + "import fcntl; fcntl.fcntl(photo, 1024, 0)",
    "becomes somebody else": SYSTEM_CALL
    + "call({'x86_64': 272, 'aarch64': 97}[os.uname().machine], 0x10000000)",
    "watches the library": SYSTEM_CALL
    + "call({'x86_64': 294, 'aarch64': 26}[os.uname().machine], 0)",
    "takes more memory": "import resource; resource.setrlimit(resource.RLIMIT_DATA, (-1, -1))",
}  # fmt: skip
ALLOWED = {
    "a thread": "import threading; threading.Thread(target=int).start()",
    "Python's own files": "import wave, html.parser",
    "the feature cache": "open(state + '/features/x', 'w').write('x')",
    "a signal to itself": "import os; os.kill(os.getpid(), 0)",
}
REFUSALS = ("PermissionError", "ValueError: not allowed to raise", "OSError: [Errno 18]")


@pytest.fixture
def attempt(
    make_client: Callable[..., VisionClient], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[dict[str, str]], dict[str, str]]:
    """Run attempts in a captured vision process; return what each came to."""
    monkeypatch.setenv("OF_THE_DAEMON", "private")
    folders = {name: tmp_path / name for name in ("home", "inbox", "library", "state")}
    for folder in folders.values():
        folder.mkdir()
    (folders["home"] / ".ssh").mkdir()
    (folders["home"] / ".ssh/id_ed25519").write_text("key")
    (folders["state"] / "journal.sqlite").write_text("journal")
    draw_photo(folders["inbox"] / "other.jpg", "Pets")
    places = "".join(f"{name} = {str(folder)!r}\n" for name, folder in folders.items())

    def run(attempts: dict[str, str]) -> dict[str, str]:
        before = tree(tmp_path / "inbox"), tree(tmp_path / "library")
        photos = []
        for name, code in attempts.items():
            path = tmp_path / f"{name}.jpg"
            path.write_bytes(MARK + f"{places}daemon = {os.getpid()}\n{code}".encode())
            path.rename(folders["inbox"] / path.name)
            photos.append(seen(folders["inbox"] / path.name))
        client = make_client(
            worker="captured_worker", features=folders["state"] / "features" / "features.sqlite"
        )
        client.submit([*photos, seen(folders["inbox"] / "other.jpg")])
        answered = outcomes(client)
        assert isinstance(answered.pop("other.jpg"), Classified), "it no longer works"
        for photo in photos:
            photo.path.unlink()
        assert (tree(tmp_path / "inbox"), tree(tmp_path / "library")) == before
        return {
            name.removesuffix(".jpg"): outcome.reason
            for name, outcome in answered.items()
            if isinstance(outcome, Rejected)
        }

    return run


def tree(folder: Path) -> dict[str, tuple[int, int, int]]:
    """Names, modes, sizes and times of what is in `folder`."""
    return {
        path.name: (path.stat().st_mode, path.stat().st_size, path.stat().st_mtime_ns)
        for path in folder.rglob("*")
    }


def not_refused(results: dict[str, str]) -> dict[str, str]:
    return {name: result for name, result in results.items() if not result.startswith(REFUSALS)}


@NEEDS_LANDLOCK
def test_a_captured_process_reaches_no_file_but_its_own(
    attempt: Callable[[dict[str, str]], dict[str, str]],
) -> None:
    results = attempt(OF_FILES)
    assert set(results) == set(OF_FILES)
    assert not_refused(results) == {}


@NEEDS_SECCOMP
def test_a_captured_process_reaches_no_other_process_and_nobody_outside(
    attempt: Callable[[dict[str, str]], dict[str, str]],
) -> None:
    results = attempt(OF_SYSTEM_CALLS)
    assert set(results) == set(OF_SYSTEM_CALLS)
    assert not_refused(results) == {}


def test_a_confined_process_keeps_what_it_needs_and_is_told_nothing_else(
    attempt: Callable[[dict[str, str]], dict[str, str]],
) -> None:
    results = attempt(
        {**ALLOWED, "environment": "import os; raise LookupError(os.environ.get('OF_THE_DAEMON'))"}
    )
    assert results.pop("environment") == "LookupError: None"
    assert results == dict.fromkeys(ALLOWED, "it was done")
