"""Turns the code lines of a post into a block that parses, with every change on record."""

from __future__ import annotations

import re
from collections.abc import Sequence, Set
from dataclasses import dataclass, replace

from bot.domain.snippet import Assumption, AssumptionKind, CodeBlock
from bot.extract.indentation import dedented, readings, rebuilt
from bot.extract.legacy import modernised
from bot.extract.lines import opens_triple_quote
from bot.extract.repair_text import mended
from bot.extract.salvage import salvaged
from bot.extract.transcript import TypedLine
from bot.source import asterisks_restored, names_bound_by, parse

# Underscores that Markdown takes for bold, where nothing else can have been meant.
_DUNDERS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\bdef init\((?=self\b)"), "def __init__("),
    (re.compile(r"\bdef (call|len|getitem|repr|str|iter|next|enter|exit)\((?=self\b)"), r"def __\1__("),
    (re.compile(r"(super\([^()]*\))\.init\("), r"\1.__init__("),
    (re.compile(r"^(\s*if )name(\s*==\s*)(['\"])(?:__)?main(?:__)?\3"), r"\1__name__\2\3__main__\3"),
    (re.compile(r"\b(torch|np|nn|d2l)\.version\b(?!\.)"), r"\1.__version__"),
)
_MAY_LACK_UNDERSCORES = re.compile(r"\bdef \w+\(|\.init\(|\bname\b|\.version\b|\bkwargs\b")
_NAME = re.compile(r"[A-Za-z_]\w*")
_PACKED = re.compile(r"(?<=[(,])(\s*)args(\s*),(\s*)kwargs(\s*)(?=\))")
_PACKED_ALONE = re.compile(r"(def \w+\([^)]*[(,]\s*)kwargs(\s*\))")


@dataclass(frozen=True, slots=True)
class _Line:
    text: str
    number: int
    assumptions: tuple[Assumption, ...] = ()
    verbatim: bool = False  #: it stands within a string


def block_of(
    lines: Sequence[TypedLine],
    *,
    fenced: bool,
    defined: Set[str],
    split: Set[int],
    left_out: Sequence[str],
    patience: int,
) -> CodeBlock | None:
    """The lines as a block of code, or None when nothing in them can be read as Python.

    `defined` are names with a value before the block; `split` are the lines of the post that held several
    statements; `left_out` are commands and other lines that stood among the code and are no part of it.
    Broken code longer than `patience` characters is not looked into.
    """
    cleaned = _cleaned(_trimmed(lines))
    if not fenced:
        cleaned = _unescaped(cleaned, defined=defined)
    cleaned = [
        replace(line, assumptions=(*line.assumptions, _split_assumption())) if line.number in split else line
        for line in cleaned
    ]
    placed = _indented(cleaned, patience=patience)
    if not placed:
        return None
    notes = [
        Assumption(kind=AssumptionKind.LEFT_OUT, text=f"left out, no part of the program: {text.strip()}")
        for text in left_out
    ]
    block, *others = [_block(lines, fenced=fenced, notes=notes) for lines in placed]
    return replace(block, alternatives=tuple(others))


def _block(placed: Sequence[_Line], *, fenced: bool, notes: Sequence[Assumption]) -> CodeBlock:
    """The finished lines as a block, what was assumed about them behind its place; `notes` are about no line."""
    told = [
        replace(assumption, line=place)
        for place, line in enumerate(placed, start=1)
        for assumption in line.assumptions
        if assumption.kind is not AssumptionKind.LEFT_OUT
    ]
    lost = [
        assumption for line in placed for assumption in line.assumptions if assumption.kind is AssumptionKind.LEFT_OUT
    ]
    return CodeBlock(
        text="\n".join(line.text for line in placed),
        lines=tuple(line.number for line in placed),
        fenced=fenced,
        assumptions=(*told, *notes, *lost),
    )


def _trimmed(lines: Sequence[TypedLine]) -> Sequence[TypedLine]:
    filled = [index for index, line in enumerate(lines) if line.text.strip()]
    return lines[filled[0] : filled[-1] + 1] if filled else ()


def _cleaned(lines: Sequence[TypedLine]) -> list[_Line]:
    """The lines with their characters put right, but for those within a string of several lines."""
    found: list[_Line] = []
    quote: str | None = None
    for line in lines:
        if quote is None:
            found.append(_mended(line))
            quote = opens_triple_quote(found[-1].text)
        else:
            found.append(_Line(line.text.rstrip(), line.number, verbatim=True))
            quote = None if quote in line.text else quote
    return found


def _mended(line: TypedLine) -> _Line:
    plain = mended(line.text)
    today = modernised(plain.text)
    return _Line(
        text=today.text.rstrip(),
        number=line.number,
        assumptions=(
            *(_restored(old, new) for old, new in (*line.changes, *plain.changes)),
            *(
                Assumption(
                    kind=AssumptionKind.MODERNISED,
                    text=f"old spelling brought up to date: {old} is now {new}",
                    original=old,
                    restored=new,
                )
                for old, new in today.changes
            ),
        ),
    )


def _restored(old: str, new: str) -> Assumption:
    return Assumption(
        kind=AssumptionKind.RESTORED_CHARACTER,
        text=f"{old} read as {new}",
        original=old,
        restored=new,
    )


def _split_assumption() -> Assumption:
    return Assumption(kind=AssumptionKind.SPLIT_LINE, text="statements that ran together stand on lines of their own")


def _unescaped(lines: list[_Line], *, defined: Set[str]) -> list[_Line]:
    """The lines with the asterisks and underscores that Markdown ate."""
    bound = [_binds(line.text) for line in lines]
    every = frozenset(defined).union(*bound)
    so_far = set(defined)
    result: list[_Line] = []
    for line, names in zip(lines, bound, strict=True):
        if line.verbatim:
            result.append(line)
            continue
        text, found = asterisks_restored(line.text, defined=so_far, known=every)
        assumptions = [_restored(entry.original, entry.restored) for entry in found]
        text, more = _underscores(text)
        assumptions.extend(more)
        changed = text != line.text or assumptions
        result.append(replace(line, text=text, assumptions=(*line.assumptions, *assumptions)) if changed else line)
        so_far |= names or _binds(text)  # what is put back is read, not bound
    return result


def _underscores(text: str) -> tuple[str, list[Assumption]]:
    found: list[Assumption] = []
    if not _MAY_LACK_UNDERSCORES.search(text):
        return text, found
    for pattern, replacement in _DUNDERS:
        for match in pattern.finditer(text):
            found.append(_restored(match.group().strip(), match.expand(replacement).strip()))
        text = pattern.sub(replacement, text)
    for pattern, replacement in ((_PACKED, r"\1*args\2,\3**kwargs\4"), (_PACKED_ALONE, r"\1**kwargs\2")):
        if pattern.search(text) and "*" not in text:
            found.append(_restored("kwargs", "**kwargs"))
            text = pattern.sub(replacement, text)
    return text, found


_TARGET = re.compile(r"^\s*(?:for\s+)?([A-Za-z_][\w\s,]*?)\s*(?:=(?!=)|\bin\b)")
_DEFINED = re.compile(r"^\s*(?:def|class)\s+(\w+)")
_PARAMETERS = re.compile(r"^\s*def\s+\w+\s*\((.*)")


def _binds(text: str) -> frozenset[str]:
    """Names the line gives a value, as far as a line by itself can tell."""
    names = names_bound_by(text.strip())
    if match := _PARAMETERS.match(text):
        return names | frozenset(_NAME.findall(match.group(1)))
    if not names and (match := _TARGET.match(text) or _DEFINED.match(text)):
        return frozenset(_NAME.findall(match.group(1)))
    return names


def _indented(lines: list[_Line], *, patience: int) -> list[list[_Line]]:
    """The ways to indent the lines so that they parse, the likeliest first; lines that nothing can save are left out."""
    if not lines:
        return []
    texts = dedented([line.text for line in lines])
    if parse("\n".join(texts)) is not None:
        return [_with_texts(lines, texts, told=False)]
    if again := readings(texts):
        return [_with_texts(lines, reading, told=True) for reading in again]
    kept = salvaged(texts) if sum(map(len, texts)) <= patience else None
    return [_saved(lines, texts, kept)] if kept is not None else []


def _saved(lines: list[_Line], texts: list[str], kept: list[int]) -> list[_Line]:
    """The lines that can be read, with a note on each of the others."""
    lost = [line for index, line in enumerate(lines) if index not in kept]
    saved = [lines[index] for index in kept]
    texts = dedented([texts[index] for index in kept])
    result = _with_texts(saved, texts if parse("\n".join(texts)) else rebuilt(texts) or texts, told=True)
    notes = tuple(
        Assumption(kind=AssumptionKind.LEFT_OUT, text=f"left out, cannot be read as Python: {line.text.strip()}")
        for line in lost
        if line.text.strip()
    )
    return [replace(result[0], assumptions=(*result[0].assumptions, *notes)), *result[1:]]


def _with_texts(lines: Sequence[_Line], texts: Sequence[str], *, told: bool) -> list[_Line]:
    """The lines with new indentation; where it was rebuilt, the first line of each change says so."""
    result: list[_Line] = []
    changed_before = False
    margin = min((_indent(line.text) for line in lines if line.text.strip()), default=0)
    for line, text in zip(lines, texts, strict=True):
        changed = told and line.text.strip() != "" and _indent(line.text) - margin != _indent(text)
        extra: tuple[Assumption, ...] = ()
        if changed and not changed_before:
            extra = (
                Assumption(
                    kind=AssumptionKind.RESTORED_INDENTATION,
                    text=f"indentation rebuilt from here on: {text.strip()[:60]}",
                ),
            )
        same = text == line.text and not extra
        result.append(line if same else replace(line, text=text, assumptions=(*line.assumptions, *extra)))
        changed_before = changed
    return result


def _indent(text: str) -> int:
    return len(text) - len(text.lstrip())
