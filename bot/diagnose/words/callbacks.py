"""Hooks, backwards of custom functions, files: what they silently do to a gradient or a graph."""

from __future__ import annotations

import ast
from typing import Any

from bot.diagnose.roles import root_of
from bot.diagnose.view import BACKWARD, Found, View
from bot.diagnose.vocabulary import listed, word
from bot.domain.tape import Event, TensorState


@word
def hook(view: View, value: Any) -> Found | None:
    """What a tensor's hook that was called does in silence: drops_result (it computes a gradient and returns nothing),
    edits_given (it changes in place a tensor that the program handed to backward). $HOOK is the hook, $COMPUTED what it
    computes, $X the tensor handed over, $LOSS the root; the statement in the hook is the cause line."""
    for event in view.tape.calls("hook"):
        if event.note == "returns nothing" and "drops_result" in listed(value):
            found = _dropped(view, event)
        elif event.writes and "edits_given" in listed(value):
            found = _edited(view, event)
        else:
            found = None
        if found is not None:
            return found
    return None


@word
def gradient_cast(view: View, value: Any) -> Found | None:
    """true: the backward of a custom Function returned whole numbers for a gradient of floating point numbers, to which
    they are cast in silence. $F is the Function, $RETURN what it returns; that line is the cause and the error line."""
    found = next((one for event in view.tape.calls("function_backward") if (one := _cast(view, event))), None)
    return found if bool(value) == (found is not None) else None


@word
def saves_result(view: View, value: Any) -> Found | None:
    """true: a tensor that was computed, and requires a gradient, is saved, and what is loaded afterwards is a tensor of
    its own without a graph. $X is what was saved, $LOADED what was loaded; the saving is the cause line."""
    found = next((one for event in view.tape.calls("load") if (one := _loaded(view, event))), None)
    return found if bool(value) == (found is not None) else None


def _dropped(view: View, event: Event) -> Found | None:
    function = _function_at(view, event.line)
    if not isinstance(function, ast.FunctionDef) or not function.args.args:
        return None
    own = [argument.arg for argument in function.args.args if argument.arg not in ("self", "cls")]
    if not own or any(isinstance(node, ast.Return) and node.value is not None for node in ast.walk(function)):
        return None
    dropped = next((part for part in function.body if (_computes(part, own[0], function))), None)
    if dropped is None:
        return None
    said = view.source(dropped.value)  # type: ignore[attr-defined]
    return Found(
        text=f"the hook {function.name} computes `{said}` at line {dropped.lineno} and returns nothing",
        line=dropped.lineno, event=event.index, names={"HOOK": function.name, "COMPUTED": said},
        cause_line=dropped.lineno, error_line=dropped.lineno,
    )  # fmt: skip


def _computes(statement: ast.stmt, gradient: str, function: ast.FunctionDef) -> bool:
    """Whether a statement makes something new of the gradient that nothing uses afterwards."""
    match statement:
        case ast.Expr(value=computed):
            return _new_from(computed, gradient)
        case ast.Assign(targets=[ast.Name(id=name)], value=computed) if _new_from(computed, gradient):
            later = (node for part in function.body for node in ast.walk(part) if part.lineno > statement.lineno)
            return not any(isinstance(node, ast.Name) and node.id == name for node in later)
    return False


def _new_from(node: ast.expr, gradient: str) -> bool:
    """Whether an expression computes a tensor from the gradient, and changes none in place."""
    match node:
        case ast.BinOp(left=left, right=right):
            return any(_is_or_from(side, gradient) for side in (left, right))
        case ast.UnaryOp(operand=operand):
            return _is_or_from(operand, gradient)
        case ast.Call(func=ast.Attribute(value=ast.Name(id="torch" | "F"), attr=name), args=[first, *_]):
            return not name.endswith("_") and _is_or_from(first, gradient)
        case ast.Call(func=ast.Attribute(value=holder, attr=name)):
            return not name.endswith("_") and name not in _LOOKS and _is_or_from(holder, gradient)
    return False


#: Methods that only look at a tensor or hand out its numbers: whoever drops their result loses nothing.
_LOOKS = frozenset({"size", "item", "tolist", "numpy", "cpu", "dim", "numel", "backward", "detach", "clone"})


def _is_or_from(node: ast.expr, gradient: str) -> bool:
    return (isinstance(node, ast.Name) and node.id == gradient) or _new_from(node, gradient)


def _edited(view: View, event: Event) -> Found | None:
    """A hook that wrote to what the program handed to a differentiation as weights."""
    for call in view.backwards:
        handed = set(call.writes) & set(event.writes)
        given = next((state for state in call.inputs if state.serial in handed), None)
        if given is None or call.index > event.index or call.error:
            continue
        function = _function_at(view, event.line)
        node = view.call_on(call.line, BACKWARD)
        names = root_of(view, node, call)[0] if node is not None else {}
        names |= {"HOOK": function.name if isinstance(function, ast.FunctionDef) else "lambda"}
        return Found(
            text=f"a hook at line {event.line} changes in place the tensor that line {call.line} hands to backward",
            line=event.line, event=event.index, error_line=call.line, cause_line=_writing(function) or event.line,
            names=names | {"X": _called(view, given)}, serials={"X": given.serial},
        )  # fmt: skip
    return None


def _writing(function: ast.FunctionDef | ast.Lambda | None) -> int | None:
    """The line of a function's first statement or call that changes something in place."""
    for node in ast.walk(function) if function is not None else ():
        match node:
            case ast.AugAssign(lineno=line) | ast.Assign(targets=[ast.Subscript()], lineno=line):
                return line
            case ast.Call(func=ast.Attribute(attr=name), lineno=line) if name.endswith("_"):
                return line
    return None


def _cast(view: View, event: Event) -> Found | None:
    for node in ast.walk(view.tree):
        match node:
            case ast.ClassDef(name=name, body=body) if name == event.note:
                for method in body:
                    for part in ast.walk(method) if getattr(method, "name", "") == "backward" else ():
                        if isinstance(part, ast.Return) and part.value is not None:
                            return Found(
                                text=f"{name}.backward returns {event.inputs[0].dtype} for a floating point gradient",
                                line=part.lineno, event=event.index, error_line=part.lineno, cause_line=part.lineno,
                                names={"F": name, "RETURN": f"return {view.source(part.value)}"},
                            )  # fmt: skip
    return None


def _loaded(view: View, event: Event) -> Found | None:
    for save in view.tape.calls("save"):
        for given in save.inputs if save.index < event.index else ():
            same = (made for made in event.inputs if (made.shape, made.dtype) == (given.shape, given.dtype))
            loaded = next((made for made in same if not made.requires_grad or made.leaf), None)
            if given.leaf or not given.requires_grad or loaded is None:
                continue
            return Found(
                text=f"line {save.line} saves a tensor that was computed; line {event.line} loads its values alone",
                line=event.line, event=event.index, error_line=event.line, cause_line=save.line,
                names={"X": _called(view, given), "LOADED": _called(view, loaded)}, serials={"X": given.serial},
            )  # fmt: skip
    return None


def _called(view: View, state: TensorState) -> str:
    return view.called(state) or "the tensor"


def _function_at(view: View, line: int) -> ast.FunctionDef | ast.Lambda | None:
    """The function whose code begins at a line, its decorators included."""
    for node in ast.walk(view.tree):
        match node:
            case ast.FunctionDef(lineno=start, decorator_list=marks) if line and (
                line in (start, *(mark.lineno for mark in marks))
            ):
                return node
            case ast.Lambda(lineno=start) if start == line:
                return node
    return None
