"""The `[facts]` of an entry: what its explanation may mention, computed from the run."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Callable

from bot.domain.confusion import Confusion
from bot.domain.diagnosis import Diagnosis
from bot.domain.run import Run
from bot.domain.tape import NamedTensor, Tape, TensorState
from bot.errors import KnowledgeError
from bot.source.parsing import parse

_CALL = re.compile(r"(?P<function>[a-z]+)\((?:\$(?P<name>[A-Z][A-Z0-9_]*)|(?P<word>error|cause))\)")
_NAME = re.compile(r"\$(?P<name>[A-Z][A-Z0-9_]*)")

#: Characters of a line that a sentence takes.
LONGEST = 100


def facts_of(entry: Confusion, diagnosis: Diagnosis, run: Run, code: str) -> dict[str, str]:
    """The value of each declared fact that the run tells, as text; the others are not there.

    A line is told by its code: the asker's own numbers are others. One that reads like the line of the error tells
    nothing beside it, and is left out.
    """
    told = {name: _fact(expression, diagnosis, run, code) for name, expression in entry.facts.items()}
    error = [told[name] for name, expression in entry.facts.items() if expression == "line(error)"]
    alike = [name for name, expression in entry.facts.items() if expression == "line(cause)" and told[name] in error]
    return {name: value for name, value in told.items() if value and name not in alike}


def check_fact(expression: str) -> None:
    """Raise `KnowledgeError` when an expression is not one of the known forms."""
    call = _CALL.fullmatch(expression)
    if call is not None and (call["function"] in FUNCTIONS or (call["function"] == "line" and call["word"])):
        return
    if not _NAME.fullmatch(expression):
        raise KnowledgeError(
            f"the fact {expression!r} is none of: $NAME, line(error), line(cause), "
            + ", ".join(f"{name}($NAME)" for name in sorted(FUNCTIONS))
        )


def _fact(expression: str, diagnosis: Diagnosis, run: Run, code: str) -> str | None:
    plain = _NAME.fullmatch(expression)
    if plain is not None:
        return diagnosis.names.get(plain["name"])
    call = _CALL.fullmatch(expression)
    if call is None:
        return None
    if call["word"]:
        line = diagnosis.error_line if call["word"] == "error" else diagnosis.cause_line
        return None if line is None else _code_of(line, code)
    return FUNCTIONS[call["function"]](diagnosis, run.tape or Tape(), call["name"])


def _code_of(line: int, code: str) -> str | None:
    """The code of a line, without its comment; of a line that says nothing by itself, the first of its statement."""
    rows = code.splitlines()
    if not 0 < line <= len(rows):
        return None
    if not re.search(r"\w", _without_comment(rows[line - 1])):
        tree = parse(code)
        around = [
            node.lineno
            for node in (ast.walk(tree) if tree is not None else ())
            if isinstance(node, ast.stmt) and node.lineno <= line <= (node.end_lineno or node.lineno)
        ]
        line = max(around, default=line)
    text = _without_comment(rows[line - 1]).removesuffix(",")
    return text if len(text) <= LONGEST else f"{text[:LONGEST].rstrip()} ..."


def _without_comment(row: str) -> str:
    """A line without the comment at its end; one that is a part of a longer string stays as it is."""
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(row.strip()).readline))
    except (tokenize.TokenError, SyntaxError):
        return row.strip()
    start = next((token.start[1] for token in tokens if token.type == tokenize.COMMENT), None)
    return row.strip()[:start].strip()


def _state(diagnosis: Diagnosis, tape: Tape, name: str) -> TensorState | None:
    serial = diagnosis.serials.get(name)
    return None if serial is None else tape.state_of(serial)


def _final(diagnosis: Diagnosis, tape: Tape, name: str) -> NamedTensor | None:
    serial = diagnosis.serials.get(name)
    for final in tape.finals:
        if final.state.serial == serial or (serial is None and final.name == diagnosis.names.get(name)):
            return final
    return None


def _shape(diagnosis: Diagnosis, tape: Tape, name: str) -> str | None:
    state = _state(diagnosis, tape, name)
    if state is None:
        return None
    return f"({', '.join(map(str, state.shape))}{',' if len(state.shape) == 1 else ''})"


def _dtype(diagnosis: Diagnosis, tape: Tape, name: str) -> str | None:
    state = _state(diagnosis, tape, name)
    return f"torch.{state.dtype}" if state else None


def _value(diagnosis: Diagnosis, tape: Tape, name: str) -> str | None:
    final = _final(diagnosis, tape, name)
    return _one_line(final.value) if final else None


def _grad(diagnosis: Diagnosis, tape: Tape, name: str) -> str | None:
    final = _final(diagnosis, tape, name)
    return _one_line(final.grad) if final else None


def _version(diagnosis: Diagnosis, tape: Tape, name: str) -> str | None:
    state = _state(diagnosis, tape, name)
    return str(state.version) if state else None


def _one_line(text: str | None) -> str | None:
    return None if text is None else re.sub(r"\s*\n\s*", " ", text).replace("[ ", "[")


#: The functions of `[facts]`, by name.
FUNCTIONS: dict[str, Callable[[Diagnosis, Tape, str], str | None]] = {
    "shape": _shape,
    "dtype": _dtype,
    "value": _value,
    "grad": _grad,
    "version": _version,
}
