"""The one frame of a run, as strangers' code may send it."""

from __future__ import annotations

import json
import math
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.sandbox.claims import DEEPEST, LENGTH_BYTES, BadClaim, Reason, parse_frame

MOST = 1 << 20

#: What JSON can say, but for what a claim may not: NaN, lone surrogates, too deep.
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def framed(body: bytes) -> bytes:
    return len(body).to_bytes(LENGTH_BYTES, "big") + body


def reason_of(raw: bytes, *, most: int = MOST) -> Reason:
    with pytest.raises(BadClaim) as caught:
        parse_frame(raw, most=most)
    return caught.value.reason


@given(st.dictionaries(st.text(), VALUES, max_size=5), st.booleans())
def test_what_was_sent_is_read(claim: dict[str, Any], ascii_only: bool) -> None:
    body = json.dumps(claim, ensure_ascii=ascii_only).encode()

    assert parse_frame(framed(body), most=MOST) == claim


@given(st.binary(max_size=400))
def test_any_bytes_are_an_object_or_a_bad_claim(raw: bytes) -> None:
    for sent in (raw, framed(raw)):
        try:
            found = parse_frame(sent, most=MOST)
        except BadClaim:
            continue
        assert isinstance(found, dict)
        json.dumps(found, allow_nan=False).encode()


@given(st.text(alphabet='{}[]",:\\u0189abdefnt. -+E', max_size=80))
def test_any_text_like_json_is_an_object_or_a_bad_claim(text: str) -> None:
    try:
        found = parse_frame(framed(text.encode()), most=MOST)
    except BadClaim:
        return
    assert found == json.loads(text)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", Reason.MISSING),
        (b"\0\0\0", Reason.PARTIAL),
        (b"\0\0\0\x05{}", Reason.PARTIAL),
        (framed(b"{}") + b"\0", Reason.SEVERAL),
        (framed(b"{}") * 2, Reason.SEVERAL),
        (b"\xff\xff\xff\xff", Reason.TOO_LARGE),
        (framed(b""), Reason.NOT_JSON),
        (framed(b"{} {}"), Reason.NOT_JSON),
        (framed(b"[]"), Reason.NOT_AN_OBJECT),
        (framed(b'"text"'), Reason.NOT_AN_OBJECT),
        (framed(b'{"a":NaN}'), Reason.NOT_A_NUMBER),
        (framed(b'{"a":Infinity}'), Reason.NOT_A_NUMBER),
        (framed(b'{"a":1e400}'), Reason.NOT_A_NUMBER),
        (framed(b'{"a":' + b"1" * 301 + b"}"), Reason.LONG_NUMBER),
        (framed(b'{"a":-0.' + b"1" * 301 + b"}"), Reason.LONG_NUMBER),
        (framed(b'{"a":1,"a":2}'), Reason.REPEATED_KEY),
        (framed(b'{"b":{"a":1,"\\u0061":2}}'), Reason.REPEATED_KEY),
        (framed(b'{"a":"\xc3"}'), Reason.ENCODING),
        (framed(b'{"a":"\\udc00"}'), Reason.ENCODING),
        (framed(b'{"\\ud800":1}'), Reason.ENCODING),
        (framed(b"\xef\xbb\xbf{}"), Reason.NOT_JSON),
    ],
)
def test_a_bad_frame_is_refused_for_its_reason(raw: bytes, reason: Reason) -> None:
    assert reason_of(raw) is reason


def test_the_limit_counts_the_whole_frame() -> None:
    frame = framed(b'{"a":"' + b"x" * 100 + b'"}')

    assert parse_frame(frame, most=len(frame))
    assert reason_of(frame, most=len(frame) - 1) is Reason.TOO_LARGE


@pytest.mark.parametrize(("levels", "taken"), [(DEEPEST, True), (DEEPEST + 1, False)])
def test_depth_is_counted_to_the_level(levels: int, taken: bool) -> None:
    body = b'{"a":' + b"[" * (levels - 1) + b"]" * (levels - 1) + b"}"

    if taken:
        assert parse_frame(framed(body), most=MOST)
    else:
        assert reason_of(framed(body)) is Reason.TOO_DEEP


def test_brackets_in_text_are_no_depth() -> None:
    claim = {"a": "[{" * 500, 'b"[[': "\\" * 7 + "[" * 99}

    assert parse_frame(framed(json.dumps(claim).encode()), most=MOST) == claim


def test_escaped_pairs_are_characters_and_escaped_backslashes_are_no_escapes() -> None:
    assert parse_frame(framed(b'{"a":"\\ud83d\\ude00","b":"\\\\ud800"}'), most=MOST) == {"a": "😀", "b": "\\ud800"}


@pytest.mark.parametrize(
    "body",
    [
        b'{"' + b'\\"' * (MOST // 2 - 10),
        b'"' * (MOST - 10),
        b"[" * (MOST - 10),
        b'{"a":"' + b"\\u0" * (MOST // 3 - 10),
        b"{" + b'"a":1,' * (MOST // 6 - 10),
        b'{"a":' + b"9" * (MOST - 20) + b"}",
    ],
    ids=["escaped quotes", "quotes", "brackets", "escapes", "keys", "digits"],
)
def test_no_megabyte_of_malice_takes_long(body: bytes) -> None:
    started = time.process_time()

    reason_of(framed(body))

    assert time.process_time() - started < 2


def test_numbers_keep_their_value() -> None:
    claim = parse_frame(framed(b'{"a":' + b"9" * 300 + b',"b":1e308,"c":-0.0}'), most=MOST)

    assert claim["a"] == 10**300 - 1
    assert claim["b"] == 1e308
    assert math.copysign(1, claim["c"]) == -1
