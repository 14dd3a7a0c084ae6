"""Turns what came out of the jail into a `Run`: facts decide the outcome, claims fill in the rest.

A claim is a JSON value from a process that ran strangers' code. Each field is taken only in the form
it must have; anything else is dropped or makes the claim invalid, never an exception.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from bot.domain.run import (
    Echo,
    Facts,
    GradientCall,
    NumericRun,
    Outcome,
    Run,
    RunError,
    RunWarning,
)
from bot.sandbox import Order, claimed_tape, fields
from bot.sandbox.verdict import verdict

#: As many of each as `inside/` keeps.
MOST_ECHOES = 200
MOST_WARNINGS = 50
MOST_LOOPS = 200
MOST_FRAMES = 40
#: Of a numeric run: calls, each with as many groups of tensors, and the directions of each.
MOST_GRADIENTS = 200
MOST_DIRECTIONS = 16


def run_from(
    *,
    claim: Mapping[str, Any] | None,
    claim_problem: str | None,
    facts: Facts,
    stdout: bytes,
    stderr: bytes,
    order: Order,
) -> Run:
    """The run that these facts and this claim describe. Never raises for what a claim says."""
    outcome, reason = verdict(facts, claim=claim, problem=claim_problem, limits=order.limits)
    return Run(
        outcome=outcome,
        reason=reason,
        facts=facts,
        output_cut=facts.limit == "output",
        stdout=fields.clean(stdout),
        stderr=fields.clean(stderr),
        **({} if claim is None or outcome is Outcome.REFUSED else _claimed(claim, order)),
    )


def _claimed(claim: Mapping[str, Any], order: Order) -> dict[str, Any]:
    loops = list(_shortened(claim))
    last = fields.whole(claim.get("line"))
    if claim.get("stopped") == "wall" and last is not None:
        loops.append(f"stopped in the statement at line {last}")
    return {
        "error": _error(claim.get("error")),
        "warnings": tuple(
            _warning(row) for row in fields.rows(claim, "warnings", most=MOST_WARNINGS) if isinstance(row, Mapping)
        ),
        "echoes": tuple(_echoes(claim, "echoes")),
        "prints": tuple(_echoes(claim, "prints")),
        "tape": claimed_tape.tape(claim.get("tape")) if order.tape else None,
        "numeric": _numeric(claim.get("numeric")),
        "torch_version": fields.release(claim.get("torch")),
        "passes": "; ".join(loops) or None,
    }


def _shortened(claim: Mapping[str, Any]) -> Iterator[str]:
    """The loops of which only the first passes were run."""
    for row in fields.rows(claim, "loops", most=MOST_LOOPS):
        if not isinstance(row, list) or len(row) != 3:
            continue
        line, passes, whole = map(fields.whole, row)
        if line is not None and passes is not None:
            yield f"line {line}: {passes} passes" if whole is None else f"line {line}: {passes} of {whole} passes"


def _error(row: Any) -> RunError | None:
    if not isinstance(row, Mapping):
        return None
    frames = row.get("frames")
    return RunError(
        type=fields.text(row.get("type"), 200) or "Exception",
        message=fields.text(row.get("message"), 8000) or "",
        line=fields.whole(row.get("line")),
        frames=fields.wholes(frames, most=MOST_FRAMES),
    )


def _warning(row: Mapping[str, Any]) -> RunWarning:
    return RunWarning(
        category=fields.text(row.get("category"), 100) or "Warning",
        message=fields.text(row.get("message"), 4000) or "",
        line=fields.whole(row.get("line")),
    )


def _echoes(claim: Mapping[str, Any], key: str) -> Iterable[Echo]:
    for row in fields.rows(claim, key, most=MOST_ECHOES):
        line, text = fields.pair(row)
        if fields.whole(line) is not None and isinstance(text, str):
            yield Echo(line=line, text=fields.clean(text))


def _numeric(row: Any) -> NumericRun | None:
    if not isinstance(row, Mapping):
        return None
    return NumericRun(
        dtype=fields.text(row.get("dtype"), 20) or "",
        epsilon=fields.number(row.get("epsilon")) or 0.0,
        calls=tuple(
            _gradient_call(call) for call in fields.rows(row, "calls", most=MOST_GRADIENTS) if isinstance(call, Mapping)
        ),
        problem=fields.text(row.get("problem"), 400),
    )


def _gradient_call(row: Mapping[str, Any]) -> GradientCall:
    return GradientCall(
        line=fields.whole(row.get("line")) or 0,
        kind="grad" if row.get("kind") == "grad" else "backward",
        tensor=fields.text(row.get("tensor"), 100) or "",
        leaf=row.get("leaf") is True,
        missing=row.get("missing") is True,
        analytic=fields.numbers(row.get("analytic"), most=MOST_DIRECTIONS),
        numeric=fields.numbers(row.get("numeric"), most=MOST_DIRECTIONS),
        noise=fields.number(row.get("noise")) or 0.0,
    )
