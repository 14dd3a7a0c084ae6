"""Clears the gradients once in each pass."""

from __future__ import annotations

import ast

from bot.repair import moves
from bot.repair.toolkit import Program, Target


def zero(program: Program, target: Target) -> str | None:
    """Zero before the backward that adds, by the optimizer where there is one; after an update by hand."""
    backward = program.statement_at(target.cause_line or 0)
    last = program.statement_at(target.error_line or 0)
    if backward is None or last is None:
        return None
    if "OPT" in target.names:
        return program.inserted_before(backward, f"{target.names['OPT']}.zero_grad()")
    updates = _updates(program, last)
    if updates:
        rows: dict[int, str] = {}
        after = (updates[-1].end_lineno or updates[-1].lineno) + 1
        rows[after] = "\n".join(f"{' ' * part.col_offset}{_leaf(part)}.grad.zero_()" for part in updates)
        return moves.rebuilt(program, before=rows)
    leaf = target.names.get("X", "")
    return program.inserted_before(backward, f"{leaf}.grad = None") if leaf.isidentifier() else None


def _updates(program: Program, last: ast.stmt) -> list[ast.stmt]:
    """The updates by hand that stand together with this one."""
    return [part for part in moves.block_of(program, last) if _leaf(part)] if _leaf(last) else []


def _leaf(statement: ast.stmt) -> str | None:
    match statement:
        case ast.AugAssign(target=changed, value=value) if ".grad" in ast.unparse(value):
            return ast.unparse(changed).removesuffix(".data")
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=changed, attr="sub_" | "add_"), args=[value, *_])):
            return ast.unparse(changed).removesuffix(".data") if ".grad" in ast.unparse(value) else None
        case ast.Assign(targets=[ast.Attribute(attr="data", value=changed)], value=value) if ".grad" in ast.unparse(
            value
        ):
            return ast.unparse(changed)
    return None
