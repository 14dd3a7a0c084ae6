"""Changing a reply: with a preview, and with its code run again so that it has a proof."""

from __future__ import annotations

import json
from dataclasses import replace
from enum import Enum
from itertools import pairwise
from typing import Annotated

from fastapi import APIRouter, Form
from markdown_it import MarkdownIt
from starlette.responses import HTMLResponse, Response

from bot import review
from bot.domain.answer import Answer
from bot.domain.draft import Draft
from bot.domain.post import Post, Question
from bot.draft import markdown as writing
from bot.draft.render import output_of
from bot.errors import BadInput, ReviewError, SandboxUnavailable
from bot.store import drafts
from bot.web import markdown
from bot.web.deciding import Query, Revision
from bot.web.draft import DraftId
from bot.web.evidence import Record, view
from bot.web.guard import Visit, Visiting, allowed
from bot.web.listing import Listing
from bot.web.pages import page, to, with_query
from bot.web.sessions import Role

router = APIRouter()

Reply = Annotated[str, Form(max_length=100_000)]

#: More pieces of code than a reply ever needs are not run.
_MOST_RUN = 4


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
    """Run every piece of code that has no proof, put its new output below it, keep text and proof together."""
    if visit.site.pipeline is None:
        raise SandboxUnavailable
    with visit.site.store.reading() as connection:
        pieces = [
            code
            for code in dict.fromkeys(review.code_in(reply))
            if not review.is_proved(
                connection,
                writing.fenced(code, "python"),
                post_id=draft.post_id,
                question_sha256=draft.question_sha256,
            )
        ]
    if len(pieces) > _MOST_RUN:
        raise BadInput(f"The reply holds {len(pieces)} pieces of code without a proof; at most {_MOST_RUN} are run.")
    answers = []
    for code in pieces:
        # The first piece of a reply is the asker's program, mended; further ones are examples of their own.
        answer = _proved(visit, draft, code, beside_the_askers=code == review.code_in(reply)[0])
        reply = with_new_output(reply, code, answer)
        answers.append(answer)
    with visit.site.store.writing() as connection:
        edited = review.edit(connection, draft.id, revision=revision, reply=reply, by=visit.name, now=visit.now)
        for answer in reversed(answers):  # the draft rests on the first piece
            edited = review.reprove(
                connection,
                draft.id,
                revision=edited.revision,
                answer=replace(answer, reply=edited.reply),
                by=visit.name,
                now=visit.now,
            )
    return edited


def _proved(visit: Visit, draft: Draft, code: str, *, beside_the_askers: bool) -> Answer:
    assert visit.site.pipeline is not None
    record: Record = json.loads(draft.record)
    snippet = record.get("snippet") or {}
    original = snippet.get("code") if beside_the_askers and record.get("before") else None
    return visit.site.pipeline.prove(code, question=asked(visit, draft), confusion=draft.confusion, original=original)


def asked(visit: Visit, draft: Draft) -> Question:
    """The question that the draft answers, with the posts it leaned on then."""
    record: Record = json.loads(draft.record)
    thread = (record.get("evidence") or {}).get("thread") or ()
    earlier = tuple(
        Post(id="", raw=post["raw"], topic_id=draft.topic_id, number=post["number"], author=post["author"])
        for post in thread
    )
    pipeline = visit.site.pipeline
    known = visit.site.settings.forum.chapters.get(draft.topic_id)
    return Question(
        post=Post(
            id=draft.post_id,
            raw=draft.question,
            topic_id=draft.topic_id,
            number=draft.post_number,
            author=draft.asker,
            reply_to=next((post["number"] for post in thread if post.get("replied_to")), None),
            category_id=draft.category_id,
        ),
        title=draft.topic_title,
        earlier=earlier,
        chapter=known or (pipeline.contexts.chapter_of(draft.topic_title) if pipeline else None),
        language=draft.language,
    )


def with_new_output(reply: str, code: str, answer: Answer) -> str:
    """The reply with what the code printed now, where a block of output stands right below the code."""
    if answer.after is None:
        return reply
    fences = [token for token in MarkdownIt("commonmark").parse(reply) if token.type == "fence"]
    for fence, below in pairwise(fences):
        if fence.content == code and below.info.strip() == "text" and fence.level == below.level == 0:
            assert below.map is not None
            lines = reply.split("\n")
            shown = writing.fenced(output_of(code, answer.after), "text").split("\n")
            return "\n".join([*lines[: below.map[0]], *shown, *lines[below.map[1] :]])
    return reply
