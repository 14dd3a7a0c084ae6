"""Drafts: the queue, and the one way in which their state changes.

`change` is the one door through which a state changes: along `ALLOWED`, with its audit row, and only
if nobody was faster. `bot.review` and `bot.publish` alone go through it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from enum import Enum
from typing import Any

from sqlalchemy import Row, func, insert, literal, select, tuple_, update
from sqlalchemy.sql.elements import ColumnElement

from bot.domain.answer import Answer
from bot.domain.draft import ALLOWED, Decision, Draft, DraftState, DraftSummary, RejectReason, Revision
from bot.domain.post import Language, Question
from bot.errors import AlreadyDecided, NotFound, WrongState
from bot.store import decisions, revisions, search
from bot.store.columns import Moment
from bot.store.engine import Connection
from bot.store.tables import OVER, answers, drafts
from bot.store.tables import revisions as texts

#: The name under which the program itself decides.
BOT = "bot"

_SUMMARY = [drafts.c[name] for name in DraftSummary.__dataclass_fields__]


class Order(Enum):
    """How a list of drafts is sorted."""

    OLDEST = "oldest"
    SUREST = "surest"
    NEWEST = "newest"


def get(connection: Connection, draft_id: int) -> Draft:
    """The draft with its text and evidence. Raises `NotFound`."""
    row = connection.execute(_whole().where(drafts.c.id == draft_id)).first()
    if row is None:
        raise NotFound(f"There is no draft {draft_id}. `autograd-bot drafts list` shows what there is.")
    return _draft(row)


def summary(connection: Connection, draft_id: int) -> DraftSummary | None:
    """The draft as lists show it."""
    row = connection.execute(select(*_SUMMARY).where(drafts.c.id == draft_id)).first()
    return None if row is None else DraftSummary(**row._mapping)


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


def listed(
    connection: Connection,
    *,
    state: DraftState,
    order: Order = Order.OLDEST,
    confusion: str | None = None,
    language: Language | None = None,
    category_id: int | None = None,
    least_confidence: float = 0.0,
    words: str = "",
    after: DraftSummary | None = None,
    most: int = 50,
) -> list[DraftSummary]:
    """One page of the drafts in a state; `after` is the last one of the page before.

    With `words`, those whose title, asker or confusion has them all.
    """
    query = select(*_SUMMARY).where(drafts.c.state == state)
    if confusion is not None:
        query = query.where(drafts.c.confusion == confusion)
    if language is not None:
        query = query.where(drafts.c.language == language)
    if category_id is not None:
        query = query.where(drafts.c.category_id == category_id)
    if least_confidence > 0:
        # `+ 0` keeps the planner at the index that has the wanted order, instead of sorting all that match.
        query = query.where(drafts.c.confidence + 0 >= least_confidence)
    found = search.condition(connection, words)
    if found is not None:
        query = query.where(found)
    match order:
        case Order.OLDEST:
            query = query.order_by(drafts.c.created_at, drafts.c.id)
        case Order.NEWEST:
            query = query.order_by(drafts.c.created_at.desc(), drafts.c.id.desc())
        case Order.SUREST:
            query = query.order_by(drafts.c.confidence.desc(), drafts.c.id.desc())
    if after is not None:
        query = query.where(_behind(after, order))
    return [DraftSummary(**row._mapping) for row in connection.execute(query.limit(most))]


def beginnings(connection: Connection, ids: Sequence[int], *, characters: int) -> dict[int, str]:
    """How the posts of these drafts begin, by the draft's number."""
    begins = func.substr(answers.c.question, 1, characters).label("begins")
    query = select(drafts.c.id, begins).join(answers, answers.c.id == drafts.c.answer_id).where(drafts.c.id.in_(ids))
    return {row.id: row.begins or "" for row in connection.execute(query)}


def counts(connection: Connection) -> dict[DraftState, int]:
    """How many drafts are in each state; states without any are left out."""
    query = select(drafts.c.state, func.count().label("number")).group_by(drafts.c.state)
    return {row.state: row.number for row in connection.execute(query)}


def count(connection: Connection, state: DraftState, *, most: int) -> int:
    """How many drafts are in a state; `most` when there are as many or more."""
    some = select(drafts.c.id).where(drafts.c.state == state).limit(most).subquery()
    return connection.execute(select(func.count()).select_from(some)).scalar_one()


def counts_by_confusion(connection: Connection, state: DraftState) -> dict[str, int]:
    """How many drafts of each confusion are in a state."""
    query = select(drafts.c.confusion, func.count().label("number")).where(drafts.c.state == state)
    return {row.confusion: row.number for row in connection.execute(query.group_by(drafts.c.confusion))}


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


def arrived_since(connection: Connection, moment: datetime | None) -> int:
    """How many of the drafts that wait were made after this moment; all that wait when it is None."""
    query = select(func.count()).where(drafts.c.state == DraftState.PENDING)
    if moment is not None:
        query = query.where(drafts.c.created_at > moment)
    return connection.execute(query).scalar_one()


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


def _behind(last: DraftSummary, order: Order) -> ColumnElement[bool]:
    match order:
        case Order.OLDEST:
            return tuple_(drafts.c.created_at, drafts.c.id) > tuple_(literal(last.created_at, Moment), literal(last.id))
        case Order.NEWEST:
            return tuple_(drafts.c.created_at, drafts.c.id) < tuple_(literal(last.created_at, Moment), literal(last.id))
        case Order.SUREST:
            return tuple_(drafts.c.confidence, drafts.c.id) < tuple_(literal(last.confidence), literal(last.id))


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
