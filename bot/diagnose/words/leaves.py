"""Leaves: gradients read too early, leaves lost to an update, requests that come too late, results given to an optimizer."""

from __future__ import annotations

import ast
import re
from typing import Any

from bot.diagnose.roles import roles
from bot.diagnose.view import Found, View
from bot.diagnose.vocabulary import listed, word
from bot.domain.tape import Event, short_name

_NONE = re.compile(r"'NoneType' object|and 'NoneType'|'NoneType' and|: NoneType|NoneType\b")


@word
def reads_grad(view: View, value: Any) -> Found | None:
    """A leaf's `.grad` is read and is None: before_backward (no differentiation reached the leaf until then), no_backward
    (there is none in the whole run), after_zeroing (one did, and `zero_grad()` or `= None` removed the gradient). $X is
    the leaf; the zeroing is the cause line."""
    for event in view.grad_reads:
        state = event.inputs[0]
        failing = view.run.error is not None and view.line is not None
        if event.outputs or not state.leaf or (failing and event.line != view.line):
            continue
        reached = [
            one.index
            for one in view.backwards
            if one.index < event.index and one.backward is not None and _reaches(one, state.serial)
        ]
        zeroed = _zeroing(view, state.serial, since=max(reached, default=-1), until=event.index)
        kind = "after_zeroing" if reached and zeroed else "before_backward" if not _any_before(view, event) else None
        kinds = {kind, "no_backward"} if not view.backwards else {kind}
        if kinds.isdisjoint(listed(value)):
            continue
        names, serials = roles(view, state, event, ())
        text = f"`{names['X']}.grad` is read at line {event.line} and is None: " + (
            f"line {zeroed.line} removed it" if kind == "after_zeroing" and zeroed else "nothing was differentiated yet"
        )
        return Found(
            text=text, line=event.line, event=event.index, names=names, serials=serials, error_line=event.line,
            cause_line=zeroed.line if kind == "after_zeroing" and zeroed else event.line,
        )  # fmt: skip
    return None


@word
def breaks_on_none(view: View, value: Any) -> Found | None:
    """true: the run failed because something was None: `'NoneType' object has no attribute ...`."""
    error = view.run.error
    broke = error is not None and error.type in ("AttributeError", "TypeError") and bool(_NONE.search(error.message))
    if broke != bool(value):
        return None
    return Found(text=error.message if error is not None and broke else "nothing failed on None", line=view.line)


@word
def optimizer_given(view: View, value: Any) -> Found | None:
    """non_leaf: the failing line gives an optimizer names that hold results of operations. $X is the first, $ALL all."""
    if view.line is None or "non_leaf" not in listed(value):
        return None
    said = [node.id for node in view.nodes_on(view.line) if isinstance(node, ast.Name)]
    made = {name: serial for name in dict.fromkeys(said) if (serial := _result_called(view, name)) is not None}
    said_first = next(iter(made), None)
    if said_first is None:
        return None
    maker = view.tape.maker(made[said_first])
    names = {"X": said_first, "ALL": ", ".join(made)} | {f"X{place}": name for place, name in enumerate(made, 1)}
    return Found(
        text=f"`{said_first}` is the result of an operation", line=view.line, names=names | (
            {"MAKER": short_name(maker.op)} if maker is not None else {}
        ), serials={"X": made[said_first]}, error_line=view.line, cause_line=view.creation_line(made[said_first]),
    )  # fmt: skip


def _result_called(view: View, name: str) -> int | None:
    """The tensor of this name when it is the result of an operation: by its binding, else by the line that assigns it."""
    for final in view.tape.finals:
        if final.name == name:
            return None if final.state.leaf else final.state.serial
    lines = [
        node.lineno
        for node in ast.walk(view.tree)
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == name
    ]
    made = [event for event in view.tape.events if event.line in lines and event.outputs]
    return made[-1].outputs[0].serial if made and not made[-1].outputs[0].leaf else None


@word
def leaf_lost(view: View, value: Any) -> Found | None:
    """true: a name that held a leaf came to hold what was computed from the leaf's gradient, and `.grad` of it is read
    afterwards: `w = w - lr * w.grad`. $X is the name, $LEAF the same; the line of the update is the cause line."""
    found = _lost(view)
    return found if bool(value) == (found is not None) else None


def _lost(view: View) -> Found | None:
    for event in view.grad_reads:
        state = event.inputs[0]
        if event.outputs or (state.leaf and state.requires_grad):
            continue
        maker = view.tape.maker(state.serial)
        if maker is None:
            continue
        for name in state.names or (view.ever_named(state.serial),):
            before = {
                binding.serial
                for binding in view.tape.bindings
                if binding.name == name and binding.at <= maker.index and binding.serial is not None
            } | {
                given.serial
                for one in view.tape.events[: maker.index + 1]
                for given in one.inputs
                if name in given.names
            }
            reads = [one for one in view.grad_reads if one.inputs[0].serial in before and one.index <= maker.index]
            if name and reads and _near(view, reads[-1], maker):
                names = {"X": name, "LEAF": name} | {
                    f"X{place}": one for place, one in enumerate(_updated(view, maker.line), 2)
                }
                return Found(
                    text=f"line {maker.line} gives the name `{name}` to the result of an operation; it held the leaf before",
                    line=maker.line, event=maker.index, names=names, serials={"X": state.serial},
                    error_line=event.line, cause_line=maker.line,
                )  # fmt: skip
    return None


def _updated(view: View, line: int) -> list[str]:
    """The names that are stepped along a gradient right beside this line: `b = b - lr * b.grad`."""
    return [
        node.targets[0].id
        for node in ast.walk(view.tree)
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.BinOp)
        and abs(node.lineno - line) < 6
        and any(isinstance(part, ast.Attribute) and part.attr == "grad" for part in ast.walk(node.value))
    ]


def _near(view: View, read: Event, maker: Event) -> bool:
    """Whether the operation used the gradient that was read just before: on its line, or through a name."""
    if read.line == maker.line:
        return True
    gradients = {state.serial for state in read.outputs}
    waiting, seen = [state.serial for state in maker.inputs], set()
    while waiting:
        serial = waiting.pop()
        if serial in gradients:
            return True
        if serial not in seen:
            seen.add(serial)
            made = view.tape.maker(serial)
            if made is not None and made.index > read.index:
                waiting.extend(state.serial for state in made.inputs)
    return False


@word
def asks_too_late(view: View, value: Any) -> Found | None:
    """retain_grad, register_hook: it is called on a tensor after the last differentiation that passed it, so that it does
    nothing. $X is the tensor; the line that made the tensor is the cause line, the late call the error line."""
    for event in view.tape.calls(*listed(value)):
        state = event.inputs[0] if event.inputs else None
        if state is None or event.error or state.leaf:
            continue
        passed = [one for one in view.backwards if _passes(view, one, state.serial) and not one.error]
        if passed and all(one.index < event.index for one in passed):
            names, serials = roles(view, state, None, ())
            names["X"] = state.names[0] if state.names else view.ever_named(state.serial) or names["X"]
            return Found(
                text=f"{short_name(event.op)}() at line {event.line} comes after the differentiation at line {passed[-1].line}",
                line=event.line, event=event.index, names=names, serials=serials,
                error_line=event.line, cause_line=view.creation_line(state.serial),
            )  # fmt: skip
    return None


def _reaches(event: Event, serial: int) -> bool:
    return event.backward is not None and serial in (*event.backward.leaves, *event.backward.inputs) and not event.error


def _passes(view: View, event: Event, serial: int) -> bool:
    roots = event.backward.roots if event.backward is not None else ()
    return any(serial == one or view.tensors.graph.descends(one, [serial]) for one in roots)


def _any_before(view: View, read: Event) -> bool:
    return any(event.index < read.index and not event.error for event in view.backwards)


def _zeroing(view: View, serial: int, *, since: int, until: int) -> Event | None:
    for event in view.tape.events:
        removes = event.op in ("zero_grad", "Tensor.grad.__set__")
        if removes and since < event.index < until and any(state.serial == serial for state in event.inputs):
            return event
    return None
