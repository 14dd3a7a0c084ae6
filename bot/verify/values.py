"""Whether a repair keeps the values that the program computes on its way forward."""

from __future__ import annotations

from dataclasses import replace

from bot.domain.diagnosis import Check, CheckState, Repair
from bot.domain.run import Run
from bot.domain.tape import Event, Tape, short_name
from bot.verify.edits import edited, line_map

#: Stands in `changes` for what updates make of the leaves, and all that follows.
UPDATES = "updates"
#: Operations whose result holds whatever stood in that memory.
UNWRITTEN = frozenset({"empty", "empty_like", "new_empty", "empty_strided"})


def values_kept(original: str, repair: Repair, before: Run, after: Run) -> Check:
    """Whether every value that both runs compute is the same, but for what the fix says it changes."""
    if before.tape is None or after.tape is None or not (before.tape.trusted and after.tape.trusted):
        return Check(state=CheckState.NOT_CHECKED, why="one of the runs has no tape")
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
    renamed = _other_names(original, repair, before.tape, after.tape, exempt)
    compared += len(renamed)
    different += [name for name, same in renamed.items() if not same]
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


def _other_names(original: str, repair: Repair, before: Tape, after: Tape, exempt: frozenset[int]) -> dict[str, bool]:
    """For each name that a changed line gives, before and after: whether it means the same numbers."""
    kept = set(line_map(original, repair.code).values())
    old = _given(before, set(edited(original, repair.code)))
    new = _given(after, {binding.line for binding in after.bindings} - kept)
    return {
        name: old[name][0] == digest
        for name, (digest, dtype, serial) in new.items()
        if name in old and old[name][1] == dtype and serial not in exempt and name not in repair.changes
    }


def _given(tape: Tape, lines: set[int]) -> dict[str, tuple[str, str, int]]:
    """The names first given on these lines: fingerprint, type and serial of their tensors."""
    found: dict[str, tuple[str, str, int]] = {}
    for binding in tape.bindings:
        maker = tape.maker(binding.serial) if binding.serial is not None and binding.line in lines else None
        for state in maker.outputs if maker is not None and short_name(maker.op) not in UNWRITTEN else ():
            if state.serial == binding.serial and state.digest is not None:
                found.setdefault(binding.name, (state.digest, state.dtype, state.serial))
    return found
