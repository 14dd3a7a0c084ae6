"""The statements of a program that give certain names their values."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from bot.context.program import Line, Program, statements
from bot.source import bound_names, undefined_names


def slice_for(program: Program, names: Iterable[str], *, backward: bool = False) -> tuple[Line, ...]:
    """The lines that `names` need to have their values, in order; empty when one of them gets none.

    Edits in place of a needed name are kept with it, and with `backward` its backward calls too.
    """
    wanted = set(names)
    parts = statements(program)
    if not wanted <= {name for statement, _ in parts for name in bound_names(statement)}:
        return ()
    kept: list[tuple[Line, ...]] = []
    for statement, lines in reversed(parts):
        if bound_names(statement) & wanted or _touches(statement, wanted, backward=backward):
            kept.append(lines)
            wanted |= _reads(statement)
    return tuple(line for lines in reversed(kept) for line in lines)


def _reads(statement: ast.stmt) -> set[str]:
    module = ast.Module(body=[statement], type_ignores=[])
    return {use.name for use in undefined_names(module)}


def _touches(statement: ast.stmt, wanted: set[str], *, backward: bool) -> bool:
    """Whether the statement changes a wanted name by a call on it, or assigns to a part of it."""
    match statement:
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=receiver, attr=attribute))):
            changes = attribute.endswith("_") or (backward and attribute == "backward")
            return changes and bool(_names(receiver) & wanted)
        case ast.Assign(targets=targets):
            return any(
                isinstance(target, ast.Attribute | ast.Subscript) and _names(target) & wanted for target in targets
            )
        case _:
            return False


def _names(node: ast.AST) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
