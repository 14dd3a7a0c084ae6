"""What the fake forum holds, and what its people do: post, edit, hide, delete, move, close, solve."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from threading import RLock

from tests.fake_discourse.clock import FakeClock

REGULAR, MODERATOR_ACTION, SMALL_ACTION, WHISPER = 1, 2, 3, 4
BOT = "autograd-bot"
GRACE_SECONDS = 300  # an edit so soon after the last one does not raise the version


class Generation(Enum):
    """How the server pages /posts.json."""

    WINDOW = "2015"  #: fifty ids up to and including `before`, in the order of their times; pages may be empty
    INCLUSIVE = "2024"  #: fifty posts up to and including `before`
    EXCLUSIVE = "2026"  #: fifty posts below `before`


@dataclass
class User:
    username: str
    id: int
    staff: bool = False
    trust_level: int = 2
    groups: tuple[str, ...] = ()


@dataclass
class StoredPost:
    id: int
    topic_id: int
    number: int
    raw: str
    user: User
    created_at: datetime
    updated_at: datetime
    reply_to: int | None = None
    post_type: int = REGULAR
    hidden: bool = False
    deleted_at: datetime | None = None
    user_deleted: bool = False
    version: int = 1
    likes: int = 0


@dataclass
class StoredTopic:
    id: int
    title: str
    category_id: int | None
    created_at: datetime
    tags: tuple[str, ...] = ()
    closed: bool = False
    archived: bool = False
    visible: bool = True
    deleted_at: datetime | None = None
    recipients: tuple[str, ...] = ()  #: of a personal message
    accepted: int | None = None  #: number of the accepted answer
    mega: bool = False  #: so long that its posts are not listed

    @property
    def private(self) -> bool:
        return bool(self.recipients)

    @property
    def slug(self) -> str:
        return "-".join(word for word in self.title.lower().split() if word.isascii()) or "topic"


@dataclass
class PendingPost:
    """A post that waits for the forum's moderators."""

    id: int
    raw: str
    user: User
    topic_id: int
    reply_to: int | None
    created_at: datetime


@dataclass
class StoredFile:
    """What somebody attached to a post."""

    content: bytes
    kind: str  #: the content type under which it is served
    path: str  #: where it lies


@dataclass
class State:
    """Everything in the forum. Each public method may be called from any thread."""

    clock: FakeClock = field(default_factory=FakeClock)
    generation: Generation = Generation.EXCLUSIVE
    connect_secrets: dict[str, str] = field(default_factory=dict)  #: of DiscourseConnect, by the page's host
    groups: set[str] = field(default_factory=lambda: {"reviewers"})
    users: dict[str, User] = field(default_factory=dict)
    topics: dict[int, StoredTopic] = field(default_factory=dict)
    posts: dict[int, StoredPost] = field(default_factory=dict)
    pending: dict[int, PendingPost] = field(default_factory=dict)
    files: dict[str, StoredFile] = field(default_factory=dict)  #: by their short names
    lock: RLock = field(default_factory=RLock)
    _next_id: int = 1001

    def add_user(self, username: str, *, staff: bool = False, trust_level: int = 2, groups: Iterable[str] = ()) -> User:
        with self.lock:
            known = len(self.users) + 1
            user = User(username, id=known, staff=staff, trust_level=trust_level, groups=tuple(groups))
            return self.users.setdefault(username, user)

    def add_topic(
        self,
        title: str,
        raw: str = "The first post of this topic.",
        *,
        by: str = "teacher",
        category: int | None = 5,
        tags: Iterable[str] = (),
        recipients: Iterable[str] = (),
    ) -> StoredTopic:
        """A topic with its first post. One with recipients is a personal message."""
        with self.lock:
            topic = StoredTopic(
                id=len(self.topics) + 10,
                title=title,
                category_id=None if recipients else category,
                created_at=self.clock.now(),
                tags=tuple(tags),
                recipients=tuple(recipients),
            )
            self.topics[topic.id] = topic
            self.add_post(topic.id, raw, by=by)
            return topic

    def add_post(
        self, topic_id: int, raw: str, *, by: str = "student", reply_to: int | None = None, post_type: int = REGULAR
    ) -> StoredPost:
        with self.lock:
            now = self.clock.now()
            post = StoredPost(
                id=self._take_id(),
                topic_id=topic_id,
                number=self.highest_number(topic_id) + 1,
                raw=raw,
                user=self.add_user(by, staff=by == "teacher"),
                created_at=now,
                updated_at=now,
                reply_to=reply_to,
                post_type=post_type,
            )
            self.posts[post.id] = post
            return post

    def upload(self, name: str, content: bytes, *, kind: str = "text/x-python") -> str:
        """Attach a file; what a post's text calls it: "upload://1f.py"."""
        with self.lock:
            ending = name.rsplit(".", 1)[-1]
            short = f"f{len(self.files)}.{ending}"
            path = f"/uploads/default/original/1X/{hashlib.sha1(content).hexdigest()}.{ending}"
            self.files[short] = StoredFile(content, kind, path)
            return f"upload://{short}"

    def skip_ids(self, count: int) -> None:
        """As if `count` posts had been made where our account may not look."""
        with self.lock:
            self._next_id += count

    def edit(self, post_id: int, raw: str) -> None:
        with self.lock:
            post, now = self.posts[post_id], self.clock.now()
            if (now - post.updated_at).total_seconds() > GRACE_SECONDS:
                post.version += 1
            post.raw, post.updated_at = raw, now

    def hide(self, post_id: int, *, hidden: bool = True) -> None:
        self.posts[post_id].hidden = hidden

    def delete(self, post_id: int) -> None:
        """A moderator deletes the post."""
        self.posts[post_id].deleted_at = self.clock.now()

    def delete_by_author(self, post_id: int) -> None:
        """Its text is replaced, and it stays until a cleanup."""
        post = self.posts[post_id]
        post.user_deleted, post.raw = True, "(post deleted by author)"

    def delete_topic(self, topic_id: int) -> None:
        self.topics[topic_id].deleted_at = self.clock.now()

    def move(self, post_id: int, *, to: int) -> None:
        with self.lock:
            post = self.posts[post_id]
            post.number, post.topic_id = self.highest_number(to) + 1, to

    def close(self, topic_id: int) -> None:
        self.topics[topic_id].closed = True

    def archive(self, topic_id: int) -> None:
        self.topics[topic_id].archived = True

    def unlist(self, topic_id: int) -> None:
        self.topics[topic_id].visible = False

    def accept(self, post_id: int) -> None:
        """The post becomes its topic's accepted answer."""
        post = self.posts[post_id]
        self.topics[post.topic_id].accepted = post.number

    def like(self, post_id: int) -> None:
        """Somebody likes the post."""
        self.posts[post_id].likes += 1

    def add_pending(self, raw: str, *, by: User, topic_id: int, reply_to: int | None) -> PendingPost:
        with self.lock:
            waiting = PendingPost(self._take_id(), raw, by, topic_id, reply_to, self.clock.now())
            self.pending[waiting.id] = waiting
            return waiting

    def approve_pending(self, pending_id: int) -> StoredPost:
        """The forum's moderators let the post through."""
        with self.lock:
            waiting = self.pending.pop(pending_id)
            return self.add_post(waiting.topic_id, waiting.raw, by=waiting.user.username, reply_to=waiting.reply_to)

    def reject_pending(self, pending_id: int) -> None:
        with self.lock:
            del self.pending[pending_id]

    @property
    def posted(self) -> list[StoredPost]:
        """What our account has posted in topics and has not taken back, in order."""
        with self.lock:
            return [post for post in self.of_user(BOT) if not self.topics[post.topic_id].private]

    @property
    def messages(self) -> list[tuple[StoredTopic, StoredPost]]:
        """The personal messages that our account has sent."""
        with self.lock:
            return [(topic, post) for post in self.of_user(BOT) if (topic := self.topics[post.topic_id]).private]

    def of_user(self, username: str) -> Iterator[StoredPost]:
        return (
            post
            for post in self.posts.values()
            if post.user.username == username and not post.deleted_at and not post.user_deleted
        )

    def in_topic(self, topic_id: int) -> list[StoredPost]:
        """Those that an account like ours may see, in order: no deleted ones and no whispers."""
        with self.lock:
            seen = (
                post
                for post in self.posts.values()
                if post.topic_id == topic_id and not post.deleted_at and post.post_type != WHISPER
            )
            return sorted(seen, key=lambda post: post.number)

    def highest_number(self, topic_id: int) -> int:
        return max((post.number for post in self.posts.values() if post.topic_id == topic_id), default=0)

    def _take_id(self) -> int:
        self._next_id += 1
        return self._next_id - 1
