"""Modules, losses and custom functions: what torch shows to no mode."""

from __future__ import annotations

import ast
import re
from typing import Any

from bot.diagnose.shared import changed_by
from bot.diagnose.view import Found, View, called
from bot.diagnose.vocabulary import listed, word
from bot.domain.tape import Event, TensorState, short_name

_PROBABILITIES = frozenset({"softmax", "sigmoid"})
_LOSSES = {
    "cross_entropy": ("softmax", "sigmoid"),
    "binary_cross_entropy_with_logits": ("softmax", "sigmoid"),
    "nll_loss": ("softmax",),
}  # fmt: skip

#: Losses that apply nothing themselves: they want logarithms of probabilities.
_WANT_LOGARITHMS = frozenset({"nll_loss"})

#: "Net.layers list layer": where a module hides what, as the tape notes it.
_HIDDEN = re.compile(r"(\w+)\.(\w+) (list|dict) (layer|parameter)")


@word
def hides_parameters(view: View, value: Any) -> Found | None:
    """A module keeps layers or parameters in a plain list or dict, where `parameters()` does not find them: unheld (an
    optimizer steps that does not hold some which a differentiation reached), empty (the optimizer got nothing at all),
    left_out (an optimizer was made that does not
    hold some), any. $CLASS and $ATTR say where, $KIND is list or dict, $WHAT layer or parameter."""
    for event in view.tape.events:
        said = _HIDDEN.fullmatch(event.note or "") if event.op == "hidden_parameters" else None
        if said is None:
            continue
        owner, attribute, kind, what = said.groups()
        hidden = {state.serial for state in event.inputs}
        reached = {leaf for one in view.backwards if one.backward for leaf in one.backward.leaves}
        held = {state.serial for one in view.tape.events if one.op == "optimizer" for state in one.inputs}
        steps = any(one.op == "step" for one in view.tape.events)
        made = any(one.op == "optimizer" for one in view.tape.events)
        empty = view.run.error is not None and "empty parameter list" in view.run.error.message
        shown = (
            {"any"} | ({"unheld"} if steps and (hidden - held) & reached else set()) | ({"empty"} if empty else set())
            | ({"left_out"} if made and hidden - held else set())
        )  # fmt: skip
        if not shown & set(listed(value)):
            continue
        line = _assignment(view, attribute)
        return Found(
            text=f"{owner}.{attribute} is a plain {kind}: parameters() does not find what it holds",
            line=line, event=event.index, cause_line=line,
            names={"CLASS": owner, "ATTR": f"self.{attribute}", "KIND": kind, "WHAT": what},
        )  # fmt: skip
    return None


@word
def loss_given(view: View, value: Any) -> Found | None:
    """probabilities: a loss that applies softmax or sigmoid itself, or wants logarithms of them, is given what softmax or
    sigmoid returned. $LOSS is the loss function ($WANTSLOG as well, where it wants logarithms) and $VALUE its result,
    $MAKER the other, $OUT its result and $LAYER what makes it; the call of $MAKER is the cause line."""
    if "probabilities" not in listed(value):
        return None
    for event in view.tape.events:
        wanted = _LOSSES.get(short_name(event.op))
        maker = view.tape.maker(event.inputs[0].serial) if wanted and event.inputs else None
        if wanted is None or maker is None or short_name(maker.op) not in wanted:
            continue
        names = {"LOSS": short_name(event.op), "MAKER": short_name(maker.op)}
        names |= _first_name(view, "OUT", maker.outputs) | _first_name(view, "VALUE", event.outputs)
        names |= layer_made(view, short_name(maker.op))
        names |= {"WANTSLOG": names["LOSS"]} if names["LOSS"] in _WANT_LOGARITHMS else {}
        return Found(
            text=f"{short_name(event.op)} at line {event.line} is given what {short_name(maker.op)} returned",
            line=event.line, event=event.index, error_line=event.line, cause_line=maker.line, names=names,
        )  # fmt: skip
    return None


@word
def compares_itself(view: View, value: Any) -> Found | None:
    """true: two names of one and the same memory are compared, and its numbers were changed in place since the second
    name was made: "old" and "new" are one. $OLD is the alias, $X what it was made from; its making is the cause line."""
    found = None
    for event in view.tape.events:
        if event.same and event.backward is None and len(event.inputs) > 1 and short_name(event.op) != "copy_":
            found = found or _alias(view, event)
    return found if bool(value) == (found is not None) else None


@word
def loads_itself(view: View, value: Any) -> Found | None:
    """true: what a module is told to load are its own tensors: they were kept without a copy, and steps have changed them
    since. $OLD is the name that keeps them, $X the module, $LOAD the loading; the keeping is the cause line."""
    found = None
    stepped = next(iter(view.tape.calls("step")), None)
    for event in view.tape.calls("copy_"):
        call = view.call_on(event.line, ("load_state_dict",))
        if found is not None or not event.same or stepped is None or stepped.index > event.index:
            continue
        kept = _kept_state(view, call.args[0]) if call is not None and call.args else None
        if call is None or kept is None:
            continue
        found = Found(
            text=f"line {event.line} loads into a module what are its own tensors",
            line=event.line, event=event.index, cause_line=kept[0].lineno,
            names={"OLD": view.source(call.args[0]), "X": kept[1], "LOAD": view.source(call)},
        )  # fmt: skip
    return found if bool(value) == (found is not None) else None


def _kept_state(view: View, keeper: ast.expr) -> tuple[ast.Assign, str] | None:
    """Where a name is given what `state_dict()` returns, and whose it is; `best.state` may be called `self.state` there."""
    name = _last(keeper)
    for node in ast.walk(view.tree):
        match node:
            case ast.Assign(targets=[target], value=ast.Call(func=ast.Attribute(value=owner, attr="state_dict"))) if (
                name and _last(target) == name
            ):
                return node, view.source(owner)
    return None


def _last(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(attr=name):
            return f".{name}"
    return ""


@word
def module_called(view: View, value: Any) -> Found | None:
    """A module is called as said: training (true, false), grad (whether the graph is recorded), class (a pattern)."""
    wanted = dict(value)
    for event in view.tape.events:
        if event.op != "module" or not event.note:
            continue
        name, _, mode = event.note.rpartition(" ")
        facts = {"training": mode == "train", "grad": event.grad_enabled}
        fits = all(facts[key] == wish for key, wish in wanted.items() if key in facts)
        if fits and re.search(wanted.get("class", ""), name):
            return Found(
                text=f"{name} is called in {mode} mode", line=event.line, event=event.index, names={"CLASS": name}
            )
    return None


@word
def moves_statistics(view: View, value: Any) -> Found | None:
    """true: a batch normalization whose own parameters are frozen still changes its running statistics. The call is the
    cause line."""
    found = None
    for event in view.tape.events:
        # Running statistics are changed without a new version, so the layer's mode tells, not a write.
        norm = event.op == "module" and event.note is not None and re.match(r"\w*BatchNorm\w* train$", event.note)
        if found is None and norm and len(event.inputs) >= 4 and not any(state.requires_grad for state in event.inputs):
            found = Found(
                text=f"line {event.line} changes the running statistics of a frozen layer",
                line=event.line, event=event.index, cause_line=event.line,
            )  # fmt: skip
    return found if bool(value) == (found is not None) else None


@word
def renormalises(view: View, value: Any) -> Found | None:
    """true: looking something up in an embedding changes its own weights, as `max_norm` makes it. $X is the weight; the
    call is the cause line."""
    found = None
    for event in view.tape.calls("embedding", "embedding_bag"):
        changed = next((state for state in event.inputs if state.serial in event.writes and state.parameter), None)
        if found is None and changed is not None:
            found = Found(
                text=f"line {event.line} changes the weights that it looks something up in",
                line=event.line, event=event.index, cause_line=event.line,
                names={"X": view.called(changed) or "weight"}, serials={"X": changed.serial},
            )  # fmt: skip
    return found if bool(value) == (found is not None) else None


@word
def function_class(view: View, value: Any) -> Found | None:
    """The program defines a torch.autograd.Function: any, or nonstatic (a method of it is not static). $F is its name,
    $RETURN what its backward returns, $CHANGE the first in-place statement of its forward."""
    for node in ast.walk(view.tree):
        if not isinstance(node, ast.ClassDef) or not any(ast.unparse(base).endswith("Function") for base in node.bases):
            continue
        methods = [
            part for part in node.body if isinstance(part, ast.FunctionDef) and part.name in ("forward", "backward")
        ]
        loose = any(
            not any(ast.unparse(mark) == "staticmethod" for mark in method.decorator_list) for method in methods
        )
        said = view.run.error.message if view.run.error else ""
        if "any" in listed(value) or ("nonstatic" in listed(value) and loose) or node.name in said:
            names = {"F": node.name} | _own_statements(view, methods)
            return Found(text=f"{node.name} is a Function of the asker's", line=node.lineno, names=names)
    return None


@word
def module_backward(view: View, value: Any) -> Found | None:
    """true: a module that is called has a `backward` method of its own, which autograd never calls. $F is its class; the
    method is the cause line, the first differentiation the error line."""
    found = None
    ran = {(event.note or "").rpartition(" ")[0] for event in view.tape.events if event.op == "module"}
    for node in ast.walk(view.tree):
        if not isinstance(node, ast.ClassDef) or node.name not in ran or found is not None:
            continue
        method = next((one for one in node.body if isinstance(one, ast.FunctionDef) and one.name == "backward"), None)
        called_by_hand = any(isinstance(one, ast.Attribute) and one.attr == "apply" for one in ast.walk(node))
        if method is not None and not called_by_hand and view.backwards:
            found = Found(
                text=f"{node.name} is a module; autograd does not call its backward()", line=method.lineno,
                names={"F": node.name}, cause_line=method.lineno, error_line=view.backwards[0].line,
            )  # fmt: skip
    return found if bool(value) == (found is not None) else None


def _own_statements(view: View, methods: list[ast.FunctionDef]) -> dict[str, str]:
    names: dict[str, str] = {}
    for method in methods:
        for node in ast.walk(method):
            match node:
                case ast.Return(value=ast.expr() as value) if method.name == "backward":
                    names["RETURN"] = f"return {view.source(value)}"
                case ast.AugAssign() if method.name == "forward":
                    names.setdefault("CHANGE", view.source(node))
                case ast.Expr(value=ast.Call(func=ast.Attribute(attr=called))) if method.name == "forward":
                    if called.endswith("_"):
                        names.setdefault("CHANGE", view.source(node))
    return names


def layer_made(view: View, function: str) -> dict[str, str]:
    """$LAYER: the call that makes the layer of a function, such as `nn.Softmax(dim=1)` for softmax."""
    for node in ast.walk(view.tree):
        if isinstance(node, ast.Call) and called(node)[:1].isupper() and called(node).lower() == function:
            return {"LAYER": view.source(node)}
    return {}


def _first_name(view: View, role: str, states: tuple[TensorState, ...]) -> dict[str, str]:
    """A name that one of these tensors ever had, in the program or in a function."""
    serials = {state.serial for state in states}
    seen = (state for event in view.tape.events for state in (*event.inputs, *event.outputs) if state.serial in serials)
    named = next((name for state in seen for name in state.names), None)
    named = named or next((name for serial in sorted(serials) if (name := view.ever_named(serial))), None)
    return {role: named} if named else {}


def _alias(view: View, event: Event) -> Found | None:
    """For a comparison of a memory with itself: the assignment that made a second name of it, if it was written to since."""
    texts = _two_sides(view, event.line)
    if texts is None or texts[0] == texts[1]:
        return None
    family = {state.serial for state in event.inputs[:2]}
    if not any((changed_by(e) & family) or _same_data(view, e, family) for e in view.tape.events[: event.index]):
        return None
    for text, other in (texts, texts[::-1]):
        made = _made_without_copy(view, text, event.line)
        if made is not None:
            return Found(
                text=f"`{text}` and `{other}` at line {event.line} are one and the same memory",
                line=event.line, event=event.index, error_line=event.line, cause_line=made.lineno,
                names={"OLD": ast.unparse(made.targets[0]), "X": view.source(made.value)},
            )  # fmt: skip
    return None


def _made_without_copy(view: View, text: str, line: int) -> ast.Assign | None:
    """The last assignment before a line of the name in an expression, when its value is no copy and no new tensor."""
    name = re.split(r"[.\[(]", text)[0]
    for node in ast.walk(view.tree):
        match node:
            case ast.For(target=ast.Tuple(elts=loops), iter=ast.Call(func=ast.Name(id="zip"), args=lists)):
                named = {ast.unparse(one): ast.unparse(many) for one, many in zip(loops, lists, strict=False)}
                name = named.get(name, name)
    made = [
        node
        for node in ast.walk(view.tree)
        if isinstance(node, ast.Assign) and node.lineno < line and ast.unparse(node.targets[0]) == name
    ]
    if not made or not isinstance(made[-1].value, (ast.Name, ast.Attribute, ast.Call, ast.Subscript, ast.ListComp)):
        return None
    last = max(made, key=lambda node: node.lineno)
    value = ast.unparse(last.value)
    copies = ("clone", "copy", "torch.", "nn.", "Linear", "Sequential")
    plain = isinstance(last.value, (ast.Name, ast.Attribute, ast.Subscript))
    handed = any(word in value for word in ("state_dict()", "parameters()", ".detach()", ".data", ".numpy()"))
    return last if (plain or handed) and not any(word in value for word in copies) else None


def _same_data(view: View, event: Event, family: set[int]) -> bool:
    """Whether an event writes to a tensor of which a family member is the `.data` (or the other way round)."""
    roots = set(family)
    for serial in family:
        maker = view.tape.maker(serial)
        if maker is not None and short_name(maker.op) in ("data", "detach") and maker.inputs:
            roots.add(maker.inputs[0].serial)
    return bool(changed_by(event) & roots)


def _two_sides(view: View, line: int) -> tuple[str, str] | None:
    """The two expressions that a line compares."""
    for node in view.nodes_on(line):
        match node:
            case ast.BinOp(op=ast.Sub(), left=left, right=right) | ast.Compare(left=left, comparators=[right]):
                return ast.unparse(left), ast.unparse(right)
            case ast.Call(
                func=ast.Attribute(attr="equal" | "allclose" | "isclose" | "dist" | "eq"), args=[left, right, *_]
            ):
                return ast.unparse(left), ast.unparse(right)
            case ast.Call(func=ast.Attribute(value=left, attr="equal" | "eq" | "allclose" | "ne"), args=[right]):
                return ast.unparse(left), ast.unparse(right)
    return None


def _assignment(view: View, attribute: str) -> int | None:
    for node in ast.walk(view.tree):
        match node:
            case ast.Assign(targets=[ast.Attribute(attr=name)], lineno=line) if name == attribute:
                return line
    return None
