"""Drafts, each with its text and evidence, and the one way in which their state changes.

`change` is the one door through which a state changes: along `ALLOWED`, with its audit row, and only
if nobody was faster. `bot.review` and `bot.publish` alone go through it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, select, update

from bot.domain.answer import Answer
from bot.domain.draft import ALLOWED, Decision, Draft, DraftState, RejectReason, Revision
from bot.domain.post import Question
from bot.errors import AlreadyDecided, NotFound, WrongState
from bot.store import decisions, revisions, search
from bot.store.engine import Connection
from bot.store.tables import OVER, answers, drafts
from bot.store.tables import revisions as texts

#: The name under which the program itself decides.
BOT = "bot"


def get(connection: Connection, draft_id: int) -> Draft:
    """The draft with its text and evidence. Raises `NotFound`."""
    row = connection.execute(_whole().where(drafts.c.id == draft_id)).first()
    if row is None:
        raise NotFound(f"There is no draft {draft_id}. `autograd-bot drafts list` shows what there is.")
    return _draft(row)


def newest(connection: Connection) -> Draft | None:
    """The draft that was made last, in whatever state."""
    row = connection.execute(_whole().order_by(drafts.c.id.desc()).limit(1)).first()
    return None if row is None else _draft(row)


def of_post(connection: Connection, post_id: str) -> Draft | None:
    """The newest draft made for a post, in whatever state."""
    query = _whole().where(drafts.c.post_id == post_id).order_by(drafts.c.id.desc()).limit(1)
    row = connection.execute(query).first()
    return None if row is None else _draft(row)


def holding_place(connection: Connection, post_id: str) -> Draft | None:
    """The draft that keeps another one for this post from being made, if there is one."""
    query = _whole().where(drafts.c.post_id == post_id, drafts.c.state.not_in(OVER))
    row = connection.execute(query).first()
    return None if row is None else _draft(row)


def due(connection: Connection, *, now: datetime, most: int) -> list[Draft]:
    """The approved drafts whose grace time is over, the longest waiting first."""
    query = _whole().where(drafts.c.state == DraftState.APPROVED, drafts.c.post_after <= now)
    query = query.order_by(drafts.c.post_after, drafts.c.id).limit(most)
    return [_draft(row) for row in connection.execute(query)]


def create(
    connection: Connection, *, question: Question, answer: Answer, answer_id: int, proved: bool, now: datetime
) -> Draft:
    """A new pending draft of an answer that has a reply."""
    assert answer.reply is not None
    post = question.post
    row = {
        "post_id": post.id,
        "topic_id": post.topic_id or "",
        "post_number": post.number,
        "category_id": post.category_id,
        "topic_title": question.title,
        "asker": post.author,
        "state": DraftState.PENDING,
        "revision": 1,
        "created_at": now,
        "changed_at": now,
        "check_at": now,
        **_from_answer(question, answer, answer_id, proved=proved),
    }
    draft_id: int = connection.execute(insert(drafts).values(row).returning(drafts.c.id)).scalar_one()
    revisions.add(connection, Revision(draft_id=draft_id, number=1, by=BOT, at=now, reply=answer.reply))
    return _findable(connection, get(connection, draft_id))


def change(
    connection: Connection,
    draft: Draft,
    *,
    to: DraftState,
    by: str,
    now: datetime,
    reason: RejectReason | None = None,
    note: str = "",
    post_after: datetime | None = None,
    reply_post_id: str | None = None,
) -> Draft:
    """The draft in its new state, with an audit row. A claim ends with it.

    Raises `WrongState` when `ALLOWED` has no such change, `AlreadyDecided` when the draft is no
    longer as `draft` says.
    """
    if to not in ALLOWED[draft.state]:
        raise WrongState(f"Draft {draft.id} is {draft.state.value}; it cannot become {to.value}.")
    moved: dict[str, Any] = {
        "state": to,
        "changed_at": now,
        "post_after": post_after,
        "reply_post_id": reply_post_id or draft.reply_post_id,
        "claimed_by": None,
        "claimed_until": None,
    }
    _swap(connection, draft, moved)
    decision = Decision(
        draft_id=draft.id,
        at=now,
        by=by,
        before=draft.state,
        after=to,
        reason=reason,
        note=note,
        revision=draft.revision,
    )
    edited = revisions.newest(connection, draft.id).by != BOT
    decisions.add(connection, decision, confusion=draft.confusion, edited=edited)
    return replace(draft, **moved)


def revise(connection: Connection, draft: Draft, *, reply: str, proved: bool, by: str, now: datetime) -> Draft:
    """The draft with another text; the old one is kept. Raises `AlreadyDecided`."""
    moved: dict[str, Any] = {"revision": draft.revision + 1, "proved": proved, "changed_at": now}
    _swap(connection, draft, moved)
    added = Revision(draft_id=draft.id, number=draft.revision + 1, by=by, at=now, reply=reply)
    revisions.add(connection, added)
    return get(connection, draft.id)


def rest_on(connection: Connection, draft: Draft, *, answer_id: int, proved: bool, now: datetime) -> Draft:
    """The draft with the same text and other evidence. Raises `AlreadyDecided`."""
    _swap(connection, draft, {"answer_id": answer_id, "proved": proved, "changed_at": now})
    return get(connection, draft.id)


def answer_anew(
    connection: Connection,
    draft: Draft,
    *,
    question: Question,
    answer: Answer,
    answer_id: int,
    proved: bool,
    now: datetime,
) -> Draft:
    """The draft with the text, the evidence and the diagnosis of another answer. Raises `AlreadyDecided`."""
    assert answer.reply is not None
    moved: dict[str, Any] = {
        "revision": draft.revision + 1,
        "changed_at": now,
        "topic_title": question.title,
        **_from_answer(question, answer, answer_id, proved=proved),
    }
    _swap(connection, draft, moved)
    added = Revision(draft_id=draft.id, number=draft.revision + 1, by=BOT, at=now, reply=answer.reply)
    revisions.add(connection, added)
    return _findable(connection, get(connection, draft.id))


def set_claim(connection: Connection, draft: Draft, *, by: str | None, until: datetime | None) -> Draft:
    """The draft with this claim, or with none. Raises `AlreadyDecided`."""
    moved: dict[str, Any] = {"claimed_by": by, "claimed_until": until}
    _swap(connection, draft, moved)
    return replace(draft, **moved)


def to_check(connection: Connection, *, now: datetime, most: int) -> list[Draft]:
    """The pending drafts whose question was not looked at for the longest time."""
    query = _whole().where(drafts.c.state == DraftState.PENDING, drafts.c.check_at <= now)
    return [_draft(row) for row in connection.execute(query.order_by(drafts.c.check_at).limit(most))]


def set_check(connection: Connection, draft_id: int, *, at: datetime) -> None:
    """When to look at the question of this draft again."""
    connection.execute(update(drafts).where(drafts.c.id == draft_id).values(check_at=at))


def older(connection: Connection, *, than: datetime, most: int) -> list[Draft]:
    """The pending drafts that were made before a moment, oldest first."""
    query = _whole().where(drafts.c.state == DraftState.PENDING, drafts.c.created_at < than)
    query = query.order_by(drafts.c.created_at, drafts.c.id).limit(most)
    return [_draft(row) for row in connection.execute(query)]


def _swap(connection: Connection, draft: Draft, moved: dict[str, Any]) -> None:
    """Change the row if it still is as `draft` was read."""
    unchanged = (
        drafts.c.id == draft.id,
        drafts.c.state == draft.state,
        drafts.c.revision == draft.revision,
        drafts.c.changed_at == draft.changed_at,
        drafts.c.claimed_by.is_not_distinct_from(draft.claimed_by),
    )
    if connection.execute(update(drafts).where(*unchanged).values(moved)).rowcount != 1:
        raise AlreadyDecided(who_was_first(connection, draft.id))


def who_was_first(connection: Connection, draft_id: int) -> str:
    """A sentence that names who last changed the draft, and when."""
    decision = decisions.newest(connection, draft_id)
    text = revisions.newest(connection, draft_id)
    if decision is None or text.at > decision.at:
        return f"{text.by} changed the text of draft {draft_id} at {text.at:%Y-%m-%d %H:%M:%S} UTC."
    return f"{decision.by} made draft {draft_id} {decision.after.value} at {decision.at:%Y-%m-%d %H:%M:%S} UTC."


def _from_answer(question: Question, answer: Answer, answer_id: int, *, proved: bool) -> dict[str, Any]:
    found = answer.diagnosis  # None where the reply only asks for the code
    return {
        "language": answer.language,
        "confusion": found.confusion if found else "",
        "confidence": found.confidence if found else 0.0,
        "question_sha256": question.post.sha256,
        "answer_id": answer_id,
        "proved": proved,
    }


def _findable(connection: Connection, draft: Draft) -> Draft:
    search.keep(connection, draft.id, draft.topic_title, draft.asker, draft.confusion)
    return draft


def _whole() -> Any:
    own = [column for column in drafts.c if column.name not in ("answer_id", "check_at")]
    return (
        select(*own, texts.c.reply, answers.c.record, answers.c.question)
        .join(texts, (texts.c.draft_id == drafts.c.id) & (texts.c.number == drafts.c.revision))
        .join(answers, answers.c.id == drafts.c.answer_id)
    )


def _draft(row: Row[Any]) -> Draft:
    fields = dict(row._mapping)
    return Draft(**{**fields, "question": fields["question"] or ""})
