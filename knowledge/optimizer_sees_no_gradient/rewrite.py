"""Makes the optimizer after the last assignment of what it is to train."""

from __future__ import annotations

import ast

from bot.repair import moves
from bot.repair.toolkit import Program, Target


def make_later(program: Program, target: Target) -> str | None:
    """Move the making of the optimizer behind the last assignment, in its block, of a name that it reads."""
    made = program.statement_at(target.cause_line or 0)
    if not isinstance(made, ast.Assign):
        return None
    names = {node.id for node in ast.walk(made.value) if isinstance(node, ast.Name)}
    block = moves.block_of(program, made)
    later = [part for part in block[block.index(made) + 1 :] if isinstance(part, ast.Assign) and _assigns(part) & names]
    if not later:
        return None
    after = (later[-1].end_lineno or later[-1].lineno) + 1
    return moves.rebuilt(program, without=[made], before={after: moves.indented(program, made, made.col_offset)})


def _assigns(statement: ast.Assign) -> set[str]:
    """The names, and the names whose parts, a statement assigns: `net` in `net.fc = …`."""
    found = set()
    for part in statement.targets:
        while isinstance(part, (ast.Attribute, ast.Subscript)):
            part = part.value
        if isinstance(part, ast.Name):
            found.add(part.id)
    return found
