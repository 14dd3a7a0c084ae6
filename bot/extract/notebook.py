"""A Jupyter notebook that somebody pasted as the file it is."""

from __future__ import annotations

import json
from collections.abc import Sequence

from bot.extract.blocks import MOST_CHARACTERS, MOST_LINES, SourceLine

#: What the file of a notebook always holds.
_MARKS = ('"cells"', '"cell_type"')


def with_notebook(lines: Sequence[SourceLine]) -> tuple[Sequence[SourceLine], ...] | None:
    """What stands before a pasted notebook, the lines of its code cells, and what stands behind it; None without one.

    Every line of code has the number of the first line of the file: JSON says nothing of lines.
    """
    first = next((place for place, line in enumerate(lines) if line.text.lstrip().startswith("{")), None)
    if first is None:
        return None
    text = "\n".join(line.text for line in lines[first:]).lstrip()
    if not all(mark in text for mark in _MARKS):
        return None
    try:
        notebook, end = json.JSONDecoder().raw_decode(text)
        cells = notebook["cells"]
    except (ValueError, KeyError, RecursionError):
        return None
    number = lines[first].number
    code = tuple(SourceLine(number=number, text=text) for cell in _code(cells) for text in cell.split("\n"))
    behind = first + text.count("\n", 0, end) + 1
    return lines[:first], code, lines[behind:]


def typed_in_notebook(lines: Sequence[SourceLine]) -> Sequence[SourceLine] | None:
    """The code cells of a notebook that is all there is, or None when the lines are something else."""
    found = with_notebook(lines)
    return found[1] if found is not None and not any(line.text.strip() for line in found[0]) else None


def typed_in_file(name: str, text: str) -> tuple[SourceLine, ...]:
    """The lines of an attached file: a notebook's code cells, else the text as it is. Numbered as they stand here."""
    cells = None
    if name.lower().endswith(".ipynb") or text.lstrip().startswith("{"):
        cells = typed_in_notebook([SourceLine(number=1, text=text)])
    typed = [line.text for line in cells] if cells is not None else text[:MOST_CHARACTERS].split("\n")
    return tuple(SourceLine(number=number, text=line) for number, line in enumerate(typed[:MOST_LINES], start=1))


def _code(cells: object) -> list[str]:
    found = []
    for cell in cells if isinstance(cells, list) else []:
        if isinstance(cell, dict) and cell.get("cell_type") == "code":
            source = cell.get("source", "")
            found.append("".join(map(str, source)) if isinstance(source, list) else str(source))
    return found
