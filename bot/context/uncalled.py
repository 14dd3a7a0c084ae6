"""Calls for what a post only defines: run as it stands, such a program would do nothing."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from bot.context.program import ADDED, Line, Program
from bot.domain.snippet import Assumption, AssumptionKind


def with_calls(program: Program) -> Program:
    """The program, with calls at its end of the functions that need no argument and differentiate something.

    Unchanged when it differentiates by itself, or calls one of its functions.
    """
    if "def " not in program.code or (tree := program.tree) is None:
        return program
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    others = [node for node in tree.body if not isinstance(node, ast.FunctionDef | ast.ClassDef)]
    called = {name for node in others for name in _called(node)}
    if called & {"backward", "grad", *(function.name for function in functions)}:
        return program
    names = [function.name for function in functions if _needs_nothing(function) and _differentiates(function)]
    return program.after([_call(name) for name in names])


def _call(name: str) -> Line:
    text = f"{name}()"
    note = Assumption(
        kind=AssumptionKind.ADDED_CALL, text=f"the post only defines {name}; it is called: {text}", restored=text
    )
    return Line(text, ADDED, (note,))


def _called(node: ast.AST) -> Iterator[str]:
    """The last names of all that is called: `backward` of `y.sum().backward()`."""
    for call in ast.walk(node):
        match call:
            case ast.Call(func=ast.Attribute(attr=name)) | ast.Call(func=ast.Name(id=name)):
                yield name


def _needs_nothing(function: ast.FunctionDef) -> bool:
    arguments = function.args
    positional = len(arguments.posonlyargs) + len(arguments.args) - len(arguments.defaults)
    return positional == 0 and None not in arguments.kw_defaults and not function.decorator_list


def _differentiates(function: ast.FunctionDef) -> bool:
    return not {"backward", "grad"}.isdisjoint(_called(function))
