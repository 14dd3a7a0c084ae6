"""Leaves: gradients read too early, leaves lost to an update, requests that come too late, misspelt switches."""

from __future__ import annotations

import ast
import difflib
import re
from typing import Any

from bot.diagnose.cutting import operand
from bot.diagnose.roles import failed, roles
from bot.diagnose.view import BACKWARD, Found, View, called, receiver
from bot.diagnose.vocabulary import listed, word
from bot.domain.tape import Event, TensorState, short_name

_SWITCH = "requires_grad"
_NONE = re.compile(r"'NoneType' object|and 'NoneType'|'NoneType' and|: NoneType|NoneType\b")


@word
def reads_grad(view: View, value: Any) -> Found | None:
    """A leaf's `.grad` is read and is None: before_backward (no differentiation reached the leaf until then),
    after_zeroing (one did, and `zero_grad()` or `= None` removed the gradient). $X is the leaf; the zeroing is the
    cause line."""
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
        if kind not in listed(value):
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
def fails_in(view: View, value: Any) -> Found | None:
    """The failing line calls one of these, sets an attribute of that name, or gives an argument of that name. $CALL is the
    expression, $X the tensor that the failing call was given, else the name the line assigns, else the operand."""
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
    plain = given is not None and re.fullmatch(r"[A-Za-z_][\w.]*", given)
    names = {
        "CALL": view.source(node),
        "X": known or (given if plain else _assigned_on(view, view.line)) or given or "",
    }
    return Found(
        text=f"line {view.line} fails in `{names['CALL']}`", line=view.line, names=names,
        serials={"X": state.serial} if state is not None else {}, error_line=view.line,
        cause_line=(view.creation_line(state.serial) if state is not None else None) or view.line,
    )  # fmt: skip


def _fails_so(node: ast.expr, names: tuple[str, ...]) -> bool:
    match node:
        case ast.Call():
            return called(node) in names or any(word.arg in names for word in node.keywords)
        case ast.Attribute(attr=name):
            return name in names
    return False


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
    (none, given), elements (one, several). $LOSS is its text."""
    made = [event for event in view.backwards if event.error] or list(view.backwards)
    if not made or made[-1].backward is None:
        return None
    event = made[-1]
    state = next((one for one in event.inputs if one.serial in event.backward.roots), None)  # type: ignore[union-attr]
    if state is None:
        return None
    facts = {"dtype": _kind_of(state), "weights": event.backward.weights, "elements": _elements(state)}  # type: ignore[union-attr]
    if any(facts.get(key) != wish for key, wish in dict(value).items()):
        return None
    call = view.call_on(event.line, BACKWARD)
    target = receiver(call) if call is not None else None
    names = {"LOSS": view.source(target)} if target is not None else {}
    return Found(
        text=f"line {event.line} starts from a tensor of type {state.dtype}", line=event.line, event=event.index,
        names=names, serials={"LOSS": state.serial}, error_line=event.line,
    )  # fmt: skip


def _kind_of(state: TensorState) -> str:
    return "complex" if state.dtype.startswith("complex") else "float" if "float" in state.dtype else "integer"


def _elements(state: TensorState) -> str:
    count = 1
    for size in state.shape:
        count *= size
    return "one" if count == 1 else "several"


def _reaches(event: Event, serial: int) -> bool:
    return event.backward is not None and serial in (*event.backward.leaves, *event.backward.inputs) and not event.error


def _passes(view: View, event: Event, serial: int) -> bool:
    roots = event.backward.roots if event.backward is not None else ()
    return any(serial == one or serial in view.ancestors(one) for one in roots)


def _any_before(view: View, read: Event) -> bool:
    return any(event.index < read.index and not event.error for event in view.backwards)


def _zeroing(view: View, serial: int, *, since: int, until: int) -> Event | None:
    for event in view.tape.events:
        removes = event.op in ("zero_grad", "Tensor.grad.__set__")
        if removes and since < event.index < until and any(state.serial == serial for state in event.inputs):
            return event
    return None
