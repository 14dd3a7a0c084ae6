"""The sandbox as a service of its own, over a Unix socket: for containers, where the bot has no rights.

One connection is one run. Both sides send one frame (see `claims.py`): the order goes in, what was
observed comes out. The service parses no claim; the bot does, as it does with a sandbox of its own.
A connection that is closed early cancels its run.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from bot.domain.run import Facts, Limits, Run
from bot.errors import SandboxBroken, SandboxBusy, SandboxError, SandboxUnavailable
from bot.sandbox import NumericOrder, Order
from bot.sandbox.child import readable
from bot.sandbox.claims import LENGTH_BYTES, BadClaim, parse_frame
from bot.sandbox.client import LARGEST_CLAIM, JailedSandbox
from bot.sandbox.self_attack import Finding
from bot.sandbox.ticket import Observed, Ticket, told

LARGEST_ORDER = 4 << 20
LARGEST_ANSWER = 2 * LARGEST_CLAIM + (4 << 20)
CONNECT_SECONDS = 5.0
#: How long either side may take to send a frame it has begun.
FRAME_SECONDS = 10.0
#: Beyond the run's own limit: waiting in the queue, and a fork server that is replaced.
ANSWER_SECONDS = 600.0
_POLL_SECONDS = 0.5
Value = TypeVar("Value")
_ERRORS = {kind.__name__: kind for kind in (SandboxUnavailable, SandboxBroken, SandboxBusy, SandboxError)}


class SandboxServer:
    """Serves a sandbox over a Unix socket until it is stopped."""

    def __init__(self, sandbox: JailedSandbox, path: Path) -> None:
        """Listen at `path`. Raises `SandboxUnavailable` when that is not possible."""
        self._sandbox = sandbox
        self._path = path
        self._stopped = threading.Event()
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
                    connection, _ = self._socket.accept()
                    threading.Thread(target=self._answer, args=(connection,), daemon=True).start()
        finally:
            self._socket.close()
            self._path.unlink(missing_ok=True)

    def stop(self) -> None:
        """Make `serve` return. May be called from a signal handler."""
        self._stopped.set()

    def _answer(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):  # who hung up gets no answer
            try:
                request = parse_frame(_receive(connection, most=LARGEST_ORDER), most=LARGEST_ORDER)
                answer = self._answered(request, connection)
            except BadClaim as error:
                answer = {"error": "SandboxError", "message": f"not an order: {error}"}
            except SandboxError as error:
                answer = {"error": type(error).__name__, "message": str(error)}
            connection.settimeout(FRAME_SECONDS)
            _send(connection, answer)

    def _answered(self, request: Mapping[str, Any], connection: socket.socket) -> dict[str, Any]:
        if request.get("about") is True:
            return {"findings": [asdict(finding) for finding in self._sandbox.findings]}
        ticket = self._sandbox.submit(read_order(request))
        observed = _unless_closed(ticket, connection)
        return {
            "facts": asdict(observed.facts),
            **{
                name: base64.b64encode(getattr(observed, name)).decode("ascii")
                for name in ("stdout", "stderr", "frame")
            },
        }


class RemoteSandbox:
    """The same as `JailedSandbox`, in another process or container. A context manager."""

    def __init__(self, path: Path) -> None:
        """Raises `SandboxUnavailable` when nobody answers at `path`."""
        self._path = path
        self._about = self._asked({"about": True})

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What the service's attacks on itself saw when it started."""
        return _guarded(lambda about: tuple(Finding(**row) for row in about["findings"]), self._about)

    def run(self, order: Order) -> Run:
        """Run `order.code` alone in a fresh process and report what happened. See `Sandbox`."""
        return told(self.observe(order), order)

    def observe(self, order: Order) -> Observed:
        """As `run`, without reading what the program says of itself."""
        return _guarded(_observed, self._asked(asdict(order)))

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
                _send(connection, request)
                connection.settimeout(ANSWER_SECONDS)
                answer = parse_frame(_receive(connection, most=LARGEST_ANSWER), most=LARGEST_ANSWER)
            except (OSError, BadClaim) as error:
                raise SandboxUnavailable(
                    f"the sandbox service at {self._path} does not answer: {error}."
                    " Start it with `autograd-bot sandbox serve`, or clear sandbox.socket."
                ) from error
        if "error" in answer:
            kind = _ERRORS.get(str(answer["error"]), SandboxError)
            raise kind(str(answer.get("message", "")))
        return answer


def read_order(request: Mapping[str, Any]) -> Order:
    """The order that a request describes. Raises `SandboxError` when it is not one."""
    return _guarded(_order, request)


def _guarded(read: Callable[[Mapping[str, Any]], Value], fields: Mapping[str, Any]) -> Value:
    try:
        return read(fields)
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        raise SandboxError(f"the other side of the sandbox's socket has another version: {error}") from error


def _order(request: Mapping[str, Any]) -> Order:
    limits, numeric = request["limits"], request["numeric"]
    return Order(
        code=str(request["code"]),
        tape=request["tape"] is True,
        seed=int(request["seed"]),
        limits=Limits(**{name: type(getattr(Limits(), name))(limits[name]) for name in asdict(Limits())}),
        numeric=None
        if numeric is None
        else replace(NumericOrder(**numeric), held_lines=tuple(numeric["held_lines"]), wanted=tuple(numeric["wanted"])),
        loop_passes=None if request["loop_passes"] is None else int(request["loop_passes"]),
    )


def _observed(answer: Mapping[str, Any]) -> Observed:
    facts = dict(answer["facts"])
    facts["layers"] = tuple(facts["layers"])
    return Observed(
        facts=Facts(**facts),
        stdout=base64.b64decode(answer["stdout"]),
        stderr=base64.b64decode(answer["stderr"]),
        frame=base64.b64decode(answer["frame"]),
    )


def _unless_closed(ticket: Ticket, connection: socket.socket) -> Observed:
    """The result of a ticket; it is cancelled when its connection is closed meanwhile."""
    while True:
        try:
            return ticket.result(seconds=_POLL_SECONDS)
        except TimeoutError:
            if readable(connection.fileno(), seconds=0):
                ticket.cancel()


def _send(connection: socket.socket, value: Mapping[str, Any]) -> None:
    body = json.dumps(value, ensure_ascii=False).encode(errors="replace")
    connection.sendall(len(body).to_bytes(LENGTH_BYTES, "big") + body)


def _receive(connection: socket.socket, *, most: int) -> bytes:
    """One frame, its length included; what is longer than `most` is not read to its end."""
    head = _exactly(connection, LENGTH_BYTES)
    length = int.from_bytes(head, "big")
    return head if length > most else head + _exactly(connection, length)


def _exactly(connection: socket.socket, count: int) -> bytes:
    parts = []
    while count > 0 and (part := connection.recv(min(count, 1 << 20))):
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def _remove_stale(path: Path) -> None:
    """Remove a socket that nobody listens at."""
    if not path.is_socket():
        return
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
