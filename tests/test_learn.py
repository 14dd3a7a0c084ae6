from __future__ import annotations

from itertools import count

import pytest

from bot import review
from bot.domain.draft import RejectReason, ReplyFate
from bot.learn import LEAST_DECISIONS, Record, Standing, records
from bot.store import replies
from bot.store.engine import Store
from tests.review_examples import MENDED, NOON, REVIEW, draft, post, question, shown

NUMBERS = count(100)


def decide(store: Store, how: str) -> int:
    waiting = draft(store, asked=question(post(id=str(next(NUMBERS)))))
    with store.writing() as connection:
        match how:
            case "approve":
                review.approve(connection, waiting.id, revision=1, by="mei", now=NOON, settings=REVIEW)
            case "edit":
                text = "Kinder words.\n\n" + shown(MENDED)
                review.edit(connection, waiting.id, revision=1, reply=text, by="mei", now=NOON)
                review.approve(connection, waiting.id, revision=2, by="mei", now=NOON, settings=REVIEW)
            case reason:
                code = RejectReason(reason)
                review.reject(connection, waiting.id, revision=1, reason=code, by="mei", now=NOON)
    return waiting.id


def record(store: Store) -> Record:
    with store.reading() as connection:
        (only,) = records(connection)
    return only


def test_decisions_are_counted_by_confusion(store: Store) -> None:
    for how in ("approve", "approve", "edit", "wrong_code", "wrong_code", "homework"):
        decide(store, how)

    counted = record(store)

    assert (counted.confusion, counted.approved, counted.edited) == ("non_scalar_backward", 2, 1)
    assert counted.rejected == {RejectReason.WRONG_CODE: 2, RejectReason.HOMEWORK: 1}
    assert counted.faults == 3


@pytest.mark.parametrize("how", ["approve", "edit", "tone"])
def test_what_was_undone_does_not_count(store: Store, how: str) -> None:
    decide(store, "approve")
    undone = decide(store, how)
    with store.writing() as connection:
        review.undo(connection, undone, by="mei", now=NOON, settings=REVIEW)

    assert (record(store).approved, record(store).edited, record(store).rejected) == (1, 0, {})


def test_a_confusion_is_trusted_after_enough_approvals(store: Store) -> None:
    for _ in range(LEAST_DECISIONS - 1):
        decide(store, "approve")
    assert record(store).standing is Standing.TRIAL
    decide(store, "approve")

    assert record(store).standing is Standing.TRUSTED


def test_mistakes_cost_the_trust() -> None:
    good = Record(confusion="x", approved=40)

    assert good.standing is Standing.TRUSTED
    assert Record(confusion="x", approved=40, edited=5).standing is Standing.TRIAL
    assert Record(confusion="x", approved=40, rejected={RejectReason.WRONG_CODE: 5}).standing is Standing.TRIAL
    assert Record(confusion="x", approved=40, fates={ReplyFate.STILL_FAILS: 5}).standing is Standing.TRIAL
    assert Record(confusion="x", approved=40, rejected={RejectReason.HOMEWORK: 5}).standing is Standing.TRUSTED


def test_what_became_of_the_replies_is_in_the_record(store: Store) -> None:
    number = decide(store, "approve")
    with store.writing() as connection:
        replies.add_outcome(connection, number, ReplyFate.LIKED, now=NOON)
        replies.add_outcome(connection, number, ReplyFate.LIKED, now=NOON)

    assert record(store).fates == {ReplyFate.LIKED: 1}


def test_nothing_decided_makes_no_record(store: Store) -> None:
    draft(store)

    with store.reading() as connection:
        assert records(connection) == []
