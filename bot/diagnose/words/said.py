"""What was said: by torch in errors and warnings, by the asker in the post."""

from __future__ import annotations

import ast
import re
from typing import Any

from bot.diagnose import wording
from bot.diagnose.roles import failed, root_of
from bot.diagnose.view import Found, View, called
from bot.diagnose.vocabulary import listed, word

#: How well the post's words must fit `asked_as` for `asks = true`.
ASKED = 0.55


@word
def raises(view: View, value: Any) -> Found | None:
    """The run ended with an exception of this type (or one of these)."""
    error = view.run.error
    if error is None or error.type not in listed(value):
        return None
    return Found(text=f"raises {error.type}", line=error.line, error_line=error.line)


@word
def message(view: View, value: Any) -> Found | None:
    """The exception says one of these wordings; numbers and shapes do not count."""
    error = view.run.error
    if error is None or not wording.says(error.message, listed(value)):
        return None
    return Found(text=error.message.strip().splitlines()[0][:200], line=error.line)


@word
def warns(view: View, value: Any) -> Found | None:
    """A warning says one of these wordings; its line becomes the error line, and $WARNED is the outermost call there."""
    for warning in view.run.warnings:
        if wording.says(warning.message, listed(value)):
            nodes = view.nodes_on(warning.line) if warning.line is not None else ()
            call = next((node for node in nodes if isinstance(node, ast.Call)), None)
            names = {"WARNED": view.source(call)} if call is not None else {}
            text = warning.message.split(". ")[0]
            return Found(text=text, line=warning.line, error_line=warning.line, names=names)
    return None


@word
def error_line_calls(view: View, value: Any) -> Found | None:
    """The failing line calls one of these; $LOSS is what a failing backward() or grad() starts from."""
    if view.line is None:
        return None
    call = view.call_on(view.line, listed(value))
    if call is None:
        return None
    names, serials = root_of(view, call, failed(view))
    return Found(text=f"the failing line calls {called(call)}()", line=view.line, names=names, serials=serials)


@word
def quoted(view: View, value: Any) -> Found | None:
    """The post quotes one of these messages."""
    error = view.reading.error
    if error is None or not wording.says(error.message, listed(value)):
        return None
    return Found(text=f"the post quotes: {error.message.strip().splitlines()[0][:160]}")


@word
def asks(view: View, value: Any) -> Found | None:
    """true: the post's words fit the entry's `asked_as` and none of its `not_this`. A number: how well they must fit."""
    least = ASKED if value is True else float(value)
    return Found(text=f"the post asks this (fit {view.asked:.2f})") if view.asked >= least else None


@word
def names_code(view: View, value: Any) -> Found | None:
    """A sentence of the post names code that matches this pattern, such as `\\.T$`; $SAID is that code."""
    for mention in view.reading.mentions:
        if re.search(str(value), mention):
            return Found(text=f"the post speaks of `{mention}`", names={"SAID": mention})
    return None


@word
def speaks_of(view: View, value: Any) -> Found | None:
    """The post's sentences speak of one of these: a concept of `bot/diagnose/wording.py` (none, zero, shape, ...) or a word."""
    said = wording.words(view.reading.prose) & frozenset(listed(value))
    return Found(text=f"the post speaks of {', '.join(sorted(said))}") if said else None
