"""What a post's markup says is code: fences, indented blocks, [code], <pre>, quotes of others."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from functools import cache

from markdown_it import MarkdownIt

from bot.extract.fences import statement_behind, with_marks_apart

#: What is beyond is not looked at: no program of a learner is that long, and a post must be read quickly.
MOST_LINES = 400
MOST_CHARACTERS = 20_000

_BLOCK_MARK = re.compile(r"^[ >*+\d.)-]*(?:```|~~~)|^(?: {4}|\t)", re.MULTILINE)
_ANY_MARK = re.compile(r"`|~~~|\[code|\[quote|<pre|^>|^ {4}|^\t", re.MULTILINE | re.IGNORECASE)
_TAG_OPEN = re.compile(r"\[code(?:=[^\]\n]*)?\]|<pre\b[^>\n]*>", re.IGNORECASE)
_TAG = re.compile(r"\[/?code(?:=[^\]\n]*)?\]|</?(?:pre|code)\b[^>\n]*>", re.IGNORECASE)
_TAG_CLOSE = re.compile(r"\[/code\]|</pre>", re.IGNORECASE)
_QUOTE_OPEN = re.compile(r"^\s*\[quote(?:=[^\]\n]*)?\]", re.IGNORECASE)
_QUOTE_CLOSE = re.compile(r"\[/quote\]", re.IGNORECASE)
_SPAN_OPEN = re.compile(r"^\s*`(?!`)")
_LONGEST_SPAN = 80  #: lines
_QUOTE_SIGNS = re.compile(r"^(?:> ?)+")
_LANGUAGES_OF_OUTPUT = frozenset({"text", "output", "console", "none", "plaintext", "log", "txt"})
_LANGUAGES_OF_SHELL = frozenset({"bash", "sh", "shell", "zsh", "cmd", "powershell", "bat"})


class RegionKind(Enum):
    """What the markup makes of some lines."""

    PROSE = "prose"  #: nothing certain: sentences, code that nobody marked, and indented code
    CODE = "code"  #: a fence, [code], <pre>
    QUOTE = "quote"  #: another person's words


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceLine:
    """A line with its place in the post."""

    number: int  #: from 1
    text: str
    indented: bool = False  #: Markdown makes it code: four spaces after a blank line


@dataclass(frozen=True, kw_only=True, slots=True)
class Region:
    """Consecutive lines of a post that the markup treats alike."""

    kind: RegionKind
    lines: tuple[SourceLine, ...]
    info: str = ""  #: the word after the fence: "python", "text"

    @property
    def says_output(self) -> bool:
        """The fence is marked as the output of a program."""
        return self.info in _LANGUAGES_OF_OUTPUT

    @property
    def says_shell(self) -> bool:
        """The fence is marked as commands for a shell."""
        return self.info in _LANGUAGES_OF_SHELL


def regions(text: str) -> tuple[Region, ...]:
    """The post cut where its markup begins and ends, in order; no line is in two regions."""
    lines = text[:MOST_CHARACTERS].split("\n")[:MOST_LINES]
    marks: _Marks = [None] * len(lines)
    if not _ANY_MARK.search(text):
        plain = tuple(SourceLine(number=number, text=line) for number, line in enumerate(lines, start=1))
        return (Region(kind=RegionKind.PROSE, lines=plain),)
    _mark_tags(lines, marks)
    _mark_long_spans(lines, marks)
    if _BLOCK_MARK.search(text):
        _mark_markdown(lines, marks)
    return _gathered(lines, marks)


@dataclass(frozen=True, slots=True)
class _Mark:
    """What the markup says of one line."""

    kind: RegionKind
    block: int  #: lines of one fence share it
    text: str  #: the line without the markup
    info: str = ""
    indented: bool = False


_Marks = list[_Mark | None]


@cache
def _parser() -> MarkdownIt:
    # Inline markup is not needed, and tables, HTML and references only cost time.
    parser = MarkdownIt("commonmark")
    parser.core.ruler.enableOnly(["normalize", "block"])
    parser.block.ruler.enableOnly(["code", "fence", "blockquote", "list", "paragraph"])
    return parser


def _mark_markdown(lines: list[str], marks: _Marks) -> None:
    apart, places = with_marks_apart(lines)
    for block, token in enumerate(_parser().parse("\n".join(apart)), start=len(lines)):
        if token.map is None or token.type not in ("fence", "code_block"):
            continue
        spanned = places[token.map[0] : min(token.map[1], len(apart))]
        if any(place is not None and marks[place] is not None for place in spanned):
            continue
        content = token.content.removesuffix("\n").split("\n")
        if token.type == "code_block":
            # Not a region of its own: of code that nobody marked, Markdown takes the bodies for code and leaves
            # the heads above them.
            for place in (place for place in spanned if place is not None):
                marks[place] = _Mark(RegionKind.PROSE, -1, lines[place], indented=True)
            continue
        found = _fence_marks(content, info=token.info.strip(), block=block)
        found += [_Mark(found[0].kind, block, "")] * (len(spanned) - len(found))
        for line, mark in zip(spanned, found, strict=False):
            if line is not None:
                marks[line] = mark


def _fence_marks(content: list[str], *, info: str, block: int) -> list[_Mark]:
    """Marks for the opening line of a fence and its content."""
    word = info.split(" ")[0].lower().strip("{}.")
    opening = statement_behind(info)
    if opening == info:
        word = ""
    return [_Mark(RegionKind.CODE, block, text, word) for text in [opening, *content]]


def _mark_tags(lines: list[str], marks: _Marks) -> None:
    inside: RegionKind | None = None
    block = 0
    for index, line in enumerate(lines):
        if inside is None:
            if "[" not in line and "<" not in line:
                continue
            inside, block = _opened(line), index
        if inside is None:
            continue
        text = _TAG.sub("", line) if inside is RegionKind.CODE else line
        marks[index] = _Mark(inside, block, text)
        closes = _QUOTE_CLOSE if inside is RegionKind.QUOTE else _TAG_CLOSE
        if closes.search(line):
            inside = None


def _mark_long_spans(lines: list[str], marks: _Marks) -> None:
    """Code between single backticks that goes over several lines: people take them for a fence."""
    index = 0
    while index < len(lines):
        start, index = index, index + 1
        if marks[start] is not None or lines[start].count("`") % 2 == 0 or not _SPAN_OPEN.match(lines[start]):
            continue
        ends = range(start + 1, min(len(lines), start + _LONGEST_SPAN))
        end = next((place for place in ends if lines[place].count("`") % 2), None)
        if end is None or any("```" in line for line in lines[start : end + 1]):
            continue
        for place in range(start, end + 1):
            marks[place] = _Mark(RegionKind.CODE, start, lines[place].replace("`", ""))
        index = end + 1


def _opened(line: str) -> RegionKind | None:
    if _QUOTE_OPEN.match(line):
        return RegionKind.QUOTE
    opening = _TAG_OPEN.search(line)
    return RegionKind.CODE if opening and not _TAG_CLOSE.search(line, opening.end()) else None


def _gathered(lines: list[str], marks: _Marks) -> tuple[Region, ...]:
    found: list[Region] = []
    run: list[SourceLine] = []
    current = _mark_of(lines[0], marks[0])
    for number, (line, given) in enumerate(zip(lines, marks, strict=True), start=1):
        mark = _mark_of(line, given)
        if (mark.kind, mark.block) != (current.kind, current.block):
            found.append(Region(kind=current.kind, lines=tuple(run), info=current.info))
            run, current = [], mark
        run.append(SourceLine(number=number, text=mark.text, indented=mark.indented))
    found.append(Region(kind=current.kind, lines=tuple(run), info=current.info))
    return tuple(found)


def _mark_of(line: str, mark: _Mark | None) -> _Mark:
    if mark is not None:
        return mark
    if line.startswith(">") and not line.startswith(">>>"):
        return _Mark(RegionKind.QUOTE, -1, _QUOTE_SIGNS.sub("", line))
    return _Mark(RegionKind.PROSE, -1, line)
