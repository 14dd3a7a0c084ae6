from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import count

import pytest

from bot.domain.draft import DraftState, ReplyFate
from bot.domain.post import Post, PostState
from bot.errors import ForumUnavailable
from bot.forum.memory import ArchiveForum
from bot.publish import Publisher, publish, watch
from bot.settings import ForumSettings, Settings
from bot.store import posts, replies
from bot.store.engine import Store
from tests.review_examples import GRACE, NOON, approved, current, draft, post, topic
from tests.unreliable import HandClock, WatchedForum, queues


@pytest.fixture
def clock() -> HandClock:
    return HandClock(NOON + GRACE)


@pytest.fixture
def forum(clock: HandClock) -> WatchedForum:
    return WatchedForum(ArchiveForum([topic()], username="helper", now=clock))


@pytest.fixture
def publisher(store: Store, forum: WatchedForum, clock: HandClock) -> Publisher:
    keys = count(1)
    return Publisher(
        store=store,
        forum=forum,
        settings=Settings(forum=ForumSettings(username="helper", seconds_between_posts=0)),
        clock=clock,
        marker_key=lambda: f"{next(keys):032x}",
    )


def fates(store: Store) -> list[tuple[ReplyFate, str]]:
    with store.reading() as connection:
        return [(one.fate, one.note) for one in replies.outcomes_of(connection, 1)]


def show(forum: WatchedForum, *later: Post, **about_ours: object) -> None:
    """Our reply as the forum shows it now, and posts after it."""
    ours = next(one for one in forum.forum.topic("5").posts if one.author == "helper")
    seen = replace(ours, **about_ours)  # type: ignore[arg-type]
    forum.forum = ArchiveForum([topic(post(), seen, *later)], username="helper")


def by_asker(raw: str, *, reply_to: int | None = 2) -> Post:
    return Post(id="13", raw=raw, number=3, author="asker", reply_to=reply_to)


class TestReplies:
    @pytest.mark.parametrize(
        ("about_ours", "fate"),
        [
            ({"likes": 2}, (ReplyFate.LIKED, "2 times")),
            ({"accepted": True}, (ReplyFate.SOLVED, "")),
            ({"hidden": True}, (ReplyFate.FLAGGED, "hidden by flags")),
            ({"deleted": True}, (ReplyFate.DELETED, "or moved to another topic")),
        ],
    )
    def test_what_became_of_a_reply_is_seen(
        self, store: Store, publisher: Publisher, forum: WatchedForum, clock: HandClock, about_ours, fate
    ) -> None:
        approved(store)
        publish(publisher)
        show(forum, **about_ours)
        clock.advance(3600)

        watch(publisher)

        assert fates(store) == [fate]

    def test_nothing_is_noted_twice(
        self, store: Store, publisher: Publisher, forum: WatchedForum, clock: HandClock
    ) -> None:
        approved(store)
        publish(publisher)
        show(forum, likes=1)
        for _ in range(3):
            clock.advance(24 * 3600)
            watch(publisher)

        assert fates(store) == [(ReplyFate.LIKED, "1 times")]

    @pytest.mark.parametrize(
        "raw",
        [
            "It still raises the same error.",
            "Thanks, but that didn't help.",
            "Now I get RuntimeError: Trying to backward through the graph a second time",
            "还是报错",
            "试过了，没用",
        ],
    )
    def test_an_asker_whom_it_did_not_help_is_heard(
        self, store: Store, publisher: Publisher, forum: WatchedForum, clock: HandClock, raw: str
    ) -> None:
        approved(store)
        publish(publisher)
        show(forum, by_asker(raw))
        clock.advance(3600)
        watch(publisher)

        assert fates(store) == [(ReplyFate.STILL_FAILS, "post 3")]

    @pytest.mark.parametrize(
        "later",
        [
            by_asker("Thanks, it works!"),
            by_asker("谢谢，解决了"),
            by_asker("It still fails", reply_to=1),
            replace(by_asker("It still fails"), author="classmate"),
        ],
    )
    def test_other_posts_are_no_objection(
        self, store: Store, publisher: Publisher, forum: WatchedForum, clock: HandClock, later: Post
    ) -> None:
        approved(store)
        publish(publisher)
        show(forum, later)
        clock.advance(3600)
        watch(publisher)

        assert fates(store) == []

    def test_a_reply_is_looked_at_ever_more_seldom_and_then_no_more(
        self, store: Store, publisher: Publisher, clock: HandClock
    ) -> None:
        approved(store)
        publish(publisher)
        looked_after_hours = []
        for hour in range(1, 40 * 24):
            clock.advance(3600)
            if watch(publisher):
                looked_after_hours.append(hour)

        assert looked_after_hours == [1, 24, 72, 240, 720]


class TestQueue:
    def queued(self, store: Store, publisher: Publisher, forum: WatchedForum) -> int:
        ready = approved(store)
        forum.faults = [queues]
        publish(publisher)
        return ready.id

    def test_a_queued_reply_that_is_approved_is_posted(
        self, store: Store, publisher: Publisher, forum: WatchedForum, clock: HandClock
    ) -> None:
        number = self.queued(store, publisher, forum)
        with store.reading() as connection:
            kept = replies.get(connection, number)
        assert kept is not None
        made = forum.forum.reply(topic_id="5", reply_to=1, raw=f"Use sum().\n\n{kept.marker}")
        clock.advance(600)

        watch(publisher)

        posted = current(store, number)
        assert (posted.state, posted.reply_post_id) == (DraftState.POSTED, made.post_id)

    def test_a_queued_reply_must_be_missing_twice_to_count_as_refused(
        self, store: Store, publisher: Publisher, forum: WatchedForum, clock: HandClock
    ) -> None:
        number = self.queued(store, publisher, forum)
        clock.advance(600)
        watch(publisher)
        assert current(store, number).state is DraftState.QUEUED
        clock.advance(299)
        watch(publisher)
        assert current(store, number).state is DraftState.QUEUED
        clock.advance(1)
        watch(publisher)

        assert current(store, number).state is DraftState.REFUSED

    def test_a_forum_that_is_down_refuses_nothing(
        self, store: Store, publisher: Publisher, forum: WatchedForum, clock: HandClock
    ) -> None:
        number = self.queued(store, publisher, forum)

        def down(marker: str, *, topic_id: str):
            raise ForumUnavailable

        forum.find_marker = down  # type: ignore[method-assign]
        for _ in range(5):
            clock.advance(600)
            with pytest.raises(ForumUnavailable):
                watch(publisher)

        assert current(store, number).state is DraftState.QUEUED


class TestWaitingDrafts:
    def test_an_edited_question_takes_its_draft_out_and_waits_to_be_answered_anew(
        self, store: Store, publisher: Publisher, forum: WatchedForum
    ) -> None:
        waiting = draft(store)
        forum.forum = ArchiveForum([topic(post("edited"))], username="helper")

        watch(publisher)

        assert current(store, waiting.id).state is DraftState.STALE
        with store.reading() as connection:
            kept = posts.get(connection, "11")
        assert kept is not None
        assert (kept.state, kept.sha256) == (PostState.WAITING, post("edited").sha256)
        assert kept.due_at == NOON + GRACE + timedelta(seconds=300)

    def test_a_closed_topic_takes_its_draft_out_for_good(
        self, store: Store, publisher: Publisher, forum: WatchedForum
    ) -> None:
        waiting = draft(store)
        forum.forum = ArchiveForum([topic(closed=True)], username="helper")

        watch(publisher)

        assert current(store, waiting.id).state is DraftState.STALE
        with store.reading() as connection:
            assert posts.get(connection, "11") is None

    def test_an_unchanged_question_is_looked_at_once_an_hour(
        self, store: Store, publisher: Publisher, clock: HandClock
    ) -> None:
        waiting = draft(store)

        assert [watch(publisher) for _ in range(2)] == [1, 0]
        clock.advance(3600)
        assert watch(publisher) == 1
        assert current(store, waiting.id).state is DraftState.PENDING
