"""Whether a repair's gradients equal numeric ones."""

from __future__ import annotations

import math

from bot.domain.diagnosis import Check, CheckState, Diagnosis, Repair
from bot.domain.run import GradientCall, NumericRun, Run
from bot.domain.tape import Tape, short_name
from bot.verify.edits import line_map

#: Relative difference allowed between a gradient and its numeric derivative.
TOLERANCE = {"float64": 1e-5, "float32": 2e-2}
#: What the difference is taken relative to at least: smaller gradients are compared as if they were this large.
FLOOR = {"float64": 1e-3, "float32": 1.0}
#: How much of a gradient rounding may hide; a wrong one is off by more.
MOST_NOISE = 1e-2
#: Operations whose result is a constant to autograd.
CUTS = frozenset(
    {"detach", "detach_", "data", "item", "tolist", "numpy", "__float__", "__array__", "tensor", "as_tensor"}
)


def held_lines(
    original: str, repaired: str, after: Run, *, blamed: frozenset[int], cuts: tuple[str, ...] = ()
) -> tuple[int, ...]:
    """The lines of the repaired program where it leaves the graph as it is meant to.

    A cut is held constant in the numeric run only if it stood in the original and is not blamed, or if the fix
    says that it cuts that very name.
    """
    kept = {new: old for old, new in line_map(original, repaired).items()}
    lines = set()
    for event in after.tape.events if after.tape else ():
        tracked = [state for state in event.inputs if state.requires_grad]
        if not tracked or not (short_name(event.op) in CUTS or not event.grad_enabled):
            continue
        meant = event.line in kept and kept[event.line] not in blamed
        if meant or any(name in cuts for state in tracked for name in state.names):
            lines.add(event.line)
    return tuple(sorted(lines))


def gives_wrong_gradient(numeric: NumericRun | None) -> bool | None:
    """Whether a program's own gradients differ from numeric ones: the negative control for a confusion of which no error
    tells. None when they could not be compared.

    Where an edit overwrote all that is differentiated, no nudge moves it: then nothing of what the program computed is
    left, and the gradient is no longer that of any of it.
    """
    if numeric is None or numeric.problem is not None or not numeric.calls:
        return None
    if not any(slope for call in numeric.calls for slope in call.numeric):
        return True
    return any(call.missing for call in numeric.calls) or _compared(numeric).state is CheckState.NO


def gradient(
    numeric: NumericRun | None,
    original: str,
    before: Run,
    after: Run,
    diagnoses: tuple[Diagnosis, ...],
    repair: Repair,
) -> Check:
    """Whether each gradient of the repaired program equals a numeric one, for the program's own leaves."""
    if _taped(after) and _differentiates(before) and not _differentiates(after):
        return Check(state=CheckState.NO, why="nothing is differentiated any more")
    if numeric is None:
        return Check(state=CheckState.NOT_CHECKED, why="gradients were not compared")
    if numeric.problem is not None or not numeric.calls:
        return Check(state=CheckState.NOT_CHECKED, why=numeric.problem or "nothing is differentiated")
    missing = sorted({call.tensor for call in numeric.calls if call.missing})
    if missing:
        return Check(state=CheckState.NO, why=f"no gradient reaches {', '.join(missing)}")
    strange = _new_leaves(numeric, original, before, after, diagnoses, repair)
    if strange:
        return Check(state=CheckState.NO, why=f"{strange[0]} became a leaf that neither the program nor the fix names")
    return _compared(numeric)


def _compared(numeric: NumericRun) -> Check:
    """Whether each gradient equals its numeric derivative."""
    tolerance = TOLERANCE.get(numeric.dtype, TOLERANCE["float64"])
    floor = FLOOR.get(numeric.dtype, FLOOR["float64"])
    worst = max(numeric.calls, key=lambda call: _difference(call, floor))
    difference = _difference(worst, floor)
    numbers = {
        "calls": len({(call.line, call.kind) for call in numeric.calls}),
        "tensors": sorted({call.tensor for call in numeric.calls}),
        "precision": numeric.dtype,
        "epsilon": numeric.epsilon,
        "largest_difference": _rounded(difference),
        "gradient": [_rounded(value) for value in worst.analytic],
        "numeric": [_rounded(value) for value in worst.numeric],
    }
    if difference > tolerance:
        why = f"the gradient of {worst.tensor} from line {worst.line} differs from the numeric derivative"
        return Check(state=CheckState.NO, why=why, numbers=numbers)
    if any(call.noise > MOST_NOISE * _scale(call, floor) for call in numeric.calls):
        why = "the numbers are too large: rounding hides the derivative"
        return Check(state=CheckState.NOT_CHECKED, why=why, numbers=numbers)
    return Check(state=CheckState.YES, why="each gradient equals a numeric derivative", numbers=numbers)


def _difference(call: GradientCall, floor: float) -> float:
    """The largest relative difference over the directions, as far as rounding does not explain it.

    Infinite where one side is missing or not a number.
    """
    if not call.analytic or len(call.analytic) != len(call.numeric):
        return math.inf
    pairs = list(zip(call.analytic, call.numeric, strict=True))
    if not all(math.isfinite(value) for pair in pairs for value in pair):
        return math.inf
    return max(0.0, max(abs(one - other) for one, other in pairs) - call.noise) / _scale(call, floor)


def _scale(call: GradientCall, floor: float) -> float:
    return max([floor, *(abs(value) for value in (*call.analytic, *call.numeric) if math.isfinite(value))])


def _new_leaves(
    numeric: NumericRun, original: str, before: Run, after: Run, diagnoses: tuple[Diagnosis, ...], repair: Repair
) -> list[str]:
    """Leaves of the repaired program that were none before: `loss.requires_grad_()` must not prove itself."""
    if not _taped(before) or not _taped(after):
        return []
    assert before.tape is not None
    assert after.tape is not None
    if _starts_at_leaf(after.tape) and not _starts_at_leaf(before.tape):
        return ["what is differentiated"]
    known = {name for diagnosis in diagnoses for name in diagnosis.names.values()} | {*repair.changes}
    for event in before.tape.events:
        for state in (*event.inputs, *event.outputs):
            if state.leaf and state.requires_grad:
                known.update(state.names)
    bound = {binding.name: binding.serial for binding in before.tape.bindings}
    known.update(name for name, serial in bound.items() if _was_leaf(before.tape, serial))
    # What stands behind the line where the original failed was never seen as a leaf; the program made it one.
    own = set(line_map(original, repair.code).values())
    known.update(one.name for one in after.tape.bindings if one.name not in bound and one.line in own)
    return [
        call.tensor
        for call in numeric.calls
        if call.leaf and call.tensor and not call.tensor.startswith("#") and call.tensor not in known
    ]


def _starts_at_leaf(tape: Tape) -> bool:
    """Whether a differentiation starts from a leaf: then nothing was computed of what it was to differentiate."""
    return any(set(event.backward.roots) & set(event.backward.leaves) for event in tape.events if event.backward)


def _differentiates(run: Run) -> bool:
    return run.tape is not None and any(event.backward is not None for event in run.tape.events)


def _taped(run: Run) -> bool:
    return run.tape is not None and run.tape.trusted


def _was_leaf(tape: Tape, serial: int | None) -> bool:
    state = None if serial is None else tape.state_of(serial)
    return state is not None and state.leaf and state.requires_grad


def _rounded(value: float) -> float | str:
    return float(f"{value:.9g}") if math.isfinite(value) else str(value)
