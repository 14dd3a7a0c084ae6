"""The closed vocabulary of `[seen]`: one function for each word, over a run, its tape and the post.

A word's function gets the value that stands after it in the entry and answers with what it found, or
None. The docstring is what `autograd-bot knowledge words` prints; the $NAMES it binds are said in it.
The words stand in `bot/diagnose/words/`, grouped by what they look at.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from bot.diagnose.view import Found, View
from bot.diagnose.vocabulary import WORDS, listed
from bot.diagnose.words import (
    callbacks,
    called,
    differentiations,
    freed,
    graph,
    inplace,
    leaves,
    lines,
    modules,
    release,
    said,
    surprises,
    tensors,
    training,
)
from bot.diagnose.words.said import ASKED
from bot.domain.run import Outcome
from bot.errors import KnowledgeError

__all__ = ["ASKED", "GROUPS", "READABLE", "WORDS", "holds", "known_words", "listed"]

#: The groups of words; importing them here is what fills `WORDS`.
GROUPS = (
    said, called, tensors, leaves, lines, graph, differentiations, freed, training, inplace, modules, callbacks, surprises,
    release,
)  # fmt: skip
#: Words that hold for one entry and not for another, of one run and one post.
BY_ENTRY = frozenset({"asks"})
#: Outcomes of which an entry can say something.
READABLE = (Outcome.FINISHED, Outcome.RAISED, Outcome.TIMED_OUT)


def holds(view: View, seen: Any) -> tuple[Found, ...] | None:
    """What shows each line of a `[seen]` table, or None when one line does not hold.

    `any` is a list of tables of which one must hold; `not` is a table of which no line may.
    """
    found: list[Found] = []
    for name, value in seen.items():
        match name:
            case "any":
                for part in value if isinstance(value, list) else [value]:
                    inner = holds(view, part)
                    if inner is not None:
                        found.extend(inner)
                        break
                else:
                    return None
            case "not":
                if any(holds(view, {inner: wish}) is not None for inner, wish in value.items()):
                    return None
            case _:
                one = _one(view, name, value)
                if one is None:
                    return None
                found.append(replace(one, word=name))
    return tuple(found)


def _one(view: View, name: str, value: Any) -> Found | None:
    key = f"{name} = {value!r}"
    if name not in BY_ENTRY and key in view.notes:  # another entry asked the same of this run
        return view.notes[key]  # type: ignore[no-any-return]
    try:
        view.notes[key] = found = WORDS[name](view, value)
        return found
    except (TypeError, ValueError, re.error) as error:
        where = f"{view.confusion.name}/confusion.toml"
        raise KnowledgeError(f"{where}, [seen]\n  {name} cannot be {value!r}: {error}") from error


def known_words() -> frozenset[str]:
    """All words that `[seen]` may hold."""
    return frozenset(WORDS) | {"any", "not"}
