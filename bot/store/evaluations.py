"""Runs of `evaluate`, kept by name to compare others with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select

from bot.errors import BadInput, NotFound
from bot.store.engine import Connection
from bot.store.tables import evaluations


def require_free(connection: Connection, name: str) -> None:
    """Raise `BadInput` when a run is kept under this name already."""
    made_at = connection.execute(select(evaluations.c.made_at).where(evaluations.c.name == name)).scalar()
    if made_at is not None:
        raise BadInput(
            f'A run is kept as "{name}" already, of {made_at:%Y-%m-%d %H:%M} UTC. Take another name, or say --replace to'
            " keep this one in its place."
        )


def keep(connection: Connection, name: str, record: Mapping[str, Any], *, now: datetime, replace: bool = False) -> None:
    """Keep a run under this name; with `replace`, in place of one that had it. Raises as `require_free`."""
    if not replace:
        require_free(connection, name)
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
