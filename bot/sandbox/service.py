"""The sandbox as a service of its own, over a Unix socket: for containers, where the bot has no rights.

One connection is one run. Both sides send one frame (see `wire.py`): the order goes in, what was
observed comes out. The service parses no claim; the bot does, as it does with a sandbox of its own.
A connection that is closed early cancels its run; one that sends no order in time is closed.
"""

from __future__ import annotations

import contextlib
import secrets
import socket
import threading
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any

from bot.domain.run import Run
from bot.errors import SandboxBroken, SandboxBusy, SandboxError, SandboxUnavailable
from bot.sandbox import Order
from bot.sandbox.child import readable
from bot.sandbox.claims import BadClaim, parse_frame
from bot.sandbox.client import LARGEST_CLAIM, JailedSandbox
from bot.sandbox.fields import text
from bot.sandbox.self_attack import Finding
from bot.sandbox.ticket import Observed, Ticket, told
from bot.sandbox.visitors import Visitors, most_for
from bot.sandbox.wire import observed_record, read_findings, read_observed, read_request, receive, request_record, send

LARGEST_ORDER = 4 << 20
LARGEST_ANSWER = 2 * LARGEST_CLAIM + (4 << 20)
LONGEST_MESSAGE = 2000
CONNECT_SECONDS = 5.0
#: How long the whole order may take to arrive.
REQUEST_SECONDS = 5.0
#: How long the answer may take to be fetched.
FRAME_SECONDS = 10.0
#: Beyond the run's own limit: waiting in the queue, and a fork server that is replaced.
ANSWER_SECONDS = 600.0
#: Between two attempts to take a connection when this process has no descriptor for it.
BACK_OFF_SECONDS = 0.05
_POLL_SECONDS = 0.5
_ERRORS = {kind.__name__: kind for kind in (SandboxUnavailable, SandboxBroken, SandboxBusy, SandboxError)}


class SandboxServer:
    """Serves a sandbox over a Unix socket until it is stopped."""

    def __init__(
        self,
        sandbox: JailedSandbox,
        path: Path,
        *,
        most: int | None = None,
        request_seconds: float = REQUEST_SECONDS,
    ) -> None:
        """Listen at `path`; serve `most` connections at once, by default as many as the sandbox has places.

        Raises `SandboxUnavailable` when it cannot listen there.
        """
        self._sandbox = sandbox
        self._path = path
        self._stopped = threading.Event()
        self._visitors = Visitors(most=most_for(sandbox.places) if most is None else most)
        self._request_seconds = request_seconds
        self._socket = socket.socket(socket.AF_UNIX)
        try:
            _remove_stale(path)
            self._socket.bind(str(path))
            path.chmod(0o660)
            self._socket.listen(128)
        except OSError as error:
            self._socket.close()
            raise SandboxUnavailable(f"the sandbox cannot listen at {path}: {error}") from error

    def serve(self) -> None:
        """Answer connections, each in a thread, until `stop` is called."""
        try:
            while not self._stopped.is_set():
                if readable(self._socket.fileno(), seconds=_POLL_SECONDS):
                    self._welcome()
        finally:
            self._socket.close()
            self._path.unlink(missing_ok=True)

    def stop(self) -> None:
        """Make `serve` return. May be called from a signal handler."""
        self._stopped.set()

    def _welcome(self) -> None:
        """Take one connection, or tell it that there is no room."""
        try:
            connection, _ = self._socket.accept()
        except OSError:  # no descriptor is left, or it has gone again
            self._visitors.send_one_away()
            self._stopped.wait(BACK_OFF_SECONDS)
            return
        if not self._visitors.admit(connection):
            connection.close()
            return
        try:
            threading.Thread(target=self._serve_one, args=(connection,), daemon=True).start()
        except RuntimeError:  # no thread is left
            self._visitors.send_away(connection)
            connection.close()

    def _serve_one(self, connection: socket.socket) -> None:
        try:
            with connection, contextlib.suppress(OSError):  # who hung up gets no answer
                answer = self._answer(connection)
                if answer is not None:
                    connection.settimeout(FRAME_SECONDS)
                    send(connection, answer)
        finally:
            self._visitors.left(connection)

    def _answer(self, connection: socket.socket) -> dict[str, Any] | None:
        """What the connection is told; None when it was sent away before it had asked."""
        try:
            request = self._request(connection)
            return None if request is None else self._answered(request, connection)
        except BadClaim as error:
            return {"error": "SandboxError", "message": f"not an order: {error}"}
        except TimeoutError:
            return {"error": "SandboxError", "message": f"no whole order came within {self._request_seconds:g} s"}
        except SandboxError as error:
            return {"error": type(error).__name__, "message": str(error)}

    def _request(self, connection: socket.socket) -> Mapping[str, Any] | None:
        try:
            frame = receive(connection, most=LARGEST_ORDER, seconds=self._request_seconds)
        finally:
            expected = self._visitors.heard(connection)
        return parse_frame(frame, most=LARGEST_ORDER) if expected else None

    def _answered(self, request: Mapping[str, Any], connection: socket.socket) -> dict[str, Any]:
        if request.get("about") is True:
            return {"findings": [asdict(finding) for finding in self._sandbox.findings]}
        order, client = read_request(request)
        ticket = self._sandbox.submit(order, asker=client)
        return observed_record(_unless_closed(ticket, connection))


class RemoteSandbox:
    """The same as `JailedSandbox`, in another process or container. A context manager."""

    def __init__(self, path: Path) -> None:
        """Raises `SandboxUnavailable` when nobody answers at `path`."""
        self._path = path
        self._client = secrets.token_hex(8)  # clients take turns
        self._about = self._asked({"about": True})

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What the service's attacks on itself saw when it started."""
        return read_findings(self._about)

    def run(self, order: Order) -> Run:
        """Run `order.code` alone in a fresh process and report what happened. See `Sandbox`."""
        return told(self.observe(order), order)

    def observe(self, order: Order) -> Observed:
        """As `run`, without reading what the program says of itself."""
        return read_observed(self._asked(request_record(order, client=self._client)))

    def close(self) -> None:
        """Nothing is kept between runs."""

    def __enter__(self) -> RemoteSandbox:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    def _asked(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(CONNECT_SECONDS)
            try:
                connection.connect(str(self._path))
                with contextlib.suppress(BrokenPipeError):  # it has no room, and has said so
                    send(connection, request)
                frame = receive(connection, most=LARGEST_ANSWER, seconds=ANSWER_SECONDS)
                answer = parse_frame(frame, most=LARGEST_ANSWER)
            except (OSError, BadClaim) as error:
                raise SandboxUnavailable(
                    f"the sandbox service at {self._path} does not answer: {error}."
                    " Start it with `autograd-bot sandbox serve`, or clear sandbox.socket."
                ) from error
        if "error" in answer:
            kind = _ERRORS.get(str(answer["error"]), SandboxError)
            raise kind(text(answer.get("message"), LONGEST_MESSAGE) or "")
        return answer


def _unless_closed(ticket: Ticket, connection: socket.socket) -> Observed:
    """The result of a ticket; it is cancelled when its connection is closed meanwhile."""
    while True:
        try:
            return ticket.result(seconds=_POLL_SECONDS)
        except TimeoutError:
            if readable(connection.fileno(), seconds=0):
                ticket.cancel()


def _remove_stale(path: Path) -> None:
    """Remove a socket that nobody listens at."""
    if not path.is_socket():
        return
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
