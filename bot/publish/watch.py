"""What becomes of replies, and of the questions whose drafts wait.

A reply is approved or refused by the forum's moderators, liked, flagged, of no help; a question is edited,
closed, or answered by a person before a moderator has looked at our draft.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial

import structlog

from bot.domain.draft import Draft, DraftState, ReplyFate
from bot.domain.post import Post, Topic
from bot.errors import ForumNotFound, TopicTooLong
from bot.forum import Forum
from bot.publish.check import make_stale, reason_not_to_post
from bot.publish.sending import Publisher
from bot.store import answers, drafts, replies
from bot.store.drafts import BOT
from bot.store.replies import KeptReply

log = structlog.get_logger()

#: A reply is looked at when it is this old; after the last time, no more.
LOOKS = (timedelta(hours=1), timedelta(days=1), timedelta(days=3), timedelta(days=10), timedelta(days=30))
#: How often the question of a waiting draft is looked at.
QUESTION_PAUSE = timedelta(hours=1)
#: How often the forum's queue is looked at.
QUEUE_PAUSE = timedelta(minutes=10)
#: How long a queued reply must be missing before it counts as refused: while it is being approved it may
#: be in neither place that is looked at.
MISSING_FOR = timedelta(minutes=5)

_AT_ONCE = 20

#: Words of an asker whom the reply did not help.
_NO_HELP = re.compile(
    r"\bstill\b.{0,40}\b(error|fail|wrong|broken|raise|same|not)"
    r"|\b(does|did|do)(n.t| not) (help|work)\b"
    r"|\b\w*Error: "
    r"|(还是|仍然|依然).{0,12}(报错|错误|不行|不对|失败)"
    r"|没(有)?(用|解决)",
    re.IGNORECASE | re.DOTALL,
)


def watch(publisher: Publisher, *, stop: Callable[[], bool] = lambda: False) -> int:
    """Look at the replies and the waiting questions whose time has come; returns at how many.

    Raises `ForumError` when the forum cannot be asked; the rest is looked at next time.
    """
    now = publisher.clock()
    with publisher.store.reading() as connection:
        queued = replies.to_look_at(connection, queued=True, now=now, most=_AT_ONCE)
        posted = replies.to_look_at(connection, queued=False, now=now, most=_AT_ONCE)
        waiting = drafts.to_check(connection, now=now, most=_AT_ONCE)
    looks: list[Callable[[], None]] = [
        *(partial(_look_at_queued, publisher, reply) for reply in queued),
        *(partial(_look_at_posted, publisher, reply) for reply in posted),
        *(partial(_look_at_question, publisher, draft) for draft in waiting),
    ]
    for done, look in enumerate(looks):
        if stop():
            return done
        look()
    return len(looks)


def _look_at_queued(publisher: Publisher, reply: KeptReply) -> None:
    found = publisher.forum.find_marker(reply.marker, topic_id=reply.topic_id)
    now = publisher.clock()
    with publisher.store.writing() as connection:
        if found and found.queued:
            replies.move(connection, reply.draft_id, missed_at=None, look_at=now + QUEUE_PAUSE)
        elif found:
            replies.move(
                connection,
                reply.draft_id,
                post_id=found.post_id,
                queued=False,
                made_at=now,
                look_at=now + LOOKS[0],
            )
            draft = drafts.get(connection, reply.draft_id)
            drafts.change(connection, draft, to=DraftState.POSTED, by=BOT, now=now, reply_post_id=found.post_id)
        elif reply.missed_at is None:
            replies.move(connection, reply.draft_id, missed_at=now, look_at=now + MISSING_FOR)
        else:
            replies.move(connection, reply.draft_id, look_at=None)
            draft = drafts.get(connection, reply.draft_id)
            drafts.change(connection, draft, to=DraftState.REFUSED, by=BOT, now=now, note="not approved on the forum")
    log.info("queued_reply", draft=reply.draft_id, found=found)


def _look_at_posted(publisher: Publisher, reply: KeptReply) -> None:
    with publisher.store.reading() as connection:
        asker = drafts.get(connection, reply.draft_id).asker
    fates = list(_fates(publisher.forum, reply, asker))
    now = publisher.clock()
    with publisher.store.writing() as connection:
        for fate, note in fates:
            if replies.add_outcome(connection, reply.draft_id, fate, note=note, now=now):
                log.info("outcome", draft=reply.draft_id, fate=fate.value)
        gone = any(fate is ReplyFate.DELETED for fate, _ in fates)
        replies.move(connection, reply.draft_id, look_at=None if gone else _next_look(reply, now))


def _look_at_question(publisher: Publisher, draft: Draft) -> None:
    forum, settle = publisher.settings.forum, timedelta(seconds=publisher.settings.intake.settle_seconds)
    with publisher.store.reading() as connection:
        looked_at = answers.looked_at(connection, draft.post_id, draft.question_sha256)
    topic = None
    try:
        topic = publisher.forum.topic(draft.topic_id)
    except ForumNotFound:
        reason: str | None = "the topic is gone"
    except TopicTooLong:
        reason = None  # a person sees it when the reply cannot be posted
    else:
        reason = reason_not_to_post(topic, draft, looked_at=looked_at, account=forum.username, bots=forum.ignore_users)
    now = publisher.clock()
    with publisher.store.writing() as connection:
        drafts.set_check(connection, draft.id, at=now + QUESTION_PAUSE)
        still = drafts.get(connection, draft.id)
        if reason and still.state is DraftState.PENDING and still.revision == draft.revision:
            make_stale(connection, still, reason=reason, topic=topic, settle_until=now + settle, now=now)
            log.info("stale", draft=draft.id, reason=reason)


def _next_look(reply: KeptReply, now: datetime) -> datetime | None:
    return next((reply.made_at + age for age in LOOKS if reply.made_at + age > now), None)


def _fates(forum: Forum, reply: KeptReply, asker: str) -> Iterator[tuple[ReplyFate, str]]:
    """What can be seen on the forum now, each with a note."""
    try:
        topic = forum.topic(reply.topic_id)
    except ForumNotFound:
        yield ReplyFate.DELETED, "with its topic"
        return
    except TopicTooLong:
        return
    own = next((post for post in topic.posts if post.id == reply.post_id), None)
    if own is None or own.deleted:
        yield ReplyFate.DELETED, "or moved to another topic"
        return
    if own.hidden:
        yield ReplyFate.FLAGGED, "hidden by flags"
    if own.likes:
        yield ReplyFate.LIKED, f"{own.likes} times"
    if own.accepted:
        yield ReplyFate.SOLVED, ""
    if objection := _objection(topic, own, asker):
        yield ReplyFate.STILL_FAILS, f"post {objection.number}"


def _objection(topic: Topic, own: Post, asker: str) -> Post | None:
    """The first post in which the asker answers us that it did not help."""
    answers = (post for post in topic.posts if post.author == asker and post.reply_to == own.number)
    return next((post for post in answers if _NO_HELP.search(post.raw)), None)
