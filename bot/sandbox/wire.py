"""What goes over the sandbox's socket: one frame each way, an order in and what was observed out."""

from __future__ import annotations

import base64
import json
import socket
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, fields
from typing import Any, TypeVar

from bot.domain.run import Facts, Limits
from bot.errors import SandboxBroken, SandboxError
from bot.sandbox import NumericOrder, Order
from bot.sandbox.claims import LENGTH_BYTES
from bot.sandbox.fields import clean
from bot.sandbox.self_attack import Finding
from bot.sandbox.ticket import Observed

#: What an order asks for beyond these is no order, and what an answer says beyond these is no answer.
LONGEST_WORD = 200
MOST_WORDS = 64
LONGEST_SECONDS = 86_400.0
LIMITS = (None, "wall", "cpu", "memory", "output", "claim")

Value = TypeVar("Value")


def request_record(order: Order, *, client: str) -> dict[str, Any]:
    """An order and who gives it, for `read_request` on the other side."""
    return asdict(order) | {"client": client}


def read_request(request: Mapping[str, Any]) -> tuple[Order, str]:
    """The order that a request describes, and its client. Raises `SandboxError` when it is no such thing."""
    try:
        return _order(request), _text(request["client"])
    except (KeyError, TypeError, ValueError) as error:
        raise SandboxError(f"the other side of the sandbox's socket has another version: {error}") from error


def read_observed(answer: Mapping[str, Any]) -> Observed:
    """What the service saw of a run: every field, each of its own kind and within its bounds, and no other.

    Raises `SandboxBroken` when the answer is anything else.
    """
    return _strictly(_observed, answer)


def read_findings(about: Mapping[str, Any]) -> tuple[Finding, ...]:
    """What the service's attacks on itself saw. Raises `SandboxBroken` when its answer says no such thing."""
    return _strictly(_findings, about)


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


def _strictly(read: Callable[[Mapping[str, Any]], Value], answer: Mapping[str, Any]) -> Value:
    try:
        return read(answer)
    except (KeyError, TypeError, ValueError) as error:
        raise SandboxBroken(
            f"the sandbox's service gave an answer that is none: {error}."
            " Start the bot and the service from the same version of the program."
        ) from error


def _order(request: Mapping[str, Any]) -> Order:
    order = _fields(request, [*(field.name for field in fields(Order)), "client"])
    limits, numeric = order["limits"], order["numeric"]
    return Order(
        code=_text(order["code"], most=None),
        tape=_flag(order["tape"]),
        seed=_whole(order["seed"], -(2**63), 2**64),
        limits=Limits(**_limits(limits)),
        numeric=None if numeric is None else _numeric(numeric),
        loop_passes=None if order["loop_passes"] is None else _whole(order["loop_passes"], 1, 2**31),
    )


def _limits(found: Any) -> dict[str, Any]:
    usual = asdict(Limits())
    limits = _fields(found, usual)
    return {
        name: _seconds(limits[name]) if isinstance(usual[name], float) else _whole(limits[name], 0, 2**40)
        for name in usual
    }


def _numeric(found: Any) -> NumericOrder:
    numeric = _fields(found, [field.name for field in fields(NumericOrder)])
    return NumericOrder(
        held_lines=tuple(_whole(line, 0, 2**31) for line in _list(numeric["held_lines"], most=None)),
        wanted=tuple(_text(name, most=None) for name in _list(numeric["wanted"], most=None)),
        directions=_whole(numeric["directions"], 1, 1000),
        epsilon=_seconds(numeric["epsilon"]),
    )


def _observed(answer: Mapping[str, Any]) -> Observed:
    sent = _fields(answer, ("facts", "stdout", "stderr", "frame"))
    stdout, stderr, frame = (base64.b64decode(_text(sent[name], most=None), validate=True) for name in list(sent)[1:])
    facts = _facts(sent["facts"])
    if (facts.stdout_bytes, facts.stderr_bytes) != (len(stdout), len(stderr)):
        raise ValueError("it counts other bytes than it sends")
    return Observed(facts=facts, stdout=stdout, stderr=stderr, frame=frame)


def _facts(found: Any) -> Facts:
    facts = _fields(found, [field.name for field in fields(Facts)])
    if facts["limit"] not in LIMITS:
        raise ValueError("there is no such limit")
    if None not in (facts["exit_status"], facts["signal"]):
        raise ValueError("a run ends by its exit or by a signal")
    return Facts(
        exit_status=None if facts["exit_status"] is None else _whole(facts["exit_status"], 0, 255),
        signal=None if facts["signal"] is None else _whole(facts["signal"], 1, 64),
        limit=facts["limit"],
        seconds=_seconds(facts["seconds"]),
        cpu_seconds=_seconds(facts["cpu_seconds"]),
        stdout_bytes=_whole(facts["stdout_bytes"], 0, 2**40),
        stderr_bytes=_whole(facts["stderr_bytes"], 0, 2**40),
        layers=tuple(_text(layer) for layer in _list(facts["layers"])),
        memory_enforced_by=_text(facts["memory_enforced_by"]),
    )


def _findings(about: Mapping[str, Any]) -> tuple[Finding, ...]:
    rows = [_fields(row, ("name", "held", "saw")) for row in _list(_fields(about, ("findings",))["findings"])]
    return tuple(
        Finding(name=_text(row["name"]), held=_flag(row["held"]), saw=clean(_text(row["saw"], most=2000)))
        for row in rows
    )


def _fields(found: Any, names: Iterable[str]) -> dict[str, Any]:
    """The fields of an object that has these and no others, in this order."""
    wanted = list(names)
    if not isinstance(found, dict) or found.keys() != set(wanted):
        raise ValueError(f"it does not have exactly the fields {', '.join(wanted)}")
    return {name: found[name] for name in wanted}


def _list(found: Any, *, most: int | None = MOST_WORDS) -> list[Any]:
    if not isinstance(found, list) or (most is not None and len(found) > most):
        raise ValueError("it has no list, or a longer one, where one belongs")
    return found


def _text(found: Any, *, most: int | None = LONGEST_WORD) -> str:
    """A text; a bounded one is shown to people, and holds nothing that a terminal obeys."""
    if not isinstance(found, str) or (most is not None and (len(found) > most or clean(found) != found)):
        raise ValueError("it has no text, or a longer or stranger one, where one belongs")
    return found


def _flag(found: Any) -> bool:
    if not isinstance(found, bool):
        raise ValueError("it has no true or false where one belongs")
    return found


def _whole(found: Any, least: int, most: int) -> int:
    if not isinstance(found, int) or isinstance(found, bool) or not least <= found <= most:
        raise ValueError(f"it has no whole number from {least} to {most} where one belongs")
    return found


def _seconds(found: Any) -> float:
    if not isinstance(found, (int, float)) or isinstance(found, bool) or not 0 <= found <= LONGEST_SECONDS:
        raise ValueError(f"it has no number from 0 to {LONGEST_SECONDS:.0f} where one belongs")
    return float(found)
