"""Watches one run to its end: the clock, the bytes and the kill are here, outside the jail."""

from __future__ import annotations

import os
import select
import signal
import time
from dataclasses import dataclass

from bot.domain.run import Limits
from bot.sandbox import notice
from bot.sandbox.child import Child, ServerDied
from bot.sandbox.claims import is_whole
from bot.sandbox.verdict import NEARLY_ALL

#: How long the fork server may take to report an end that was forced.
REPORT_SECONDS = 5.0
_CHUNK = 1 << 16


@dataclass(slots=True)
class Ending:
    """What was seen of one run."""

    exit_status: int | None = None
    signal: int | None = None
    limit: str | None = None
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    stdout: bytes = b""
    stderr: bytes = b""
    claim: bytes = b""
    cancelled: bool = False


def watch(child: Child, order: bytes, *, limits: Limits, cancelled: int | None = None) -> Ending:
    """Hand the order to a child that is ready, and watch the run to its end.

    `limits` gives the wall clock and the bytes; the others were put on when the child was made.
    `cancelled` is a descriptor that becomes readable when nobody wants the run any more.
    Raises `ServerDied` when the end is not reported.
    """
    return _Watch(child, order, limits=limits, cancelled=cancelled).to_the_end()


class _Watch:
    """One run while it lasts: a loop over the pipes, the clock and the status socket."""

    def __init__(self, child: Child, order: bytes, *, limits: Limits, cancelled: int | None) -> None:
        self._child = child
        self._limits = limits
        self._unsent = memoryview(order)
        self._read_so_far = {"stdout": bytearray(), "stderr": bytearray(), "claim": bytearray()}
        self._ending = Ending()
        self._warned = self._killed = False
        self._started = time.monotonic()
        self._next_step = self._started + limits.seconds
        self._poll = select.poll()
        self._names: dict[int, str] = {}
        for name, file in child.files.items():
            os.set_blocking(file, False)
            self._follow(file, name, select.POLLOUT if name == "code" else select.POLLIN)
        if child.listener is not None:
            self._follow(child.listener, "notice", select.POLLIN)
        if cancelled is not None:
            self._follow(cancelled, "cancelled", select.POLLIN)

    def to_the_end(self) -> Ending:
        """Watch until the end was reported and all output is read."""
        while self._goes_on():
            for file, events in self._poll.poll(max(0.0, self._next_step - time.monotonic()) * 1000):
                self._happened(file, events)
            if self._goes_on() and time.monotonic() >= self._next_step:
                self._time_is_up()
        self._ending.stdout = bytes(self._read_so_far["stdout"])
        self._ending.stderr = bytes(self._read_so_far["stderr"])
        self._ending.claim = bytes(self._read_so_far["claim"])
        return self._ending

    def _goes_on(self) -> bool:
        return bool(set(self._names.values()) - {"cancelled", "notice"})

    def _happened(self, file: int, events: int) -> None:
        match self._names.get(file):
            case "code":
                self._send(file)
            case "stdout" | "stderr" | "claim" as name:
                self._read(file, name)
            case "notice" if events & select.POLLIN:
                self._leaves(file)
            case "notice":  # it has ended without asking
                self._forget(file)
            case "status":
                self._ended(file)
            case "cancelled":
                self._forget(file)
                self._ending.cancelled = True
                self._kill(None)

    def _send(self, file: int) -> None:
        try:
            self._unsent = self._unsent[os.write(file, self._unsent[:_CHUNK]) :]
        except BlockingIOError:
            return
        except BrokenPipeError:
            self._unsent = memoryview(b"")
        if not self._unsent:
            self._forget(file)
            os.close(self._child.files.pop("code"))

    def _read(self, file: int, name: str) -> bool:
        """Take what one pipe holds, as far as there is room for it; whether there may be more to take."""
        most = self._limits.claim_bytes if name == "claim" else self._limits.output_bytes
        try:
            part = os.read(file, _CHUNK)
        except BlockingIOError:
            return False
        if not part:
            self._forget(file)
            return False
        kept = self._read_so_far[name]
        room = most - len(kept)
        kept += part[:room]
        if len(part) > room:
            if name == "claim":
                kept.clear()  # as much of it as was allowed might be a frame of its own
            self._kill("claim" if name == "claim" else "output")
        return len(part) <= room

    def _leaves(self, listener: int) -> None:
        """The program exits, and all it had to say is in the pipes: do not wait until it is taken apart.

        What it said is read before it is let go, so that nobody leaves who is over a limit: it is killed.
        """
        self._drain()
        if self._killed:
            self._forget(listener)
            return
        left = notice.let_go(listener)
        if left is None:
            return
        self._take_over(exit_status=left.status, signal_number=None, cpu_seconds=left.cpu_seconds)
        self._drain()
        for file in list(self._names):
            self._forget(file)

    def _drain(self) -> None:
        for file, name in list(self._names.items()):
            while name in self._read_so_far and self._read(file, name):
                pass

    def _ended(self, file: int) -> None:
        """The fork server says how the run ended: take over what the kernel told it."""
        report = self._child.read_status()
        self._forget(file)
        if "exit_status" not in report:
            raise ServerDied("the fork server is gone")
        self._take_over(
            exit_status=report["exit_status"], signal_number=report["signal"], cpu_seconds=report["cpu_seconds"]
        )

    def _take_over(self, *, exit_status: int | None, signal_number: int | None, cpu_seconds: float) -> None:
        ending = self._ending
        ending.seconds = time.monotonic() - self._started
        ending.exit_status, ending.signal, ending.cpu_seconds = exit_status, signal_number, cpu_seconds
        if ending.limit is None and _used_up_the_processor(ending, self._limits):
            ending.limit = "cpu"

    def _time_is_up(self) -> None:
        """First the warning, then the kill, then the end of our patience with the jail."""
        if self._killed:
            raise ServerDied("a run could not be killed")
        if self._warned:
            self._kill("wall")
            return
        self._warned = True
        self._ending.limit = "wall"
        self._next_step = time.monotonic() + self._limits.grace_seconds
        self._child.warn()

    def _kill(self, limit: str | None) -> None:
        if self._killed:
            return
        self._killed = True
        self._ending.limit = self._ending.limit or limit
        self._next_step = time.monotonic() + REPORT_SECONDS
        self._child.kill()

    def _follow(self, file: int, name: str, events: int) -> None:
        self._names[file] = name
        self._poll.register(file, events)

    def _forget(self, file: int) -> None:
        self._poll.unregister(file)
        del self._names[file]


def _used_up_the_processor(ending: Ending, limits: Limits) -> bool:
    """Whether it used as much of the processor as it may: as measured, whatever ended it.

    The kernel's kill comes a second after its warning. It counts in ticks, so that the exact time that it
    reports afterwards may be shorter.
    """
    killed = ending.signal in (signal.SIGXCPU, signal.SIGKILL)
    return ending.cpu_seconds >= (NEARLY_ALL if killed else 1) * limits.cpu_seconds


def abnormal(ending: Ending) -> bool:
    """Whether a run ended as no honest one does: by a signal, a kill, another status than 0, or without one whole report.

    Then its fork server is replaced. An honest run that is warned of the clock reports and leaves in time.
    """
    left = ending.signal is None and ending.exit_status == 0 and ending.limit not in ("output", "claim")
    return not ending.cancelled and not (left and is_whole(ending.claim))
