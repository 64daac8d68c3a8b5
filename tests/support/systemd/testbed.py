"""A machine with a real systemd and one unprivileged person, booted in namespaces in a second, gone
afterwards."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

USER = "person"
UID = 4242
HOME = Path("/home") / USER
_BOOT_SECONDS = 60.0
_NEEDED = ("/lib/systemd/systemd", "/usr/bin/dbus-daemon", "/lib/systemd/systemd-logind", "/usr/bin/nsenter")


class CannotBootError(Exception):
    """Why there can be no testbed here."""


class Testbed:
    """The booted machine.

    Args:
        init: its process 1, by its number outside.
    """

    __test__ = False  # pytest: no test, in spite of its name

    def __init__(self, init: int) -> None:
        self.init = init

    def outside(self, path: Path) -> Path:
        """Where a path of the machine is found from outside."""
        return Path(f"/proc/{self.init}/root") / path.relative_to("/")

    def run(self, *command: str, check: bool = True, seconds: float = 60.0) -> str:
        """Runs `command` as the person, in a session of their own, and returns what it printed.

        Raises:
            AssertionError: it failed, and `check` is set; with all that it said.
        """
        session = [
            *("systemd-run", "--quiet", "--collect", "--wait", "--pipe", "--service-type=exec"),
            *("-p", f"User={USER}", "-p", "PAMName=login", "-p", f"WorkingDirectory={HOME}"),
            *("-E", f"DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/{UID}/bus", "--"),
        ]
        done = subprocess.run(
            [*self._enter(), *session, *command], capture_output=True, text=True, check=False, timeout=seconds
        )
        if check:
            assert done.returncode == 0, f"{' '.join(command)}: {done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def systemctl(self, *arguments: str, check: bool = True) -> str:
        return self.run("systemctl", "--user", *arguments, check=check)

    def journal(self, *arguments: str) -> str:
        return self.run("journalctl", "--user", "--no-pager", "--output=cat", *arguments)

    def shows(self, unit: str, *properties: str) -> dict[str, str]:
        """What systemd says of a unit."""
        text = self.systemctl("show", unit, f"--property={','.join(properties)}")
        return dict(line.partition("=")[::2] for line in text.splitlines())

    def kill(self, pid: int, number: signal.Signals) -> None:
        """Sends a signal to a process of the machine, by its number inside."""
        subprocess.run([*self._enter(), "kill", f"-{number.value}", str(pid)], check=True)

    def is_up(self) -> bool:
        bus = self.outside(Path(f"/run/user/{UID}/bus"))
        if not bus.exists():
            return False
        state = [*self._enter(), "systemctl", "is-active", "--quiet", f"user@{UID}.service"]
        return subprocess.run(state, check=False, capture_output=True).returncode == 0

    def _enter(self) -> list[str]:
        return ["nsenter", f"--target={self.init}", "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup"]


@contextlib.contextmanager
def booted(passable: Sequence[Path]) -> Iterator[Testbed]:
    """A machine for the length of a `with` block.

    Args:
        passable: folders of the real machine that the person must be able to pass through (in the machine
            only),
            such as a private home in which the Python interpreter lies.

    Raises:
        CannotBootError: this machine or container does not allow it.
    """
    cgroups = _cgroup_root()
    with tempfile.TemporaryDirectory(prefix="testbed-") as folder:
        work = Path(folder) / "machine"
        work.mkdir()
        group = cgroups / f"testbed-{os.getpid()}"
        try:
            group.mkdir()
        except OSError as error:
            raise CannotBootError(f"no control group can be made ({error.strerror})") from error
        console = Path(folder) / "console"
        outer = _start(work, group, console, passable)
        try:
            yield _await_boot(outer, console)
        finally:
            _end(outer, group)


def _cgroup_root() -> Path:
    if os.geteuid() != 0:
        raise CannotBootError("needs root")
    missing = [name for name in _NEEDED if not Path(name).exists()]
    if missing or shutil.which("unshare") is None:
        raise CannotBootError(f"not installed: {', '.join(missing) or 'unshare'}")
    if not list(Path("/lib").glob("*/security/pam_systemd.so")):
        raise CannotBootError("not installed: pam_systemd")
    for line in Path("/proc/mounts").read_text().splitlines():
        if line.split()[2] == "cgroup2":
            return Path(line.split()[1])
    raise CannotBootError("cgroup2 is not mounted")


def _start(work: Path, group: Path, console: Path, passable: Sequence[Path]) -> subprocess.Popen[bytes]:
    boot = Path(__file__).with_name("boot.sh")
    namespaces = [
        "--mount",
        "--propagation=private",
        "--uts",
        "--ipc",
        "--net",
        "--cgroup",
        "--pid",
        "--fork",
    ]
    arguments = [str(boot), str(work), USER, str(UID), *map(str, passable)]
    # The shell moves itself into the group first, which the new namespace then takes for the root of all
    # groups.
    script = 'echo $$ >"$0/cgroup.procs" && exec "$@"'
    command = ["setpriv", "--pdeathsig", "KILL", "unshare", "--kill-child", *namespaces, *arguments]
    with console.open("wb") as output:
        return subprocess.Popen(
            ["sh", "-c", script, str(group), *command], stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )


def _await_boot(outer: subprocess.Popen[bytes], console: Path) -> Testbed:
    deadline = time.monotonic() + _BOOT_SECONDS
    while time.monotonic() < deadline and outer.poll() is None:
        init = _child(outer.pid)
        if init is not None and (bed := Testbed(init)).is_up():
            return bed
        time.sleep(0.05)
    raise CannotBootError(f"systemd did not come up: {console.read_text(errors='replace')[-500:]}")


def _child(pid: int) -> int | None:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return None
    return int(children[0]) if children else None


def _end(outer: subprocess.Popen[bytes], group: Path) -> None:
    """Killing process 1 of a process namespace kills everything in it."""
    outer.kill()
    outer.wait()
    deadline = time.monotonic() + 10
    while _members(group) and time.monotonic() < deadline:
        time.sleep(0.05)
    for folder in sorted(group.rglob("*/"), key=lambda folder: -len(folder.parts)):
        with contextlib.suppress(OSError):
            folder.rmdir()
    with contextlib.suppress(OSError):
        group.rmdir()


def _members(group: Path) -> bool:
    with contextlib.suppress(OSError):
        return any(file.read_text().strip() for file in group.rglob("cgroup.procs"))
    return False
