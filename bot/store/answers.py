"""What the pipeline made of each question, the silent answers with their reason."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select

from bot.domain.answer import Answer, Verdict, answer_record, evidence_record
from bot.store.engine import Connection
from bot.store.tables import answers


def already_answered(connection: Connection, post_id: str, sha256: str) -> bool:
    """Whether the pipeline has looked at exactly this text of the post."""
    query = select(answers.c.id).where(answers.c.post_id == post_id, answers.c.question_sha256 == sha256)
    return connection.execute(query.limit(1)).first() is not None


def add(
    connection: Connection,
    answer: Answer,
    *,
    post_id: str,
    question_sha256: str,
    question: str,
    now: datetime,
    thread: Sequence[Mapping[str, Any]] = (),
    files: Mapping[str, str] | None = None,
) -> int:
    """Keep the answer to a post with this text and hash, and the posts and files it leans on; returns the answer's number."""
    proof = answer.proof
    row = {
        "post_id": post_id,
        "question_sha256": question_sha256,
        "verdict": answer.verdict,
        "reason": answer.reason,
        "language": answer.language,
        "confusion": answer.diagnosis and answer.diagnosis.confusion,
        "confidence": answer.diagnosis.confidence if answer.diagnosis else 0.0,
        "seconds": answer.seconds,
        "code_sha256": proof.code_sha256 if proof and proof.holds else None,
        "made_at": now,
        "question": question if answer.is_draft else None,
        "record": json.dumps(
            evidence_record(answer, thread=thread, files=files) if answer.is_draft else answer_record(answer)
        ),
    }
    number: int = connection.execute(insert(answers).values(row).returning(answers.c.id)).scalar_one()
    return number


def matched(connection: Connection) -> dict[str, int]:
    """For how many posts each confusion was seen, whether a reply was drafted or not."""
    number = func.count(answers.c.post_id.distinct()).label("posts")
    query = select(answers.c.confusion, number).where(answers.c.confusion.is_not(None)).group_by(answers.c.confusion)
    return {row.confusion: row.posts for row in connection.execute(query)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Silence:
    """One reason for which posts got no reply."""

    reason: str
    posts: int
    newest: tuple[str, ...]  #: ids of the last few


def silences(connection: Connection, *, most: int, examples: int = 3) -> list[Silence]:
    """The reasons for which most posts got no reply, those of most posts first, at most so many."""
    number = func.count(answers.c.post_id.distinct())
    query = select(answers.c.reason, number).where(answers.c.verdict == Verdict.SKIP).group_by(answers.c.reason)
    rows = connection.execute(query.order_by(number.desc(), answers.c.reason).limit(most)).all()
    return [
        Silence(reason=reason, posts=posts, newest=tuple(_newest(connection, reason, examples)))
        for reason, posts in rows
    ]


def _newest(connection: Connection, reason: str, most: int) -> list[str]:
    query = select(answers.c.post_id).where(answers.c.reason == reason, answers.c.verdict == Verdict.SKIP)
    grouped = query.group_by(answers.c.post_id).order_by(func.max(answers.c.made_at).desc())
    return list(connection.execute(grouped.limit(most)).scalars())


def latest(connection: Connection, post_id: str, *, sha256: str | None = None) -> dict[str, Any] | None:
    """The record of the newest answer to a post, drafted or silent; None when it was never looked at.

    With `sha256`, of the newest answer to exactly this text of the post.
    """
    query = select(answers.c.record).where(answers.c.post_id == post_id)
    if sha256 is not None:
        query = query.where(answers.c.question_sha256 == sha256)
    record = connection.execute(query.order_by(answers.c.id.desc()).limit(1)).scalar()
    return None if record is None else json.loads(record)


def looked_at(connection: Connection, post_id: str, sha256: str) -> datetime | None:
    """When the pipeline first looked at this text of the post."""
    query = select(func.min(answers.c.made_at).label("at"))
    query = query.where(answers.c.post_id == post_id, answers.c.question_sha256 == sha256)
    moment: datetime | None = connection.execute(query).scalar()
    return moment


def proved_code(connection: Connection, post_id: str, sha256: str) -> frozenset[str]:
    """The fingerprints of all code that a holding proof was ever made for, for this text of the post."""
    query = select(answers.c.code_sha256).where(
        answers.c.post_id == post_id,
        answers.c.question_sha256 == sha256,
        answers.c.code_sha256.is_not(None),
    )
    return frozenset(connection.execute(query).scalars())


def replies_without_repair(connection: Connection, post_id: str, sha256: str) -> list[str]:
    """The replies that were drafted for this text of the post without mending its code."""
    query = select(answers.c.record).where(
        answers.c.post_id == post_id,
        answers.c.question_sha256 == sha256,
        answers.c.verdict == Verdict.DRAFT,
        answers.c.code_sha256.is_(None),
    )
    records = [json.loads(record) for record in connection.execute(query).scalars()]
    return [record["reply"] for record in records if record["repair"] is None and record["reply"]]
