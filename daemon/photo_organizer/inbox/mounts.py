"""Which file system an inbox lies on, and whether the kernel tells of everything that happens there."""

from __future__ import annotations

import os
import re
import select
from dataclasses import dataclass
from pathlib import Path

_NETWORK = frozenset(
    {
        "nfs", "nfs4", "cifs", "smb3", "smbfs", "smb2", "ncpfs", "afs", "coda", "9p", "ceph", "glusterfs",
        "lustre", "gfs2", "ocfs2", "beegfs", "orangefs", "davfs", "virtiofs", "vboxsf", "prl_fs",
        "vmhgfs", "drvfs",
    }
)  # fmt: skip
_OCTAL = re.compile(r"\\([0-7]{3})")
MOUNTS = Path("/proc/self/mountinfo")


@dataclass(frozen=True, slots=True)
class Mount:
    """A mounted file system: its number, where it is mounted, and its type ("ext4", "fuse.sshfs")."""

    number: str
    point: str
    file_system: str


def read_mounts(mounts: Path = MOUNTS) -> list[Mount]:
    """Return what is mounted, in the order of mounting; nothing where the system does not tell.

    Fields as proc_pid_mountinfo(5) has them: the first is the number, the fifth the mount point, the first
    after "-" the type.
    """
    try:
        lines = mounts.read_bytes().decode("utf-8", "surrogateescape").splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        before, separator, after = line.partition(" - ")
        fields = before.split(" ")
        if separator and len(fields) >= 5:
            point = _OCTAL.sub(lambda match: chr(int(match[1], 8)), fields[4])
            found.append(Mount(fields[0], point, after.split(" ")[0]))
    return found


def file_system_of(folder: str, mounts: Path = MOUNTS) -> str:
    """Return the type of the file system that `folder` lies on; "" where nothing tells.

    Of two mounts on one point the later covers the earlier.
    """
    real = os.path.realpath(folder)
    above = [mount for mount in read_mounts(mounts) if is_at_or_below(real, mount.point)]
    return max(reversed(above), key=lambda mount: len(mount.point)).file_system if above else ""


def is_at_or_below(path: str, folder: str) -> bool:
    """Return whether an absolute path is that of `folder` or of something in it."""
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def is_remote(file_system: str) -> bool:
    """Whether others can write there unseen by this kernel. Of FUSE only `fuseblk` is known to be a disk."""
    return file_system in _NETWORK or file_system.startswith("fuse.")


class MountWatch:
    """Notices when something is mounted or unmounted: the kernel marks `/proc/self/mountinfo` then.

    Two descriptors, for polling one takes its mark away. On systems without that file nothing is noticed.
    """

    def __init__(self, mounts: Path = MOUNTS) -> None:
        self._descriptors: tuple[int, ...] = ()
        self._checked = select.poll()
        try:
            self._descriptors += (os.open(mounts, os.O_RDONLY | os.O_CLOEXEC),)
            self._descriptors += (os.open(mounts, os.O_RDONLY | os.O_CLOEXEC),)
        except OSError:
            self.close()
        else:
            self._checked.register(self._descriptors[1], select.POLLPRI)

    def register(self, poll: select.poll) -> None:
        """Have `poll` return when something was mounted or unmounted."""
        if self._descriptors:
            poll.register(self._descriptors[0], select.POLLPRI)

    def changed(self) -> bool:
        """Return whether something was mounted or unmounted since the last call."""
        return bool(self._descriptors) and bool(self._checked.poll(0))

    def close(self) -> None:
        """Give the descriptors back."""
        for descriptor in self._descriptors:
            os.close(descriptor)
        self._descriptors = ()
