"""The forms in which the fields of a claim are taken: what has another form is dropped, and never raises."""

from __future__ import annotations

import re
from collections.abc import Mapping
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


def rows(claim: Mapping[str, Any], key: str, *, most: int) -> list[Any]:
    """A field that is a list of at most so many rows, as many as an honest claim has; anything else is none."""
    return several(claim.get(key), most=most)


def several(values: Any, *, most: int) -> list[Any]:
    """A list of at most so many values; anything else is none."""
    return values if isinstance(values, list) and len(values) <= most else []


def pair(row: Any) -> tuple[Any, Any]:
    """The two values of a row of two."""
    return (row[0], row[1]) if isinstance(row, list) and len(row) == 2 else (None, None)


def text(value: Any, most: int) -> str | None:
    """A text without control characters, cut to `most` of them."""
    return clean(value)[:most] if isinstance(value, str) else None


def release(value: Any) -> str | None:
    """A version as torch writes it, "2.13.0+cpu"; the program may have put anything into its place."""
    return value if isinstance(value, str) and _RELEASE.fullmatch(value) else None


def names(values: Any, *, most: int) -> tuple[str, ...]:
    """The names in a list."""
    return tuple(clean(name)[:100] for name in several(values, most=most) if isinstance(name, str))


def whole(value: Any) -> int | None:
    """A whole number that a tensor could have."""
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    return value if is_whole and abs(value) <= LARGEST else None


def wholes(values: Any, *, most: int) -> tuple[int, ...]:
    """The whole numbers in a list."""
    return tuple(value for value in several(values, most=most) if whole(value) is not None)


def number(value: Any) -> float | None:
    """A number."""
    if isinstance(value, float):
        return value
    found = whole(value)
    return None if found is None else float(found)


def numbers(values: Any, *, most: int) -> tuple[float, ...]:
    """The numbers in a list."""
    found = (number(value) for value in several(values, most=most))
    return tuple(one for one in found if one is not None)
