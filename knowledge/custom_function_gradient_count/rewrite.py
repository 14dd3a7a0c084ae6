"""Lets `backward` of a Function return one value for each argument of its `forward`."""

from __future__ import annotations

import ast

from bot.repair.toolkit import Program, Target


def none_for_the_rest(program: Program, target: Target) -> str | None:
    """Pad what backward returns with None, or put None where an argument is no tensor; None when that does not help."""
    function = _class(program, target.names.get("F"))
    forward, backward = _method(function, "forward"), _method(function, "backward")
    if forward is None or backward is None:
        return None
    wanted = len(forward.args.args) - 1
    changes = []
    for node in ast.walk(backward):
        if isinstance(node, ast.Return) and node.value is not None:
            given = list(node.value.elts) if isinstance(node.value, ast.Tuple) else [node.value]
            if len(given) < wanted:
                texts = [program.text(part) for part in given] + ["None"] * (wanted - len(given))
            elif len(given) == wanted:
                plain = _not_tensors(forward)
                texts = ["None" if place in plain else program.text(part) for place, part in enumerate(given)]
            else:
                return None
            changes.append((node.value, ", ".join(texts)))
    return program.replaced(changes) if changes else None


def _not_tensors(forward: ast.FunctionDef) -> set[int]:
    """The places of the arguments that forward does not save and that the context keeps: `ctx.k = k`."""
    names = [argument.arg for argument in forward.args.args[1:]]
    kept = set()
    for node in ast.walk(forward):
        match node:
            case ast.Assign(targets=[ast.Attribute(value=ast.Name())], value=ast.Name(id=name)) if name in names:
                kept.add(names.index(name))
    return kept


def _class(program: Program, name: str | None) -> ast.ClassDef | None:
    return next((node for node in ast.walk(program.tree) if isinstance(node, ast.ClassDef) and node.name == name), None)


def _method(owner: ast.ClassDef | None, name: str) -> ast.FunctionDef | None:
    body = owner.body if owner is not None else []
    return next((part for part in body if isinstance(part, ast.FunctionDef) and part.name == name), None)
