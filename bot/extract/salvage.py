"""Keeps the statements of a broken block that can be read, by a parser that tolerates errors."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import parso

from bot.extract.indentation import dedented, rebuilt
from bot.extract.lines import LineKind, kind_of
from bot.source import parse

_ROUNDS = 3

#: More lines lost than this share, and what is left is another program.
_MOST_LOST = 0.4


def salvaged(lines: Sequence[str]) -> list[int] | None:
    """The places of the lines that together can be read as Python, or None when too little is left."""
    kept = list(range(len(lines)))
    filled = sum(1 for line in lines if line.strip())
    if sum(1 for line in lines if kind_of(line) is LineKind.PROSE) > filled * _MOST_LOST:
        return None
    for _ in range(_ROUNDS):
        text = "\n".join(lines[index] for index in kept)
        broken = _broken_lines(text)
        if not broken:
            break
        if any(lines[kept[place - 1]].rstrip().endswith(":") for place in broken):
            # Without its head a body is another program.
            return None
        kept = [index for place, index in enumerate(kept, start=1) if place not in broken]
        left = sum(1 for index in kept if lines[index].strip())
        if left < filled * (1 - _MOST_LOST) or not left:
            return None
        texts = dedented([lines[index] for index in kept])
        if parse("\n".join(texts)) is not None or rebuilt(texts) is not None:
            return kept
    return None


@cache
def _grammar() -> Any:
    return parso.load_grammar()


def _broken_lines(text: str) -> set[int]:
    """Numbers of the lines, from 1, that hold what no grammar rule takes."""
    module = _grammar().parse(text)
    broken: set[int] = set()
    stack = list(module.children)
    while stack:
        node = stack.pop()
        if node.type == "error_leaf":
            broken.add(node.start_pos[0])
        elif node.type == "error_node":
            broken.update(range(node.start_pos[0], node.end_pos[0] + 1))
        elif hasattr(node, "children"):
            stack.extend(node.children)
    lines = text.split("\n")
    if not broken:
        broken = {issue.start_pos[0] for issue in _grammar().iter_errors(module)}
    return {number for number in broken if number <= len(lines) and lines[number - 1].strip()}
