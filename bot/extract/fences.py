"""Fences as people type them: closed at the end of a line of code, opened with a statement behind the language."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.source import parse

_MARK = "```"
_OPENS = re.compile(r"(?P<indent>\s*)```(?!`)[^`]*")
_LANGUAGE = re.compile(r"(?:python|py|ipython)3?\s+")


def with_marks_apart(lines: Sequence[str]) -> tuple[list[str], list[int | None]]:
    """The lines with every closing mark on a line of its own, and the place of each in `lines`; None for a mark that was
    split off: `loss.backward()` and three backticks behind it."""
    apart: list[str] = []
    places: list[int | None] = []
    indent: str | None = None  # of the fence that is open
    for place, line in enumerate(lines):
        apart.append(line)
        places.append(place)
        text = line.strip()
        if indent is None:
            opening = _OPENS.fullmatch(line)
            indent = opening["indent"] if opening is not None else None
        elif text == _MARK:
            indent = None
        elif text.endswith(_MARK) and text.count("`") == len(_MARK):
            apart[-1] = line.rstrip().removesuffix(_MARK)
            apart.append(indent + _MARK)
            places.append(None)
            indent = None
    return apart, places


def statement_behind(info: str) -> str:
    """The first statement, where somebody typed it right behind the opening mark; "" where there is none."""
    if " " not in info or "`" in info:
        return ""
    statement = _LANGUAGE.sub("", info, count=1)
    return statement if " " in statement and (statement.endswith(":") or parse(statement) is not None) else ""
