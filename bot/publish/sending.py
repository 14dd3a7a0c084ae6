"""An approved draft becomes a reply.

    approved ─▶ a row "about to post", with a hidden marker, is committed
             ─▶ the topic is read again: has anything changed? (then the draft is stale)
             ─▶ "sent" is committed, and the request leaves
             ─▶ posted, queued by the forum, or refused by it (then the draft has failed)

Where the outcome is unknown, after a time-out or a crash at any of these steps, the marker is looked
for. When it is not there, the same bytes are sent once more while Discourse still recognises them as
the same; then a person decides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

import structlog

from bot.domain.draft import Draft, DraftState, Reply
from bot.domain.post import Topic
from bot.errors import (
    ForumNotFound,
    ForumRefused,
    ForumUnavailable,
    OutcomeUnknown,
    TopicTooLong,
    WrongState,
)
from bot.forum import Forum
from bot.publish.check import MARKER_BEGIN, make_stale, reason_not_to_post
from bot.settings import Settings
from bot.store import answers, drafts, marks, outbox, replies
from bot.store.drafts import BOT
from bot.store.engine import Connection, Store
from bot.store.outbox import Departure
from bot.store.replies import KeptReply

log = structlog.get_logger()

#: Discourse remembers a create for 120 s; a retry this long after the first is surely within that.
LATEST_RETRY = timedelta(seconds=100)

#: When the first look at a new reply is due.
FIRST_LOOK = timedelta(hours=1)
FIRST_LOOK_AT_THE_QUEUE = timedelta(minutes=5)

_LAST_POST = "last post"

Clock = Callable[[], datetime]


class Step(Enum):
    """How far a departure came in one round."""

    POSTED = "posted"
    QUEUED = "queued"
    STALE = "stale"
    FAILED = "failed"
    WAITING = "waiting"  #: its outcome is not known yet, or the forum could not be asked


@dataclass(frozen=True, kw_only=True, slots=True)
class Publisher:
    """What posting needs. `marker_key` gives 32 fresh hexadecimal digits."""

    store: Store
    forum: Forum
    settings: Settings
    clock: Clock
    marker_key: Callable[[], str]

    @property
    def posts(self) -> bool:
        """Whether anything is posted at all: not in a shadow run, and not without a key to write."""
        has_key = bool(self.settings.forum.write_key.get_secret_value()) or not self.settings.forum.url
        return self.settings.publish.enabled and has_key


def publish(publisher: Publisher, *, stop: Callable[[], bool] = lambda: False) -> list[Step]:
    """Bring every departure as far as it goes now, then post what is due; says how far each came.

    Between two of them `stop` is asked; what was begun is finished. Raises `ForumRefused` when the
    forum does not let us read: a person must mend that, and nothing is lost meanwhile.
    """
    if not publisher.posts:
        return []
    steps: list[Step] = []
    with publisher.store.reading() as connection:
        departures = outbox.open_departures(connection)
    for departure in departures:
        if stop():
            return steps
        steps.append(_go_on(publisher, departure))
    while not stop() and (taken := _take_next(publisher)):
        steps.append(_go_on(publisher, taken))
    return steps


def withdraw(publisher: Publisher, draft_id: int, *, by: str, note: str = "") -> Draft:
    """Take the posted reply back. Asking again after a crash does no harm."""
    with publisher.store.reading() as connection:
        draft = drafts.get(connection, draft_id)
    if draft.state is not DraftState.POSTED or draft.reply_post_id is None:
        raise WrongState(f"Draft {draft_id} is {draft.state.value}; only a posted reply can be taken back.")
    try:
        publisher.forum.withdraw(draft.reply_post_id)
    except ForumNotFound:
        log.info("already_gone", draft=draft_id, post=draft.reply_post_id)
    now = publisher.clock()
    with publisher.store.writing() as connection:
        replies.move(connection, draft_id, look_at=None)
        return drafts.change(connection, draft, to=DraftState.WITHDRAWN, by=by, now=now, note=note)


def _take_next(publisher: Publisher) -> Departure | None:
    """The next approved draft, taken out of the moderators' reach, with its row "about to post"."""
    now = publisher.clock()
    pause = timedelta(seconds=publisher.settings.forum.seconds_between_posts)
    with publisher.store.writing() as connection:
        last = marks.kept_at(connection, _LAST_POST)
        if last is not None and now < last + pause:
            return None  # the forum's client would wait, and the time noted as "sent" would be wrong
        due = drafts.due(connection, now=now, most=1)
        if not due:
            return None
        draft = drafts.change(connection, due[0], to=DraftState.PUBLISHING, by=BOT, now=now)
        marker = outbox.marker_of(connection, draft.id) or f"{MARKER_BEGIN}{publisher.marker_key()} -->"
        raw = f"{draft.reply.rstrip()}\n\n{marker}"
        return outbox.add(connection, draft, marker=marker, raw=raw, now=now)


def _go_on(publisher: Publisher, departure: Departure) -> Step:
    """Find out what became of it, and send it when it is not there and may be sent."""
    try:
        return _settle(publisher, departure) or _check(publisher, departure) or _send(publisher, departure)
    except ForumUnavailable as error:
        log.warning("forum_unavailable", draft=departure.draft_id, why=str(error))
        return Step.WAITING


def _settle(publisher: Publisher, departure: Departure) -> Step | None:
    """What became of earlier sendings; None when the reply is not there and may be sent now."""
    store, now = publisher.store, publisher.clock()
    with store.reading() as connection:
        if not outbox.was_sent(connection, departure.draft_id):
            return None
    if found := publisher.forum.find_marker(departure.marker, topic_id=departure.topic_id):
        return _arrived(publisher, departure, found)
    if departure.first_sent_at is None:
        return None
    unknown_since = departure.unknown_since
    if unknown_since is None:  # the program ended while it was being sent
        unknown_since = now
        with store.writing() as connection:
            outbox.set_unknown(connection, departure, now=now)
    # An early look or retry could meet a request that the forum is still working on.
    if now < unknown_since + timedelta(seconds=publisher.settings.publish.retry_after_seconds):
        return Step.WAITING
    if departure.second_sent_at is not None:
        return _failed(publisher, departure, "sent twice without an answer, and not found on the forum")
    if now > departure.first_sent_at + LATEST_RETRY:
        return _failed(publisher, departure, "sent without an answer, and too long ago to be sent again")
    return None


def _check(publisher: Publisher, departure: Departure) -> Step | None:
    """Read the topic again; None when the reply still fits."""
    forum = publisher.settings.forum
    with publisher.store.reading() as connection:
        draft = drafts.get(connection, departure.draft_id)
        looked_at = answers.looked_at(connection, draft.post_id, draft.question_sha256)
    try:
        topic = publisher.forum.topic(departure.topic_id)
    except ForumNotFound:
        return _stale(publisher, departure, None, "the topic is gone")
    except TopicTooLong as error:
        return _failed(publisher, departure, str(error))
    reason = reason_not_to_post(topic, draft, looked_at=looked_at, account=forum.username, bots=forum.ignore_users)
    return _stale(publisher, departure, topic, reason) if reason else None


def _send(publisher: Publisher, departure: Departure) -> Step:
    store, clock = publisher.store, publisher.clock
    with store.writing() as connection:
        departure = outbox.set_sent(connection, departure, now=clock())
        marks.keep(connection, _LAST_POST, str(departure.draft_id), now=clock())
    try:
        reply = publisher.forum.reply(topic_id=departure.topic_id, reply_to=departure.reply_to, raw=departure.raw)
    except OutcomeUnknown as error:
        log.warning("outcome_unknown", draft=departure.draft_id, why=str(error))
        with store.writing() as connection:
            outbox.set_unknown(connection, departure, now=clock())
        return Step.WAITING
    except ForumUnavailable:
        with store.writing() as connection:
            outbox.unset_sent(connection, departure)
        raise
    except (ForumRefused, ForumNotFound) as error:
        return _refused(publisher, departure, error)
    return _arrived(publisher, departure, reply)


def _refused(publisher: Publisher, departure: Departure, error: Exception) -> Step:
    """The forum said no: because the same text is there already, the topic changed just now, or for good."""
    if found := publisher.forum.find_marker(departure.marker, topic_id=departure.topic_id):
        return _arrived(publisher, departure, found)
    return _check(publisher, departure) or _failed(publisher, departure, str(error))


def _arrived(publisher: Publisher, departure: Departure, reply: Reply) -> Step:
    now = publisher.clock()
    with publisher.store.writing() as connection:
        kept = KeptReply(
            draft_id=departure.draft_id,
            topic_id=departure.topic_id,
            marker=departure.marker,
            post_id=reply.post_id,
            queued=reply.queued,
            made_at=now,
            missed_at=None,
            look_at=now + (FIRST_LOOK_AT_THE_QUEUE if reply.queued else FIRST_LOOK),
        )
        replies.add(connection, kept)
        to = DraftState.QUEUED if reply.queued else DraftState.POSTED
        _finish(connection, departure, to=to, now=now, reply_post_id=reply.post_id)
    return Step.QUEUED if reply.queued else Step.POSTED


def _stale(publisher: Publisher, departure: Departure, topic: Topic | None, reason: str) -> Step:
    now = publisher.clock()
    settle_until = now + timedelta(seconds=publisher.settings.intake.settle_seconds)
    with publisher.store.writing() as connection:
        draft = drafts.get(connection, departure.draft_id)
        make_stale(connection, draft, reason=reason, topic=topic, settle_until=settle_until, now=now)
        outbox.close(connection, departure, now=now)
    log.info("stale", draft=draft.id, reason=reason)
    return Step.STALE


def _failed(publisher: Publisher, departure: Departure, reason: str) -> Step:
    with publisher.store.writing() as connection:
        _finish(connection, departure, to=DraftState.FAILED, now=publisher.clock(), note=reason)
    return Step.FAILED


def _finish(
    connection: Connection,
    departure: Departure,
    *,
    to: DraftState,
    now: datetime,
    note: str = "",
    reply_post_id: str | None = None,
) -> None:
    draft = drafts.get(connection, departure.draft_id)
    drafts.change(connection, draft, to=to, by=BOT, now=now, note=note, reply_post_id=reply_post_id)
    outbox.close(connection, departure, now=now)
    log.info("publishing", draft=draft.id, state=to.value, note=note, post=reply_post_id)
