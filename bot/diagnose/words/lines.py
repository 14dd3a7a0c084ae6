"""What the asker's lines say: the failing call, misspelt switches, results that are none, roots of differentiations."""

from __future__ import annotations

import ast
import difflib
import re
from typing import Any

from bot.diagnose.cutting import operand
from bot.diagnose.roles import failed
from bot.diagnose.view import BACKWARD, Found, View, called, receiver
from bot.diagnose.vocabulary import listed, word
from bot.domain.tape import Event, TensorState


@word
def fails_in(view: View, value: Any) -> Found | None:
    """The failing line calls one of these, sets an attribute of that name, or gives an argument of that name. $CALL is the
    expression, $X the tensor that the failing call was given, else the name the line assigns, else the operand; where $X
    is no tensor but holds some, $LIST is the same, and $EACH the call that takes the values of one of them."""
    if view.line is None:
        return None
    call = failed(view)
    state = call.inputs[0] if call is not None and call.inputs and call.line == view.line else None
    found = [node for node in view.nodes_on(view.line) if _fails_so(node, listed(value))]
    if not found:
        return None
    node = next((one for one in found if state is not None and operand(view, one) in state.names), found[0])
    given = operand(view, node)
    known = state.names[0] if state is not None and state.names else None
    set_here = isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
    plain = given is not None and (set_here or re.fullmatch(r"[A-Za-z_][\w.]*", given))
    names = {
        "CALL": view.source(node),
        "X": known or (given if plain else _assigned_on(view, view.line)) or given or "",
    }
    if known is None and given is not None and given.isidentifier() and not _is_tensor(view, given):
        whole = state is None or all(size == 1 for size in state.shape)
        names |= {"LIST": given, "EACH": "item()" if whole else "detach()"}
    return Found(
        text=f"line {view.line} fails in `{names['CALL']}`", line=view.line, names=names,
        serials={"X": state.serial} if state is not None else {}, error_line=view.line,
        cause_line=(view.creation_line(state.serial) if state is not None else None) or view.line,
    )  # fmt: skip


def _is_tensor(view: View, name: str) -> bool:
    """Whether a name ever meant a tensor, in a function as well."""
    states = (state for event in view.tape.events for state in (*event.inputs, *event.outputs))
    return any(one.name == name and one.serial is not None for one in view.tape.bindings) or any(
        name in state.names for state in states
    )


def _fails_so(node: ast.expr, names: tuple[str, ...]) -> bool:
    match node:
        case ast.Call():
            return called(node) in names or any(word.arg in names for word in node.keywords)
        case ast.Attribute(attr=name):
            return name in names
    return False


@word
def misspelt(view: View, value: Any) -> Found | None:
    """requires_grad: an attribute or argument that is nearly called so was set: `x.require_grad = True`. $X is the tensor,
    $SAID the wrong word; its line is the cause line."""
    for node in ast.walk(view.tree):
        match node:
            case ast.Attribute(attr=said, value=holder, ctx=ast.Store()) if _nearly(said, listed(value)):
                if (isinstance(holder, ast.Name) and holder.id == "self") or not _known(view, said):
                    continue
                return _misspelt(view, node.lineno, said, view.source(holder))
            case ast.keyword(arg=str(said)) if _nearly(said, listed(value)) and _refused(view, said):
                return _misspelt(view, node.lineno, said, "")
            case ast.Call(func=ast.Attribute(attr=said, value=holder)) if _nearly(
                said.removesuffix("_"), listed(value)
            ) and _refused(view, said):
                return _misspelt(view, node.lineno, said, view.source(holder))
    return None


def _misspelt(view: View, line: int, said: str, holder: str) -> Found:
    names = {"SAID": said, "X": holder or _assigned_on(view, line) or said}
    return Found(text=f"line {line} sets {said}, which torch does not know", line=line, names=names, cause_line=line)


def _assigned_on(view: View, line: int) -> str | None:
    for node in ast.walk(view.tree):
        if isinstance(node, ast.Assign) and node.lineno <= line <= (node.end_lineno or line):
            return view.source(node.targets[0])
    return None


def _nearly(said: str, meant: tuple[str, ...]) -> bool:
    return said not in meant and any(difflib.SequenceMatcher(None, said.lower(), one).ratio() > 0.84 for one in meant)


def _known(view: View, said: str) -> bool:
    """Whether the attribute was seen on a tensor."""
    return any(event.op == "attribute" and (event.note or "").endswith(f".{said}") for event in view.tape.events)


def _refused(view: View, said: str) -> bool:
    error = view.run.error
    return error is not None and error.type in ("TypeError", "AttributeError") and f"'{said}'" in error.message


@word
def uses_result_of(view: View, value: Any) -> Found | None:
    """backward: the program uses what this call returns, which is None. $LOSS is what it was called on, $X the name that
    was given to the result."""
    for node in ast.walk(view.tree):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call() as call) if called(call) in listed(value):
                used = any(
                    isinstance(part, ast.Name) and part.id == name and isinstance(part.ctx, ast.Load)
                    and part.lineno > call.lineno for part in ast.walk(view.tree)
                )  # fmt: skip
                if used and _ran_backward(view, call):
                    return _used(view, call, name)
            case ast.Call(args=args) if called(node) not in listed(value):
                for part in (*args, *(given.value for given in node.keywords)):
                    if isinstance(part, ast.Call) and called(part) in listed(value) and _ran_backward(view, part):
                        return _used(view, part, "")
            case ast.Attribute(value=ast.Call() as call) | ast.BinOp(left=ast.Call() as call) if called(call) in listed(
                value
            ) and _ran_backward(view, call):
                return _used(view, call, "")
    return None


def _ran_backward(view: View, call: ast.Call) -> bool:
    return any(
        event.op == "Tensor.backward"
        and call.lineno <= event.line <= (call.end_lineno or call.lineno)
        and not event.error
        for event in view.backwards
    )


def _used(view: View, call: ast.Call, name: str) -> Found:
    target = receiver(call)
    names = {"LOSS": view.source(target)} if target is not None else {}
    names |= {"X": name} if name else {}
    leaf = _wanted_leaf(view, call.lineno)
    names |= {"LEAF": leaf} if leaf else {}
    return Found(
        text=f"line {call.lineno} uses what backward() returns, which is None", line=call.lineno, names=names,
        cause_line=call.lineno, error_line=view.line or call.lineno,
    )  # fmt: skip


def _wanted_leaf(view: View, line: int) -> str | None:
    """The only leaf that the differentiation on a line reached, by its name."""
    for event in view.backwards:
        if event.line == line and event.backward is not None:
            named = [view.ever_named(leaf) for leaf in event.backward.leaves]
            return named[0] if len(named) == 1 else None
    return None


@word
def root(view: View, value: Any) -> Found | None:
    """What a differentiation starts from, the failing one or else the last: dtype (complex, integer, float), weights
    (none, given; reached: a leaf that it is for, or its root, is given as its own weights), elements (one, several).
    $LOSS is its text."""
    made = [event for event in view.backwards if event.error] or list(view.backwards)
    if not made or made[-1].backward is None:
        return None
    event = made[-1]
    state = next((one for one in event.inputs if one.serial in event.backward.roots), None)  # type: ignore[union-attr]
    if state is None:
        return None
    facts = {"dtype": {_kind_of(state)}, "weights": _weights(event), "elements": {_elements(state)}}
    if any(wish not in facts.get(key, ()) for key, wish in dict(value).items()):
        return None
    call = view.call_on(event.line, BACKWARD)
    target = receiver(call) if call is not None else None
    names = {"LOSS": view.source(target)} if target is not None else {}
    return Found(
        text=f"line {event.line} starts from a tensor of type {state.dtype}", line=event.line, event=event.index,
        names=names, serials={"LOSS": state.serial}, error_line=event.line,
    )  # fmt: skip


def _weights(event: Event) -> set[str]:
    """How a differentiation is weighted, in the words of `root`."""
    call = event.backward
    if call is None:
        return set()
    given = [state.serial for state in event.inputs if state.serial not in call.inputs][1:]
    reached = not {*call.roots, *call.leaves}.isdisjoint(given)
    return {call.weights, "reached"} if call.weights == "given" and reached else {call.weights}


def _kind_of(state: TensorState) -> str:
    return "complex" if state.dtype.startswith("complex") else "float" if "float" in state.dtype else "integer"


def _elements(state: TensorState) -> str:
    count = 1
    for size in state.shape:
        count *= size
    return "one" if count == 1 else "several"
