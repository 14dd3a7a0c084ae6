"""Posts, their topics, and the questions among them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class PostKind(Enum):
    """What Discourse's `post_type` numbers mean."""

    REGULAR = 1
    MODERATOR_ACTION = 2
    SMALL_ACTION = 3
    WHISPER = 4


class PostState(Enum):
    """What was made of a post so far."""

    WAITING = "waiting"  #: a question that may still be edited; answered when it is old enough
    ANSWERED = "answered"  #: the pipeline has looked at this text
    SKIPPED = "skipped"  #: not looked into, for a reason that is kept
    SET_ASIDE = "set_aside"  #: it made the program fail twice; a person decides


class Language(Enum):
    """The languages a reply can be written in."""

    ENGLISH = "en"
    CHINESE = "zh"


@dataclass(frozen=True, kw_only=True, slots=True)
class Attachment:
    """A text file that a post links or brings."""

    name: str  #: as the post calls it
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Post:
    """One forum post as fetched."""

    id: str  #: as the forum or the archive names it
    raw: str  #: the Markdown that the author typed
    topic_id: str | None = None
    number: int = 1  #: its place in the topic, from 1
    author: str = ""
    by_staff: bool = False  #: the author is an admin or a moderator
    trust_level: int | None = None
    reply_to: int | None = None  #: number of the post it answers
    kind: PostKind = PostKind.REGULAR
    hidden: bool = False
    deleted: bool = False
    category_id: int | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    version: int = 1
    likes: int = 0
    accepted: bool = False  #: it is marked as the topic's solution
    attachments: tuple[Attachment, ...] = ()  #: what an archive brings, or was fetched for a question

    @property
    def sha256(self) -> str:
        """The fingerprint of the text: edits within Discourse's grace period do not raise `version`."""
        return hashlib.sha256(self.raw.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, kw_only=True, slots=True)
class Topic:
    """A thread, with the posts that were fetched, in the order of their numbers."""

    id: str
    title: str
    posts: tuple[Post, ...] = ()
    slug: str = ""
    category_id: int | None = None
    tags: tuple[str, ...] = ()
    closed: bool = False
    archived: bool = False
    visible: bool = True
    deleted: bool = False
    solved: bool = False  #: it has an accepted answer
    private: bool = False  #: a personal message

    def post(self, number: int) -> Post | None:
        """The post with this number, or None when it was not fetched or does not exist."""
        return next((post for post in self.posts if post.number == number), None)

    @property
    def open(self) -> bool:
        """Whether a reply may be made."""
        return self.visible and not (self.closed or self.archived or self.deleted)


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """A post that may want an answer, with what it leans on."""

    post: Post
    title: str = ""
    earlier: tuple[Post, ...] = ()  #: the topic's posts with lower numbers, in order
    chapter: str | None = None  #: the course chapter of its topic: a name in knowledge/contexts/
    language: Language | None = None  #: when the caller knows it; otherwise it is read from the text

    @property
    def opens_its_topic(self) -> bool:
        """Whether the topic's title is the post's own."""
        return self.post.number == 1 and not self.earlier

    @property
    def replied_to(self) -> Post | None:
        """The earlier post that this one answers."""
        return next((post for post in self.earlier if post.number == self.post.reply_to), None)
