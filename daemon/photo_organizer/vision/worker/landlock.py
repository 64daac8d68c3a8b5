"""Which files the vision process can still open, once it is confined (Linux, Landlock).

Landlock (linux/landlock.h, reached by ctypes) takes rights away from the process for good. What it can take
away grew with the kernel: each version ("ABI") adds some, and an older one is used as far as it goes.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import stat
import struct
from collections.abc import Iterable
from pathlib import Path

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION = 1
_PATH_BENEATH = 1
# rights, each with the bit that linux/landlock.h gives it
_WRITE_FILE, _READ_FILE, _READ_DIR, _REMOVE_FILE, _MAKE_REG, _TRUNCATE = (
    1 << 1, 1 << 2, 1 << 3, 1 << 5, 1 << 8, 1 << 14,
)  # fmt: skip
_READ = _READ_FILE | _READ_DIR
_WRITE = _READ | _WRITE_FILE | _REMOVE_FILE | _MAKE_REG | _TRUNCATE
_OF_FILES = _READ_FILE | _WRITE_FILE | _TRUNCATE  # the others belong to folders
_FILE_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1}
_NEWEST_FILE_RIGHTS = (1 << 16) - 1
_NET_RIGHTS = 0b11  # bind and connect TCP; ABI 4
_SCOPES = 0b11  # abstract Unix sockets and signals of others; ABI 6
_SCOPE_ABI, _NET_ABI = 6, 4


def landlock_version() -> int:
    """The kernel's Landlock ABI; 0 where there is none, or it is switched off."""
    if platform.system() != "Linux":
        return 0
    return max(0, int(ctypes.CDLL(None, use_errno=True).syscall(_CREATE_RULESET, None, 0, _VERSION)))


def restrict_files(readable: Iterable[Path], writable: Iterable[Path]) -> int:
    """Leave this process the right to read below `readable` and to read and write below `writable`, for good.

    Everything else on the disk stays closed to it, whoever owns it; open descriptors go on working. Paths
    that do not exist are passed over. It can start no program, reach no TCP port (from ABI 4) and signal no
    other process (from ABI 6). Only threads that this one starts afterwards are restricted as well.

    Returns:
        The ABI that was used; 0 where nothing is restricted.
    """
    version = landlock_version()
    if version == 0:
        return 0
    libc = ctypes.CDLL(None, use_errno=True)
    rights = _FILE_RIGHTS.get(version, _NEWEST_FILE_RIGHTS)
    attributes = struct.pack("Q", rights)
    if version >= _NET_ABI:
        attributes += struct.pack("Q", _NET_RIGHTS)
    if version >= _SCOPE_ABI:
        attributes += struct.pack("Q", _SCOPES)
    ruleset = libc.syscall(_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), 0)
    if ruleset < 0:
        return 0
    try:
        for allowed, paths in ((_READ, readable), (_WRITE, writable)):
            for path in paths:
                _allow(libc, ruleset, path, allowed & rights)
        return version if libc.syscall(_RESTRICT_SELF, ruleset, 0) == 0 else 0
    finally:
        os.close(ruleset)


def _allow(libc: ctypes.CDLL, ruleset: int, path: Path, rights: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in {errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.ELOOP}:
            return
        raise
    try:
        if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
            rights &= _OF_FILES
        rule = struct.pack("=Qi", rights, descriptor)
        if libc.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, rule, 0) != 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code), os.fspath(path))
    finally:
        os.close(descriptor)
