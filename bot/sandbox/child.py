"""The driver's side of one child: its pipes, its handles, and how it is given an order."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import select
import signal
import socket
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.domain.run import Limits

#: How long a child may take to lock itself in.
PREPARE_SECONDS = 10.0


class ServerDied(Exception):
    """The fork server is gone, or did not keep to the protocol."""


@dataclass(slots=True)
class Child:
    """One locked-down process that waits for an order, and the ends of its pipes that are ours."""

    limits: Limits
    files: dict[str, int] = field(default_factory=dict)  #: ours, by name: code, stdout, stderr, claim, status
    theirs: list[int] = field(default_factory=list)  #: the other ends, until they are handed over
    listener: int | None = None  #: becomes readable when the child asks to exit; see `notice`
    _handles: list[int] = field(default_factory=list)
    _ready: bool = False

    def __post_init__(self) -> None:
        try:
            for name in ("code", "stdout", "stderr", "claim"):
                reading, writing = os.pipe2(os.O_CLOEXEC)
                mine, other = (writing, reading) if name == "code" else (reading, writing)
                self.files[name] = mine
                self.theirs.append(other)
            status, other_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            self.files["status"] = status.detach()
            self.theirs.append(other_end.detach())
        except OSError:
            self.close()
            raise

    def handed_over(self) -> None:
        """Close our copies of the ends that went into the jail: the pipes end when it does."""
        while self.theirs:
            os.close(self.theirs.pop())

    def close(self) -> None:
        """Give up the child. It ends when it finds its pipe empty; if it runs, it is killed."""
        self.kill()
        self.handed_over()
        for file in [*self.files.values(), *self._handles, *([] if self.listener is None else [self.listener])]:
            os.close(file)
        self.listener = None
        self.files.clear()
        self._handles.clear()

    @property
    def pid(self) -> int:
        """The process that runs the order, in our numbers; for looking at it, never for signals."""
        lines = Path(f"/proc/self/fdinfo/{self._handles[0]}").read_text(encoding="ascii").splitlines()
        return int(next(line for line in lines if line.startswith("Pid:")).split()[1])

    def kill(self) -> None:
        """End the run now, and every process it may have made."""
        self._signal(signal.SIGKILL, self._handles)

    def warn(self) -> None:
        """Tell the program that its time is over."""
        self._signal(signal.SIGUSR1, self._handles[:1])

    def wait_until_ready(self) -> None:
        """Return when the child is locked in and alive. Raises `ServerDied` when a layer could not be put on."""
        until = time.monotonic() + PREPARE_SECONDS
        while not self._ready or len(self._handles) < 2:  # the child says the one, the server sends the other
            if not readable(self.files["status"], seconds=max(0.0, until - time.monotonic())):
                raise ServerDied("a child did not become ready")
            report = self.read_status()
            if not report.keys() & {"ready", "handles", "listener"}:
                raise ServerDied(f"a child could not be locked in: {report.get('failed', 'no report')}")
            self._ready = self._ready or "ready" in report
        if any(readable(file, seconds=0) for file in (self.files["status"], self.listener) if file is not None):
            raise ServerDied("a child ended before it was given anything")

    def read_status(self) -> dict[str, Any]:
        """The next report about this child; empty when the fork server is gone.

        Raises `OSError` when there is no room for the descriptors that come with it.
        """
        with socket.socket(fileno=os.dup(self.files["status"])) as connection:
            message, received, flags, _ = socket.recv_fds(connection, 4096, 2, socket.MSG_CMSG_CLOEXEC)
        if flags & socket.MSG_CTRUNC:
            for file in received:
                os.close(file)
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        found = json.loads(message) if message else {}
        report = found if isinstance(found, dict) else {}
        if "listener" in report and self.listener is None and len(received) == 1:
            [self.listener] = received
        else:
            self._handles.extend(received)
        return report

    @staticmethod
    def _signal(number: signal.Signals, handles: list[int]) -> None:
        for handle in handles:
            with contextlib.suppress(ProcessLookupError):  # it has ended
                signal.pidfd_send_signal(handle, number)


def readable(file: int, *, seconds: float) -> bool:
    """Whether there is something to read within so long. Not by select: a descriptor may be above 1023."""
    poll = select.poll()
    poll.register(file, select.POLLIN)
    return bool(poll.poll(seconds * 1000))
