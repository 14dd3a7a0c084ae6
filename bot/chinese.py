"""Chinese in its two orthographies: what is read in traditional characters is compared in simplified ones."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import opencc

#: Characters of a text that tell its orthography.
_ENOUGH = 2000


def is_traditional(text: str) -> bool:
    """Whether more of its characters are traditional alone than simplified alone."""
    if text.isascii():
        return False
    beginning = text[:_ENOUGH]
    return _changed(beginning, by="t2s") > _changed(beginning, by="s2t")


def _changed(text: str, *, by: str) -> int:
    return sum(old != new for old, new in zip(text, _converter(by).convert(text), strict=False))


def in_simplified(text: str) -> str:
    """The text as it is compared: in simplified characters, whichever its own are."""
    return simplified(text) if is_traditional(text) else text


def simplified(text: str) -> str:
    """The text in simplified characters, with the words that are usual beside them (程式 becomes 程序)."""
    return str(_converter("tw2sp").convert(text))


def traditional(text: str) -> str:
    """The text in traditional characters, with the words that are usual beside them in Taiwan (程序 becomes 程式)."""
    return str(_converter("s2twp").convert(text))


@lru_cache(maxsize=4)
def _converter(name: str) -> opencc.OpenCC:
    import opencc  # noqa: PLC0415 - most posts never need its dictionaries

    return opencc.OpenCC(name)
