"""Asks for the gradient in time: right after the tensor is made."""

from __future__ import annotations

from bot.repair.toolkit import Program, Target


def ask_earlier(program: Program, target: Target) -> str | None:
    """Move the late statement behind the one that makes the tensor; None when it is not a statement of its own."""
    late = program.statement_at(target.error_line or 0)
    made = program.statement_at(target.cause_line or 0)
    if late is None or made is None or late is made or late.col_offset != made.col_offset or late.lineno < made.lineno:
        return None
    rows = program.code.splitlines(keepends=True)
    first, last = late.lineno - 1, late.end_lineno or late.lineno
    if program.code.splitlines()[first][: late.col_offset].strip():
        return None
    place = made.end_lineno or made.lineno
    return "".join([*rows[:place], *rows[first:last], *rows[place:first], *rows[last:]])
