"""The driver's side of one fork server: boots it, asks it for children, and watches one run at a time.

Everything said about a run's end is seen from here: the clock, the bytes of output, and the exit status
that the fork server got from the kernel. The descriptors of a run are made here and handed
in, so no byte of a snippet passes the fork server.
"""

from __future__ import annotations

import array
import contextlib
import json
import os
import select
import signal
import socket
import struct
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.domain.run import Limits
from bot.errors import SandboxUnavailable
from bot.sandbox import cgroup, jail

BOOT_SECONDS = 60.0
#: How long a child may take to lock itself in.
PREPARE_SECONDS = 10.0
#: Between the warning at the wall limit, on which the program may report how far it came, and the kill.
GRACE_SECONDS = 0.3
#: How long the fork server may take to report an end that was forced.
REPORT_SECONDS = 5.0
FOLDER_BYTES = 16 << 20
FOLDER_INODES = 1000
_CHUNK = 1 << 16
_CREDENTIALS = struct.Struct("iII")  #: struct ucred: pid, uid, gid


class ServerDied(Exception):
    """The fork server is gone, or did not keep to the protocol."""


@dataclass(slots=True)
class Ending:
    """What was seen of one run."""

    exit_status: int | None = None
    signal: int | None = None
    limit: str | None = None
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_kib: int = 0
    stdout: bytes = b""
    stderr: bytes = b""
    claim: bytes = b""
    cancelled: bool = False


class ForkServer:
    """One jail with torch imported. Used by one thread, the one that made it."""

    def __init__(self, made_of: jail.Parts, *, uid: int, memory_mib: int) -> None:
        """Start booting; `wait_until_ready` waits for the end of it. A run may take `memory_mib`."""
        self._jail = jail.launch(made_of, uid=uid)
        self._group = cgroup.make(memory_bytes=cgroup.SERVER_BYTES + (memory_mib << 20))
        self.ready = False

    @property
    def memory_enforced_by(self) -> str:
        """What keeps a run from taking more memory than it may."""
        return "rlimit_as" if self._group is None else "rlimit_as, cgroup"

    @property
    def pid(self) -> int:
        """The outermost process of the jail."""
        return self._jail.process.pid

    def wait_until_ready(self, *, seconds: float = BOOT_SECONDS) -> None:
        """Return when torch is imported. Raises `SandboxUnavailable` with what the jail complained of."""
        if self.ready:
            return
        until = time.monotonic() + seconds
        self._into_the_group(self._hear(until))
        self._jail.control.send(b"go")
        self._hear(until)
        self.ready = True

    def prepare(self, limits: Limits, *, ahead: bool = False) -> Child:
        """Ask for a child under these limits. It is usable at once; it locks itself in meanwhile.

        One that is made `ahead` of its order uses the time to touch what every program touches.
        """
        child = Child(limits)
        try:
            self._jail.control.sendmsg(
                [json.dumps(_request(limits, ahead=ahead)).encode()],
                [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", child.theirs()))],
            )
        except OSError as error:
            child.close()
            raise ServerDied(f"the fork server is gone: {error}") from error
        child.handed_over()
        return child

    def run(self, child: Child, order: bytes, *, limits: Limits, cancelled: int | None = None) -> Ending:
        """Hand the order to a child that this server made, and watch the run to its end."""
        kills = 0 if self._group is None else self._group.kills()
        ending = child.run(order, limits=limits, cancelled=cancelled)
        if ending.signal == signal.SIGKILL and ending.limit is None and self._group is not None:
            ending.limit = "memory" if self._group.kills() > kills else None
        return ending

    def close(self) -> None:
        """End the jail and everything in it."""
        self._jail.close()
        if self._group is not None:
            self._group.remove()

    def _into_the_group(self, pid: int) -> None:
        if self._group is not None:
            try:
                self._group.add(pid)
            except OSError:  # it may be made and not be entered: then there is none
                self._group.remove()
                self._group = None

    def _hear(self, until: float) -> int:
        """Wait for the fork server's next message; its process id, as the kernel gives it."""
        control = self._jail.control
        control.settimeout(max(until - time.monotonic(), 0.001))
        message = b""
        with contextlib.suppress(OSError):  # hung up, or silent for too long: then it has complained
            message, ancillary, _, _ = control.recvmsg(4096, socket.CMSG_SPACE(_CREDENTIALS.size))
        if not message:
            self._jail.process.kill()
            self._jail.process.wait()
            raise SandboxUnavailable(explained(self._jail.complaint()))
        control.settimeout(None)
        pid, _, _ = _CREDENTIALS.unpack(ancillary[0][2])
        return int(pid)


@dataclass(slots=True)
class Child:
    """One locked-down process that waits for an order, and the ends of its pipes that are ours."""

    limits: Limits
    _ours: dict[str, int] = field(default_factory=dict)
    _theirs: list[int] = field(default_factory=list)
    _handles: list[int] = field(default_factory=list)
    _ready: bool = False

    def __post_init__(self) -> None:
        try:
            for name in ("code", "stdout", "stderr", "claim"):
                reading, writing = os.pipe2(os.O_CLOEXEC)
                mine, other = (writing, reading) if name == "code" else (reading, writing)
                self._ours[name] = mine
                self._theirs.append(other)
            status, other_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            self._ours["status"] = status.detach()
            self._theirs.append(other_end.detach())
        except OSError:
            self.close()
            raise

    def theirs(self) -> list[int]:
        """The ends that go into the jail."""
        return self._theirs

    def handed_over(self) -> None:
        """Close our copies of the ends that went into the jail: the pipes end when it does."""
        while self._theirs:
            os.close(self._theirs.pop())

    def close(self) -> None:
        """Give up the child. It ends when it finds its pipe empty; if it runs, it is killed."""
        self.kill()
        self.handed_over()
        for file in [*self._ours.values(), *self._handles]:
            os.close(file)
        self._ours.clear()
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
        """Return when the child is locked in. Raises `ServerDied` when a layer could not be put on."""
        until = time.monotonic() + PREPARE_SECONDS
        while not self._ready or len(self._handles) < 2:  # the child says the one, the server sends the other
            if not select.select([self._ours["status"]], [], [], max(0.0, until - time.monotonic()))[0]:
                raise ServerDied("a child did not become ready")
            report = self._status()
            if "ready" not in report and "handles" not in report:
                raise ServerDied(f"a child could not be locked in: {report.get('failed', 'no report')}")
            self._ready = self._ready or "ready" in report

    def run(self, order: bytes, *, limits: Limits, cancelled: int | None = None) -> Ending:
        """Hand the order over and watch the run to its end.

        `limits` gives the wall clock and the bytes; the others were put on when the child was made.
        `cancelled` is a descriptor that becomes readable when nobody wants the run any more.
        """
        self.wait_until_ready()
        if select.select([self._ours["status"]], [], [], 0)[0]:
            raise ServerDied("a child ended before it was given anything")
        return _Watch(self, order, limits=limits, cancelled=cancelled).to_the_end()

    def _status(self) -> dict[str, Any]:
        connection = socket.socket(fileno=os.dup(self._ours["status"]))
        with connection:
            message, ancillary, _, _ = connection.recvmsg(4096, socket.CMSG_SPACE(8), socket.MSG_CMSG_CLOEXEC)
        for level, kind, data in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                self._handles.extend(array.array("i", data))
        if not message:
            return {}
        found = json.loads(message)
        return found if isinstance(found, dict) else {}

    @staticmethod
    def _signal(number: signal.Signals, handles: list[int]) -> None:
        for handle in handles:
            with contextlib.suppress(ProcessLookupError):  # it has ended
                signal.pidfd_send_signal(handle, number)


class _Watch:
    """One run while it lasts: a loop over the pipes, the clock and the status socket."""

    def __init__(self, child: Child, order: bytes, *, limits: Limits, cancelled: int | None) -> None:
        self._child = child
        self._limits = limits
        self._cancelled = cancelled
        self._unsent = memoryview(order)
        self._parts: dict[str, list[bytes]] = {"stdout": [], "stderr": [], "claim": []}
        self._sizes = {"stdout": 0, "stderr": 0, "claim": 0}
        self._most = {
            "stdout": limits.output_bytes,
            "stderr": limits.output_bytes,
            "claim": limits.claim_bytes,
        }
        self._ending = Ending()
        self._poll = select.poll()
        self._names: dict[int, str] = {}
        self._started = 0.0
        self._next_step = 0.0
        self._warned = False

    def to_the_end(self) -> Ending:
        """Watch until the end was reported and all output is read."""
        files = self._child._ours
        for name, file in files.items():
            os.set_blocking(file, False)
            self._names[file] = name
            self._poll.register(file, select.POLLOUT if name == "code" else select.POLLIN)
        if self._cancelled is not None:
            self._names[self._cancelled] = "cancelled"
            self._poll.register(self._cancelled, select.POLLIN)
        self._started = time.monotonic()
        self._next_step = self._started + self._limits.seconds
        while any(name != "cancelled" for name in self._names.values()):
            for file, _ in self._poll.poll(max(0.0, self._next_step - time.monotonic()) * 1000):
                self._happened(file, self._names.get(file))
            if time.monotonic() >= self._next_step:
                self._time_is_up()
        self._ending.stdout = b"".join(self._parts["stdout"])
        self._ending.stderr = b"".join(self._parts["stderr"])
        self._ending.claim = b"".join(self._parts["claim"])
        return self._ending

    def _happened(self, file: int, name: str | None) -> None:
        match name:
            case "code":
                self._send(file)
            case "status":
                self._ended(file)
            case "cancelled":
                self._ending.cancelled = True
                self._forget(file)
                self._stop(None)
            case "stdout" | "stderr" | "claim":
                self._read(file, name)
            case _:
                pass  # an event of a descriptor that an earlier one in this round ended

    def _send(self, file: int) -> None:
        try:
            if self._unsent:
                self._unsent = self._unsent[os.write(file, self._unsent[:_CHUNK]) :]
        except BlockingIOError:
            return
        except BrokenPipeError:
            self._unsent = memoryview(b"")
        if not self._unsent:
            self._forget(file)
            os.close(self._child._ours.pop("code"))

    def _read(self, file: int, name: str) -> None:
        try:
            part = os.read(file, _CHUNK)
        except BlockingIOError:
            return
        if not part:
            self._forget(file)
            return
        room = self._most[name] - self._sizes[name]
        self._sizes[name] += len(part)
        if room > 0:
            self._parts[name].append(part[:room])
        if len(part) > room:
            self._stop("claim" if name == "claim" else "output")

    def _ended(self, file: int) -> None:
        """The fork server says how the run ended: take over what the kernel told it."""
        report = self._child._status()
        self._forget(file)
        if "exit_status" not in report:
            raise ServerDied("the fork server is gone")
        ending = self._ending
        ending.seconds = time.monotonic() - self._started
        ending.exit_status, ending.signal = report["exit_status"], report["signal"]
        ending.cpu_seconds, ending.peak_kib = report["cpu_seconds"], report["peak_kib"]
        if ending.limit is None and ending.signal is not None and _hit_cpu_limit(ending, self._limits):
            ending.limit = "cpu"

    def _time_is_up(self) -> None:
        """First the warning, then the kill, then the end of our patience with the jail."""
        now = time.monotonic()
        if self._ending.limit in ("output", "claim") or self._ending.cancelled or self._warned_and_killed():
            raise ServerDied("a run could not be killed")
        if not self._warned:
            self._warned = True
            self._ending.limit = "wall"
            self._next_step = now + GRACE_SECONDS
            self._child.warn()
        else:
            self._stop("wall")

    def _warned_and_killed(self) -> bool:
        return self._warned and self._limits_over

    _limits_over = False

    def _stop(self, limit: str | None) -> None:
        if self._ending.limit is None:
            self._ending.limit = limit
        self._limits_over = True
        self._next_step = time.monotonic() + REPORT_SECONDS
        self._child.kill()

    def _forget(self, file: int) -> None:
        self._poll.unregister(file)
        del self._names[file]


def explained(complaint: str) -> str:
    """What bubblewrap's complaint means, and what to do about it."""
    text = f"the jail could not be made. bubblewrap said: {complaint or 'nothing'}."
    if "namespace" in complaint or "Operation not permitted" in complaint or "uid map" in complaint:
        text += (
            " User namespaces are not allowed here. Debian: `sysctl kernel.unprivileged_userns_clone=1`;"
            " Ubuntu 24.04: an AppArmor profile for bwrap; Docker: the seccomp profile in docker/."
            " docs/security.md has each in full."
        )
    return text


def _request(limits: Limits, *, ahead: bool) -> dict[str, int | bool]:
    return {
        "ahead": ahead,
        "cpu_seconds": limits.cpu_seconds,
        "memory_bytes": limits.memory_mib << 20,
        "folder_bytes": FOLDER_BYTES,
        "folder_inodes": FOLDER_INODES,
    }


def _hit_cpu_limit(ending: Ending, limits: Limits) -> bool:
    over = ending.cpu_seconds >= limits.cpu_seconds - 0.05
    return ending.signal == signal.SIGXCPU or (ending.signal == signal.SIGKILL and over)
