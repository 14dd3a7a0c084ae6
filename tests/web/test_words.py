"""The catalogues: the same names, the same gaps, and none that a page asks for is missing."""

from __future__ import annotations

import re
import string
from enum import Enum

import pytest

from bot.domain.diagnosis import CheckState
from bot.domain.draft import DraftState, RejectReason, ReplyFate
from bot.domain.post import Language
from bot.domain.run import Outcome
from bot.domain.snippet import AssumptionKind
from bot.learn import Standing
from bot.store.queue import Order
from bot.web import pages, words
from bot.web.evidence import PARTS
from bot.web.sessions import Role

ENGLISH, CHINESE = (words.catalogue(language) for language in (Language.ENGLISH, Language.CHINESE))


def gaps(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_both_languages_have_the_same_names() -> None:
    assert set(ENGLISH) ^ set(CHINESE) == set()


@pytest.mark.parametrize("name", sorted(ENGLISH))
def test_both_languages_have_the_same_gaps(name: str) -> None:
    assert gaps(ENGLISH[name]) == gaps(CHINESE[name])
    assert ENGLISH[name].strip()
    assert CHINESE[name].strip()


def asked_for() -> set[str]:
    """Every whole name in a template or a page's code."""
    found: set[str] = set()
    for file in (*(pages.FOLDER / "templates").glob("*.html"), *pages.FOLDER.glob("*.py")):
        text = file.read_text(encoding="utf-8")
        for call in re.findall(r"\b(?:t|say)\(((?:[^()]|\([^()]*\))*)\)", text):
            found |= set(re.findall(r'["\']([a-z_]+\.[a-z_]+)["\']', call))
        found |= set(re.findall(r'"((?:login|denied|error)\.[a-z_]+)"', text))
    return {name for name in found if not name.endswith("_")}  # the rest of those is a value


def test_every_name_that_a_page_asks_for_is_there() -> None:
    assert len(asked_for()) > 150
    assert asked_for() - set(ENGLISH) == set()


@pytest.mark.parametrize(
    ("prefix", "members"),
    [
        ("state", DraftState),
        ("queue.heading", DraftState),
        ("reason", RejectReason),
        ("fate", ReplyFate),
        ("outcome", Outcome),
        ("assumption", AssumptionKind),
        ("check", CheckState),
        ("order", Order),
        ("language", Language),
        ("record", Standing),
    ],
)
def test_every_member_of_an_enum_has_a_name_for_people(prefix: str, members: type[Enum]) -> None:
    joiner = "_" if "." in prefix else "."

    assert {f"{prefix}{joiner}{member.value}" for member in members} <= set(ENGLISH)


def test_the_parts_of_a_proof_the_roles_and_the_keys_have_names() -> None:
    wanted = {f"check.{part}" for part in PARTS} | {f"short.{part}" for part in PARTS}
    wanted |= {f"role.{role.name.lower()}" for role in Role}
    wanted |= {f"keys.{place}_{name}" for place, keys in pages.KEYS.items() for _, name in keys}

    assert wanted <= set(ENGLISH)


def test_no_sentence_is_left_over() -> None:
    built = re.compile(
        r"(state|queue\.heading_|queue\.empty_|reason|fate|outcome|assumption|check|short|order|language|record|role|keys|mark|case|do|done|knowledge|age|picture|number)"
    )
    left = {name for name in set(ENGLISH) - asked_for() if not built.match(name)}

    assert left == set()
