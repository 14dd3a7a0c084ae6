"""The life of a draft until it is published: what moderators may do with it, and when it goes stale.

Each function changes one draft, within the caller's transaction, together with its audit row. The
moderator says which revision was read: who decides about a text that somebody else has changed, or
about a draft that somebody else has decided, is told who was first (`AlreadyDecided`).
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from markdown_it import MarkdownIt

from bot.domain.answer import Answer, files_record, thread_record
from bot.domain.diagnosis import code_sha256
from bot.domain.draft import Draft, DraftState, RejectReason
from bot.domain.post import Question
from bot.errors import (
    AlreadyDecided,
    BadInput,
    ClaimedByOther,
    ProofMissing,
    QuestionChanged,
    WrongState,
)
from bot.settings import ReviewSettings
from bot.store import answers, decisions, drafts
from bot.store.drafts import BOT
from bot.store.engine import Connection

#: What Discourse takes in one post.
LONGEST_REPLY = 32_000

#: Fences of these languages show what a program printed or how it changed. All others hold code.
NOT_CODE = frozenset({"text", "txt", "plain", "plaintext", "output", "console", "diff", "none"})

_DROPPED_AT_ONCE = 200


def save_answer(connection: Connection, question: Question, answer: Answer, now: datetime) -> int | None:
    """Keep what the pipeline made of a question; returns the number of the draft that now waits.

    A post has one draft: when its text was edited, the draft is made stale and answered anew, and an
    approval of the old text does not count any more. None: there is nothing new for a moderator.
    """
    post = question.post
    answer_id = _keep(connection, question, answer, now)
    held = drafts.holding_place(connection, post.id)
    if held is None:
        if not answer.is_draft:
            return None
        proved = is_proved(connection, answer.reply or "", post_id=post.id, question_sha256=post.sha256)
        made = drafts.create(connection, question=question, answer=answer, answer_id=answer_id, proved=proved, now=now)
        return made.id
    if held.question_sha256 == post.sha256:
        return None
    if held.state in (DraftState.PENDING, DraftState.APPROVED):
        held = drafts.change(connection, held, to=DraftState.STALE, by=BOT, now=now, note="the question was edited")
    if held.state is not DraftState.STALE or not answer.is_draft:
        return None
    return _answer_anew(connection, held, question, answer, answer_id, now).id


def approve(
    connection: Connection, draft_id: int, *, revision: int, by: str, now: datetime, settings: ReviewSettings
) -> Draft:
    """The draft, to be posted when the grace time is over. Raises `ProofMissing` for code without a proof."""
    draft = _in_hand(connection, draft_id, revision=revision, by=by, now=now)
    if not draft.proved:
        raise ProofMissing
    grace = timedelta(seconds=settings.grace_seconds)
    return drafts.change(connection, draft, to=DraftState.APPROVED, by=by, now=now, post_after=now + grace)


def reject(
    connection: Connection,
    draft_id: int,
    *,
    revision: int,
    reason: RejectReason,
    note: str = "",
    by: str,
    now: datetime,
) -> Draft:
    """The draft, not to be posted."""
    draft = _in_hand(connection, draft_id, revision=revision, by=by, now=now)
    return drafts.change(connection, draft, to=DraftState.REJECTED, by=by, now=now, reason=reason, note=note)


def undo(connection: Connection, draft_id: int, *, by: str, now: datetime, settings: ReviewSettings) -> Draft:
    """The draft as it waited before it was approved or rejected, within the grace time."""
    _require_name(by)
    draft = drafts.get(connection, draft_id)
    last = decisions.newest(connection, draft_id)
    if last is None or draft.state not in (DraftState.APPROVED, DraftState.REJECTED):
        raise WrongState(f"Draft {draft_id} is {draft.state.value}: there is no decision to undo.")
    if now > last.at + timedelta(seconds=settings.grace_seconds):
        raise WrongState(
            f"The time to undo is over: {last.by} decided at {last.at:%Y-%m-%d %H:%M:%S} UTC,"
            f" and review.grace_seconds is {settings.grace_seconds:g}."
        )
    if draft.state is DraftState.REJECTED and drafts.holding_place(connection, draft.post_id):
        raise WrongState(f"The question of draft {draft_id} was answered anew meanwhile; decide about that draft.")
    return drafts.change(connection, draft, to=DraftState.PENDING, by=by, now=now, reason=last.reason, note="undone")


def edit(connection: Connection, draft_id: int, *, revision: int, reply: str, by: str, now: datetime) -> Draft:
    """The draft with another text, as its next revision; unchanged when the text is the same.

    `Draft.proved` says whether the evidence still holds for all code in it.
    """
    draft = _in_hand(connection, draft_id, revision=revision, by=by, now=now)
    reply = reply.rstrip()
    if not reply:
        raise BadInput("A reply cannot be empty. To post nothing, reject the draft.")
    if len(reply) > LONGEST_REPLY:
        raise BadInput(f"The reply has {len(reply)} characters; the forum takes {LONGEST_REPLY}.")
    if reply == draft.reply.rstrip():
        return draft
    proved = is_proved(connection, reply, post_id=draft.post_id, question_sha256=draft.question_sha256)
    return drafts.revise(connection, draft, reply=reply, proved=proved, by=by, now=now)


def reprove(connection: Connection, draft_id: int, *, revision: int, answer: Answer, by: str, now: datetime) -> Draft:
    """The draft resting on new evidence: what came out when its edited code was run again.

    The evidence is kept and shown also when its proof does not hold; then `Draft.proved` stays False.
    """
    draft = _in_hand(connection, draft_id, revision=revision, by=by, now=now)
    leaned_on = {"thread": [], "files": {}} | json.loads(draft.record).get("evidence", {})
    answer_id = answers.add(
        connection,
        answer,
        post_id=draft.post_id,
        question_sha256=draft.question_sha256,
        question=draft.question,
        thread=leaned_on["thread"],
        files=leaned_on["files"],
        now=now,
    )
    proved = is_proved(connection, draft.reply, post_id=draft.post_id, question_sha256=draft.question_sha256)
    return drafts.rest_on(connection, draft, answer_id=answer_id, proved=proved, now=now)


def redraft(
    connection: Connection, draft_id: int, *, question: Question, answer: Answer, by: str, now: datetime
) -> Draft:
    """The stale or waiting draft with the text of a new answer: of the changed question, or another diagnosis."""
    draft = drafts.get(connection, draft_id)
    if draft.state not in (DraftState.STALE, DraftState.PENDING):
        raise WrongState(f"Draft {draft_id} is {draft.state.value}; only a waiting or stale one is answered anew.")
    _require_unclaimed(draft, by=by, now=now)
    if not answer.is_draft:
        raise WrongState(f"There is no reply to offer any more: {answer.reason}.")
    answer_id = _keep(connection, question, answer, now)
    return _answer_anew(connection, draft, question, answer, answer_id, now, by=by)


def require_read(connection: Connection, draft_id: int, *, revision: int) -> None:
    """Raises `AlreadyDecided` when the draft has another text than the one that was read."""
    if drafts.get(connection, draft_id).revision != revision:
        raise AlreadyDecided(drafts.who_was_first(connection, draft_id))


def claim(connection: Connection, draft_id: int, *, by: str, now: datetime, settings: ReviewSettings) -> Draft:
    """The draft, kept from others for a while. Claiming again begins the time anew."""
    draft = _pending(connection, draft_id, by=by, now=now)
    until = now + timedelta(minutes=settings.claim_minutes)
    return drafts.set_claim(connection, draft, by=by, until=until)


def release(connection: Connection, draft_id: int, *, by: str, now: datetime) -> Draft:
    """The draft, free for all again."""
    draft = _pending(connection, draft_id, by=by, now=now)
    return drafts.set_claim(connection, draft, by=None, until=None)


def release_if_held(connection: Connection, draft_id: int, *, by: str) -> None:
    """Free the draft when this moderator still has it in hand; whatever became of it otherwise stays."""
    draft = drafts.get(connection, draft_id)
    if draft.claimed_by == by:
        drafts.set_claim(connection, draft, by=None, until=None)


def mark_stale(connection: Connection, draft_id: int, *, note: str, now: datetime) -> Draft:
    """The waiting or approved draft, out of the queue because its question changed as `note` says."""
    return drafts.change(connection, drafts.get(connection, draft_id), to=DraftState.STALE, by=BOT, now=now, note=note)


def drop(connection: Connection, draft_id: int, *, by: str, now: datetime, note: str = "") -> Draft:
    """The waiting, stale or failed draft, given up."""
    _require_name(by)
    draft = drafts.get(connection, draft_id)
    _require_unclaimed(draft, by=by, now=now)
    return drafts.change(connection, draft, to=DraftState.DROPPED, by=by, now=now, note=note)


def drop_old(connection: Connection, *, now: datetime, settings: ReviewSettings) -> int:
    """Drop pending drafts that nobody decided in time; returns how many."""
    limit = now - timedelta(days=settings.draft_days)
    old = drafts.older(connection, than=limit, most=_DROPPED_AT_ONCE)
    note = f"waited longer than {settings.draft_days:g} days"
    for draft in old:
        drafts.change(connection, draft, to=DraftState.DROPPED, by=BOT, now=now, note=note)
    return len(old)


def retry(connection: Connection, draft_id: int, *, by: str, now: datetime, settings: ReviewSettings) -> Draft:
    """The draft that could not be posted, to be posted again. What is on the forum already is found first."""
    _require_name(by)
    draft = drafts.get(connection, draft_id)
    if draft.state is not DraftState.FAILED:
        raise WrongState(f"Draft {draft_id} is {draft.state.value}; only a failed one is tried again.")
    grace = timedelta(seconds=settings.grace_seconds)
    return drafts.change(connection, draft, to=DraftState.APPROVED, by=by, now=now, post_after=now + grace)


def is_proved(connection: Connection, reply: str, *, post_id: str, question_sha256: str) -> bool:
    """Whether every piece of code in a reply is one that the evidence for this question holds for.

    That is code of which a proof holds, or, where nothing was mended, code of the reply as it was
    drafted: an example that comes with the knowledge base, or the asker's own.
    """
    shown = {code_sha256(code) for code in code_in(reply)}
    if not shown:
        return True
    known = set(answers.proved_code(connection, post_id, question_sha256))
    for drafted in answers.replies_without_repair(connection, post_id, question_sha256):
        known.update(code_sha256(code) for code in code_in(drafted))
    return shown <= known


def code_in(reply: str) -> list[str]:
    """Every block of a Markdown text that readers would take for code, fenced or indented."""
    found = []
    for token in MarkdownIt("commonmark").parse(reply):
        language = token.info.split()[0].lower() if token.info.strip() else ""
        if token.type == "code_block" or (token.type == "fence" and language not in NOT_CODE):
            found.append(token.content)
    return found


def _keep(connection: Connection, question: Question, answer: Answer, now: datetime) -> int:
    """The number under which the answer to this question is kept."""
    post = question.post
    return answers.add(
        connection,
        answer,
        post_id=post.id,
        question_sha256=post.sha256,
        question=post.raw,
        thread=thread_record(question),
        files=files_record(post),
        now=now,
    )


def _answer_anew(
    connection: Connection,
    draft: Draft,
    question: Question,
    answer: Answer,
    answer_id: int,
    now: datetime,
    by: str = BOT,
) -> Draft:
    post = question.post
    proved = is_proved(connection, answer.reply or "", post_id=post.id, question_sha256=post.sha256)
    draft = drafts.answer_anew(
        connection, draft, question=question, answer=answer, answer_id=answer_id, proved=proved, now=now
    )
    if draft.state is DraftState.PENDING:
        return draft
    return drafts.change(connection, draft, to=DraftState.PENDING, by=by, now=now, note="answered anew")


def _in_hand(connection: Connection, draft_id: int, *, revision: int, by: str, now: datetime) -> Draft:
    """The pending draft, as this moderator has read it."""
    draft = _pending(connection, draft_id, by=by, now=now)
    if draft.revision != revision:
        raise AlreadyDecided(drafts.who_was_first(connection, draft_id))
    return draft


def _pending(connection: Connection, draft_id: int, *, by: str, now: datetime) -> Draft:
    _require_name(by)
    draft = drafts.get(connection, draft_id)
    match draft.state:
        case DraftState.PENDING:
            _require_unclaimed(draft, by=by, now=now)
            return draft
        case DraftState.STALE:
            last = decisions.newest(connection, draft_id)
            raise QuestionChanged(
                f"Draft {draft_id} is stale: {last.note if last else ''}. Answer the question anew, or drop it."
            )
        case _:
            raise AlreadyDecided(drafts.who_was_first(connection, draft_id))


def _require_unclaimed(draft: Draft, *, by: str, now: datetime) -> None:
    if draft.claimed_by in (None, by) or draft.claimed_until is None or draft.claimed_until <= now:
        return
    raise ClaimedByOther(f"{draft.claimed_by} has draft {draft.id} in hand until {draft.claimed_until:%H:%M:%S} UTC.")


def _require_name(by: str) -> None:
    if not by.strip() or by == BOT:
        raise BadInput(f"A decision needs a moderator's name, and {by!r} is none. Give yours with --as NAME.")
