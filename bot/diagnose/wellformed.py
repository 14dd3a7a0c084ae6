"""Whether an entry's words can take the values that it gives them: found when it is read, not when a post comes."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from bot.diagnose import beside, facts
from bot.diagnose.view import View
from bot.diagnose.vocabulary import WORDS
from bot.domain.confusion import Confusion
from bot.domain.post import Language
from bot.domain.run import Outcome, Run, RunError, RunWarning
from bot.domain.snippet import QuotedError, Reading
from bot.domain.tape import BackwardCall, Binding, Event, Tape, TensorState
from bot.errors import KnowledgeError
from bot.library import meant


def check(entry: Confusion) -> None:
    """Try each word of `[seen]`, and of the fixes' `when`, on a small run; raise `KnowledgeError` at what cannot be used."""
    beside.check(entry)
    for where, table in (("[seen]", entry.seen), *((f"[[fix]] {fix.name}, when", fix.when) for fix in entry.fixes)):
        place = f"{entry.name}/confusion.toml, {where}"
        for word, value in _words(table):
            if word in PARTS:
                _check_parts(word, value, where=place)
            _try(entry, word, value, where=place)
    for name, expression in entry.facts.items():
        try:
            facts.check_fact(expression)
        except KnowledgeError as error:
            raise KnowledgeError(f"{entry.name}/confusion.toml, [facts]\n  {name}: {error}") from error


#: Words whose value is a table: its keys, and what each may be; "class" is a pattern, any other str one word.
PARTS: dict[str, dict[str, tuple[Any, ...] | type[str]]] = {
    "tensor": {
        "leaf": (True, False),
        "requires_grad": (True, False),
        "grad": ("none", "set"),
        "held_by": ("named", "nameless"),
        "several_paths": (True, False),
        "told_of": ("beside_leaf",),
        "after_backward": (True, False),
    },
    "root": {
        "dtype": ("complex", "integer", "float"),
        "weights": ("none", "given", "reached"),
        "elements": ("one", "several"),
    },
    "computed": {"op": str},
    "module_called": {"training": (True, False), "grad": (True, False), "class": str},
}


def _check_parts(word: str, value: Any, *, where: str) -> None:
    """Raise `KnowledgeError` for a key, or its value, that the word's table does not know: it would never hold."""
    known = PARTS[word]
    if not isinstance(value, Mapping):
        told = " ".join((inspect.getdoc(WORDS[word]) or "").split())
        taken = f"it takes a table, {word} = {{ {next(iter(known))} = … }}"
        raise KnowledgeError(f"{where}\n  {word} cannot be {value!r}: {taken}.\n  {word}: {told}")
    for key, wish in value.items():
        if key not in known:
            near = f"{meant(key, known)}\n  known keys of {word}: {', '.join(known)}"
            raise KnowledgeError(f'{where}\n  {word}: unknown key "{key}".{near}')
        choices = known[key]
        if isinstance(choices, type):
            fits, said = isinstance(wish, str), "a text in quotes"
        else:
            # 1 is no `true` here, though Python calls them equal.
            fits, said = any(type(wish) is type(one) and wish == one for one in choices), _listed(choices)
        if not fits:
            near = (
                meant(wish, [one for one in choices if isinstance(one, str)]) if not isinstance(choices, type) else ""
            )
            raise KnowledgeError(f"{where}\n  {word}: {key} cannot be {json.dumps(wish)}.{near} It takes {said}")


def _listed(choices: tuple[Any, ...]) -> str:
    return " or ".join(json.dumps(one) for one in choices)


def _words(table: Any) -> Iterator[tuple[str, Any]]:
    """The words of a table with their values, those in `any` and `not` as well."""
    for word, value in table.items():
        match word:
            case "any" | "not":
                for part in value if isinstance(value, list) else [value]:
                    yield from _words(part)
            case _:
                yield word, value


def _try(entry: Confusion, word: str, value: Any, *, where: str) -> None:
    for run in _RUNS:
        view = View(_CODE, run, _READING, entry, 1.0)
        try:
            WORDS[word](view, value)
        except (TypeError, ValueError, AttributeError, KeyError, re.error) as error:
            told = " ".join((inspect.getdoc(WORDS[word]) or "").split())
            raise KnowledgeError(f"{where}\n  {word} cannot be {value!r} ({error}).\n  {word}: {told}") from error


_READING = Reading(language=Language.ENGLISH, error=QuotedError(message="it"), mentions=("x.T", "y.backward()"))
_CODE = "x = x * 2\ny.backward()\nx.grad\n"
_LEAF = TensorState(
    serial=1, shape=(2,), dtype="float32", leaf=True, requires_grad=True, grad_fn=None, version=0, grad="set",
    names=("x",),
)  # fmt: skip
_RESULT = TensorState(
    serial=2, shape=(2,), dtype="float32", leaf=False, requires_grad=True, grad_fn="MulBackward0", version=0,
    grad="hidden", names=("y",),
)  # fmt: skip
_BACKWARD = BackwardCall(
    roots=(2,), inputs=(), leaves=(1,), nodes=(1,), retain_graph=False, create_graph=False, weights="none"
)
_TAPE = Tape(
    events=(
        Event(index=0, line=1, op="torch.mul", inputs=(_LEAF,), outputs=(_RESULT,), node=1),
        Event(index=1, line=2, op="Tensor.backward", inputs=(_RESULT,), backward=_BACKWARD),
        Event(index=2, line=3, op="Tensor.grad.__get__", inputs=(_LEAF,), outputs=(_LEAF,)),
    ),
    bindings=(Binding(at=0, line=1, name="x", serial=1), Binding(at=1, line=1, name="y", serial=2)),
)
_RUNS = (
    Run(
        outcome=Outcome.RAISED,
        error=RunError(type="RuntimeError", message="it", line=2),
        warnings=(RunWarning(category="UserWarning", message="it", line=3),),
        tape=_TAPE,
        torch_version="2.0.0",
    ),
    Run(outcome=Outcome.FINISHED, tape=_TAPE, torch_version="2.0.0"),
)
