"""Divides each loss by the number of batches that one step collects."""

from __future__ import annotations

import ast

from bot.repair.toolkit import Program, Target


def divide(program: Program, target: Target) -> str | None:
    """`loss.backward()` → `(loss / n).backward()`, with the n of the condition that guards the step; None without one."""
    backward = program.statement_at(target.cause_line or 0)
    number = _collected(program)
    match backward:
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=root, attr="backward"))) if number is not None:
            return program.replaced([(root, f"({program.text(root)} / {number})")])
    return None


def _collected(program: Program) -> str | None:
    for node in ast.walk(program.tree):
        if isinstance(node, ast.If) and ".step()" in ast.unparse(node):
            for part in ast.walk(node.test):
                if isinstance(part, ast.BinOp) and isinstance(part.op, ast.Mod):
                    return program.text(part.right)
    return None
