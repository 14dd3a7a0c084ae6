"""What persons decided about entries of the knowledge base. Rows are added, and never changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, insert, select

from bot.domain.confusion import Ruling
from bot.errors import BadInput
from bot.store.engine import Connection
from bot.store.tables import rulings


@dataclass(frozen=True, kw_only=True, slots=True)
class Ruled:
    """One such decision."""

    confusion: str
    ruling: Ruling
    at: datetime
    by: str
    note: str = ""


def rule(connection: Connection, decided: Ruled) -> None:
    """Keep one more decision. Raises `BadInput` when it is the one that counts already."""
    now = current(connection).get(decided.confusion)
    if decided.ruling is (now.ruling if now else Ruling.NONE):
        since = f", by {now.by} at {now.at:%Y-%m-%d %H:%M} UTC" if now else ""
        is_so = "neither retired nor trusted" if decided.ruling is Ruling.NONE else decided.ruling.value
        raise BadInput(f"{decided.confusion} is {is_so} already{since}.")
    row = {"confusion": decided.confusion, "ruling": decided.ruling, "at": decided.at}
    connection.execute(insert(rulings).values(**row, by=decided.by, note=decided.note))


def current(connection: Connection) -> dict[str, Ruled]:
    """The decision that counts for each confusion that one was made about, taken back or not."""
    newest = select(func.max(rulings.c.id)).group_by(rulings.c.confusion)
    return {one.confusion: one for one in _read(connection, rulings.c.id.in_(newest))}


def history(connection: Connection, confusion: str) -> list[Ruled]:
    """Every decision about a confusion, oldest first."""
    return _read(connection, rulings.c.confusion == confusion)


def _read(connection: Connection, which: ColumnElement[bool]) -> list[Ruled]:
    columns = [rulings.c[name] for name in Ruled.__dataclass_fields__]
    query = select(*columns).where(which).order_by(rulings.c.id)
    return [Ruled(**row._mapping) for row in connection.execute(query)]
