"""What makes a function a word of `[seen]`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bot.diagnose.view import Found, View

Signal = Callable[[View, Any], "Found | None"]
#: The words, by name. Filled by importing `bot.diagnose.words.*`; see `bot/diagnose/signals.py`.
WORDS: dict[str, Signal] = {}


def word(function: Signal) -> Signal:
    """Make a function a word of the vocabulary; its name is the word, without a trailing underscore."""
    WORDS[function.__name__.removesuffix("_")] = function
    return function


def listed(value: Any) -> tuple[str, ...]:
    """One string or a list of them, as a tuple."""
    return (value,) if isinstance(value, str) else tuple(value)
