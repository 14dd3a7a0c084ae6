"""A reply that waits for a moderator, what was decided about it, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from bot.domain.post import Language


class DraftState(Enum):
    """Where a draft stands. `bot.review` and `bot.publish` alone change it, along `ALLOWED`."""

    PENDING = "pending"  #: waits for a moderator
    APPROVED = "approved"  #: will be posted when the grace time is over
    PUBLISHING = "publishing"  #: the publisher has taken it
    QUEUED = "queued"  #: the forum put the reply into its own review queue
    POSTED = "posted"
    REFUSED = "refused"  #: the forum's moderators rejected the queued reply
    FAILED = "failed"  #: could not be posted; a person decides
    REJECTED = "rejected"
    STALE = "stale"  #: the question changed, or was answered or closed meanwhile
    WITHDRAWN = "withdrawn"  #: a person took the posted reply back
    DROPPED = "dropped"  #: nobody wants it any more


_S = DraftState
#: The only changes of state there are: from each state, the states that may follow.
ALLOWED: dict[DraftState, frozenset[DraftState]] = {
    _S.PENDING: frozenset({_S.APPROVED, _S.REJECTED, _S.STALE, _S.DROPPED}),
    _S.APPROVED: frozenset({_S.PENDING, _S.PUBLISHING, _S.STALE}),
    _S.PUBLISHING: frozenset({_S.POSTED, _S.QUEUED, _S.FAILED, _S.STALE}),
    _S.QUEUED: frozenset({_S.POSTED, _S.REFUSED}),
    _S.FAILED: frozenset({_S.APPROVED, _S.DROPPED}),
    _S.STALE: frozenset({_S.PENDING, _S.DROPPED}),
    _S.REJECTED: frozenset({_S.PENDING}),
    _S.POSTED: frozenset({_S.WITHDRAWN}),
    _S.REFUSED: frozenset(),
    _S.WITHDRAWN: frozenset(),
    _S.DROPPED: frozenset(),
}


class RejectReason(Enum):
    """Why a moderator rejected a draft."""

    WRONG_DIAGNOSIS = "wrong_diagnosis"
    WRONG_CODE = "wrong_code"
    NOT_A_QUESTION = "not_a_question"
    ALREADY_ANSWERED = "already_answered"
    UNCLEAR = "unclear"  #: right, but badly explained
    TONE = "tone"
    HOMEWORK = "homework"  #: would give a hand-in away
    OTHER = "other"


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """A reply in Markdown, waiting or decided."""

    id: int
    post_id: str
    topic_id: str
    post_number: int
    topic_title: str
    asker: str
    state: DraftState
    language: Language
    confusion: str
    confidence: float
    revision: int  #: of the reply's text, from 1
    reply: str
    proved: bool  #: the proof holds for the code in `reply`, or `reply` brings no code
    question_sha256: str  #: of the post's text when the draft was made
    record: str  #: the answer's JSON object (`answer_record`), the evidence
    created_at: datetime
    changed_at: datetime
    claimed_by: str | None = None
    claimed_until: datetime | None = None
    reply_post_id: str | None = None  #: the post that was made from it
    category_id: int | None = None  #: of the forum, for filters
    post_after: datetime | None = None  #: when the grace time of its approval is over
    question: str = ""  #: the post's Markdown when the draft was made


@dataclass(frozen=True, kw_only=True, slots=True)
class DraftSummary:
    """A draft as lists show it: without its text and its evidence."""

    id: int
    post_id: str
    post_number: int
    topic_id: str
    topic_title: str
    asker: str
    state: DraftState
    language: Language
    confusion: str
    confidence: float
    revision: int
    proved: bool
    created_at: datetime
    changed_at: datetime
    category_id: int | None = None
    claimed_by: str | None = None
    claimed_until: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Revision:
    """One of the texts a draft had."""

    draft_id: int
    number: int  #: from 1
    by: str  #: a moderator's name, or "bot"
    at: datetime
    reply: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """A change of a draft's state: append-only."""

    draft_id: int
    at: datetime
    by: str  #: a moderator's name, or "bot"
    before: DraftState
    after: DraftState
    reason: RejectReason | None = None
    note: str = ""
    revision: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """The post that was made on the forum, or the forum's promise to look at it."""

    post_id: str | None  #: None while it waits in the forum's own queue
    queued: bool = False


class ReplyFate(Enum):
    """What became of a reply."""

    LIKED = "liked"
    SOLVED = "solved"  #: marked as the accepted answer
    FLAGGED = "flagged"
    DELETED = "deleted"
    STILL_FAILS = "still_fails"  #: the asker answered that it did not help
