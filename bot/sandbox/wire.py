"""What goes over the sandbox's socket: one frame each way, an order in and what was observed out."""

from __future__ import annotations

import base64
import binascii
import json
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import Any, TypeVar

from bot.domain.run import Facts, Limits
from bot.errors import SandboxError
from bot.sandbox import NumericOrder, Order
from bot.sandbox.claims import LENGTH_BYTES
from bot.sandbox.self_attack import Finding
from bot.sandbox.ticket import Observed

Value = TypeVar("Value")


def read_order(request: Mapping[str, Any]) -> Order:
    """The order that a request describes. Raises `SandboxError` when it is not one."""
    return _guarded(_order, request)


def read_observed(answer: Mapping[str, Any]) -> Observed:
    """What the service saw of a run. Raises `SandboxError` when its answer says no such thing."""
    return _guarded(_observed, answer)


def read_findings(about: Mapping[str, Any]) -> tuple[Finding, ...]:
    """What the service's attacks on itself saw. Raises `SandboxError` when its answer says no such thing."""
    return _guarded(lambda about: tuple(Finding(**row) for row in about["findings"]), about)


def observed_record(observed: Observed) -> dict[str, Any]:
    """What was observed, for `read_observed` on the other side."""
    encoded = {
        name: base64.b64encode(getattr(observed, name)).decode("ascii") for name in ("stdout", "stderr", "frame")
    }
    return {"facts": asdict(observed.facts), **encoded}


def send(connection: socket.socket, value: Mapping[str, Any]) -> None:
    """Send one frame, within the connection's own time limit."""
    connection.sendall(frame_of(value))


def frame_of(value: Mapping[str, Any]) -> bytes:
    """The value as one frame."""
    body = json.dumps(value, ensure_ascii=False).encode(errors="replace")
    return len(body).to_bytes(LENGTH_BYTES, "big") + body


def receive(connection: socket.socket, *, most: int, seconds: float) -> bytes:
    """One frame, its length included; what is longer than `most` is not read to its end.

    Raises `TimeoutError` when it has not arrived whole after `seconds`, however steadily it trickles.
    """
    until = time.monotonic() + seconds
    head = _exactly(connection, LENGTH_BYTES, until)
    length = int.from_bytes(head, "big")
    return head if length > most else head + _exactly(connection, length, until)


def _exactly(connection: socket.socket, count: int, until: float) -> bytes:
    parts = []
    while count > 0:
        left = until - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        connection.settimeout(left)
        part = connection.recv(min(count, 1 << 20))
        if not part:
            break
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


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
