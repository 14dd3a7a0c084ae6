"""Programs of code that only sentences name: a whole one, or a call or a gradient that the shown code lacks."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence

from bot.context.fill import mention_line
from bot.context.program import Program
from bot.domain.snippet import Reading
from bot.source import bound_names, names_bound_by, parse

_GRADIENT = re.compile(r"\w+(?:\.\w+)*\.grad")


def of_mentions(reading: Reading, *, post: int) -> Iterator[Program]:
    """A program of the statements that sentences name one by one, what gives names their values first."""
    named = [code for code in reading.mentions if parse(code) is not None and "\n" not in code]
    given = [code for code in named if _gives(code)]
    used = [code for code in named if code not in given and (".backward(" in code or ".grad" in code)]
    if used and any(names_bound_by(code) for code in given):
        for chosen in _without_alternatives(used):
            yield Program(lines=tuple(mention_line(code, post=post) for code in [*given, *chosen]), whole=True)


def with_mentioned_call(own: Program, reading: Reading, *, post: int) -> Iterator[Program]:
    """The asker's code with the backward call that only a sentence names."""
    tree = own.tree
    names = bound_names(tree) if tree is not None else frozenset()
    for code in reading.mentions:
        if ".backward(" in code and code.split(".")[0] in names and parse(code) is not None:
            yield own.after([mention_line(code, post=post)])


def with_mentioned_read(own: Program, reading: Reading, *, post: int) -> Iterator[Program]:
    """The asker's code with the gradients that only sentences speak of: "`x.grad` is None", and no line reads it."""
    tree = own.tree
    if tree is None or not calls_backward(own):
        return
    names = bound_names(tree)
    if any(isinstance(node, ast.Attribute) and node.attr == "grad" for node in ast.walk(tree)):
        return
    read = [code for code in reading.mentions if _GRADIENT.fullmatch(code) and code.split(".")[0] in names]
    if read:
        yield own.after([mention_line(code, post=post) for code in read])


def calls_backward(program: Program) -> bool:
    """Whether the program asks for gradients somewhere."""
    return ".backward(" in program.code or "autograd.grad(" in program.code


def _without_alternatives(used: Sequence[str]) -> Iterator[list[str]]:
    """`y.backward()` and `y.sum().backward()` in one sentence are two ways, not two steps: each by itself,
    the barest first, for it is the one that is asked about."""
    calls = [code for code in used if ".backward(" in code]
    if len({code.split(".")[0] for code in calls}) < len(calls):
        for call in sorted(calls, key=len):
            yield [code for code in used if code == call or code not in calls]
    else:
        yield list(used)


def _gives(code: str) -> bool:
    """Whether a statement gives something a value, a name or a part of one."""
    tree = parse(code)
    return tree is not None and isinstance(tree.body[0], ast.Assign | ast.AugAssign | ast.Import | ast.ImportFrom)
