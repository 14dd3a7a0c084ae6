"""The queue as lists and counts show it: what waits, in which order, and how much of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import Enum

from sqlalchemy import func, literal, select, tuple_
from sqlalchemy.sql.elements import ColumnElement

from bot.domain.draft import DraftState, DraftSummary
from bot.domain.post import Language
from bot.store import search
from bot.store.columns import Moment
from bot.store.engine import Connection
from bot.store.tables import answers, drafts

_SUMMARY = [drafts.c[name] for name in DraftSummary.__dataclass_fields__]


class Order(Enum):
    """How a list of drafts is sorted."""

    OLDEST = "oldest"
    SUREST = "surest"
    NEWEST = "newest"


def summary(connection: Connection, draft_id: int) -> DraftSummary | None:
    """The draft as lists show it."""
    row = connection.execute(select(*_SUMMARY).where(drafts.c.id == draft_id)).first()
    return None if row is None else DraftSummary(**row._mapping)


def listed(
    connection: Connection,
    *,
    state: DraftState,
    order: Order = Order.OLDEST,
    confusion: str | None = None,
    language: Language | None = None,
    category_id: int | None = None,
    least_confidence: float = 0.0,
    words: str = "",
    after: DraftSummary | None = None,
    most: int = 50,
) -> list[DraftSummary]:
    """One page of the drafts in a state; `after` is the last one of the page before.

    With `words`, those whose title, asker or confusion has them all.
    """
    query = select(*_SUMMARY).where(drafts.c.state == state)
    if confusion is not None:
        query = query.where(drafts.c.confusion == confusion)
    if language is not None:
        query = query.where(drafts.c.language == language)
    if category_id is not None:
        query = query.where(drafts.c.category_id == category_id)
    if least_confidence > 0:
        # `+ 0` keeps the planner at the index that has the wanted order, instead of sorting all that match.
        query = query.where(drafts.c.confidence + 0 >= least_confidence)
    found = search.condition(connection, words)
    if found is not None:
        query = query.where(found)
    match order:
        case Order.OLDEST:
            query = query.order_by(drafts.c.created_at, drafts.c.id)
        case Order.NEWEST:
            query = query.order_by(drafts.c.created_at.desc(), drafts.c.id.desc())
        case Order.SUREST:
            query = query.order_by(drafts.c.confidence.desc(), drafts.c.id.desc())
    if after is not None:
        query = query.where(_behind(after, order))
    return [DraftSummary(**row._mapping) for row in connection.execute(query.limit(most))]


def beginnings(connection: Connection, ids: Sequence[int], *, characters: int) -> dict[int, str]:
    """How the posts of these drafts begin, by the draft's number."""
    begins = func.substr(answers.c.question, 1, characters).label("begins")
    query = select(drafts.c.id, begins).join(answers, answers.c.id == drafts.c.answer_id).where(drafts.c.id.in_(ids))
    return {row.id: row.begins or "" for row in connection.execute(query)}


def counts(connection: Connection) -> dict[DraftState, int]:
    """How many drafts are in each state; states without any are left out."""
    query = select(drafts.c.state, func.count().label("number")).group_by(drafts.c.state)
    return {row.state: row.number for row in connection.execute(query)}


def count(connection: Connection, state: DraftState, *, most: int) -> int:
    """How many drafts are in a state; `most` when there are as many or more."""
    some = select(drafts.c.id).where(drafts.c.state == state).limit(most).subquery()
    return connection.execute(select(func.count()).select_from(some)).scalar_one()


def counts_by_confusion(connection: Connection, state: DraftState) -> dict[str, int]:
    """How many drafts of each confusion are in a state."""
    query = select(drafts.c.confusion, func.count().label("number")).where(drafts.c.state == state)
    return {row.confusion: row.number for row in connection.execute(query.group_by(drafts.c.confusion))}


def arrived_since(connection: Connection, moment: datetime | None) -> int:
    """How many of the drafts that wait were made after this moment; all that wait when it is None."""
    query = select(func.count()).where(drafts.c.state == DraftState.PENDING)
    if moment is not None:
        query = query.where(drafts.c.created_at > moment)
    return connection.execute(query).scalar_one()


def _behind(last: DraftSummary, order: Order) -> ColumnElement[bool]:
    match order:
        case Order.OLDEST:
            return tuple_(drafts.c.created_at, drafts.c.id) > tuple_(literal(last.created_at, Moment), literal(last.id))
        case Order.NEWEST:
            return tuple_(drafts.c.created_at, drafts.c.id) < tuple_(literal(last.created_at, Moment), literal(last.id))
        case Order.SUREST:
            return tuple_(drafts.c.confidence, drafts.c.id) < tuple_(literal(last.confidence), literal(last.id))
