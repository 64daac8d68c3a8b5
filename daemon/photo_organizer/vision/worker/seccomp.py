"""Which system calls the vision process can no longer make, once it is confined (Linux, seccomp-BPF).

A list of what is refused, not of what is allowed: it refuses everything that starts a program or a process,
opens a connection, touches another process, changes a file's mode, owner, times or attributes (which Landlock
does not govern), or belongs to an administrator. What a decoder, an inference engine or a C library needs
keeps working on machines that nobody has tried. Calls newer than this list do not exist for the process.

The filter is classic BPF (linux/filter.h, linux/seccomp.h), installed by way of ctypes.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
from dataclasses import dataclass

_PR_GET_SECCOMP, _PR_SET_SECCOMP, _MODE_FILTER = 21, 22, 2
_SET_FILTER, _ALL_THREADS = 1, 1
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _ERROR, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_NUMBER, _MACHINE, _FIRST_ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data, whose low halves come first
_NEWER = 463  # setxattrat; Linux 6.13

# system call: its number on x86_64 and on aarch64, where it has one
_REFUSED: dict[str, tuple[int | None, int | None]] = {
    # programs and processes
    "execve": (59, 221), "execveat": (322, 281), "fork": (57, None), "vfork": (58, None),
    "uselib": (134, None), "personality": (135, 92), "setns": (308, 268), "unshare": (272, 97),
    # other processes
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "process_madvise": (440, 440), "process_mrelease": (448, 448), "kcmp": (312, 272),
    "pidfd_open": (434, 434), "pidfd_getfd": (438, 438), "pidfd_send_signal": (424, 424), "tkill": (200, 130),
    "setpriority": (141, 140), "ioprio_set": (251, 30), "sched_setattr": (314, 274),
    "sched_setscheduler": (144, 119), "sched_setparam": (142, 118), "migrate_pages": (256, 238),
    "move_pages": (279, 239), "shmget": (29, 194), "shmat": (30, 196), "shmctl": (31, 195),
    "msgget": (68, 186), "msgsnd": (69, 189), "msgrcv": (70, 188), "msgctl": (71, 187), "semget": (64, 190),
    "semop": (65, 193), "semtimedop": (220, 192), "semctl": (66, 191), "mq_open": (240, 180),
    "mq_unlink": (241, 181),
    # connections
    "socket": (41, 198), "socketpair": (53, 199), "connect": (42, 203), "bind": (49, 200),
    "listen": (50, 201), "accept": (43, 202), "accept4": (288, 242),
    # what files are, beside their bytes; and being told of others' files
    "chmod": (90, None), "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452),
    "chown": (92, None), "fchown": (93, 55), "lchown": (94, None), "fchownat": (260, 54),
    "setxattr": (188, 5), "lsetxattr": (189, 6), "fsetxattr": (190, 7), "removexattr": (197, 14),
    "lremovexattr": (198, 15), "fremovexattr": (199, 16), "utime": (132, None), "utimes": (235, None),
    "futimesat": (261, None), "utimensat": (280, 88), "mknod": (133, None), "mknodat": (259, 33),
    "inotify_init": (253, None), "inotify_init1": (294, 26), "inotify_add_watch": (254, 27),
    "fanotify_init": (300, 262), "fanotify_mark": (301, 263), "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    # interfaces of the kernel with a history of holes
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282), "keyctl": (250, 219),
    "add_key": (248, 217), "request_key": (249, 218), "memfd_secret": (447, 447), "modify_ldt": (154, None),
    # what belongs to an administrator
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51),
    "fsopen": (430, 430), "fsconfig": (431, 431), "fsmount": (432, 432), "fspick": (433, 433),
    "open_tree": (428, 428), "move_mount": (429, 429), "mount_setattr": (442, 442),
    "init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106),
    "kexec_load": (246, 104), "kexec_file_load": (320, 294), "reboot": (169, 142), "swapon": (167, 224),
    "swapoff": (168, 225), "acct": (163, 89), "quotactl": (179, 60), "quotactl_fd": (443, 443),
    "syslog": (103, 116), "settimeofday": (164, 170), "clock_settime": (227, 112),
    "clock_adjtime": (305, 266), "adjtimex": (159, 171), "sethostname": (170, 161),
    "setdomainname": (171, 162), "vhangup": (153, 58), "lookup_dcookie": (212, 18), "nfsservctl": (180, 42),
    "iopl": (172, None), "ioperm": (173, None),
}  # fmt: skip
# system calls that name a process: only this one, which some of them also call 0
_OF_THIS_PROCESS = {
    "kill": (62, 129), "tgkill": (234, 131), "rt_sigqueueinfo": (129, 138), "rt_tgsigqueueinfo": (297, 240),
    "prlimit64": (302, 261),
}  # fmt: skip
_MAY_NAME_ITSELF_ZERO = {"prlimit64"}
_CLONE, _CLONE3, _FCNTL, _IOCTL = (56, 220), (435, 435), (72, 25), (16, 29)
_CLONE_THREAD = 0x10000
# F_SETOWN, F_SETSIG, F_SETOWN_EX (signals to others), F_SETLEASE and F_NOTIFY (which hinder the daemon)
_REFUSED_FCNTL = (8, 10, 15, 1024, 1026)
# TCGETS, TIOCGWINSZ (is this a terminal?), FIONREAD, FIONBIO, FIONCLEX, FIOCLEX
_ALLOWED_IOCTL = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)


@dataclass(frozen=True, slots=True)
class _Machine:
    """A processor: its number in linux/audit.h, and the place of its numbers in the tables above."""

    audit: int
    column: int


_MACHINES = {"x86_64": _Machine(0xC000003E, 0), "aarch64": _Machine(0xC00000B7, 1)}


def is_available() -> bool:
    """Whether this kernel filters system calls, on a processor that is known here."""
    if platform.system() != "Linux" or platform.machine() not in _MACHINES:
        return False
    return int(ctypes.CDLL(None, use_errno=True).prctl(_PR_GET_SECCOMP, 0, 0, 0, 0)) >= 0


def refuse_system_calls() -> bool:
    """Install the filter for all threads of this process, for good; return False where it cannot be done.

    The process must have given up new privileges before (PR_SET_NO_NEW_PRIVS).
    """
    if not is_available():
        return False
    program = _program(_MACHINES[platform.machine()], os.getpid())
    instructions = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(instructions))  # struct sock_fprog
    libc = ctypes.CDLL(None, use_errno=True)
    seccomp = (317, 277)[_MACHINES[platform.machine()].column]
    if libc.syscall(seccomp, _SET_FILTER, _ALL_THREADS, header) == 0:
        return True
    return int(libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, header, 0, 0)) == 0


def _program(machine: _Machine, process: int) -> bytes:
    """The filter for the process with this number, as an array of struct sock_filter."""
    column = machine.column
    parts = [
        _load(_MACHINE), _jump(_EQUAL, machine.audit, 1, 0), _end(_KILL),  # a 32-bit call, say
        _load(_NUMBER), _jump(_AT_LEAST, _NEWER, 0, 1), _end(_ERROR | errno.ENOSYS),  # x32 calls as well
        _jump(_EQUAL, _CLONE3[column], 0, 1), _end(_ERROR | errno.ENOSYS),  # the C library takes clone then
    ]  # fmt: skip
    for numbers in _REFUSED.values():
        number = numbers[column]
        if number is not None:
            parts += [_jump(_EQUAL, number, 0, 1), _end(_ERROR | errno.EPERM)]
    for name, numbers in _OF_THIS_PROCESS.items():
        itself = (process, 0) if name in _MAY_NAME_ITSELF_ZERO else (process,)
        parts += _by_argument(numbers[column], 0, itself, _ALLOW, _ERROR | errno.EPERM)
    parts += _by_argument(_FCNTL[column], 1, _REFUSED_FCNTL, _ERROR | errno.EPERM, _ALLOW)
    parts += _by_argument(_IOCTL[column], 1, _ALLOWED_IOCTL, _ALLOW, _ERROR | errno.ENOTTY)
    parts += [
        _jump(_EQUAL, _CLONE[column], 0, 4), _load(_FIRST_ARGUMENT),
        _jump(_ANY_BIT, _CLONE_THREAD, 0, 1), _end(_ALLOW), _end(_ERROR | errno.EPERM),
        _end(_ALLOW),
    ]  # fmt: skip
    return b"".join(parts)


def _by_argument(
    number: int, argument: int, values: tuple[int, ...], listed: int, others: int
) -> list[bytes]:
    """Of a call: `listed` is returned where the argument is one of `values`, else `others`."""
    checks: list[bytes] = []
    for value in values:
        checks += [_jump(_EQUAL, value & 0xFFFFFFFF, 0, 1), _end(listed)]
    return [
        _jump(_EQUAL, number, 0, len(checks) + 2),
        _load(_FIRST_ARGUMENT + 8 * argument),
        *checks,
        _end(others),
    ]


def _load(offset: int) -> bytes:
    return struct.pack("HBBI", _LOAD, 0, 0, offset)


def _jump(test: int, value: int, if_true: int, if_false: int) -> bytes:
    return struct.pack("HBBI", test, if_true, if_false, value)


def _end(result: int) -> bytes:
    return struct.pack("HBBI", _RETURN, 0, 0, result)
