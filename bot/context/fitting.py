"""Sizes of stand-in data, put right by what torch says of them when the program is run."""

from __future__ import annotations

import re
from dataclasses import replace

from bot.domain.run import Run
from bot.domain.snippet import Assumption, AssumptionKind, Snippet

_PRODUCT = re.compile(r"mat1 and mat2 shapes cannot be multiplied \(\d+x(\d+) and (\d+)x\d+\)")
_TARGETS = re.compile(
    r"[Tt]arget size \(torch\.Size\(\[([\d, ]+)\]\)\) (?:must be the same as|that is different to the) input size "
    r"\(torch\.Size\(\[([\d, ]+)\]\)\)"
)


def fitted(snippet: Snippet, run: Run) -> Snippet | None:
    """The snippet with stand-in data of the size that the run asked for; None where it failed for something else.

    Only data of our own are touched: a size that the asker wrote may be what is asked about.
    """
    message = run.error.message if run.error is not None else ""
    code = snippet.code.split("\n")
    notes: list[Assumption] = []
    for note in snippet.assumptions:
        if note.kind is AssumptionKind.STAND_IN and note.restored in code:
            line = _put_right(note.restored, message)
            code[code.index(note.restored)] = line
            note = replace(note, text=note.text.replace(note.restored, line), restored=line)
        notes.append(note)
    changed = replace(snippet, code="\n".join(code), assumptions=tuple(notes))
    return changed if changed != snippet else None


def _put_right(line: str, message: str) -> str:
    """A line of random data with the size that a message asks for: inputs come first in it, targets last."""
    if product := _PRODUCT.search(message):
        given, wanted = product.groups()
        return re.sub(rf"(torch\.rand\(\d+), {given}\)", rf"\g<1>, {wanted})", line, count=1)
    if targets := _TARGETS.search(message):
        given, wanted = targets.groups()
        places = list(re.finditer(rf"\({given},?\)", line))
        if places:
            return f"{line[: places[-1].start()]}({wanted},){line[places[-1].end() :]}"
    return line
