"""Adds two losses up, so that the graph they share is walked once."""

from __future__ import annotations

import ast

from bot.repair import moves
from bot.repair.toolkit import Program, Target


def add_up(program: Program, target: Target) -> str | None:
    """One backward of the sum in place of two; None when something between them reads a gradient or steps, or when they
    are given arguments."""
    first = program.statement_at(target.cause_line or 0)
    second = program.statement_at(target.error_line or 0)
    one, other = _root(first), _root(second)
    if first is None or second is None or one is None or other is None:
        return None
    block = moves.block_of(program, first)
    if not any(part is second for part in block) or block.index(first) >= block.index(second):
        return None
    between = block[block.index(first) + 1 : block.index(second)]
    if any(word in ast.unparse(part) for part in between for word in ("grad", "step", "backward")):
        return None
    text = f"({program.text(one)} + {program.text(other)}).backward()"
    with_sum = Program(program.replaced([(second, text)]))
    return moves.rebuilt(with_sum, without=[with_sum.statement_at(first.lineno)])  # type: ignore[list-item]


def _root(statement: ast.stmt | None) -> ast.expr | None:
    match statement:
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=root, attr="backward"), args=[], keywords=[])):
            return root
    return None
