"""Tells the moderators' group on the forum that drafts wait: seldom, and not twice about the same."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog

from bot.domain.draft import DraftState
from bot.errors import ForumError
from bot.forum import Forum
from bot.settings import ReviewSettings
from bot.store import marks, queue
from bot.store.engine import Store

log = structlog.get_logger()

_LAST_MESSAGE = "last message to reviewers"


def notify(store: Store, forum: Forum, *, settings: ReviewSettings, now: datetime) -> bool:
    """Send a message when drafts wait, some of them newer than the last message; returns whether it did.

    At most one in `review.notify_minutes`. That one was sent is remembered before it is sent: a crash
    costs one message and never doubles it. Raises `ForumError` when it cannot be sent.
    """
    if not settings.reviewers_group or settings.notify_minutes == 0:
        return False
    with store.writing() as connection:
        last = marks.kept_at(connection, _LAST_MESSAGE)
        if last is not None and now < last + timedelta(minutes=settings.notify_minutes):
            return False
        if queue.arrived_since(connection, last) == 0:
            return False
        waiting = queue.counts(connection)[DraftState.PENDING]
        marks.keep(connection, _LAST_MESSAGE, str(waiting), now=now)
    try:
        forum.message(group=settings.reviewers_group, title=_title(waiting), raw=_text(waiting, settings))
    except ForumError:
        with store.writing() as connection:
            if last is None:
                marks.forget(connection, _LAST_MESSAGE)
            else:
                marks.keep(connection, _LAST_MESSAGE, str(waiting), now=last)
        raise
    log.info("reviewers_told", group=settings.reviewers_group, waiting=waiting)
    return True


def _title(waiting: int) -> str:
    return f"{waiting} {'draft waits' if waiting == 1 else 'drafts wait'} for a moderator"


def _text(waiting: int, settings: ReviewSettings) -> str:
    # Numbers only: titles and names are strangers' words, and would be live here.
    where = f"Open {settings.page_url} to see them." if settings.page_url else "See `autograd-bot drafts list`."
    return f"{_title(waiting)}: replies to autograd questions, with what their code did when it was run. {where}"
