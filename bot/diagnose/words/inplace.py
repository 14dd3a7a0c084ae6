"""In-place changes: of what backward needs, of leaves, behind the back of autograd."""

from __future__ import annotations

import ast
from typing import Any

from bot.diagnose.roles import root_of
from bot.diagnose.shared import meetings, statement_at
from bot.diagnose.view import BACKWARD, Found, View, called
from bot.diagnose.vocabulary import listed, word
from bot.domain.tape import Change, Clash, Event, short_name

#: Layers and functions that may work in place.
_ACTIVATIONS = frozenset({
    "relu", "relu6", "leaky_relu", "elu", "selu", "celu", "silu", "mish", "hardtanh", "hardswish", "hardsigmoid",
    "threshold", "rrelu", "dropout", "alpha_dropout", "feature_dropout", "dropout1d", "dropout2d", "dropout3d",
})  # fmt: skip
#: Characters of the asker's code that a sentence takes.
_LONGEST = 60
#: Operations whose derivative does not need the numbers of what they were given.
_NEEDS_NOTHING = frozenset({
    "add", "sub", "neg", "sum", "mean", "reshape", "view", "t", "T", "transpose", "permute", "squeeze", "unsqueeze",
    "flatten", "expand", "cat", "stack", "clone", "detach", "data", "grad", "__getitem__", "to", "float", "double",
    "zeros_like", "ones_like", "randn_like", "rand_like", "backward", "step", "zero_grad", "optimizer", "retain_grad",
    "numpy", "tolist", "item", "__repr__", "__format__", "eq", "gt", "lt", "ge", "le", "ne", "argmax", "allclose",
    "equal", "isclose", "hidden_parameters", "module", "attribute", "requires_grad_", "numel", "norm", "print",
})  # fmt: skip


@word
def changed_by(view: View, value: Any) -> Found | None:
    """For an error about an in-place change: who changed what backward needs. operation, activation (a layer or function
    with inplace=True; $LAYER makes it), step (an optimizer's, or a manual update of a leaf), stale (a step, but it is a graph of an
    earlier pass, kept by retain_graph, that still needs the old numbers), unknown. $X is the tensor, $OP what changed it,
    $NEEDED what needs it, $LOSS the root; the change is the cause line."""
    event = next((event for event in reversed(view.tape.events) if event.error and event.backward is not None), None)
    if event is None or event.clash is None:
        return Found(text="what changed it was not seen") if "unknown" in listed(value) else None
    clash = event.clash
    kind, change = _kind(view, clash, event)
    if kind not in listed(value):
        return None
    line = change.line
    names = {"OP": _shown(change.op), "NEEDED": _said(view, clash.line, clash.op) or clash.node}
    target = _target(view, line) or _named_by_its_writer(view, change)
    named = (
        target or next(iter(clash.names), None) or next((n for s in clash.serials if (n := view.ever_named(s))), None)
    )
    names |= {"X": named} if named else {}
    root = root_of(view, call, event)[0] if (call := view.call_on(event.line, BACKWARD)) is not None else {}
    names |= root
    names |= _layer(view, change.op) if kind == "activation" else {}
    return Found(
        text=f"line {line} ({_shown(change.op)}) changed what line {clash.line} ({_shown(clash.op)}) needs for backward",
        line=event.line, event=event.index, names=names, serials={"X": clash.serials[0]} if clash.serials else {},
        error_line=event.line, cause_line=line,
    )  # fmt: skip


@word
def changes_leaf(view: View, value: Any) -> Found | None:
    """The failing call changes a leaf that requires grad in place: update (from its own gradient), other. $X is the
    target of the statement."""
    if view.line is None:
        return None
    statement = statement_at(view, view.line)
    kind = "update" if statement is not None and ".grad" in ast.unparse(statement) else "other"
    if kind not in listed(value):
        return None
    target = _target(view, view.line)
    return Found(
        text=f"line {view.line} changes a leaf in place", line=view.line, error_line=view.line, cause_line=view.line,
        names={"X": target} if target else {},
    )  # fmt: skip


@word
def edits_data(view: View, value: Any) -> Found | None:
    """true: numbers that an operation needs for its derivative were changed through `.data` after the forward and before
    the backward, where autograd does not notice. $X is the tensor; the change is the cause line."""
    found = _data_edit(view)
    return found if bool(value) == (found is not None) else None


def _kind(view: View, clash: Clash, event: Event) -> tuple[str, Change]:
    for change in clash.changes:
        name = short_name(change.op)
        if change.op == "step" or clash.leaf:
            step = next((one for one in clash.changes if one.op == "step"), change)
            stale = any(
                one.later.index == event.index and one.kind in ("forward_before_loop", "carried_state", "running_total")
                for one in meetings(view, retained=True)
            )
            return ("stale" if stale else "step"), step
        if name.removesuffix("_") in _ACTIVATIONS and not name.endswith("__"):
            return "activation", change
    return "operation", clash.changes[-1]


def _named_by_its_writer(view: View, change: Change) -> str | None:
    for event in view.tape.events:
        if event.line == change.line and event.op == change.op and event.writes:
            state = next(state for state in event.inputs if state.serial in event.writes)
            return next(iter(state.names), None)
    return None


def _layer(view: View, op: str) -> dict[str, str]:
    """$LAYER: the call that makes a layer working in place, such as `nn.ReLU(inplace=True)`."""
    wanted = short_name(op).rstrip("_").replace("_", "").lower()
    for node in ast.walk(view.tree):
        if isinstance(node, ast.Call) and called(node)[:1].isupper() and called(node).lower() == wanted:
            flags = [*node.args, *(word.value for word in node.keywords if word.arg == "inplace")]
            if any(isinstance(flag, ast.Constant) and flag.value is True for flag in flags):
                return {"LAYER": view.source(node)}
    return {}


def _data_edit(view: View) -> Found | None:
    events = view.tape.events
    for write in events:
        edited = _edited_behind(view, write)
        if edited is None:
            continue
        users = [
            event
            for event in events[: write.index]
            if event.node is not None and short_name(event.op) not in _NEEDS_NOTHING
            if any(state.serial == edited for state in (*event.inputs, *event.outputs))
        ]
        walked = [event for event in view.backwards if event.index > write.index and event.backward is not None]
        for user in users:
            for call in walked:
                freed = any(
                    one.backward and user.node in one.backward.nodes
                    for one in view.backwards
                    if one.index < write.index
                )
                if call.backward is not None and user.node in call.backward.nodes and not freed:
                    name = view.ever_named(edited) or _target(view, write.line)
                    return Found(
                        text=f"line {write.line} changes numbers that line {user.line} needs, behind autograd's back",
                        line=write.line, event=write.index, error_line=call.line, cause_line=write.line,
                        names={"NEEDED": _said(view, user.line, user.op)} | ({"X": name} if name else {}),
                    )  # fmt: skip
    return None


def _edited_behind(view: View, event: Event) -> int | None:
    """The tensor whose numbers a write through `.data` changes."""
    if event.op == "Tensor.data.__set__" and event.inputs:
        return event.inputs[0].serial
    source = next((maker for serial in event.writes if (maker := view.tape.maker(serial))), None)
    if source is None or source.op != "Tensor.data.__get__" or not source.inputs:
        return None
    return source.inputs[0].serial


def _target(view: View, line: int) -> str | None:
    """What the in-place statement at a line changes, in the asker's words."""
    statement = statement_at(view, line)
    match statement:
        case ast.AugAssign(target=changed) | ast.Assign(targets=[ast.Subscript() as changed]):
            return _base(changed)
    for node in view.nodes_on(line):
        match node:
            case ast.Call(func=ast.Attribute(value=target, attr=name)) if name.endswith("_") and not name.endswith(
                "__"
            ):
                plain = isinstance(target, (ast.Name, ast.Attribute, ast.Subscript))
                module = isinstance(target, ast.Name) and target.id in ("torch", "F")
                if module and node.args:
                    return _base(node.args[0])
                return _base(target) if plain else None
    return None


def _base(node: ast.expr) -> str:
    while isinstance(node, ast.Subscript) or (isinstance(node, ast.Attribute) and node.attr in ("data", "T")):
        node = node.value
    return ast.unparse(node)


def _said(view: View, line: int, op: str) -> str:
    """The asker's own expression for a call: the call itself, or the right side of the statement at its line."""
    name = short_name(op)
    call = view.call_on(line, (name,)) if line else None
    statement = statement_at(view, line) if line else None
    value = call or getattr(statement, "value", None)
    text = " ".join(view.source(value).split()) if isinstance(value, ast.expr) else ""
    return text if 0 < len(text) <= _LONGEST else name


def _shown(op: str) -> str:
    """An operation as the asker wrote it, as near as the tape tells: "Tensor.add_" → "add_"."""
    return "[...] = ..." if short_name(op) == "__setitem__" else short_name(op)
