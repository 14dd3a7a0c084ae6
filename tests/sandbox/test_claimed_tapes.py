"""How much a claim may bring: as much as the harness ever says, so that nobody can keep the bot busy with more."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from bot.domain.run import Facts, Outcome, Run
from bot.sandbox import NumericOrder, Order, claimed_tape, report
from bot.sandbox.claims import MOST_OBJECTS, BadClaim, Reason, parse_frame
from bot.sandbox.client import JailedSandbox
from bot.sandbox.report import run_from

STATE = [1, [2], "float32", True, True, None, 0, "none", ["x"], None, False]
BACKWARD: dict[str, Any] = {"roots": [], "inputs": [], "leaves": [], "nodes": [], "held": [], "places": []}


def told(**claim: Any) -> Run:
    facts = Facts(exit_status=0)
    return run_from(
        claim={"error": None, **claim}, claim_problem=None, facts=facts, stdout=b"", stderr=b"", order=Order(code="x\n")
    )


def taped(**tape: Any) -> Run:
    return told(tape={"events": [{"op": "torch.ones"}], **tape})


@pytest.mark.parametrize(
    ("part", "row", "most"),
    [
        ("events", {}, claimed_tape.MOST_EVENTS),
        ("events", {"backward": BACKWARD}, claimed_tape.MOST_DIFFERENTIATIONS),
        ("bindings", [1, 1, "x", 1], claimed_tape.MOST_BINDINGS),
        ("finals", {"name": "x", "state": STATE}, claimed_tape.MOST_FINALS),
    ],
)
def test_a_tape_with_more_on_it_than_there_can_be_is_not_taken(part: str, row: Any, most: int) -> None:
    full = taped(**{part: [row] * most})

    assert full.tape is not None
    assert len(getattr(full.tape, part)) == most
    assert taped(**{part: [row] * (most + 1)}).tape is None


@pytest.mark.parametrize(
    ("field", "row", "most", "read"),
    [
        ("in", STATE, claimed_tape.MOST_STATES, lambda event: event.inputs),
        ("out", STATE, claimed_tape.MOST_STATES, lambda event: event.outputs),
        ("stack", 1, claimed_tape.MOST_FRAMES, lambda event: event.stack),
        ("writes", 1, claimed_tape.MOST_STATES, lambda event: event.writes),
        *[
            (f"backward.{name}", 1, claimed_tape.MOST_REACHED, lambda event, name=name: getattr(event.backward, name))
            for name in ("roots", "inputs", "leaves", "held")
        ],
        ("backward.nodes", 1, claimed_tape.MOST_NODES, lambda event: event.backward.nodes),
        ("backward.places", [1], claimed_tape.MOST_NODES, lambda event: event.backward.places),
        ("clash.serials", 1, claimed_tape.MOST_CHANGES, lambda event: event.clash.serials),
        ("clash.changes", {"line": 1}, claimed_tape.MOST_CHANGES, lambda event: event.clash.changes),
        ("clash.names", "x", claimed_tape.MOST_NAMES, lambda event: event.clash.names),
        ("nonfinite.leaves", 1, claimed_tape.MOST_CHANGES, lambda event: event.nonfinite.leaves),
    ],
)
def test_a_list_that_is_longer_than_it_can_be_is_none(
    field: str, row: Any, most: int, read: Callable[[Any], tuple[Any, ...]]
) -> None:
    outer, _, inner = field.partition(".")
    for count, taken in ((most, most), (most + 1, 0)):
        run = told(tape={"events": [{outer: {inner: [row] * count} if inner else [row] * count}]})
        assert run.tape is not None
        assert len(read(run.tape.events[0])) == taken


@pytest.mark.parametrize(
    ("field", "row", "most", "read"),
    [
        ("echoes", [1, "x"], report.MOST_ECHOES, lambda run: run.echoes),
        ("prints", [1, "x"], report.MOST_ECHOES, lambda run: run.prints),
        ("warnings", {"message": "x"}, report.MOST_WARNINGS, lambda run: run.warnings),
        ("loops", [1, 1, 3], report.MOST_LOOPS, lambda run: (run.passes or "").split("; ") if run.passes else ()),
    ],
)
def test_more_of_anything_than_the_harness_tells_is_none(
    field: str, row: Any, most: int, read: Callable[[Run], tuple[Any, ...]]
) -> None:
    assert len(read(told(**{field: [row] * most}))) == most
    assert len(read(told(**{field: [row] * (most + 1)}))) == 0


@pytest.mark.parametrize(("count", "taken"), [(MOST_OBJECTS - 1, True), (MOST_OBJECTS, False)])
def test_the_objects_of_a_claim_are_counted_before_they_are_made(count: int, taken: bool) -> None:
    body = json.dumps({"a": [{}] * count}).encode()
    frame = len(body).to_bytes(4, "big") + body

    if taken:
        assert parse_frame(frame, most=1 << 20)
    else:
        with pytest.raises(BadClaim) as caught:
            parse_frame(frame, most=1 << 20)
        assert caught.value.reason is Reason.TOO_MANY


#: Programs that have the harness keep as much as it ever does; each ends in an error that must be on its tape.
FILLING = {
    "calls": "x = torch.ones(2)\n" + "x = x + 1\n" * 1700,
    "differentiations": "w = torch.ones(2, requires_grad=True)\n" + "(w * w).sum().backward()\n" * 230,
    "failing calls": (
        "w = torch.ones(2, requires_grad=True)\nfor i in range(300):\n"
        "    try: torch.mm(w, w)\n    except RuntimeError: pass\n"
    ),
    "names": "for i in range(1600): globals()[f'x{i}'] = torch.ones(1)\ny = x1 + 1\n",
    "leaves": "ws = [torch.ones(1, requires_grad=True) for i in range(900)]\ntorch.stack(ws[:64]).sum().backward()\n"
    "sum(ws).backward()\ntorch.autograd.grad(torch.cat(ws).sum(), ws)\n",
    "sizes": "torch.ones([1] * 64)\n",
}


@pytest.mark.sandbox
@pytest.mark.parametrize("what", FILLING)
def test_the_fullest_honest_tape_is_taken(what: str, sandbox: JailedSandbox) -> None:
    run = sandbox.run(Order(code="import torch\n" + FILLING[what]))

    assert run.outcome is Outcome.FINISHED, f"{run.reason} {run.error}"
    assert run.tape is not None
    assert len(run.tape.events) > 0
    assert all(len(state.shape) <= claimed_tape.MOST_SIZES for event in run.tape.events for state in event.outputs)


@pytest.mark.sandbox
def test_of_many_failing_calls_the_last_is_on_the_tape(sandbox: JailedSandbox) -> None:
    run = sandbox.run(Order(code="import torch\n" + FILLING["failing calls"] + "torch.mm(w, torch.ones(7))\n"))

    assert run.outcome is Outcome.RAISED
    assert run.tape is not None
    assert [event.line for event in run.tape.events if event.error][-1] == 6


@pytest.mark.sandbox
def test_the_largest_honest_comparison_of_gradients_is_taken(sandbox: JailedSandbox) -> None:
    code = "import torch\nws = [torch.ones(2, requires_grad=True) for i in range(12)]\n" + (
        "sum((w * w).sum() for w in ws).backward()\n" * 14
    )

    run = sandbox.run(Order(code=code, tape=False, numeric=NumericOrder()))

    assert run.numeric is not None
    assert (run.numeric.problem, len(run.numeric.calls)) == (None, 96)
