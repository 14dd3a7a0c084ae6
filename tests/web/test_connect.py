"""DiscourseConnect: the request that leaves and the answer that returns."""

from __future__ import annotations

import base64
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.web import connect

SECRET = "1234567890abcdef1234567890abcdef"
ANSWER = (
    "admin=false&email=m%40example.com&external_id=42&groups=trust_level_0%2Cmoderators%2Cautograd-reviewers"
    "&moderator=true&name=Mo&nonce=cb68251eefb5211e58c00ff1395f0c0b"
    "&return_sso_url=https%3A%2F%2Fbot.example%2Fsso%2Fcallback&username=mo"
)
ANSWER_SIGNATURE = "611a3c7e5098b07cbc8f2984c0587d40feb85688febcbe41606f0b83df53a8de"


def encoded(payload: str) -> str:
    return base64.b64encode(payload.encode()).decode()


def test_the_request_is_what_discourse_expects() -> None:
    url = connect.request_url(
        "https://forum.example",
        secret=SECRET,
        nonce="cb68251eefb5211e58c00ff1395f0c0b",
        return_url="https://bot.example/sso/callback",
    )

    parts, query = urlsplit(url), parse_qs(urlsplit(url).query)
    assert (parts.netloc, parts.path) == ("forum.example", "/session/sso_provider")
    assert base64.b64decode(query["sso"][0]).decode() == (
        "nonce=cb68251eefb5211e58c00ff1395f0c0b&return_sso_url=https%3A%2F%2Fbot.example%2Fsso%2Fcallback"
    )
    assert query["sig"] == ["6689b7755d81f9cdf626a70aace193db202269e10d080b860030ab54f99fd18a"]


def test_the_answer_names_who_it_is_and_no_e_mail_address() -> None:
    identity = connect.identity(SECRET, sso=encoded(ANSWER), sig=ANSWER_SIGNATURE)

    assert identity == connect.Identity(
        external_id="42",
        username="mo",
        groups=frozenset({"trust_level_0", "moderators", "autograd-reviewers"}),
        nonce="cb68251eefb5211e58c00ff1395f0c0b",
    )
    assert "example.com" not in repr(identity)


@given(place=st.integers(0, 63), digit=st.sampled_from("0123456789abcdefg é"))
def test_one_other_digit_in_the_signature_is_refused(place: int, digit: str) -> None:
    forged = ANSWER_SIGNATURE[:place] + digit + ANSWER_SIGNATURE[place + 1 :]

    assert (connect.identity(SECRET, sso=encoded(ANSWER), sig=forged) is None) == (forged != ANSWER_SIGNATURE)


@given(sso=st.text(max_size=200))
def test_nothing_that_is_signed_makes_reading_fail(sso: str) -> None:
    identity = connect.identity(SECRET, sso=sso, sig=connect.signature(SECRET, sso))

    assert identity is None or identity.external_id


@pytest.mark.parametrize(
    "fields",
    [
        {"failed": "true", "nonce": "n", "external_id": "1", "username": "mo"},
        {"nonce": "n", "username": "mo"},
        {"nonce": "n", "external_id": "1"},
        {"external_id": "1", "username": "mo"},
        {},
    ],
)
def test_an_answer_that_names_nobody_is_none(fields: dict[str, str]) -> None:
    sso = encoded(urlencode(fields))

    assert connect.identity(SECRET, sso=sso, sig=connect.signature(SECRET, sso)) is None


def test_without_a_secret_nobody_comes_in() -> None:
    sso = encoded(ANSWER)

    assert connect.identity("", sso=sso, sig=connect.signature("", sso)) is None


def test_an_answer_longer_than_any_forum_sends_is_not_read() -> None:
    sso = encoded(ANSWER + "&x=" + "y" * 20_000)

    assert connect.identity(SECRET, sso=sso, sig=connect.signature(SECRET, sso)) is None
