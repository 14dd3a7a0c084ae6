"""Sorts the lines of a region into code, outputs and sentences, each by its neighbours."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.extract.apart import embedded, has_remark, led_by_code, taken_apart, unwrapped
from bot.extract.legacy import modernised
from bot.extract.lines import LineKind, kind_of, kind_of_statement, open_brackets, opens_triple_quote
from bot.extract.lists import listed
from bot.extract.repair_text import mended
from bot.extract.transcript import Role, TypedLine
from bot.extract.unit import Unit
from bot.source import names_bound_by, parses

_LONGEST_STATEMENT = 60  #: lines

_HAN = re.compile("[\u3400-\u9fff]")
_KEYWORDS = re.compile(r"^\s*(?:return|pass|break|continue|raise|del|global|assert)\b")
_HEADING = re.compile(r"^#{1,6}\s+\S")
_TARGET = re.compile(r"([A-Za-z_]\w*)\s*=")
_NAMES = re.compile(r"(?<![\w.])[A-Za-z_]\w*")
_STRING = re.compile(r"'[^'\n]*'|\"[^\"\n]*\"|#[^\n]*")
_TOUCHING = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?=[A-Za-z_(])|\)(?=\w)")
_CUSTOMARY = frozenset({"torch", "nn", "F", "np", "plt", "d2l", "optim", "math", "self"})


@dataclass(slots=True)
class _Patience:
    """How much of a region may still be looked into closely: arbitrary text must not take long."""

    joins: int = 40  #: statements that seem to go on and never end
    splits: int = 60  #: lines that may hold several statements, and the statements found in them


def units(lines: Sequence[TypedLine], *, marked: bool) -> list[Unit]:
    """The lines as statements and sentences, statements over several lines joined."""
    found: list[Unit] = []
    patience = _Patience()
    items = frozenset() if marked else listed([line.text if line.role is Role.UNKNOWN else "x" for line in lines])
    index = 0
    while index < len(lines):
        if index in items:
            found.append(Unit(LineKind.PROSE, (lines[index],)))
            index += 1
            continue
        kind = _kind(lines[index], marked=marked)
        end = index + 1
        if kind is LineKind.OPEN:
            kind, end = _open_statement(lines, index, marked=marked, patience=patience)
        elif kind is LineKind.OUTPUT:
            end = _end_of_output(lines, index)
        if kind in (LineKind.PROSE, LineKind.WEAK):
            found.extend(_from_words(lines[index], kind, marked=marked, patience=patience))
        else:
            found.append(Unit(kind, tuple(lines[index:end])))
        index = end
    return found


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


def _open_statement(
    lines: Sequence[TypedLine], start: int, *, marked: bool, patience: _Patience
) -> tuple[LineKind, int]:
    """What a statement that goes on over several lines is, and the index behind it."""
    end = _end_of_statement(lines, start) if patience.joins > 0 else None
    if end is not None:
        return kind_of_statement("\n".join(mended(line.text).text for line in lines[start:end])), end
    patience.joins -= 1
    broken = marked or lines[start].role is Role.TYPED
    return LineKind.CODE if broken else LineKind.PROSE, start + 1


def _from_words(line: TypedLine, kind: LineKind, *, marked: bool, patience: _Patience) -> list[Unit]:
    """A line that looks like words, or the code that hides in it."""
    if (code := unwrapped(line, marked=marked)) is not None:
        return [Unit(kind_of(mended(code.text).text), (code,))]
    if kind is LineKind.PROSE and patience.splits > 0:
        parts = taken_apart(line) or embedded(line) or led_by_code(line)
        patience.splits -= len(parts) or 1
        if parts:
            return parts
    return [Unit(kind, (line,))]


def _kind(line: TypedLine, *, marked: bool) -> LineKind:
    if line.role is Role.PRINTED:
        return LineKind.OUTPUT
    if not marked and has_remark(line):
        return LineKind.PROSE
    kind = kind_of(mended(line.text).text)
    if line.role is Role.TYPED and kind is LineKind.OUTPUT:
        return LineKind.CODE
    if kind is not LineKind.PROSE:
        return kind
    if (marked or line.role is Role.TYPED) and _looks_like_code(line.text):
        return LineKind.CODE
    return LineKind.CODE if not marked and _lacks_asterisks(line.text) else kind


def _lacks_asterisks(text: str) -> bool:
    """An assignment that would be one if its numbers and brackets had asterisks behind them: `w = 2vu`."""
    if "=" not in text or _HAN.search(text) or not _TOUCHING.search(text):
        return False
    return kind_of(_TOUCHING.sub(r"\g<0>*", mended(text).text)) is LineKind.CODE


def _looks_like_code(text: str) -> bool:
    """Broken code in a fence, as opposed to a sentence that slipped in."""
    if _HAN.search(text) and "#" not in text and "'" not in text and '"' not in text:
        return False
    words = text.split()
    plain = sum(1 for word in words if word.isalpha() and len(word) > 1)
    return bool(re.search(r"[=()\[\]:]", text)) and plain <= max(3, len(words) // 2)


def _end_of_statement(lines: Sequence[TypedLine], start: int) -> int | None:
    """The index behind the statement that begins here, or None when it never ends."""
    texts = [mended(lines[start].text).text]
    quote = opens_triple_quote(texts[0])
    depth = 0 if quote else open_brackets(texts[0])
    for index in range(start + 1, min(len(lines), start + _LONGEST_STATEMENT)):
        following = mended(lines[index].text).text
        texts.append(following)
        if quote is not None:
            quote = None if quote in following else quote
            depth = open_brackets("\n".join(texts)) if quote is None else 0
        else:
            depth += open_brackets(following)
        if quote is not None or depth > 0:
            continue
        stripped = "\n".join(texts).strip()
        if parses(stripped) or parses(stripped + " pass") or parses(modernised(stripped).text):
            return index + 1
        return None
    return None


def _end_of_output(lines: Sequence[TypedLine], start: int) -> int:
    """Behind an output: behind the line that closes its brackets, or behind its first when none does."""
    depth = 0
    for index in range(start, min(len(lines), start + _LONGEST_STATEMENT)):
        depth += open_brackets(lines[index].text)
        if depth <= 0:
            return index + 1
    return start + 1


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
