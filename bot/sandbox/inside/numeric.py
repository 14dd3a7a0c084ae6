"""Compares the gradients a program computes with differences of what it differentiates.

The program runs again and again in one child: twice at a base point, then with one tensor nudged by ±ε
along a fixed direction. For each backward() or autograd.grad() call, L is the sum of weight × output;
(L(+ε) − L(−ε)) / 2ε must equal the call's gradient · direction. Nothing is decided here: the numbers go
out, and `bot/verify/` compares them.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

import torch
from inside.nudging import Nudge, Shift
from inside.rehearsal import Mismatch, Rehearsal

#: Tensors that are nudged one by one; the others are nudged together.
MOST_TENSORS = 8
#: What torch says when float64 and a coarser type meet where they cannot.
_MIXED = re.compile(r"dtype|scalar type|\b(?:Double|Float)(?:Tensor)?\b")


@dataclass(frozen=True)
class _How:
    """A way to run the programs."""

    dtype: torch.dtype
    shift: Shift
    epsilon: float


_FINE = _How(torch.float64, Shift(1e-3), 1e-6)
#: Where the base point has no value: beside a boundary above which all is well, and without leaving the program's own.
_ELSEWHERE = (_How(torch.float64, Shift(1e-3, upwards=True), 1e-6), _How(torch.float64, Shift(0.0), 1e-6))
_COARSE = _How(torch.float32, Shift(1e-3), 1e-2)


def compare(code: str, order: dict[str, Any], *, seed: int) -> dict[str, Any]:
    """Run `code` as the order says; returns {dtype, epsilon, calls, problem}. Nothing a program does is raised."""
    from inside.program import OutOfTime

    try:
        first = _compared(code, order, _FINE, seed=seed)
        if first["problem"] is None:
            return first
        for how in (_COARSE,) if _MIXED.search(first["problem"]) else _ELSEWHERE:
            other = _compared(code, order, how, seed=seed)
            if other["problem"] is None:
                return other
    except OutOfTime:
        return _report(_FINE, "there was no time to compare")
    except BaseException as error:  # strangers' objects may raise anything anywhere
        return _report(_FINE, f"{type(error).__name__}: {error}"[:300])
    return first


def _report(how: _How, problem: str | None = None) -> dict[str, Any]:
    return {"dtype": str(how.dtype).removeprefix("torch."), "epsilon": how.epsilon, "calls": [], "problem": problem}


def _compared(code: str, order: dict[str, Any], how: _How, *, seed: int) -> dict[str, Any]:
    report = _report(how)
    try:
        base = _at_base_point(code, order, how, seed=seed)
        slopes = _slopes(code, base, order, how, seed=seed)
        missing = base.never_reached(tuple(order.get("wanted", ())))
        report["calls"] = [*_rows(base, slopes, order), *map(_missing_row, missing)]
        if not report["calls"]:
            report["problem"] = "no gradient is computed that could be compared"
    except Mismatch as problem:
        report["problem"] = str(problem)
    return report


def _at_base_point(code: str, order: dict[str, Any], how: _How, *, seed: int) -> Rehearsal:
    held = frozenset(order.get("held_lines", ()))
    scout = Rehearsal(dtype=how.dtype, held=held, shift=how.shift)
    scout.perform(code, seed=seed)
    base = Rehearsal(dtype=how.dtype, held=held, shift=how.shift, births=scout.wanted_births())
    base.perform(code, seed=seed)
    if not base.calls:
        raise Mismatch("no backward() or autograd.grad() call was reached")
    if len(scout.calls) != len(base.calls) or not all(
        one.same_as(other) for one, other in zip(scout.calls, base.calls, strict=True)
    ):
        raise Mismatch("the program computes other numbers each time it runs")
    if not all(math.isfinite(call.value) for call in base.calls):
        raise Mismatch("what is differentiated is not a finite number there")
    return base


def _groups(base: Rehearsal) -> list[tuple[Any, ...]]:
    keys = base.keys()
    if len(keys) <= MOST_TENSORS:
        return [(key,) for key in keys]
    return [*((key,) for key in keys[: MOST_TENSORS - 1]), tuple(keys[MOST_TENSORS - 1 :])]


def _slopes(
    code: str, base: Rehearsal, order: dict[str, Any], how: _How, *, seed: int
) -> dict[tuple[int, tuple[Any, ...]], list[tuple[float, float]]]:
    """For each call and group of tensors: (L(+ε) − L(−ε)) / 2ε, and how far rounding may move it, by direction."""
    slopes: dict[tuple[int, tuple[Any, ...]], list[tuple[float, float]]] = {}
    for group in _groups(base):
        for turn in range(order.get("directions", 2)):
            high, low = (
                _nudged(code, base, Nudge(frozenset(group), turn, sign * how.epsilon), seed=seed) for sign in (1, -1)
            )
            for number, (up, down) in enumerate(zip(high.calls, low.calls, strict=True)):
                slope = (up.value - down.value) / (2 * how.epsilon)
                if not math.isfinite(slope):
                    raise Mismatch("what is differentiated is not a finite number nearby")
                noise = 4 * torch.finfo(how.dtype).eps * max(abs(up.value), abs(down.value)) / (2 * how.epsilon)
                slopes.setdefault((number, group), []).append((slope, noise))
    return slopes


def _nudged(code: str, base: Rehearsal, nudge: Nudge, *, seed: int) -> Rehearsal:
    run = Rehearsal(dtype=base.dtype, held=base.held, shift=base.shift, births=base.births, base=base, nudge=nudge)
    run.perform(code, seed=seed)
    if len(run.calls) != len(base.calls):
        raise Mismatch("the program took another way when its numbers were nudged")
    return run


def _rows(base: Rehearsal, slopes: dict[Any, list[tuple[float, float]]], order: dict[str, Any]) -> list[dict[str, Any]]:
    rows = []
    for (number, group), found in slopes.items():
        call = base.calls[number]
        keys = [key for key in group if key in call.gradients]
        if not keys or (call.partial and len(keys) < len(group)):
            continue  # what else was nudged with it changes L as well
        rows.append({
            "line": call.line,
            "kind": call.kind,
            "tensor": base.label(keys[0]) if len(keys) == 1 else f"#{len(keys)} more",
            "leaf": not isinstance(keys[0], tuple),
            "missing": any(call.gradients[key] is None for key in keys),
            "analytic": _finite([
                sum(float((got * base.direction(key, turn)).sum()) for key in keys if (got := call.gradients[key]) is not None)
                for turn in range(order.get("directions", 2))
            ]),
            "numeric": [slope for slope, _ in found],
            "noise": max(noise for _, noise in found),
        })  # fmt: skip
    return rows


def _finite(numbers: list[float]) -> list[float]:
    """None at all where one is no number: JSON has no word for it, and nothing equals it."""
    return numbers if all(map(math.isfinite, numbers)) else []


def _missing_row(name: str) -> dict[str, Any]:
    return {
        "line": 0, "kind": "backward", "tensor": name, "leaf": True, "missing": True,
        "analytic": [], "numeric": [], "noise": 0.0,
    }  # fmt: skip
