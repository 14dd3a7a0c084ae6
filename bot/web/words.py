"""Every sentence of the pages, in one catalogue for each language: `catalogue/en.toml`, `catalogue/zh.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from bot.domain.post import Language

FOLDER = Path(__file__).parent / "catalogue"


def say(language: Language, key: str, **gaps: object) -> str:
    """The text of this name, its {gaps} filled. Raises `KeyError` when there is none: a test finds those."""
    text = catalogue(language)[key]
    return text.format(**gaps) if gaps else text


@lru_cache(maxsize=len(Language))
def catalogue(language: Language) -> Mapping[str, str]:
    """All texts of a language by their dotted names."""
    file = FOLDER / f"{language.value}.toml"
    return dict(_flat(tomllib.loads(file.read_text(encoding="utf-8"))))


def language(chosen: str | None, accepted: str) -> Language:
    """The language that was chosen, or that the browser's Accept-Language likes best of ours; else English."""
    for language in Language:
        if chosen == language.value:
            return language
    best = max(_accepted(accepted), default=(0.0, ""))
    return Language.CHINESE if best[1] == "zh" else Language.ENGLISH


def _accepted(header: str) -> Iterator[tuple[float, str]]:
    """Each of our languages in the header, with how much it is liked; the first of equals wins."""
    ours = {language.value for language in Language}
    for place, part in enumerate(header[:200].split(",")):
        name, _, quality = part.strip().partition(";q=")
        try:
            liked = float(quality or 1)
        except ValueError:
            continue
        if (code := name.split("-")[0].lower()) in ours:
            yield liked - place / 1000, code


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in table.items():
        if isinstance(value, str):
            yield prefix + name, value
        else:
            yield from _flat(value, f"{prefix}{name}.")
