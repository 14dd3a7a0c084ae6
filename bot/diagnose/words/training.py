"""The steps of training: what is zeroed, what the optimizer holds, what the gradients hold."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from bot.diagnose.changes import Held, Others, changes, serials
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
    others = Others(view)
    for step in view.tape.calls("step"):
        held = serials(step)
        others.reached_before(step)
        if held and others.reached and held.isdisjoint(others.reached) and not others.step(held):
            made = next((e for e in view.tape.events if e.op == "optimizer" and serials(e) == held), None)
            named = next((name for leaf in others.reached if (name := view.ever_named(leaf))), None)
            return Found(
                text=f"the step at line {step.line} changes nothing: no gradient reaches what the optimizer holds",
                line=step.line, event=step.index, error_line=step.line, cause_line=made.line if made else None,
                names=_optimizer_name(view, step) | ({"LEAF": named} if named else {}),
            )  # fmt: skip
    return None


def _outdated(view: View) -> Found | None:
    makers = list(view.tape.calls("optimizer"))
    reached = {leaf for event in view.backwards if event.backward and not event.error for leaf in event.backward.leaves}
    held = {state.serial for made in makers for state in made.inputs}
    steps = {serials(step): step for step in reversed(list(view.tape.calls("step")))}
    seen = {
        state.serial: event.index for event in reversed(view.tape.events) for state in (*event.inputs, *event.outputs)
    }
    parameters = {state.serial for event in view.tape.events for state in event.inputs if state.parameter}
    fresh = sorted((reached & parameters) - held)
    last = max((seen[serial] for serial in fresh), default=-1)
    for made in makers:
        step = steps.get(serials(made))
        if step is not None and last >= made.index and serials(made) - reached:
            newer = (serial for serial in fresh if seen[serial] >= made.index)
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
    """An update that uses a gradient in which an older one, already used for an update, still is.

    A differentiation right after the update tells whether the gradient was zeroed then.
    """
    known = changes(view)
    for later in view.backwards:
        held = later.backward.held if later.backward is not None and not later.error else ()
        found: tuple[int, int, Event] | None = None
        for leaf in held:
            earlier = known.carried_from(leaf, later.index)
            second = known.update(leaf, later.index, None)
            if earlier is None or second is None or known.zeroed(leaf, later.index, second.index):
                continue
            if found is None or earlier < found[0]:
                found = (earlier, leaf, second)
        if found is not None:
            return _carried(view, later, *found[1:])
    return "", None


def _carried(view: View, later: Event, leaf: int, second: Event) -> tuple[str, Found]:
    written = _written_zeroing(view)
    kind = "missing" if written is None else "not_reached"
    names = _optimizer_name(view, second) | _root_name(view, later)
    named = view.ever_named(leaf)
    return kind, Found(
        text=f"line {second.line} updates with a gradient that still holds the one of the pass before",
        line=later.line, event=later.index, names=names | ({"X": named} if named else {}),
        error_line=second.line, cause_line=written or later.line,
    )  # fmt: skip


def _plain_steps(view: View) -> Iterator[Event]:
    """The steps that are given no closure: one with a closure zeroes and differentiates by itself, maybe many times."""
    calls: dict[int, ast.Call | None] = {}
    for event in view.tape.calls("step"):
        if event.line not in calls:
            calls[event.line] = view.call_on(event.line, ("step",))
        call = calls[event.line]
        if event.op == "step" and (call is None or not (call.args or call.keywords)):
            yield event


def _zeroed_before_step(view: View) -> tuple[str, Found | None]:
    """Steps that always find their gradients just zeroed."""
    worst: Found | None = None
    known = changes(view)
    zeroings, held_by = Held(view.tape.calls("zero_grad")), Held(view.tape.calls("step"))
    for step in _plain_steps(view):
        held = serials(step)
        last = next((e for e in reversed(view.backwards) if known.serves(e, step, held) and not e.error), None)
        if last is None:
            continue
        zero = next((e for e, zeroed in zeroings.between(last, step) if held <= zeroed), None)
        if zero is None or any(others == held for _, others in held_by.between(last, step)):
            return "", None
        worst = worst or Found(
            text=f"line {zero.line} zeroes the gradients that the step at line {step.line} was to use",
            line=step.line, event=step.index, names=_optimizer_name(view, step) | _root_name(view, last),
            error_line=step.line, cause_line=zero.line,
        )  # fmt: skip
    return "before_step", worst


def _calls_for(view: View) -> Iterator[tuple[Event, list[Event]]]:
    """Each step with the differentiations that were made for it since the last one of its optimizer, the last first."""
    known = changes(view)
    before: dict[frozenset[int], int] = {}
    plain = {event.index for event in _plain_steps(view)}
    for step in view.tape.calls("step"):
        held = serials(step)
        if step.index in plain:
            since = before.get(held, -1)
            yield step, [e for e in reversed(view.backwards) if e.index > since and known.serves(e, step, held)]
        before[held] = step.index


def _zeroed_each_part(view: View) -> tuple[str, Found | None]:
    """Several backward calls for one step, with a zeroing between them."""
    zeroings = Held(view.tape.calls("zero_grad"))
    for step, made in _calls_for(view):
        calls = [call for call in made if not call.error]
        same = [call for call in calls if call.place == calls[0].place]
        if len(same) < 2:
            continue
        held = serials(step)
        zero = next((e for e, zeroed in zeroings.between(same[1], same[0]) if held <= zeroed), None)
        if zero is not None:
            return "each_part", Found(
                text=f"line {zero.line} zeroes gradients that were to be added up for the step at line {step.line}",
                line=step.line, event=step.index, names=_optimizer_name(view, step) | _root_name(view, same[0]),
                error_line=step.line, cause_line=zero.line,
            )  # fmt: skip
    return "", None


def _sum_read(view: View) -> Found | None:
    known = changes(view)
    for read in view.grad_reads:
        leaf = read.inputs[0]
        calls = [call for call in known.reached(leaf.serial, read.index) if not call.error] if leaf.leaf else []
        if len(calls) < 2 or calls[-1].backward is None or leaf.serial not in calls[-1].backward.held:
            continue
        if known.update(leaf.serial, calls[0].index, read.index) is not None:
            continue
        named = view.ever_named(leaf.serial)
        return Found(
            text=f"the gradient read at line {read.line} is the sum of {len(calls)} differentiations",
            line=read.line, event=read.index, names=_root_name(view, calls[-1]) | ({"X": named} if named else {}),
            error_line=read.line, cause_line=calls[-1].line,
        )  # fmt: skip
    return None


def _undivided(view: View) -> Found | None:
    for step, calls in _calls_for(view):
        if len(calls) < 2 or calls[0].place != calls[1].place or calls[0].backward is None:
            continue
        maker = view.tape.maker(calls[0].backward.roots[0]) if calls[0].backward.roots else None
        added = serials(step) & set(calls[0].backward.held)
        if added and maker is not None and short_name(maker.op) not in ("div", "__truediv__", "true_divide", "mul"):
            return Found(
                text=f"{len(calls)} gradients are added up for the step at line {step.line}",
                line=calls[0].line, event=calls[0].index, error_line=step.line, cause_line=calls[0].line,
                names=_optimizer_name(view, step) | _root_name(view, calls[0]),
            )  # fmt: skip
    return None


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
