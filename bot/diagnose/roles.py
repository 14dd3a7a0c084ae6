"""What the $NAMES of an entry stand for: the asker's own expressions, and the tensors they held."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from bot.diagnose.view import View, receiver
from bot.domain.tape import Event, TensorState, short_name


def failed(view: View) -> Event | None:
    """The call that raised, if one did."""
    return next((event for event in reversed(view.tape.events) if event.error), None)


def root_of(view: View, call: ast.Call, event: Event | None) -> tuple[dict[str, str], dict[str, int]]:
    """$LOSS: what a differentiation starts from, as text and as the tensor of its event."""
    target = receiver(call)
    names = {} if target is None else {"LOSS": view.source(target)}
    roots = event.backward.roots if event is not None and event.backward is not None else ()
    return names, {"LOSS": roots[0]} if roots else {}


def roles(
    view: View, state: TensorState, event: Event | None, leaves: Iterable[int]
) -> tuple[dict[str, str], dict[str, int]]:
    """$X for a tensor that an event shows, $LEAF for a leaf under it, $MAKER for the operation that made it."""
    line = event.line if event is not None else 0
    node = view.read_on(line, "grad")
    expression = view.source(node.value) if node is not None else view.expression_for(state, line)
    names = {"X": state.names[0] if state.names else expression}
    serials = {"X": state.serial}
    maker = view.tape.maker(state.serial)
    if maker is not None:
        names["MAKER"] = short_name(maker.op)
    for leaf in leaves:
        serials["LEAF"] = leaf
        named = view.ever_named(leaf)
        if named:
            names["LEAF"] = named
    return names, serials


def attribute_on(view: View, line: int, attribute: str) -> str | None:
    """The text of the first reading of an attribute on a line."""
    node = view.read_on(line, attribute)
    return None if node is None else view.source(node)
