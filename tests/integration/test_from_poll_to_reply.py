"""From a post on a forum to a reply on it, through the real client, over HTTP, whatever happens in between."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bot import review
from bot.domain.answer import Answer
from bot.domain.draft import DraftState, ReplyFate
from bot.domain.post import Question
from bot.pipeline import pipeline
from bot.publish import MARKER_BEGIN
from bot.sandbox.open import open_sandbox
from bot.settings import ReviewSettings, Settings
from bot.store import drafts, jobs, outbox, queue, replies
from bot.store.engine import Store
from bot.store.opening import open_store
from bot.worker import run_once
from tests.fake_discourse import FakeDiscourse, StoredPost, faults
from tests.integration.whole_program import DIED, stand_in, worker_at
from tests.unreliable import Boundaries, Killed

ASKED = "Why does this fail?\n\n```python\ny.backward()\n```\n\nIt says that a grad can only be created for scalars."
SETTLED, AFTER_GRACE, AFTER_RETRY = 301, 61, 40


class Story:
    """A forum with one question, and what is done about it step by step."""

    def __init__(self, forum: FakeDiscourse, store: Store) -> None:
        self.forum = forum
        self.store = store
        self.answer: Callable[[Question], Answer] = stand_in
        self.topic = forum.add_topic("Chapter 2.5: automatic differentiation", "Discuss the chapter here.")
        self.question: StoredPost = forum.add_post(self.topic.id, ASKED, by="student")
        forum.add_post(self.topic.id, "Thanks for the chapter!", by="classmate")

    def round(self, boundaries: Boundaries | None = None) -> None:
        worker = worker_at(self.store, self.forum.url, self.forum.clock, boundaries or Boundaries())
        run_once(replace(worker, answer=self.answer))

    def approve(self) -> None:
        """A moderator approves what waits."""
        with self.store.writing() as connection:
            for waiting in queue.listed(connection, state=DraftState.PENDING):
                review.approve(
                    connection,
                    waiting.id,
                    revision=waiting.revision,
                    by="mei",
                    now=self.forum.clock.now(),
                    settings=ReviewSettings(),
                )

    def to_the_end(self, boundaries: Boundaries | None = None) -> None:
        """Poll, settle, approve, post, and look for what is missing; after being killed, go on as a new process."""
        for wait in (0, SETTLED, AFTER_GRACE, AFTER_RETRY, AFTER_RETRY):
            self.forum.clock.advance(wait)
            try:
                self.round(boundaries)
            except Killed:
                boundaries = None
                self.round()
            self.approve()

    @property
    def draft(self) -> drafts.Draft | None:
        with self.store.reading() as connection:
            return drafts.of_post(connection, str(self.question.id))

    def assert_answered_exactly_once(self, context: str = "") -> None:
        (reply,) = self.forum.posted
        assert (reply.topic_id, reply.reply_to) == (self.topic.id, self.question.number), context
        assert reply.raw.count(MARKER_BEGIN) == 1, context
        draft = self.draft
        assert draft is not None, context
        assert (draft.state, draft.reply_post_id) == (DraftState.POSTED, str(reply.id)), context
        with self.store.reading() as connection:
            assert queue.counts(connection) == {DraftState.POSTED: 1}, context
            assert outbox.open_departures(connection) == [], context
            assert jobs.open_troubles(connection) == [], context


@pytest.fixture
def story(fake_discourse: FakeDiscourse, store: Store) -> Story:
    return Story(fake_discourse, store)


def test_a_question_is_polled_settles_is_approved_and_gets_its_reply(story: Story) -> None:
    story.round()
    assert story.draft is None
    story.forum.clock.advance(SETTLED)
    story.round()
    assert story.draft is not None
    assert story.draft.state is DraftState.PENDING
    story.forum.clock.advance(3600)
    story.round()
    assert story.forum.posted == []

    story.approve()
    story.round()
    assert story.forum.posted == []
    story.forum.clock.advance(AFTER_GRACE)
    story.round()

    story.assert_answered_exactly_once()


def test_another_round_changes_nothing(story: Story) -> None:
    story.to_the_end()
    for _ in range(3):
        story.forum.clock.advance(7200)
        story.round()

    story.assert_answered_exactly_once()


@pytest.mark.parametrize(
    "fault",
    [
        faults.dropped_after_doing(),
        faults.failed_after_doing(),
        faults.cut_short_after_doing(),
        faults.dropped(),
        faults.failed(),
        faults.limited(5),
        faults.limited_by_address(5),
        faults.page_of_html(),
    ],
    ids=lambda fault: type(fault.act).__name__ + (" after doing" if fault.after else ""),
)
def test_whatever_the_forum_answers_to_the_create_there_is_one_reply(story: Story, fault: faults.Fault) -> None:
    story.forum.fail_next("POST /posts", fault)

    story.to_the_end()

    story.assert_answered_exactly_once()


def test_a_forum_that_is_down_for_a_while_costs_nothing(story: Story) -> None:
    story.forum.fail_next("GET /posts.json", faults.failed(503), times=3)
    story.forum.fail_next("GET /t/", faults.failed(503), times=3)

    for _ in range(3):
        story.round()
        story.forum.clock.advance(1800)
    story.to_the_end()

    story.assert_answered_exactly_once()


def test_a_queued_reply_is_followed_until_the_forums_moderators_decide(story: Story) -> None:
    story.forum.desk.queue_all = True
    story.to_the_end()
    assert story.draft is not None
    assert story.draft.state is DraftState.QUEUED
    (waiting,) = story.forum.pending.values()

    story.forum.approve_pending(waiting.id)
    story.forum.clock.advance(601)
    story.round()

    story.assert_answered_exactly_once()


def test_an_edit_after_the_approval_is_answered_anew(story: Story) -> None:
    story.round()
    story.forum.clock.advance(SETTLED)
    story.round()
    story.approve()
    story.forum.edit(story.question.id, ASKED + "\n\nEdit: y is `x * x`, and backward fails in the second cell.")
    story.forum.clock.advance(AFTER_GRACE)
    story.round()
    assert story.forum.posted == []
    assert story.draft is not None
    assert story.draft.state is DraftState.STALE

    story.forum.clock.advance(SETTLED)
    story.round()
    assert story.draft.state is DraftState.PENDING
    story.approve()
    story.forum.clock.advance(AFTER_GRACE)
    story.round()

    story.assert_answered_exactly_once()


def test_an_answer_by_a_person_comes_first(story: Story) -> None:
    story.round()
    story.forum.clock.advance(SETTLED)
    story.round()
    story.approve()
    story.forum.clock.advance(10)
    story.forum.add_post(story.topic.id, "Call sum() before.", by="classmate", reply_to=story.question.number)
    story.forum.clock.advance(AFTER_GRACE)
    story.round()

    assert story.forum.posted == []
    assert story.draft is not None
    assert story.draft.state is DraftState.STALE


def test_likes_and_objections_are_seen_on_the_forum(story: Story) -> None:
    story.to_the_end()
    (reply,) = story.forum.posted
    story.forum.like(reply.id)
    story.forum.add_post(story.topic.id, "It still fails.", by="student", reply_to=reply.number)
    story.forum.clock.advance(7200)
    story.round()

    with story.store.reading() as connection:
        fates = [one.fate for one in replies.outcomes_of(connection, 1)]
    assert fates == [ReplyFate.LIKED, ReplyFate.STILL_FAILS]


@pytest.mark.sandbox
def test_the_whole_program_answers_a_real_question_with_code_that_ran(story: Story, tmp_path: Path) -> None:
    program = "import torch\nx = torch.arange(4.0, requires_grad=True)\ny = x * x\ny.backward()\nx.grad"
    story.forum.edit(story.question.id, f"Why does this fail?\n\n```python\n{program}\n```")
    settings = Settings()
    with open_sandbox(settings.sandbox, data=tmp_path) as sandbox:
        story.answer = pipeline(settings, sandbox, clock=time.monotonic).answer
        story.to_the_end()

    story.assert_answered_exactly_once()
    (reply,) = story.forum.posted
    assert "y.sum().backward()" in reply.raw
    assert "tensor([0., 2., 4., 6.])" in reply.raw


SHARES = 10


@pytest.mark.slow
@pytest.mark.parametrize("share", range(SHARES))
def test_killed_between_any_two_steps_there_is_one_reply(tmp_path: Path, share: int) -> None:
    """Every boundary of the whole way, in turn: before and after each request and each commit."""
    for kill_at in range(share, 1000, SHARES):
        store = open_store(tmp_path / str(kill_at))
        with FakeDiscourse() as forum:
            boundaries = Boundaries(kill_at=kill_at)
            story = Story(forum, store)
            story.to_the_end(boundaries)
            story.assert_answered_exactly_once(f"killed at {boundaries.passed[-1]}, the {kill_at}th step")
        store.close()
        if len(boundaries.passed) <= kill_at:
            break

    assert kill_at > 100, "the way has more steps than that"


#: What a round of the publisher crosses: its beginning noted, the draft taken, the topic read, "sent" kept, the
#: reply made and kept, nothing more found, its end noted.
PUBLISHING = [
    f"{side} {step}"
    for step in ("commit", "commit", "topic", "commit", "reply", "commit", "commit", "commit")
    for side in ("before", "after")
]


@pytest.mark.slow
@pytest.mark.parametrize("step", range(len(PUBLISHING)))
def test_a_process_that_really_dies_leaves_one_reply(
    story: Story, tmp_path: Path, fake_discourse: FakeDiscourse, step: int
) -> None:
    story.round()
    fake_discourse.clock.advance(SETTLED)
    story.round()
    story.approve()
    fake_discourse.clock.advance(AFTER_GRACE)
    story.store.close()

    def one_round(kill_at: int) -> tuple[int, list[str]]:
        program = [sys.executable, "-m", "tests.integration.whole_program"]
        arguments = [str(tmp_path / "data"), fake_discourse.url, str(fake_discourse.clock.seconds()), str(kill_at)]
        ended = subprocess.run(
            [*program, *arguments],
            check=False,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
            timeout=60,
        )
        crossed = [line for line in ended.stdout.splitlines() if line.startswith(("before ", "after "))]
        return ended.returncode, crossed

    code, crossed = one_round(step)
    assert code == DIED
    assert crossed == PUBLISHING[: step + 1]

    for _ in range(2):
        fake_discourse.clock.advance(AFTER_RETRY)
        code, _ = one_round(-1)
        assert code == 0
    story.assert_answered_exactly_once(f"died {PUBLISHING[step]}")
