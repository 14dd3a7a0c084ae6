"""What was just decided, and until when it can be undone: said on the page that follows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.draft import Decision, DraftState
from bot.store import decisions, queue
from bot.store.engine import Connection
from bot.web.guard import Visit

#: The decisions that can be undone.
UNDOABLE = (DraftState.APPROVED, DraftState.REJECTED)


@dataclass(frozen=True, kw_only=True, slots=True)
class Decided:
    """A decision about a draft."""

    draft_id: int
    title: str
    decision: Decision
    undo_until: datetime | None  #: None: it cannot be undone any more, or not by this visitor


def last_decision(connection: Connection, visit: Visit, draft_id: int | None) -> Decided | None:
    """The last decision about this draft; None when there is no such draft or none was made."""
    summary = queue.summary(connection, draft_id) if draft_id else None
    decision = decisions.newest(connection, summary.id) if summary else None
    if summary is None or decision is None:
        return None
    until = undo_until(visit, decision)
    return Decided(draft_id=summary.id, title=summary.topic_title, decision=decision, undo_until=until)


def undo_until(visit: Visit, decision: Decision | None) -> datetime | None:
    """Until when this visitor may undo the decision; None when that is over or was never possible."""
    if decision is None or not visit.reviews or decision.after not in UNDOABLE:
        return None
    until = decision.at + timedelta(seconds=visit.site.settings.review.grace_seconds)
    return until if visit.now <= until else None
