"""What the pipeline made of each question, the silent answers with their reason."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select

from bot.domain.answer import Answer, answer_record
from bot.domain.post import Question
from bot.store.engine import Connection
from bot.store.tables import answers


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptAnswer:
    """An answer as the database keeps it."""

    id: int
    code_sha256: str | None  #: of the code that a holding proof was made for
    record: dict[str, Any]  #: the object that `--json` prints


def already_answered(connection: Connection, post_id: str, sha256: str) -> bool:
    """Whether the pipeline has looked at exactly this text of the post."""
    query = select(answers.c.id).where(answers.c.post_id == post_id, answers.c.question_sha256 == sha256)
    return connection.execute(query.limit(1)).first() is not None


def add(connection: Connection, *, question: Question, answer: Answer, now: datetime) -> int:
    """Keep an answer; returns its number."""
    proof = answer.proof
    row = {
        "post_id": question.post.id,
        "question_sha256": question.post.sha256,
        "verdict": answer.verdict,
        "reason": answer.reason,
        "language": answer.language,
        "confusion": answer.diagnosis and answer.diagnosis.confusion,
        "confidence": answer.diagnosis.confidence if answer.diagnosis else 0.0,
        "seconds": answer.seconds,
        "code_sha256": proof.code_sha256 if proof and proof.holds else None,
        "made_at": now,
        "question": question.post.raw if answer.is_draft else None,
        "record": json.dumps(answer_record(answer)),
    }
    number: int = connection.execute(insert(answers).values(row).returning(answers.c.id)).scalar_one()
    return number


def get(connection: Connection, answer_id: int) -> KeptAnswer:
    """The answer with this number, which must exist."""
    query = select(answers.c.code_sha256, answers.c.record).where(answers.c.id == answer_id)
    row = connection.execute(query).one()
    return KeptAnswer(id=answer_id, code_sha256=row.code_sha256, record=json.loads(row.record))


def latest(connection: Connection, post_id: str) -> KeptAnswer | None:
    """The newest answer to a post, drafted or silent; None when the pipeline never saw it."""
    query = select(answers.c.id).where(answers.c.post_id == post_id).order_by(answers.c.id.desc()).limit(1)
    number = connection.execute(query).scalar()
    return None if number is None else get(connection, number)
