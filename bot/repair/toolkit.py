"""A program that is edited by splicing: what an edit does not touch stays as it is, to the byte.

`knowledge/*/rewrite.py` may import this file and nothing else of ours.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from keyword import iskeyword

from bot.source.parsing import statement_lines

#: What binds closer than the operators of an expression put there might.
_TIGHT = (ast.BinOp, ast.UnaryOp, ast.Compare, ast.Attribute, ast.Subscript, ast.Starred, ast.Await)
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")


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
    def _lines(self) -> list[str]:
        # Not splitlines(): Python's own lines end at fewer characters, and the tree counts those.
        return _LINE.findall(self.code)

    @cached_property
    def _starts(self) -> list[int]:
        return list(accumulate(map(len, self._lines), initial=0))

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
        return text if is_atom(node) else f"({text})"

    @cached_property
    def _parents(self) -> dict[int, ast.AST]:
        return {id(child): node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)}

    def in_place_of(self, node: ast.AST, text: str) -> str:
        """The text to put where `node` stands, in parentheses when what stands around would tear it apart."""
        try:
            new = ast.parse(text, mode="eval").body
        except SyntaxError:
            return text
        tight = isinstance(self._parents.get(id(node)), _TIGHT)
        return f"({text})" if tight and isinstance(node, ast.expr) and is_atom(node) and not is_atom(new) else text

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
        taken = {found for node in ast.walk(self.tree) for found in _names_of(node)}
        number, found = 1, name
        while found in taken:
            number += 1
            found = f"{name}_{number}"
        return found

    def replaced(self, changes: Iterable[tuple[ast.AST, str]]) -> str:
        """The code with each node replaced by its text; of a node within another one, the outer is replaced."""
        code = self.code
        outermost: list[tuple[tuple[int, int], str]] = []
        for span, text in sorted(((self.span(node), text) for node, text in changes), key=lambda one: _outer(one[0])):
            if not outermost or span[0] >= outermost[-1][0][1]:
                outermost.append((span, text))
        for (start, end), text in reversed(outermost):
            code = code[:start] + text + code[end:]
        return code

    def inserted_after(self, statement: ast.stmt, text: str) -> str:
        """The code with statements put after one: on lines of their own, or behind a `;` where it shares its line."""
        _, end = self.span(statement)
        if self._shares_line(statement):
            return f"{self.code[:end]}; {_on_one_line(text)}{self.code[end:]}"
        return self._with_lines(statement, text, at=statement.end_lineno or statement.lineno)

    def inserted_before(self, statement: ast.stmt, text: str) -> str:
        """The code with statements put before one, above its decorators, or before it on a line that it shares."""
        start, _ = self.span(statement)
        if self._shares_line(statement):
            return f"{self.code[:start]}{_on_one_line(text)}; {self.code[start:]}"
        return self._with_lines(statement, text, at=statement_lines(statement)[0] - 1)

    def _shares_line(self, statement: ast.stmt) -> bool:
        start, end = self.span(statement)
        last = statement.end_lineno or statement.lineno
        head = self.code[self._starts[statement.lineno - 1] : start]
        tail = self.code[end : self._starts[last]]
        return bool(head.strip()) or tail.lstrip(" \t").startswith(";")

    def _with_lines(self, statement: ast.stmt, text: str, *, at: int) -> str:
        indent = self.code[self._starts[statement.lineno - 1] : self.span(statement)[0]]
        newline = "\r\n" if self.code[: self._starts[1]].endswith("\r\n") else "\n"
        block = "".join(f"{indent}{row}{newline}" if row else newline for row in text.splitlines())
        before, after = self.code[: self._starts[at]], self.code[self._starts[at] :]
        return (before if before.endswith(("\n", "\r")) or not before else before + newline) + block + after

    def appended(self, text: str) -> str:
        """The code with statements put at its end."""
        return self.code + ("" if self.code.endswith("\n") else "\n") + text.rstrip("\n") + "\n"


def _outer(span: tuple[int, int]) -> tuple[int, int]:
    return span[0], -span[1]


def _on_one_line(text: str) -> str:
    return "; ".join(row.strip() for row in text.splitlines() if row.strip())


def _names_of(node: ast.AST) -> Iterator[str]:
    """The names that a node of the tree reads, gives or brings in."""
    match node:
        case ast.Name(id=name) | ast.arg(arg=name) | ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.alias(name=name, asname=other):
            yield (other or name).split(".")[0]
        case ast.ExceptHandler(name=str(name)):
            yield name


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
    return name if name.isidentifier() and not iskeyword(name) else "value"


def is_atom(node: ast.AST) -> bool:
    """Whether anything may be hung onto an expression bare: `.sum()`, an index, an operator."""
    match node:
        case ast.Constant(value=value):
            return not isinstance(value, (int, float, complex)) or isinstance(value, bool)
    return isinstance(node, (ast.Name, ast.Attribute, ast.Call, ast.Subscript, ast.List, ast.Dict, ast.Set))
