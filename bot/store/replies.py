"""What was made on the forum, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select, update

from bot.domain.draft import ReplyFate
from bot.store.engine import Connection
from bot.store.tables import drafts, outcomes, replies


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptReply:
    """A reply that we made, or that the forum's own moderators look at."""

    draft_id: int
    topic_id: str
    marker: str
    post_id: str | None  #: None while it is queued
    queued: bool
    made_at: datetime
    missed_at: datetime | None  #: when a queued reply was first not found any more
    look_at: datetime | None  #: when to look next; None: not looked at any more


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """Something that became of a reply."""

    draft_id: int
    fate: ReplyFate
    at: datetime
    confusion: str
    note: str


def add(connection: Connection, reply: KeptReply) -> None:
    """Keep a reply; a draft has one at most."""
    row = {name: getattr(reply, name) for name in KeptReply.__dataclass_fields__}
    connection.execute(insert(replies).values(row))


def get(connection: Connection, draft_id: int) -> KeptReply | None:
    """The reply that was made from a draft."""
    row = connection.execute(select(replies).where(replies.c.draft_id == draft_id)).first()
    return None if row is None else KeptReply(**row._mapping)


def to_look_at(connection: Connection, *, queued: bool, now: datetime, most: int) -> list[KeptReply]:
    """The replies whose time has come, the longest overdue first."""
    query = select(replies).where(replies.c.queued == queued, replies.c.look_at <= now)
    query = query.order_by(replies.c.look_at).limit(most)
    return [KeptReply(**row._mapping) for row in connection.execute(query)]


def move(connection: Connection, draft_id: int, **moved: Any) -> None:
    """Change fields of the reply of a draft."""
    connection.execute(update(replies).where(replies.c.draft_id == draft_id).values(moved))


def add_outcome(connection: Connection, draft_id: int, fate: ReplyFate, *, note: str = "", now: datetime) -> bool:
    """Note what became of a reply, once; returns whether it is news."""
    known = select(outcomes.c.id).where(outcomes.c.draft_id == draft_id, outcomes.c.fate == fate)
    if connection.execute(known).first() is not None:
        return False
    confusion = select(drafts.c.confusion).where(drafts.c.id == draft_id).scalar_subquery()
    row = {"draft_id": draft_id, "fate": fate, "at": now, "confusion": confusion, "note": note}
    connection.execute(insert(outcomes).values(row))
    return True


def outcomes_of(connection: Connection, draft_id: int) -> list[Outcome]:
    """Everything that became of a draft's reply, in order."""
    fields = [outcomes.c[name] for name in Outcome.__dataclass_fields__]
    query = select(*fields).where(outcomes.c.draft_id == draft_id).order_by(outcomes.c.id)
    return [Outcome(**row._mapping) for row in connection.execute(query)]


def outcome_counts(connection: Connection) -> dict[tuple[str, ReplyFate], int]:
    """How often each fate befell replies about each confusion."""
    query = select(outcomes.c.confusion, outcomes.c.fate, func.count().label("number"))
    query = query.group_by(outcomes.c.confusion, outcomes.c.fate)
    return {(row.confusion, row.fate): row.number for row in connection.execute(query)}
