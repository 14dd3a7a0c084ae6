"""A repair, the runs and matches before and after it, and the numeric run → a proof.

Nothing is run here, and nothing that a run claims is believed alone: each part compares claims of
several runs. What every part means stands in `docs/why.md`.
"""

from __future__ import annotations

import ast
import difflib
import io
import math
import re
import tokenize
from collections.abc import Mapping
from dataclasses import replace

from bot.domain.diagnosis import Check, CheckState, Diagnosis, Proof, Repair, code_sha256
from bot.domain.run import GradientCall, NumericRun, Outcome, Run
from bot.domain.tape import Event, Tape, short_name

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
#: Stands in `changes` for what updates make of the leaves, and all that follows.
UPDATES = "updates"
#: Operations whose result holds whatever stood in that memory.
UNWRITTEN = frozenset({"empty", "empty_like", "new_empty", "empty_strided"})
#: What a program may not touch if its claims about itself are to earn anything.
INTERPRETER = frozenset({"sys", "gc", "inspect", "builtins", "ctypes", "importlib", "marshal", "_thread", "threading"})
FRAMES = frozenset({
    "_getframe", "__globals__", "__builtins__", "__code__", "__dict__", "__subclasses__", "gi_frame", "tb_frame",
})  # fmt: skip


def proof_of(
    repair: Repair,
    *,
    original: str,
    diagnosis: Diagnosis,
    before: Run,
    after: Run,
    shown_before: frozenset[str],
    shown_after: frozenset[str],
    numeric: NumericRun | None,
) -> Proof:
    """What these runs prove about a repair.

    `shown_before` and `shown_after` are the names of the mistakes that each run shows; `numeric` is None
    when gradients were not compared.
    """
    return Proof(
        code_sha256=code_sha256(repair.code),
        error_gone=_error_gone(after),
        confusion_gone=_confusion_gone(diagnosis, shown_before, shown_after),
        values_kept=_values_kept(original, repair, before, after),
        gradient=_gradient(numeric, original, before, after, diagnosis, repair),
        minimal=_minimal(original, repair, diagnosis),
        trusted=trusted(repair.code),
    )


def held_lines(
    original: str, repaired: str, after: Run, *, blamed: int | None, cuts: tuple[str, ...] = ()
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
        meant = event.line in kept and kept[event.line] != blamed
        if meant or any(name in cuts for state in tracked for name in state.names):
            lines.add(event.line)
    return tuple(sorted(lines))


def line_map(before: str, after: str) -> dict[int, int]:
    """For each line of `before` that still stands in `after`, be it at another indentation: its number there."""
    matcher = _matcher(before, after)
    return {
        start + step + 1: new + step + 1 for start, new, size in matcher.get_matching_blocks() for step in range(size)
    }


def trusted(code: str) -> bool:
    """Whether a program leaves alone the interpreter that reports about it."""
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError):
        return False
    modules = _imported(tree)
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names) if any(name.name.split(".")[0] in INTERPRETER for name in names):
                return False
            case ast.ImportFrom(module=str(module)) if module.split(".")[0] in INTERPRETER:
                return False
            case ast.Attribute(attr=name) | ast.Name(id=name) if name in FRAMES:
                return False
            case ast.Name(id="exec" | "eval" | "compile" | "__import__" | "globals" | "vars"):
                return False
            case ast.Attribute(ctx=ast.Store() | ast.Del(), value=holder) if _root(holder) in modules:
                return False
            case ast.Call(func=ast.Name(id="setattr" | "delattr")):
                return False
    return True


def _imported(tree: ast.AST) -> frozenset[str]:
    """The names under which a program knows modules and what it takes from them."""
    aliases = [
        alias for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom)) for alias in node.names
    ]
    return frozenset({"torch"} | {(alias.asname or alias.name).split(".")[0] for alias in aliases})


def _root(node: ast.expr) -> str:
    """`torch.nn.Linear` → "torch"."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def gives_wrong_gradient(numeric: NumericRun | None) -> bool | None:
    """Whether a program's own gradients differ from numeric ones: the negative control for a confusion of which no error
    tells. None when they could not be compared.
    """
    if numeric is None or numeric.problem is not None or not numeric.calls:
        return None
    return any(call.missing for call in numeric.calls) or _compared(numeric).state is CheckState.NO


def _error_gone(after: Run) -> Check:
    if after.outcome is Outcome.FINISHED:
        return Check(state=CheckState.YES, why="the repaired program runs to its end")
    said = after.error.said if after.error else after.reason or ""
    return Check(state=CheckState.NO, why=f"the repaired program {after.outcome.value}: {said}"[:300])


def _confusion_gone(diagnosis: Diagnosis, before: frozenset[str], after: frozenset[str]) -> Check:
    new = sorted(after - before)
    if diagnosis.confusion in after:
        return Check(state=CheckState.NO, why=f"the new run still shows {diagnosis.confusion}")
    if new:
        return Check(state=CheckState.NO, why=f"the new run shows {', '.join(new)} instead")
    return Check(state=CheckState.YES, why="no entry matches the new run that did not match the old one")


def _values_kept(original: str, repair: Repair, before: Run, after: Run) -> Check:
    if not _taped(before) or not _taped(after):
        return Check(state=CheckState.NOT_CHECKED, why="one of the runs has no tape")
    assert before.tape is not None
    assert after.tape is not None
    kept = line_map(original, repair.code)
    old, new = _values(before.tape), _values(after.tape)
    exempt = _descendants(after.tape, repair.changes)
    if UPDATES in repair.changes:
        old = _values(_until_an_update(before.tape))
    compared, different = 0, []
    for (line, op, number), (digest, _) in old.items():
        other = new.get((kept.get(line, -1), op, number))
        if other is None or digest is None or other[0] is None or other[1] & exempt:
            continue
        compared += 1
        if other[0] != digest:
            different.append(f"{short_name(op)} at line {line}")
    numbers = {"compared": compared, "different": len(different)}
    if different:
        return Check(state=CheckState.NO, why=f"another value: {', '.join(different[:3])}", numbers=numbers)
    if not compared:
        return Check(state=CheckState.NOT_CHECKED, why="no value stands in both runs", numbers=numbers)
    return Check(state=CheckState.YES, why="every value computed in both runs is the same", numbers=numbers)


def _values(tape: Tape) -> dict[tuple[int, str, int], tuple[str | None, frozenset[int]]]:
    """The forward values of a run: (line, operation, how manieth) → (fingerprint, tensors). No gradients."""
    counts: dict[tuple[int, str], int] = {}
    gradients: set[int] = set()
    values: dict[tuple[int, str, int], tuple[str | None, frozenset[int]]] = {}
    for event in tape.events:
        serials = frozenset(state.serial for state in event.outputs)
        if _about_gradients(event) or gradients & {state.serial for state in event.inputs}:
            gradients |= serials
            continue
        number = counts.get((event.line, event.op), 0)
        counts[(event.line, event.op)] = number + 1
        made = bool(event.outputs) and short_name(event.op) not in UNWRITTEN
        digest = event.outputs[0].digest if made else None
        values[(event.line, event.op, number)] = (digest, serials)
    return values


def _until_an_update(tape: Tape) -> Tape:
    """The tape up to the first change of a leaf after a differentiation: from there on a mended update counts."""
    differentiated = False
    for event in tape.events:
        leaves = {state.serial for state in event.inputs if state.leaf and state.requires_grad}
        changes = event.op in ("step", "Tensor.data.__set__") or bool(leaves & set(event.writes))
        if differentiated and changes:
            return replace(tape, events=tape.events[: event.index])
        differentiated = differentiated or event.backward is not None
    return tape


def _about_gradients(event: Event) -> bool:
    return event.backward is not None or ".grad." in event.op


def _descendants(tape: Tape, names: tuple[str, ...]) -> frozenset[int]:
    """The tensors that these names ever meant, in functions as well, and all that were computed from them."""
    found = {binding.serial for binding in tape.bindings if binding.name in names and binding.serial is not None}
    for event in tape.events:
        found |= {state.serial for state in (*event.inputs, *event.outputs) if set(state.names) & set(names)}
    for event in tape.events:
        if any(state.serial in found for state in event.inputs):
            found |= {state.serial for state in event.outputs}
    return frozenset(found)


def _gradient(
    numeric: NumericRun | None,
    original: str,
    before: Run,
    after: Run,
    diagnosis: Diagnosis,
    repair: Repair,
) -> Check:
    if numeric is None:
        return Check(state=CheckState.NOT_CHECKED, why="gradients were not compared")
    if numeric.problem is not None or not numeric.calls:
        return Check(state=CheckState.NOT_CHECKED, why=numeric.problem or "nothing is differentiated")
    missing = sorted({call.tensor for call in numeric.calls if call.missing})
    if missing:
        return Check(state=CheckState.NO, why=f"no gradient reaches {', '.join(missing)}")
    strange = _new_leaves(numeric, original, before, after, diagnosis, repair)
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
    numeric: NumericRun, original: str, before: Run, after: Run, diagnosis: Diagnosis, repair: Repair
) -> list[str]:
    """Leaves of the repaired program that were none before: `loss.requires_grad_()` must not prove itself."""
    if not _taped(before) or not _taped(after):
        return []
    assert before.tape is not None
    assert after.tape is not None
    if _starts_at_leaf(after.tape) and not _starts_at_leaf(before.tape):
        return ["what is differentiated"]
    known = {*diagnosis.names.values(), *repair.changes}
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


def _taped(run: Run) -> bool:
    return run.tape is not None and run.tape.trusted


def _was_leaf(tape: Tape, serial: int | None) -> bool:
    state = None if serial is None else tape.state_of(serial)
    return state is not None and state.leaf and state.requires_grad


def _minimal(original: str, repair: Repair, diagnosis: Diagnosis) -> Check:
    lost = _comments(original) - _comments(repair.code)
    if lost:
        return Check(state=CheckState.NO, why=f"the comment {min(lost)!r} is gone")
    gone = _assigned(original) - _spoken(repair.code)
    if gone:
        return Check(state=CheckState.NO, why=f"the name {min(gone)} is gone")
    numbers: Mapping[str, object] = {"changed_lines": list(repair.changed), "lines": len(original.splitlines())}
    named = set(diagnosis.names.values())
    lines = original.splitlines()
    allowed = {diagnosis.error_line, diagnosis.cause_line}
    edited = _edited(original, repair.code)
    carried = _carried(original, [line for line in edited if line in allowed])
    for line in edited:
        text = lines[line - 1]
        about = any(name and name in text for name in named) or bool(set(re.findall(r"\w+", text)) & carried)
        if line not in allowed and not about and "backward" not in text:
            return Check(state=CheckState.NO, why=f"line {line} has nothing to do with the fix", numbers=numbers)
    return Check(state=CheckState.YES, why="only lines of the fix were touched", numbers=numbers)


def _carried(code: str, lines: list[int]) -> set[str]:
    """The names that pass on what is computed on these lines."""
    names: set[str] = set()
    for node in sorted(ast.walk(ast.parse(code)), key=lambda one: getattr(one, "lineno", 0)):
        if isinstance(node, ast.Assign):
            used = {part.id for part in ast.walk(node.value) if isinstance(part, ast.Name)}
            if used & names or node.lineno in lines:
                names |= {part.id for target in node.targets for part in ast.walk(target) if isinstance(part, ast.Name)}
    return names


def _edited(before: str, after: str) -> list[int]:
    """The lines of `before` that were changed or removed; insertions, indentation and another place leave them alone."""
    kept = [line.strip() for line in after.splitlines()]
    lines = before.splitlines()
    return [
        line + 1
        for kind, start, end, _, _ in _matcher(before, after).get_opcodes()
        if kind in ("replace", "delete")
        for line in range(start, end)
        if lines[line].strip() not in kept
    ]


def _matcher(before: str, after: str) -> difflib.SequenceMatcher[str]:
    one, other = ([line.strip() for line in code.splitlines()] for code in (before, after))
    return difflib.SequenceMatcher(a=one, b=other, autojunk=False)


def _comments(code: str) -> set[str]:
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(code).readline))
    except (tokenize.TokenError, SyntaxError, IndentationError):
        return set()
    return {token.string.strip() for token in tokens if token.type == tokenize.COMMENT}


def _assigned(code: str) -> set[str]:
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError):
        return set()
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}


def _spoken(code: str) -> set[str]:
    """The names that stand in a program, be they given, read or an argument."""
    nodes = list(ast.walk(ast.parse(code)))
    return {node.id for node in nodes if isinstance(node, ast.Name)} | {
        node.arg for node in nodes if isinstance(node, ast.arg)
    }


def _rounded(value: float) -> float | str:
    return float(f"{value:.9g}") if math.isfinite(value) else str(value)
