"""A run beside the code that ran and the words of the post: what the signals look at."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from bot.diagnose.tensors import Tensors
from bot.domain.confusion import Confusion
from bot.domain.run import Run
from bot.domain.snippet import Reading
from bot.domain.tape import Event, Tape, TensorState

#: Calls that start a differentiation.
BACKWARD = ("backward", "grad")


@dataclass(frozen=True)
class View:
    """What one entry is held against."""

    code: str
    run: Run
    reading: Reading
    confusion: Confusion
    asked: float = 0.0  #: how well the post's words fit the entry's `asked_as`, 0 to 1
    notes: dict[str, Any] = field(default_factory=dict)  #: what words found out of this run, for the next entry

    @cached_property
    def tree(self) -> ast.Module:
        """The program; empty when it does not parse."""
        try:
            return ast.parse(self.code)
        except (SyntaxError, ValueError, RecursionError):
            return ast.Module([], [])

    @property
    def tape(self) -> Tape:
        """The run's tape, or an empty one."""
        return self.run.tape or Tape()

    @property
    def line(self) -> int | None:
        """The line of the asker's code where the run failed."""
        return self.run.error.line if self.run.error else None

    def source(self, node: ast.AST) -> str:
        """The text of a node as the asker wrote it."""
        return ast.get_source_segment(self.code, node) or ast.unparse(node)

    def nodes_on(self, line: int) -> Iterator[ast.expr]:
        """The expressions that touch a line, outermost first."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.expr) and node.lineno <= line <= (node.end_lineno or node.lineno):
                yield node

    def call_on(self, line: int, names: tuple[str, ...]) -> ast.Call | None:
        """The first call on a line of a function or method with one of these names."""
        for node in self.nodes_on(line):
            if isinstance(node, ast.Call) and called(node) in names:
                return node
        return None

    def read_on(self, line: int, attribute: str) -> ast.Attribute | None:
        """The first reading of this attribute on a line."""
        for node in self.nodes_on(line):
            if isinstance(node, ast.Attribute) and node.attr == attribute:
                return node
        return None

    @property
    def backwards(self) -> tuple[Event, ...]:
        """The differentiations, in order."""
        return self.tape.differentiations

    @property
    def grad_reads(self) -> tuple[Event, ...]:
        """The readings of `.grad` in the asker's own lines."""
        return self.tape.grad_reads

    @property
    def tensors(self) -> Tensors:
        """How the run's tensors hang together, and what they were called."""
        if "tensors" not in self.notes:
            self.notes["tensors"] = Tensors(self.tape)
        return self.notes["tensors"]  # type: ignore[no-any-return]

    def leaves_under(self, serial: int) -> tuple[int, ...]:
        """The leaves that this tensor was computed from."""
        return self.tensors.leaves_under(serial)

    def ever_named(self, serial: int) -> str | None:
        """A name this tensor had at some time."""
        return self.tape.ever_named(serial)

    def called(self, state: TensorState) -> str | None:
        """What the program calls a tensor, in a function as well; None when it has no name."""
        return state.names[0] if state.names else self.ever_named(state.serial)

    def creation_line(self, serial: int) -> int | None:
        """The line that made a tensor."""
        maker = self.tape.maker(serial)
        return maker.line if maker else None

    def expression_for(self, state: TensorState, line: int) -> str:
        """How the asker's code calls a tensor at a line: its name, else the expression that stands there."""
        if state.names:
            return state.names[0]
        return self.ever_named(state.serial) or self.root_on(line) or "it"

    def root_on(self, line: int) -> str | None:
        """The text of what a differentiation on a line starts from."""
        call = self.call_on(line, BACKWARD)
        target = receiver(call) if call is not None else None
        return self.source(target) if target is not None else None


@dataclass(frozen=True, kw_only=True)
class Found:
    """That a word holds: what shows it, and what the entry's $NAMES stand for."""

    text: str
    word: str = ""  #: the word of the vocabulary that found it
    line: int | None = None
    event: int | None = None
    names: dict[str, str] = field(default_factory=dict)
    serials: dict[str, int] = field(default_factory=dict)
    error_line: int | None = None
    cause_line: int | None = None


def called(call: ast.Call) -> str:
    """The last word of what is called: `torch.autograd.grad(…)` → "grad"."""
    match call.func:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
    return ""


def receiver(call: ast.Call) -> ast.expr | None:
    """What a differentiation starts from: `y` in `y.backward()` and in `torch.autograd.grad(y, x)`."""
    if isinstance(call.func, ast.Attribute) and not _is_module(call.func.value):
        return call.func.value
    first = call.args[0] if call.args else None
    for keyword in call.keywords:
        if keyword.arg in ("tensors", "outputs"):
            first = keyword.value
    return first


def _is_module(node: ast.expr) -> bool:
    return (isinstance(node, ast.Name) and node.id in ("torch", "autograd")) or (
        isinstance(node, ast.Attribute) and node.attr == "autograd"
    )
