"""Tapes as full as one that is taken can be, made so that what looks at them has most to do."""

from __future__ import annotations

from typing import Any

from bot.sandbox.claimed_tape import MOST_BINDINGS, MOST_DIFFERENTIATIONS, MOST_EVENTS, MOST_FINALS, MOST_STATES

Row = dict[str, Any]
#: Where nodes of the graph are said to have been made.
PLACES = [[3], [4, 3]]


def state(
    serial: int, *, leaf: bool = False, requires: bool = True, sizes: tuple[int, ...] = (2,), name: str = "x"
) -> list[Any]:
    """One tensor of an event."""
    node = "MulBackward0" if requires and not leaf else None
    return [serial, list(sizes), "float32", leaf, requires, node, 0, "set" if leaf else "none", [name], None, leaf]


def call(op: str, given: list[Any], made: list[Any], **more: Any) -> Row:
    """One event."""
    return {"op": op, "line": 3, "in": given, "out": made, **more}


def backward(
    root: int,
    *,
    nodes: list[int],
    leaves: list[int],
    op: str = "Tensor.backward",
    made: list[Any] | None = None,
    **more: Any,
) -> Row:
    """One differentiation."""
    places = [PLACES[node % 2] for node in nodes]
    graph = {"roots": [root], "inputs": leaves, "leaves": leaves, "held": leaves, "nodes": nodes, "places": places}
    return call(op, [state(root)], made or [], backward={**graph, **more})


def _chain(op: str, *, leaf: bool = False, requires: bool = True) -> list[Row]:
    return [
        call(op, [state(number)], [state(number + 1, leaf=leaf, requires=requires)], node=number)
        for number in range(MOST_EVENTS)
    ]


def _mixed(*ops: str) -> list[Row]:
    rows = []
    for number in range(MOST_EVENTS):
        op = ops[number % len(ops)]
        note = {"note": "Net train"} if op in ("module", "hidden_parameters", "attribute", "optimizer") else {}
        rows.append(call(op, [state(number), state(1, leaf=True)], [state(number + 1)], node=number, **note))
    return rows


def _differentiated(others: list[Row], **more: Any) -> list[Row]:
    """As many differentiations as there can be, evenly among other events."""
    every = len(others) // MOST_DIFFERENTIATIONS
    rows = list(others)
    for number in range(MOST_DIFFERENTIATIONS):
        nodes = list(range(number * every, number * every + 60))
        rows[number * every] = backward(number * every, nodes=nodes, leaves=[1, 2, 3], **more)
    return rows


def _step(number: int) -> Row:
    held = [state(serial, leaf=True) for serial in range(number, number + MOST_STATES // 4)]
    return call(("optimizer", "zero_grad", "step")[number % 3], held, [], note="SGD", line=number % 7 + 1)


EVENTS: dict[str, list[Row]] = {
    "nothing at all": [{}] * MOST_EVENTS,
    "one long graph": _chain("torch.mul"),
    "one long graph without a graph": _chain("torch.mul", requires=False),
    "cuts": _chain("Tensor.detach", requires=False),
    "new leaves": _chain("Tensor.data.__get__", leaf=True),
    "writes": [{**row, "inplace": True, "writes": [1, row["in"][0][0]]} for row in _chain("Tensor.add_")],
    "exits": _mixed("Tensor.item", "torch.tensor", "torch.mul"),
    "reads of gradients": _mixed("Tensor.grad.__get__", "torch.mul"),
    "modules": _mixed("module", "hidden_parameters", "torch.nn.functional.linear", "Tensor.view"),
    "steps": [_step(number) for number in range(MOST_EVENTS)],
    "steps and differentiations": _differentiated([_step(number) for number in range(MOST_EVENTS)]),
    "the same graph over and over": _differentiated(_chain("torch.mul"), retain_graph=False),
    "a retained graph over and over": _differentiated(_chain("torch.mul"), retain_graph=True, create_graph=True),
    "gradients of gradients": _differentiated(
        _mixed("Tensor.grad.__get__", "torch.mul"), op="torch.autograd.grad", made=[state(5)], create_graph=True
    ),
    "every kind of call": _differentiated(
        _mixed("torch.mul", "Tensor.detach", "Tensor.grad.__get__", "Tensor.data.__set__", "optimizer", "zero_grad", "step",
               "Tensor.add_", "Tensor.reshape", "module", "hook", "save", "load", "Tensor.item", "torch.tensor")
    ),
}  # fmt: skip


def claimed(events: list[Row]) -> dict[str, Any]:
    """A claim with these events, and as many names as there can be."""
    bindings = [[number, number % 9 + 1, f"x{number % 50}", number] for number in range(MOST_BINDINGS)]
    finals = [
        {"name": f"x{number}", "state": state(number), "value": "tensor(1.)", "grad": None}
        for number in range(MOST_FINALS)
    ]
    return {"error": None, "torch": "2.13.0", "tape": {"events": events, "bindings": bindings, "finals": finals}}
