"""Graphs that were cut, or never began: told by where the values come from."""

from __future__ import annotations

import math
import zlib
from typing import Any

from bot.diagnose.cutting import cut_names
from bot.diagnose.flow import Cut
from bot.diagnose.lacking import lack_of, result_of
from bot.diagnose.view import Found, View
from bot.diagnose.vocabulary import listed, word
from bot.domain.tape import TensorState, short_name

#: Operations whose derivative is zero wherever it exists.
_FLAT = (
    "round",
    "round_",
    "floor",
    "floor_",
    "ceil",
    "ceil_",
    "trunc",
    "trunc_",
    "fix",
    "sign",
    "sign_",
    "sgn",
    "heaviside",
)

#: Operations that are zero only where what they are given is, and have a corner there.
_CORNERS = ("norm", "vector_norm", "linalg_vector_norm", "linalg_norm", "dist", "abs", "absolute", "__abs__")
_BYTES = {"float16": 2, "bfloat16": 2, "float32": 4, "float64": 8}


@word
def graph_cut_by(view: View, value: Any) -> Found | None:
    """Where a differentiation lacks its graph, what cut it: detach, data, no_grad, inference, item, numpy, copy, integer,
    nondifferentiable, update (`w = w - lr * w.grad` under no_grad), frozen (parameters with requires_grad off), never
    (nothing on the way required grad), unused (the tensor is not on the way). Also a root that is a new leaf of its own
    (`loss.requires_grad_()`), and a leaf whose `.grad` is read and is None. $X is the tensor that went in, $CALL the
    expression that cut, $MAKER its operation, $LEAF a leaf behind it, $LOSS the root, $ITSELF the tensor that alone required no grad, $GUARD what switched the graph off;
    the cutting call, or the guard, is the cause line."""
    lack = lack_of(view)
    return lack.found if lack is not None and lack.kind in listed(value) else None


@word
def shows_as(view: View, value: Any) -> Found | None:
    """How the missing graph of `graph_cut_by` shows: error (something failed), new_leaf (the differentiation starts at a
    leaf that was computed, and ends there), grad_none (a `.grad` is read and is None)."""
    lack = lack_of(view)
    if lack is None or lack.shows not in listed(value):
        return None
    return Found(
        text={"error": "the run fails", "new_leaf": "gradients end at a new leaf", "grad_none": "`.grad` is None"}[
            lack.shows
        ]
    )


@word
def result_cut_by(view: View, value: Any) -> Found | None:
    """Where a run differentiates nothing: what cut the graph of its last result, in the words of `graph_cut_by`, with the
    same names; $LOSS is that result."""
    lack = result_of(view)
    return lack.found if lack is not None and lack.kind in listed(value) else None


@word
def flat_gradient(view: View, value: Any) -> Found | None:
    """true: all ways from the result to a leaf lead through operations whose derivative is zero everywhere: round, floor,
    sign and the like. $X is what went in, $CALL the expression, $LEAF the leaf."""
    found = _flat(view)
    return found if bool(value) == (found is not None) else None


@word
def kink(view: View, value: Any) -> Found | None:
    """true: a differentiation passes a norm, a distance or an absolute value of nothing but zeros, where it has a corner and
    no derivative; torch takes 0. $OP is the operation, $X a leaf below it; the call is the cause line."""
    found = _kink(view)
    return found if bool(value) == (found is not None) else None


def _kink(view: View) -> Found | None:
    for call in view.tape.calls(*_CORNERS):
        made = call.outputs[0] if call.outputs and not call.error else None
        walked = any(event.backward and call.node in event.backward.nodes for event in view.backwards)
        if made is None or call.node is None or not walked or made.digest != _digest_of_zeros(made):
            continue
        given = next((state for state in call.inputs if state.requires_grad), None)
        leaves = [] if given is None else [given.serial] if given.leaf else view.leaves_under(given.serial)
        named = next((name for leaf in leaves if (name := view.ever_named(leaf))), None)
        return Found(
            text=f"line {call.line}: {short_name(call.op)} of zeros has a corner and no derivative",
            line=call.line, event=call.index, cause_line=call.line,
            names={"OP": short_name(call.op)} | ({"X": named} if named else {}),
        )  # fmt: skip
    return None


def _digest_of_zeros(state: TensorState) -> str | None:
    """The fingerprint of a tensor of this shape and type that holds zeros only; None for types that have none."""
    size = _BYTES.get(state.dtype)
    return None if size is None else f"{zlib.crc32(bytes(size * math.prod(state.shape))):08x}"


def _flat(view: View) -> Found | None:
    flats = {
        state.serial: event
        for event in view.tape.calls(*_FLAT)
        for state in event.outputs
        if state.requires_grad and not state.leaf
    }
    wanted = {event.inputs[0].serial for event in view.grad_reads}
    wanted |= {state.serial for event in view.tape.events if event.op == "step" for state in event.inputs}
    for event in view.backwards if flats else ():
        assert event.backward is not None
        open_to: set[int] = set()
        met: list[int] = []
        waiting = list(event.backward.roots)
        while waiting:
            serial = waiting.pop()
            if serial in flats:
                met.append(serial)
            elif serial not in open_to:
                open_to.add(serial)
                waiting.extend(view.tensors.graph.parents.get(serial, ()))
        for serial in met:
            shut = (wanted & set(view.leaves_under(serial))) - open_to
            if shut:
                call = flats[serial]
                cut = Cut(kind="flat", event=call, given=call.inputs[0], distance=0)
                return Found(
                    text=f"line {call.line}: the derivative of {short_name(call.op)}() is zero everywhere",
                    line=call.line, event=call.index, names=cut_names(view, cut) | {"LOSS": view.root_on(event.line) or ""},
                    serials={"X": call.inputs[0].serial}, error_line=event.line, cause_line=call.line,
                )  # fmt: skip
    return None
