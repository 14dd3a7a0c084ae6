"""Differentiates the loss of each pass by itself."""

from __future__ import annotations

import ast

from bot.repair import moves
from bot.repair.toolkit import Program, Target


def loss_alone(program: Program, target: Target) -> str | None:
    """Take the backward from the total and give it to what is added; None when no sum in the loop is differentiated."""
    total = target.names.get("LOSS", "")
    backward = program.statement_at(target.error_line or 0)
    loop = moves.loop_around(program, backward) if backward is not None else None
    call = backward.value if isinstance(backward, ast.Expr) else None
    if loop is None or not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
        return None
    for statement in (part for part in ast.walk(loop) if isinstance(part, ast.stmt)):
        added = _added(statement, total)
        if added is None:
            continue
        if isinstance(added, ast.Name):
            changes = [(added, f"{added.id}.detach()"), (call.func.value, added.id)]
            return program.replaced(changes)
        return program.replaced([(statement, f"{total} = {program.text(added)}")])
    return None


def _added(statement: ast.stmt, total: str) -> ast.expr | None:
    match statement:
        case ast.AugAssign(target=ast.Name(id=name), op=ast.Add(), value=value) if name == total:
            return value
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.BinOp(left=left, op=ast.Add(), right=right)) if (
            name == total
        ):
            return right if ast.unparse(left) == total else left if ast.unparse(right) == total else None
    return None
