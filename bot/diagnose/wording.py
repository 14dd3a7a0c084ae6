"""Comparing words: torch's messages whatever their numbers, and a post's sentences with an entry's phrases."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import SequenceMatcher
from functools import lru_cache

from rapidfuzz import fuzz

from bot.diagnose.concepts import CONCEPTS

_NUMBER = re.compile(r"\d+(?:\.\d+)?(?:e[+-]?\d+)?")
_SHAPE = re.compile(r"\[[\d,\s]*\]|torch\.size\(\[?[\d,\s]*\]?\)|\((?:\d+,?\s*)+\)", re.IGNORECASE)
#: How the names of a graph's nodes end, in some releases: "SplitBackward0", "Split".
_NODE = re.compile(r"(?<=[a-z])backward\d*\b")
_QUOTED = re.compile(r"'([^' ]+)'")
_QUOTES = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "，": ",", "。": ".", "：": ":", "（": "(", "）": ")"})


@lru_cache(maxsize=4096)
def masked(message: str) -> str:
    """A message without its numbers, shapes, quotation style and line breaks, to compare what it says."""
    text = message.translate(_QUOTES).lower()
    text = _NODE.sub("", text)
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
#: Lines, and characters of each, that are compared letter by letter: comparing costs their number.
_MOST = 20
_LONGEST = 2000


class Wordings:
    """The wordings of many entries, ready to be looked for in the lines of posts."""

    def __init__(self, wordings: Iterable[tuple[str, str]]) -> None:
        """`wordings` are the name of an entry and one of its messages, for each of them."""
        known = [(name, masked(text), _quoted_in(text)) for name, text in wordings]
        self._known = [(name, text, frozenset(text.split()), quoted) for name, text, quoted in known]
        self._words = frozenset().union(*(words for _, _, words, _ in self._known))

    def in_lines(self, lines: Iterable[str]) -> dict[str, str]:
        """The entries of which a wording stands in one of the lines, and that line.

        Only where none stands in them as it is, those of which one nearly does: misspelt, cut, with marks in between.
        """
        held: dict[str, str] = {}
        for line in lines:
            held.setdefault(masked(line), line)
        everything = "\n".join(held)
        found: dict[str, str] = {}
        for name, text, _, _ in self._known:
            if name not in found and text in everything:
                found[name] = next(line for key, line in held.items() if text in key)
        return found or self._nearly(held)

    def _nearly(self, held: dict[str, str]) -> dict[str, str]:
        best: dict[str, tuple[float, str]] = {}
        likely = [(key, line) for key, line in held.items() if len(key) >= _LONG_ENOUGH]
        for key, line in likely[:_MOST]:
            words = self._words.intersection(key.split())
            said = frozenset(key.split())
            for name, text, own, quoted in self._known:
                if not quoted <= said:
                    continue
                # Most words of the shorter one must stand in the other: comparing letters costs much more.
                if len(text) < _LONG_ENOUGH or 2 * len(words & own) < min(len(said), len(own)):
                    continue
                short, long = sorted((text, key[:_LONGEST]), key=len)
                ratio = fuzz.partial_ratio(short, long, score_cutoff=_NEARLY)
                if ratio > best.get(name, (0.0, ""))[0]:
                    best[name] = ratio, line
        return {name: line for name, (_, line) in best.items()}


def _quoted_in(wording: str) -> frozenset[str]:
    """The names that a message puts in quotation marks: with another name it is another message."""
    return frozenset(masked(name) for name in _QUOTED.findall(wording))


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


#: Of longer ones, only so much is compared.
_MOST_OF_A_TITLE = 300
_MOST_OF_A_MESSAGE = 600


def without_part_of(message: str, title: str) -> str:
    """A title without the longest part that it shares with a message, letter for letter and whatever their case, where
    that is too much to be chance."""
    matcher = SequenceMatcher(
        None, title[:_MOST_OF_A_TITLE].lower(), message[:_MOST_OF_A_MESSAGE].lower(), autojunk=False
    )
    place, _, length = matcher.find_longest_match()
    return f"{title[:place]} {title[place + length :]}" if length >= _LONG_ENOUGH else title


_WORD = re.compile(r"[a-z_][a-z0-9_.]*[a-z0-9_]|[a-z]|[一-鿿]+")
_STOP = frozenset(
    "a an the is are was be to of in on at for and or it its i you my me we this that these with as do does did not no "
    "can could would should will there here if when then than so but by from have has had get gets got am been just "
    "的 了 是 在 我 你 他 它 们 这 那 和 与 就 也 都 呢 吗 吧 啊 请 请问 一个 这个 那个 什么 可以 能 会 要 有 对 后 把 用".split()
)


@lru_cache(maxsize=4096)
def words(text: str) -> frozenset[str]:
    """The content of a sentence: shared concepts of both languages, words, and pairs of Chinese characters."""
    spoken_of = [(name, pattern) for name, pattern in CONCEPTS if pattern.search(text)]
    found = {name for name, _ in spoken_of}
    rest = text.lower()
    for _, pattern in spoken_of:
        rest = pattern.sub(" ", rest)
    for word in _WORD.findall(rest):
        if "一" <= word[0] <= "鿿":
            found.update(
                word[place : place + 2] for place in range(len(word) - 1) if word[place : place + 2] not in _STOP
            )
        elif word not in _STOP:
            found.add(word.rstrip("s") if len(word) > 3 else word)
    return frozenset(found)
