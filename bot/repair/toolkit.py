"""A program that is edited by splicing: what an edit does not touch stays as it is, to the byte.

`knowledge/*/rewrite.py` may import this file and nothing else of ours.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property


@dataclass(frozen=True)
class Target:
    """Where a fix applies, as the diagnosis says."""

    names: Mapping[str, str] = field(default_factory=dict)  #: what the entry's $NAMES stand for, without the `$`
    error_line: int | None = None
    cause_line: int | None = None


@dataclass(frozen=True)
class Program:
    """Source code with its tree. Raises SyntaxError when the code does not parse."""

    code: str

    @cached_property
    def tree(self) -> ast.Module:
        """The parsed program."""
        return ast.parse(self.code)

    @cached_property
    def _starts(self) -> list[int]:
        starts = [0]
        for line in self.code.splitlines(keepends=True):
            starts.append(starts[-1] + len(line))
        return starts

    @cached_property
    def _lines(self) -> list[str]:
        return self.code.splitlines(keepends=True)

    def span(self, node: ast.AST) -> tuple[int, int]:
        """The node's place in `code`, as character offsets. (The tree counts UTF-8 bytes.)"""
        line, column = node.lineno, node.col_offset  # type: ignore[attr-defined]
        end_line, end_column = node.end_lineno, node.end_col_offset  # type: ignore[attr-defined]
        return self._offset(line, column), self._offset(end_line, end_column)

    def _offset(self, line: int, column: int) -> int:
        text = self._lines[line - 1].encode("utf-8", "surrogatepass")[:column]
        return self._starts[line - 1] + len(text.decode("utf-8", "surrogatepass"))

    def text(self, node: ast.AST) -> str:
        """The node as the asker wrote it."""
        start, end = self.span(node)
        return self.code[start:end]

    def operand(self, node: ast.AST) -> str:
        """The node's text, in parentheses when something may not be hung onto it bare."""
        text = self.text(node)
        return text if _is_atom(node) else f"({text})"

    def statements(self) -> Iterator[ast.stmt]:
        """All statements, outer ones before what they hold."""
        return (node for node in ast.walk(self.tree) if isinstance(node, ast.stmt))

    def statement_at(self, line: int) -> ast.stmt | None:
        """The innermost statement that touches a line."""
        found = None
        for node in self.statements():
            inside = node.lineno <= line <= (node.end_lineno or node.lineno)
            if inside and (found is None or node.lineno >= found.lineno):
                found = node
        return found

    def statement_of(self, wanted: ast.AST) -> ast.stmt | None:
        """The innermost statement that holds a node."""
        found = None
        for node in self.statements():
            if any(part is wanted for part in ast.walk(node)):
                found = node
        return found

    def assignments(self, name: str) -> list[ast.Assign]:
        """The statements `name = …`, in order."""
        return [
            node
            for node in self.statements()
            if isinstance(node, ast.Assign)
            and len(node.targets) == 1
            and isinstance(node.targets[0], ast.Name)
            and node.targets[0].id == name
        ]

    def calls(self, *names: str) -> list[ast.Call]:
        """The calls of functions or methods with one of these last names, in order of their lines."""
        calls = [node for node in ast.walk(self.tree) if isinstance(node, ast.Call) and last_name(node.func) in names]
        return sorted(calls, key=lambda node: (node.lineno, node.col_offset))

    def fresh(self, name: str) -> str:
        """`name`, or `name_2`, `name_3` … when it is taken."""
        taken = {node.id for node in ast.walk(self.tree) if isinstance(node, ast.Name)}
        number, found = 1, name
        while found in taken:
            number += 1
            found = f"{name}_{number}"
        return found

    def replaced(self, changes: Iterable[tuple[ast.AST, str]]) -> str:
        """The code with each node replaced by its text."""
        code = self.code
        for (start, end), text in sorted(((self.span(node), text) for node, text in changes), reverse=True):
            code = code[:start] + text + code[end:]
        return code

    def inserted_after(self, statement: ast.stmt, text: str) -> str:
        """The code with statements put after one, at its indentation."""
        return self._inserted(statement, text, statement.end_lineno or statement.lineno)

    def inserted_before(self, statement: ast.stmt, text: str) -> str:
        """The code with statements put before one, at its indentation."""
        return self._inserted(statement, text, statement.lineno - 1)

    def _inserted(self, statement: ast.stmt, text: str, line: int) -> str:
        indent = " " * statement.col_offset
        block = "".join(f"{indent}{row}\n" if row else "\n" for row in text.splitlines())
        before, after = "".join(self._lines[:line]), "".join(self._lines[line:])
        return (before if before.endswith("\n") or not before else before + "\n") + block + after

    def appended(self, text: str) -> str:
        """The code with statements put at its end."""
        return self.code.rstrip("\n") + "\n" + text.rstrip("\n") + "\n"


def last_name(node: ast.expr) -> str:
    """`torch.autograd.grad` → "grad", `f` → "f"."""
    match node:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
    return ""


def keyword(call: ast.Call, name: str) -> ast.keyword | None:
    """The argument given as `name=`."""
    return next((given for given in call.keywords if given.arg == name), None)


def without_keyword(program: Program, call: ast.Call, name: str) -> str:
    """The call's text without the argument `name=`."""
    kept = [program.text(argument) for argument in call.args]
    kept += [program.text(given) for given in call.keywords if given.arg != name]
    return f"{program.text(call.func)}({', '.join(kept)})"


def reads(tree: ast.AST, name: str) -> list[ast.Name]:
    """Where a name is read."""
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load)
    ]


def as_identifier(expression: str) -> str:
    """A name for an expression: "x.T" → "x_T"."""
    name = re.sub(r"\W+", "_", expression).strip("_")
    return name if name.isidentifier() else "value"


def _is_atom(node: ast.AST) -> bool:
    return isinstance(
        node, (ast.Name, ast.Attribute, ast.Call, ast.Subscript, ast.Constant, ast.List, ast.Dict, ast.Set)
    )
