"""Lists in sentences: `1. F.relu(x)` and `2. (x)` are two things that a person counts up, and no two lines of a program."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence

from bot.extract.lines import LineKind, kind_of
from bot.extract.repair_text import mended
from bot.source import parse

_ITEM = re.compile(r"^\s*(?:(?P<bullet>[-*+•])|(?P<number>\d{1,2})[.)、])\s+(?P<content>\S.*)$")
#: Steps of a program, which nobody counts up for their values.
_DOES = re.compile(r"^\w[\w.]*\.(?:backward|step|zero_grad|zero_|requires_grad_|train|eval)\(.*\)$")
_GIVES = (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Import, ast.ImportFrom)


def listed(texts: Sequence[str]) -> frozenset[int]:
    """The places of lines that are items of a list and no code: all of a list, or what is no statement where it is a program."""
    found: set[int] = set()
    run: list[int] = []
    last: re.Match[str] | None = None
    for place, text in enumerate(texts):
        if not text.strip():
            continue
        item = _ITEM.match(text)
        if item is not None and kind_of(text) is LineKind.OUTPUT:  # `1. 2. 3.` are numbers
            item = None
        if item is None or last is None or not _follows(last, item):
            found.update(_counted_up(texts, run))
            run = []
        if item is not None:
            run.append(place)
        last = item
    found.update(_counted_up(texts, run))
    return frozenset(found)


def is_program(contents: Sequence[str]) -> bool:
    """Whether the items of a list, without their marks, are plainly a program: one gives a name its value, or opens a block."""
    return any(_gives(mended(content.strip("` ")).text) for content in contents)


def _counted_up(texts: Sequence[str], run: Sequence[int]) -> Sequence[int]:
    items = {place: item["content"] for place in run if (item := _ITEM.match(texts[place]))}
    if len(items) < 2 or (all(map(_DOES.match, items.values())) and _code_follows(texts, run[-1])):
        return ()
    if is_program([*items.values()]):  # with its number, `2. (x)` would be a call, and `- x.grad` a difference
        return [place for place, content in items.items() if kind_of(mended(content).text) is LineKind.WEAK]
    return run


def _code_follows(texts: Sequence[str], last: int) -> bool:
    """Whether the program goes on below a list."""
    below = next((text for text in texts[last + 1 :] if text.strip()), "")
    return kind_of(mended(below).text) is LineKind.CODE


def _follows(item: re.Match[str], following: re.Match[str]) -> bool:
    """Whether an item goes on with the list of another: the same bullet, or the next number (or, in Markdown, the same)."""
    if item["number"] is None or following["number"] is None:
        return item["bullet"] is not None and item["bullet"] == following["bullet"]
    return int(following["number"]) - int(item["number"]) in (0, 1)


def _gives(code: str) -> bool:
    kind = kind_of(code)
    if kind is LineKind.HEAD:
        return True
    tree = parse(code) if kind is LineKind.CODE else None
    return tree is not None and any(isinstance(statement, _GIVES) for statement in tree.body)
