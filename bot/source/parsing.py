"""Parsing that never raises, whatever strangers typed."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from functools import lru_cache

#: A longer line is data, not something a person typed as a statement.
LONGEST_LINE = 1000

#: Deeper trees are not programs of learners, and would exhaust the stack of whoever walks them.
DEEPEST_TREE = 100

_MAY_WARN = re.compile(r"\\|\d\.?[A-Za-z_]")

#: Signs that Python takes in strings and comments alone. Without these there is nothing to parse, and parsing is dear.
_NO_PYTHON = re.compile("[，。：；（）【】［］｛｝＝＋－＊／＜＞＃％＠、．！？–—−×∗…～｜＆≤≥≠“”„‟«»＂‘’‚‛′´＇？]")
_MAY_HOLD_TEXT = re.compile("['\"#]")

#: Shorter expressions cannot be nested too deep to walk.
_SHORT = 300


def parse(code: str) -> ast.Module | None:
    """The syntax tree of `code`, or None when it is no valid Python (or is nested absurdly deep).

    The tree may be shared between callers: read it, never change it.
    """
    if not code.isascii() and _NO_PYTHON.search(code) and not _MAY_HOLD_TEXT.search(code):
        return None
    return _line(code) if len(code) < _SHORT else _program(code)


@lru_cache(maxsize=4096)
def _line(code: str) -> ast.Module | None:
    # Lines are asked for again and again.
    return _parsed(code)


@lru_cache(maxsize=16)
def _program(code: str) -> ast.Module | None:
    # Few are kept: a tree takes a hundred times the memory of its text.
    return _parsed(code)


def _parsed(code: str) -> ast.Module | None:
    try:
        tree = _quietly_parsed(code) if _MAY_WARN.search(code) else ast.parse(code)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None
    return tree if len(code) < _SHORT or all(map(_shallow, _long_expressions(tree))) else None


def parses(code: str) -> bool:
    """Whether `code` is valid Python."""
    return parse(code) is not None


def statement_lines(statement: ast.stmt) -> tuple[int, int]:
    """First and last line of a statement, from 1, decorators included."""
    decorators = getattr(statement, "decorator_list", [])
    first = min([statement.lineno, *(decorator.lineno for decorator in decorators)])
    return first, statement.end_lineno or statement.lineno


def _quietly_parsed(code: str) -> ast.Module:
    """Strings like "\\d" and numbers like `1if` warn at parse time; that is the asker's business."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(code)


def _long_expressions(tree: ast.Module) -> Iterator[ast.expr]:
    """The outermost expressions that are long enough to be nested too deep to walk."""
    stack: list[ast.AST] = [tree]
    while stack:
        for part in ast.iter_child_nodes(stack.pop()):
            if not isinstance(part, ast.expr):
                stack.append(part)
            elif part.lineno != part.end_lineno or (part.end_col_offset or 0) - part.col_offset > _SHORT:
                yield part


def _shallow(expression: ast.expr) -> bool:
    level: list[ast.AST] = [expression]
    for _ in range(DEEPEST_TREE):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        if not level:
            return True
    return False
