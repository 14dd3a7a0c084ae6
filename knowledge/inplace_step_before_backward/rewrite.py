"""Computes the second loss after the update, with the weights as they then are."""

from __future__ import annotations

import ast

from bot.repair import moves
from bot.repair.toolkit import Program, Target


def loss_after_step(program: Program, target: Target) -> str | None:
    """Move the assignment of the second loss behind the update; None when it does not stand before it in its block."""
    return _moved(program, target, anew=False)


def forward_after_step(program: Program, target: Target) -> str | None:
    """Move the second loss behind the update, and compute what it is made of once more."""
    return _moved(program, target, anew=True)


def _moved(program: Program, target: Target, *, anew: bool) -> str | None:
    update = program.statement_at(target.cause_line or 0)
    backward = program.statement_at(target.error_line or 0)
    if update is None or backward is None:
        return None
    block = moves.block_of(program, backward)
    place = next((number for number, part in enumerate(block) if part is update or _holds(part, update)), None)
    if place is None or place >= block.index(backward):
        return None
    made = {ast.unparse(part.targets[0]): part for part in block[:place] if isinstance(part, ast.Assign)}
    loss = made.get(target.names.get("LOSS") or _root(backward) or "")
    if loss is None:
        return None
    again = _behind(loss, made) if anew else []
    if anew and not again:
        return None
    rows = [moves.indented(program, part, part.col_offset) for part in (*again, loss)]
    return moves.rebuilt(program, without=[loss], before={backward.lineno: "\n".join(rows)})


def _behind(statement: ast.Assign, made: dict[str, ast.Assign]) -> list[ast.Assign]:
    """The assignments of computed values that a statement reads, and those that they read."""
    names = {node.id for node in ast.walk(statement.value) if isinstance(node, ast.Name)}
    found: list[ast.Assign] = []
    for name in names & made.keys():
        if moves.computes(made[name]) and made[name] is not statement:
            found += [part for part in (*_behind(made[name], made), made[name]) if part not in found]
    return sorted(found, key=lambda part: part.lineno)


def _holds(outer: ast.stmt, inner: ast.stmt) -> bool:
    return any(part is inner for part in ast.walk(outer))


def _root(statement: ast.stmt) -> str | None:
    match statement:
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="backward"))):
            return name
    return None
