"""A forum in memory, over stored topics: for the demo, for evaluation and for tests."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from threading import RLock

from bot.domain.draft import Reply
from bot.domain.post import Attachment, Post, Topic
from bot.errors import ForumNotFound, ForumRefused
from bot.forum import wire
from bot.forum.archive import read_topic


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """A personal message that was sent to a group."""

    group: str
    title: str
    raw: str


def _now() -> datetime:
    return datetime.now(UTC)


class ArchiveForum:
    """The `Forum` protocol over topics that were read from files. Replies stand after the stored posts.

    With a folder given in `replies`, what was posted is kept there (a topic file each, in Discourse's
    shape), and every process that opens the same folder sees it. The topics' own files are never written.
    """

    def __init__(
        self,
        topics: Iterable[Topic],
        *,
        username: str = "autograd-bot",
        replies: Path | None = None,
        now: Callable[[], datetime] = _now,
    ) -> None:
        self.username = username
        self.messages: tuple[Message, ...] = ()
        self._stored = {topic.id: topic for topic in topics}
        self._replies: dict[str, tuple[Post, ...]] = {}
        self._folder = replies
        self._now = now
        self._lock = RLock()  # the moderators' page and the publisher may ask at once

    @property
    def limited_for(self) -> float:
        """Never: a forum in memory has no limits."""
        return 0.0

    def newest_posts(self, *, after: int, overlap: int, most: int) -> Iterator[Post]:
        """As `Forum.newest_posts`. Posts whose ids are no numbers are not among them."""
        numbered = ((wire.whole(post.id), post) for topic in self._topics() for post in topic.posts)
        wanted = {number: post for number, post in numbered if number is not None and number > after - overlap}
        yield from (wanted[number] for number in sorted(wanted, reverse=True)[:most])

    def topic(self, topic_id: str) -> Topic:
        """As `Forum.topic`."""
        if topic_id not in self._stored:
            raise ForumNotFound(f"topic {topic_id} is not in this archive.")
        topic = self._stored[topic_id]
        return replace(topic, posts=(*topic.posts, *self._made(topic_id)))

    def attached(self, post: Post) -> tuple[Attachment, ...]:
        """As `Forum.attached`: what the archive brings with the post; nothing is fetched."""
        return post.attachments

    def post(self, post_id: str) -> Post:
        """As `Forum.post`."""
        for topic in self._topics():
            for post in topic.posts:
                if post.id == post_id:
                    return post
        raise ForumNotFound(f"post {post_id} is not in this archive.")

    def reply(self, *, topic_id: str, reply_to: int, raw: str) -> Reply:
        """As `Forum.reply`. Refused, as Discourse does, where the topic is not open."""
        with self._lock:
            topic = self.topic(topic_id)
            if not topic.open:
                raise ForumRefused(f"topic {topic_id} is closed, archived, deleted or not listed.")
            made = Post(
                id=str(self._highest_id() + 1),
                raw=raw,
                topic_id=topic_id,
                number=max((post.number for post in topic.posts), default=0) + 1,
                author=self.username,
                reply_to=reply_to,
                category_id=topic.category_id,
                created_at=self._now(),
            )
            self._keep(topic_id, (*self._made(topic_id), made))
            return Reply(post_id=made.id)

    def find_marker(self, marker: str, *, topic_id: str) -> Reply | None:  # noqa: ARG002 - every topic is at hand
        """As `Forum.find_marker`."""
        found = (post.id for post in self._own_posts() if marker in post.raw)
        return next((Reply(post_id=post_id) for post_id in found), None)

    def message(self, *, group: str, title: str, raw: str) -> None:
        """As `Forum.message`: it is kept in `messages`."""
        self.messages = (*self.messages, Message(group=group, title=title, raw=raw))

    def withdraw(self, post_id: str) -> None:
        """As `Forum.withdraw`. Only what was posted through this forum can be taken back."""
        with self._lock:
            topic_id = self.post(post_id).topic_id or ""
            made = self._made(topic_id)
            left = tuple(post for post in made if post.id != post_id)
            if left == made:
                raise ForumRefused(f"post {post_id} was not made by this program.")
            self._keep(topic_id, left)

    def _topics(self) -> Iterator[Topic]:
        return map(self.topic, self._stored)

    def _own_posts(self) -> Iterator[Post]:
        for topic in self._topics():
            yield from (post for post in topic.posts if post.author == self.username)

    def _highest_id(self) -> int:
        ids = (wire.whole(post.id) for topic in self._topics() for post in topic.posts)
        return max((number for number in ids if number is not None), default=0)

    def _file(self, topic_id: str) -> Path | None:
        """Where a topic's replies are kept. An id that is no plain word becomes its hash: ids come from files."""
        if self._folder is None:
            return None
        plain = re.fullmatch(r"[A-Za-z0-9_-]{1,64}", topic_id)
        name = topic_id if plain else hashlib.sha256(topic_id.encode()).hexdigest()
        return self._folder / f"{name}.json"

    def _made(self, topic_id: str) -> tuple[Post, ...]:
        """The replies of a topic, in order."""
        file = self._file(topic_id)
        if file is None:
            return self._replies.get(topic_id, ())
        return read_topic(file).posts if file.exists() else ()

    def _keep(self, topic_id: str, made: tuple[Post, ...]) -> None:
        file = self._file(topic_id)
        if file is None:
            self._replies[topic_id] = made
        elif not made:
            file.unlink(missing_ok=True)
        else:
            file.parent.mkdir(parents=True, exist_ok=True)
            record = wire.topic_record(replace(self._stored[topic_id], posts=made))
            # Written aside and renamed: a crash leaves the old file or the new one, never half of one.
            aside = file.with_suffix(".new")
            aside.write_text(json.dumps(record, ensure_ascii=False, indent=1), encoding="utf-8")
            aside.replace(file)
