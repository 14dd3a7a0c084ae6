"""Hears of a run's exit from the kernel, before the kernel takes the process apart.

Taking apart a process that had torch in its memory takes longer than most snippets run, and its pipes close and its
exit status is told only after that. So the child is under a second seccomp filter (`seccomp.exit_notice`), under which
`exit_group` waits for an answer: by then all it has written is in the pipes, and its exit status is the argument of the
call. Once the kernel has taken the answer "go on", the process cannot do anything but end.

See seccomp_unotify(2). Its warning that arguments may change after they were looked at is about memory; a status is a
number in a register.
"""

from __future__ import annotations

import contextlib
import fcntl
import struct
import time
from dataclasses import dataclass

#: struct seccomp_notif: id, pid, flags, then struct seccomp_data: nr, arch, instruction pointer, six arguments.
_QUESTION = struct.Struct("=QIIiIQ6Q")
#: struct seccomp_notif_resp: id, value, error, flags.
_ANSWER = struct.Struct("=QqiI")
_RECEIVE = 0xC0502100
_SEND = 0xC0182101
_GO_ON = 1  # SECCOMP_USER_NOTIF_FLAG_CONTINUE


@dataclass(frozen=True, slots=True)
class Exit:
    """A process that was let go: it ends, and does nothing any more."""

    status: int
    cpu_seconds: float  #: used by all its threads until then


def let_go(listener: int) -> Exit | None:
    """Answer the one question that waits on `listener`.

    None when nobody waits for the answer any more, or where this side cannot see the process: then its end is told
    in the usual way.
    """
    question = bytearray(_QUESTION.size)
    try:
        fcntl.ioctl(listener, _RECEIVE, question)
        number, pid, *_, status, _, _, _, _, _ = _QUESTION.unpack(question)
        used = _cpu_seconds(pid)
        fcntl.ioctl(listener, _SEND, _ANSWER.pack(number, 0, 0, _GO_ON))
    except OSError:  # a signal called it away, or it was killed, in the meantime
        return None
    return None if used is None else Exit(status & 0xFF, used)


def _cpu_seconds(pid: int) -> float | None:
    if pid == 0:  # it lives in a pid namespace that is not below ours
        return None
    with contextlib.suppress(OSError):
        return time.clock_gettime(~pid << 3 | 2)  # what clock_getcpuclockid(3) makes of a pid
    return None
