"""Indentation that a post lost, rebuilt from the grammar and from which names each line uses."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from dataclasses import replace

from bot.extract.logical_lines import Statement, logical_lines
from bot.extract.oddness import GOES_ON, State, oddness, opened
from bot.source import parse

_STEP = "    "
_MOST_LINES = 150
_BEAM = 12
#: Of long code only the likeliest beginnings are followed.
_NARROW_BEAM = 3
_LONG = 60  #: lines
#: A class, a method, loops, branches: nobody who loses indentation nests deeper.
_DEEPEST = 7
_MOST_READINGS = 3

#: A reading that is odder than the likeliest by more than this is none.
_AS_LIKELY = 2.5

_LEAVES = re.compile(r"^(?:return|break|continue|raise|pass)\b")
_SHOWS = re.compile(r"^print\b|^[A-Za-z_][\w.]*$")


def dedented(lines: Sequence[str]) -> list[str]:
    """The lines without the indentation they share; a first line that lost its own gets it back."""
    plain = textwrap.dedent("\n".join(lines)).split("\n")
    if parse("\n".join(plain)) is not None or len(plain) < 2:
        return plain
    rest = textwrap.dedent("\n".join(lines[1:])).split("\n")
    first = lines[0].lstrip()
    if not first.endswith(":") and parse("\n".join([first, *rest])) is not None:
        return [first, *rest]
    return plain


def rebuilt(lines: Sequence[str]) -> list[str] | None:
    """The lines indented so that they parse in the likeliest way, or None when no indentation makes them parse."""
    return next(iter(readings(lines)), None)


def readings(lines: Sequence[str]) -> list[list[str]]:
    """The ways to indent the lines so that they parse, the likeliest first, at most three that differ in what they do.

    First the indentation that is there is trusted as far as it goes; then it is rebuilt from nothing.
    """
    if len(lines) > _MOST_LINES:
        return []
    statements = logical_lines(lines)
    indented = any(statement.indent for statement in statements)
    for trusted in (True, False) if indented else (False,):
        states = _search(statements, trusted=trusted)
        found = _that_parse(statements, [state for state in states if state.cost <= states[0].cost + _AS_LIKELY])
        if found or (found := _that_parse(statements, states)):
            return found
    return []


def _that_parse(statements: list[Statement], states: Sequence[State]) -> list[list[str]]:
    """The programs of the states, without those that only show their values elsewhere."""
    found: dict[tuple[int, ...], list[str]] = {}
    for state in states:
        meaning = tuple(
            depth
            for statement, depth in zip(statements, state.depths, strict=True)
            if depth >= 0 and not _SHOWS.match(statement.code)
        )
        if meaning not in found and len(found) < _MOST_READINGS:
            result = _laid_out(statements, state.depths)
            if parse("\n".join(result)) is not None:
                found[meaning] = result
    return list(found.values())


def _search(statements: list[Statement], *, trusted: bool) -> list[State]:
    """The cheapest ways to indent the statements, best first."""
    beam = [State()]
    width = _BEAM if len(statements) <= _LONG else _NARROW_BEAM
    for statement in statements:
        if not statement.code:
            beam = [replace(state, depths=(*state.depths, -1)) for state in beam]
            continue
        following = [
            _placed(state, statement, depth, trusted=trusted) for state in beam for depth in _depths(state, statement)
        ]
        beam = sorted(following, key=lambda state: state.cost)[:width]
    return [state for state in beam if not state.expects_body]


def _depths(state: State, statement: Statement) -> list[int]:
    """The depths at which the grammar allows the statement."""
    deepest = len(state.blocks)
    if state.expects_body:
        return [] if statement.word in GOES_ON or deepest > _DEEPEST else [deepest]
    if statement.word in GOES_ON:
        return [depth for depth, block in enumerate(state.blocks) if block.word in GOES_ON[statement.word]]
    return list(range(deepest + 1))


def _placed(state: State, statement: Statement, depth: int, *, trusted: bool) -> State:
    left = state.blocks[depth:]
    cost = state.cost + oddness(state, statement, depth, trusted=trusted)
    blocks = state.blocks[:depth]
    outer, loose = state.outer, state.loose
    for block in left:
        if block.word in ("for", "while"):
            loose = loose | (block.names - outer)
    if blocks:
        inner = blocks[-1]
        grown = replace(inner, names=inner.names | statement.writes, mentions=inner.mentions | statement.reads)
        blocks = (*blocks[:-1], grown)
    else:
        outer, loose = outer | statement.writes, loose - statement.writes
    if statement.word:
        blocks = (*blocks, opened(statement))
    return State(
        depths=(*state.depths, depth),
        blocks=blocks,
        expects_body=bool(statement.word),
        left=bool(_LEAVES.match(statement.code)),
        cost=cost,
        outer=outer,
        loose=loose,
    )


def _laid_out(statements: list[Statement], depths: tuple[int, ...]) -> list[str]:
    result: list[str] = []
    for index, (statement, depth) in enumerate(zip(statements, depths, strict=True)):
        if depth < 0:
            following = next((deep for deep in depths[index:] if deep >= 0), 0)
            result.extend(_STEP * following + line.strip() if line.strip() else "" for line in statement.lines)
            continue
        first, *rest = statement.lines
        shift = len(_STEP * depth) - statement.indent
        result.append(_STEP * depth + first.strip())
        for line in rest:
            heads = first.lstrip().startswith("@") and line.lstrip().startswith(("@", "def ", "class "))
            result.append(_STEP * depth + line.strip() if heads else _shifted(line, shift))
    return result


def _shifted(line: str, by: int) -> str:
    if by >= 0:
        return " " * by + line if line.strip() else line
    return line[min(-by, len(line) - len(line.lstrip())) :]
