"""Brings a custom Function into the form that `apply` wants."""

from __future__ import annotations

import ast

from bot.repair import moves
from bot.repair.toolkit import Program, Target, last_name


def apply(program: Program, target: Target) -> str | None:
    """Static methods with a ctx, and every use of the class by `apply`; None when there is nothing of that to mend.

    A module becomes a Function when it keeps nothing of its own.
    """
    function = _class(program, target.names.get("F"))
    if function is None or (_is_module(function) and _keeps_something(function)):
        return None
    bases = [(base, "torch.autograd.Function") for base in function.bases] if _is_module(function) else []
    called = program.replaced([*bases, *_calls(program, function.name)])
    inside = Program(called)
    owner = _class(inside, function.name)
    rows: dict[int, str] = {}
    signatures: list[tuple[ast.AST, str]] = []
    for method in owner.body if owner is not None else []:
        if isinstance(method, ast.FunctionDef) and method.name in ("forward", "backward"):
            static = any(last_name(mark) == "staticmethod" for mark in method.decorator_list)
            if not static:
                rows[method.lineno] = " " * method.col_offset + "@staticmethod"
            first = method.args.args[0] if method.args.args else None
            if static and first is not None and first.arg not in ("ctx", "self", "context", "c") and _lacks_ctx(method):
                signatures.append((first, f"ctx, {inside.text(first)}"))
    code = moves.rebuilt(Program(inside.replaced(signatures)), before=rows)
    return code if code != program.code else None


def new_result(program: Program, target: Target) -> str | None:
    """The in-place change of an input in forward made a new tensor; None when there is none."""
    function = _class(program, target.names.get("F"))
    for method in function.body if function is not None else []:
        if isinstance(method, ast.FunctionDef) and method.name == "forward":
            names = {argument.arg for argument in method.args.args[1:]}
            for statement in method.body:
                match statement:
                    case ast.AugAssign(target=ast.Name(id=name)) if name in names:
                        return moves.out_of_place(program, statement.lineno)
                    case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=changed))):
                        if name in names and changed.endswith("_"):
                            return moves.out_of_place(program, statement.lineno)
    return None


def _calls(program: Program, name: str) -> list[tuple[ast.AST, str]]:
    """`F()` → `F.apply`, `F.forward(x)` → `F.apply(x)`, where F is the class."""
    changes: list[tuple[ast.AST, str]] = []
    applied = {
        id(node.value) for node in ast.walk(program.tree) if isinstance(node, ast.Attribute) and node.attr == "apply"
    }
    for node in ast.walk(program.tree):
        match node:
            case ast.Call(func=ast.Name(id=called), args=[], keywords=[]) if called == name:
                changes.append((node, name if id(node) in applied else f"{name}.apply"))
            case ast.Attribute(value=ast.Name(id=called), attr="forward") if called == name:
                changes.append((node, f"{name}.apply"))
    return changes


def _is_module(owner: ast.ClassDef) -> bool:
    return any(last_name(base) == "Module" for base in owner.bases)


def _keeps_something(owner: ast.ClassDef) -> bool:
    """Whether the class has more than forward and backward, or these use `self`."""
    return any(
        not isinstance(part, ast.FunctionDef)
        or part.name not in ("forward", "backward")
        or any(isinstance(node, ast.Name) and node.id == "self" for node in ast.walk(part))
        for part in owner.body
        if not (isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant))
    )


def _lacks_ctx(method: ast.FunctionDef) -> bool:
    used = {node.id for node in ast.walk(method) if isinstance(node, ast.Name)}
    return "ctx" not in {argument.arg for argument in method.args.args} and "self" not in used


def _class(program: Program, name: str | None) -> ast.ClassDef | None:
    return next((node for node in ast.walk(program.tree) if isinstance(node, ast.ClassDef) and node.name == name), None)
