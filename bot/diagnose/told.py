"""What a post asks about, from its words alone: stricter than `wording`, for no run confirms it."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from bot.diagnose import wording
from bot.diagnose.concepts import ASKING, NAMES, SYMPTOMS, WAYS_OF_ASKING
from bot.domain.confusion import Confusion

#: Longest passage that is compared with a phrase, in characters: beyond it, words meet by chance.
LONGEST = 400
#: Most sentences that are looked at.
MOST = 30
#: Characters of a text in which its subject is spoken of, if it is at all.
FIRST = 3000
#: A phrase of so few words besides its way of asking is met by chance, unless the way of asking is the same.
FEW = 2
#: How many weights of passages are kept at hand.
MOST_WEIGHED = 5000
#: A word is a family's own when at least this share of all phrases that say it are about that family; where a run
#: confirms what the words say, a smaller share will do.
OWN = 0.3
TOUCHED = 0.15
#: How much a word counts that is in no list of concepts, or only says that somebody asks or sees something wrong.
LESS = 0.5
#: How much is taken off for what a passage says besides the phrase, at most.
BESIDES = 0.4

_SENTENCE_END = re.compile(r"(?<=[?!;。？！；])\s*|(?<=[^\s`(][.])\s*|\n+")


@dataclass(frozen=True, slots=True)
class Told:
    """An entry, how well the post's words ask about it (0 to 1), and the words that do."""

    entry: Confusion
    fit: float
    words: frozenset[str]


class Phrasebook:
    """The phrases of all entries, ready to be compared with what posts say."""

    def __init__(self, entries: Iterable[Confusion]) -> None:
        self._entries = tuple(entries)
        self._asked = {entry.name: _said(sum(entry.asked_as.values(), ())) for entry in self._entries}
        self._not_this = {entry.name: _said(entry.not_this) for entry in self._entries}
        self._said_by_all = Counter(word for entry in self._entries for word in self._every(entry))
        total = len(self._entries)
        counts: dict[str, int] = {}
        for phrases in self._asked.values():
            for word in frozenset().union(*phrases):
                counts[word] = counts.get(word, 0) + 1
        # What half of all entries speak of weighs as little as can be, and a single rare word cannot decide alone.
        most = math.log(1 + total / 2)
        self._weights = {word: _factor(word) * min(most, math.log(1 + total / n)) for word, n in counts.items()}
        self._known = {name: frozenset().union(*phrases) for name, phrases in self._asked.items()}
        self._weighed: dict[frozenset[str], float] = {}
        self._own = {entry.name: self._words_of(entry, share=OWN) for entry in self._entries}
        self._touched = {entry.name: self._words_of(entry, share=TOUCHED) for entry in self._entries}

    def _words_of(self, entry: Confusion, *, share: float) -> frozenset[str]:
        """The subject's words of an entry that are mostly about its family."""
        of_family = Counter(w for one in self._entries if one.family == entry.family for w in self._every(one))
        return frozenset(
            word for word in _subject(self._asked[entry.name]) if of_family[word] >= share * self._said_by_all[word]
        )

    def _every(self, entry: Confusion) -> list[str]:
        return [word for phrase in self._asked[entry.name] for word in phrase]

    def touches(self, entry: Confusion, text: str) -> bool:
        """Whether a text says a word of the entry's own subject, or a symptom that its phrases name."""
        seen = SYMPTOMS & frozenset().union(*self._asked[entry.name])
        return not wording.words(text[:FIRST]).isdisjoint(self._touched[entry.name] | seen)

    def fit(self, entry: Confusion, text: str) -> float:
        """How well a text says what the entry is asked, from 0 to 1, where a run confirms it."""
        if not self.touches(entry, text):
            return 0.0
        heard = _heard(text)
        best = self._most(self._asked[entry.name], heard)
        return best if best > self._most(self._not_this[entry.name], heard) else 0.0

    def ranking(self, title: str, prose: str, *, asks: Callable[[str], bool]) -> list[Told]:
        """Every entry that the post may ask about, the best first. `asks` says whether a sentence asks anything."""
        passages = _passages(title, prose, asks)
        found = [
            told
            for entry in self._entries
            if (told := self._best(entry, passages)).fit > self._most(self._not_this[entry.name], passages)
        ]
        return sorted(found, key=lambda told: (-told.fit, told.entry.name))

    def _best(self, entry: Confusion, passages: Sequence[frozenset[str]]) -> Told:
        best = Told(entry, 0.0, frozenset())
        for said in passages:
            for phrase in self._asked[entry.name]:
                fit = self._fit(said, phrase, known=self._known[entry.name])
                both = said & phrase
                if fit > best.fit and _enough(both) and not self._own[entry.name].isdisjoint(both):
                    best = Told(entry, fit, said & phrase)
        return best

    def _most(self, phrases: Sequence[frozenset[str]], passages: Sequence[frozenset[str]]) -> float:
        every = frozenset().union(*phrases)
        near = [said for said in passages if len(said & every) > 1]
        return max((self._fit(said, phrase) for said in near for phrase in phrases), default=0.0)

    def _fit(self, said: frozenset[str], phrase: frozenset[str], *, known: frozenset[str] = frozenset()) -> float:
        """The share of a phrase that a passage says, less for what else it says, but for what is `known` of the entry."""
        both = said & phrase
        if len(both) < 2 or (len(phrase - ASKING) <= FEW and phrase & ASKING and not both & ASKING):
            return 0.0
        whole, shared = self._weight(phrase), self._sum(both)
        besides = self._weight(said - known - both)
        return shared / whole * (1 - BESIDES * min(1.0, besides / (3 * whole)))

    def _weight(self, words: frozenset[str]) -> float:
        """The weight of a phrase or a passage, which many comparisons ask for."""
        known = self._weighed.get(words)
        if known is None:
            if len(self._weighed) > MOST_WEIGHED:
                self._weighed.clear()
            known = self._weighed[words] = self._sum(words)
        return known

    def _sum(self, words: frozenset[str]) -> float:
        return sum(self._weights.get(word, LESS) for word in words)


def _enough(words: frozenset[str]) -> bool:
    """Whether words name two concepts, or are many: one concept beside any other word is said of many matters."""
    return len(words & NAMES) > 1 or len(words) > FEW + 1


def _said(phrases: Iterable[str]) -> tuple[frozenset[str], ...]:
    return tuple(wording.words(phrase) for phrase in phrases)


def _subject(phrases: Sequence[frozenset[str]]) -> frozenset[str]:
    """The concepts of an entry's phrases, and the other words that stand in more than one of them."""
    everything = [word for phrase in phrases for word in phrase]
    return (
        frozenset(word for word in everything if word in NAMES or everything.count(word) > 1)
        - WAYS_OF_ASKING
        - SYMPTOMS
    )


def _factor(word: str) -> float:
    return 1.0 if word in NAMES and word not in WAYS_OF_ASKING | SYMPTOMS else LESS


@lru_cache(maxsize=32)
def _heard(text: str) -> tuple[frozenset[str], ...]:
    """The words of every passage of a text whose first line is a title: the same for all entries."""
    title, _, prose = text.partition("\n")
    return tuple(_passages(title, prose, bool))


def _passages(title: str, prose: str, asks: Callable[[str], bool]) -> list[frozenset[str]]:
    """The words of the title, of each sentence that asks, alone and with the title, and with the sentence before it."""
    sentences = [part.strip() for part in _SENTENCE_END.split(prose) if part.strip()][:MOST]
    asking = [asks(sentence) for sentence in sentences]
    passages: list[tuple[str, ...]] = [(title,)] if title.strip() else []
    for place, sentence in enumerate(sentences):
        if asking[place]:
            passages += [(sentence,), (title, sentence)]
        if place and (asking[place] or asking[place - 1]):
            passages.append((sentences[place - 1], sentence))
    short = (parts for parts in passages if sum(map(len, parts)) + len(parts) - 1 <= LONGEST)
    return list(dict.fromkeys(frozenset().union(*map(wording.words, parts)) for parts in short))
