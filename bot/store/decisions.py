"""Every change of a draft's state. Rows are added, and never changed."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from sqlalchemy import func, insert, select

from bot.domain.draft import Decision, DraftState, RejectReason
from bot.store.engine import Connection
from bot.store.tables import decisions

_FIELDS = [decisions.c[name] for name in Decision.__dataclass_fields__]


@dataclass(frozen=True, kw_only=True, slots=True)
class Tally:
    """How often drafts of one confusion were decided in one way."""

    confusion: str
    before: DraftState
    after: DraftState
    reason: RejectReason | None
    edited: bool  #: a person had changed the text
    number: int


def add(connection: Connection, decision: Decision, *, confusion: str, edited: bool) -> None:
    """Keep one more decision, with the confusion as it was then."""
    row = {**asdict(decision), "confusion": confusion, "edited": edited}
    connection.execute(insert(decisions).values(row))


def of_draft(connection: Connection, draft_id: int) -> list[Decision]:
    """Every change of the draft's state, in order."""
    query = select(*_FIELDS).where(decisions.c.draft_id == draft_id).order_by(decisions.c.id)
    return [Decision(**row._mapping) for row in connection.execute(query)]


def newest(connection: Connection, draft_id: int) -> Decision | None:
    """The last change of the draft's state; None when it is as it was made."""
    query = select(*_FIELDS).where(decisions.c.draft_id == draft_id).order_by(decisions.c.id.desc()).limit(1)
    row = connection.execute(query).first()
    return None if row is None else Decision(**row._mapping)


def tallies(connection: Connection) -> list[Tally]:
    """All decisions, counted."""
    what = (
        decisions.c.confusion,
        decisions.c.before,
        decisions.c.after,
        decisions.c.reason,
        decisions.c.edited,
    )
    query = select(*what, func.count().label("number")).group_by(*what)
    return [Tally(**row._mapping) for row in connection.execute(query)]
