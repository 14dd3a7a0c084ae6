"""Reads the one frame that a run sends about itself. It comes from strangers' code: nothing is trusted.

A frame is four bytes of length, big-endian, and that many bytes of JSON: one object, in UTF-8, without
NaN, without a key twice, at most 32 levels deep, of at most 20 000 objects, with no number longer than 300 digits.
"""

from __future__ import annotations

import json
import re
from enum import Enum
from typing import Any, NoReturn

LENGTH_BYTES = 4
DEEPEST = 32
MOST_DIGITS = 300
#: Objects in one claim: some for each event of a full tape.
MOST_OBJECTS = 20_000

#: What brackets in strings would count wrong is taken out before the depth is counted.
#: It always matches up to the end, so that no text makes it look twice at a byte.
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)', re.DOTALL)
_BRACKETS = re.compile(rb"[\[\]{}]")


class Reason(Enum):
    """Why a frame is not taken."""

    MISSING = "missing"  #: nothing was sent
    PARTIAL = "partial"  #: less than the length that was announced
    TOO_LARGE = "too large"
    SEVERAL = "several"  #: bytes after the frame
    ENCODING = "encoding"  #: not UTF-8
    NOT_JSON = "not JSON"
    NOT_AN_OBJECT = "not an object"
    TOO_DEEP = "too deep"
    TOO_MANY = "too many objects"
    LONG_NUMBER = "long number"
    NOT_A_NUMBER = "NaN or infinite"
    REPEATED_KEY = "repeated key"


class BadClaim(Exception):
    """What a run sent about itself is not one well-formed frame."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(f"the run's report is not valid: {reason.value}")
        self.reason = reason


def parse_frame(raw: bytes, *, most: int) -> dict[str, Any]:
    """The object in the only frame of `raw`.

    `most` is the limit in bytes, the four of the length included. Raises `BadClaim` with its reason.
    """
    if not raw:
        raise BadClaim(Reason.MISSING)
    if len(raw) > most:
        raise BadClaim(Reason.TOO_LARGE)
    if len(raw) < LENGTH_BYTES:
        raise BadClaim(Reason.PARTIAL)
    announced = int.from_bytes(raw[:LENGTH_BYTES], "big")
    body = raw[LENGTH_BYTES:]
    if announced > most - LENGTH_BYTES:
        raise BadClaim(Reason.TOO_LARGE)
    if len(body) < announced:
        raise BadClaim(Reason.PARTIAL)
    if len(body) > announced:
        raise BadClaim(Reason.SEVERAL)
    return _object(body)


def is_whole(raw: bytes) -> bool:
    """Whether these bytes are as long as their first four say; nothing is read of them."""
    return len(raw) >= LENGTH_BYTES and int.from_bytes(raw[:LENGTH_BYTES], "big") == len(raw) - LENGTH_BYTES


def _object(body: bytes) -> dict[str, Any]:
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadClaim(Reason.ENCODING) from error
    brackets = _BRACKETS.findall(_STRING.sub(b"", body))
    if _depth(brackets) > DEEPEST:
        raise BadClaim(Reason.TOO_DEEP)  # counted before json recurses into it
    if brackets.count(b"{") > MOST_OBJECTS:
        raise BadClaim(Reason.TOO_MANY)
    try:
        found = json.loads(
            text,
            object_pairs_hook=_no_key_twice,
            parse_constant=_no_constant,
            parse_int=_short_int,
            parse_float=_finite_float,
        )
    except json.JSONDecodeError as error:
        raise BadClaim(Reason.NOT_JSON) from error
    if not isinstance(found, dict):
        raise BadClaim(Reason.NOT_AN_OBJECT)
    if _has_lone_surrogate(text):
        raise BadClaim(Reason.ENCODING)
    return found


def _depth(brackets: list[bytes]) -> int:
    depth = deepest = 0
    for bracket in brackets:
        depth += 1 if bracket in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise BadClaim(Reason.REPEATED_KEY)
    return found


def _no_constant(_: str) -> NoReturn:
    raise BadClaim(Reason.NOT_A_NUMBER)


def _short_int(text: str) -> int:
    if len(text) > MOST_DIGITS:
        raise BadClaim(Reason.LONG_NUMBER)
    return int(text)


def _finite_float(text: str) -> float:
    if len(text) > MOST_DIGITS:
        raise BadClaim(Reason.LONG_NUMBER)
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise BadClaim(Reason.NOT_A_NUMBER)  # 1e999 is infinite too
    return value


def _has_lone_surrogate(text: str) -> bool:
    r"""Whether an escape such as "\ud800" would make a string that cannot be written out again."""
    if "\\u" not in text:
        return False
    without_pairs = re.sub(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}", "", text)
    return re.search(r"(?<!\\)(?:\\\\)*\\u[dD][89a-fA-F][0-9a-fA-F]{2}", without_pairs) is not None
