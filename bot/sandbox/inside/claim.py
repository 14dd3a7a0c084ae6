"""Makes the one frame of what a run claims: as much as fits, and how it ended in any case."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

#: A frame is its length, big-endian, and that many bytes of JSON.
LENGTH_BYTES = 4
#: So many always fit.
FEW_EVENTS = 100
#: What is given up when there is no room, the least needed first.
_SPARED = ("prints", "echoes", "warnings", "loops", "line", "torch")


def frame(claim: dict[str, Any], *, most: int) -> bytes:
    """The frame of this claim, with less and less in it until it fits into `most` bytes and is JSON."""
    for less in _ever_less(_sendable(claim)):
        body = _written(less)
        if body is not None and len(body) + LENGTH_BYTES <= most:
            return len(body).to_bytes(LENGTH_BYTES, "big") + body
    raise ValueError(f"no claim fits into {most} bytes")


def cut(text: str, most: int) -> str:
    """The first `most` characters, as a plain string whatever kind of string a program made."""
    return str.__getitem__(text, slice(most))


def _sendable(claim: dict[str, Any]) -> dict[str, Any]:
    """The claim without the fields that are no JSON: programs put the strangest things into place."""
    if _written(claim) is not None:
        return claim
    return {name: value for name, value in claim.items() if _written({name: value}) is not None}


def _ever_less(claim: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield claim
    tape: dict[str, Any] = claim.get("tape") or {"events": []}
    while len(tape["events"]) > FEW_EVENTS:
        tape = _half(tape)
        claim = {**claim, "tape": tape}
        yield claim
    for name in ("tape", *_SPARED):
        claim = {kept: value for kept, value in claim.items() if kept != name}
        yield claim
    error: dict[str, Any] = claim.get("error") or {"message": ""}
    message = error["message"]
    while message:
        message = cut(message, len(message) // 2)
        yield {"error": {"type": cut(error["type"], 200), "message": message, "line": error["line"]}}


def _half(tape: dict[str, Any]) -> dict[str, Any]:
    """The first half of a tape: a cut one says more than none."""
    kept = len(tape["events"]) // 2
    bindings = [row for row in tape["bindings"] if row[0] <= kept]
    return {**tape, "events": tape["events"][:kept], "bindings": bindings, "cut": True}


def _written(claim: dict[str, Any]) -> bytes | None:
    try:
        return json.dumps(claim, allow_nan=False, ensure_ascii=False).encode(errors="replace")
    except (ValueError, TypeError, RecursionError, MemoryError):
        return None
