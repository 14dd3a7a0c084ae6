"""What sessions and listings put before code: `>>>`, `...`, `In [3]:`, line numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

from bot.extract.blocks import SourceLine
from bot.extract.lines import LineKind, kind_of
from bot.extract.lists import is_program

_PROMPT = re.compile(r"^\s*(?:>>>|In\s*\[\d*\]\s*[:：])(?: |$)?(?P<code>.*)$")
_PROMPT_CONTINUED = re.compile(r"^\s*(?:\.\.\.(?: |\t|$)|\.\.\.\.?: ?)(?P<code>.*)$")
_CELL_HEADER = re.compile(r"^\s*In\s*\[[\d* ]*\]\s*[:：]?\s*$")
_OUT = re.compile(r"^\s*Out\s*\[\d*\]\s*[:：]\s?(?P<value>.*)$")
_NUMBERED = re.compile(r"^\s*(?P<number>\d{1,4})(?P<mark>[.:|)]?)(?P<rest>(?:\s.*)?)$")


_SHORTEST_LISTING = 3  #: lines


class Role(Enum):
    """What a session says about a line."""

    UNKNOWN = "unknown"
    TYPED = "typed"  #: behind a prompt: code
    PRINTED = "printed"  #: not behind a prompt, in a session: an output


@dataclass(frozen=True, slots=True)
class TypedLine:
    """A line without its prompt or number."""

    number: int  #: its line in the post, from 1
    text: str
    role: Role = Role.UNKNOWN
    #: Characters already put right: what stood there, what stands there now.
    changes: tuple[tuple[str, str], ...] = ()
    split: bool = False  #: it shared its line of the post with other statements


def typed_lines(lines: Sequence[SourceLine], *, marked: bool) -> list[TypedLine]:
    """The lines as they were typed. `marked`: they stand in a fence, so what has no prompt was printed."""
    lines = _without_listings(lines, marked=marked)
    typed = [match["code"] for line in lines if (match := _PROMPT.match(line.text))]
    if typed and all(kind_of(code) is LineKind.OUTPUT for code in typed):
        # Some people put the prompt before what was printed.
        return [_printed(line) for line in lines]
    if typed:
        return _session(lines, marked=marked)
    return [TypedLine(line.number, line.text) for line in lines]


def _printed(line: SourceLine) -> TypedLine:
    match = _PROMPT.match(line.text)
    return TypedLine(line.number, match["code"], Role.PRINTED) if match else TypedLine(line.number, line.text)


def _session(lines: Sequence[SourceLine], *, marked: bool) -> list[TypedLine]:
    found: list[TypedLine] = []
    in_cell = False
    for line in lines:
        if _CELL_HEADER.match(line.text):
            in_cell = True
            found.append(TypedLine(line.number, ""))
        elif match := _PROMPT.match(line.text):
            in_cell = False
            found.append(TypedLine(line.number, match["code"], Role.TYPED))
        elif (match := _PROMPT_CONTINUED.match(line.text)) and found and found[-1].role is Role.TYPED:
            found.append(TypedLine(line.number, match["code"], Role.TYPED))
        elif match := _OUT.match(line.text):
            in_cell = False
            found.append(TypedLine(line.number, match["value"], Role.PRINTED))
        else:
            printed = marked and not in_cell and line.text.strip() != ""
            found.append(TypedLine(line.number, line.text, Role.PRINTED if printed else Role.UNKNOWN))
    return found


def _without_listings(lines: Sequence[SourceLine], *, marked: bool) -> Sequence[SourceLine]:
    """The lines without the numbers that count up in front of code."""
    numbers = [int(match["number"]) if (match := _NUMBERED.match(line.text)) else None for line in lines]
    result = list(lines)
    start = 0
    while start < len(lines):
        end = start + 1
        while end < len(lines) and _follows(numbers[end - 1], numbers[end]):
            end += 1
        if end - start >= _SHORTEST_LISTING and numbers[start] is not None:
            plain = [replace(line, text=_without_number(line.text)) for line in lines[start:end]]
            if any(kind_of(line.text.strip()) is LineKind.CODE for line in plain) and (
                marked or not _is_list(lines[start:end]) or is_program([line.text for line in plain])
            ):
                result[start:end] = plain
        start = end
    return result


def _is_list(lines: Sequence[SourceLine]) -> bool:
    """Whether Markdown makes a list of numbered lines."""
    return all(match["mark"] in (".", ")") for line in lines if (match := _NUMBERED.match(line.text)))


def _follows(number: int | None, following: int | None) -> bool:
    return number is not None and following == number + 1


def _without_number(text: str) -> str:
    match = _NUMBERED.match(text)
    if match is None:
        return text
    rest = match["rest"]
    return rest[1:] if rest.startswith((" ", "\t")) else rest
