"""What surprises an asker in a run where nothing fails: numbers that it shows, values that change under another name."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any

from bot.diagnose.shared import changed_by
from bot.diagnose.view import Found, View, called
from bot.diagnose.vocabulary import word
from bot.domain.tape import Event

_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d*)?(?:e[+-]?\d+)?")


@word
def tells_numbers(view: View, value: Any) -> Found | None:
    """The post's sentences name at least so many different numbers that the run showed."""
    shown = {number for echo in (*view.run.prints, *view.run.echoes) for number in _numbers(echo.text)}
    told = sorted(shown & set(_numbers(view.reading.prose)))
    if len(told) < int(value):
        return None
    return Found(text=f"the post tells of numbers that the run shows: {', '.join(f'{number:g}' for number in told)}")


def _numbers(text: str) -> Iterator[float]:
    for found in _NUMBER.finditer(text):
        yield float(found[0])


@word
def reads_alias(view: View, value: Any) -> Found | None:
    """true: a name was given to a leaf's `.grad` or to a `state_dict()` without a copy, the numbers were changed in place
    since, and the name is read after that; a sentence of the post names it. $OLD is the name, $X what it was made from,
    $READ the line that reads it; its making is the cause line, the later reading the error line."""
    found = next(_stale(view), None) if view.run.error is None else None
    return found if bool(value) == (found is not None) else None


def _stale(view: View) -> Iterator[Found]:
    for node in view.tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=made) if _is_named(view, name):
                change = _change_of(view, node.lineno, made)
                read = _read_after(view, name, change) if change is not None else None
                if change is not None and read is not None:
                    yield Found(
                        text=f"`{name}` at line {read} shows what line {change.line} wrote into the same memory",
                        line=read, event=change.index, error_line=read, cause_line=node.lineno,
                        names={"OLD": name, "X": view.source(made), "READ": view.code.splitlines()[read - 1].strip()},
                    )  # fmt: skip


def _is_named(view: View, name: str) -> bool:
    return re.search(rf"(?<![\w.]){re.escape(name)}(?!\w)", view.reading.prose) is not None


def _change_of(view: View, line: int, made: ast.expr) -> Event | None:
    """The last event that changed in place what was given a name on a line."""
    match made:
        case ast.Attribute(attr="grad"):
            return _change_of_gradient(view, line)
        case ast.Call(args=[]) if called(made) == "state_dict":
            later = [event for event in view.tape.calls("step") if event.line > line]
            return later[-1] if later else None
    return None


def _change_of_gradient(view: View, line: int) -> Event | None:
    read = next((event for event in view.grad_reads if event.line == line and event.outputs), None)
    if read is None:
        return None
    leaf, held = read.inputs[0].serial, read.outputs[0].serial
    again = [event for event in view.grad_reads if event.index > read.index and event.inputs[0].serial == leaf]
    if any(state.serial != held for event in again for state in event.outputs):
        return None  # the gradient was made anew
    changes = [
        event
        for event in view.tape.events[read.index + 1 :]
        if held in changed_by(event) or (again and _reaches(event, leaf)) or _adds(event, leaf)
    ]
    return changes[-1] if changes else None


def _reaches(event: Event, leaf: int) -> bool:
    return event.backward is not None and leaf in event.backward.leaves and not event.error


def _adds(event: Event, leaf: int) -> bool:
    """Whether a differentiation adds to the gradient that a leaf holds."""
    return _reaches(event, leaf) and event.backward is not None and leaf in event.backward.held


def _read_after(view: View, name: str, change: Event) -> int | None:
    lines = [
        node.lineno
        for node in ast.walk(view.tree)
        if isinstance(node, ast.Name)
        and node.id == name
        and isinstance(node.ctx, ast.Load)
        and node.lineno > change.line
    ]
    return min(lines, default=None)
