"""A question, an answer with a proof and a store, for tests about the life of a draft."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot import review
from bot.domain.answer import Answer, Verdict
from bot.domain.diagnosis import Check, CheckState, Diagnosis, Proof, Repair, code_sha256
from bot.domain.draft import Draft
from bot.domain.post import Language, Post, Question, Topic
from bot.domain.snippet import Snippet
from bot.settings import ReviewSettings
from bot.store import drafts
from bot.store.engine import Store

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
GRACE = timedelta(seconds=60)
REVIEW = ReviewSettings()

ASKED = "import torch\nx = torch.arange(3.0, requires_grad=True)\n(x * x).backward()\n"
MENDED = "import torch\nx = torch.arange(3.0, requires_grad=True)\n(x * x).sum().backward()\n"


def shown(code: str, language: str = "python") -> str:
    """A reply that shows code."""
    return f"`backward()` wants a single number.\n\n```{language}\n{code}```\n"


def post(raw: str = f"Why does this fail?\n\n```python\n{ASKED}```", *, id: str = "11", number: int = 1) -> Post:
    return Post(
        id=id,
        raw=raw,
        topic_id="5",
        number=number,
        author="asker",
        category_id=3,
        created_at=NOON - timedelta(hours=1),
    )


def question(asked: Post | None = None) -> Question:
    return Question(post=asked or post(), title="backward() of a vector")


def proof(code: str, *, gone: CheckState = CheckState.YES) -> Proof:
    yes = Check(state=CheckState.YES)
    return Proof(
        code_sha256=code_sha256(code),
        error_gone=Check(state=gone),
        confusion_gone=yes,
        values_kept=yes,
        gradient=yes,
        minimal=yes,
    )


def answer(code: str = MENDED, *, reply: str | None = None, gone: CheckState = CheckState.YES) -> Answer:
    """An answer whose repair is `code`, and whose proof holds unless the error is not `gone`."""
    return Answer(
        id="11",
        language=Language.ENGLISH,
        verdict=Verdict.DRAFT,
        reason="non_scalar_backward was shown by the run",
        snippet=Snippet(code=ASKED),
        diagnosis=Diagnosis(confusion="non_scalar_backward", evidence=(), confidence=0.9, ran=True),
        repair=Repair(fix="sum", code=code, diff="", changed=(3,)),
        proof=proof(code, gone=gone),
        reply=shown(code) if reply is None else reply,
    )


def example(reply: str) -> Answer:
    """An answer that mends nothing: it explains, and may show an example."""
    return replace(answer(), repair=None, proof=None, reply=reply)


def silence(reason: str = "thanks") -> Answer:
    return Answer(id="11", language=Language.ENGLISH, verdict=Verdict.SKIP, reason=reason)


def topic(*posts: Post, **kinds: bool) -> Topic:
    return Topic(id="5", title="backward() of a vector", posts=posts or (post(),), category_id=3, **kinds)


def draft(store: Store, *, of: Answer | None = None, asked: Question | None = None, now: datetime = NOON) -> Draft:
    """A draft that waits in the store."""
    with store.writing() as connection:
        made = review.save_answer(connection, asked or question(), of or answer(), now)
        assert made is not None
        return drafts.get(connection, made)


def approved(store: Store, *, by: str = "mei", now: datetime = NOON) -> Draft:
    """A draft that was approved just now."""
    waiting = draft(store, now=now)
    with store.writing() as connection:
        return review.approve(connection, waiting.id, revision=waiting.revision, by=by, now=now, settings=REVIEW)


def current(store: Store, draft_id: int) -> Draft:
    with store.reading() as connection:
        return drafts.get(connection, draft_id)
