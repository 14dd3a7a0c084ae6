"""One draft: the post, the evidence, the reply; and everything that may be done about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.responses import HTMLResponse, Response

from bot.domain.confusion import Confusion
from bot.domain.draft import Decision, Draft, DraftState, RejectReason
from bot.store import decisions, drafts, posts, replies, revisions
from bot.store.engine import Connection
from bot.store.replies import Outcome
from bot.web import code, done
from bot.web.code import DiffRow
from bot.web.evidence import EvidenceView, view
from bot.web.guard import Visit, Visiting, allowed
from bot.web.listing import Listing
from bot.web.pages import page, to, with_query
from bot.web.queue import Done, titles
from bot.web.sessions import Role

router = APIRouter()

DraftId = Annotated[int, Path(ge=1, le=2**31 - 1)]
Read = Annotated[int | None, Query(alias="read", ge=1, le=2**31 - 1)]


@dataclass(frozen=True, kw_only=True, slots=True)
class DraftView:
    """A draft and what its page shows beside it."""

    draft: Draft
    evidence: EvidenceView
    entry: Confusion | None
    decision: Decision | None  #: the last one
    outcomes: list[Outcome]
    undo_until: datetime | None
    mine: bool  #: the visitor has it in hand
    taken: bool  #: somebody else has
    edited: bool  #: the post has another text now, as far as intake has seen
    link: str  #: to the post on the forum; empty when there is no forum to link to
    thread: bool  #: whether the topic can be read here
    others: list[DiffRow]  #: what somebody else changed since the visitor read the reply


@router.get("/drafts/{draft_id}", response_class=HTMLResponse)
@allowed(Role.READER)
def draft(visit: Visiting, draft_id: DraftId, decided: Done = None, read: Read = None) -> Response:
    """The draft's page."""
    return show(visit, draft_id, decided=decided, read=read)


@router.get("/drafts/{draft_id}/next", response_class=HTMLResponse)
@allowed(Role.READER)
def skip(visit: Visiting, draft_id: DraftId) -> Response:
    """On to the next waiting draft of the listing; this one stays as it is."""
    listing = Listing.read(visit.request.query_params)
    with visit.site.store.reading() as connection:
        following = listing.next(connection, draft_id, visitor=visit.name)
    return to(with_query(f"/drafts/{following}" if following else "/", listing.query()))


def show(
    visit: Visit,
    draft_id: int,
    *,
    decided: int | None = None,
    read: int | None = None,
    problem: str = "",
    note: str = "",
    status: int = 200,
    query: str | None = None,
) -> Response:
    """The draft's page, with what went wrong, or what was done, said above it.

    `read` is the revision the visitor had before them: what changed since is shown.
    """
    listing = Listing.read_text(query) if query is not None else Listing.read(visit.request.query_params)
    with visit.site.store.reading() as connection:
        shown = _view(connection, visit, drafts.get(connection, draft_id), read)
        just_decided = done.last_decision(connection, visit, decided)
    return page(
        visit,
        "draft",
        status=status,
        here=with_query(f"/drafts/{draft_id}", listing.query()),
        shown=shown,
        draft=shown.draft,
        evidence=shown.evidence,
        listing=listing,
        titles=titles(visit),
        reasons=tuple(RejectReason),
        pending=shown.draft.state is DraftState.PENDING,
        decided=just_decided,
        problem=problem,
        note=note,
        runs=visit.site.pipeline is not None,
    )


def _view(connection: Connection, visit: Visit, draft: Draft, read: int | None) -> DraftView:
    decision = decisions.newest(connection, draft.id)
    site = visit.site
    topic = f"{site.settings.forum.url}/t/{draft.topic_id}/{draft.post_number}"
    return DraftView(
        draft=draft,
        evidence=view(draft, visit.language),
        entry=next((entry for entry in site.library if entry.name == draft.confusion), None),
        decision=decision,
        outcomes=replies.outcomes_of(connection, draft.id) if draft.reply_post_id else [],
        undo_until=done.undo_until(visit, decision),
        mine=_in_hand(draft, visit) and draft.claimed_by == visit.name,
        taken=_in_hand(draft, visit) and draft.claimed_by != visit.name,
        edited=draft.state is not DraftState.STALE and known_to_be_edited(connection, draft),
        link=topic if site.settings.forum.url else "",
        thread=site.forum is not None and not site.settings.forum.url,
        others=_changed_since(connection, draft, read),
    )


def known_to_be_edited(connection: Connection, draft: Draft) -> bool:
    """Whether intake has seen another text of the post than the one the draft answers."""
    kept = posts.get(connection, draft.post_id)
    return kept is not None and kept.sha256 != draft.question_sha256


def _in_hand(draft: Draft, visit: Visit) -> bool:
    """Whether somebody keeps the draft from others now."""
    return draft.claimed_by is not None and draft.claimed_until is not None and draft.claimed_until > visit.now


def _changed_since(connection: Connection, draft: Draft, read: int | None) -> list[DiffRow]:
    if read is None or read >= draft.revision:
        return []
    texts = {revision.number: revision.reply for revision in revisions.of_draft(connection, draft.id)}
    return code.diff(texts[read], draft.reply, "text") if read in texts else []
