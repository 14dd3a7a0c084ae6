"""Reads the gradient where `backward()` leaves it."""

from __future__ import annotations

import ast

from bot.repair.toolkit import Program, Target, last_name


def read_grad(program: Program, target: Target) -> str | None:
    """Let `backward()` stand alone and put `$LEAF.grad` where its result was used; None when several leaves could be meant."""
    leaf = target.names.get("LEAF")
    statement = program.statement_at(target.cause_line or 0)
    if not leaf or not isinstance(statement, (ast.Assign, ast.Expr, ast.Return)):
        return None
    call = next(
        (node for node in ast.walk(statement) if isinstance(node, ast.Call) and last_name(node.func) == "backward"),
        None,
    )
    if call is None:
        return None
    differentiation = program.text(call)
    changed = Program(program.replaced([(call, f"{leaf}.grad")]))
    place = changed.statement_at(statement.lineno)
    return None if place is None else changed.inserted_before(place, differentiation)
