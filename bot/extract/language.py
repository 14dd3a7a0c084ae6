"""Which language a post is written in, by the share of scripts, its code left out."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.domain.post import Language
from bot.domain.snippet import QuotedError
from bot.extract.messages import known_message

_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]")
_KANA_OR_HANGUL = re.compile("[\u3040-\u30ff\uac00-\ud7af]")
_ERROR_TYPE = re.compile(r"\b[A-Z]\w*(?:Error|Exception|Warning)\b")
_LATIN_WORD = re.compile(r"[A-Za-z][a-z']+")

#: A Chinese sentence about code is full of Latin names; this many words weigh as much as one character.
_WORDS_PER_CHARACTER = 2.5


#: So few words of English say less about an asker than a title does.
_FEW_WORDS = 12


def spoken_in(prose: str, title: str, comments: str, *, quoted: Sequence[QuotedError] = ()) -> Language:
    """The language that the asker writes: of the sentences, or of the title and the comments in the code where the
    sentences are few.

    What torch says in the `quoted` errors is English whoever quotes it, and does not count.
    """
    told = _without(prose, quoted)
    spoken = language_of(told)
    if spoken is Language.CHINESE or len(_LATIN_WORD.findall(told)) > _FEW_WORDS:
        return spoken or Language.ENGLISH
    if title and (named := language_of(_without(f"{told}\n{title}", quoted))) is Language.CHINESE:
        return named
    return spoken or language_of(_without(title, quoted)) or language_of(comments) or Language.ENGLISH


def _without(text: str, quoted: Sequence[QuotedError]) -> str:
    for error in quoted:
        if error.message:
            text = text.replace(error.message, " ")
    return _ERROR_TYPE.sub(" ", _known_rest(text))


def _known_rest(text: str) -> str:
    """The text without torch's own messages, to the end of what cannot be a Chinese sentence."""
    lines = []
    for line in text.split("\n"):
        found = known_message(line)
        rest = _HAN.search(line, found.end()) if found else None
        lines.append(line if found is None else line[: found.start()] + (line[rest.start() :] if rest else ""))
    return "\n".join(lines)


def language_of(prose: str) -> Language | None:
    """The language of the sentences, or None when there is nothing to tell it by."""
    han = len(_HAN.findall(prose))
    words = len(_LATIN_WORD.findall(prose))
    if not han and not words:
        return None
    if len(_KANA_OR_HANGUL.findall(prose)) > 0.1 * han + 2:
        return Language.ENGLISH
    return Language.CHINESE if han * _WORDS_PER_CHARACTER >= words and han >= 2 else Language.ENGLISH
