"""A forum and a store that fail where a test says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bot.domain.draft import Reply
from bot.domain.post import Attachment, Post, Topic
from bot.errors import OutcomeUnknown
from bot.forum import Forum
from bot.store.engine import Connection, Store


class Killed(BaseException):
    """The process ends here; nothing may catch it."""


@dataclass
class HandClock:
    """A clock that stands until a test moves it."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass
class Boundaries:
    """Counts the calls that leave the program, and ends it at the chosen one.

    Every call has two boundaries: before it is made, and after it was made but before its answer is seen.
    """

    kill_at: int | None = None
    passed: list[str] = field(default_factory=list)

    def cross(self, name: str) -> None:
        self.passed.append(name)
        if len(self.passed) - 1 == self.kill_at:
            raise Killed(name)

    def around(self, name: str, call: Callable[[], Any]) -> Any:
        self.cross(f"before {name}")
        result = call()
        self.cross(f"after {name}")
        return result


@dataclass
class WatchedForum:
    """A forum behind boundaries. `reply_first` may act in place of each reply in turn."""

    forum: Forum
    boundaries: Boundaries = field(default_factory=Boundaries)
    faults: list[Callable[[Callable[[], Reply]], Reply]] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)

    @property
    def limited_for(self) -> float:
        return self.forum.limited_for

    def newest_posts(self, *, after: int, overlap: int, most: int) -> Iterator[Post]:
        found = list(self.forum.newest_posts(after=after, overlap=overlap, most=most))
        return iter(self.boundaries.around("newest_posts", lambda: found))

    def topic(self, topic_id: str) -> Topic:
        return self.boundaries.around("topic", lambda: self.forum.topic(topic_id))

    def attached(self, post: Post) -> tuple[Attachment, ...]:
        return self.boundaries.around("attached", lambda: self.forum.attached(post))

    def post(self, post_id: str) -> Post:
        return self.boundaries.around("post", lambda: self.forum.post(post_id))

    def reply(self, *, topic_id: str, reply_to: int, raw: str) -> Reply:
        def make() -> Reply:
            self.sent.append(raw)
            return self.forum.reply(topic_id=topic_id, reply_to=reply_to, raw=raw)

        fault = self.faults.pop(0) if self.faults else None
        return self.boundaries.around("reply", (lambda: fault(make)) if fault else make)

    def find_marker(self, marker: str, *, topic_id: str) -> Reply | None:
        return self.boundaries.around("find_marker", lambda: self.forum.find_marker(marker, topic_id=topic_id))

    def message(self, *, group: str, title: str, raw: str) -> None:
        self.boundaries.around("message", lambda: self.forum.message(group=group, title=title, raw=raw))

    def withdraw(self, post_id: str) -> None:
        self.boundaries.around("withdraw", lambda: self.forum.withdraw(post_id))


class WatchedStore(Store):
    """A store whose transactions are boundaries: before each, and after each was committed."""

    __slots__ = ("boundaries",)

    def __init__(self, store: Store, boundaries: Boundaries) -> None:
        super().__init__(store.engine)
        object.__setattr__(self, "boundaries", boundaries)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        self.boundaries.cross("before commit")
        with super().writing() as connection:
            yield connection
        self.boundaries.cross("after commit")


def made_but_no_answer(make: Callable[[], Reply]) -> Reply:
    """The forum makes the reply, and its answer is lost."""
    make()
    raise OutcomeUnknown


def lost_on_the_way(make: Callable[[], Reply]) -> Reply:
    """The request never arrives, and nobody can tell."""
    raise OutcomeUnknown


def fails_with(error: Exception) -> Callable[[Callable[[], Reply]], Reply]:
    """The forum answers with this error and makes nothing."""

    def fail(make: Callable[[], Reply]) -> Reply:
        raise error

    return fail


def queues(make: Callable[[], Reply]) -> Reply:
    """The forum puts the reply into its own queue."""
    return Reply(post_id=None, queued=True)
