"""Strangers' words on a terminal: never read as markup, and what would steer it is shown as a mark."""

from __future__ import annotations

import re
from typing import Any

from rich.text import Text

_STEERING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def harmless(text: str) -> str:
    """The text without control characters other than tab and newline, and without what turns its direction."""
    return _STEERING.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n"))


def plain(text: str, **style: Any) -> Text:
    """Harmless text in one style."""
    return Text(harmless(text), **style)
