"""Switches gradients on where the tensors are made whose gradients the program asks for."""

from __future__ import annotations

import ast

from bot.repair.edits import with_grad
from bot.repair.toolkit import Program, Target


def require_grad(program: Program, target: Target) -> str | None:
    """Make each wanted tensor with `requires_grad=True`; None when it is not known where it is made."""
    return _required(program, target, floating=False)


def require_grad_as_float(program: Program, target: Target) -> str | None:
    """The same for tensors of whole numbers, which become float32."""
    return _required(program, target, floating=True)


def _required(program: Program, target: Target, *, floating: bool) -> str | None:
    names = [part.strip() for part in target.names.get("ALL", "").split(",")]
    changes: list[tuple[ast.AST, str]] = []
    for name in names:
        made = _made(program, name)
        if made is None:
            return None
        changes.append((made, with_grad(program, made, floating=floating)))
    return program.replaced(changes) if changes else None


def _made(program: Program, name: str) -> ast.expr | None:
    """The expression that a name is first given; in `a, b = f(), g()` its part."""
    for node in sorted(program.statements(), key=lambda one: one.lineno):
        match node:
            case ast.Assign(targets=[ast.Name(id=found)], value=value) if found == name:
                return value
            case ast.Assign(targets=[ast.Tuple(elts=parts)], value=ast.Tuple(elts=values)) if len(parts) == len(values):
                for part, value in zip(parts, values, strict=True):
                    if isinstance(part, ast.Name) and part.id == name:
                        return value
    return None
