"""Values while they are no tensors: from where they left (`.item()`, `.numpy()`) to where they came back.

torch sees the leaving and the coming back, not what lies between. Between them this follows the names of
the program: what a name was assigned, appended or given as an argument. Order is kept by the tape's
events; where a name has several assignments, all count.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from bot.domain.tape import Event, short_name

#: Calls by which values leave the tensors, and what the cut is then called.
EXITS = {
    "item": "item", "__float__": "item", "__int__": "item", "__complex__": "item", "__index__": "item",
    "tolist": "item", "numpy": "numpy", "__array__": "numpy",
}  # fmt: skip
#: Calls that make a tensor of values that are none.
ENTRIES = frozenset({
    "tensor", "as_tensor", "asarray", "from_numpy", "Tensor", "FloatTensor", "DoubleTensor", "HalfTensor", "LongTensor",
    "IntTensor", "Variable", "Parameter", "full", "scalar_tensor", "new_tensor", "full_like",
})  # fmt: skip
_GROW = frozenset({"append", "extend", "insert", "add", "update", "setdefault"})


class Outside:
    """The names of one program, and where values left the tensors."""

    def __init__(self, tree: ast.Module, events: Iterable[Event]) -> None:
        self._tree = tree
        self._exits = [event for event in events if short_name(event.op) in EXITS and event.inputs and not event.error]
        self._given: dict[str, list[ast.expr]] = {}
        self._functions: dict[str, ast.FunctionDef | ast.AsyncFunctionDef] = {}
        if self._exits:
            self._read_names()

    def entry_on(self, line: int) -> ast.expr | None:
        """The expression on a line that makes a tensor of other values."""
        calls = [
            node
            for node in ast.walk(self._tree)
            if isinstance(node, ast.Call)
            and node.lineno <= line <= (node.end_lineno or line)
            and _last(node) in ENTRIES
        ]
        if calls:
            return calls[0]
        statements = [
            node
            for node in ast.walk(self._tree)
            if isinstance(node, (ast.Assign, ast.AugAssign, ast.Expr, ast.Return))
            and node.lineno <= line <= (node.end_lineno or line)
        ]
        return statements[-1].value if statements else None

    def exits_into(self, node: object, *, until: int) -> list[Event]:
        """The calls by which the values in an expression left the tensors, before event number `until`."""
        if not isinstance(node, ast.AST) or not self._exits:
            return []
        found: dict[int, Event] = {}
        for part in self._reached(node):
            for event in self._exits:
                inside = part.lineno <= event.line <= (part.end_lineno or part.lineno)
                if event.index < until and inside:
                    found[event.index] = event
        return list(found.values())

    def kind_of(self, event: Event, *, entry_line: int) -> str:
        """item or numpy; copy where a constructor took the number itself: `torch.Tensor([a, b])`."""
        kind = EXITS[short_name(event.op)]
        if kind == "item" and event.line == entry_line and short_name(event.op).startswith("__"):
            said = any(
                isinstance(node, ast.Call) and node.lineno == entry_line and _takes_numbers(node)
                for node in ast.walk(self._tree)
            )
            return kind if said else "copy"
        return kind

    def _reached(self, node: ast.AST) -> Iterator[ast.expr]:
        """The expressions whose values may be in this one."""
        seen: set[int] = set()
        waiting: list[ast.AST] = [node]
        while waiting:
            current = waiting.pop()
            if id(current) in seen or not isinstance(current, ast.expr):
                continue
            seen.add(id(current))
            yield current
            for part in ast.walk(current):
                match part:
                    case ast.Name(id=name):
                        waiting.extend(self._given.get(name, ()))
                    case ast.Call() if _last(part) in self._functions:
                        waiting.extend(_returned(self._functions[_last(part)]))
                    case ast.Attribute(attr=name, value=ast.Name(id="self")):
                        waiting.extend(self._given.get(f"self.{name}", ()))

    def _read_names(self) -> None:
        for node in ast.walk(self._tree):
            match node:
                case ast.FunctionDef() | ast.AsyncFunctionDef():
                    self._functions[node.name] = node
                case ast.Assign(targets=targets, value=value):
                    for target in targets:
                        self._gives(target, value)
                case ast.AugAssign(target=target, value=value) | ast.NamedExpr(target=target, value=value):
                    self._gives(target, value)
                case ast.AnnAssign(target=target, value=ast.expr() as value):
                    self._gives(target, value)
                case ast.For(target=target, iter=value) | ast.comprehension(target=target, iter=value):
                    self._gives(target, value)
                case ast.Call(func=ast.Attribute(value=holder, attr=name), args=args) if name in _GROW:
                    for value in args:
                        self._gives(holder, value)
        for node in ast.walk(self._tree):
            if isinstance(node, ast.Call) and _last(node) in self._functions:
                self._gives_arguments(node, self._functions[_last(node)])

    def _gives(self, target: ast.AST, value: ast.expr) -> None:
        match target:
            case ast.Name(id=name):
                self._given.setdefault(name, []).append(value)
            case ast.Attribute(attr=name, value=ast.Name(id="self")):
                self._given.setdefault(f"self.{name}", []).append(value)
            case ast.Subscript(value=holder) | ast.Starred(value=holder):
                self._gives(holder, value)
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                pairs = (
                    value.elts if isinstance(value, (ast.Tuple, ast.List)) and len(value.elts) == len(parts) else None
                )
                for place, part in enumerate(parts):
                    self._gives(part, pairs[place] if pairs else value)

    def _gives_arguments(self, call: ast.Call, function: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        names = [argument.arg for argument in function.args.args if argument.arg != "self"]
        for name, value in zip(names, call.args, strict=False):
            self._given.setdefault(name, []).append(value)
        for word in call.keywords:
            if word.arg is not None:
                self._given.setdefault(word.arg, []).append(word.value)


def _takes_numbers(call: ast.Call) -> bool:
    """Whether a call turns its argument into a Python number itself."""
    match call.func:
        case ast.Name(id="float" | "int" | "complex" | "round"):
            return True
        case ast.Attribute(value=ast.Name(id="math" | "cmath" | "np" | "numpy")):
            return True
    return False


def _returned(function: ast.AST) -> list[ast.expr]:
    return [node.value for node in ast.walk(function) if isinstance(node, ast.Return) and node.value is not None]


def _last(call: ast.Call) -> str:
    match call.func:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
    return ""
