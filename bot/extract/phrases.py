"""Looking for many words at once, fast enough for every post of a forum."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

#: An apostrophe belongs to a word only within it: elsewhere it is a quotation mark.
_BETWEEN_WORDS = re.compile(r"[^a-z0-9_']+|(?<![a-z0-9_])'+|'+(?![a-z0-9_])")


@dataclass(frozen=True)
class Words:
    """A text prepared for looking words up in it."""

    text: str

    @cached_property
    def lower(self) -> str:
        """The text in lower case, with straight apostrophes."""
        return self.text.lower().replace("’", "'")

    @cached_property
    def padded(self) -> str:
        """Its Latin words with one space before and behind each."""
        return f" {_BETWEEN_WORDS.sub(' ', self.lower)} "

    @cached_property
    def single(self) -> frozenset[str]:
        """Its Latin words."""
        return frozenset(self.padded.split())


class Phrases:
    """A list of words and phrases.

    `why`, `how do`: whole words, in this order. `confus*`: the beginning of a word. `*grad*`: anywhere.
    `为什么`, `?`, `no_grad.`: what holds a sign that no Latin word has is looked for as it stands.
    `patterns` are regular expressions for lower-case text, for what no list of words can say.
    """

    def __init__(self, *phrases: str, patterns: tuple[str, ...] = ()) -> None:
        latin = [phrase for phrase in phrases if re.fullmatch(r"[a-z0-9_' ]+\*?", phrase)]
        self._single = frozenset(phrase for phrase in latin if " " not in phrase and "*" not in phrase)
        self._padded = tuple(
            f" {phrase[:-1]}" if phrase.endswith("*") else f" {phrase} "
            for phrase in latin
            if phrase not in self._single
        )
        self._plain = tuple(phrase.strip("*") for phrase in phrases if phrase not in latin)
        self._patterns = tuple(re.compile(pattern, re.MULTILINE) for pattern in patterns)

    def found_in(self, words: Words) -> bool:
        """Whether any of the phrases stands in the text."""
        if not self._single.isdisjoint(words.single):
            return True
        padded, lower = words.padded, words.lower
        for phrase in self._padded:
            if phrase in padded:
                return True
        for phrase in self._plain:
            if phrase in lower:
                return True
        return any(pattern.search(lower) for pattern in self._patterns)
