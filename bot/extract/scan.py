"""Sorts the lines of a region into statements, outputs and sentences; `settling` decides about the doubtful ones."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import dedent

from bot.extract.apart import embedded, has_remark, led_by_code, taken_apart, unwrapped
from bot.extract.legacy import modernised
from bot.extract.lines import LineKind, continues_block, kind_of, kind_of_statement, open_brackets, opens_triple_quote
from bot.extract.lists import listed
from bot.extract.repair_text import mended
from bot.extract.transcript import Role, TypedLine
from bot.extract.unit import Unit
from bot.source import parse, parses

_LONGEST_STATEMENT = 60  #: lines

_HAN = re.compile("[\u3400-\u9fff]")
_TOUCHING = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?=[A-Za-z_(])|\)(?=\w)")


@dataclass(slots=True)
class _Patience:
    """How much of a region may still be looked into closely: arbitrary text must not take long."""

    blocks: int = 25_000  #: characters of what may be blocks as they stand
    joins: int = 40  #: statements that seem to go on and never end
    splits: int = 60  #: lines that may hold several statements, and the statements found in them


def units(lines: Sequence[TypedLine], *, marked: bool) -> list[Unit]:
    """The lines as statements and sentences, statements over several lines joined."""
    found: list[Unit] = []
    patience = _Patience()
    whole = _whole_statements(lines) if marked else {}
    items = frozenset() if marked else listed([line.text if line.role is Role.UNKNOWN else "x" for line in lines])
    index = 0
    while index < len(lines):
        if index in items:
            found.append(Unit(LineKind.PROSE, (lines[index],)))
            index += 1
            continue
        if index in whole:
            found.append(Unit(LineKind.CODE, tuple(lines[index : whole[index]])))
            index = whole[index]
            continue
        kind = _kind(lines[index], marked=marked)
        end = index + 1
        opens = kind is LineKind.HEAD or (kind is LineKind.WEAK and lines[index].text.rstrip().endswith(":"))
        if opens and (behind := _end_of_block(lines, index, patience)) is not None:
            kind, end = LineKind.CODE, behind
        elif kind is LineKind.OPEN:
            kind, end = _open_statement(lines, index, marked=marked, patience=patience)
        elif kind is LineKind.OUTPUT:
            end = _end_of_output(lines, index)
        if kind in (LineKind.PROSE, LineKind.WEAK):
            found.extend(_from_words(lines[index], kind, marked=marked, patience=patience))
        else:
            found.append(Unit(kind, tuple(lines[index:end])))
        index = end
    return found


def _whole_statements(lines: Sequence[TypedLine]) -> dict[int, int]:
    """Where the statements over several lines begin and end, in lines that are a program as they stand.

    Then nothing needs to be guessed line by line: a sentence within a function is its docstring. What stands by itself may
    still be an output that happens to be Python.
    """
    if any(line.role is not Role.UNKNOWN for line in lines):
        return {}
    tree = parse("\n".join(line.text for line in lines))
    statements = tree.body if tree is not None else []
    first = {
        statement: min([statement.lineno, *(one.lineno for one in getattr(statement, "decorator_list", ()))])
        for statement in statements
    }
    return {
        first[statement] - 1: statement.end_lineno
        for statement in statements
        if statement.end_lineno is not None
        and statement.end_lineno > first[statement]
        and not isinstance(statement, ast.Expr)
    }


def _end_of_block(lines: Sequence[TypedLine], start: int, patience: _Patience) -> int | None:
    """The index behind a block that begins here and is one as it stands; None where it is not."""
    depth = _indent(lines[start].text)
    end = last = start + 1
    while end < len(lines) and lines[end].role is lines[start].role:
        text = lines[end].text
        if text.strip() and _indent(text) <= depth and not (_indent(text) == depth and continues_block(text)):
            break
        end += 1
        last = end if text.strip() else last
    block = "\n".join(line.text for line in lines[start:last])
    if last == start + 1 or len(block) > patience.blocks:
        return None
    patience.blocks -= len(block)
    return last if parses(dedent(block)) else None


def _indent(text: str) -> int:
    return len(text) - len(text.lstrip())


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
