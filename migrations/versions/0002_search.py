"""The words of drafts, for the search box.

Revision ID: 0002
Revises: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "terms",
        sa.Column("draft_id", sa.Integer(), nullable=False),
        sa.Column("term", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["draft_id"], ["drafts.id"], name="fk_terms_draft_id"),
        sa.PrimaryKeyConstraint("draft_id", "term", name="pk_terms"),
    )
    op.create_index("ix_terms_term_draft_id", "terms", ["term", "draft_id"])
