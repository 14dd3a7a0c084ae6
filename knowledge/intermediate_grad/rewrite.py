"""Keeps the gradient of an intermediate result: gives it a name if it has none, and asks for its gradient."""

from __future__ import annotations

import ast

from bot.repair.toolkit import Program, Target, as_identifier


def retain(program: Program, target: Target) -> str | None:
    """Put `retain_grad()` right after $X is made; None when that place is not found."""
    expression = target.names.get("X", "")
    statement = program.statement_at(target.cause_line) if target.cause_line else None
    if statement is None or not expression:
        return None
    if expression.isidentifier():
        code = program.inserted_after(statement, f"{expression}.retain_grad()")
        return _shown(code, expression)
    part = next(
        (node for node in ast.walk(statement) if isinstance(node, ast.expr) and program.text(node) == expression), None
    )
    if part is None:
        return None
    name = program.fresh(as_identifier(expression))
    named = Program(program.replaced([(part, name)]))
    place = named.statement_at(statement.lineno)
    assert place is not None
    return _shown(named.inserted_before(place, f"{name} = {expression}\n{name}.retain_grad()"), name)


def _shown(code: str, name: str) -> str:
    """The code, with the gradient read at its end when it reads it nowhere."""
    program = Program(code)
    reads = any(
        isinstance(node, ast.Attribute) and node.attr == "grad" and program.text(node.value) == name
        for node in ast.walk(program.tree)
    )
    return code if reads else program.appended(f"{name}.grad")
