"""The first schema: posts, answers, drafts and what is decided and posted, and how the jobs are doing."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "answers",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("post_id", sa.Text(), nullable=False),
        sa.Column("question_sha256", sa.Text(), nullable=False),
        sa.Column("verdict", sa.String(32), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("language", sa.String(32), nullable=False),
        sa.Column("confusion", sa.Text()),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("code_sha256", sa.Text()),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("question", sa.Text()),
        sa.Column("record", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_answers"),
    )
    op.create_index("ix_answers_post_id_question_sha256", "answers", ["post_id", "question_sha256"])
    op.create_index("ix_answers_reason_made_at", "answers", ["reason", "made_at"])

    op.create_table(
        "jobs",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.Column("succeeded_at", sa.DateTime(timezone=True)),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_jobs"),
    )

    op.create_table(
        "marks",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_marks"),
    )

    op.create_table(
        "posts",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("topic_id", sa.Text()),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("category_id", sa.Integer()),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("due_at", sa.DateTime(timezone=True)),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_posts"),
    )
    op.create_index("ix_posts_state_due_at", "posts", ["state", "due_at"])
    op.create_index("ix_posts_topic_id", "posts", ["topic_id"])

    op.create_table(
        "troubles",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("post_id", sa.Text()),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True)),
        sa.Column("closed_by", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_troubles"),
    )
    op.create_index("ix_troubles_closed_at_id", "troubles", ["closed_at", "id"])
    op.create_index("ix_troubles_post_id", "troubles", ["post_id"])

    op.create_table(
        "drafts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("post_id", sa.Text(), nullable=False),
        sa.Column("topic_id", sa.Text(), nullable=False),
        sa.Column("post_number", sa.Integer(), nullable=False),
        sa.Column("category_id", sa.Integer()),
        sa.Column("topic_title", sa.Text(), nullable=False),
        sa.Column("asker", sa.Text(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("language", sa.String(32), nullable=False),
        sa.Column("confusion", sa.Text(), nullable=False),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("proved", sa.Boolean(), nullable=False),
        sa.Column("question_sha256", sa.Text(), nullable=False),
        sa.Column("answer_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("post_after", sa.DateTime(timezone=True)),
        sa.Column("check_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("claimed_by", sa.Text()),
        sa.Column("claimed_until", sa.DateTime(timezone=True)),
        sa.Column("reply_post_id", sa.Text()),
        sa.ForeignKeyConstraint(["answer_id"], ["answers.id"], name="fk_drafts_answer_id"),
        sa.PrimaryKeyConstraint("id", name="pk_drafts"),
    )
    op.create_index("ix_drafts_post_id_id", "drafts", ["post_id", "id"])
    op.create_index(
        "ix_drafts_queue_of_confusion",
        "drafts",
        ["state", "confusion", "created_at", "id", "category_id", "language", "confidence"],
    )
    op.create_index("ix_drafts_state_category_id_created_at_id", "drafts", ["state", "category_id", "created_at", "id"])
    op.create_index("ix_drafts_state_check_at", "drafts", ["state", "check_at"])
    op.create_index("ix_drafts_state_confidence_id", "drafts", ["state", "confidence", "id"])
    op.create_index("ix_drafts_state_created_at_id_confidence", "drafts", ["state", "created_at", "id", "confidence"])
    op.create_index("ix_drafts_state_language_created_at_id", "drafts", ["state", "language", "created_at", "id"])
    op.create_index("ix_drafts_state_post_after_id", "drafts", ["state", "post_after", "id"])
    op.create_index("ix_drafts_topic_id", "drafts", ["topic_id"])
    op.create_index(
        "uq_drafts_one_for_a_post",
        "drafts",
        ["post_id"],
        unique=True,
        sqlite_where=sa.text("state NOT IN ('rejected', 'dropped')"),
        postgresql_where=sa.text("state NOT IN ('rejected', 'dropped')"),
    )

    op.create_table(
        "decisions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("draft_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("before", sa.String(32), nullable=False),
        sa.Column("after", sa.String(32), nullable=False),
        sa.Column("reason", sa.String(32)),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("confusion", sa.Text(), nullable=False),
        sa.Column("edited", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["draft_id"], ["drafts.id"], name="fk_decisions_draft_id"),
        sa.PrimaryKeyConstraint("id", name="pk_decisions"),
    )
    op.create_index(
        "ix_decisions_confusion_before_after_reason_edited",
        "decisions",
        ["confusion", "before", "after", "reason", "edited"],
    )
    op.create_index("ix_decisions_draft_id_id", "decisions", ["draft_id", "id"])

    op.create_table(
        "outbox",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("draft_id", sa.Integer(), nullable=False),
        sa.Column("marker", sa.Text(), nullable=False),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.Column("topic_id", sa.Text(), nullable=False),
        sa.Column("reply_to", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("first_sent_at", sa.DateTime(timezone=True)),
        sa.Column("second_sent_at", sa.DateTime(timezone=True)),
        sa.Column("unknown_since", sa.DateTime(timezone=True)),
        sa.Column("closed_at", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(["draft_id"], ["drafts.id"], name="fk_outbox_draft_id"),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
    )
    op.create_index("ix_outbox_closed_at_id", "outbox", ["closed_at", "id"])
    op.create_index("ix_outbox_draft_id_id", "outbox", ["draft_id", "id"])

    op.create_table(
        "outcomes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("draft_id", sa.Integer(), nullable=False),
        sa.Column("fate", sa.String(32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confusion", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["draft_id"], ["drafts.id"], name="fk_outcomes_draft_id"),
        sa.PrimaryKeyConstraint("id", name="pk_outcomes"),
        sa.UniqueConstraint("draft_id", "fate", name="uq_outcomes_draft_id_fate"),
    )
    op.create_index("ix_outcomes_confusion_fate", "outcomes", ["confusion", "fate"])

    op.create_table(
        "replies",
        sa.Column("draft_id", sa.Integer(), nullable=False),
        sa.Column("topic_id", sa.Text(), nullable=False),
        sa.Column("marker", sa.Text(), nullable=False),
        sa.Column("post_id", sa.Text()),
        sa.Column("queued", sa.Boolean(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("missed_at", sa.DateTime(timezone=True)),
        sa.Column("look_at", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(["draft_id"], ["drafts.id"], name="fk_replies_draft_id"),
        sa.PrimaryKeyConstraint("draft_id", name="pk_replies"),
    )
    op.create_index("ix_replies_queued_look_at", "replies", ["queued", "look_at"])

    op.create_table(
        "revisions",
        sa.Column("draft_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reply", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["draft_id"], ["drafts.id"], name="fk_revisions_draft_id"),
        sa.PrimaryKeyConstraint("draft_id", "number", name="pk_revisions"),
    )
