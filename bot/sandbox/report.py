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
from bot.sandbox import Order

#: Errors that speak of the sandbox and not of the program.
_UNSUPPORTED = (
    (r"Torch not compiled with CUDA|No CUDA GPUs|Found no NVIDIA|CUDA (?:driver|error)", "it needs a GPU"),
    (r"No module named '(?P<name>[\w.]+)'", "it needs the module {name}, which the sandbox does not have"),
    (r"(?:BlockingIOError|PermissionError|OSError).*(?:fork|Operation not permitted|Resource temporarily)", "it starts processes or uses the network"),
    (r"DataLoader worker|can't start new (?:thread|process)|torch_shm_manager", "it starts processes"),
    (r"URLError|ConnectionError|Temporary failure in name resolution|HTTPError", "it needs the network"),
    (r"InvalidCxxCompiler|No working C\+\+ compiler|torch\._inductor|BackendCompilerFailed", "torch.compile needs a compiler"),
    (r"FileNotFoundError.*", "it reads a file that the post does not bring"),
)  # fmt: skip
_NO_MEMORY = re.compile(r"can't allocate memory|not enough memory|Cannot allocate memory|out of memory", re.IGNORECASE)
#: What a terminal or a page must never be sent: controls other than tab and newline, and what turns text around.
_CONTROLS = re.compile(
    r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)
_RELEASE = re.compile(r"\d{1,4}(?:\.[0-9a-z]{1,12}){0,4}(?:\+[0-9a-z.]{1,20})?")
#: Larger whole numbers than a tensor can have are no claim.
LARGEST = 2**63 - 1


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
        stdout=clean(stdout),
        stderr=clean(stderr),
        **claimed,
    )


def clean(raw: bytes | str) -> str:
    """Text without control characters and escape sequences."""
    text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else raw
    text = text.encode("utf-8", "replace").decode("utf-8")  # lone surrogates go nowhere
    return _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


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
        for line, passes in (_pair(row) for row in _rows(claim, "loops"))
        if _int(line) is not None and _int(passes) is not None
    ]
    last = _int(claim.get("line"))
    if claim.get("stopped") == "wall" and last is not None:
        loops.append(f"stopped in the statement at line {last}")
    return {
        "error": _error(claim.get("error")),
        "warnings": tuple(_warning(row) for row in _rows(claim, "warnings") if isinstance(row, Mapping)),
        "echoes": tuple(_echoes(claim, "echoes")),
        "prints": tuple(_echoes(claim, "prints")),
        "tape": _tape(claim.get("tape")) if order.tape else None,
        "numeric": _numeric(claim.get("numeric")),
        "torch_version": _release(claim.get("torch")),
        "passes": "; ".join(loops) or None,
    }


def _error(row: Any) -> RunError | None:
    if not isinstance(row, Mapping):
        return None
    frames = row.get("frames")
    return RunError(
        type=_text(row.get("type"), 200) or "Exception",
        message=_text(row.get("message"), 8000) or "",
        line=_int(row.get("line")),
        frames=tuple(_ints(frames)),
    )


def _warning(row: Mapping[str, Any]) -> RunWarning:
    return RunWarning(
        category=_text(row.get("category"), 100) or "Warning",
        message=_text(row.get("message"), 4000) or "",
        line=_int(row.get("line")),
    )


def _echoes(claim: Mapping[str, Any], key: str) -> Iterable[Echo]:
    for row in _rows(claim, key):
        line, text = _pair(row)
        if _int(line) is not None and isinstance(text, str):
            yield Echo(line=line, text=clean(text))


def _tape(claim: Any) -> Tape | None:
    if not isinstance(claim, Mapping):
        return None
    events = [_event(index, row) for index, row in enumerate(_rows(claim, "events")) if isinstance(row, Mapping)]
    return Tape(
        events=tuple(events),
        bindings=tuple(_bindings(claim)),
        finals=tuple(_finals(claim)),
        cut=claim.get("cut") is True,
    )


def _event(index: int, row: Mapping[str, Any]) -> Event:
    return Event(
        index=index,
        line=_int(row.get("line")) or 0,
        op=_text(row.get("op"), 200) or "",
        inputs=tuple(_states(row.get("in"))),
        outputs=tuple(_states(row.get("out"))),
        grad_enabled=row.get("grad") is not False,
        inference=row.get("inference") is True,
        inplace=row.get("inplace") is True,
        error=_text(row.get("error"), 500),
        times=_int(row.get("times")) or 1,
        backward=_backward(row.get("backward")),
        note=_text(row.get("note"), 200),
        stack=tuple(_ints(row.get("stack"))),
        node=_int(row.get("node")),
        writes=tuple(_ints(row.get("writes"))),
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
                line=_int(change.get("line")) or 0,
                op=_text(change.get("op"), 200) or "",
                stack=tuple(_ints(change.get("stack"))),
            )
            for change in _rows(row, "changes")
            if isinstance(change, Mapping)
        ),
        serials=tuple(_ints(row.get("serials"))),
        names=_names(row.get("names")),
        leaf=row.get("leaf") is True,
    )


def _nonfinite(row: Any) -> NonFinite | None:
    if not isinstance(row, Mapping):
        return None
    kind = "nan" if row.get("kind") == "nan" else "inf"
    return NonFinite(**_made(row), kind=kind, leaves=tuple(_ints(row.get("leaves"))))


def _made(row: Mapping[str, Any]) -> dict[str, Any]:
    """The node a claim speaks of, and the call that made it."""
    return {
        "node": _text(row.get("node"), 100) or "",
        "line": _int(row.get("line")) or 0,
        "op": _text(row.get("op"), 200) or "",
        "stack": tuple(_ints(row.get("stack"))),
    }


def _backward(row: Any) -> BackwardCall | None:
    if not isinstance(row, Mapping):
        return None
    return BackwardCall(
        roots=tuple(_ints(row.get("roots"))),
        inputs=tuple(_ints(row.get("inputs"))),
        leaves=tuple(_ints(row.get("leaves"))),
        nodes=tuple(_ints(row.get("nodes"))),
        held=tuple(_ints(row.get("held"))),
        places=tuple(tuple(_ints(place)) for place in _rows(row, "places")),
        retain_graph=row.get("retain_graph") is True,
        create_graph=row.get("create_graph") is True,
        weights="given" if row.get("weights") == "given" else "none",
    )


def _states(rows: Any) -> Iterable[TensorState]:
    for row in rows if isinstance(rows, list) else ():
        state = _state(row)
        if state is not None:
            yield state


def _state(row: Any) -> TensorState | None:
    if not isinstance(row, list) or len(row) != 11 or _int(row[0]) is None:
        return None
    serial, shape, dtype, leaf, requires_grad, grad_fn, version, grad, names, digest, parameter = row
    return TensorState(
        serial=serial,
        shape=tuple(_ints(shape)),
        dtype=_text(dtype, 40) or "",
        leaf=leaf is True,
        requires_grad=requires_grad is True,
        grad_fn=_text(grad_fn, 100),
        version=_int(version) or 0,
        grad=grad if grad in ("none", "set", "hidden") else "none",
        names=_names(names),
        digest=_text(digest, 20),
        parameter=parameter is True,
    )


def _bindings(claim: Mapping[str, Any]) -> Iterable[Binding]:
    for row in _rows(claim, "bindings"):
        if isinstance(row, list) and len(row) == 4 and isinstance(row[2], str):
            name = _text(row[2], 100) or ""
            yield Binding(at=_int(row[0]) or 0, line=_int(row[1]) or 0, name=name, serial=_int(row[3]))


def _finals(claim: Mapping[str, Any]) -> Iterable[NamedTensor]:
    for row in _rows(claim, "finals"):
        state = _state(row.get("state")) if isinstance(row, Mapping) else None
        if state is not None:
            yield NamedTensor(
                name=_text(row.get("name"), 100) or "",
                state=state,
                value=_text(row.get("value"), 4000),
                grad=_text(row.get("grad"), 4000),
            )


def _numeric(row: Any) -> NumericRun | None:
    if not isinstance(row, Mapping):
        return None
    return NumericRun(
        dtype=_text(row.get("dtype"), 20) or "",
        epsilon=_float(row.get("epsilon")) or 0.0,
        calls=tuple(_gradient_call(call) for call in _rows(row, "calls") if isinstance(call, Mapping)),
        problem=_text(row.get("problem"), 400),
    )


def _gradient_call(row: Mapping[str, Any]) -> GradientCall:
    return GradientCall(
        line=_int(row.get("line")) or 0,
        kind="grad" if row.get("kind") == "grad" else "backward",
        tensor=_text(row.get("tensor"), 100) or "",
        leaf=row.get("leaf") is True,
        missing=row.get("missing") is True,
        analytic=tuple(_floats(row.get("analytic"))),
        numeric=tuple(_floats(row.get("numeric"))),
        noise=_float(row.get("noise")) or 0.0,
    )


def _rows(claim: Mapping[str, Any], key: str) -> list[Any]:
    rows = claim.get(key)
    return rows if isinstance(rows, list) else []


def _pair(row: Any) -> tuple[Any, Any]:
    return (row[0], row[1]) if isinstance(row, list) and len(row) == 2 else (None, None)


def _text(value: Any, most: int) -> str | None:
    return clean(value)[:most] if isinstance(value, str) else None


def _release(value: Any) -> str | None:
    """A version as torch writes it, "2.13.0+cpu"; the program may have put anything into its place."""
    return value if isinstance(value, str) and _RELEASE.fullmatch(value) else None


def _names(values: Any) -> tuple[str, ...]:
    return tuple(clean(name)[:100] for name in values if isinstance(name, str)) if isinstance(values, list) else ()


def _int(value: Any) -> int | None:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole and abs(value) <= LARGEST else None


def _ints(values: Any) -> Iterable[int]:
    return (value for value in values if _int(value) is not None) if isinstance(values, list) else ()


def _float(value: Any) -> float | None:
    if isinstance(value, float):
        return value
    whole = _int(value)
    return None if whole is None else float(whole)


def _floats(values: Any) -> Iterable[float]:
    numbers = (_float(value) for value in values) if isinstance(values, list) else ()
    return (number for number in numbers if number is not None)
