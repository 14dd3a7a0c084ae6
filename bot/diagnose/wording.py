"""Comparing words: torch's messages whatever their numbers, and a post's sentences with an entry's phrases."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from rapidfuzz import fuzz

from bot.diagnose.concepts import CONCEPTS

_NUMBER = re.compile(r"\d+(?:\.\d+)?(?:e[+-]?\d+)?")
_SHAPE = re.compile(r"\[[\d,\s]*\]|torch\.size\(\[?[\d,\s]*\]?\)|\((?:\d+,?\s*)+\)", re.IGNORECASE)
_QUOTES = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "，": ",", "。": ".", "：": ":", "（": "(", "）": ")"})


@lru_cache(maxsize=4096)
def masked(message: str) -> str:
    """A message without its numbers, shapes, quotation style and line breaks, to compare what it says."""
    text = message.translate(_QUOTES).lower()
    text = _SHAPE.sub("#", text)
    text = _NUMBER.sub("#", text)
    return " ".join(re.sub(r"[`*_\"']", "", text).split())


def says(message: str, wordings: Iterable[str]) -> bool:
    """Whether a message contains one of these wordings, numbers and shapes apart."""
    text = masked(message)
    return any(masked(wording) in text for wording in wordings)


#: A shorter wording must stand in a text letter by letter; a longer one may be misspelt or cut within.
_LONG_ENOUGH = 28
_NEARLY = 90.0


def nearness(text: str, wordings: Iterable[str]) -> float:
    """How nearly a text holds one of these wordings: 1 as it stands, less with typing errors or marks in between, else 0."""
    held = masked(text)
    best = 0.0
    for wording in map(masked, wordings):
        if wording in held:
            return 1.0
        if min(len(wording), len(held)) >= _LONG_ENOUGH and _share_words(wording, held):
            short, long = sorted((wording, held), key=len)
            best = max(best, fuzz.partial_ratio(short, long, score_cutoff=_NEARLY) / 100)
    return best


def _share_words(one: str, other: str) -> bool:
    """Whether most words of the shorter text stand in the other: comparing letters costs much more."""
    short, long = sorted((_split(one), _split(other)), key=len)
    return 2 * len(short & long) >= len(short)


@lru_cache(maxsize=4096)
def _split(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: Fewer characters are not a part of a message that tells it from others.
_A_FEW_WORDS = 12


def same_message(reported: str, observed: str) -> bool:
    """Whether a quoted message and an observed one are the same, cut or not."""
    one, other = masked(reported), masked(observed)
    if not one or not other:
        return False
    short, long = sorted((one, other), key=len)
    if len(short) < _A_FEW_WORDS:
        return short == long  # a word or a number stands in many messages
    return short in long or (len(short) > 40 and long.startswith(short[:40]))


_WORD = re.compile(r"[a-z_][a-z0-9_.]*[a-z0-9_]|[a-z]|[一-鿿]+")
_STOP = frozenset(
    "a an the is are was be to of in on at for and or it its i you my me we this that these with as do does did not no "
    "can could would should will there here if when then than so but by from have has had get gets got am been just "
    "的 了 是 在 我 你 他 它 们 这 那 和 与 就 也 都 呢 吗 吧 啊 请 请问 一个 这个 那个 什么 可以 能 会 要 有 对 后 把 用".split()
)


@lru_cache(maxsize=4096)
def words(text: str) -> frozenset[str]:
    """The content of a sentence: shared concepts of both languages, words, and pairs of Chinese characters."""
    found = {name for name, pattern in CONCEPTS if pattern.search(text)}
    rest = text.lower()
    for _, pattern in CONCEPTS:
        rest = pattern.sub(" ", rest)
    for word in _WORD.findall(rest):
        if "一" <= word[0] <= "鿿":
            found.update(
                word[place : place + 2] for place in range(len(word) - 1) if word[place : place + 2] not in _STOP
            )
        elif word not in _STOP:
            found.add(word.rstrip("s") if len(word) > 3 else word)
    return frozenset(found)
