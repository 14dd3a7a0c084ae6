"""Code and texts as rows of a table: coloured, numbered, with what each line did beside it."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from markupsafe import Markup, escape
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexer import Lexer
from pygments.lexers import BashLexer, DiffLexer, JsonLexer, PythonLexer, PythonTracebackLexer, TextLexer

#: Longer code is shown without colours.
MOST_COLOURED = 20_000
#: Lines around a change that are shown with it.
CONTEXT = 3

_LEXERS: dict[str, type[Lexer]] = {
    **dict.fromkeys(("", "python", "py", "python3", "ipython", "auto"), PythonLexer),
    **dict.fromkeys(("bash", "sh", "console"), BashLexer),
    "json": JsonLexer,
    "diff": DiffLexer,
    "pytb": PythonTracebackLexer,
}
_KEPT = frozenset("\n\t\u200c\u200d")  # the last two join letters in some scripts, and emoji


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """Something that happened at a line."""

    kind: str  #: "print", "echo", "warning", "error", "evidence", "assumption"
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One line of a program."""

    number: int
    html: Markup
    origin: str = ""  #: where the line comes from, when it is not from the post itself
    marks: tuple[Mark, ...] = ()
    blamed: bool = False  #: the diagnosis names this line


@dataclass(frozen=True, kw_only=True, slots=True)
class DiffRow:
    """One line of a comparison."""

    kind: str  #: "same", "gone", "new" or "gap"
    old: int | None = None
    new: int | None = None
    html: Markup = field(default_factory=Markup)


def visible(text: str) -> str:
    """The text with characters that reorder or hide others written out: ⟦202E⟧."""
    if text.replace("\n", "").replace("\t", "").isprintable():  # nearly always, and much faster to find out
        return text
    return "".join(_shown(character) for character in text)


def _shown(character: str) -> str:
    if character in _KEPT or unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co"):
        return character
    return "" if character in "\r\ufeff" else f"⟦{ord(character):04X}⟧"


def ticked(text: str) -> Markup:
    """One line of ours in which `code` is marked by backticks, as HTML."""
    parts = visible(text).split("`")
    if len(parts) % 2 == 0:
        return Markup(escape("`".join(parts)))  # noqa: S704 - escaped here
    return Markup().join(
        Markup("<code>{}</code>").format(part) if place % 2 else Markup(escape(part))  # noqa: S704 - escaped here
        for place, part in enumerate(parts)
    )


@lru_cache(maxsize=256)  # one page shows the same program up to three times: in the post, as it ran, compared
def highlighted(text: str, language: str) -> str:
    """The code as HTML, escaped, with classes for its colours."""
    if len(text) > MOST_COLOURED:
        return str(escape(text))
    coloured: str = highlight(text, _lexer(language.split()[0].lower() if language.strip() else ""), _formatter())
    return coloured


def lines(text: str, language: str = "python") -> list[Markup]:
    """Each line of the code as HTML."""
    shown = visible(text).rstrip("\n")
    rows = highlighted(shown, language).split("\n")
    count = len(shown.split("\n"))
    return [Markup(row) for row in rows[:count]]  # noqa: S704 - escaped by the formatter


def diff(before: str, after: str, language: str = "python") -> list[DiffRow]:
    """What changed between two texts, with the lines around it."""
    old, new = before.rstrip("\n").split("\n"), after.rstrip("\n").split("\n")
    old_html, new_html = lines(before, language), lines(after, language)
    matcher = difflib.SequenceMatcher(a=old, b=new, autojunk=False)
    rows: list[DiffRow] = []
    last = 0
    for group in matcher.get_grouped_opcodes(CONTEXT):
        if group[0][1] > last:
            rows.append(DiffRow(kind="gap"))
        last = group[-1][2]
        for kind, a, b, c, d in group:
            if kind == "equal":
                rows += [
                    DiffRow(kind="same", old=a + step + 1, new=c + step + 1, html=_at(new_html, c + step))
                    for step in range(b - a)
                ]
                continue
            rows += [DiffRow(kind="gone", old=number + 1, html=_at(old_html, number)) for number in range(a, b)]
            rows += [DiffRow(kind="new", new=number + 1, html=_at(new_html, number)) for number in range(c, d)]
    if rows and last < len(old):
        rows.append(DiffRow(kind="gap"))
    return rows


def _at(rows: Sequence[Markup], number: int) -> Markup:
    return rows[number] if number < len(rows) else Markup()


@lru_cache(maxsize=16)
def _lexer(name: str) -> Lexer:
    # stripnl would shift the line numbers.
    lexer: Lexer = _LEXERS.get(name, TextLexer)(stripnl=False, ensurenl=False)
    return lexer


@lru_cache(maxsize=1)
def _formatter() -> HtmlFormatter[str]:
    return HtmlFormatter(nowrap=True)
