"""Turns what came out of the jail into a `Run`: facts decide the outcome, claims fill in the rest.

A claim is a JSON value from a process that ran strangers' code. Each field is taken only in the form
it must have; anything else is dropped or makes the claim invalid, never an exception.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
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

#: Errors that speak of the sandbox and not of the program.
_UNSUPPORTED = (
    (r"Torch not compiled with CUDA|No CUDA GPUs|Found no NVIDIA|CUDA (?:driver|error)", "it needs a GPU"),
    (r"No module named '(?P<name>[\w.]+)'", "it needs the module {name}, which the sandbox does not have"),
    (r"(?:BlockingIOError|PermissionError|OSError).*(?:fork|Operation not permitted|Resource temporarily)", "it starts processes or uses the network"),
    (r"torch\.distributed|_c10d|_get_default_group|Distributed package|process group", "it runs in several processes"),
    (r"DataLoader worker|can't start new (?:thread|process)|torch_shm_manager", "it starts processes"),
    (r"URLError|ConnectionError|Temporary failure in name resolution|HTTPError", "it needs the network"),
    (r"InvalidCxxCompiler|No working C\+\+ compiler|torch\._inductor|BackendCompilerFailed", "torch.compile needs a compiler"),
    (r"FileNotFoundError.*", "it reads a file that the post does not bring"),
)  # fmt: skip
_NO_MEMORY = re.compile(r"can't allocate memory|not enough memory|Cannot allocate memory|out of memory", re.IGNORECASE)


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
    claimed = _claimed(claim, order) if claim is not None else {}
    if claim is None or (facts.signal is not None and facts.limit is not None):
        outcome, reason = _without_claim(facts, claim_problem)
    else:
        outcome, reason = _with_claim(claim, claimed["error"], facts)
    return Run(
        outcome=outcome,
        reason=reason,
        facts=facts,
        output_cut=facts.limit == "output",
        stdout=fields.clean(stdout),
        stderr=fields.clean(stderr),
        **claimed,
    )


def _without_claim(facts: Facts, problem: str | None) -> tuple[Outcome, str | None]:
    match facts.limit:
        case "wall":
            return Outcome.TIMED_OUT, "it did not end within the time limit"
        case "cpu":
            return Outcome.TIMED_OUT, "it used more processor time than it may"
        case "memory":
            return Outcome.OUT_OF_MEMORY, "it asked for more memory than it may have"
        case "output":
            return Outcome.REFUSED, "it printed more than it may"
        case None if facts.signal is not None:
            return Outcome.REFUSED, f"it was ended by signal {facts.signal}"
        case _:
            return Outcome.REFUSED, problem or "it ended without a report"


def _with_claim(claim: Mapping[str, Any], error: RunError | None, facts: Facts) -> tuple[Outcome, str | None]:
    if claim.get("stopped") == "wall" or facts.limit in ("wall", "cpu"):
        return Outcome.TIMED_OUT, "it did not end within the time limit"
    if error is None:
        return Outcome.FINISHED, None
    said = f"{error.type}: {error.message}"
    if error.type == "MemoryError" or _NO_MEMORY.search(said):
        return Outcome.OUT_OF_MEMORY, "it asked for more memory than it may have"
    for pattern, reason in _UNSUPPORTED:
        found = re.search(pattern, said)
        if found:
            return Outcome.UNSUPPORTED, reason.format(**found.groupdict())
    return Outcome.RAISED, None


def _claimed(claim: Mapping[str, Any], order: Order) -> dict[str, Any]:
    loops = [
        f"line {line}: {passes} passes"
        for line, passes in (fields.pair(row) for row in fields.rows(claim, "loops"))
        if fields.whole(line) is not None and fields.whole(passes) is not None
    ]
    last = fields.whole(claim.get("line"))
    if claim.get("stopped") == "wall" and last is not None:
        loops.append(f"stopped in the statement at line {last}")
    return {
        "error": _error(claim.get("error")),
        "warnings": tuple(_warning(row) for row in fields.rows(claim, "warnings") if isinstance(row, Mapping)),
        "echoes": tuple(_echoes(claim, "echoes")),
        "prints": tuple(_echoes(claim, "prints")),
        "tape": claimed_tape.tape(claim.get("tape")) if order.tape else None,
        "numeric": _numeric(claim.get("numeric")),
        "torch_version": fields.release(claim.get("torch")),
        "passes": "; ".join(loops) or None,
    }


def _error(row: Any) -> RunError | None:
    if not isinstance(row, Mapping):
        return None
    frames = row.get("frames")
    return RunError(
        type=fields.text(row.get("type"), 200) or "Exception",
        message=fields.text(row.get("message"), 8000) or "",
        line=fields.whole(row.get("line")),
        frames=tuple(fields.wholes(frames)),
    )


def _warning(row: Mapping[str, Any]) -> RunWarning:
    return RunWarning(
        category=fields.text(row.get("category"), 100) or "Warning",
        message=fields.text(row.get("message"), 4000) or "",
        line=fields.whole(row.get("line")),
    )


def _echoes(claim: Mapping[str, Any], key: str) -> Iterable[Echo]:
    for row in fields.rows(claim, key):
        line, text = fields.pair(row)
        if fields.whole(line) is not None and isinstance(text, str):
            yield Echo(line=line, text=fields.clean(text))


def _numeric(row: Any) -> NumericRun | None:
    if not isinstance(row, Mapping):
        return None
    return NumericRun(
        dtype=fields.text(row.get("dtype"), 20) or "",
        epsilon=fields.number(row.get("epsilon")) or 0.0,
        calls=tuple(_gradient_call(call) for call in fields.rows(row, "calls") if isinstance(call, Mapping)),
        problem=fields.text(row.get("problem"), 400),
    )


def _gradient_call(row: Mapping[str, Any]) -> GradientCall:
    return GradientCall(
        line=fields.whole(row.get("line")) or 0,
        kind="grad" if row.get("kind") == "grad" else "backward",
        tensor=fields.text(row.get("tensor"), 100) or "",
        leaf=row.get("leaf") is True,
        missing=row.get("missing") is True,
        analytic=tuple(fields.numbers(row.get("analytic"))),
        numeric=tuple(fields.numbers(row.get("numeric"))),
        noise=fields.number(row.get("noise")) or 0.0,
    )
