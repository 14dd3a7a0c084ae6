"""What a moderator does about a draft, one form each: approve, reject, claim, release, undo, drop, retry, take back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Protocol

from fastapi import APIRouter, Form
from starlette.responses import HTMLResponse, Response

from bot import review
from bot.domain.draft import Draft, RejectReason
from bot.errors import BadInput, ForumError, QuestionChanged, ReviewError
from bot.publish import Publisher, withdraw
from bot.settings import ReviewSettings
from bot.store import drafts
from bot.store.engine import Connection
from bot.web.draft import DraftId, known_to_be_edited, show
from bot.web.guard import Visit, Visiting, allowed
from bot.web.listing import Listing
from bot.web.pages import to, with_query
from bot.web.sessions import Role

router = APIRouter()

Revision = Annotated[int, Form(ge=1, le=2**31 - 1)]
Query = Annotated[str, Form(max_length=1000)]
Note = Annotated[str, Form(max_length=2000)]

#: Changes one draft within a transaction.
Deed = Callable[[Connection], Draft]


class Change(Protocol):
    """What `bot.review` does to a draft under an admin's settings."""

    def __call__(
        self, connection: Connection, draft_id: int, *, by: str, now: datetime, settings: ReviewSettings
    ) -> Draft:
        """The changed draft."""


@router.post("/drafts/{draft_id}/approve", response_class=HTMLResponse)
@allowed(Role.REVIEWER)
def approve(visit: Visiting, draft_id: DraftId, revision: Revision, query: Query = "") -> Response:
    """Let the reply be posted when the grace time is over, and go on to the next draft."""

    def deed(connection: Connection) -> Draft:
        if known_to_be_edited(connection, drafts.get(connection, draft_id)):
            raise QuestionChanged
        return review.approve(
            connection,
            draft_id,
            revision=revision,
            by=visit.name,
            now=visit.now,
            settings=visit.site.settings.review,
        )

    return _done(visit, draft_id, deed, read=revision, query=query, onward=True)


@router.post("/drafts/{draft_id}/reject", response_class=HTMLResponse)
@allowed(Role.REVIEWER)
def reject(
    visit: Visiting,
    draft_id: DraftId,
    revision: Revision,
    reason: Annotated[RejectReason, Form()],
    note: Note = "",
    query: Query = "",
) -> Response:
    """Keep the reply from being posted, say why, and go on to the next draft."""

    def deed(connection: Connection) -> Draft:
        return review.reject(
            connection, draft_id, revision=revision, reason=reason, note=note.strip(), by=visit.name, now=visit.now
        )

    return _done(visit, draft_id, deed, read=revision, query=query, onward=True)


@router.post("/drafts/{draft_id}/claim", response_class=HTMLResponse)
@allowed(Role.REVIEWER)
def claim(visit: Visiting, draft_id: DraftId, query: Query = "") -> Response:
    """Keep the draft from others for a while."""
    return _done(visit, draft_id, _under_the_settings(visit, draft_id, review.claim), query=query)


@router.post("/drafts/{draft_id}/release", response_class=HTMLResponse)
@allowed(Role.REVIEWER)
def release(visit: Visiting, draft_id: DraftId, query: Query = "") -> Response:
    """Give the draft back to all."""
    return _done(
        visit,
        draft_id,
        lambda connection: review.release(connection, draft_id, by=visit.name, now=visit.now),
        query=query,
    )


@router.post("/drafts/{draft_id}/undo", response_class=HTMLResponse)
@allowed(Role.REVIEWER)
def undo(visit: Visiting, draft_id: DraftId, query: Query = "") -> Response:
    """Back to waiting, within the grace time."""
    return _done(visit, draft_id, _under_the_settings(visit, draft_id, review.undo), query=query)


@router.post("/drafts/{draft_id}/drop", response_class=HTMLResponse)
@allowed(Role.REVIEWER)
def drop(visit: Visiting, draft_id: DraftId, note: Note = "", query: Query = "") -> Response:
    """Give the draft up."""

    def deed(connection: Connection) -> Draft:
        return review.drop(connection, draft_id, by=visit.name, now=visit.now, note=note.strip())

    return _done(visit, draft_id, deed, query=query)


@router.post("/drafts/{draft_id}/retry", response_class=HTMLResponse)
@allowed(Role.REVIEWER)
def retry(visit: Visiting, draft_id: DraftId, query: Query = "") -> Response:
    """Try once more to post a reply that could not be posted."""
    return _done(visit, draft_id, _under_the_settings(visit, draft_id, review.retry), query=query)


@router.post("/drafts/{draft_id}/withdraw", response_class=HTMLResponse)
@allowed(Role.REVIEWER)
def take_back(visit: Visiting, draft_id: DraftId, note: Note = "", query: Query = "") -> Response:
    """Take the posted reply back from the forum."""
    site = visit.site
    if site.forum is None:
        raise BadInput("There is no forum to take the reply back from.")
    publisher = Publisher(
        store=site.store, forum=site.forum, settings=site.settings, clock=site.clock, marker_key=site.fresh_key
    )
    try:
        withdraw(publisher, draft_id, by=visit.name, note=note.strip())
    except (ReviewError, ForumError) as error:
        return show(visit, draft_id, problem=str(error), status=409, query=query)
    return to(with_query(f"/drafts/{draft_id}", query))


def _under_the_settings(visit: Visit, draft_id: int, change: Change) -> Deed:
    """The change as this visitor makes it, now."""
    settings = visit.site.settings.review
    return lambda connection: change(connection, draft_id, by=visit.name, now=visit.now, settings=settings)


def _done(
    visit: Visit, draft_id: int, deed: Deed, *, query: str, read: int | None = None, onward: bool = False
) -> Response:
    """Do it, and show what comes next; or show the draft as it is now, with who was first or why not."""
    listing = Listing.read_text(query)
    try:
        with visit.site.store.writing() as connection:
            deed(connection)
            following = listing.next(connection, draft_id, visitor=visit.name) if onward else draft_id
    except ReviewError as error:
        return show(visit, draft_id, read=read, problem=str(error), status=409, query=query)
    back = listing.query()
    if onward:
        back += ("&" if back else "") + f"done={draft_id}"
    return to(with_query(f"/drafts/{following}" if following else "/", back))
