"""Leaves an argument out that has no effect any more."""

from __future__ import annotations

import ast

from bot.repair.toolkit import Program, Target, keyword, without_keyword


def without_volatile(program: Program, target: Target) -> str | None:
    """The program without `volatile=` in all calls that are given it; None where no line is blamed."""
    if target.error_line is None:
        return None
    calls = [
        node for node in ast.walk(program.tree) if isinstance(node, ast.Call) and keyword(node, "volatile") is not None
    ]
    return program.replaced((call, without_keyword(program, call, "volatile")) for call in calls) if calls else None
