"""Characters that word processors, input methods, terminals and web pages put into code."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from functools import lru_cache

from bot.source import LONGEST_LINE, parses

_COLOUR_CODE = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|\[(?:\d{1,2};){0,3}\d{1,2}m")
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060\ufeff\u00ad]")
_ODD_SPACE = re.compile("[\u00a0\u2000-\u200a\u202f\u205f\u3000]")
_ENTITY = re.compile(r"&(?:lt|gt|amp|quot|apos|nbsp|#\d{1,6}|#x[0-9a-fA-F]{1,5});")

_OPENING = "“”„‟″«»＂"
_LEFT = "“‘«„"
_SINGLE = "‘’‚‛′´＇"
_PUNCTUATION = str.maketrans(
    {
        "，": ",", "。": ".", "：": ":", "；": ";", "（": "(", "）": ")", "【": "[", "】": "]",
        "［": "[", "］": "]", "｛": "{", "｝": "}", "＝": "=", "＋": "+", "－": "-", "＊": "*", "／": "/",
        "＜": "<", "＞": ">", "＿": "_", "＃": "#", "％": "%", "＠": "@", "、": ",", "．": ".", "！": "!",
        "–": "-", "—": "-", "−": "-", "×": "*", "∗": "*", "…": "...", "～": "~", "｜": "|", "＆": "&",
        "≤": "<=", "≥": ">=", "≠": "!=",
        **{chr(0xFF10 + digit): str(digit) for digit in range(10)},
        **{chr(0xFF21 + letter): chr(ord("A") + letter) for letter in range(26)},
        **{chr(0xFF41 + letter): chr(ord("a") + letter) for letter in range(26)},
    }
)  # fmt: skip
#: Where a comment or a string begins, of straight quotes or curly ones.
_STARTS_TEXT = re.compile("[#\"'" + _OPENING + _SINGLE + "]")
_STRAIGHT = {quote: re.compile(rf"{quote}(?:\\.|[^{quote}\\])*{quote}") for quote in "\"'"}
_DAMAGED = re.compile("[" + re.escape("".join(map(chr, _PUNCTUATION)) + _OPENING + _SINGLE) + "]")
#: Python takes ｘ for x, and shows it as it stands: whoever compares names of lines would not.
_WIDE_NAME = re.compile("[\uff10-\uff19\uff21-\uff3a\uff41-\uff5a]")
_ODD_IN_ASCII = re.compile(r"[\t&\\]|\*\*")
_ESCAPED = re.compile(r"\\([*_\[\]#])")
_BOLD_DUNDER = re.compile(r"\*\*(init|call|getitem|len|main|name|str|repr|enter|exit|iter|next)\*\*")


@dataclass(frozen=True, kw_only=True, slots=True)
class Mended:
    """A line of code with its characters put right."""

    text: str
    changes: tuple[tuple[str, str], ...] = ()  #: what stood there, what stands there now


def without_invisibles(text: str) -> str:
    """The text with plain spaces and line ends, and without zero-width characters and colour codes.

    Lines keep their numbers.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "").replace("\x0c", " ")
    if "[" in text:
        text = _COLOUR_CODE.sub("", text)
    return text if text.isascii() else _ODD_SPACE.sub(" ", _INVISIBLE.sub("", text))


def mended(line: str) -> Mended:
    """The line as Python can read it: straight quotes, half-width punctuation, no entities or escapes.

    What stands inside straight strings and comments stays as it is.
    """
    if line.isascii() and not _ODD_IN_ASCII.search(line):
        return Mended(text=line)
    return _mended(line) if len(line) <= LONGEST_LINE else _put_right(line)


@lru_cache(maxsize=1024)
def _mended(line: str) -> Mended:
    # A line is asked for several times while it is read.
    return _put_right(line)


def _put_right(line: str) -> Mended:
    changes: list[tuple[str, str]] = []
    if "\t" in line:
        line = line.expandtabs(4)
    if "&" in line and _ENTITY.search(line):
        plain = html.unescape(line).replace("\u00a0", " ")
        changes.extend((entity, html.unescape(entity)) for entity in _ENTITY.findall(line))
        line = plain
    if "\\" in line and _ESCAPED.search(line) and not parses(line.strip()):
        changes.extend((f"\\{sign}", sign) for sign in dict.fromkeys(_ESCAPED.findall(line)))
        line = _ESCAPED.sub(r"\1", line)
    if "**" in line and _BOLD_DUNDER.search(line):
        changes.extend((f"**{name}**", f"__{name}__") for name in _BOLD_DUNDER.findall(line))
        line = _BOLD_DUNDER.sub(r"__\1__", line)
    if _DAMAGED.search(line) and (_WIDE_NAME.search(line) or not parses(line.strip())):
        plain = _half_width(line)
        changes.extend(_differences(line, plain))
        line = plain
    return Mended(text=line, changes=tuple(dict.fromkeys(changes)))


def _half_width(line: str) -> str:
    out: list[str] = []
    index = 0
    while match := _STARTS_TEXT.search(line, index):
        start = match.start()
        out.append(line[index:start].translate(_PUNCTUATION))
        index = start
        if line[start] == "#":
            out.append(line[start:])
            return "".join(out)
        if line[start] in "\"'":
            index = _end_of_string(line, start)
            out.append(line[start:index])
        else:
            text, index = _curly_string(line, start)
            out.append(text)
    out.append(line[index:].translate(_PUNCTUATION))
    return "".join(out)


def _end_of_string(line: str, start: int) -> int:
    """Where the straight string that starts here ends; just behind its quote when it never does."""
    quote = line[start]
    if line.find(quote, start + 1) < 0:
        return start + 1  # also a string opened straight and closed curly: 'x’
    string = _STRAIGHT[quote].match(line, start)
    return string.end() if string is not None else start + 1


def _curly_string(line: str, start: int) -> tuple[str, int]:
    """The curly string that starts here in straight quotes, and where the line goes on."""
    family = _OPENING if line[start] in _OPENING else _SINGLE
    quote = '"' if family is _OPENING else "'"
    end = _end_of_curly(line, start, family=family, quote=quote)
    if end is None:
        return quote, start + 1
    inside = line[start + 1 : end]
    if quote in inside:
        quote = '"' if quote == "'" else "'"
    return quote + inside + quote, end + 1


def _end_of_curly(line: str, start: int, *, family: str, quote: str) -> int | None:
    """Where a curly string closes: at a curly quote, or at a straight one when another curly string follows it."""
    straight: int | None = None
    for end in range(start + 1, len(line)):
        if line[end] == quote and straight is None:
            straight = end
        elif line[end] in family:
            return straight if straight is not None and line[end] in _LEFT else end
    return straight


def _differences(old: str, new: str) -> list[tuple[str, str]]:
    """Which odd characters of `old` were replaced, by what."""
    changes = []
    for sign in dict.fromkeys(_DAMAGED.findall(old)):
        if old.count(sign) == new.count(sign):
            continue
        if sign in _OPENING or sign in _SINGLE:
            changes.append((sign, '"' if sign in _OPENING else "'"))
        else:
            changes.append((sign, sign.translate(_PUNCTUATION)))
    return changes
