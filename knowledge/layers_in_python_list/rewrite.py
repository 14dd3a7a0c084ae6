"""Puts layers and parameters into containers that a module looks into."""

from __future__ import annotations

import ast

from bot.repair.toolkit import Program, Target

_CONTAINERS = {
    ("list", "layer"): "ModuleList",
    ("dict", "layer"): "ModuleDict",
    ("list", "parameter"): "ParameterList",
    ("dict", "parameter"): "ParameterDict",
}


def register(program: Program, target: Target) -> str | None:
    """The assignment of the plain container wrapped in torch's; None when it is not one plain assignment in the class."""
    attribute = target.names.get("ATTR", "")
    container = _CONTAINERS.get((target.names.get("KIND", ""), target.names.get("WHAT", "")))
    owner = next(
        (
            node
            for node in ast.walk(program.tree)
            if isinstance(node, ast.ClassDef) and node.name == target.names.get("CLASS")
        ),
        None,
    )
    made = [
        node
        for node in ast.walk(owner if owner is not None else ast.Module([], []))
        if isinstance(node, ast.Assign) and any(ast.unparse(part) == attribute for part in node.targets)
    ]
    if len(made) != 1 or container is None:
        return None
    value = made[0].value
    if isinstance(value, ast.Tuple):
        return None
    prefix = "nn" if _imports_nn(program) else "torch.nn"
    text = program.text(value)
    empty = text in ("[]", "list()", "{}", "dict()")
    return program.replaced([(value, f"{prefix}.{container}({'' if empty else text})")])


def _imports_nn(program: Program) -> bool:
    for node in ast.walk(program.tree):
        match node:
            case ast.ImportFrom(module="torch", names=names) if any(name.name == "nn" for name in names):
                return True
            case ast.Import(names=names) if any(name.name == "torch.nn" and name.asname == "nn" for name in names):
                return True
    return False
