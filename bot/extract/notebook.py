"""A Jupyter notebook that somebody pasted as the file it is."""

from __future__ import annotations

import json
from collections.abc import Sequence

from bot.extract.blocks import SourceLine

#: What the file of a notebook always holds.
_MARKS = ('"cells"', '"cell_type"')


def typed_in_notebook(lines: Sequence[SourceLine]) -> tuple[SourceLine, ...] | None:
    """The code cells of a pasted notebook, or None when the lines are something else.

    Every line of code has the number of the first line of the file: JSON says nothing of lines.
    """
    text = "\n".join(line.text for line in lines).strip()
    if not text.startswith("{") or not all(mark in text for mark in _MARKS):
        return None
    try:
        cells = json.loads(text)["cells"]
    except (ValueError, KeyError, RecursionError):
        return None
    first = next(line.number for line in lines if line.text.strip())
    return tuple(SourceLine(number=first, text=text) for cell in _code(cells) for text in cell.split("\n"))


def _code(cells: object) -> list[str]:
    found = []
    for cell in cells if isinstance(cells, list) else []:
        if isinstance(cell, dict) and cell.get("cell_type") == "code":
            source = cell.get("source", "")
            found.append("".join(map(str, source)) if isinstance(source, list) else str(source))
    return found
