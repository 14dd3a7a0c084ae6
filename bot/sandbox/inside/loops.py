"""Runs only the first passes of long loops, and remembers of how many."""

from __future__ import annotations

import ast
from typing import Any

MOST_LOOPS = 200
COUNTER = "__passes__"
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
        """The program with each `for` over a range counted, nested ones as well."""
        if not self.passes:
            return tree
        names[COUNTER] = self.first
        return ast.fix_missing_locations(_Counted().visit(tree))

    def first(self, line: int, values: Any) -> Any:
        """The first passes of Python's own range; what else a program loops over stays as it is."""
        if type(values) is not range or self.passes is None or not values[self.passes :]:
            return values
        whole = _length(values)
        known = self._found.get(line, 0)
        if line in self._found or len(self._found) < MOST_LOOPS:
            self._found[line] = None if None in (whole, known) else max(whole or 0, known or 0)
        return values[: self.passes]


class _Counted(ast.NodeTransformer):
    def visit_For(self, node: ast.For) -> ast.For:
        self.generic_visit(node)
        node.iter = _counted(node.iter, node.lineno)
        return node


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
