"""Code that shares its line: with a bullet, a label, a remark, a sentence, or other statements."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import islice

from bot.extract.lines import LineKind, kind_of, open_brackets
from bot.extract.repair_text import mended
from bot.extract.transcript import TypedLine
from bot.extract.unit import Unit
from bot.source import names_bound_by, parses

_LONGEST_RUN_TOGETHER = 600  #: characters
_MOST_PLACES = 24  #: beginnings of a line that may be its first statement

_HAN = re.compile("[\u3400-\u9fff]")
_LABEL = re.compile(r"^(?P<label>[^:：=()\[\]\"']{1,24}[:：])\s*(?P<code>\S.*)$")
_BULLET = re.compile(r"^\s*(?:[-*+•]|\d{1,2}[.)、])\s+(?P<code>\S.*)$")
_QUOTED = re.compile(r"^\s*[\"'“](?P<opened>[^\"'“]+)$|^(?P<closed>[^\"'”]+)[\"'”]\s*$")
_WRAPPED = re.compile(r"^\s*(?:\*\*(?P<bold>[^*].*[^*])\*\*|`(?P<span>[^`]+)`)\s*[,.;，。；]?\s*$")
_ARROW = re.compile(r"^(?P<code>[^#]+?)\s*(?:<-+|←|⟵)\s*(?P<remark>\S.*)$")
_CODE_GROUPS = ("bold", "span", "code", "opened", "closed")
_RUN_TOGETHER = re.compile(r"^\s*(?:import\s|from\s+\w|[A-Za-z_][\w.\[\]]*\s*=[^=]|[A-Za-z_][\w.]*\()")
_NEXT_STATEMENT = re.compile(r"\s+(?=[A-Za-z_@])(?!(?:if|else|for|and|or|in|is|not|as|import)\b)")
_LEADS = re.compile("(?P<code>[^\u3400-\u9fff]+?)[\\s，。；：、（,.;:(]*(?P<words>[\u3400-\u9fff].*)?")
#: How a sentence goes on about the code that it begins with: the code is named, not run.
_ABOUT = re.compile("里|裡|中|的|和|与|與|跟|是(?:什么|什麼|啥|不是|否|指)|什么|什麼|有(?:什么|什麼|啥)|代表|表示|指的")
_REMARK = re.compile("[，。；：、（][\u3400-\u9fff]|[，。；、]\\s*$")
_TEXT_OR_COMMENT = re.compile(r"""#.*|"[^"]*"|'[^']*'|“[^“”]*”|‘[^‘’]*’""")
_LATIN_STRETCH = re.compile(r"[\x20-\x7e，（）“”‘’]{20,}")
_PROGRAM_BEGINS = re.compile(
    r"(?<![\w.`])(?:import torch\b|from torch\b[\w.]* import\b|[A-Za-z_]\w* ?= ?(?:torch|nn)\.\w)"
)
_ASSIGNS = re.compile(r"\s*[A-Za-z_][\w.\[\]]*\s*[-+*/]?=(?!=)")
_STRETCH_ENDS = " ，,。.：:;；"


def unwrapped(line: TypedLine, *, marked: bool) -> TypedLine | None:
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


def taken_apart(line: TypedLine) -> list[Unit]:
    """The statements of a line whose line ends were lost, or nothing when it is something else."""
    text = line.text
    if not _RUN_TOGETHER.match(text) or len(text) > _LONGEST_RUN_TOGETHER or "#" in text or _HAN.search(text):
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


def embedded(line: TypedLine) -> list[Unit]:
    """Several statements within a sentence, with the words around them; nothing when there are none."""
    if line.text.count("=") < 2:
        return []
    if not _HAN.search(line.text):
        return _behind_words(line)
    for match in _LATIN_STRETCH.finditer(line.text):
        stretch = replace(line, text=match.group().strip(_STRETCH_ENDS))
        code = taken_apart(stretch) or _several(stretch)
        if code:
            before, after = line.text[: match.start()].strip(), line.text[match.end() :].strip()
            words = [Unit(LineKind.PROSE, (replace(line, text=text),)) if text else None for text in (before, after)]
            return [unit for unit in (words[0], *code, words[1]) if unit is not None]
    return []


def _behind_words(line: TypedLine) -> list[Unit]:
    """A whole program behind the words of an English sentence: `why? import torch; x = torch.ones(3) x.sum()`."""
    match = _PROGRAM_BEGINS.search(line.text)
    if match is None or not match.start():
        return []
    code = taken_apart(replace(line, text=line.text[match.start() :]))
    words = line.text[: match.start()].strip()
    return [Unit(LineKind.PROSE, (replace(line, text=words),)), *code] if code and words else code


def led_by_code(line: TypedLine) -> list[Unit]:
    """A statement whose line goes on in Chinese (`y.backward() 报错了`), and the words; its neighbours decide about it.

    Nothing where the words go on about it (`y.backward() 里的参数是什么意思`): then it is only named.
    """
    match = _LEADS.fullmatch(line.text)
    if (
        match is None
        or (match["words"] and _ABOUT.match(match["words"]))
        or kind_of(mended(match["code"]).text) is not LineKind.CODE
    ):
        return []
    # A full-width semicolon at the end of an assignment ends a statement, and no sentence.
    ends = not match["words"] and line.text.rstrip().endswith("；") and _ASSIGNS.match(mended(match["code"]).text)
    code = Unit(LineKind.CODE if ends else LineKind.WEAK, (replace(line, text=match["code"]),))
    return [code, Unit(LineKind.PROSE, (replace(line, text=match["words"]),))] if match["words"] else [code]


def has_remark(line: TypedLine) -> bool:
    """Whether the line goes on in Chinese behind a full-width sign, or ends with one: such a sign is no part of code."""
    if _REMARK.search(line.text) is None:
        return False
    plain = _TEXT_OR_COMMENT.sub("", line.text)
    return _REMARK.search(plain) is not None and open_brackets(mended(plain).text) <= 0


def _several(line: TypedLine) -> list[Unit]:
    """Statements that share a line as Python allows it."""
    code = mended(line.text).text
    several = ";" in code and kind_of(code) is LineKind.CODE
    return [Unit(LineKind.CODE, (line,))] if several else []


def _first_statement(text: str) -> str | None:
    """The shortest beginning of the text that is a whole statement and is followed by the beginning of another."""
    for match in islice(_NEXT_STATEMENT.finditer(text), _MOST_PLACES):
        piece = text[: match.start()]
        if open_brackets(piece) == 0 and kind_of(piece) is LineKind.CODE:
            return piece
    return text if parses(text) else None
