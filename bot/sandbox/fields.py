"""The forms in which the fields of a claim are taken: what has another form is dropped, and never raises."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

#: What a terminal or a page must never be sent: controls other than tab and newline, and what turns text around.
_CONTROLS = re.compile(
    r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)
_RELEASE = re.compile(r"\d{1,4}(?:\.[0-9a-z]{1,12}){0,4}(?:\+[0-9a-z.]{1,20})?")
#: Larger whole numbers than a tensor can have are no claim.
LARGEST = 2**63 - 1


def clean(raw: bytes | str) -> str:
    """Text without control characters and escape sequences."""
    found = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else raw
    found = found.encode("utf-8", "replace").decode("utf-8")  # lone surrogates go nowhere
    return _CONTROLS.sub("", found.replace("\r\n", "\n").replace("\r", "\n"))


def rows(claim: Mapping[str, Any], key: str) -> list[Any]:
    """A field that is a list; anything else is none."""
    found = claim.get(key)
    return found if isinstance(found, list) else []


def pair(row: Any) -> tuple[Any, Any]:
    """The two values of a row of two."""
    return (row[0], row[1]) if isinstance(row, list) and len(row) == 2 else (None, None)


def text(value: Any, most: int) -> str | None:
    """A text without control characters, cut to `most` of them."""
    return clean(value)[:most] if isinstance(value, str) else None


def release(value: Any) -> str | None:
    """A version as torch writes it, "2.13.0+cpu"; the program may have put anything into its place."""
    return value if isinstance(value, str) and _RELEASE.fullmatch(value) else None


def names(values: Any) -> tuple[str, ...]:
    """The names in a list."""
    return tuple(clean(name)[:100] for name in values if isinstance(name, str)) if isinstance(values, list) else ()


def whole(value: Any) -> int | None:
    """A whole number that a tensor could have."""
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    return value if is_whole and abs(value) <= LARGEST else None


def wholes(values: Any) -> Iterable[int]:
    """The whole numbers in a list."""
    return (value for value in values if whole(value) is not None) if isinstance(values, list) else ()


def number(value: Any) -> float | None:
    """A number."""
    if isinstance(value, float):
        return value
    found = whole(value)
    return None if found is None else float(found)


def numbers(values: Any) -> Iterable[float]:
    """The numbers in a list."""
    found = (number(value) for value in values) if isinstance(values, list) else ()
    return (one for one in found if one is not None)
