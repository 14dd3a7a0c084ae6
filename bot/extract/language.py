"""Which language a post is written in, by the share of scripts, its code left out."""

from __future__ import annotations

import re

from bot.domain.post import Language

_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]")
_KANA_OR_HANGUL = re.compile("[\u3040-\u30ff\uac00-\ud7af]")
_LATIN_WORD = re.compile(r"[A-Za-z][a-z']+")

#: A Chinese sentence about code is full of Latin names; this many words weigh as much as one character.
_WORDS_PER_CHARACTER = 2.5


def language_of(prose: str) -> Language | None:
    """The language of the sentences, or None when there is nothing to tell it by."""
    han = len(_HAN.findall(prose))
    words = len(_LATIN_WORD.findall(prose))
    if not han and not words:
        return None
    if len(_KANA_OR_HANGUL.findall(prose)) > 0.1 * han + 2:
        return Language.ENGLISH
    return Language.CHINESE if han * _WORDS_PER_CHARACTER >= words and han >= 2 else Language.ENGLISH
