"""What the program asks of a forum.

`discourse.py` asks a real one; `archive.py` reads stored topics from files, `memory.py` serves them as a forum.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from bot.domain.draft import Reply
from bot.domain.post import Attachment, Post, Topic


class Forum(Protocol):
    """Reading posts and making replies.

    Every method may raise `ForumUnavailable` (try later), `ForumRefused` (a person must mend
    something) and, where one thing is asked for, `ForumNotFound`.
    """

    @property
    def limited_for(self) -> float:
        """Seconds for which the forum wants to be left alone; 0 when it has not said so. Asks nothing of it."""

    def newest_posts(self, *, after: int, overlap: int, most: int) -> Iterator[Post]:
        """The posts with ids above `after - overlap`, newest first, at most `most`."""

    def topic(self, topic_id: str) -> Topic:
        """The topic with all its posts."""

    def post(self, post_id: str) -> Post:
        """One post, wherever it stands now: it may have been moved to another topic."""

    def attached(self, post: Post) -> tuple[Attachment, ...]:
        """The small Python files and notebooks that the post links on the forum itself.

        One that cannot be had is left out; raises `ForumUnavailable` only when the forum wants to be left alone.
        """

    def reply(self, *, topic_id: str, reply_to: int, raw: str) -> Reply:
        """Make one reply. Sent once: raises `OutcomeUnknown` when the forum did not answer."""

    def find_marker(self, marker: str, *, topic_id: str) -> Reply | None:
        """The reply of our own account that carries `marker`, or None.

        It is looked for in the topic, elsewhere (it may have been moved) and in the forum's own queue.
        """

    def message(self, *, group: str, title: str, raw: str) -> None:
        """Send a personal message to a group."""

    def withdraw(self, post_id: str) -> None:
        """Take back a reply that our own account made."""
