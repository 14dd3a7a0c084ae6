"""All that ever happened to one draft, in the order of time: texts, decisions, the reply and its fate."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from fastapi import APIRouter
from starlette.responses import HTMLResponse, Response

from bot.domain.draft import Decision, Revision
from bot.store import decisions, drafts, replies, revisions
from bot.store.replies import Outcome
from bot.web import code
from bot.web.code import DiffRow
from bot.web.draft import DraftId
from bot.web.guard import Visiting, allowed
from bot.web.listing import Listing
from bot.web.pages import page
from bot.web.sessions import Role

router = APIRouter()


@dataclass(frozen=True, kw_only=True, slots=True)
class Happening:
    """One line of a draft's history; exactly one of the three is set."""

    at: datetime
    by: str
    revision: Revision | None = None
    changes: tuple[DiffRow, ...] = ()  #: against the text before
    decision: Decision | None = None
    outcome: Outcome | None = None


@router.get("/drafts/{draft_id}/history", response_class=HTMLResponse)
@allowed(Role.READER)
def history(visit: Visiting, draft_id: DraftId) -> Response:
    """Every revision, decision and outcome with its time and name."""
    with visit.site.store.reading() as connection:
        draft = drafts.get(connection, draft_id)
        texts = revisions.of_draft(connection, draft_id)
        decided = decisions.of_draft(connection, draft_id)
        outcomes = replies.outcomes_of(connection, draft_id)
    happenings = [
        *_texts(texts),
        *(Happening(at=one.at, by=one.by, decision=one) for one in decided),
        *(Happening(at=one.at, by="", outcome=one) for one in outcomes),
    ]
    return page(
        visit,
        "history",
        draft=draft,
        happenings=sorted(happenings, key=lambda happening: happening.at),
        listing=Listing.read(visit.request.query_params),
        editable=visit.reviews and draft.state.value == "pending",
    )


def _texts(texts: list[Revision]) -> list[Happening]:
    before = ["", *(text.reply for text in texts)]
    return [
        Happening(
            at=text.at,
            by=text.by,
            revision=text,
            changes=tuple(code.diff(old, text.reply, "text")) if old else (),
        )
        for old, text in zip(before, texts, strict=False)
    ]
