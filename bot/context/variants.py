"""Programs that a post only tells of: "when I change `y = 2 * x` to `y = x * x`, the gradient is wrong"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from bot.context.program import Line, Program
from bot.domain.snippet import Assumption, AssumptionKind, Reading
from bot.source import parse

#: More ways that one post tells of are not worth a run each.
_MOST = 2

_CODE = r"`+\s*([^`]{2,160}?)\s*`+"
_CHANGED = (
    re.compile(rf"\b(?:chang|replac|modif|switch|rewrit|turn)\w*\s+(?:the\s+line\s+)?{_CODE}\s+(?:in)?(?:to|with|by|for)\s+{_CODE}"),
    re.compile(rf"[把将將]\s*{_CODE}\s*(?:改|换|換|替换|替換|变|變)(?:成|为|為)(?:了)?\s*{_CODE}"),
)  # fmt: skip
_INSTEAD = (
    re.compile(rf"{_CODE}\s+(?:instead\s+of|in\s+place\s+of|rather\s+than)\s+{_CODE}"),
    re.compile(rf"用\s*{_CODE}\s*(?:代替|替代|替换|替換)\s*{_CODE}"),
)


def told_of(program: Program, reading: Reading) -> Iterator[Program]:
    """The program with one of its lines changed as a sentence of the post says, at most two of them."""
    found = 0
    for old, new in _changes(reading.prose):
        place = _line_of(program, old)
        if place is None or parse(new) is None or found == _MOST:
            continue
        found += 1
        line = program.lines[place]
        indent = line.text[: len(line.text) - len(line.text.lstrip())]
        note = Assumption(
            kind=AssumptionKind.FROM_MENTION,
            text=f"the post tells of {old} changed to {new}",
            original=old,
            restored=new,
        )
        changed = Line(indent + new, line.origin, (*line.notes, note))
        yield replace(program, lines=(*program.lines[:place], changed, *program.lines[place + 1 :]))


def _changes(prose: str) -> Iterator[tuple[str, str]]:
    """What was changed to what, in the order of the sentences."""
    told = [(match.start(), match[1], match[2]) for form in _CHANGED for match in form.finditer(prose)]
    told += [(match.start(), match[2], match[1]) for form in _INSTEAD for match in form.finditer(prose)]
    for _, old, new in sorted(told):
        if "\n" not in new:
            yield old, new


def _line_of(program: Program, code: str) -> int | None:
    """The only line that is this code, whatever its spaces and a comment behind it; None when none or several are."""
    wanted = _bare(code)
    places = [number for number, line in enumerate(program.lines) if _bare(line.text) == wanted]
    return places[0] if len(places) == 1 else None


def _bare(text: str) -> str:
    return re.sub(r"\s+", "", text.partition("#")[0])
