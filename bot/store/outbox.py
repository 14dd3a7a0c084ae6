"""Replies on their way to the forum. A row is committed before anything is sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, select, update

from bot.domain.draft import Draft
from bot.store.engine import Connection
from bot.store.tables import outbox


@dataclass(frozen=True, kw_only=True, slots=True)
class Departure:
    """A reply that is about to be posted, or whose posting has no known outcome yet."""

    id: int
    draft_id: int
    marker: str  #: hidden in `raw`; tells our reply from all others
    raw: str  #: what is sent, byte for byte, both times
    topic_id: str
    reply_to: int  #: number of the asker's post
    made_at: datetime
    first_sent_at: datetime | None  #: committed before the request leaves
    second_sent_at: datetime | None
    unknown_since: datetime | None  #: when it became clear that a sending has no known outcome
    closed_at: datetime | None  #: the outcome is known, or a person decides


def add(connection: Connection, draft: Draft, *, marker: str, raw: str, now: datetime) -> Departure:
    """A new row for a draft that is about to be posted."""
    row = {
        "draft_id": draft.id,
        "marker": marker,
        "raw": raw,
        "topic_id": draft.topic_id,
        "reply_to": draft.post_number,
        "made_at": now,
    }
    return _departure(connection.execute(insert(outbox).values(row).returning(outbox)).one())


def open_departures(connection: Connection) -> list[Departure]:
    """Those without a known outcome, oldest first."""
    query = select(outbox).where(outbox.c.closed_at.is_(None)).order_by(outbox.c.id)
    return [_departure(row) for row in connection.execute(query)]


def marker_of(connection: Connection, draft_id: int) -> str | None:
    """The marker of a draft that was on its way before: its reply may yet turn up under it."""
    query = select(outbox.c.marker).where(outbox.c.draft_id == draft_id).order_by(outbox.c.id).limit(1)
    found: str | None = connection.execute(query).scalar()
    return found


def was_sent(connection: Connection, draft_id: int) -> bool:
    """Whether this draft's reply ever left, so that it may be on the forum."""
    query = select(outbox.c.id).where(outbox.c.draft_id == draft_id, outbox.c.first_sent_at.is_not(None))
    return connection.execute(query.limit(1)).first() is not None


def set_sent(connection: Connection, departure: Departure, *, now: datetime) -> Departure:
    """The row with the moment before the request leaves: the first time, or the second."""
    column = "second_sent_at" if departure.first_sent_at else "first_sent_at"
    return _set(connection, departure, {column: now, "unknown_since": None})


def unset_sent(connection: Connection, departure: Departure) -> Departure:
    """The row as before `set_sent`: the forum said that nothing was made."""
    column = "second_sent_at" if departure.second_sent_at else "first_sent_at"
    return _set(connection, departure, {column: None})


def set_unknown(connection: Connection, departure: Departure, *, now: datetime) -> Departure:
    """The row whose request left at this moment at the latest, and may or may not have been obeyed."""
    return _set(connection, departure, {"unknown_since": now})


def close(connection: Connection, departure: Departure, *, now: datetime) -> Departure:
    """The row, done with."""
    return _set(connection, departure, {"closed_at": now})


def _set(connection: Connection, departure: Departure, moved: dict[str, Any]) -> Departure:
    query = update(outbox).where(outbox.c.id == departure.id).values(moved).returning(outbox)
    return _departure(connection.execute(query).one())


def _departure(row: Row[Any]) -> Departure:
    return Departure(**row._mapping)
