"""What sessions and listings put before code: `>>>`, `...`, `In [3]:`, line numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise

from bot.extract.blocks import SourceLine

_PROMPT = re.compile(r"^\s*(?:>>>|In\s*\[\d*\]\s*[:：])(?: |$)?(?P<code>.*)$")
_PROMPT_CONTINUED = re.compile(r"^\s*(?:\.\.\.(?:\s|$)|\.\.\.\.?:)\s?(?P<code>.*)$")
_CELL_HEADER = re.compile(r"^\s*In\s*\[[\d* ]*\]\s*[:：]?\s*$")
_OUT = re.compile(r"^\s*Out\s*\[\d*\]\s*[:：]\s?(?P<value>.*)$")
_NUMBERED = re.compile(r"^\s*(?P<number>\d{1,4})(?P<mark>[.:|)]?)(?P<rest>(?:\s.*)?)$")


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


def typed_lines(lines: Sequence[SourceLine], *, marked: bool) -> list[TypedLine]:
    """The lines as they were typed. `marked`: they stand in a fence, so what has no prompt was printed."""
    if _is_listing(lines):
        return [TypedLine(line.number, _without_number(line.text)) for line in lines]
    if any(_PROMPT.match(line.text) for line in lines):
        return _session(lines, marked=marked)
    return [TypedLine(line.number, line.text) for line in lines]


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


def _is_listing(lines: Sequence[SourceLine]) -> bool:
    """Whether nearly every line begins with its own number, counting up."""
    numbers = [int(match["number"]) for line in lines if (match := _NUMBERED.match(line.text))]
    filled = sum(1 for line in lines if line.text.strip())
    if len(numbers) < 3 or len(numbers) < 0.8 * filled:
        return False
    steps = [second - first for first, second in pairwise(numbers)]
    return steps.count(1) >= 0.8 * len(steps)


def _without_number(text: str) -> str:
    match = _NUMBERED.match(text)
    if match is None:
        return text
    rest = match["rest"]
    return rest[1:] if rest.startswith((" ", "\t")) else rest
