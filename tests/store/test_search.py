"""Finding drafts by the words of their title, asker and confusion."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot import review
from bot.domain.draft import DraftState
from bot.store import drafts, queue, search
from bot.store.engine import Store
from tests.review_examples import NOON, answer, post, question


@pytest.fixture
def titled(store: Store) -> Store:
    """Three drafts: an English title, a Chinese one, and one by another asker."""
    asked = {
        "21": ("backward() of a vector", "mei"),
        "22": ("梯度消失了怎么办", "wang"),
        "23": ("non-leaf tensor has no grad", "VectorFan"),
    }
    with store.writing() as connection:
        for post_id, (title, author) in asked.items():
            asking = replace(question(replace(post(id=post_id), author=author)), title=title)
            review.save_answer(connection, asking, answer(), NOON)
    return store


def found(store: Store, words: str) -> list[str]:
    with store.reading() as connection:
        return [draft.post_id for draft in queue.listed(connection, state=DraftState.PENDING, words=words)]


@pytest.mark.parametrize(
    ("words", "posts"),
    [
        ("vector", ["21", "23"]),
        ("VECTOR backward", ["21", "23"]),  # the confusion is non_scalar_backward
        ("backward() of", ["21"]),
        ("vec", ["21", "23"]),
        ("梯度", ["22"]),
        ("梯度消失", ["22"]),
        ("消", ["22"]),
        ("消度", []),
        ("wang", ["22"]),
        ("nothing", []),
        ("", ["21", "22", "23"]),
        ("?!", ["21", "22", "23"]),
    ],
)
def test_words_find_titles_askers_and_confusions(titled: Store, words: str, posts: list[str]) -> None:
    assert found(titled, words) == posts


def test_a_common_word_is_found_as_well_as_a_rare_one(titled: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "_RARE", 1)

    assert found(titled, "vector") == ["21", "23"]
    assert found(titled, "vector mei") == ["21"]


def test_a_draft_is_found_by_its_new_title_only(titled: Store) -> None:
    with titled.writing() as connection:
        draft = drafts.of_post(connection, "22")
        assert draft is not None
        search.keep(connection, draft.id, "broadcasting")

    assert found(titled, "梯度") == []
    assert found(titled, "broadcast") == ["22"]


@given(words=st.text(max_size=60))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
def test_any_text_can_be_searched_for(titled: Store, words: str) -> None:
    assert set(found(titled, words)) <= {"21", "22", "23"}


@given(title=st.text(min_size=1, max_size=40))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
def test_a_draft_is_found_by_its_whole_title(titled: Store, title: str) -> None:
    with titled.writing() as connection:
        draft = drafts.of_post(connection, "21")
        assert draft is not None
        search.keep(connection, draft.id, title)

    assert "21" in found(titled, title)
