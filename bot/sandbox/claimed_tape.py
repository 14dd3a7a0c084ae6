"""Reads the tape that a claim brings, field by field.

Nothing on it is longer than what `inside/` keeps: a longer list was made by nobody who tells what happened.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bot.domain.tape import (
    BackwardCall,
    Binding,
    Change,
    Clash,
    Event,
    NamedTensor,
    NonFinite,
    Tape,
    TensorState,
)
from bot.sandbox import fields

#: Events, failing calls that were only counted before among them, and of all of them those that differentiate.
MOST_EVENTS = 1600
MOST_DIFFERENTIATIONS = 200
MOST_BINDINGS = 1500
MOST_FINALS = 60
#: Tensors that one event shows on either side, their sizes and names.
MOST_STATES = 32
MOST_SIZES = 64
MOST_NAMES = 6
#: Of a differentiation: where it starts, what it reaches, and what it walks.
MOST_REACHED = 400
#: Nodes of the graph that one differentiation may be said to walk.
MOST_NODES = 2000
MOST_FRAMES = 9
MOST_CHANGES = 8


def tape(claim: Any) -> Tape | None:
    """The tape of a claim; None where there is none, or one with more on it than there can be."""
    if not isinstance(claim, Mapping) or _too_long(claim):
        return None
    rows = fields.rows(claim, "events", most=MOST_EVENTS)
    events = [_event(index, row) for index, row in enumerate(rows) if isinstance(row, Mapping)]
    return Tape(
        events=tuple(events),
        bindings=tuple(_bindings(claim)),
        finals=tuple(_finals(claim)),
        cut=claim.get("cut") is True,
    )


def _too_long(claim: Mapping[str, Any]) -> bool:
    longest = {"events": MOST_EVENTS, "bindings": MOST_BINDINGS, "finals": MOST_FINALS}
    if any(isinstance(rows := claim.get(name), list) and len(rows) > most for name, most in longest.items()):
        return True
    rows = fields.rows(claim, "events", most=MOST_EVENTS)
    return sum(isinstance(row, Mapping) and row.get("backward") is not None for row in rows) > MOST_DIFFERENTIATIONS


def _event(index: int, row: Mapping[str, Any]) -> Event:
    return Event(
        index=index,
        line=fields.whole(row.get("line")) or 0,
        op=fields.text(row.get("op"), 200) or "",
        inputs=tuple(_states(row.get("in"))),
        outputs=tuple(_states(row.get("out"))),
        grad_enabled=row.get("grad") is not False,
        inference=row.get("inference") is True,
        inplace=row.get("inplace") is True,
        error=fields.text(row.get("error"), 500),
        times=fields.whole(row.get("times")) or 1,
        backward=_backward(row.get("backward")),
        note=fields.text(row.get("note"), 200),
        stack=fields.wholes(row.get("stack"), most=MOST_FRAMES),
        node=fields.whole(row.get("node")),
        writes=fields.wholes(row.get("writes"), most=MOST_STATES),
        same=row.get("same") is True,
        clash=_clash(row.get("clash")),
        nonfinite=_nonfinite(row.get("nonfinite")),
    )


def _clash(row: Any) -> Clash | None:
    if not isinstance(row, Mapping):
        return None
    return Clash(
        **_made(row),
        changes=tuple(
            Change(
                line=fields.whole(change.get("line")) or 0,
                op=fields.text(change.get("op"), 200) or "",
                stack=fields.wholes(change.get("stack"), most=MOST_FRAMES),
            )
            for change in fields.rows(row, "changes", most=MOST_CHANGES)
            if isinstance(change, Mapping)
        ),
        serials=fields.wholes(row.get("serials"), most=MOST_CHANGES),
        names=fields.names(row.get("names"), most=MOST_NAMES),
        leaf=row.get("leaf") is True,
    )


def _nonfinite(row: Any) -> NonFinite | None:
    if not isinstance(row, Mapping):
        return None
    kind = "nan" if row.get("kind") == "nan" else "inf"
    return NonFinite(**_made(row), kind=kind, leaves=fields.wholes(row.get("leaves"), most=MOST_CHANGES))


def _made(row: Mapping[str, Any]) -> dict[str, Any]:
    """The node a claim speaks of, and the call that made it."""
    return {
        "node": fields.text(row.get("node"), 100) or "",
        "line": fields.whole(row.get("line")) or 0,
        "op": fields.text(row.get("op"), 200) or "",
        "stack": fields.wholes(row.get("stack"), most=MOST_FRAMES),
    }


def _backward(row: Any) -> BackwardCall | None:
    if not isinstance(row, Mapping):
        return None
    return BackwardCall(
        roots=fields.wholes(row.get("roots"), most=MOST_REACHED),
        inputs=fields.wholes(row.get("inputs"), most=MOST_REACHED),
        leaves=fields.wholes(row.get("leaves"), most=MOST_REACHED),
        nodes=fields.wholes(row.get("nodes"), most=MOST_NODES),
        held=fields.wholes(row.get("held"), most=MOST_REACHED),
        places=tuple(fields.wholes(place, most=MOST_FRAMES) for place in fields.rows(row, "places", most=MOST_NODES)),
        retain_graph=row.get("retain_graph") is True,
        create_graph=row.get("create_graph") is True,
        weights="given" if row.get("weights") == "given" else "none",
    )


def _states(rows: Any) -> Iterable[TensorState]:
    for row in fields.several(rows, most=MOST_STATES):
        state = _state(row)
        if state is not None:
            yield state


def _state(row: Any) -> TensorState | None:
    if not isinstance(row, list) or len(row) != 11 or fields.whole(row[0]) is None:
        return None
    serial, shape, dtype, leaf, requires_grad, grad_fn, version, grad, names, digest, parameter = row
    return TensorState(
        serial=serial,
        shape=fields.wholes(shape, most=MOST_SIZES),
        dtype=fields.text(dtype, 40) or "",
        leaf=leaf is True,
        requires_grad=requires_grad is True,
        grad_fn=fields.text(grad_fn, 100),
        version=fields.whole(version) or 0,
        grad=grad if grad in ("none", "set", "hidden") else "none",
        names=fields.names(names, most=MOST_NAMES),
        digest=fields.text(digest, 20),
        parameter=parameter is True,
    )


def _bindings(claim: Mapping[str, Any]) -> Iterable[Binding]:
    for row in fields.rows(claim, "bindings", most=MOST_BINDINGS):
        if isinstance(row, list) and len(row) == 4 and isinstance(row[2], str):
            name = fields.text(row[2], 100) or ""
            yield Binding(
                at=fields.whole(row[0]) or 0, line=fields.whole(row[1]) or 0, name=name, serial=fields.whole(row[3])
            )


def _finals(claim: Mapping[str, Any]) -> Iterable[NamedTensor]:
    for row in fields.rows(claim, "finals", most=MOST_FINALS):
        state = _state(row.get("state")) if isinstance(row, Mapping) else None
        if state is not None:
            yield NamedTensor(
                name=fields.text(row.get("name"), 100) or "",
                state=state,
                value=fields.text(row.get("value"), 4000),
                grad=fields.text(row.get("grad"), 4000),
            )
