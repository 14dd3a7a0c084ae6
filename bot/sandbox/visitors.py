"""Who is connected to the sandbox's service: so many at once, and the silent make room for those who ask."""

from __future__ import annotations

import contextlib
import resource
import socket
import threading

from bot.errors import SandboxBusy
from bot.sandbox.wire import frame_of

#: Beyond the places of the sandbox: for those who ask about it, and who is about to be told that it is full.
SPARE = 8
#: At most this share of our descriptors is for connections; the rest is for the runs.
SHARE = 4

_FULL = {"error": SandboxBusy.__name__, "message": str(SandboxBusy())}
_SILENT = {
    "error": SandboxBusy.__name__,
    "message": "The connection was silent and its place was needed. Connect when there is an order to send.",
}


def most_for(places: int) -> int:
    """How many connections a sandbox with so many places is served by."""
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(2, min(places + SPARE, descriptors // SHARE))


class Visitors:
    """The connections that are open, and which of them have not sent their order yet."""

    def __init__(self, *, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._here: set[socket.socket] = set()
        self._silent: dict[socket.socket, None] = {}  # the one that came first is first

    def admit(self, connection: socket.socket) -> bool:
        """Let a connection in; who was silent longest gives up its place if need be.

        False when everybody is at work: then this one is told so.
        """
        with self._lock:
            full = len(self._here) >= self._most
        if full and not self.send_one_away():
            self.send_away(connection)
            return False
        with self._lock:
            self._here.add(connection)
            self._silent[connection] = None
        return True

    def send_one_away(self) -> bool:
        """Tell who was silent longest to come back; False when nobody is silent."""
        with self._lock:
            connection = next(iter(self._silent), None)
            if connection is None:
                return False
            self._forget(connection)
            _tell(connection, _SILENT)
        return True

    def send_away(self, connection: socket.socket) -> None:
        """Tell this one that there is no room after all."""
        _tell(connection, _FULL)
        self.left(connection)

    def heard(self, connection: socket.socket) -> bool:
        """It is silent no longer. False when it was sent away meanwhile, and has been told so."""
        with self._lock:
            return self._silent.pop(connection, connection) is None

    def left(self, connection: socket.socket) -> None:
        """It was answered, or hung up."""
        with self._lock:
            self._forget(connection)

    def _forget(self, connection: socket.socket) -> None:
        self._silent.pop(connection, None)
        self._here.discard(connection)


def _tell(connection: socket.socket, answer: dict[str, str]) -> None:
    """Say a last word without waiting for anybody to take it; whoever reads from the connection finds its end."""
    with contextlib.suppress(OSError):
        connection.send(frame_of(answer), socket.MSG_DONTWAIT)
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
