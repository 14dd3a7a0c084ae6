"""Sentences that the program wrote into its records, in the visitor's language.

Evidence, assumptions and reasons are kept as English lines that anybody can read in the database, in
`--json` and in the log. `catalogue/sentences.zh.toml` holds each with its {gaps} and how it is said in
Chinese. What a person, a program or torch has said is in no catalogue, and stays as it is.
"""

from __future__ import annotations

import re
import string
import tomllib
from dataclasses import dataclass
from functools import lru_cache

from bot.domain.post import Language
from bot.web import words

#: Gaps that stand for a number alone: so "5 posted" is a sentence of ours, and "nothing posted" is none.
NUMBERS = frozenset({"number", "line", "other_line", "seconds", "most"})
#: Gaps that hold a sentence, or a word, of ours again.
NESTED = frozenset({"reason", "source", "kind"})
#: Gaps that hold the value of an enum which the page has a name for.
NAMED = {"state": "state", "other_state": "state", "outcome": "outcome"}
#: Sentences are short. What is longer holds somebody's text, and is looked through no further.
_LONGEST = 1000


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence with gaps, and how it is said in another language."""

    pattern: re.Pattern[str]
    said: str
    literal: int  #: characters outside its gaps: of two sentences that fit, the one with more is meant


def in_language(text: str, language: Language) -> str:
    """The line in this language; unchanged when it is no sentence of ours."""
    return text if language is Language.ENGLISH or len(text) > _LONGEST else _found(text.strip(), language) or text


def each_in_language(text: str, language: Language, *, between: str) -> str:
    """A line of several sentences, each in this language."""
    joined = {Language.ENGLISH: between, Language.CHINESE: "，" if between == ", " else "；"}[language]
    return joined.join(in_language(part, language) for part in text.split(between))


@lru_cache(maxsize=4096)
def _found(text: str, language: Language) -> str | None:
    whole, with_gaps = _catalogue(language)
    if text in whole:
        return whole[text]
    for sentence in with_gaps:
        if found := sentence.pattern.fullmatch(text):
            filled = {name: _filled(name, value, language) for name, value in found.groupdict().items()}
            return sentence.said.format(**filled)
    return None


def _filled(gap: str, value: str, language: Language) -> str:
    if gap in NAMED:
        return words.catalogue(language).get(f"{NAMED[gap]}.{value}", value)
    return in_language(value, language) if gap in NESTED else value


@lru_cache(maxsize=len(Language))
def _catalogue(language: Language) -> tuple[dict[str, str], list[Sentence]]:
    """The sentences without gaps, and those with some, the most telling first."""
    pairs = sentences(language)
    whole = {english: said for english, said in pairs.items() if "{" not in english}
    with_gaps = [_sentence(english, said) for english, said in pairs.items() if "{" in english]
    return whole, sorted(with_gaps, key=lambda sentence: -sentence.literal)


def sentences(language: Language) -> dict[str, str]:
    """Every English sentence with its gaps, and how it is said in this language."""
    file = words.FOLDER / f"sentences.{language.value}.toml"
    sections = tomllib.loads(file.read_text(encoding="utf-8"))
    return {english: said for section in sections.values() for english, said in section.items()}


def _sentence(english: str, said: str) -> Sentence:
    parts = [(literal, gap) for literal, gap, _, _ in string.Formatter().parse(english)]
    pattern = "".join(re.escape(literal) + (_gap(gap) if gap else "") for literal, gap in parts)
    return Sentence(re.compile(pattern, re.DOTALL), said, literal=sum(len(literal) for literal, _ in parts))


def _gap(name: str) -> str:
    return rf"(?P<{name}>\d+(?:\.\d+)?)" if name in NUMBERS else f"(?P<{name}>.+?)"
