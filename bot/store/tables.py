"""The tables, by noun. `migrations/` makes them; a test compares the two.

Every query of a page or a job is served by an index named here: with a million posts and a hundred
thousand drafts a list of fifty stays a matter of milliseconds. Texts that grow large (the evidence,
the replies) lie in tables of their own, so that lists never read them.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    UniqueConstraint,
    text,
)

from bot.domain.answer import Verdict
from bot.domain.confusion import Ruling
from bot.domain.draft import DraftState, RejectReason, ReplyFate
from bot.domain.post import Language, PostState
from bot.store.columns import Moment, Named, Words

#: The version that `migrations/` must lead to.
SCHEMA = "0004"

#: States after which a post may get another draft. All others hold the one place there is.
OVER = (DraftState.REJECTED, DraftState.DROPPED)
_HOLDS_THE_PLACE = text("state NOT IN ('rejected', 'dropped')")

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

#: What intake knows of each post it has met.
posts = Table(
    "posts",
    metadata,
    Column("id", Words, primary_key=True),
    Column("topic_id", Words),
    Column("number", Integer, nullable=False),
    Column("author", Words, nullable=False),
    Column("category_id", Integer),
    Column("sha256", Words, nullable=False),  # of the text as last seen
    Column("state", Named(PostState), nullable=False),
    Column("reason", Words),  # why it was skipped or set aside
    Column("due_at", Moment),  # when a waiting post is old enough
    Column("seen_at", Moment, nullable=False),  # when it was last looked at
    Column("failures", Integer, nullable=False),  # how often answering it made the program fail
    Index(None, "state", "due_at"),
    Index(None, "topic_id"),
)

#: Every answer of the pipeline, the silent ones with their reason.
answers = Table(
    "answers",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("post_id", Words, nullable=False),
    Column("question_sha256", Words, nullable=False),
    Column("verdict", Named(Verdict), nullable=False),
    Column("reason", Words, nullable=False),
    Column("language", Named(Language), nullable=False),
    Column("confusion", Words),
    Column("confidence", Float, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("code_sha256", Words),  # of the code that a holding proof was made for
    Column("made_at", Moment, nullable=False),
    Column("question", Words),  # the post's Markdown, kept where a reply was drafted
    Column("record", Words, nullable=False),  # the object that `--json` prints
    Index(None, "post_id", "question_sha256"),
    Index(None, "reason", "made_at"),
)

#: One reply that waits or was decided. Its text lies in `revisions`, its evidence in `answers`.
drafts = Table(
    "drafts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("post_id", Words, nullable=False),
    Column("topic_id", Words, nullable=False),
    Column("post_number", Integer, nullable=False),
    Column("category_id", Integer),
    Column("topic_title", Words, nullable=False),
    Column("asker", Words, nullable=False),
    Column("state", Named(DraftState), nullable=False),
    Column("language", Named(Language), nullable=False),
    Column("confusion", Words, nullable=False),
    Column("confidence", Float, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("proved", Boolean, nullable=False),
    Column("question_sha256", Words, nullable=False),
    Column("answer_id", ForeignKey("answers.id"), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("changed_at", Moment, nullable=False),
    Column("post_after", Moment),  # when the grace time of an approval is over
    Column("check_at", Moment, nullable=False),  # when to look whether a waiting draft still fits
    Column("claimed_by", Words),
    Column("claimed_until", Moment),
    Column("reply_post_id", Words),
    # No post is ever answered twice: the database itself refuses a second draft.
    Index(
        "uq_drafts_one_for_a_post",
        "post_id",
        unique=True,
        sqlite_where=_HOLDS_THE_PLACE,
        postgresql_where=_HOLDS_THE_PLACE,
    ),
    Index(None, "post_id", "id"),
    Index(None, "state", "created_at", "id", "confidence"),  # the queue, oldest first
    Index(None, "state", "confidence", "id"),  # the queue, surest first
    # With the other filters in it: a combination that nothing matches must not read every row of a confusion.
    Index(
        "ix_drafts_queue_of_confusion",
        "state",
        "confusion",
        "created_at",
        "id",
        "category_id",
        "language",
        "confidence",
    ),
    Index(None, "state", "language", "created_at", "id"),
    Index(None, "state", "category_id", "created_at", "id"),
    Index(None, "state", "post_after", "id"),  # what the publisher takes next
    Index(None, "state", "check_at"),
    Index(None, "topic_id"),
)

#: The words of each draft's title, asker and confusion, for searching: portable, and good for Chinese.
terms = Table(
    "terms",
    metadata,
    Column("draft_id", ForeignKey("drafts.id"), primary_key=True),
    Column("term", Words, primary_key=True),
    Index(None, "term", "draft_id"),
)

#: Every text a draft ever had.
revisions = Table(
    "revisions",
    metadata,
    Column("draft_id", ForeignKey("drafts.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("by", Words, nullable=False),
    Column("at", Moment, nullable=False),
    Column("reply", Words, nullable=False),
)

#: Every change of a draft's state, written in the same transaction. Rows are only ever added.
decisions = Table(
    "decisions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("draft_id", ForeignKey("drafts.id"), nullable=False),
    Column("at", Moment, nullable=False),
    Column("by", Words, nullable=False),
    Column("before", Named(DraftState), nullable=False),
    Column("after", Named(DraftState), nullable=False),
    Column("reason", Named(RejectReason)),
    Column("note", Words, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("confusion", Words, nullable=False),  # as it was then: a draft may be answered anew
    Column("edited", Boolean, nullable=False),  # a person had changed the text
    Index(None, "draft_id", "id"),
    Index(None, "confusion", "before", "after", "reason", "edited"),
)

#: Replies on their way: a row is committed before anything is sent.
outbox = Table(
    "outbox",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("draft_id", ForeignKey("drafts.id"), nullable=False),
    Column("marker", Words, nullable=False),
    Column("raw", Words, nullable=False),  # what is sent, byte for byte, both times
    Column("topic_id", Words, nullable=False),
    Column("reply_to", Integer, nullable=False),
    Column("made_at", Moment, nullable=False),
    Column("first_sent_at", Moment),  # committed before the request leaves
    Column("second_sent_at", Moment),
    Column("unknown_since", Moment),  # when it became clear that a sending has no known outcome
    Column("closed_at", Moment),  # the outcome is known, or a person decides
    Index(None, "closed_at", "id"),
    Index(None, "draft_id", "id"),
)

#: What was made on the forum.
replies = Table(
    "replies",
    metadata,
    Column("draft_id", ForeignKey("drafts.id"), primary_key=True),
    Column("topic_id", Words, nullable=False),
    Column("marker", Words, nullable=False),
    Column("post_id", Words),  # None while the forum's own moderators look at it
    Column("queued", Boolean, nullable=False),
    Column("made_at", Moment, nullable=False),
    Column("missed_at", Moment),  # when a queued reply was first not found any more
    Column("look_at", Moment),  # when to look next; None: not looked at any more
    Index(None, "queued", "look_at"),
)

#: What became of replies.
outcomes = Table(
    "outcomes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("draft_id", ForeignKey("drafts.id"), nullable=False),
    Column("fate", Named(ReplyFate), nullable=False),
    Column("at", Moment, nullable=False),
    Column("confusion", Words, nullable=False),
    Column("note", Words, nullable=False),
    UniqueConstraint("draft_id", "fate"),
    Index(None, "confusion", "fate"),
)

#: Single values that outlive a restart, by name.
marks = Table(
    "marks",
    metadata,
    Column("name", Words, primary_key=True),
    Column("value", Words, nullable=False),
    Column("at", Moment, nullable=False),
)

#: How each job of `serve` is doing.
jobs = Table(
    "jobs",
    metadata,
    Column("name", Words, primary_key=True),
    Column("started_at", Moment, nullable=False),
    Column("finished_at", Moment),
    Column("succeeded_at", Moment),
    Column("note", Words, nullable=False),  # what the last round did, or why it stopped early
)

#: What went wrong and waits for a person.
troubles = Table(
    "troubles",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("job", Words, nullable=False),
    Column("post_id", Words),  # the post in hand, if one was
    Column("kind", Words, nullable=False),  # class of the error
    Column("message", Words, nullable=False),
    Column("detail", Words, nullable=False),  # the traceback, for whoever mends it
    Column("times", Integer, nullable=False),
    Column("first_at", Moment, nullable=False),
    Column("last_at", Moment, nullable=False),
    Column("closed_at", Moment),
    Column("closed_by", Words),
    Index(None, "closed_at", "id"),
    Index(None, "post_id"),
)

#: Runs of `evaluate` that are kept, to compare others with.
evaluations = Table(
    "evaluations",
    metadata,
    Column("name", Words, primary_key=True),
    Column("made_at", Moment, nullable=False),
    Column("record", Words, nullable=False),  # the object that `evaluate --json` prints
)

#: What persons decided about entries; the newest row of a confusion counts. Rows are only ever added.
rulings = Table(
    "rulings",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("confusion", Words, nullable=False),
    Column("ruling", Named(Ruling), nullable=False),
    Column("at", Moment, nullable=False),
    Column("by", Words, nullable=False),
    Column("note", Words, nullable=False),
    Index(None, "confusion", "id"),
)
