"""Changing a reply: with a preview, and with its code run again so that it has a proof."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import HTMLResponse, Response

from bot import review
from bot.domain.draft import Draft
from bot.errors import BadInput, ReviewError, SandboxUnavailable
from bot.rerun import rerun
from bot.store import drafts
from bot.web import markdown
from bot.web.deciding import Query, Revision
from bot.web.draft import DraftId
from bot.web.evidence import view
from bot.web.guard import Visit, Visiting, allowed
from bot.web.listing import Listing
from bot.web.pages import page, to, with_query
from bot.web.sessions import Role

router = APIRouter()

Reply = Annotated[str, Form(max_length=100_000)]


class Do(Enum):
    """The buttons under the text."""

    SAVE = "save"
    RUN = "run"
    PREVIEW = "preview"


@router.get("/drafts/{draft_id}/edit", response_class=HTMLResponse)
@allowed(Role.REVIEWER)
def form(visit: Visiting, draft_id: DraftId) -> Response:
    """The text to edit, beside what it will look like."""
    listing = Listing.read(visit.request.query_params)
    with visit.site.store.reading() as connection:
        draft = drafts.get(connection, draft_id)
    return _page(visit, draft, draft.reply, revision=draft.revision, query=listing.query())


@router.post("/drafts/{draft_id}/edit", response_class=HTMLResponse)
@allowed(Role.REVIEWER)
def edit(
    visit: Visiting, draft_id: DraftId, revision: Revision, reply: Reply, do: Annotated[Do, Form()], query: Query = ""
) -> Response:
    """Show it, keep it, or run its code and keep both."""
    reply = reply.replace("\r\n", "\n")
    listing = Listing.read_text(query).query()
    with visit.site.store.reading() as connection:
        draft = drafts.get(connection, draft_id)
    try:
        match do:
            case Do.PREVIEW:
                return _page(visit, draft, reply, revision=revision, query=listing)
            case Do.SAVE:
                edited = _save(visit, draft_id, revision, reply)
            case Do.RUN:
                edited = _run(visit, draft, revision, reply)
    except BadInput as error:
        return _page(visit, draft, reply, revision=revision, query=listing, problem=str(error), status=422)
    except ReviewError as error:
        # What was typed is not lost: it stands in the form again, beside what somebody else has written.
        return _page(visit, draft, reply, revision=revision, query=listing, problem=str(error), status=409)
    if do is Do.RUN and not edited.proved:
        return _page(visit, edited, edited.reply, revision=edited.revision, query=listing, ran=True)
    return to(with_query(f"/drafts/{draft_id}", listing))


@router.post("/preview", response_class=HTMLResponse)
@allowed(Role.REVIEWER)
def preview(reply: Reply = "") -> Response:
    """The reply as it will look, for the live preview."""
    return HTMLResponse(markdown.html(reply))


def _page(
    visit: Visit,
    draft: Draft,
    reply: str,
    *,
    revision: int,
    query: str,
    problem: str = "",
    ran: bool = False,
    status: int = 200,
) -> Response:
    listing = Listing.read_text(query)
    with visit.site.store.reading() as connection:
        current = drafts.get(connection, draft.id)
        proved = review.is_proved(connection, reply, post_id=current.post_id, question_sha256=current.question_sha256)
    return page(
        visit,
        "edit",
        status=status,
        draft=current,
        evidence=view(current, visit.language),
        reply=reply,
        revision=revision,
        listing=listing,
        behind=revision != current.revision,
        proved=proved,
        ran=ran,
        query_=query,
        here=with_query(f"/drafts/{draft.id}/edit", query),
        problem=problem,
        runs=visit.site.pipeline is not None,
        longest=review.LONGEST_REPLY,
    )


def _save(visit: Visit, draft_id: int, revision: int, reply: str) -> Draft:
    with visit.site.store.writing() as connection:
        return review.edit(connection, draft_id, revision=revision, reply=reply, by=visit.name, now=visit.now)


def _run(visit: Visit, draft: Draft, revision: int, reply: str) -> Draft:
    """Run every piece of code that has no proof, and keep text and proof together."""
    site = visit.site
    if site.pipeline is None:
        raise SandboxUnavailable
    return rerun(site.store, site.pipeline, draft, reply=reply, revision=revision, by=visit.name, now=lambda: visit.now)
