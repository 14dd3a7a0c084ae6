"""Parsing that never raises, whatever strangers typed."""

from __future__ import annotations

import ast
import re
import warnings
from functools import lru_cache

#: A longer line is data, not something a person typed as a statement.
LONGEST_LINE = 1000

#: Deeper trees are not programs of learners, and would exhaust the stack of whoever walks them.
DEEPEST_TREE = 100

_MAY_WARN = re.compile(r"\\|\d[A-Za-z_]")

#: Shorter code cannot be nested too deep to walk.
_SHORT = 300


def parse(code: str) -> ast.Module | None:
    """The syntax tree of `code`, or None when it is no valid Python (or is nested absurdly deep).

    The tree may be shared between callers: read it, never change it.
    """
    # Lines are asked for again and again; whole programs are not worth the memory.
    return _remembered(code) if len(code) < _SHORT else _parsed(code)


@lru_cache(maxsize=4096)
def _remembered(code: str) -> ast.Module | None:
    return _parsed(code)


def _parsed(code: str) -> ast.Module | None:
    try:
        tree = _quietly_parsed(code) if _MAY_WARN.search(code) else ast.parse(code)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None
    return tree if len(code) < _SHORT or _shallow(tree) else None


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


def _shallow(tree: ast.AST) -> bool:
    level: list[ast.AST] = [tree]
    for _ in range(DEEPEST_TREE):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        if not level:
            return True
    return False
