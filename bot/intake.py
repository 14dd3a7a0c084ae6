"""Which posts are looked at, and when.

    a poll reads the newest posts ─▶ each is kept once: waiting to be answered, or skipped with its reason
                                  ─▶ only then the high-water mark rises
    a waiting post settles        ─▶ its topic is read: is it still the same text, in its place, unanswered?
                                  ─▶ it becomes a question

So a crash between any two steps loses nothing: what was not kept is read again, and a waiting post
waits until `posts.answered` is called, in the transaction that keeps its answer.

Three things are judged late, from the topic, because the list of newest posts does not tell them: its
tags, whether it takes replies, and whether somebody has answered. A post counts as answered when a
later post by somebody else replies to it; or stands in the topic it opened and replies to nobody; or
is by staff, comes next and replies to nobody. Bots that are ignored answer nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from enum import Enum

import structlog

from bot.domain.post import Post, PostKind, PostState, Question, Topic
from bot.errors import ForumError, ForumNotFound, ForumRefused, ForumUnavailable, TopicTooLong
from bot.forum import Forum
from bot.forum.questions import ChapterOf, no_chapter, question, readable, with_files
from bot.settings import Settings
from bot.store import marks, posts
from bot.store.engine import Connection, Store
from bot.store.posts import KeptPost

log = structlog.get_logger()

#: The high-water mark: the highest post id of a poll that was brought to its end.
NEWEST = "newest post"

#: When a topic that could not be read is tried again.
UNREADABLE = timedelta(minutes=5)

#: A first look at a forum ends after so many posts in a row that are too old.
OLD_ENOUGH = 50


class SkipReason(Enum):
    """Why a post is not answered."""

    OWN = "own"
    STAFF = "staff"
    IGNORED_USER = "ignored_user"
    NOT_A_PERSONS_POST = "not_a_persons_post"  #: a whisper or a note of the forum itself
    HIDDEN = "hidden"
    DELETED = "deleted"
    OTHER_CATEGORY = "other_category"  #: not one of those that are watched; none is watched unless named
    OTHER_TAGS = "other_tags"
    TOO_OLD = "too_old"
    PRIVATE = "private"
    TOPIC_DELETED = "topic_deleted"
    CLOSED = "closed"
    ARCHIVED = "archived"
    UNLISTED = "unlisted"
    SOLVED = "solved"  #: the topic has an accepted answer
    ANSWERED = "answered"
    TOPIC_TOO_LONG = "topic_too_long"
    GONE = "gone"  #: deleted, or moved to where we may not look


#: What may pass: a post that is skipped for one of these is taken up when the forum lists it again.
PASSING = frozenset({SkipReason.HIDDEN, SkipReason.UNLISTED, SkipReason.GONE, SkipReason.TOPIC_DELETED})


def poll(forum: Forum, store: Store, settings: Settings, now: datetime) -> int:
    """Read what is new on the forum and keep it; returns how many posts now wait that did not.

    Raises `ForumError` when the forum cannot be read to the end; what was read is kept, and the next
    poll begins where this one did.
    """
    with store.reading() as connection:
        mark = int(marks.value(connection, NEWEST) or 0)
    intake = settings.intake
    highest, waiting, old = mark, 0, 0
    for post in forum.newest_posts(after=mark, overlap=intake.overlap_posts, most=intake.catch_up_posts):
        highest = max(highest, int(post.id))
        with store.writing() as connection:
            waiting += _keep(connection, post, settings, now)
        old = old + 1 if _too_old(post, settings, now) else 0
        if mark == 0 and old >= OLD_ENOUGH:
            break
    with store.writing() as connection:
        marks.keep(connection, NEWEST, str(highest), now=now)
    log.info("polled", mark=highest, waiting=waiting)
    return waiting


def due(
    store: Store, forum: Forum, settings: Settings, now: datetime, *, chapter_of: ChapterOf = no_chapter
) -> Iterator[Question]:
    """The posts that have settled, as questions, each topic read once and when its turn comes.

    A question comes again in every call until `posts.answered` or `posts.failed` is called for it.
    Raises `ForumError` when the forum cannot be read; what is left is due next time.
    """
    by_topic: dict[str, list[KeptPost]] = {}
    with store.reading() as connection:
        settled = posts.due(connection, now=now)
    for kept in settled:
        by_topic.setdefault(kept.topic_id or "", []).append(kept)
    read, trouble = 0, None
    for topic_id, waiting in by_topic.items():
        try:
            topic = _topic(forum, topic_id)
        except TopicTooLong:
            for kept in waiting:
                _drop(store, kept, SkipReason.TOPIC_TOO_LONG, now)
            continue
        except (ForumUnavailable, ForumRefused) as error:
            # Perhaps this topic alone: it must not keep the others from being answered for ever.
            _postpone(store, waiting, error, now)
            if trouble or (isinstance(error, ForumUnavailable) and error.retry_after is not None):
                raise
            trouble = error
            continue
        read += 1
        for kept in waiting:
            if post := _settled(kept, topic, store, forum, settings, now):
                yield with_files(question(post, topic, chapter_of=chapter_of), forum)
    if trouble and not read:
        raise trouble


def why_not(post: Post, topic: Topic | None, settings: Settings, now: datetime) -> SkipReason | None:
    """Why the post is not answered, or None. Without its topic only what the post itself tells is judged."""
    reason = _why_not_by_itself(post, settings, now)
    return reason or (_why_not_in_topic(post, topic, settings) if topic else None)


def answer_to(post: Post, topic: Topic, settings: Settings) -> Post | None:
    """The post that answers this one, by the rule that stands at the top of this file."""
    later = [other for other in topic.posts if other.number > post.number and readable(other)]
    for place, other in enumerate(later):
        if other.author == post.author or _named(other, settings.forum.ignore_users):
            continue
        to_nobody = other.reply_to is None
        opened_the_topic = post.number == 1
        staff_came_next = other.by_staff and place == 0
        if other.reply_to == post.number or (to_nobody and (opened_the_topic or staff_came_next)):
            return other
    return None


def _keep(connection: Connection, post: Post, settings: Settings, now: datetime) -> bool:
    """Keep what a poll saw of one post; whether it now waits and did not before."""
    known = posts.get(connection, post.id)
    reason = why_not(post, None, settings, now)
    if known and known.sha256 == post.sha256 and not (reason is None and _may_pass(known)):
        return False
    if reason:
        posts.skip(connection, post, reason=reason.value, now=now)
        return False
    # A text that was seen to change was edited just now, whatever the forum's times say.
    changed = known is not None and known.sha256 != post.sha256
    written = now if changed else _last_written(post, now)
    posts.wait(connection, post, due_at=written + _settling(settings), now=now)
    return known is None or known.state is not PostState.WAITING


def _topic(forum: Forum, topic_id: str) -> Topic:
    """The topic; an empty one when it is gone, as its posts may stand elsewhere now."""
    try:
        return forum.topic(topic_id)
    except ForumNotFound:
        return Topic(id=topic_id, title="")


def _postpone(store: Store, waiting: Sequence[KeptPost], error: ForumError, now: datetime) -> None:
    log.warning("topic_unreadable", topic=waiting[0].topic_id, why=str(error))
    with store.writing() as connection:
        for kept in waiting:
            posts.postpone(connection, kept, until=now + UNREADABLE)


def _settled(
    kept: KeptPost, topic: Topic, store: Store, forum: Forum, settings: Settings, now: datetime
) -> Post | None:
    """The post, when it is still as it was kept and wants an answer; otherwise the store learns what became of it."""
    post = next((post for post in topic.posts if post.id == kept.id), None)
    if post is None:
        _follow(kept, store, forum, now)
        return None
    if reason := why_not(post, topic, settings, now):
        _drop(store, kept, reason, now)
        return None
    if post.sha256 != kept.sha256:
        with store.writing() as connection:
            posts.wait(connection, post, due_at=now + _settling(settings), now=now)
        return None
    return post


def _follow(kept: KeptPost, store: Store, forum: Forum, now: datetime) -> None:
    """A post that is no longer in its topic waits on in the topic it was moved to, or is gone."""
    try:
        post = forum.post(kept.id)
    except (ForumNotFound, ForumRefused):
        _drop(store, kept, SkipReason.GONE, now)
        return
    if post.topic_id in (None, kept.topic_id):
        _drop(store, kept, SkipReason.GONE, now)
        return
    with store.writing() as connection:
        posts.wait(connection, post, due_at=now, now=now)


def _drop(store: Store, kept: KeptPost, reason: SkipReason, now: datetime) -> None:
    log.info("skipped", post=kept.id, reason=reason.value)
    with store.writing() as connection:
        posts.drop(connection, kept, reason=reason.value, now=now)


def _why_not_by_itself(post: Post, settings: Settings, now: datetime) -> SkipReason | None:
    forum = settings.forum
    return _first(
        {
            SkipReason.OWN: _named(post, (forum.username,)),
            SkipReason.STAFF: post.by_staff,
            SkipReason.IGNORED_USER: _named(post, forum.ignore_users),
            SkipReason.NOT_A_PERSONS_POST: post.kind is not PostKind.REGULAR,
            SkipReason.HIDDEN: post.hidden,
            SkipReason.DELETED: post.deleted,
            SkipReason.OTHER_CATEGORY: post.category_id not in forum.categories,
            SkipReason.TOO_OLD: _too_old(post, settings, now),
        }
    )


def _why_not_in_topic(post: Post, topic: Topic, settings: Settings) -> SkipReason | None:
    tags = settings.forum.tags
    return _first(
        {
            SkipReason.PRIVATE: topic.private,
            SkipReason.TOPIC_DELETED: topic.deleted,
            SkipReason.CLOSED: topic.closed,
            SkipReason.ARCHIVED: topic.archived,
            SkipReason.UNLISTED: not topic.visible,
            SkipReason.OTHER_TAGS: bool(tags) and not set(tags) & set(topic.tags),
            SkipReason.SOLVED: topic.solved,
            SkipReason.ANSWERED: answer_to(post, topic, settings) is not None,
        }
    )


def _first(holds: dict[SkipReason, bool]) -> SkipReason | None:
    return next((reason for reason, true in holds.items() if true), None)


def _named(post: Post, names: Sequence[str]) -> bool:
    """Discourse's account names are the same in any case."""
    return post.author.casefold() in {name.casefold() for name in names}


def _too_old(post: Post, settings: Settings, now: datetime) -> bool:
    age = now - post.created_at if post.created_at else timedelta(0)
    return age > timedelta(days=settings.intake.longest_age_days)


def _may_pass(known: KeptPost) -> bool:
    return known.state is PostState.SKIPPED and known.reason in {reason.value for reason in PASSING}


def _last_written(post: Post, now: datetime) -> datetime:
    """When the text was last touched. It cannot be later than now, whatever the forum's clock says."""
    times = [moment for moment in (post.created_at, post.updated_at) if moment]
    return min(now, max(times, default=now))


def _settling(settings: Settings) -> timedelta:
    return timedelta(seconds=settings.intake.settle_seconds)
