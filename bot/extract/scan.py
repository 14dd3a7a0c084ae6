"""Sorts the lines of a region into code, outputs and sentences, each by its neighbours."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice

from bot.extract.legacy import modernised
from bot.extract.lines import LineKind, kind_of, kind_of_statement, open_brackets, opens_triple_quote
from bot.extract.repair_text import mended
from bot.extract.transcript import Role, TypedLine
from bot.source import names_bound_by, parses

_LONGEST_STATEMENT = 60  #: lines
_MOST_SPLITS = 60  #: run-together lines looked at, and the pieces they gave, in one region
_LONGEST_RUN_TOGETHER = 600  #: characters
_MOST_PLACES = 24  #: beginnings of a line that may be its first statement
_MOST_JOINS = 40  #: statements that seem to go on and never end, in one region

_HAN = re.compile("[\u3400-\u9fff]")
_LABEL = re.compile(r"^(?P<label>[^:：=()\[\]\"']{1,24}[:：])\s*(?P<code>\S.*)$")
_BULLET = re.compile(r"^\s*(?:[-*+•]|\d{1,2}[.)、])\s+(?P<code>\S.*)$")
_QUOTED = re.compile(r"^\s*(?P<quote>[\"'“])(?P<opened>[^\"'“]+)$|^(?P<closed>[^\"'”]+)[\"'”]\s*$")
_WRAPPED = re.compile(r"^\s*(?:\*\*(?P<bold>[^*].*[^*])\*\*|`(?P<span>[^`]+)`)\s*[,.;，。；]?\s*$")
_RUN_TOGETHER = re.compile(r"^\s*(?:import\s|from\s+\w|[A-Za-z_][\w.\[\]]*\s*=[^=]|[A-Za-z_][\w.]*\()")
_NEXT_STATEMENT = re.compile(r"\s+(?=[A-Za-z_@])(?!(?:if|else|for|and|or|in|is|not|as|import)\b)")
_KEYWORDS = re.compile(r"^\s*(?:return|pass|break|continue|raise|del|global|assert)\b")
_HEADING = re.compile(r"^#{1,6}\s+\S")
_TARGET = re.compile(r"([A-Za-z_]\w*)\s*=")
_LATIN_STRETCH = re.compile(r"[\x20-\x7e，（）“”‘’]{20,}")
_STRETCH_ENDS = " ，,。.：:;；"
_TOUCHING = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?=[A-Za-z_(])|\)(?=\w)")
_ARROW = re.compile(r"^(?P<code>[^#]+?)\s*(?:<-+|←|⟵)\s*(?P<remark>\S.*)$")
_CODE_GROUPS = ("bold", "span", "code", "opened", "closed")
_CUSTOMARY = frozenset({"torch", "nn", "F", "np", "plt", "d2l", "optim", "math", "self"})


@dataclass(frozen=True, slots=True)
class Unit:
    """One statement, output or sentence with its lines."""

    kind: LineKind
    lines: tuple[TypedLine, ...]

    @property
    def text(self) -> str:
        """Its lines joined."""
        return "\n".join(line.text for line in self.lines)


def units(lines: Sequence[TypedLine], *, marked: bool) -> list[Unit]:
    """The lines as statements and sentences, statements over several lines joined."""
    found: list[Unit] = []
    index = 0
    splits = joins = 0
    while index < len(lines):
        line = lines[index]
        kind = _kind(line, marked=marked)
        if kind is LineKind.OPEN:
            end = _end_of_statement(lines, index) if joins < _MOST_JOINS else None
            if end is not None:
                statement = "\n".join(mended(part.text).text for part in lines[index:end])
                found.append(Unit(kind_of_statement(statement), tuple(lines[index:end])))
                index = end
                continue
            joins += 1
            kind = LineKind.CODE if marked or line.role is Role.TYPED else LineKind.PROSE
        if kind is LineKind.OUTPUT:
            end = _end_of_output(lines, index)
            found.append(Unit(kind, tuple(lines[index:end])))
            index = end
            continue
        if kind in (LineKind.PROSE, LineKind.WEAK) and (unwrapped := _unwrapped(line, marked=marked)) is not None:
            found.append(Unit(kind_of(mended(unwrapped.text).text), (unwrapped,)))
        elif kind is LineKind.PROSE and splits < _MOST_SPLITS and _RUN_TOGETHER.match(line.text):
            parts = _taken_apart(line)
            splits += 1 + len(parts)
            found.extend(parts or [Unit(kind, (line,))])
        elif kind is LineKind.PROSE and splits < _MOST_SPLITS and (parts := _embedded(line)):
            splits += len(parts)
            found.extend(parts)
        else:
            found.append(Unit(kind, (line,)))
        index += 1
    return found


def accepted(found: Sequence[Unit], *, marked: bool, defined: frozenset[str]) -> list[Unit]:
    """The units with every doubt settled: only CODE, COMMENT, OUTPUT, SHELL, BLANK and PROSE remain.

    `defined` are names that earlier code of the post gave a value.
    """
    settled: list[Unit] = []
    for run in _runs(found):
        settled.extend(_settled_run(run, marked=marked, defined=defined))
        defined = defined | _bound(run)
    return settled


def _kind(line: TypedLine, *, marked: bool) -> LineKind:
    if line.role is Role.PRINTED:
        return LineKind.OUTPUT
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


def _unwrapped(line: TypedLine, *, marked: bool) -> TypedLine | None:
    """Code behind a label (`代码: x = 1`), a bullet, within ** or backticks that span the line, before an arrow."""
    for pattern in (_BULLET, _WRAPPED, _LABEL, _QUOTED, _ARROW):
        match = pattern.match(line.text)
        if match is None:
            continue
        groups = match.groupdict()
        code = next((groups[name] for name in _CODE_GROUPS if groups.get(name)), "").strip()
        label = groups.get("label") or ""
        if label and not (_HAN.search(label) or "code" in label.lower()):
            continue
        if wrapped := _WRAPPED.match(code):
            code = (wrapped["bold"] or wrapped["span"]).strip()
        if kind_of(mended(code).text) in (LineKind.CODE, LineKind.HEAD):
            indent = line.text[: len(line.text) - len(line.text.lstrip())] if marked else ""
            remark = f"  # {groups['remark']}" if groups.get("remark") else ""
            return replace(line, text=indent + code + remark)
    return None


def _taken_apart(line: TypedLine) -> list[Unit]:
    """The statements of a line whose line ends were lost, or nothing when it is something else."""
    text = line.text
    if _HAN.search(text) or len(text) > _LONGEST_RUN_TOGETHER or "#" in text:
        return []
    plain = mended(text)
    indent = text[: len(text) - len(text.lstrip())]
    rest = plain.text.strip()
    pieces: list[str] = []
    known: set[str] = set()
    while rest:
        piece = _first_statement(rest)
        kind = kind_of(piece) if piece is not None else LineKind.PROSE
        if piece is None or kind not in (LineKind.CODE, LineKind.WEAK):
            return []
        if kind is LineKind.WEAK and piece[0].isalpha() and piece.split(".")[0] not in known:
            return []
        known |= names_bound_by(piece)
        pieces.append(indent + piece)
        rest = rest[len(piece) :].strip()
    if len(pieces) < 2:
        return []
    first, *others = pieces
    return [
        Unit(LineKind.CODE, (replace(line, text=first, changes=plain.changes, split=True),)),
        *(Unit(LineKind.CODE, (replace(line, text=piece, split=True),)) for piece in others),
    ]


def _embedded(line: TypedLine) -> list[Unit]:
    """Several statements within a Chinese sentence, with the words around them; nothing when there are none."""
    if not _HAN.search(line.text) or line.text.count("=") < 2:
        return []
    for match in _LATIN_STRETCH.finditer(line.text):
        code = _taken_apart(replace(line, text=match.group().strip(_STRETCH_ENDS)))
        if code:
            before, after = line.text[: match.start()].strip(), line.text[match.end() :].strip()
            words = [Unit(LineKind.PROSE, (replace(line, text=text),)) if text else None for text in (before, after)]
            return [unit for unit in (words[0], *code, words[1]) if unit is not None]
    return []


def _first_statement(text: str) -> str | None:
    """The shortest beginning of the text that is a whole statement and is followed by the beginning of another."""
    for match in islice(_NEXT_STATEMENT.finditer(text), _MOST_PLACES):
        piece = text[: match.start()]
        if open_brackets(piece) == 0 and kind_of(piece) is LineKind.CODE:
            return piece
    return text if parses(text) else None


def _runs(found: Sequence[Unit]) -> list[list[Unit]]:
    """The units cut at sentences; a sentence is a run by itself."""
    runs: list[list[Unit]] = []
    for unit in found:
        if unit.kind is LineKind.PROSE or not runs or runs[-1][0].kind is LineKind.PROSE:
            runs.append([unit])
        else:
            runs[-1].append(unit)
    return runs


def _settled_run(run: list[Unit], *, marked: bool, defined: frozenset[str]) -> list[Unit]:
    if run[0].kind is LineKind.PROSE:
        return run
    strong = any(unit.kind in (LineKind.CODE, LineKind.HEAD) for unit in run)
    known = defined | _bound(run)
    kinds = [_settled(run, index, strong=strong, marked=marked, known=known) for index in range(len(run))]
    has_code = LineKind.CODE in kinds
    result = []
    for unit, kind in zip(run, kinds, strict=True):
        if kind in (LineKind.COMMENT, LineKind.SHELL) and not has_code and not marked:
            kind = LineKind.PROSE
        result.append(replace(unit, kind=kind))
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
        case kind:
            return kind


def _weak_is_code(run: list[Unit], index: int, strong: bool, marked: bool, known: frozenset[str]) -> bool:
    """Whether valid Python that could be a word or a formula in a sentence is code here."""
    unit = run[index]
    if unit.lines[0].role is Role.TYPED or (marked and strong):
        return True
    text = unit.text.strip()
    if _KEYWORDS.match(text):
        return strong
    if re.fullmatch(r"[A-Za-z_]\w*(?:\.\w+)*", text):
        base = text.split(".")[0]
        below = run[index + 1] if index + 1 < len(run) else None
        printed = below is not None and below.kind is LineKind.OUTPUT
        return base in known | _CUSTOMARY and (strong or printed or marked)
    if text.endswith(":"):
        below = _next_filled(run, index)
        return below is not None and below.kind in (LineKind.CODE, LineKind.HEAD)
    return (strong or marked) and not _HAN.search(text.split("#")[0])


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
