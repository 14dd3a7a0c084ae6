"""Detaches what leaves for NumPy or a plot."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from bot.repair.toolkit import Program, Target, last_name

_MODULES = ("np", "numpy", "plt", "d2l", "ax", "axes", "sns", "pd")


def detach_tensor(program: Program, target: Target) -> str | None:
    """Detach $X where it leaves on the error line."""
    return _detached(program, target, only=target.names.get("X"))


def detach_all(program: Program, target: Target) -> str | None:
    """Detach all tensors that may leave on the error line."""
    return _detached(program, target, only=None)


def take_each(program: Program, target: Target) -> str | None:
    """Take the values out of each tensor of the list $LIST where that leaves on the error line; None for no list."""
    name, each = target.names.get("LIST"), target.names.get("EACH")
    found = [node for node in _leaving(program, target.error_line or 0) if program.text(node) == name]
    one = program.fresh("one")
    return program.replaced((node, f"[{one}.{each} for {one} in {name}]") for node in found) if found and each else None


def _detached(program: Program, target: Target, *, only: str | None) -> str | None:
    line = target.error_line or 0
    if "LIST" in target.names:
        return None  # a list has no detach()
    found = [
        node
        for node in _leaving(program, line)
        if last_name(getattr(node, "func", node)) != "detach" and (only is None or program.text(node) == only)
    ]
    return program.replaced((node, f"{program.operand(node)}.detach()") for node in found) if found else None


def _leaving(program: Program, line: int) -> Iterator[ast.expr]:
    """The expressions on a line whose values leave torch: receivers of `.numpy()`, else arguments of a call."""
    calls = [call for call in program.calls(*_all_names(program)) if call.lineno <= line <= (call.end_lineno or line)]
    exits = [call for call in calls if last_name(call.func) == "numpy" and isinstance(call.func, ast.Attribute)]
    for call in exits:
        assert isinstance(call.func, ast.Attribute)
        inner = call.func.value
        if isinstance(inner, ast.Call) and last_name(inner.func) == "cpu" and isinstance(inner.func, ast.Attribute):
            inner = inner.func.value
        yield inner
    if exits:
        return
    for call in calls:
        if _root(call.func) in _MODULES:
            yield from (part for given in call.args for part in _tensors(given))
            return


def _root(function: ast.expr) -> str:
    """The first name of a dotted one: `d2l.plt.plot` → "d2l"."""
    while isinstance(function, ast.Attribute):
        function = function.value
    return function.id if isinstance(function, ast.Name) else ""


def _tensors(node: ast.expr) -> Iterator[ast.expr]:
    match node:
        case ast.List(elts=parts) | ast.Tuple(elts=parts):
            for part in parts:
                yield from _tensors(part)
        case ast.Constant() | ast.JoinedStr():
            return
        case _:
            yield node


def _all_names(program: Program) -> set[str]:
    return {last_name(node.func) for node in ast.walk(program.tree) if isinstance(node, ast.Call)}
