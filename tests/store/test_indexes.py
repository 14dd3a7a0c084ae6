"""Every query of a page or a job is served by an index: none reads a table from end to end."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from sqlalchemy import event

from bot import learn, review
from bot.domain.draft import DraftState, ReplyFate
from bot.domain.post import Language
from bot.forum.memory import ArchiveForum
from bot.publish import Publisher, publish, watch
from bot.settings import ForumSettings, Settings
from bot.store import answers, decisions, drafts, jobs, marks, outbox, posts, queue, replies, revisions
from bot.store.engine import Connection, Store
from bot.store.queue import Order
from tests.review_examples import GRACE, NOON, REVIEW, answer, approved, post, question, topic
from tests.unreliable import HandClock

#: Of these a draft or a post has a few rows, which may be sorted.
FEW = ("FROM answers", "FROM outcomes")
#: Tables of a handful of rows, which may be read whole.
SMALL = {"marks", "jobs"}


@pytest.fixture
def asked(store: Store) -> list[tuple[str, Any]]:
    """Every statement that is sent to the database from now on, with its values."""
    sent: list[tuple[str, Any]] = []

    @event.listens_for(store.engine, "before_cursor_execute")
    def note(_connection, _cursor, statement, parameters, _context, _many) -> None:
        if statement.startswith(("SELECT", "UPDATE")):
            sent.append((statement, parameters))

    return sent


def whole_tables_read(store: Store, asked: list[tuple[str, Any]]) -> set[str]:
    """Tables that the statements read from end to end, other than through an index."""
    found = set()
    for statement, parameters in list(asked):
        with store.reading() as connection:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
        for row in plan:
            if scanned := re.fullmatch(r"SCAN (\w+)", row[3]):
                found.add(f"{scanned[1]}: {statement}")
            if "TEMP B-TREE FOR ORDER BY" in row[3] and not any(few in statement for few in FEW):
                found.add(f"sorted: {statement}")
    return {one for one in found if one.split(":")[0] not in SMALL and "alembic" not in one}


PAGE = {
    "draft": lambda connection: drafts.get(connection, 1),
    "draft of a post": lambda connection: drafts.of_post(connection, "11"),
    "draft in the way": lambda connection: drafts.holding_place(connection, "11"),
    "queue": lambda connection: queue.listed(connection, state=DraftState.PENDING),
    "queue, surest": lambda connection: queue.listed(connection, state=DraftState.PENDING, order=Order.SUREST),
    "queue, sure enough": lambda connection: queue.listed(connection, state=DraftState.PENDING, least_confidence=0.9),
    "queue of a confusion": lambda connection: queue.listed(
        connection, state=DraftState.PENDING, confusion="non_scalar_backward"
    ),
    "queue of a language": lambda connection: queue.listed(
        connection, state=DraftState.PENDING, language=Language.CHINESE
    ),
    "queue of a category": lambda connection: queue.listed(connection, state=DraftState.PENDING, category_id=3),
    "counts": queue.counts,
    "counts of confusions": lambda connection: queue.counts_by_confusion(connection, DraftState.PENDING),
    "new drafts": lambda connection: queue.arrived_since(connection, NOON),
    "history": lambda connection: decisions.of_draft(connection, 1),
    "newest decision": lambda connection: decisions.newest(connection, 1),
    "tallies": learn.records,
    "texts": lambda connection: revisions.of_draft(connection, 1),
    "reply": lambda connection: replies.get(connection, 1),
    "outcomes": lambda connection: replies.outcomes_of(connection, 1),
    "known text": lambda connection: answers.already_answered(connection, "11", post().sha256),
    "newest answer": lambda connection: answers.latest(connection, "11"),
    "proved code": lambda connection: answers.proved_code(connection, "11", post().sha256),
    "troubles": jobs.open_troubles,
    "jobs": jobs.all_jobs,
    "known post": lambda connection: posts.get(connection, "11"),
    "due posts": lambda connection: posts.due(connection, now=NOON),
    "mark": lambda connection: marks.value(connection, "newest post"),
    "departures": outbox.open_departures,
}


@pytest.mark.parametrize("query", PAGE.values(), ids=PAGE)
def test_a_page_never_reads_a_whole_table(
    store: Store, asked: list[tuple[str, Any]], query: Callable[[Connection], object]
) -> None:
    approved(store)
    asked.clear()

    with store.reading() as connection:
        query(connection)

    assert asked
    assert whole_tables_read(store, asked) == set()


def test_the_next_page_begins_where_the_last_one_ended(store: Store, asked: list[tuple[str, Any]]) -> None:
    with store.writing() as connection:
        for number in range(5):
            one = question(post(id=str(number)))
            review.save_answer(connection, one, answer(), NOON + timedelta(seconds=number // 2))

    for order in Order:
        with store.reading() as connection:
            first = queue.listed(connection, state=DraftState.PENDING, order=order, most=3)
            asked.clear()
            rest = queue.listed(connection, state=DraftState.PENDING, order=order, most=3, after=first[-1])
        ids = [one.id for one in (*first, *rest)]
        assert ids == (sorted(ids) if order is Order.OLDEST else sorted(ids, reverse=True))
        assert len(set(ids)) == 5
        assert whole_tables_read(store, asked) == set()


def test_no_job_ever_reads_a_whole_table(store: Store, asked: list[tuple[str, Any]]) -> None:
    clock, keys = HandClock(NOON + GRACE), count(1)
    publisher = Publisher(
        store=store,
        forum=ArchiveForum([topic()], username="helper", now=clock),
        settings=Settings(forum=ForumSettings(username="helper")),
        clock=clock,
        marker_key=lambda: f"{next(keys):032x}",
    )
    approved(store)
    publish(publisher)
    clock.advance(7200)
    watch(publisher)
    with store.writing() as connection:
        replies.add_outcome(connection, 1, ReplyFate.LIKED, now=NOON)
        review.drop_old(connection, now=NOON, settings=REVIEW)
        jobs.add_trouble(connection, job="poll", post_id=None, error=ValueError("x"), detail="", now=NOON)
        jobs.add_trouble(connection, job="poll", post_id=None, error=ValueError("x"), detail="", now=NOON)

    assert len(asked) > 20
    assert whole_tables_read(store, asked) == set()
