from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import count

import pytest

from bot import review
from bot.domain.draft import DraftState, RejectReason
from bot.domain.post import Post, PostKind
from bot.errors import ForumNotFound, ForumRefused, ForumUnavailable, WrongState
from bot.forum.memory import ArchiveForum
from bot.publish import MARKER_BEGIN, Publisher, Step, publish, reason_not_to_post, withdraw
from bot.settings import ForumSettings, PublishSettings, Settings
from bot.store import decisions, drafts, outbox, replies
from bot.store.engine import Store
from tests.review_examples import (
    GRACE,
    MENDED,
    NOON,
    REVIEW,
    answer,
    approved,
    current,
    draft,
    post,
    question,
    shown,
    topic,
)
from tests.unreliable import (
    Boundaries,
    HandClock,
    Killed,
    WatchedForum,
    WatchedStore,
    fails_with,
    lost_on_the_way,
    made_but_no_answer,
    queues,
)

SETTINGS = Settings(forum=ForumSettings(username="helper", seconds_between_posts=0))


@pytest.fixture
def clock() -> HandClock:
    return HandClock(NOON + GRACE)


@pytest.fixture
def archive(clock: HandClock) -> ArchiveForum:
    return ArchiveForum([topic()], username="helper", now=clock)


@pytest.fixture
def watched(archive: ArchiveForum) -> WatchedForum:
    return WatchedForum(archive)


@pytest.fixture
def publisher(store: Store, watched: WatchedForum, clock: HandClock) -> Publisher:
    return a_publisher(store, watched, clock)


def a_publisher(store: Store, watched: WatchedForum, clock: HandClock, settings: Settings = SETTINGS) -> Publisher:
    keys = count(1)
    return Publisher(
        store=store, forum=watched, settings=settings, clock=clock, marker_key=lambda: f"{next(keys):032x}"
    )


def own_posts(archive: ArchiveForum) -> list[Post]:
    return [one for one in archive.topic("5").posts if one.author == "helper"]


def last_note(store: Store, draft_id: int) -> str:
    with store.reading() as connection:
        decision = decisions.newest(connection, draft_id)
    assert decision is not None
    return decision.note


class TestPosting:
    def test_an_approved_draft_becomes_a_reply_to_the_question(
        self, store: Store, publisher: Publisher, archive: ArchiveForum
    ) -> None:
        ready = approved(store)

        assert publish(publisher) == [Step.POSTED]

        (made,) = own_posts(archive)
        assert made.reply_to == 1
        assert made.raw == shown(MENDED).rstrip() + f"\n\n{MARKER_BEGIN}{1:032x} -->"
        posted = current(store, ready.id)
        assert (posted.state, posted.reply_post_id) == (DraftState.POSTED, made.id)
        with store.reading() as connection:
            kept = replies.get(connection, ready.id)
        assert kept is not None
        assert (kept.post_id, kept.queued) == (made.id, False)

    def test_nothing_is_posted_within_the_grace_time(
        self, store: Store, publisher: Publisher, clock: HandClock, archive: ArchiveForum
    ) -> None:
        approved(store)
        clock.advance(-1)

        assert publish(publisher) == []
        assert own_posts(archive) == []

    def test_publishing_twice_posts_once(self, store: Store, publisher: Publisher, archive: ArchiveForum) -> None:
        approved(store)

        publish(publisher)

        assert publish(publisher) == []
        assert len(own_posts(archive)) == 1

    @pytest.mark.parametrize("state", ["pending", "rejected", "undone", "dropped"])
    def test_a_draft_that_is_not_approved_is_never_posted(
        self, store: Store, publisher: Publisher, archive: ArchiveForum, state: str
    ) -> None:
        with store.writing() as connection:
            match state:
                case "rejected":
                    waiting = review.save_answer(connection, question(), answer(), NOON)
                    assert waiting
                    review.reject(connection, waiting, revision=1, reason=RejectReason.TONE, by="mei", now=NOON)
                case "dropped":
                    waiting = review.save_answer(connection, question(), answer(), NOON)
                    assert waiting
                    review.drop(connection, waiting, by="mei", now=NOON)
                case "undone":
                    waiting = review.save_answer(connection, question(), answer(), NOON)
                    assert waiting
                    review.approve(connection, waiting, revision=1, by="mei", now=NOON, settings=REVIEW)
                    review.undo(connection, waiting, by="mei", now=NOON, settings=REVIEW)
                case _:
                    review.save_answer(connection, question(), answer(), NOON)

        assert publish(publisher) == []
        assert own_posts(archive) == []

    def test_a_shadow_run_posts_nothing_and_keeps_the_approval(
        self, store: Store, watched: WatchedForum, clock: HandClock, archive: ArchiveForum
    ) -> None:
        ready = approved(store)
        shadow = Settings(publish=PublishSettings(enabled=False))

        assert publish(a_publisher(store, watched, clock, shadow)) == []
        assert own_posts(archive) == []
        assert current(store, ready.id).state is DraftState.APPROVED

    def test_without_a_key_to_write_nothing_is_tried(
        self, store: Store, watched: WatchedForum, clock: HandClock
    ) -> None:
        ready = approved(store)
        no_key = Settings(forum=ForumSettings(url="https://forum.example.org"))

        assert publish(a_publisher(store, watched, clock, no_key)) == []
        assert current(store, ready.id).state is DraftState.APPROVED

    def test_replies_keep_their_distance(self, store: Store, clock: HandClock) -> None:
        asked = [post(id=str(number), number=number) for number in (11, 12)]
        archive = ArchiveForum([topic(*asked)], username="helper", now=clock)
        slow = Settings(forum=ForumSettings(username="helper", seconds_between_posts=30))
        publisher = a_publisher(store, WatchedForum(archive), clock, slow)
        for one in asked:
            waiting = draft(store, asked=question(one))
            with store.writing() as connection:
                review.approve(connection, waiting.id, revision=1, by="mei", now=NOON, settings=REVIEW)

        assert publish(publisher) == [Step.POSTED]
        clock.advance(29)
        assert publish(publisher) == []
        clock.advance(1)
        assert publish(publisher) == [Step.POSTED]
        assert [made.reply_to for made in own_posts(archive)] == [11, 12]

    def test_a_stop_is_obeyed_between_two_replies(self, store: Store, publisher: Publisher) -> None:
        ready = approved(store)

        assert publish(publisher, stop=lambda: True) == []
        assert current(store, ready.id).state is DraftState.APPROVED


CHANGES = [
    (topic(closed=True), "closed"),
    (topic(archived=True), "archived"),
    (topic(deleted=True), "deleted"),
    (topic(visible=False), "unlisted"),
    (topic(solved=True), "accepted answer"),
    (topic(post("edited")), "edited"),
    (topic(replace(post(), deleted=True)), "question was deleted"),
    (topic(replace(post(), hidden=True)), "hidden"),
    (topic(post(id="99")), "moved"),
]


def reply_by(author: str, **more: object) -> Post:
    """A post that answers the question, two minutes after it was looked at."""
    fields = {"id": "12", "raw": "Use sum().", "number": 2, "author": author, "reply_to": 1}
    return Post(**{**fields, "created_at": NOON + timedelta(minutes=2), **more})  # type: ignore[arg-type]


class TestTheCheckBeforePosting:
    @pytest.mark.parametrize(("changed", "words"), CHANGES)
    def test_a_changed_question_makes_the_draft_stale(
        self, store: Store, clock: HandClock, changed, words: str
    ) -> None:
        ready = approved(store)
        archive = ArchiveForum([changed], username="helper", now=clock)

        assert publish(a_publisher(store, WatchedForum(archive), clock)) == [Step.STALE]
        assert current(store, ready.id).state is DraftState.STALE
        assert words in last_note(store, ready.id)
        assert own_posts(archive) == []

    def test_a_topic_that_is_gone_makes_the_draft_stale(self, store: Store, clock: HandClock) -> None:
        ready = approved(store)

        assert publish(a_publisher(store, WatchedForum(ArchiveForum([])), clock)) == [Step.STALE]
        assert last_note(store, ready.id) == "the topic is gone"

    @pytest.mark.parametrize(
        "answered",
        [
            reply_by("classmate"),
            reply_by("classmate", reply_to=None),
            reply_by("teacher", by_staff=True),
        ],
    )
    def test_an_answer_by_a_person_makes_ours_needless(self, store: Store, clock: HandClock, answered: Post) -> None:
        ready = approved(store)
        archive = ArchiveForum([topic(post(), answered)], username="helper", now=clock)

        assert publish(a_publisher(store, WatchedForum(archive), clock)) == [Step.STALE]
        assert "has answered meanwhile, in post 2" in last_note(store, ready.id)

    @pytest.mark.parametrize(
        "harmless",
        [
            reply_by("asker"),
            reply_by("classmate", created_at=NOON - timedelta(minutes=1)),
            reply_by("classmate", created_at=None),
            reply_by("classmate", kind=PostKind.WHISPER),
            reply_by("classmate", deleted=True),
            reply_by("otherbot"),
        ],
    )
    def test_other_posts_do_not_stop_it(self, harmless: Post, store: Store) -> None:
        asked = draft(store)

        assert (
            reason_not_to_post(topic(post(), harmless), asked, looked_at=NOON, account="helper", bots=("OtherBot",))
            is None
        )

    def test_in_a_long_topic_only_replies_to_the_question_count(self, store: Store) -> None:
        asked = draft(store, asked=question(post(number=7)))
        after = reply_by("classmate", number=8, reply_to=None)
        to_it = replace(after, reply_to=7)

        def reason(later: Post) -> str | None:
            return reason_not_to_post(topic(post(number=7), later), asked, looked_at=NOON, account="helper")

        assert reason(after) is None
        assert reason(to_it) == "classmate has answered meanwhile, in post 8"

    def test_a_reply_of_ours_that_the_database_forgot_is_not_repeated(self, store: Store, clock: HandClock) -> None:
        ready = approved(store)
        ours = reply_by("Helper", raw=f"Use sum().\n\n{MARKER_BEGIN}{7:032x} -->")
        archive = ArchiveForum([topic(post(), ours)], username="helper", now=clock)

        assert publish(a_publisher(store, WatchedForum(archive), clock)) == [Step.STALE]
        assert last_note(store, ready.id) == "post 2 is a reply of ours already"


class TestRefusals:
    def test_a_forum_that_cannot_be_reached_is_asked_again_later(
        self, store: Store, publisher: Publisher, watched: WatchedForum, archive: ArchiveForum
    ) -> None:
        ready = approved(store)
        watched.faults = [fails_with(ForumUnavailable("down"))] * 3

        for _ in range(3):
            assert publish(publisher) == [Step.WAITING]
            assert current(store, ready.id).state is DraftState.PUBLISHING
        assert publish(publisher) == [Step.POSTED]
        assert len(own_posts(archive)) == 1

    @pytest.mark.parametrize("error", [ForumRefused("Body is too short"), ForumNotFound("gone")])
    def test_a_refused_reply_waits_for_a_person_with_the_forums_words(
        self, store: Store, publisher: Publisher, watched: WatchedForum, error: Exception
    ) -> None:
        ready = approved(store)
        watched.faults = [fails_with(error)]

        assert publish(publisher) == [Step.FAILED]
        assert current(store, ready.id).state is DraftState.FAILED
        assert last_note(store, ready.id) == str(error)
        assert publish(publisher) == []

    def test_a_topic_closed_at_the_last_moment_makes_the_draft_stale(
        self, store: Store, publisher: Publisher, watched: WatchedForum, clock: HandClock
    ) -> None:
        ready = approved(store)

        def closes(make):
            watched.forum = ArchiveForum([topic(closed=True)], username="helper", now=clock)
            raise ForumRefused("Perhaps this topic was closed")

        watched.faults = [closes]

        assert publish(publisher) == [Step.STALE]
        assert current(store, ready.id).state is DraftState.STALE

    def test_a_person_can_have_a_failed_draft_posted(
        self, store: Store, publisher: Publisher, watched: WatchedForum, clock: HandClock, archive: ArchiveForum
    ) -> None:
        ready = approved(store)
        watched.faults = [fails_with(ForumRefused("no"))]
        publish(publisher)
        with store.writing() as connection:
            review.retry(connection, ready.id, by="mei", now=clock(), settings=REVIEW)
        clock.advance(60)

        assert publish(publisher) == [Step.POSTED]
        assert len(own_posts(archive)) == 1

    def test_a_key_that_may_not_read_stops_the_round_and_loses_nothing(
        self, store: Store, publisher: Publisher, watched: WatchedForum, archive: ArchiveForum
    ) -> None:
        approved(store)

        def refuse(topic_id: str):
            raise ForumRefused("invalid key")

        watched.topic = refuse  # type: ignore[method-assign]
        with pytest.raises(ForumRefused, match="invalid key"):
            publish(publisher)
        del watched.topic

        assert publish(publisher) == [Step.POSTED]


class TestUnknownOutcomes:
    def test_a_reply_whose_answer_was_lost_is_found_and_not_repeated(
        self, store: Store, publisher: Publisher, watched: WatchedForum, archive: ArchiveForum
    ) -> None:
        ready = approved(store)
        watched.faults = [made_but_no_answer]

        assert publish(publisher) == [Step.WAITING]
        assert publish(publisher) == [Step.POSTED]
        assert len(watched.sent) == len(own_posts(archive)) == 1
        assert current(store, ready.id).reply_post_id == own_posts(archive)[0].id

    def test_a_reply_that_never_arrived_is_sent_once_more_byte_for_byte(
        self, store: Store, publisher: Publisher, watched: WatchedForum, clock: HandClock, archive: ArchiveForum
    ) -> None:
        approved(store)
        watched.faults = [lost_on_the_way, lambda make: make()]
        raws = []
        original = watched.reply

        def recording(*, topic_id: str, reply_to: int, raw: str):
            raws.append((topic_id, reply_to, raw))
            return original(topic_id=topic_id, reply_to=reply_to, raw=raw)

        watched.reply = recording  # type: ignore[method-assign]

        assert publish(publisher) == [Step.WAITING]
        clock.advance(34)
        assert publish(publisher) == [Step.WAITING]
        assert len(raws) == 1
        clock.advance(1)
        assert publish(publisher) == [Step.POSTED]
        assert len(raws) == 2
        assert raws[0] == raws[1]
        assert len(own_posts(archive)) == 1

    def test_it_is_never_sent_a_third_time(
        self, store: Store, publisher: Publisher, watched: WatchedForum, clock: HandClock
    ) -> None:
        ready = approved(store)
        watched.faults = [lost_on_the_way] * 9
        steps = []
        for _ in range(20):
            steps += publish(publisher)
            clock.advance(20)

        assert len(watched.faults) == 7
        assert steps[-1] is Step.FAILED
        assert last_note(store, ready.id) == "sent twice without an answer, and not found on the forum"

    def test_after_the_forum_has_forgotten_it_is_not_sent_again(
        self, store: Store, publisher: Publisher, watched: WatchedForum, clock: HandClock
    ) -> None:
        ready = approved(store)
        watched.faults = [lost_on_the_way]
        publish(publisher)
        clock.advance(101)

        assert publish(publisher) == [Step.FAILED]
        assert "too long ago" in last_note(store, ready.id)

    def test_a_late_reply_is_found_before_a_persons_retry_sends_it_again(
        self, store: Store, publisher: Publisher, watched: WatchedForum, clock: HandClock, archive: ArchiveForum
    ) -> None:
        ready = approved(store)
        late = []

        def takes_its_time(make):
            late.append(make)
            return lost_on_the_way(make)

        watched.faults = [takes_its_time]
        publish(publisher)
        clock.advance(101)
        publish(publisher)
        late[0]()
        with store.writing() as connection:
            review.retry(connection, ready.id, by="mei", now=clock(), settings=REVIEW)
        clock.advance(60)

        assert publish(publisher) == [Step.POSTED]
        assert len(own_posts(archive)) == 1

    def test_a_second_sending_that_the_forum_calls_a_repetition_is_the_first_one(
        self, store: Store, publisher: Publisher, watched: WatchedForum, clock: HandClock, archive: ArchiveForum
    ) -> None:
        approved(store)
        late = []

        def slow(make):
            late.append(make)
            return lost_on_the_way(make)

        def too_similar(make):
            late[0]()
            raise ForumRefused("Body is too similar to what you recently posted")

        watched.faults = [slow, too_similar]
        publish(publisher)
        clock.advance(40)

        assert publish(publisher) == [Step.POSTED]
        assert len(own_posts(archive)) == 1


class TestWithdrawing:
    def test_a_posted_reply_can_be_taken_back(self, store: Store, publisher: Publisher, archive: ArchiveForum) -> None:
        ready = approved(store)
        publish(publisher)

        gone = withdraw(publisher, ready.id, by="mei", note="wrong after all")

        assert gone.state is DraftState.WITHDRAWN
        assert own_posts(archive) == []
        with pytest.raises(WrongState, match="withdrawn"):
            withdraw(publisher, ready.id, by="mei")

    def test_taking_back_what_is_gone_already_is_no_error(
        self, store: Store, publisher: Publisher, archive: ArchiveForum
    ) -> None:
        ready = approved(store)
        publish(publisher)
        archive.withdraw(own_posts(archive)[0].id)

        assert withdraw(publisher, ready.id, by="mei").state is DraftState.WITHDRAWN


def test_a_queued_reply_is_remembered_as_queued(store: Store, publisher: Publisher, watched: WatchedForum) -> None:
    ready = approved(store)
    watched.faults = [queues]

    assert publish(publisher) == [Step.QUEUED]
    assert current(store, ready.id).state is DraftState.QUEUED
    with store.reading() as connection:
        assert outbox.open_departures(connection) == []


def run_to_the_end(publisher: Publisher, clock: HandClock) -> None:
    for _ in range(6):
        publish(publisher)
        clock.advance(20)


FAULTS = {"all goes well": [], "the answer is lost": [made_but_no_answer], "the request is lost": [lost_on_the_way]}


@pytest.mark.parametrize("faults", FAULTS.values(), ids=FAULTS)
def test_killed_at_any_boundary_exactly_one_reply_is_made(store: Store, clock: HandClock, faults) -> None:
    """Ends the program before and after each call to the forum and each commit, in turn, and starts it again."""
    kill_at = 0
    while True:
        clock.now = NOON + GRACE
        number = kill_at + 1
        asked = post(id=str(number))
        archive = ArchiveForum([topic(asked)], username="helper", now=clock)
        waiting = draft(store, asked=question(asked))
        with store.writing() as connection:
            review.approve(connection, waiting.id, revision=1, by="mei", now=NOON, settings=REVIEW)

        boundaries = Boundaries(kill_at=kill_at)
        watched = WatchedForum(archive, boundaries, faults=list(faults))
        doomed = a_publisher(WatchedStore(store, boundaries), watched, clock)
        doomed = replace(doomed, marker_key=lambda number=number: f"{number:032x}")
        try:
            run_to_the_end(doomed, clock)
        except Killed:
            survivor = replace(doomed, store=store, forum=WatchedForum(archive))
            run_to_the_end(survivor, clock)
        else:
            assert kill_at > 8, "the program was never killed"
            break

        assert len(own_posts(archive)) == 1, f"killed {boundaries.passed[-1]}"
        posted = current(store, waiting.id)
        assert posted.state is DraftState.POSTED, f"killed {boundaries.passed[-1]}"
        assert posted.reply_post_id == own_posts(archive)[0].id
        with store.reading() as connection:
            assert outbox.open_departures(connection) == []
            assert drafts.due(connection, now=clock(), most=9) == []
        kill_at += 1
