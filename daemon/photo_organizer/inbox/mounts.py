"""Which file system an inbox lies on, and whether the kernel tells of everything that happens there."""

from __future__ import annotations

import os
import re
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


def file_system_of(folder: str, mounts: Path = MOUNTS) -> str:
    """The type of the file system that `folder` lies on ("ext4", "fuse.sshfs"); "" where nothing tells.

    Fields as proc_pid_mountinfo(5) has them: the fifth is the mount point, the first after "-" the type. Of
    two mounts on one point the later covers the earlier.
    """
    try:
        lines = mounts.read_bytes().decode("utf-8", "surrogateescape").splitlines()
    except OSError:
        return ""
    real = os.path.realpath(folder)
    best, kind = "", ""
    for line in lines:
        before, separator, after = line.partition(" - ")
        fields = before.split(" ")
        if not separator or len(fields) < 5:
            continue
        point = _OCTAL.sub(lambda match: chr(int(match[1], 8)), fields[4])
        if len(point) >= len(best) and (real == point or real.startswith(point.rstrip("/") + "/")):
            best, kind = point, after.split(" ")[0]
    return kind


def is_remote(file_system: str) -> bool:
    """Whether others can write there unseen by this kernel. Of FUSE only `fuseblk` is known to be a disk."""
    return file_system in _NETWORK or file_system.startswith("fuse.")
