"""Uses a gradient where there is one: guarded, before it is zeroed, or after it was computed."""

from __future__ import annotations

import ast

from bot.repair.toolkit import Program, Target


def if_there_is_one(program: Program, target: Target) -> str | None:
    """Zero the gradient on the error line only if there is one."""
    statement = program.statement_at(target.error_line or 0)
    match statement:
        case ast.Expr(value=ast.Call(func=ast.Attribute(attr="zero_" | "detach_", value=gradient))):
            text = program.text(statement)
            inner = " " * (statement.col_offset + 4) + text
            return program.replaced([(statement, f"if {program.text(gradient)} is not None:\n{inner}")])
    return None


def read_first(program: Program, target: Target) -> str | None:
    """Put the zeroing of the cause line behind the statement that uses the gradient."""
    if target.cause_line == target.error_line:
        return None
    return _moved(program, program.statement_at(target.cause_line or 0), target.error_line)


def after_backward(program: Program, target: Target) -> str | None:
    """Put the statement that uses the gradient behind the differentiation that follows it."""
    statement = program.statement_at(target.error_line or 0)
    later = [call.lineno for call in program.calls("backward") if call.lineno > (target.error_line or 0)]
    return _moved(program, statement, later[0]) if later else None


def _moved(program: Program, statement: ast.stmt | None, behind: int | None) -> str | None:
    """The program with one statement behind the one of its own block that holds a line; None when there is none."""
    if statement is None or behind is None or not isinstance(statement, (ast.Expr, ast.Assign, ast.AugAssign)):
        return None
    for block in _blocks(program.tree):
        place = next((node for node in block if node.lineno <= behind <= (node.end_lineno or node.lineno)), None)
        if statement in block and place is not None and place is not statement and place.lineno > statement.lineno:
            rows = program.code.splitlines(keepends=True)
            first, last = statement.lineno - 1, statement.end_lineno or statement.lineno
            end = place.end_lineno or place.lineno
            return "".join([*rows[:first], *rows[last:end], *rows[first:last], *rows[end:]])
    return None


def _blocks(tree: ast.AST) -> list[list[ast.stmt]]:
    return [
        block
        for node in ast.walk(tree)
        for block in (getattr(node, "body", None), getattr(node, "orelse", None))
        if isinstance(block, list)
    ]
