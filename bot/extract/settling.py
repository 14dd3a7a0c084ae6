"""Settles what the neighbours of a line decide: weak lines, heads of blocks, comments, printed values."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from bot.extract.lines import LineKind
from bot.extract.repair_text import mended
from bot.extract.transcript import Role
from bot.extract.unit import Unit
from bot.source import names_bound_by, parses

_HAN = re.compile("[\u3400-\u9fff]")
_KEYWORDS = re.compile(r"^\s*(?:return|pass|break|continue|raise|del|global|assert)\b")
_HEADING = re.compile(r"^#{1,6}\s+\S")
_TARGET = re.compile(r"([A-Za-z_]\w*)\s*=")
_NAMES = re.compile(r"(?<![\w.])[A-Za-z_]\w*")
_STRING = re.compile(r"'[^'\n]*'|\"[^\"\n]*\"|#[^\n]*")
_CUSTOMARY = frozenset({"torch", "nn", "F", "np", "plt", "d2l", "optim", "math", "self"})


def accepted(found: Sequence[Unit], *, marked: bool, defined: frozenset[str]) -> list[Unit]:
    """The units with every doubt settled: only CODE, COMMENT, OUTPUT, SHELL, BLANK and PROSE remain.

    `defined` are names that earlier code of the post gave a value.
    """
    settled: list[Unit] = []
    for run in _runs(_named_once_more(found)):
        bound = defined | _bound(run)
        settled.extend(_settled_run(run, marked=marked, known=bound))
        defined = bound
    return settled


def _runs(found: Sequence[Unit]) -> list[list[Unit]]:
    """The units cut at sentences; a sentence is a run by itself, but for words that share the line of a statement."""
    runs: list[list[Unit]] = []
    last = None
    for unit in found:
        number = unit.lines[-1].number
        sentence = unit.kind is LineKind.PROSE and number != last
        if sentence or not runs or runs[-1][0].kind is LineKind.PROSE:
            runs.append([unit])
        else:
            runs[-1].append(unit)
        last = number
    return runs


def _named_once_more(found: Sequence[Unit]) -> list[Unit]:
    """The units, a statement with words behind it made part of its sentence where the code shows it anyway.

    Right below the code it stays one: `y.backward()` and then `y.backward() 报错了` is run twice.
    """
    result: list[Unit] = []
    shown = {unit.text.strip() for unit in found if unit.kind is LineKind.CODE}
    for index, unit in enumerate(found):
        before = result[-1] if result else None
        below_code = index > 1 and found[index - 2].kind is LineKind.CODE
        if before is not None and not below_code and _leads(before, unit) and before.text.strip() in shown:
            result[-1] = Unit(LineKind.PROSE, (replace(unit.lines[0], text=f"{before.text} {unit.text}"),))
        else:
            result.append(unit)
    return result


def _leads(statement: Unit, words: Unit) -> bool:
    """Whether a statement and the words behind it share a line."""
    same_line = statement.lines[-1].number == words.lines[0].number
    return same_line and statement.kind is LineKind.WEAK and words.kind is LineKind.PROSE


def _settled_run(run: list[Unit], *, marked: bool, known: frozenset[str]) -> list[Unit]:
    if run[0].kind is LineKind.PROSE:
        return run
    strong = any(unit.kind in (LineKind.CODE, LineKind.HEAD) for unit in run)
    kinds = [_settled(run, index, strong=strong, marked=marked, known=known) for index in range(len(run))]
    has_code = LineKind.CODE in kinds
    result = []
    for unit, kind in zip(run, kinds, strict=True):
        if kind in (LineKind.COMMENT, LineKind.SHELL) and not has_code and not marked:
            kind = LineKind.PROSE
        result.append(unit if kind is unit.kind else replace(unit, kind=kind))
    return result


def _settled(run: list[Unit], index: int, *, strong: bool, marked: bool, known: frozenset[str]) -> LineKind:
    unit = run[index]
    match unit.kind:
        case LineKind.HEAD:
            below = _next_filled(run, index)
            follows = below is not None and below.kind is not LineKind.OUTPUT
            return LineKind.CODE if marked or follows else LineKind.PROSE
        case LineKind.WEAK:
            return LineKind.CODE if _weak_is_code(run, index, strong, marked, known) else LineKind.PROSE
        case LineKind.COMMENT if not marked:
            return LineKind.COMMENT if _comment_is_code(run, index) else LineKind.PROSE
        case LineKind.OPEN:
            return LineKind.CODE
        case LineKind.OUTPUT if marked and _gives_a_name(run, index):
            return LineKind.CODE
        case kind:
            return kind


def _gives_a_name(run: Sequence[Unit], index: int) -> bool:
    """Whether what looks like a printed value, `w = tensor([1.])`, gives code below a name that nothing else does."""
    text = run[index].text.strip()
    match = _TARGET.match(text)
    if match is None or "grad_fn=" in text or not parses(text):
        return False
    name = match[1]
    others = [unit for unit in (*run[:index], *run[index + 1 :]) if unit.kind in (LineKind.CODE, LineKind.HEAD)]
    below = "\n".join(_STRING.sub("", unit.text) for unit in run[index + 1 :] if unit in others)
    return name not in _bound(others) and name in _NAMES.findall(below)


def _weak_is_code(run: list[Unit], index: int, strong: bool, marked: bool, known: frozenset[str]) -> bool:
    """Whether valid Python that could be a word or a formula in a sentence is code here."""
    unit = run[index]
    if unit.lines[0].role is Role.TYPED or (marked and strong):
        return True
    text = unit.text.strip()
    if _KEYWORDS.match(text):
        return strong
    if re.fullmatch(r"[A-Za-z_]\w*(?:\.\w+)*(?:\s*,\s*[A-Za-z_]\w*(?:\.\w+)*)*", text):
        bases = {name.strip().split(".")[0] for name in text.split(",")}
        below = run[index + 1] if index + 1 < len(run) else None
        printed = below is not None and below.kind is LineKind.OUTPUT
        if "." in text and strong and _touches_code(run, index):
            known = known | _read_in(run)
        return bases <= known | _CUSTOMARY and (strong or printed or marked)
    if text.endswith(":"):
        below = _next_filled(run, index)
        return below is not None and below.kind in (LineKind.CODE, LineKind.HEAD)
    return (strong or marked) and not _HAN.search(text.split("#")[0])


def _touches_code(run: list[Unit], index: int) -> bool:
    """Whether the line above is code: what a cell shows stands right below the rest of it."""
    return index > 0 and run[index - 1].kind in (LineKind.CODE, LineKind.OUTPUT)


def _read_in(run: Sequence[Unit]) -> frozenset[str]:
    """The names that the code of a run uses, defined there or not."""
    return frozenset(name for unit in run if unit.kind is LineKind.CODE for name in _NAMES.findall(unit.text))


def _comment_is_code(run: list[Unit], index: int) -> bool:
    """A comment touches code; a Markdown heading stands between blank lines."""
    unit = run[index]
    if unit.text.startswith("##") and _HEADING.match(unit.text):
        return False
    neighbours = [run[place] for place in (index - 1, index + 1) if 0 <= place < len(run)]
    touching = any(unit.kind is not LineKind.BLANK for unit in neighbours)
    indented = unit.text.startswith((" ", "\t"))
    return touching or indented or not _HEADING.match(unit.text)


def _next_filled(run: list[Unit], index: int) -> Unit | None:
    return next((unit for unit in run[index + 1 :] if unit.kind is not LineKind.BLANK), None)


def _bound(run: Sequence[Unit]) -> frozenset[str]:
    names: set[str] = set()
    for unit in run:
        if unit.kind in (LineKind.CODE, LineKind.HEAD):
            text = mended(unit.text).text.strip()
            names |= names_bound_by(text)
            if match := _TARGET.match(text):
                names.add(match.group(1))
    return frozenset(names)
