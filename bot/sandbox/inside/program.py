"""Runs the snippet statement by statement, as a notebook would, and reports what it saw.

This is the only entry into the jail's child: `execute(order)` returns the claim. Whatever the snippet
raises ends up in the claim; nothing it does ends in a traceback of ours.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import functools
import linecache
import os
import random
import signal
import sys
import threading
import types
import warnings
from collections.abc import Callable
from typing import Any

import numpy
import torch
from inside import callbacks, d2l, failure, numeric, vision, watch
from inside.calls import SNIPPET, askers_frame
from inside.claim import cut
from inside.deadline import Deadline
from inside.loops import Loops
from inside.tape import Tape

MOST_ECHOES = 200
MOST_WARNINGS = 50
ECHO_CHARACTERS = 4000
#: Of all echoes together, and of all prints.
ALL_CHARACTERS = 60_000
#: As torch says it before a program can say something else.
TORCH = str(torch.__version__)


class OutOfTime(BaseException):
    """The driver's soft limit: stop the snippet and report how far it came."""


def execute(
    order: dict[str, Any], *, give_up_reserve: Callable[[], None], send: Callable[[dict[str, Any]], None]
) -> dict[str, Any]:
    """Run the order's code and return what happened, as JSON-able values.

    `give_up_reserve` frees memory for the report; see `reserve`. `send` sends it at once; see `deadline`.
    """
    seed(order.get("seed", 0))
    d2l.install()
    vision.install()
    if order.get("numeric"):
        signal.signal(signal.SIGUSR1, _out_of_time)
        return {"error": None, "numeric": numeric.compare(order["code"], order["numeric"], seed=order.get("seed", 0))}
    program = Program(order["code"], with_tape=bool(order.get("tape")), passes=order.get("loop_passes"))
    signal.signal(signal.SIGUSR1, program.out_of_time)

    def report() -> None:
        give_up_reserve()
        send(program.so_far())
        os._exit(0)

    program.deadline = Deadline(order, report)
    return program.run(give_up_reserve)


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
        self.line = 0
        self.echoes: list[list[Any]] = []
        self.prints: list[list[Any]] = []
        self.warnings: list[dict[str, Any]] = []
        self.error: dict[str, Any] | None = None
        self.stopped: str | None = None
        self.loops = Loops(passes)
        self.room = {"echoes": ALL_CHARACTERS, "prints": ALL_CHARACTERS}
        self.running = True
        self.deadline: Deadline | None = None

    def run(self, give_up_reserve: Callable[[], None]) -> dict[str, Any]:
        """Run all statements; the first that fails ends the program."""
        linecache.cache[SNIPPET] = (len(self.code), None, self.code.splitlines(keepends=True), SNIPPET)
        sys.stdout = Printed(sys.stdout, self)
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.showwarning = self.warned  # type: ignore[assignment]
            try:
                self._statements()
            except OutOfTime:
                self.stopped = "wall"
            except SystemExit as ending:
                if ending.code is not None and (type(ending.code) is not int or ending.code):
                    self._failed(ending)
            except BaseException as error:  # strangers' code may raise anything
                give_up_reserve()
                self._failed(error)
            finally:
                give_up_reserve()
                self.running = False
                if self.deadline is not None:
                    self.deadline.claim_is_mine()
        try:
            return self.claim()
        except MemoryError:  # what the program holds leaves no room for more than the bare error
            self.names.clear()
            return {"error": self.error, "stopped": self.stopped, "line": self.line}

    def _statements(self) -> None:
        tree = ast.parse(self.code, SNIPPET)
        tree = self.loops.shortened(tree, self.names)
        flags = 0
        if self.tape is not None:
            watch.optimizers(self.tape)
            watch.modules(self.tape)
            callbacks.functions(self.tape)
            callbacks.files(self.tape)
            self.tape.hook_watched = functools.partial(callbacks.watched, self.tape)
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
        with contextlib.suppress(AttributeError, ValueError, OSError):  # the program put something else there
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
        self.echoes.append([self.line, self.shortened("echoes", cut(repr(value), ECHO_CHARACTERS))])

    def shortened(self, kind: str, text: str) -> str:
        """As much of a text as there is room for."""
        kept = text[: self.room[kind]]
        self.room[kind] -= len(kept)
        return kept

    def _failed(self, error: BaseException) -> None:
        self.error = failure.told(error, statement=self.line or None)
        if self.tape is not None and not isinstance(error, SyntaxError):
            with contextlib.suppress(Exception):  # tensors of strangers' own kinds may fail to be looked at
                self.tape.bind_globals(self.line)

    def warned(self, message: Any, category: Any, file: str, number: int, _into: Any = None, _text: Any = None) -> None:
        """Take a warning, at the line of the asker's code that caused it."""
        if len(self.warnings) < MOST_WARNINGS and self.running:
            frame = askers_frame(sys._getframe(1))
            while_parsing = number if file == SNIPPET else self.line
            line = frame.f_lineno if frame is not None else while_parsing
            row = {"category": category.__name__, "message": cut(str(message), 4000), "line": line}
            if row not in self.warnings:
                self.warnings.append(row)

    def out_of_time(self, _number: int, _frame: Any) -> None:
        """The driver's soft limit."""
        if self.running:
            raise OutOfTime

    def claim(self) -> dict[str, Any]:
        """What was seen, as JSON-able values."""
        if self.tape is not None:
            with contextlib.suppress(Exception):
                watch.hidden_layers(self.tape, self.names)
        claim = self._seen()
        if self.tape is not None:
            with contextlib.suppress(Exception):
                claim["tape"]["finals"] = self.tape.finals()
        return claim

    def so_far(self) -> dict[str, Any]:
        """What was seen by now of a program that goes on: for another thread, which leaves its tensors alone."""
        return {**self._seen(), "stopped": "wall"}

    def _seen(self) -> dict[str, Any]:
        claim: dict[str, Any] = {
            "torch": TORCH,
            "error": self.error,
            "warnings": list(self.warnings),
            "echoes": list(self.echoes),
            "prints": list(self.prints),
            "stopped": self.stopped,
            "line": self.line,
            "loops": self.loops.rows(),
        }
        if self.tape is not None:
            tape = self.tape
            claim["tape"] = {
                "events": list(tape.events),
                "bindings": list(tape.bindings),
                "finals": [],
                "cut": tape.cut,
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
        begun = bool(prints) and prints[-1][0] == line and len(prints[-1][1]) < ECHO_CHARACTERS
        if isinstance(text, str) and (begun or len(prints) < MOST_ECHOES):
            kept = self._program.shortened("prints", cut(text, ECHO_CHARACTERS))
            if begun:
                prints[-1][1] += kept
            else:
                prints.append([line, kept])
        return int(self._stream.write(text))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def own_module() -> types.ModuleType:
    """A fresh `__main__` for the snippet: pickling, dataclasses and `if __name__ == "__main__"` find it."""
    module = types.ModuleType("__main__")
    module.__dict__["__builtins__"] = __builtins__
    module.__dict__["__file__"] = SNIPPET
    builtins.exit = builtins.quit = sys.exit  # type: ignore[assignment]  # Python's start-up puts them there, and the jail leaves that out
    sys.modules["__main__"] = module
    return module
