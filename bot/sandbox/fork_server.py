"""The driver's side of one fork server: boots it, asks it for children, and runs one at a time.

Everything said about a run's end is seen from here: the clock, the bytes of output, and the exit status
that the fork server got from the kernel. The descriptors of a run are made here and handed in, so no
byte of a snippet passes the fork server.
"""

from __future__ import annotations

import array
import contextlib
import json
import signal
import socket
import struct

from bot.domain.run import Limits
from bot.errors import SandboxUnavailable
from bot.sandbox import cgroup, jail
from bot.sandbox.child import Child, ServerDied, readable
from bot.sandbox.watch import Ending, watch

BOOT_SECONDS = 60.0
FOLDER_BYTES = 16 << 20
FOLDER_INODES = 1000
_CREDENTIALS = struct.Struct("iII")  #: struct ucred: pid, uid, gid


class ForkServer:
    """One jail with torch imported. Used by one thread, the one that made it."""

    def __init__(self, made_of: jail.Parts, *, uid: int, memory_mib: int) -> None:
        """Start booting; `wait_until_ready` waits for the end of it. A run may take `memory_mib`."""
        self._group = cgroup.make(memory_bytes=cgroup.SERVER_BYTES + (memory_mib << 20))
        try:
            self._jail = jail.launch(made_of, uid=uid)
        except (SandboxUnavailable, OSError):
            if self._group is not None:
                self._group.remove()
            raise
        self.ready = False
        self._begun = False

    @property
    def memory_enforced_by(self) -> str:
        """What keeps a run from taking more memory than it may."""
        return "rlimit_as" if self._group is None else "rlimit_as, cgroup"

    @property
    def pid(self) -> int:
        """The outermost process of the jail."""
        return self._jail.process.pid

    def begin(self, *, seconds: float = BOOT_SECONDS) -> None:
        """Return when the jail stands, which takes a tenth of a second, and let it import by itself.

        Raises `SandboxUnavailable` with what the jail complained of.
        """
        self._into_the_group(self._hear(seconds))
        with contextlib.suppress(OSError):  # gone again: `wait_until_ready` hears why
            self._jail.control.send(b"go")
        self._begun = True

    def has_booted(self) -> bool:
        """Whether `wait_until_ready` would return, or raise, at once."""
        return self.ready or (self._begun and readable(self._jail.control.fileno(), seconds=0))

    def wait_until_ready(self, *, seconds: float = BOOT_SECONDS) -> None:
        """Return when torch is imported. Raises `SandboxUnavailable` with what the jail complained of."""
        if self.ready:
            return
        if not self._begun:
            self.begin(seconds=seconds)
        self._hear(seconds)
        self.ready = True

    def prepare(self, limits: Limits, *, ahead: bool = False) -> Child:
        """Ask for a child under these limits. It is usable at once; it locks itself in meanwhile.

        One that is made `ahead` of its order uses the time to touch what every program touches.
        """
        child = Child(limits)
        try:
            self._jail.control.sendmsg(
                [json.dumps(_request(limits, ahead=ahead)).encode()],
                [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", child.theirs))],
            )
        except OSError as error:
            child.close()
            raise ServerDied(f"the fork server is gone: {error}") from error
        child.handed_over()
        return child

    def run(self, child: Child, order: bytes, *, limits: Limits, cancelled: int | None = None) -> Ending:
        """Hand the order to a child that this server made, and watch the run to its end."""
        kills = 0 if self._group is None else self._group.kills()
        child.wait_until_ready()
        ending = watch(child, order, limits=limits, cancelled=cancelled)
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

    def _hear(self, seconds: float) -> int:
        """Wait for the fork server's next message; its process id, as the kernel gives it."""
        control = self._jail.control
        control.settimeout(seconds)
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
