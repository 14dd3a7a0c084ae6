"""Moves an edit through .data behind the backward that it spoils, or makes it an operation that autograd sees."""

from __future__ import annotations

import ast

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


def make_new(program: Program, target: Target) -> str | None:
    """Write the result of the edit into a new tensor, without `.data`; None where that takes more than one statement."""
    edit = program.statement_at(target.cause_line or 0)
    match edit:
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=written))):
            pass
        case ast.AugAssign(target=written) | ast.Assign(targets=[ast.Subscript() as written]):
            pass
        case _:
            return None
    through = next(
        (part for part in ast.walk(written) if isinstance(part, ast.Attribute) and part.attr == "data"), None
    )
    if through is None:
        return None
    seen = program.replaced([(through, program.text(through.value))])
    return moves.out_of_place(Program(seen), target.cause_line)
