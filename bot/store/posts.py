"""What intake knows of the posts it has met: one row for each, with the text it was last seen with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update

from bot.domain.post import Post, PostState
from bot.store.engine import Connection
from bot.store.tables import posts

#: A post that made the program fail so often is set aside: it must not stop the others for ever.
MOST_FAILURES = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptPost:
    """What is kept of a post."""

    id: str
    topic_id: str | None
    number: int
    author: str
    category_id: int | None
    sha256: str  #: of the text as last seen
    state: PostState
    reason: str | None  #: why it was skipped or set aside
    due_at: datetime | None  #: when a waiting post is old enough
    seen_at: datetime
    failures: int  #: how often answering it made the program fail


def get(connection: Connection, post_id: str) -> KeptPost | None:
    """What is kept of this post; None when it was never met."""
    row = connection.execute(select(posts).where(posts.c.id == post_id)).first()
    return None if row is None else KeptPost(**row._mapping)


def wait(connection: Connection, post: Post, *, due_at: datetime, now: datetime) -> None:
    """Keep the post as it is now, to be answered after `due_at`."""
    _put(connection, post, state=PostState.WAITING, reason=None, due_at=due_at, seen_at=now, failures=0)


def skip(connection: Connection, post: Post, *, reason: str, now: datetime) -> None:
    """Keep that the post as it is now is not answered."""
    _put(connection, post, state=PostState.SKIPPED, reason=reason, due_at=None, seen_at=now, failures=0)


def due(connection: Connection, *, now: datetime, most: int = 5000) -> list[KeptPost]:
    """The waiting posts whose time has come, the longest overdue first."""
    query = select(posts).where(posts.c.state == PostState.WAITING, posts.c.due_at <= now)
    query = query.order_by(posts.c.due_at, posts.c.id).limit(most)
    return [KeptPost(**row._mapping) for row in connection.execute(query)]


def drop(connection: Connection, kept: KeptPost, *, reason: str, now: datetime) -> None:
    """A waiting post is not answered after all."""
    _settle(connection, kept.id, kept.sha256, state=PostState.SKIPPED, reason=reason, due_at=None, seen_at=now)


def postpone(connection: Connection, kept: KeptPost, *, until: datetime) -> None:
    """A waiting post could not be looked at; it waits longer."""
    _settle(connection, kept.id, kept.sha256, due_at=until)


def answered(connection: Connection, post_id: str, sha256: str, *, now: datetime) -> None:
    """The pipeline has looked at this text of the post. A text that came since goes on waiting."""
    _settle(connection, post_id, sha256, state=PostState.ANSWERED, reason=None, due_at=None, seen_at=now)


def failed(connection: Connection, post_id: str, sha256: str, *, again_at: datetime, now: datetime) -> PostState:
    """Answering this text made the program fail: it waits until `again_at`, or is set aside.

    Returns the state the post is in now.
    """
    kept = get(connection, post_id)
    if kept is None or kept.sha256 != sha256:
        return PostState.WAITING
    failures = kept.failures + 1
    if failures < MOST_FAILURES:
        _settle(connection, post_id, sha256, due_at=again_at, failures=failures, seen_at=now)
        return PostState.WAITING
    aside = {"state": PostState.SET_ASIDE, "reason": f"failed {failures} times", "due_at": None}
    _settle(connection, post_id, sha256, **aside, failures=failures, seen_at=now)
    return PostState.SET_ASIDE


def again(connection: Connection, post_id: str, *, now: datetime) -> None:
    """A person wants the post that was set aside to be tried once more."""
    row = {"state": PostState.WAITING, "reason": None, "due_at": now, "failures": 0}
    aside = (posts.c.id == post_id, posts.c.state == PostState.SET_ASIDE)
    connection.execute(update(posts).where(*aside).values(row))


def _put(connection: Connection, post: Post, **kept: Any) -> None:
    """The row of the post, in place of the one before."""
    row = {
        "topic_id": post.topic_id,
        "number": post.number,
        "author": post.author,
        "category_id": post.category_id,
        "sha256": post.sha256,
        **kept,
    }
    if connection.execute(update(posts).where(posts.c.id == post.id).values(row)).rowcount == 0:
        connection.execute(insert(posts).values(id=post.id, **row))


def _settle(connection: Connection, post_id: str, sha256: str, **changed: Any) -> None:
    """Change the row of a post that waits with exactly this text."""
    this = (posts.c.id == post_id, posts.c.sha256 == sha256, posts.c.state == PostState.WAITING)
    connection.execute(update(posts).where(*this).values(changed))
