"""No sequence of what two moderators, a publisher, the forum and the asker do leaves the life of a draft."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from itertools import count, pairwise, product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from bot import review
from bot.domain.draft import ALLOWED, Draft, DraftState, RejectReason, Reply
from bot.errors import ForumRefused, ForumUnavailable, ReviewError
from bot.forum.memory import ArchiveForum
from bot.publish import Publisher, publish, watch, withdraw
from bot.settings import ForumSettings, Settings
from bot.store import decisions, drafts, outbox, queue
from bot.store.engine import Connection
from bot.store.opening import open_store
from tests.review_examples import MENDED, NOON, REVIEW, answer, post, question, shown, silence, topic
from tests.unreliable import (
    HandClock,
    Killed,
    WatchedForum,
    fails_with,
    lost_on_the_way,
    made_but_no_answer,
    queues,
)

Fault = Callable[[Callable[[], Reply]], Reply]
EDITED = MENDED.replace("sum", "mean")


def dies_after_making(make: Callable[[], Reply]) -> Reply:
    make()
    raise Killed


def dies_before_making(make: Callable[[], Reply]) -> Reply:
    raise Killed


FAULTS = [
    None,
    made_but_no_answer,
    lost_on_the_way,
    dies_after_making,
    dies_before_making,
    fails_with(ForumRefused("no")),
    fails_with(ForumUnavailable("down")),
    queues,
]
DEEDS = [
    *("approve", "approve", "approve", "reject", "undo", "drop", "retry", "claim", "release"),
    *("edit words", "edit code", "run again", "take back"),
]
#: Everything that can happen, each as likely as the others.
STEPS = [
    *(("moderator_acts", step) for step in product(["mei", "tom"], [True, False], DEEDS)),
    *(("asker_edits", (seen,)) for seen in ("answered anew", "silence", "not yet")),
    *(("program_has_its_turn", step) for step in product([1, 35, 61, 61, 120], FAULTS)),
]


class LifeOfADraft(RuleBasedStateMachine):
    """Two moderators who may look at an old version of the draft, an unlucky publisher, an asker who edits."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.store = open_store(Path(self.folder.name))
        self.clock = HandClock(NOON)
        self.raws = count(1)
        self.asked = post()
        self.archive = ArchiveForum([topic(self.asked)], username="helper", now=self.clock)
        self.forum = WatchedForum(self.archive)
        keys = count(1)
        self.publisher = Publisher(
            store=self.store,
            forum=self.forum,
            settings=Settings(forum=ForumSettings(username="helper", seconds_between_posts=0)),
            clock=self.clock,
            marker_key=lambda: f"{next(keys):032x}",
        )
        with self.store.writing() as connection:
            made = review.save_answer(connection, question(self.asked), answer(), self.clock())
            assert made is not None
            self.seen: dict[str, Draft] = dict.fromkeys(("mei", "tom"), drafts.get(connection, made))

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
            self.folder.cleanup()

    # One rule only: of several, most runs would leave all but one or two out.

    @rule(step=st.sampled_from(STEPS))
    def something_happens(self, step: tuple[str, tuple[Any, ...]]) -> None:
        name, arguments = step
        getattr(self, name)(*arguments)

    def moderator_acts(self, who: str, looks_first: bool, what: str) -> None:
        """On the draft as this moderator last saw it, which may be long ago."""
        if looks_first:
            with self.store.reading() as connection:
                self.seen[who] = drafts.of_post(connection, "11") or self.seen[who]
        with suppress(ReviewError):
            if what == "take back":
                withdraw(self.publisher, self.seen[who].id, by=who)
                return
            with self.store.writing() as connection:
                self._act(connection, self.seen[who], who, what)

    def _act(self, connection: Connection, seen: Draft, who: str, what: str) -> None:
        now, draft_id, read = self.clock(), seen.id, seen.revision
        match what:
            case "approve":
                before = drafts.get(connection, draft_id)
                review.approve(connection, draft_id, revision=read, by=who, now=now, settings=REVIEW)
                assert before.proved, "code without a proof was approved"
                assert before.reply == seen.reply, "a text was approved that nobody had read"
            case "reject":
                reason = RejectReason.OTHER
                review.reject(connection, draft_id, revision=read, reason=reason, by=who, now=now)
            case "undo":
                review.undo(connection, draft_id, by=who, now=now, settings=REVIEW)
            case "drop":
                review.drop(connection, draft_id, by=who, now=now)
            case "retry":
                review.retry(connection, draft_id, by=who, now=now, settings=REVIEW)
            case "claim":
                review.claim(connection, draft_id, by=who, now=now, settings=REVIEW)
            case "release":
                review.release(connection, draft_id, by=who, now=now)
            case "edit words" | "edit code":
                text = shown(EDITED) if what == "edit code" else "Call `.sum()` first, please."
                review.edit(connection, draft_id, revision=read, reply=text, by=who, now=now)
            case "run again":
                review.reprove(connection, draft_id, revision=read, answer=answer(EDITED), by=who, now=now)

    def asker_edits(self, seen: str) -> None:
        self.asked = post(f"Edited {next(self.raws)} times")
        self.archive._stored = {"5": topic(self.asked)}
        if seen == "not yet":
            return
        found = silence() if seen == "silence" else answer()
        with self.store.writing() as connection:
            review.save_answer(connection, question(self.asked), found, self.clock())

    def program_has_its_turn(self, seconds: int, fault: Fault | None) -> None:
        self.clock.advance(seconds)
        self.forum.faults = [fault] if fault else []
        with suppress(Killed):
            publish(self.publisher)
            watch(self.publisher)
        self.forum.faults = []

    # What must always hold

    @invariant()
    def every_change_is_an_allowed_one_and_written_down(self) -> None:
        if not hasattr(self, "store"):
            return
        with self.store.reading() as connection:
            newest = drafts.of_post(connection, "11")
            assert newest is not None
            for number in range(1, newest.id + 1):
                history = decisions.of_draft(connection, number)
                assert all(one.after in ALLOWED[one.before] for one in history)
                assert all(before.after is after.before for before, after in pairwise(history))
                last = history[-1].after if history else DraftState.PENDING
                assert drafts.get(connection, number).state is last

    @invariant()
    def there_is_never_a_second_reply(self) -> None:
        if hasattr(self, "archive"):
            assert len([one for one in self.archive.topic("5").posts if one.author == "helper"]) <= 1

    @invariant()
    def a_draft_on_its_way_is_in_the_outbox_and_no_other_is(self) -> None:
        if not hasattr(self, "store"):
            return
        with self.store.reading() as connection:
            on_their_way = {departure.draft_id for departure in outbox.open_departures(connection)}
            publishing = queue.listed(connection, state=DraftState.PUBLISHING)
        assert on_their_way == {one.id for one in publishing}


LifeOfADraft.TestCase.settings = settings(
    max_examples=40,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
TestLifeOfADraft = pytest.mark.timeout(600)(pytest.mark.slow(LifeOfADraft.TestCase))


def test_a_moderator_who_looks_away_for_long_cannot_approve_by_accident() -> None:
    """The machine above finds such things by chance; this is the one that matters most."""
    machine = LifeOfADraft()
    machine.begin()
    machine.moderator_acts("tom", True, "edit words")
    machine.moderator_acts("mei", False, "approve")
    machine.clock.now += timedelta(hours=1)
    machine.program_has_its_turn(1, None)

    assert [one.author for one in machine.archive.topic("5").posts] == ["asker"]
    machine.teardown()
