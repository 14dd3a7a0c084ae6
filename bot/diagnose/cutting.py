"""How the asker's own code says a cut: the expression, what it was given, what switched the graph off."""

from __future__ import annotations

import ast
from collections.abc import Collection

from bot.diagnose.flow import Cut
from bot.diagnose.outside import ENTRIES
from bot.diagnose.view import View, called
from bot.domain.tape import short_name

#: What torch calls the comparisons.
_COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Lt: "lt", ast.LtE: "le", ast.Gt: "gt", ast.GtE: "ge", ast.Eq: "eq", ast.NotEq: "ne",
    ast.Is: "", ast.IsNot: "", ast.In: "", ast.NotIn: "",
}  # fmt: skip


def cut_names(view: View, cut: Cut) -> dict[str, str]:
    """$X what went in, $CALL the expression that cut, $MAKER its operation, $LEAF a leaf behind it, $GUARD what forbade."""
    names = {"MAKER": short_name(cut.event.op).strip("_")}
    call = _cutting_call(view, cut)
    statement = _value_on(view, cut.line)
    shown = call or statement
    names["CALL"] = view.source(shown) if shown is not None else names["MAKER"]
    named = cut.given.names[0] if cut.given.names else view.ever_named(cut.given.serial)
    names["X"] = named if named and not cut.given.parameter else operand(view, call) or names["CALL"]
    leaves = [cut.given.serial] if cut.given.leaf else list(view.leaves_under(cut.given.serial))
    for leaf in leaves:
        held = view.ever_named(leaf)
        if held:
            names["LEAF"] = held
    return names


def _cutting_call(view: View, cut: Cut) -> ast.expr | None:
    """The expression that cut: `pred.detach()`, `torch.tensor([a, b])`, `w.data`; of several, one that names what went in."""
    wanted = {short_name(event.op).strip("_") for event in (cut.event, cut.exit) if event is not None}
    constructors = ENTRIES if cut.kind == "copy" else frozenset()
    found: list[ast.expr] = []
    for node in view.nodes_on(cut.line):
        if isinstance(node, ast.Call) and (called(node) in wanted or called(node) in constructors):
            found.append(node)
        if isinstance(node, ast.Attribute) and node.attr in wanted and node.attr in ("data", "grad"):
            found.append(node)
        if isinstance(node, ast.Compare) and _COMPARISONS[type(node.ops[0])] in wanted:
            found.append(node)
    return next((node for node in found if _names_one_of(node, cut.given.names)), found[0] if found else None)


def _names_one_of(node: ast.expr, names: Collection[str]) -> bool:
    return any(isinstance(part, ast.Name) and part.id in names for part in ast.walk(node))


def _value_on(view: View, line: int) -> ast.expr | None:
    """The value of the innermost statement on a line."""
    found = None
    for node in ast.walk(view.tree):
        match node:
            case ast.Assign(value=value) | ast.AugAssign(value=value) | ast.Expr(value=value) if (
                node.lineno <= line <= (node.end_lineno or line)
            ):
                found = value
            case ast.Return(value=ast.expr() as value) if node.lineno <= line <= (node.end_lineno or line):
                found = value
    return found


def operand(view: View, node: ast.expr | None) -> str | None:
    """What a method was called on, or a function was given."""
    match node:
        case ast.Call(func=ast.Attribute(value=holder)) if not _is_module(holder):
            return view.source(holder)
        case ast.Call(args=[first, *_]):
            return view.source(first)
        case ast.Attribute(value=holder) | ast.Compare(left=holder):
            return view.source(holder)
    return None


def _is_module(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in (
        "torch",
        "np",
        "numpy",
        "F",
        "nn",
        "functional",
        "math",
        "copy",
        "plt",
    )


def guard(view: View, cut: Cut) -> tuple[int, str] | None:
    """The line and the text of what switched the graph off: a `with`, a decorator, a call of set_grad_enabled."""
    for line in (cut.event.line, *reversed(cut.event.stack)):
        for node in reversed(_around(view, line)):
            choices = [item.context_expr for item in node.items] if isinstance(node, ast.With) else node.decorator_list
            for choice in choices:
                if _forbids(choice):
                    return choice.lineno, view.source(choice)
    for statement in ast.walk(view.tree):
        if isinstance(statement, ast.Expr) and _forbids(statement.value):
            return statement.lineno, view.source(statement.value)
    return None


def _around(view: View, line: int) -> list[ast.With | ast.FunctionDef]:
    return [
        node
        for node in ast.walk(view.tree)
        if isinstance(node, (ast.With, ast.FunctionDef)) and node.lineno <= line <= (node.end_lineno or line)
    ]


def _forbids(node: ast.expr) -> bool:
    name = called(node) if isinstance(node, ast.Call) else node.attr if isinstance(node, ast.Attribute) else ""
    return name in ("no_grad", "inference_mode", "set_grad_enabled")
