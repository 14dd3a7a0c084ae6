"""Finds entries by words, those first that are about them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from bot.chinese import in_simplified
from bot.diagnose.match import wordings_of
from bot.domain.confusion import Confusion

#: How much it says about an entry that a word stands in its name, its title, how people ask, a message, an explanation.
_WEIGHTS = (16, 12, 8, 3, 1)
_SEPARATOR = r"[-_\s]?"


def found(entries: Iterable[Confusion], words: Sequence[str]) -> list[Confusion]:
    """The entries that speak of every word, the most telling first; of as many words as any does, where none has all.

    Hyphens, underscores and spaces do not matter, nor capitals; a word may be the beginning of a longer one.
    """
    patterns = [_pattern(word) for word in words if re.search(r"\w", word)]
    whole = _pattern("".join(words)) if patterns else None
    scored = [(entry, _scores(entry, patterns)) for entry in entries]
    most = max((sum(score > 0 for score in scores) for _, scores in scored), default=0)
    hits = [(entry, sum(scores)) for entry, scores in scored if most and sum(score > 0 for score in scores) == most]

    def telling(hit: tuple[Confusion, int]) -> tuple[bool, int, str]:
        called_so = whole is not None and whole.match(hit[0].name) is not None
        return not called_so, -hit[1], hit[0].name

    return [entry for entry, _ in sorted(hits, key=telling)]


def _scores(entry: Confusion, patterns: Sequence[re.Pattern[str]]) -> list[int]:
    """For each word, how telling the places are where it stands; 0 where it stands in none."""
    asked = [phrase for phrases in entry.asked_as.values() for phrase in phrases]
    fields = (
        entry.name,
        "\n".join(entry.title.values()),
        "\n".join(asked),
        "\n".join(wordings_of(entry)),
        "\n".join(entry.explain.values()),
    )
    return [
        sum(weight for weight, text in zip(_WEIGHTS, fields, strict=True) if pattern.search(text))
        for pattern in patterns
    ]


def _pattern(word: str) -> re.Pattern[str]:
    letters = re.sub(r"[-_\s]", "", in_simplified(word))
    begins = r"(?<![^\W_])" if letters.isascii() and letters[0].isalnum() else ""
    return re.compile(begins + _SEPARATOR.join(map(re.escape, letters)), re.IGNORECASE)
