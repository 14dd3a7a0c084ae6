"""Which names a program binds, and which it uses without binding them."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from bot.source.parsing import parse

_PLAIN_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)\s*=[^=;\n]*")

BUILTIN_NAMES = frozenset(dir(builtins)) | {
    "__name__", "__file__", "__doc__", "__class__", "_", "__", "In", "Out", "get_ipython",
}  # fmt: skip

_Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


@dataclass(frozen=True, kw_only=True, slots=True)
class Use:
    """A name that is read although nothing gave it a value."""

    name: str
    line: int  #: from 1
    deferred: bool  #: only inside a function's body, which may never run


def bound_names(tree: ast.AST) -> frozenset[str]:
    """The names that running `tree` as a module gives a value, in its own scope."""
    return frozenset(_binds(tree))


@lru_cache(maxsize=4096)
def names_bound_by(statement: str) -> frozenset[str]:
    """The names that a single statement, or the head of a block, gives a value; empty when it does not parse."""
    if (match := _PLAIN_ASSIGNMENT.fullmatch(statement)) and parse(statement) is not None:
        return frozenset((match[1],))
    tree = parse(statement) or parse(f"{statement} pass")
    return bound_names(tree) if tree is not None else frozenset()


def undefined_names(tree: ast.Module, *, defined: Iterable[str] = ()) -> tuple[Use, ...]:
    """The first use of every name that has no value when it is read, in the order of their lines.

    Module code is read in order; what stands inside functions is looked up when the module has ended.
    `defined` are names that have a value before the first line.
    """
    known = BUILTIN_NAMES if _calls_input(tree) else BUILTIN_NAMES - {"input"}
    reader = _Reader(frozenset(defined) | known)
    reader.module(tree)
    return tuple(sorted(reader.found.values(), key=lambda use: (use.line, use.name)))


def _calls_input(tree: ast.Module) -> bool:
    """Whether `input` is Python's own: as a name in a program with torch it is nearly always a tensor."""
    calls = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))
    return any(isinstance(called, ast.Name) and called.id == "input" for called in calls)


class _Reader:
    """Walks a module once and remembers the first undefined use of each name."""

    def __init__(self, defined: frozenset[str]) -> None:
        self.found: dict[str, Use] = {}
        self._defined = set(defined)
        self._star = False

    def module(self, tree: ast.Module) -> None:
        late: list[ast.AST] = []
        for statement in tree.body:
            self._statement(statement, late)
        for body in late:
            for name, line in _free(body):
                self._read(name, line, deferred=True)

    def _statement(self, statement: ast.stmt, late: list[ast.AST]) -> None:
        match statement:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._expressions([*statement.decorator_list, *_defaults(statement.args)], late)
                self._defined.add(statement.name)
                late.append(statement)
            case ast.ClassDef():
                self._expressions([*statement.decorator_list, *statement.bases], late)
                self._expressions([keyword.value for keyword in statement.keywords], late)
                self._class_body(statement, late)
                self._defined.add(statement.name)
            case ast.If() | ast.While():
                self._expressions([statement.test], late)
                self._block([*statement.body, *statement.orelse], late)
            case ast.For() | ast.AsyncFor():
                self._expressions([statement.iter], late)
                self._defined.update(_targets(statement.target))
                self._block([*statement.body, *statement.orelse], late)
            case ast.With() | ast.AsyncWith():
                for item in statement.items:
                    self._expressions([item.context_expr], late)
                    if item.optional_vars is not None:
                        self._defined.update(_targets(item.optional_vars))
                self._block(statement.body, late)
            case ast.Try():
                self._block(statement.body, late)
                for handler in statement.handlers:
                    if handler.name:
                        self._defined.add(handler.name)
                    self._block(handler.body, late)
                self._block([*statement.orelse, *statement.finalbody], late)
            case ast.Match():
                self._expressions([statement.subject], late)
                for branch in statement.cases:
                    self._defined.update(_binds(branch.pattern))
                    self._block(branch.body, late)
            case _:
                self._plain(statement, late)

    def _block(self, statements: list[ast.stmt], late: list[ast.AST]) -> None:
        for statement in statements:
            self._statement(statement, late)

    def _class_body(self, statement: ast.ClassDef, late: list[ast.AST]) -> None:
        outside = set(self._defined)
        self._block(statement.body, late)
        self._defined = outside

    def _plain(self, statement: ast.stmt, late: list[ast.AST]) -> None:
        if isinstance(statement, ast.ImportFrom) and any(alias.name == "*" for alias in statement.names):
            self._star = True
        self._expressions([statement], late)
        self._defined.update(_binds(statement))

    def _expressions(self, nodes: Iterable[ast.AST], late: list[ast.AST]) -> None:
        for node in nodes:
            stack: list[ast.AST] = [node]
            while stack:
                part = stack.pop()
                match part:
                    case ast.Lambda():
                        late.append(part)
                        stack.extend(_defaults(part.args))
                    case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                        for name, line in _free(part):
                            self._read(name, line, deferred=False)
                    case ast.NamedExpr(target=ast.Name(id=name)):
                        stack.append(part.value)
                        self._defined.add(name)
                    case ast.Name(id=name, ctx=ast.Load()):
                        self._read(name, part.lineno, deferred=False)
                    case ast.AugAssign(target=ast.Name(id=name)):
                        self._read(name, part.lineno, deferred=False)
                        stack.append(part.value)
                    case _:
                        stack.extend(ast.iter_child_nodes(part))

    def _read(self, name: str, line: int, *, deferred: bool) -> None:
        if name in self._defined or self._star:
            return
        known = self.found.get(name)
        if known is None or (known.deferred and not deferred):
            self.found[name] = Use(name=name, line=line, deferred=deferred)


def _defaults(arguments: ast.arguments) -> list[ast.expr]:
    annotated = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return [
        *arguments.defaults,
        *(default for default in arguments.kw_defaults if default is not None),
        *(argument.annotation for argument in annotated if argument.annotation is not None),
    ]


def _parameters(arguments: ast.arguments) -> set[str]:
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    packed = [argument for argument in (arguments.vararg, arguments.kwarg) if argument is not None]
    return {argument.arg for argument in [*named, *packed]}


def _free(scope: ast.AST) -> Iterator[tuple[str, int]]:
    """Names that a function or comprehension reads from outside itself, with their lines."""
    match scope:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            inner: list[ast.AST] = list(scope.body)
            local = _parameters(scope.args) | {name for part in scope.body for name in _binds(part)}
            local -= {name for part in ast.walk(scope) if isinstance(part, ast.Global) for name in part.names}
        case ast.Lambda():
            inner, local = [scope.body], _parameters(scope.args)
        case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
            inner = list(ast.iter_child_nodes(scope))
            local = {name for part in scope.generators for name in _targets(part.target)}
        case _:
            inner, local = [scope], set()
    for name, line in _loads(inner):
        if name not in local:
            yield name, line


def _loads(nodes: Iterable[ast.AST]) -> Iterator[tuple[str, int]]:
    stack = list(nodes)
    while stack:
        node = stack.pop()
        match node:
            case ast.Name(id=name, ctx=ast.Load()):
                yield name, node.lineno
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                stack.extend([*node.decorator_list, *_defaults(node.args)])
                yield from _free(node)
            case ast.Lambda() | ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                yield from _free(node)
            case _:
                stack.extend(ast.iter_child_nodes(node))


def _targets(target: ast.AST) -> set[str]:
    return {node.id for node in ast.walk(target) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}


def _binds(tree: ast.AST) -> set[str]:
    """Names bound in the scope of `tree` itself, not in the functions and classes within it."""
    found: set[str] = set()
    stack: list[ast.AST] = [tree]
    while stack:
        node = stack.pop()
        match node:
            case ast.Name():  # half of all nodes, so it comes first
                if isinstance(node.ctx, ast.Store):
                    found.add(node.id)
                continue
            case ast.Constant() | ast.expr_context() | ast.operator():
                continue
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                found.add(node.name)
                continue
            case ast.Lambda() | ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                continue
            case ast.Import() | ast.ImportFrom():
                found.update((alias.asname or alias.name.split(".")[0]) for alias in node.names)
            case ast.ExceptHandler(name=str(name)):
                found.add(name)
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                found.add(name)
            case ast.MatchMapping(rest=str(name)):
                found.add(name)
            case ast.Global():
                found.update(node.names)
        stack.extend(ast.iter_child_nodes(node))
    return found
