"""Moves the zeroing to its moment."""

from __future__ import annotations

import ast

from bot.repair import moves
from bot.repair.toolkit import Program, Target


def move_zeroing(program: Program, target: Target) -> str | None:
    """The zeroing called, moved before the backward, or after the step when gradients are collected on purpose."""
    zero = program.statement_at(target.cause_line or 0)
    step = program.statement_at(target.error_line or 0)
    if zero is None or step is None or not isinstance(zero, ast.Expr):
        return None
    if isinstance(zero.value, ast.Attribute):
        return program.replaced([(zero, f"{program.text(zero)}()")])
    if target.names.get("KIND") == "each_part":
        after = (step.end_lineno or step.lineno) + 1
        return moves.rebuilt(program, without=[zero], before={after: moves.indented(program, zero, step.col_offset)})
    backward = _backward_before(program, step)
    if backward is None:
        return None
    row = moves.indented(program, zero, backward.col_offset)
    return moves.rebuilt(program, without=[zero], before={backward.lineno: row})


def _backward_before(program: Program, step: ast.stmt) -> ast.stmt | None:
    """The last statement with a backward call before the step."""
    calls = [call for call in program.calls("backward") if call.lineno < step.lineno]
    return program.statement_of(calls[-1]) if calls else None
