"""Runs only the first passes of long loops, and remembers of how many, where that is known.

A `for` over a range is given the first numbers of it; the condition of a `while` says no after as many passes. So `break`,
`continue` and nested loops mean what they always mean. Comprehensions stay whole, for what they make would have another
shape; so do loops that hand values over, for whoever waits for one would get none.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

MOST_LOOPS = 200
COUNTER = "__passes__"
BEGINNING = "__passes_of__"
#: What a loop may put around its range, and then has as many passes.
AROUND = ("enumerate", "zip", "tqdm")


class Loops:
    """The loops of one program that were shortened to `passes`."""

    def __init__(self, passes: int | None) -> None:
        self.passes = passes
        self._found: dict[int, int | None] = {}  # by line: how many passes there would have been

    def rows(self) -> list[list[int | None]]:
        """Line, passes that were run, and of how many."""
        return [[line, self.passes, whole] for line, whole in list(self._found.items())]

    def shortened(self, tree: ast.Module, names: dict[str, Any]) -> ast.Module:
        """The program with each `for` over a range and each `while` counted, nested ones as well."""
        if not self.passes:
            return tree
        names[COUNTER], names[BEGINNING] = self.first, self.begun
        return ast.fix_missing_locations(_Counted().visit(tree))

    def first(self, line: int, values: Any) -> Any:
        """The first passes of Python's own range; what else a program loops over stays as it is."""
        if type(values) is not range or self.passes is None or not values[self.passes :]:
            return values
        self._cut_off(line, _length(values))
        return values[: self.passes]

    def begun(self, line: int) -> Callable[[], bool]:
        """What says of each further pass of a `while` that begins now whether it is to be run."""
        left = self.passes or 0

        def goes_on() -> bool:
            nonlocal left
            if not left:
                self._cut_off(line, None)
                return False
            left -= 1
            return True

        return goes_on

    def _cut_off(self, line: int, whole: int | None) -> None:
        known = self._found.get(line, 0)
        if line in self._found or len(self._found) < MOST_LOOPS:
            self._found[line] = None if None in (whole, known) else max(whole or 0, known or 0)


class _Counted(ast.NodeTransformer):
    def visit_For(self, node: ast.For) -> ast.For:
        self.generic_visit(node)
        node.iter = _counted(node.iter, node.lineno)
        return node

    def visit_While(self, node: ast.While) -> list[ast.stmt]:
        """The loop, which asks after its own condition whether it goes on, with a counter of its own each time it begins."""
        self.generic_visit(node)
        if _hands_over(node):
            return [node]
        name = f"__passes_{node.lineno}__"  # in the frame that loops: functions may call themselves
        begun = ast.Call(ast.Name(BEGINNING, ast.Load()), [ast.Constant(node.lineno)], [])
        goes_on = ast.Call(ast.Name(name, ast.Load()), [], [])
        node.test = ast.copy_location(ast.BoolOp(ast.And(), [node.test, goes_on]), node.test)
        return [ast.copy_location(ast.Assign([ast.Name(name, ast.Store())], begun), node), node]


def _hands_over(loop: ast.While) -> bool:
    """Whether a loop hands values to whoever waits for them: cut off, it would hand over nothing where that is expected."""
    waiting: list[ast.AST] = [*loop.body]
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.Yield, ast.YieldFrom, ast.Await)) or (isinstance(node, ast.Return) and node.value):
            return True
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
            waiting.extend(ast.iter_child_nodes(node))
    return False


def _counted(values: ast.expr, line: int) -> ast.expr:
    """The expression with what may be a range handed through the counter."""
    match values:
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=[*inner]) if name in AROUND:
            values.args = [_counted(one, line) for one in inner]
            return values
        case ast.Name() | ast.Call(func=ast.Name(id="range")):
            counted = ast.Call(ast.Name(COUNTER, ast.Load()), [ast.Constant(line), values], [])
            return ast.copy_location(counted, values)
    return values


def _length(values: range) -> int | None:
    try:
        return len(values)
    except OverflowError:
        return None
