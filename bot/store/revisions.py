"""Every text a draft ever had."""

from __future__ import annotations

from dataclasses import asdict

from sqlalchemy import insert, select

from bot.domain.draft import Revision
from bot.store.engine import Connection
from bot.store.tables import revisions


def add(connection: Connection, revision: Revision) -> None:
    """Keep one more text."""
    connection.execute(insert(revisions).values(asdict(revision)))


def of_draft(connection: Connection, draft_id: int) -> list[Revision]:
    """The texts of a draft, in order."""
    query = select(revisions).where(revisions.c.draft_id == draft_id).order_by(revisions.c.number)
    return [Revision(**row._mapping) for row in connection.execute(query)]


def newest(connection: Connection, draft_id: int) -> Revision:
    """The draft's last text; the draft must exist."""
    query = select(revisions).where(revisions.c.draft_id == draft_id)
    row = connection.execute(query.order_by(revisions.c.number.desc()).limit(1)).one()
    return Revision(**row._mapping)
