"""Thaws the part that is meant to learn: what the optimizer holds, or the new head of the network."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from bot.repair.toolkit import Program, Target, last_name


def unfreeze(program: Program, target: Target) -> str | None:
    """Switch gradients on again for that part, right after all were switched off; None when it is not clear which."""
    freezing, whole = _freezing(program, target.cause_line)
    if freezing is None:
        return None
    parts = dict.fromkeys(part for part in (*_optimized(program), *_replaced(program)) if _is_part(part, whole))
    part = next(iter(parts), None)
    if part is None:
        return None
    return program.inserted_after(freezing, f"{part}.requires_grad_(True)")


def _freezing(program: Program, line: int | None) -> tuple[ast.stmt | None, str]:
    """The statement that freezes on a line, and what it freezes."""
    for node in program.statements():
        if line is None or not node.lineno <= line <= (node.end_lineno or line):
            continue
        match node:
            case ast.For(iter=ast.Call(func=ast.Attribute(value=model, attr="parameters" | "named_parameters"))):
                return node, program.text(model)
            case ast.Expr(value=ast.Call(func=ast.Attribute(value=model, attr="requires_grad_"))):
                return node, program.text(model)
    return None, ""


def _optimized(program: Program) -> Iterator[str]:
    """The modules whose parameters are given to another call, as an optimizer is."""
    for call in ast.walk(program.tree):
        if isinstance(call, ast.Call):
            for given in (*call.args, *(word.value for word in call.keywords)):
                if isinstance(given, ast.Call) and last_name(given.func) == "parameters":
                    assert isinstance(given.func, ast.Attribute)
                    yield program.text(given.func.value)


def _replaced(program: Program) -> Iterator[str]:
    """The layers that the program puts into a network itself."""
    for node in program.statements():
        match node:
            case ast.Assign(targets=[(ast.Attribute() | ast.Subscript()) as layer], value=ast.Call()):
                yield program.text(layer)


def _is_part(part: str, whole: str) -> bool:
    return part.startswith((f"{whole}.", f"{whole}["))
