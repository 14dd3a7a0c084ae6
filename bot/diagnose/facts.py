"""The `[facts]` of an entry: what its explanation may mention, computed from the run."""

from __future__ import annotations

import re
from collections.abc import Callable

from bot.domain.confusion import Confusion
from bot.domain.diagnosis import Diagnosis
from bot.domain.run import Run
from bot.domain.tape import NamedTensor, Tape, TensorState
from bot.errors import KnowledgeError

_CALL = re.compile(r"(?P<function>[a-z]+)\((?:\$(?P<name>[A-Z][A-Z0-9_]*)|(?P<word>error|cause))\)")
_NAME = re.compile(r"\$(?P<name>[A-Z][A-Z0-9_]*)")

#: What stands in a sentence for a fact that the run does not give.
UNKNOWN = "…"


def facts_of(entry: Confusion, diagnosis: Diagnosis, run: Run) -> dict[str, str]:
    """The value of each declared fact, as text; `UNKNOWN` where the run does not tell."""
    return {name: _fact(expression, diagnosis, run) or UNKNOWN for name, expression in entry.facts.items()}


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


def _fact(expression: str, diagnosis: Diagnosis, run: Run) -> str | None:
    plain = _NAME.fullmatch(expression)
    if plain is not None:
        return diagnosis.names.get(plain["name"])
    call = _CALL.fullmatch(expression)
    if call is None:
        return None
    if call["word"]:
        line = diagnosis.error_line if call["word"] == "error" else diagnosis.cause_line
        return None if line is None else str(line)
    return FUNCTIONS[call["function"]](diagnosis, run.tape or Tape(), call["name"])


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
