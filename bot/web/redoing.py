"""Having a draft made again: another fix, another diagnosis, or the question as it reads now."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import HTMLResponse, Response

from bot import review
from bot.domain.answer import Answer
from bot.domain.draft import Draft, DraftState
from bot.domain.post import Question
from bot.errors import BadInput, ForumError, ReviewError, SandboxUnavailable
from bot.forum.questions import question, with_files
from bot.pipeline import Pipeline
from bot.publish import reason_not_to_post
from bot.rerun import asked
from bot.store import answers, drafts
from bot.web.deciding import Query, Revision
from bot.web.draft import DraftId, show
from bot.web.guard import Visit, Visiting, allowed
from bot.web.pages import to, with_query
from bot.web.sessions import Role

router = APIRouter()

Name = Annotated[str, Form(max_length=100)]


@router.post("/drafts/{draft_id}/choose", response_class=HTMLResponse)
@allowed(Role.REVIEWER)
def choose(
    visit: Visiting, draft_id: DraftId, revision: Revision, confusion: Name, fix: Name = "", query: Query = ""
) -> Response:
    """Answer anew with the diagnosis, and the fix, that the moderator chose."""
    site = visit.site
    if not any(entry.name == confusion for entry in site.library):
        raise BadInput(f"There is no entry {confusion}.")
    with site.store.reading() as connection:
        draft = drafts.get(connection, draft_id)
    pipeline = _pipeline(visit)
    asking = asked(draft, pipeline)
    chosen = pipeline.answer_as(asking, confusion=confusion, fix=fix or None)
    if fix and (chosen.repair is None or chosen.repair.fix != fix):
        return show(visit, draft_id, problem=visit.t("redo.no_such_fix", fix=fix), status=409, query=query)
    if fix and not (chosen.proof and chosen.proof.holds):
        return show(visit, draft_id, problem=visit.t("redo.not_proved", fix=fix), status=409, query=query)
    return _redrafted(visit, draft, revision, asking, chosen, query)


@router.post("/drafts/{draft_id}/anew", response_class=HTMLResponse)
@allowed(Role.REVIEWER)
def anew(visit: Visiting, draft_id: DraftId, revision: Revision, query: Query = "") -> Response:
    """Answer the question as it reads on the forum now."""
    with visit.site.store.reading() as connection:
        draft = drafts.get(connection, draft_id)
    try:
        current = _on_the_forum(visit, draft)
    except ForumError as error:
        return show(visit, draft_id, problem=str(error), status=503, query=query)
    return _redrafted(visit, draft, revision, current, _pipeline(visit).answer(current), query)


@router.post("/drafts/{draft_id}/look", response_class=HTMLResponse)
@allowed(Role.REVIEWER)
def look(visit: Visiting, draft_id: DraftId, query: Query = "") -> Response:
    """Look on the forum whether the reply still fits; when it does not, it is taken out of the queue."""
    site = visit.site
    if site.forum is None:
        raise BadInput("There is no forum to look at.")
    with site.store.reading() as connection:
        draft = drafts.get(connection, draft_id)
        looked_at = answers.looked_at(connection, draft.post_id, draft.question_sha256)
    try:
        topic = site.forum.topic(draft.topic_id)
    except ForumError as error:
        return show(visit, draft_id, problem=str(error), status=503, query=query)
    forum = site.settings.forum
    reason = reason_not_to_post(topic, draft, looked_at=looked_at, account=forum.username, bots=forum.ignore_users)
    if reason is None:
        return show(visit, draft_id, note=visit.t("look.unchanged"), query=query)
    try:
        with site.store.writing() as connection:
            review.mark_stale(connection, draft_id, note=reason, now=visit.now)
    except ReviewError as error:
        return show(visit, draft_id, problem=str(error), status=409, query=query)
    return show(visit, draft_id, problem=visit.t("look.changed", reason=visit.said(reason)), query=query)


def _redrafted(visit: Visit, draft: Draft, revision: int, asking: Question, answer: Answer, query: str) -> Response:
    try:
        with visit.site.store.writing() as connection:
            if draft.state is DraftState.PENDING:
                review.require_read(connection, draft.id, revision=revision)
            review.redraft(connection, draft.id, question=asking, answer=answer, by=visit.name, now=visit.now)
    except ReviewError as error:
        return show(visit, draft.id, read=revision, problem=str(error), status=409, query=query)
    return to(with_query(f"/drafts/{draft.id}", query))


def _on_the_forum(visit: Visit, draft: Draft) -> Question:
    site = visit.site
    if site.forum is None:
        raise BadInput("There is no forum to read the question from.")
    topic = site.forum.topic(draft.topic_id)
    post = next((post for post in topic.posts if post.id == draft.post_id), None)
    if post is None:
        raise BadInput("The question is not on the forum any more. Drop the draft.")
    contexts = _pipeline(visit).contexts
    asking = question(
        post,
        topic,
        chapter_of=lambda topic: site.settings.forum.chapters.get(topic.id) or contexts.chapter_of(topic.title),
    )
    return with_files(asking, site.forum)


def _pipeline(visit: Visit) -> Pipeline:
    if visit.site.pipeline is None:
        raise SandboxUnavailable
    return visit.site.pipeline
