"""Calls of backward() and autograd.grad(), and gradients that are differentiated again."""

from __future__ import annotations

import math
from typing import Any

from bot.diagnose.roles import root_of
from bot.diagnose.view import BACKWARD, Found, View, receiver
from bot.diagnose.vocabulary import listed, word
from bot.domain.tape import Event


@word
def backward_calls(view: View, value: Any) -> Found | None:
    """At least this many calls of backward() or autograd.grad() were made. $LOSS is what the last starts from."""
    made = view.backwards
    if len(made) < int(value):
        return None
    last = made[-1]
    call = view.call_on(last.line, BACKWARD)
    names, serials = root_of(view, call, last) if call is not None else ({}, {})
    return Found(text=f"{len(made)} differentiations", line=last.line, event=last.index, names=names, serials=serials)


@word
def differentiates_gradient(view: View, value: Any) -> Found | None:
    """A gradient is differentiated: without_graph (it was made without create_graph), added_up (it is the `.grad`
    that backward() adds to, so the sum of both is left there), any; or lost: a part of the loss was computed from a
    gradient that has no graph, so that part teaches nothing. $N is what was differentiated first, $X for which tensor;
    the first call is the cause line."""
    for event in view.backwards:
        first = _made_as_gradient(view, event)
        if first is None or first.backward is None or event.backward is None:
            continue
        leaf = next((leaf for leaf in event.backward.leaves if leaf in event.backward.held), None)
        graph = first.backward.create_graph
        if not graph and event.error is None:  # a number in another computation, as in `w - lr * w.grad`, or a term
            kind = "lost" if _is_term_of_loss(view, first, event) else "fine"
        else:
            kind = "without_graph" if not graph else "added_up" if leaf is not None else "fine"
        if kind not in listed(value) and ("any" not in listed(value) or kind in ("fine", "lost")):
            continue
        names = _second_derivative_names(view, first, event)
        return Found(
            text=f"line {event.line} differentiates the gradient that line {first.line} made",
            line=event.line, event=event.index, names=names, cause_line=first.line, error_line=event.line,
        )  # fmt: skip
    return None


@word
def inputs_leave_out(view: View, value: Any) -> Found | None:
    """leaf: a differentiation is asked for a result alone, `backward(inputs=[h])`, and `.grad` of a leaf below that
    result is read and is None. $X is the leaf, $H the result, $LOSS the root; the differentiation is the cause line."""
    for read in view.grad_reads if "leaf" in listed(value) else ():
        leaf = read.inputs[0]
        before = [event for event in view.backwards if event.index < read.index and not event.error]
        if read.outputs or not leaf.leaf or not leaf.requires_grad or not before:
            continue
        for event in before:
            asked = [state for state in event.inputs if event.backward and state.serial in event.backward.inputs]
            above = next((s for s in asked if not s.leaf and leaf.serial in view.leaves_under(s.serial)), None)
            if above is None or event.op == "torch.autograd.grad" or leaf.serial in [state.serial for state in asked]:
                continue
            names = {"H": view.called(above) or "it", "X": view.called(leaf) or "the leaf"}
            call = view.call_on(event.line, BACKWARD)
            return Found(
                text=f"line {event.line} asks for the gradient of `{names['H']}` alone",
                line=read.line, event=event.index, error_line=read.line, cause_line=event.line,
                names=names | (root_of(view, call, event)[0] if call is not None else {}),
                serials={"H": above.serial, "X": leaf.serial},
            )  # fmt: skip
    return None


@word
def returns_gradient(view: View, value: Any) -> Found | None:
    """true: `autograd.grad` returned the gradient of a leaf. $X is the leaf."""
    found = None
    for event in view.backwards:
        asked = set(event.backward.inputs) if event.backward is not None and not event.error else set()
        leaf = next((state for state in event.inputs if state.serial in asked and state.leaf), None)
        if found is None and event.outputs and leaf is not None:
            found = Found(
                text=f"line {event.line} returns the gradient of a leaf", line=event.line, event=event.index,
                names={"X": view.called(leaf) or "the tensor"}, serials={"X": leaf.serial}, cause_line=event.line,
            )  # fmt: skip
    return found if bool(value) == (found is not None) else None


def _made_as_gradient(view: View, event: Event) -> Event | None:
    """The differentiation that made the tensor from which this one starts."""
    assert event.backward is not None
    family = {*event.backward.roots, *view.tensors.values.ancestors(event.backward.roots)}
    last_read = max(
        (
            read.index
            for read in view.grad_reads
            if read.index < event.index
            and read.inputs[0].leaf
            and any(state.serial in family for state in read.outputs)
        ),
        default=-1,
    )
    for earlier in view.backwards:
        if earlier.index >= event.index:
            break
        if earlier.index < last_read or any(state.serial in family for state in earlier.outputs):
            return earlier
    return None


def _is_term_of_loss(view: View, first: Event, event: Event) -> bool:
    """Whether a differentiation starts from a sum, one term of which is a single number made of a gradient alone."""
    if first.op != "torch.autograd.grad" or event.backward is None:
        return False
    given = {state.serial for state in first.outputs if math.prod(state.shape) > 1}
    for serial in view.tensors.values.ancestors(event.backward.roots):
        state = view.tape.state_of(serial)
        alone = state is not None and not state.requires_grad and math.prod(state.shape) == 1
        if alone and view.tensors.values.descends(serial, given):
            return True
    return False


def _second_derivative_names(view: View, first: Event, second: Event) -> dict[str, str]:
    names: dict[str, str] = {}
    call = view.call_on(first.line, BACKWARD)
    target = receiver(call) if call is not None else None
    if target is not None:
        names["N"] = view.source(target)
    wanted = first.backward.inputs or first.backward.leaves if first.backward is not None else ()
    for serial in wanted:
        named = view.ever_named(serial)
        if named:
            names["X"] = named
    later = view.call_on(second.line, BACKWARD)
    target = receiver(later) if later is not None else None
    if target is not None:
        names["LOSS"] = view.source(target)
    return names
