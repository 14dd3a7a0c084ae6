"""The pattern language of the fixes: code in which $NAME stands for any expression and $...NAME for the
arguments that are left.

A pattern is matched on the tree, so spacing, quotes and parentheses do not matter; a template is filled
with the asker's own text, so what was matched comes out as it was written.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bot.errors import KnowledgeError
from bot.repair.toolkit import Program, is_atom

_REST = re.compile(r"\$\.\.\.([A-Z][A-Z0-9_]*)")
_NAME = re.compile(r"\$([A-Z][A-Z0-9_]*)")
#: After what an expression begins: a line, a colon, a lone `=`.
_BEGINS = re.compile(r"(?:[\n:]|(?<![=<>!:+*/%@&|^-])=)\Z")
_META = "meta__"
_OTHERS = "others__"
#: Stands where an empty `$...NAME` was, until the commas around it are gone.
_NOTHING = "\x00"


@dataclass(frozen=True)
class Bound:
    """What the $NAMES of a pattern matched."""

    single: Mapping[str, ast.expr]
    rest: Mapping[str, tuple[ast.expr | ast.keyword, ...]]


@dataclass(frozen=True)
class Pattern:
    """One pattern, parsed. Raises `KnowledgeError` when it is not Python apart from its $NAMES."""

    text: str

    def _tree(self) -> ast.AST:
        code = _NAME.sub(rf"{_META}\1", _REST.sub(rf"*{_OTHERS}\1", self.text.strip()))
        try:
            statement = ast.parse(code).body[0]
        except (SyntaxError, IndexError):
            raise KnowledgeError(f"the pattern {self.text!r} is not one statement or expression of Python") from None
        return statement.value if isinstance(statement, ast.Expr) else statement

    def check(self, template: str) -> None:
        """Raise `KnowledgeError` when this is no pattern, or `template` uses arguments that it does not take."""
        self._tree()
        for name in _REST.findall(template):
            if name not in _REST.findall(self.text):
                raise KnowledgeError(f"$...{name} in {template!r} does not stand in {self.text!r}")

    def matches(
        self, program: Program, *, lines: range | None, names: Mapping[str, str]
    ) -> Iterator[tuple[ast.AST, Bound]]:
        """The nodes that match, in order of their place; `names` are $NAMES that already stand for something."""
        pattern = self._tree()
        nodes = [node for node in ast.walk(program.tree) if isinstance(node, type(pattern)) and hasattr(node, "lineno")]
        for node in sorted(nodes, key=lambda node: (node.lineno, node.col_offset)):  # type: ignore[attr-defined]
            last = node.end_lineno or node.lineno  # type: ignore[attr-defined]
            if lines is not None and (last < lines.start or node.lineno >= lines.stop):
                continue
            bound = Bound({}, {})
            found = _match(pattern, node, bound)
            if found is not None and _agrees(found, names, program):
                yield node, found


def filled(template: str, program: Program, bound: Bound, names: Mapping[str, str]) -> str:
    """The template with the asker's own text in place of its $NAMES.

    Raises `KnowledgeError` when it speaks of a $NAME that neither the pattern nor the diagnosis knows.
    """

    def others(found: re.Match[str]) -> str:
        if found[1] not in bound.rest:
            raise KnowledgeError(f"$...{found[1]} in {template!r} does not stand in the pattern")
        return ", ".join(program.text(part) for part in bound.rest[found[1]]) or _NOTHING

    text = _REST.sub(others, template)

    def single(found: re.Match[str]) -> str:
        name = found[1]
        if name not in bound.single and name not in names:
            raise KnowledgeError(f"${name} in {template!r} stands for nothing here")
        value = program.text(bound.single[name]) if name in bound.single else names[name]
        return _fitted(value, before=text[: found.start()], behind=text[found.end() :])

    text = _NAME.sub(single, text)
    return re.sub(rf",\s*{_NOTHING}|{_NOTHING}\s*,\s*|{_NOTHING}", "", text)


def _fitted(value: str, *, before: str, behind: str) -> str:
    """An expression's text, in parentheses where its surroundings would tear it apart."""
    try:
        node = ast.parse(f"({value})", mode="eval").body
    except SyntaxError:
        return value  # `*xs` and the like: only where they stood
    left, right = before.rstrip(" "), behind.lstrip(" ")
    if (not left and not right) or is_atom(node):
        return value
    if isinstance(node, ast.Constant) and not right.startswith("."):
        return value
    bracketed = left.endswith(("(", "[", "{", ","))
    begins = not left or bracketed or _BEGINS.search(left) is not None
    ends = not right or right[0] in ")],}:\n#;"
    torn = ("\n" in value and not bracketed) or (isinstance(node, ast.Tuple) and not value.startswith("("))
    return value if begins and ends and not torn else f"({value})"


def names_in(text: str) -> frozenset[str]:
    """The $NAMES that a pattern or a template speaks of."""
    return frozenset(_NAME.findall(_REST.sub("", text)))


def _agrees(bound: Bound, names: Mapping[str, str], program: Program) -> bool:
    def same(one: str, other: str) -> bool:
        return re.sub(r"\s", "", one) == re.sub(r"\s", "", other)

    return all(same(program.text(node), names[name]) for name, node in bound.single.items() if name in names)


def _match(pattern: object, node: object, bound: Bound) -> Bound | None:
    if isinstance(pattern, ast.Name) and pattern.id.startswith(_META):
        return _bind(pattern.id.removeprefix(_META), node, bound)
    if isinstance(pattern, ast.Call) and isinstance(node, ast.Call):
        return _match_call(pattern, node, bound)
    if type(pattern) is not type(node):
        return None
    if isinstance(pattern, ast.AST):
        current: Bound | None = bound
        for field in pattern._fields:
            if field in ("ctx", "type_comment", "kind"):
                continue
            current = _match(getattr(pattern, field), getattr(node, field), current)  # type: ignore[arg-type]
            if current is None:
                return None
        return current
    if isinstance(pattern, list) and isinstance(node, list):
        return _match_all(pattern, node, bound)
    return bound if pattern == node else None


def _match_all(patterns: list[object], nodes: list[object], bound: Bound) -> Bound | None:
    if len(patterns) != len(nodes):
        return None
    current: Bound | None = bound
    for pattern, node in zip(patterns, nodes, strict=True):
        if current is None:
            return None
        current = _match(pattern, node, current)
    return current


def _match_call(pattern: ast.Call, node: ast.Call, bound: Bound) -> Bound | None:
    rest = next((part for part in pattern.args if _is_rest(part)), None)
    wanted = [part for part in pattern.args if part is not rest]
    current = _match(pattern.func, node.func, bound)
    if current is None or len(node.args) < len(wanted):
        return None
    current = _match_all(list(wanted), list(node.args[: len(wanted)]), current)
    left: list[ast.expr | ast.keyword] = [*node.args[len(wanted) :]]
    given = {word.arg: word for word in node.keywords}
    for word in pattern.keywords:
        if current is None or word.arg not in given:
            return None
        current = _match(word.value, given.pop(word.arg).value, current)
    left.extend(word for word in node.keywords if word.arg in given)
    if current is None or (left and rest is None):
        return None
    if rest is None:
        return current
    name = rest.value.id.removeprefix(_OTHERS)  # type: ignore[attr-defined]
    return Bound(current.single, {**current.rest, name: tuple(left)})


def _is_rest(node: ast.expr) -> bool:
    return isinstance(node, ast.Starred) and isinstance(node.value, ast.Name) and node.value.id.startswith(_OTHERS)


def _bind(name: str, node: object, bound: Bound) -> Bound | None:
    if not isinstance(node, ast.expr) or isinstance(node, ast.Starred):
        return None
    known = bound.single.get(name)
    if known is not None:
        return bound if ast.dump(known) == ast.dump(node) else None
    return Bound({**bound.single, name: node}, bound.rest)
