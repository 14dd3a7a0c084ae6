"""Runs of `evaluate`, kept by name to compare others with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select

from bot.errors import NotFound
from bot.store.engine import Connection
from bot.store.tables import evaluations


def keep(connection: Connection, name: str, record: Mapping[str, Any], *, now: datetime) -> None:
    """Keep a run under this name, in place of one that had it."""
    connection.execute(delete(evaluations).where(evaluations.c.name == name))
    connection.execute(insert(evaluations).values(name=name, made_at=now, record=json.dumps(record)))


def kept(connection: Connection, name: str) -> dict[str, Any]:
    """The run of this name. Raises `NotFound`, which says the names there are."""
    record = connection.execute(select(evaluations.c.record).where(evaluations.c.name == name)).scalar()
    if record is None:
        names = ", ".join(names_of(connection)) or "none; `autograd-bot evaluate … --keep NAME` keeps one"
        raise NotFound(f'No run of evaluate is kept as "{name}". Kept: {names}.')
    found: dict[str, Any] = json.loads(record)
    return found


def names_of(connection: Connection) -> list[str]:
    """The names of all kept runs, newest first."""
    return list(connection.execute(select(evaluations.c.name).order_by(evaluations.c.made_at.desc())).scalars())
