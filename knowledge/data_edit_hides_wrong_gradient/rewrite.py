"""Moves an edit through .data behind the backward that it spoils."""

from __future__ import annotations

from bot.repair import moves
from bot.repair.toolkit import Program, Target


def after_backward(program: Program, target: Target) -> str | None:
    """Move the edit behind the backward; None when they do not stand in one block."""
    edit = program.statement_at(target.cause_line or 0)
    backward = program.statement_at(target.error_line or 0)
    if edit is None or backward is None:
        return None
    block = moves.block_of(program, backward)
    outer = next((part for part in block if part is edit or part.lineno <= edit.lineno <= (part.end_lineno or 0)), None)
    if outer is None or block.index(outer) >= block.index(backward):
        return None
    after = (backward.end_lineno or backward.lineno) + 1
    return moves.rebuilt(program, without=[outer], before={after: moves.indented(program, outer, outer.col_offset)})
