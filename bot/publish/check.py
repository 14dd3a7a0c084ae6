"""Whether a draft still fits its topic: read again before posting, and now and then while it waits."""

from __future__ import annotations

from datetime import datetime

from bot.domain.draft import Draft, DraftState
from bot.domain.post import Post, PostKind, Topic
from bot.store import drafts, posts
from bot.store.drafts import BOT
from bot.store.engine import Connection

#: The reason that calls for another answer.
EDITED = "the question was edited"

#: How the hidden marker of each of our replies begins.
MARKER_BEGIN = "<!-- autograd-bot:"


def reason_not_to_post(
    topic: Topic, draft: Draft, *, looked_at: datetime | None, account: str, bots: tuple[str, ...] = ()
) -> str | None:
    """Why the draft no longer fits its topic, in words for moderators; None when it does.

    `looked_at` is when the question was answered: a person's answer that came later makes ours needless.
    """
    question = next((post for post in topic.posts if post.id == draft.post_id), None)
    if not topic.open:
        return "the topic was closed, archived, deleted or unlisted"
    if topic.solved:
        return "the topic has an accepted answer"
    if question is None or question.deleted or question.hidden:
        return "the question was deleted, hidden or moved"
    if question.sha256 != draft.question_sha256:
        return EDITED
    for post in topic.posts:
        if not _answers(post, question):
            continue
        if _same(post.author, account):
            if MARKER_BEGIN in post.raw:
                return f"post {post.number} is a reply of ours already"
        elif _newer(post, looked_at) and not any(_same(post.author, bot) for bot in bots):
            return f"{post.author} has answered meanwhile, in post {post.number}"
    return None


def make_stale(
    connection: Connection, draft: Draft, *, reason: str, topic: Topic | None, settle_until: datetime, now: datetime
) -> Draft:
    """The stale draft. An edited question waits to be answered anew, as a new one would, until `settle_until`."""
    edited = next((post for post in topic.posts if post.id == draft.post_id), None) if topic else None
    if edited is not None and reason == EDITED:
        posts.wait(connection, edited, due_at=settle_until, now=now)
    return drafts.change(connection, draft, to=DraftState.STALE, by=BOT, now=now, note=reason)


def _answers(post: Post, question: Post) -> bool:
    """Whether somebody else answers the question; a reply to a topic's first post names no number."""
    if post.number <= question.number or post.author == question.author:
        return False
    if post.kind is not PostKind.REGULAR or post.deleted or post.hidden:
        return False
    return post.reply_to == question.number or (question.number == 1 and post.reply_to is None)


def _newer(post: Post, moment: datetime | None) -> bool:
    return post.created_at is not None and moment is not None and post.created_at > moment


def _same(one: str, other: str) -> bool:
    return one.casefold() == other.casefold()
