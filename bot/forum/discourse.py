"""A Discourse forum, asked through pydiscourse. The traps of its transport are closed in `client.py`."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from urllib.parse import quote

import structlog
from pydantic import SecretStr

from bot.domain.draft import Reply
from bot.domain.post import Attachment, Post, Topic
from bot.errors import (
    BadSetting,
    ForumError,
    ForumNotFound,
    ForumRefused,
    ForumUnavailable,
    OutcomeUnknown,
    TopicTooLong,
)
from bot.forum import uploads, wire
from bot.forum.client import Client
from bot.forum.limits import Clock, Pause, TokenBucket
from bot.settings import ForumSettings

log = structlog.get_logger()

#: Posts on a page of /posts.json. Older forums: the width of the window of ids that a page looks at.
PAGE = 50
#: Posts that one request for named posts may name.
CHUNK = 20
#: Topics with more posts are not read: at ten requests a minute it would take a quarter of an hour.
LONGEST_TOPIC = 3000
#: How many of our account's latest replies, anywhere, are searched for a marker.
OWN_REPLIES = 30
_REPLIES = 5  # what /user_actions calls a reply by that user


class DiscourseForum:
    """The `Forum` protocol over a real Discourse.

    `clock` gives seconds that only go forward; `wait` pauses for some seconds (it may raise, to end a
    job early). Nothing is asked of the forum before a method is called.

    Raises `BadSetting` when the settings cannot name a forum and an account.
    """

    def __init__(
        self,
        settings: ForumSettings,
        *,
        clock: Clock = time.monotonic,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        if not settings.url:
            raise BadSetting("setting forum.url is empty: give the address of the forum.")
        if not settings.username.isascii():
            raise BadSetting("setting forum.username: only ASCII names can be sent to the forum's API.")
        self._username = settings.username
        self._clock = clock
        self._pause = pause = Pause(clock=clock)
        reads = TokenBucket(seconds=60 / settings.reads_per_minute, burst=settings.reads_per_minute, clock=clock)
        writes = TokenBucket(seconds=settings.seconds_between_posts, clock=clock)

        def client(key: str, bucket: TokenBucket) -> Client:
            return Client(
                settings.url,
                settings.username,
                key,
                timeout=settings.timeout_seconds,
                bucket=bucket,
                pause=pause,
                wait=wait,
                longest_wait=settings.longest_wait_seconds,
            )

        read_key = _checked(settings.read_key, setting="forum.read_key")
        write_key = _checked(settings.write_key, setting="forum.write_key")
        if not read_key:
            raise BadSetting("setting forum.read_key is empty: make a read-only API key for the bot's account.")
        self._reader = client(read_key, reads)
        self._writer = client(write_key, writes) if write_key else None

    @property
    def limited_for(self) -> float:
        """As `Forum.limited_for`."""
        return self._pause.left()

    def newest_posts(self, *, after: int, overlap: int, most: int) -> Iterator[Post]:
        """As `Forum.newest_posts`. A page is asked for when its first post is wanted.

        Three generations of servers answer differently: `before` is inclusive or exclusive, and a page
        of the older ones looks at fifty ids and may be empty although older posts exist.
        """
        floor = max(0, after - overlap)
        given: set[int] = set()
        before: int | None = None
        for _ in range(math.ceil(most / PAGE) + 1):
            page = wire.objects(self._reader.latest_posts(before=before).get("latest_posts"))
            numbered = {number: record for record in page if (number := wire.whole(record.get("id")))}
            for number in sorted(numbered, reverse=True):
                if number > floor and number not in given and len(given) < most:
                    given.add(number)
                    yield wire.post_from(numbered[number])
            before = _next_page(before, numbered)
            if before is None or before <= floor:
                return
            if len(given) >= most:
                break
        if after:  # not the first look at a forum, which never ends at its oldest post
            log.warning("catch_up_cut", read=len(given), lowest=before, wanted=floor)

    def topic(self, topic_id: str) -> Topic:
        """As `Forum.topic`, at one request for every twenty posts.

        Raises `TopicTooLong` for topics of more than `LONGEST_TOPIC` posts.
        """
        record = self._topic_record(topic_id)
        if _too_long(record):
            raise TopicTooLong(f"topic {topic_id} has more than {LONGEST_TOPIC} posts; the bot does not read it.")
        rest = [post for ids in _chunks(_not_sent(record)) for post in self._post_records(topic_id, ids)]
        posts = [*wire.post_records(record), *rest]
        return wire.topic_from({**record, "post_stream": {"posts": posts}})

    def post(self, post_id: str) -> Post:
        """As `Forum.post`. Needs a key that may read single posts: no scope but global:read covers them."""
        return wire.post_from(self._reader.post_by_id(_number(post_id, what="post")))

    def attached(self, post: Post) -> tuple[Attachment, ...]:
        """As `Forum.attached`, by the read key. Nothing is asked of any other host, whatever a post links."""
        found = []
        for link in uploads.links(post.raw, forum=self._reader.host):
            try:
                content, kind = self._reader.download(link.path, most=uploads.MOST_BYTES, clock=self._clock)
                found.append(Attachment(name=link.name, text=uploads.text_of(content, kind=kind)))
            except ForumError as error:
                if isinstance(error, ForumUnavailable) and error.retry_after is not None:
                    raise
                log.warning("attachment_left_out", post=post.id, file=link.name, why=str(error))
        return tuple(found)

    def reply(self, *, topic_id: str, reply_to: int, raw: str) -> Reply:
        """As `Forum.reply`. The same arguments make the same bytes, which Discourse remembers for 120 s."""
        answer = self._create(raw, topic_id=_number(topic_id, what="topic"), reply_to_post_number=reply_to)
        if answer.get("action") == "enqueued":
            return Reply(post_id=None, queued=True)
        post = answer.get("post", answer)
        number = wire.whole(post.get("id")) if isinstance(post, Mapping) else None
        if number is None:
            raise OutcomeUnknown("the forum took the reply and did not name the post it made.")
        return Reply(post_id=str(number))

    def find_marker(self, marker: str, *, topic_id: str) -> Reply | None:
        """As `Forum.find_marker`.

        Raises `ForumRefused` when the key may not look in one of the places: a reply that was not
        looked for everywhere does not count as missing.
        """
        return (
            self._in_topic(marker, topic_id=topic_id)
            or self._in_queue(marker)
            or self._elsewhere(marker, topic_id=topic_id)
        )

    def message(self, *, group: str, title: str, raw: str) -> None:
        """As `Forum.message`."""
        self._create(raw, title=title, target_recipients=group, archetype="private_message")

    def withdraw(self, post_id: str) -> None:
        """As `Forum.withdraw`."""
        self._writing()._delete(f"/posts/{_number(post_id, what='post')}.json")

    def _writing(self) -> Client:
        if self._writer is None:
            raise ForumRefused("setting forum.write_key is empty: nothing can be posted.")
        return self._writer

    def _create(self, raw: str, **what: str | int) -> wire.Json:
        # Discourse compares these with words: a Python False would arrive as "False" and count as true.
        # nested_post: one shape of answer for posts, messages and what is queued for approval.
        answer: wire.Json = self._writing().create_post(raw, nested_post="true", auto_track="false", **what)
        return answer

    def _topic_record(self, topic_id: str) -> wire.Json:
        # Not /t/slug/id.json: a slug that has changed is answered with a redirect.
        record: wire.Json = self._reader._get(f"/t/{_number(topic_id, what='topic')}.json", include_raw="true")
        return record

    def _post_records(self, topic_id: str, ids: Sequence[int]) -> tuple[wire.Json, ...]:
        answer = self._reader.posts(_number(topic_id, what="topic"), post_ids=list(ids), include_raw="true")
        return wire.post_records(answer)

    def _in_topic(self, marker: str, *, topic_id: str) -> Reply | None:
        """Newest posts first; a topic that is gone or too long holds nothing that is found here."""
        try:
            record = self._topic_record(topic_id)
        except ForumNotFound:
            return None
        if found := self._marked(wire.post_records(record), marker):
            return found
        if _too_long(record):
            return None
        for ids in _chunks(_not_sent(record)[::-1]):
            if found := self._marked(self._post_records(topic_id, ids), marker):
                return found
        return None

    def _in_queue(self, marker: str) -> Reply | None:
        answer = self._reader._get(f"/posts/{quote(self._username)}/pending.json")
        texts = (wire.text(post.get("raw_text")) for post in wire.objects(answer.get("pending_posts")))
        return Reply(post_id=None, queued=True) if any(marker in text for text in texts) else None

    def _elsewhere(self, marker: str, *, topic_id: str) -> Reply | None:
        """Among our account's latest replies: the reply may have been moved to another topic."""
        asked = {"username": self._username, "filter": _REPLIES, "limit": OWN_REPLIES}
        actions = wire.objects(self._reader._get("/user_actions.json", **asked).get("user_actions"))
        by_topic: dict[str, list[int]] = {}
        for action in actions[:OWN_REPLIES]:
            topic, post = wire.name(action.get("topic_id")), wire.whole(action.get("post_id"))
            if topic and post and topic != topic_id:
                by_topic.setdefault(topic, []).append(post)
        found = (
            self._marked(self._readable(topic, ids), marker)
            for topic, posts in by_topic.items()
            for ids in _chunks(posts)
        )
        return next(filter(None, found), None)

    def _readable(self, topic_id: str, ids: Sequence[int]) -> tuple[wire.Json, ...]:
        try:
            return self._post_records(topic_id, ids)
        except ForumNotFound:  # moved to where our account may not look
            return ()

    def _marked(self, records: Sequence[wire.Json], marker: str) -> Reply | None:
        """Only our own account's posts count: anybody can copy a marker."""
        for record in records:
            post = wire.post_from(record)
            if post.author.casefold() == self._username.casefold() and marker in post.raw:
                return Reply(post_id=post.id)
        return None


def _checked(key: SecretStr, *, setting: str) -> str:
    """The key, when it can stand in a header: what cannot would be quoted in errors of the libraries below."""
    text = key.get_secret_value().strip()
    if not text.isascii() or not text.isprintable() or " " in text:
        raise BadSetting(f"setting {setting} holds characters that no API key has.")
    return text


def _number(name: str, *, what: str) -> int:
    """An id as Discourse has them. Anything else cannot be there, and must not become part of a path."""
    number = wire.whole(name)
    if number is None:
        raise ForumNotFound(f"{what} {name!r}: Discourse knows its {what}s by numbers.")
    return number


def _next_page(before: int | None, numbered: Mapping[int, object]) -> int | None:
    """What to ask for next; None when an empty forum gives nothing to go by."""
    lowest = min(numbered, default=None)
    if before is None or (lowest is not None and lowest < before):
        return lowest
    return before - PAGE


def _too_long(topic: wire.Json) -> bool:
    """Discourse itself lists the posts of a topic only below ten thousand."""
    listed = wire.stream(topic)
    return len(listed) > LONGEST_TOPIC if listed is not None else (wire.whole(topic.get("posts_count")) or 0) > CHUNK


def _not_sent(topic: wire.Json) -> list[int]:
    """Ids of the posts that a topic lists and did not bring along, in their order."""
    sent = {wire.whole(post.get("id")) for post in wire.post_records(topic)}
    return [number for number in wire.stream(topic) or () if number not in sent]


def _chunks(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    return (ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK))
