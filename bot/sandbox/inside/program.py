"""Runs the snippet statement by statement, as a notebook would, and reports what it saw.

This is the only entry into the jail's child: `execute(order)` returns the claim. Whatever the snippet
raises ends up in the claim; nothing it does ends in a traceback of ours.
"""

from __future__ import annotations

import ast
import linecache
import random
import signal
import sys
import threading
import types
import warnings
from typing import Any

import numpy
import torch
from inside import d2l, numeric, watch
from inside.tape import SNIPPET, Tape, askers_frame

MOST_ECHOES = 200
MOST_WARNINGS = 50
ECHO_CHARACTERS = 4000


class OutOfTime(BaseException):
    """The driver's soft limit: stop the snippet and report how far it came."""


def execute(order: dict[str, Any]) -> dict[str, Any]:
    """Run the order's code and return what happened, as JSON-able values."""
    seed(order.get("seed", 0))
    d2l.install()
    if order.get("numeric"):
        signal.signal(signal.SIGUSR1, _out_of_time)
        return {"numeric": numeric.compare(order["code"], order["numeric"], seed=order.get("seed", 0))}
    program = Program(order["code"], with_tape=bool(order.get("tape")), passes=order.get("loop_passes"))
    signal.signal(signal.SIGUSR1, program.out_of_time)
    return program.run()


def _out_of_time(_number: int, _frame: Any) -> None:
    raise OutOfTime


def seed(number: int) -> None:
    """Set all generators, so that two runs of one program see the same numbers."""
    random.seed(number)
    numpy.random.seed(number)
    torch.manual_seed(number)


class Program:
    """One snippet and what was seen of it."""

    def __init__(self, code: str, *, with_tape: bool, passes: int | None) -> None:
        self.code = code
        self.names = own_module().__dict__
        self.tape = Tape(self.names) if with_tape else None
        self.passes = passes
        self.line = 0
        self.echoes: list[list[Any]] = []
        self.prints: list[list[Any]] = []
        self.warnings: list[dict[str, Any]] = []
        self.error: dict[str, Any] | None = None
        self.stopped: str | None = None
        self.loops: dict[int, int] = {}
        self.running = True

    def run(self) -> dict[str, Any]:
        """Run all statements; the first that fails ends the program."""
        linecache.cache[SNIPPET] = (len(self.code), None, self.code.splitlines(keepends=True), SNIPPET)
        sys.stdout = Printed(sys.stdout, self)
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.showwarning = self.warned
            try:
                self._statements()
            except OutOfTime:
                self.stopped = "wall"
            except SystemExit as ending:
                if ending.code not in (None, 0):
                    self._failed(ending)
            except BaseException as error:  # strangers' code may raise anything
                self._failed(error)
            finally:
                self.running = False
        return self.claim()

    def _statements(self) -> None:
        tree = ast.parse(self.code, SNIPPET)
        if self.passes:
            tree = shorten_loops(tree)
            self.names["__passes__"] = self._passes
        flags = 0
        if self.tape is not None:
            watch.optimizers(self.tape)
            watch.modules(self.tape)
        for statement in tree.body:
            self.line = statement.lineno
            if isinstance(statement, ast.Expr):
                code = compile(ast.Expression(statement.value), SNIPPET, "eval", flags, dont_inherit=True)
                self._echo(statement.value, self._taped(code))
            else:
                module = ast.Module([statement], [])
                code = compile(module, SNIPPET, "exec", flags, dont_inherit=True)
                flags |= code.co_flags & 0x1FF0000  # what `from __future__ import` set holds from here on
                self._taped(code)
            if self.tape is not None:
                self.tape.bind_globals(self.line)
        for thread in threading.enumerate():
            if thread is not threading.current_thread() and not thread.daemon:
                thread.join()
        sys.stdout.flush()

    def _taped(self, code: types.CodeType) -> Any:
        if self.tape is None:
            return eval(code, self.names)
        with self.tape:
            return eval(code, self.names)

    def _echo(self, expression: ast.expr, value: Any) -> None:
        silent = value is None and not isinstance(expression, (ast.Name, ast.Attribute))
        if silent or isinstance(expression, ast.Constant) or len(self.echoes) >= MOST_ECHOES:
            return
        self.echoes.append([self.line, repr(value)[:ECHO_CHARACTERS]])

    def _passes(self, line: int, total: int) -> Any:
        for number in range(min(self.passes or total, total)):
            self.loops[line] = number + 1
            yield number

    def _failed(self, error: BaseException) -> None:
        frames = []
        trace = error.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code.co_filename == SNIPPET:
                frames.append(trace.tb_lineno)
            trace = trace.tb_next
        line = frames[-1] if frames else (error.lineno if isinstance(error, SyntaxError) else self.line or None)
        try:
            message = str(error.msg) if isinstance(error, SyntaxError) else str(error)
        except Exception:
            message = "(the message could not be read)"
        self.error = {"type": type(error).__name__, "message": message[:8000], "line": line, "frames": frames}
        if self.tape is not None and not isinstance(error, SyntaxError):
            self.tape.bind_globals(self.line)

    def warned(self, message: Any, category: Any, _file: str, _line: int, _into: Any = None, _text: Any = None) -> None:
        """Take a warning, at the line of the asker's code that caused it."""
        if len(self.warnings) < MOST_WARNINGS and self.running:
            frame = askers_frame(sys._getframe(1))
            line = frame.f_lineno if frame is not None else self.line
            row = {"category": category.__name__, "message": str(message)[:4000], "line": line}
            if row not in self.warnings:
                self.warnings.append(row)

    def out_of_time(self, _number: int, _frame: Any) -> None:
        """The driver's soft limit."""
        if self.running:
            raise OutOfTime

    def claim(self) -> dict[str, Any]:
        """What was seen, as JSON-able values."""
        claim: dict[str, Any] = {
            "torch": torch.__version__,
            "error": self.error,
            "warnings": self.warnings,
            "echoes": self.echoes,
            "prints": self.prints,
            "stopped": self.stopped,
            "line": self.line,
            "loops": [[line, passes] for line, passes in self.loops.items()],
        }
        if self.tape is not None:
            claim["tape"] = {
                "events": self.tape.events,
                "bindings": self.tape.bindings,
                "finals": self.tape.finals(),
                "cut": self.tape.cut,
            }
        return claim


class Printed:
    """Standard output that also remembers which statement printed what."""

    def __init__(self, stream: Any, program: Program) -> None:
        self._stream = stream
        self._program = program

    def write(self, text: str) -> int:
        """Write, and remember the beginning."""
        prints = self._program.prints
        frame = askers_frame(sys._getframe(1))
        line = frame.f_lineno if frame is not None else self._program.line
        if prints and prints[-1][0] == line and len(prints[-1][1]) < ECHO_CHARACTERS:
            prints[-1][1] += text[:ECHO_CHARACTERS]
        elif len(prints) < MOST_ECHOES:
            prints.append([line, text[:ECHO_CHARACTERS]])
        return int(self._stream.write(text))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def own_module() -> types.ModuleType:
    """A fresh `__main__` for the snippet: pickling, dataclasses and `if __name__ == "__main__"` find it."""
    module = types.ModuleType("__main__")
    module.__dict__["__builtins__"] = __builtins__
    module.__dict__["__file__"] = SNIPPET
    sys.modules["__main__"] = module
    return module


def shorten_loops(tree: ast.Module) -> ast.Module:
    """Make each `for … in range(n)` longer than `passes` run its first passes only; `__passes__` counts them."""

    class Shorten(ast.NodeTransformer):
        def visit_For(self, node: ast.For) -> ast.For:
            call = node.iter
            plain = isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "range"
            if plain and isinstance(call, ast.Call) and len(call.args) == 1 and not call.keywords:
                counted = ast.Call(ast.Name("__passes__", ast.Load()), [ast.Constant(node.lineno), call.args[0]], [])
                node.iter = ast.copy_location(counted, call)
            return node

    return ast.fix_missing_locations(Shorten().visit(tree))
