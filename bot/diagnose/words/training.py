"""The steps of training: what is zeroed, what the optimizer holds, what the gradients hold."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from bot.diagnose.shared import changed_by
from bot.diagnose.view import BACKWARD, Found, View, called, receiver
from bot.diagnose.vocabulary import listed, word
from bot.domain.tape import Event, short_name


@word
def zeroing(view: View, value: Any) -> Found | None:
    """What is wrong with the zeroing of gradients: missing (updates use gradients with older ones in them, and the
    program zeroes none), not_reached (it has such a line, but the line does not run between two updates), before_step
    (each step finds what was just zeroed), each_part (gradients that a later step was to use are zeroed before it).
    $OPT is the optimizer, $KIND the kind; the update is the error line, the zeroing or the backward the cause line."""
    for find in (_zeroed_before_step, _zeroed_each_part, _never_zeroed):
        kind, found = find(view)
        if found is not None:
            return replace(found, names={**found.names, "KIND": kind}) if kind in listed(value) else None
    return None


@word
def accumulates(view: View, value: Any) -> Found | None:
    """Gradients of several backward calls are added up: read (and the sum is read from `.grad`, with no update between),
    undivided (before one step, although no loss was divided by the number of calls). $X is the leaf, $LOSS what was
    differentiated, $OPT the optimizer; the later call is the cause line."""
    if "read" in listed(value):
        found = _sum_read(view)
        if found is not None:
            return found
    return _undivided(view) if "undivided" in listed(value) else None


@word
def optimizer_holds(view: View, value: Any) -> Found | None:
    """What an optimizer that steps holds: nothing_reached (no differentiation before a step reached any tensor of it,
    and one reached others), outdated (a parameter that no differentiation ever reaches, while one that was made after
    the optimizer is reached and held by none). $OPT is the optimizer, $LEAF a tensor that was reached; its making is
    the cause line."""
    found = _nothing_reached(view) if "nothing_reached" in listed(value) else None
    return found or (_outdated(view) if "outdated" in listed(value) else None)


def _nothing_reached(view: View) -> Found | None:
    for step in view.tape.calls("step"):
        held = {state.serial for state in step.inputs}
        reached = {
            leaf
            for event in view.backwards
            if event.index < step.index and event.backward is not None and event.backward.nodes and not event.error
            for leaf in event.backward.leaves
        }
        if held and reached and not held & reached and not _others_step(view, held, reached):
            made = next((e for e in view.tape.events if e.op == "optimizer" and _serials(e) == held), None)
            named = next((name for leaf in reached if (name := view.ever_named(leaf))), None)
            return Found(
                text=f"the step at line {step.line} changes nothing: no gradient reaches what the optimizer holds",
                line=step.line, event=step.index, error_line=step.line, cause_line=made.line if made else None,
                names=_optimizer_name(view, step) | ({"LEAF": named} if named else {}),
            )  # fmt: skip
    return None


def _outdated(view: View) -> Found | None:
    reached = {leaf for event in view.backwards if event.backward and not event.error for leaf in event.backward.leaves}
    held = {state.serial for made in view.tape.calls("optimizer") for state in made.inputs}
    for made in view.tape.calls("optimizer"):
        step = next((one for one in view.tape.calls("step") if _serials(one) == _serials(made)), None)
        before = {state.serial for event in view.tape.events[: made.index] for state in (*event.inputs, *event.outputs)}
        parameters = {state.serial for event in view.tape.events for state in event.inputs if state.parameter}
        newer = sorted((reached & parameters) - before - held)
        if step is not None and newer and _serials(made) - reached:
            named = next((name for leaf in newer if (name := view.ever_named(leaf))), None)
            return Found(
                text=f"the optimizer made at line {made.line} holds parameters that are no longer used, and not their successors",
                line=step.line, event=step.index, error_line=step.line, cause_line=made.line,
                names=_optimizer_name(view, step) | ({"LEAF": named} if named else {}),
            )  # fmt: skip
    return None


@word
def nonfinite(view: View, value: Any) -> Found | None:
    """A loss that is a number gives a gradient that is none: nan, inf. $OP is the operation that made it first, $ARG
    what it was given, $OUT a name of what was computed from it, $X a leaf that holds it; the operation is the cause line."""
    for event in view.tape.events:
        bad = event.nonfinite
        if bad is None or bad.kind not in listed(value):
            continue
        names = {"LOSS": view.source(target)} if (target := _target(view, event)) is not None else {}
        leaf = next((name for serial in bad.leaves if (name := view.ever_named(serial))), None)
        names |= {"X": leaf} if leaf else {}
        names |= _edge_names(view, bad.line, bad.op)
        return Found(
            text=f"line {event.line}: a gradient is {bad.kind}, first made by {bad.node or 'an operation'}",
            line=event.line, event=event.index, names=names, error_line=event.line, cause_line=bad.line or event.line,
        )  # fmt: skip
    return None


def _never_zeroed(view: View) -> tuple[str, Found | None]:
    """An update that uses a gradient in which an older one, already used for an update, still is."""
    for place, later in enumerate(view.backwards):
        if later.backward is None or later.error:
            continue
        for earlier in view.backwards[:place]:
            for leaf in later.backward.held:
                if earlier.backward is None or leaf not in earlier.backward.leaves:
                    continue
                first = _update(view, leaf, earlier.index, later.index)
                if first is not None and _reached_between(view, leaf, first.index, later.index):
                    continue  # a differentiation right after the update tells whether the gradient was zeroed then
                second = _update(view, leaf, later.index, None)
                if first is not None and second is not None and not _zeroed(view, leaf, later.index, second.index):
                    written = _written_zeroing(view)
                    kind = "missing" if written is None else "not_reached"
                    names = _optimizer_name(view, second) | _root_name(view, later)
                    named = view.ever_named(leaf)
                    return kind, Found(
                        text=f"line {second.line} updates with a gradient that still holds the one of the pass before",
                        line=later.line, event=later.index, names=names | ({"X": named} if named else {}),
                        error_line=second.line, cause_line=written or later.line,
                    )  # fmt: skip
    return "", None


def _plain_steps(view: View) -> Iterator[Event]:
    """The steps that are given no closure: one with a closure zeroes and differentiates by itself, maybe many times."""
    for event in view.tape.events:
        if event.op == "step":
            call = view.call_on(event.line, ("step",))
            if call is None or not (call.args or call.keywords):
                yield event


def _reached_between(view: View, leaf: int, after: int, before: int) -> bool:
    between = (event for event in view.backwards if after < event.index < before)
    return any(event.backward is not None and leaf in event.backward.leaves for event in between)


def _zeroed_before_step(view: View) -> tuple[str, Found | None]:
    """Steps that always find their gradients just zeroed."""
    worst: Found | None = None
    for step in _plain_steps(view):
        held = _serials(step)
        before = view.tape.events[: step.index]
        last = next((e for e in reversed(before) if e.backward and held & set(e.backward.leaves) and not e.error), None)
        if last is None:
            continue
        between = view.tape.events[last.index : step.index]
        zero = next((e for e in between if e.op == "zero_grad" and held <= _serials(e)), None)
        stepped = any(e.op == "step" and _serials(e) == held for e in between)
        if zero is None or stepped:
            return "", None
        worst = worst or Found(
            text=f"line {zero.line} zeroes the gradients that the step at line {step.line} was to use",
            line=step.line, event=step.index, names=_optimizer_name(view, step) | _root_name(view, last),
            error_line=step.line, cause_line=zero.line,
        )  # fmt: skip
    return "before_step", worst


def _zeroed_each_part(view: View) -> tuple[str, Found | None]:
    """Several backward calls for one step, with a zeroing between them."""
    for step in _plain_steps(view):
        held = _serials(step)
        calls: list[Event] = []
        for event in reversed(view.tape.events[: step.index]):
            if event.op == "step" and _serials(event) == held:
                break
            if event.backward is not None and held & set(event.backward.leaves) and not event.error:
                calls.append(event)
        same = [call for call in calls if call.place == calls[0].place]
        if len(same) < 2:
            continue
        between = view.tape.events[same[1].index : same[0].index]
        zero = next((e for e in between if e.op == "zero_grad" and held <= _serials(e)), None)
        if zero is not None:
            return "each_part", Found(
                text=f"line {zero.line} zeroes gradients that were to be added up for the step at line {step.line}",
                line=step.line, event=step.index, names=_optimizer_name(view, step) | _root_name(view, same[0]),
                error_line=step.line, cause_line=zero.line,
            )  # fmt: skip
    return "", None


def _sum_read(view: View) -> Found | None:
    for read in view.grad_reads:
        leaf = read.inputs[0]
        calls = [e for e in view.backwards if e.index < read.index and e.backward and leaf.serial in e.backward.leaves]
        calls = [call for call in calls if not call.error]
        if not leaf.leaf or len(calls) < 2 or calls[-1].backward is None or leaf.serial not in calls[-1].backward.held:
            continue
        if _update(view, leaf.serial, calls[0].index, read.index) is not None:
            continue
        named = view.ever_named(leaf.serial)
        return Found(
            text=f"the gradient read at line {read.line} is the sum of {len(calls)} differentiations",
            line=read.line, event=read.index, names=_root_name(view, calls[-1]) | ({"X": named} if named else {}),
            error_line=read.line, cause_line=calls[-1].line,
        )  # fmt: skip
    return None


def _undivided(view: View) -> Found | None:
    for step in _plain_steps(view):
        held = _serials(step)
        calls: list[Event] = []
        for event in reversed(view.tape.events[: step.index]):
            if event.op == "step" and _serials(event) == held:
                break
            if event.backward is not None and held & set(event.backward.leaves):
                calls.append(event)
        if len(calls) < 2 or calls[0].place != calls[1].place or calls[0].backward is None:
            continue
        maker = view.tape.maker(calls[0].backward.roots[0])
        added = held & set(calls[0].backward.held)
        if added and maker is not None and short_name(maker.op) not in ("div", "__truediv__", "true_divide", "mul"):
            return Found(
                text=f"{len(calls)} gradients are added up for the step at line {step.line}",
                line=calls[0].line, event=calls[0].index, error_line=step.line, cause_line=calls[0].line,
                names=_optimizer_name(view, step) | _root_name(view, calls[0]),
            )  # fmt: skip
    return None


def _update(view: View, leaf: int, after: int, before: int | None) -> Event | None:
    """The first change of a leaf between two events."""
    events = view.tape.events[after + 1 : before]
    return next((event for event in events if leaf in changed_by(event) or leaf in _by_data(view, event)), None)


def _by_data(view: View, event: Event) -> set[int]:
    """The leaves of which a write through `.data` changes the numbers."""
    if not event.writes:
        return set()
    return {
        maker.inputs[0].serial
        for serial in event.writes
        if (maker := view.tape.maker(serial)) is not None and maker.op in ("Tensor.data.__get__", "Tensor.detach")
        if maker.inputs
    }


def _zeroed(view: View, leaf: int, after: int, before: int) -> bool:
    return any(
        (event.op == "zero_grad" and leaf in _serials(event))
        or (event.op == "Tensor.grad.__set__" and event.inputs and event.inputs[0].serial == leaf)
        for event in view.tape.events[after + 1 : before]
    )


def _written_zeroing(view: View) -> int | None:
    """The line that speaks of zeroing a gradient, run or not."""
    for node in ast.walk(view.tree):
        match node:
            case ast.Attribute(attr="zero_grad", lineno=line):
                return line
            case ast.Call(func=ast.Attribute(attr="zero_" | "fill_", value=target), lineno=line):
                if ".grad" in ast.unparse(target) or ast.unparse(target) == "grad":
                    return line
            case ast.Assign(targets=[ast.Attribute(attr="grad")], lineno=line):
                return line
    return None


def _others_step(view: View, held: set[int], reached: set[int]) -> bool:
    """Whether another optimizer, or the program itself, changes what was reached."""
    first = view.backwards[0].index
    return any(reached & changed_by(event) for event in view.tape.events[first:] if _serials(event) != held)


def _optimizer_name(view: View, step: Event) -> dict[str, str]:
    """$OPT: the asker's expression for the optimizer of a step."""
    call = view.call_on(step.line, ("step",))
    if call is not None and isinstance(call.func, ast.Attribute):
        return {"OPT": view.source(call.func.value)}
    return {}


def _root_name(view: View, event: Event) -> dict[str, str]:
    target = _target(view, event)
    return {} if target is None else {"LOSS": view.source(target)}


def _target(view: View, event: Event) -> ast.expr | None:
    call = view.call_on(event.line, BACKWARD)
    return receiver(call) if call is not None else None


def _edge_names(view: View, line: int, op: str) -> dict[str, str]:
    """$OP, $ARG and $OUT of the operation that made a gradient no number."""
    names = {"OP": short_name(op)} if op else {}
    for node in view.nodes_on(line) if line else ():
        if isinstance(node, ast.Call) and called(node) == short_name(op):
            target = receiver(node)
            if target is not None:
                names["ARG"] = view.source(target)
            break
    made = next((event for event in view.tape.events if event.line == line and event.op == op and event.outputs), None)
    if made is not None:
        family = {state.serial for state in made.outputs}
        for event in view.tape.events[made.index + 1 :]:
            if family & {state.serial for state in event.inputs} and event.backward is None:
                family |= {state.serial for state in event.outputs}
        seen = (state for event in view.tape.events[made.index :] for state in (*event.outputs, *event.inputs))
        called_so = (name for state in seen if state.serial in family for name in state.names)
        out = next(called_so, None) or next((n for serial in sorted(family) if (n := view.ever_named(serial))), None)
        names |= {"OUT": out} if out else {}
    return names


def _serials(event: Event) -> set[int]:
    return {state.serial for state in event.inputs}
