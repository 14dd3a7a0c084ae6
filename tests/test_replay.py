"""The main job over an archive, without a sandbox: what is asked, what is kept, and what is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from bot.domain.answer import Answer, answer_record
from bot.domain.draft import DraftState
from bot.domain.post import Question
from bot.errors import SandboxBroken
from bot.forum.archive import read_lines
from bot.replay import Replayed, replay
from bot.store import queue
from bot.store.engine import Store
from tests.review_examples import NOON, answer, silence


class Asked:
    """Answers that tell what was asked; a post that thanks gets none."""

    def __init__(self) -> None:
        self.ids: list[str] = []

    def __call__(self, question: Question) -> Answer:
        self.ids.append(question.post.id)
        made = silence() if "thanks" in question.post.raw else answer()
        return replace(made, id=question.post.id)


def posts(*records: dict[str, object] | bytes) -> list[bytes]:
    return [record if isinstance(record, bytes) else json.dumps(record).encode() for record in records]


FIRST = {"id": "1", "title": "t", "body": "why?", "topic": {"id": 5, "post_number": 3}}
SECOND = {"id": "2", "title": "t", "body": "thanks"}


@pytest.fixture
def asked() -> Asked:
    return Asked()


def replayed(store: Store, ask: Callable[[Question], Answer], *lines: bytes, again: bool = False) -> list[Replayed]:
    return list(replay(read_lines(lines, source="posts"), store, ask, now=lambda: NOON, again=again))


def test_each_post_is_answered_kept_and_told_with_its_number(store: Store, asked: Asked) -> None:
    first, second = replayed(store, asked, *posts(FIRST, SECOND))

    assert asked.ids == ["1", "2"]
    assert first.record == {**answer_record(replace(answer(), id="1")), "post_number": 3}
    assert (first.new, first.unreadable, first.draft_id) == (True, False, 1)
    assert (second.record["verdict"], second.draft_id) == ("skip", None)
    with store.reading() as connection:
        assert queue.counts(connection) == {DraftState.PENDING: 1}


def test_what_was_answered_is_not_asked_again_and_is_told_in_the_same_words(store: Store, asked: Asked) -> None:
    before = replayed(store, asked, *posts(FIRST, SECOND))

    after = replayed(store, asked, *posts(FIRST, SECOND))

    assert asked.ids == ["1", "2"]
    assert [one.record for one in after] == [one.record for one in before]
    assert [(one.new, one.draft_id) for one in after] == [(False, None), (False, None)]


def test_again_asks_again(store: Store, asked: Asked) -> None:
    replayed(store, asked, *posts(FIRST))

    (once_more,) = replayed(store, asked, *posts(FIRST), again=True)

    assert (asked.ids, once_more.new) == (["1", "1"], True)
    assert once_more.draft_id is None  # the draft that waits is still the one


def test_what_cannot_be_read_is_told_and_does_not_stop_the_rest(store: Store, asked: Asked) -> None:
    bad, good = replayed(store, asked, *posts(b"{", FIRST))

    assert list(bad.record) == ["id", "error"]
    assert bad.record["error"].startswith("posts, line 1: column 2 is not JSON")
    assert (bad.unreadable, bad.new, good.new) == (True, False, True)


def test_each_answer_is_kept_before_the_next_post_is_looked_at(store: Store, asked: Asked) -> None:
    def breaks_at_the_second(question: Question) -> Answer:
        if question.post.id == "2":
            raise SandboxBroken
        return asked(question)

    with pytest.raises(SandboxBroken):
        replayed(store, breaks_at_the_second, *posts(FIRST, SECOND))

    replayed(store, asked, *posts(FIRST, SECOND))
    assert asked.ids == ["1", "2"]
