from __future__ import annotations

from datetime import timedelta

import pytest

from bot.errors import ForumUnavailable
from bot.forum.memory import ArchiveForum
from bot.notify import notify
from bot.settings import ReviewSettings
from bot.store.engine import Store
from bot.store.opening import open_store
from tests.review_examples import NOON, draft, post, question

SETTINGS = ReviewSettings(reviewers_group="reviewers", page_url="https://bot.example.org")


@pytest.fixture
def forum() -> ArchiveForum:
    return ArchiveForum([])


def told(store: Store, forum: ArchiveForum, *, minutes: float = 0, settings: ReviewSettings = SETTINGS) -> bool:
    return notify(store, forum, settings=settings, now=NOON + timedelta(minutes=minutes))


def test_the_group_is_told_that_drafts_wait(store: Store, forum: ArchiveForum) -> None:
    draft(store)

    assert told(store, forum)

    (message,) = forum.messages
    assert (message.group, message.title) == ("reviewers", "1 draft waits for a moderator")
    assert "https://bot.example.org" in message.raw


def test_nobody_is_told_when_nothing_waits(store: Store, forum: ArchiveForum) -> None:
    assert not told(store, forum)
    assert forum.messages == ()


@pytest.mark.parametrize(
    "off", [ReviewSettings(reviewers_group=""), ReviewSettings(reviewers_group="reviewers", notify_minutes=0)]
)
def test_it_can_be_switched_off(store: Store, forum: ArchiveForum, off: ReviewSettings) -> None:
    draft(store)

    assert not told(store, forum, settings=off)
    assert forum.messages == ()


def test_there_is_at_most_one_message_an_hour(store: Store, forum: ArchiveForum) -> None:
    sent = []
    for minute in range(0, 181, 10):
        draft(store, asked=question(post(id=str(minute))), now=NOON + timedelta(minutes=minute))
        sent.append(told(store, forum, minutes=minute))

    assert [minute for minute, one in zip(range(0, 181, 10), sent, strict=True) if one] == [0, 60, 120, 180]
    assert forum.messages[-1].title == "19 drafts wait for a moderator"


def test_moderators_are_not_told_again_about_the_same_drafts(store: Store, forum: ArchiveForum) -> None:
    draft(store)
    told(store, forum)

    assert not told(store, forum, minutes=600)


def test_a_restart_does_not_repeat_a_message(store: Store, forum: ArchiveForum, tmp_path) -> None:
    draft(store)
    told(store, forum)
    draft(store, asked=question(post(id="12")), now=NOON + timedelta(minutes=1))
    again = open_store(tmp_path / "data")

    assert not told(again, forum, minutes=59)
    assert told(again, forum, minutes=60)
    again.close()


def test_a_message_that_could_not_be_sent_is_sent_later(store: Store, forum: ArchiveForum) -> None:
    draft(store)

    class Down(ArchiveForum):
        def message(self, *, group: str, title: str, raw: str) -> None:
            raise ForumUnavailable

    with pytest.raises(ForumUnavailable):
        told(store, Down([]))
    assert told(store, forum, minutes=1)


def test_no_word_of_a_stranger_is_in_the_message(store: Store, forum: ArchiveForum) -> None:
    draft(store, asked=question(post("@everyone look")))

    told(store, forum)

    assert "@" not in forum.messages[0].raw
    assert "backward() of a vector" not in forum.messages[0].raw
