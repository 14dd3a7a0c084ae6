"""Puts on record that the data sets of torchvision are random images in the sandbox."""

from __future__ import annotations

import ast
from dataclasses import replace

from bot.context.program import Program
from bot.domain.snippet import Assumption, AssumptionKind

#: The data sets that the sandbox has a stand-in of.
DATA_SETS = frozenset({"MNIST", "FashionMNIST", "KMNIST", "CIFAR10", "CIFAR100"})


def with_data_sets_noted(program: Program) -> Program:
    """The program with a note at the first line that makes each of the data sets."""
    if not any(name in program.code for name in DATA_SETS) or (tree := program.tree) is None:
        return program
    made = _made(tree)
    lines = tuple(
        replace(line, notes=(*line.notes, *(_note(name) for name, at in made.items() if at == number)))
        for number, line in enumerate(program.lines, start=1)
    )
    return replace(program, lines=lines, invented=program.invented or lines != program.lines)


def _made(tree: ast.Module) -> dict[str, int]:
    """By name, the first line that calls for a data set which is no class of the program's own."""
    own = {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
    found: dict[str, int] = {}
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name)) if name in DATA_SETS - own:
                found[name] = min(node.lineno, found.get(name, node.lineno))
    return found


def _note(name: str) -> Assumption:
    return Assumption(kind=AssumptionKind.STAND_IN, text=f"random images stand in for the data set {name}")
