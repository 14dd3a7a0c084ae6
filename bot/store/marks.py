"""Single values that outlive a restart: how far the forum was read, when moderators were last told."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, insert, select, update

from bot.store.engine import Connection
from bot.store.tables import marks

#: Until when the forum wants to be left alone, as the last round of a job heard it.
LIMITED_UNTIL = "forum limited until"


def value(connection: Connection, name: str) -> str | None:
    """What was kept under this name."""
    found: str | None = connection.execute(select(marks.c.value).where(marks.c.name == name)).scalar()
    return found


def kept_at(connection: Connection, name: str) -> datetime | None:
    """When the value of this name was kept."""
    found: datetime | None = connection.execute(select(marks.c.at).where(marks.c.name == name)).scalar()
    return found


def keep(connection: Connection, name: str, value: str, *, now: datetime) -> None:
    """Keep a value under this name, in place of the one before."""
    row = {"value": value, "at": now}
    if connection.execute(update(marks).where(marks.c.name == name).values(row)).rowcount == 0:
        connection.execute(insert(marks).values(name=name, **row))


def forget(connection: Connection, name: str) -> None:
    """Keep nothing under this name."""
    connection.execute(delete(marks).where(marks.c.name == name))
