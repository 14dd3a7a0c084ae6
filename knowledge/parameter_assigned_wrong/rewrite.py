"""Gives a module's parameter its values as a parameter."""

from __future__ import annotations

import ast

from bot.repair.toolkit import Program, Target


def as_parameter(program: Program, target: Target) -> str | None:
    """Wrap the assigned value in `nn.Parameter`; None when the line is no assignment to an attribute."""
    statement = program.statement_at(target.error_line or 0)
    match statement:
        case ast.Assign(targets=[ast.Attribute()], value=value):
            imported = any(
                isinstance(node, ast.ImportFrom) and any(name.name == "nn" for name in node.names)
                for node in ast.walk(program.tree)
            )
            return program.replaced([(value, f"{'nn' if imported else 'torch.nn'}.Parameter({program.text(value)})")])
    return None
