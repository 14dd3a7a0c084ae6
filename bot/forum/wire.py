"""Discourse's JSON, read into posts and topics, and written again.

Reading is tolerant: plugins add keys, versions drop some, archives are edited by hand. What is missing
gets the value that a plain public post would have; what has the wrong type counts as missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from bot.domain.post import Attachment, Post, PostKind, Topic

Json = Mapping[str, Any]

_LIKE = 2  # what Discourse calls a like among the actions on a post
_LONGEST_NUMBER = 18  # digits: what a database column holds; Python itself refuses to read 4300


def post_from(record: Json, *, topic_id: str | None = None, number: int = 1) -> Post:
    """The post that Discourse calls `record`.

    `topic_id` and `number` stand in when the record does not say. A post of an unknown type counts as
    a small action: whatever it is, no person asked something in it.
    """
    topic_id = name(record.get("topic_id")) or topic_id
    number = whole(record.get("post_number")) or number
    kind = whole(record.get("post_type"))
    kinds = {known.value: known for known in PostKind}
    return Post(
        id=name(record.get("id")) or f"{topic_id or ''}/{number}",
        raw=text(record.get("raw")),
        topic_id=topic_id,
        number=number,
        author=text(record.get("username")),
        by_staff=_by_staff(record),
        trust_level=whole(record.get("trust_level")),
        reply_to=whole(record.get("reply_to_post_number")),
        kind=PostKind.REGULAR if kind is None else kinds.get(kind, PostKind.SMALL_ACTION),
        hidden=record.get("hidden") is True,
        deleted=bool(record.get("deleted_at")) or record.get("user_deleted") is True,
        category_id=whole(record.get("category_id")),
        created_at=moment(record.get("created_at")),
        updated_at=moment(record.get("updated_at")),
        version=whole(record.get("version")) or 1,
        likes=_likes(record),
        accepted=record.get("accepted_answer") is True,
        attachments=attachments(record.get("attachments")),
    )


def topic_from(record: Json) -> Topic:
    """The topic that Discourse calls `record`, with those of its posts that the record holds."""
    topic_id = name(record.get("id")) or ""
    category_id = whole(record.get("category_id"))
    accepted = _accepted_number(record)
    posts = (
        # Within a topic Discourse does not repeat with each post what the topic says.
        replace(post, category_id=post.category_id or category_id, accepted=post.accepted or post.number == accepted)
        for post in posts_from(post_records(record), topic_id=topic_id)
    )
    return Topic(
        id=topic_id,
        title=text(record.get("title")) or text(record.get("fancy_title")),
        posts=tuple(posts),
        slug=text(record.get("slug")),
        category_id=category_id,
        tags=_tags(record.get("tags")),
        closed=record.get("closed") is True,
        archived=record.get("archived") is True,
        visible=record.get("visible") is not False,
        deleted=bool(record.get("deleted_at")),
        solved=_solved(record),
        private=record.get("archetype") == "private_message",
    )


def posts_from(records: Sequence[Json], *, topic_id: str) -> tuple[Post, ...]:
    """The posts of one topic, in the order of their numbers, each number once (the first wins)."""
    found: dict[int, Post] = {}
    number = 0
    for record in records:
        post = post_from(record, topic_id=topic_id, number=number + 1)
        number = post.number
        found.setdefault(number, post)
    return tuple(found[number] for number in sorted(found))


def post_records(record: Json) -> tuple[Json, ...]:
    """The records of the posts that a topic's record holds."""
    stream = record.get("post_stream")
    posts = stream.get("posts") if isinstance(stream, Mapping) else None
    return tuple(post for post in objects(posts))


def stream(record: Json) -> tuple[int, ...] | None:
    """The ids of all the topic's posts, or None when the topic is too long for the forum to list them."""
    listed = record.get("post_stream")
    ids = listed.get("stream") if isinstance(listed, Mapping) else None
    if not isinstance(ids, list):
        return None
    return tuple(number for number in map(whole, ids) if number is not None)


def post_record(post: Post) -> dict[str, Any]:
    """The post as Discourse would serve it: `post_from` reads it back."""
    return {
        "id": whole(post.id) or post.id,
        "topic_id": whole(post.topic_id) or post.topic_id,
        "post_number": post.number,
        "username": post.author,
        "staff": post.by_staff,
        "trust_level": post.trust_level,
        "reply_to_post_number": post.reply_to,
        "post_type": post.kind.value,
        "hidden": post.hidden,
        "user_deleted": post.deleted,
        "category_id": post.category_id,
        "created_at": post.created_at and post.created_at.isoformat(),
        "updated_at": post.updated_at and post.updated_at.isoformat(),
        "version": post.version,
        "actions_summary": [{"id": _LIKE, "count": post.likes}] if post.likes else [],
        "accepted_answer": post.accepted,
        "raw": post.raw,
    } | ({"attachments": {file.name: file.text for file in post.attachments}} if post.attachments else {})


def topic_record(topic: Topic) -> dict[str, Any]:
    """The topic as Discourse would serve it with `include_raw=1`: `topic_from` reads it back."""
    return {
        "id": whole(topic.id) or topic.id,
        "title": topic.title,
        "slug": topic.slug,
        "category_id": topic.category_id,
        "tags": list(topic.tags),
        "closed": topic.closed,
        "archived": topic.archived,
        "visible": topic.visible,
        "deleted_at": "1970-01-01T00:00:00Z" if topic.deleted else None,
        "has_accepted_answer": topic.solved,
        "archetype": "private_message" if topic.private else "regular",
        "post_stream": {
            "posts": [post_record(post) for post in topic.posts],
            "stream": [whole(post.id) or post.id for post in topic.posts],
        },
    }


def attachments(value: object) -> tuple[Attachment, ...]:
    """The files that an archive brings with a post: their texts by their names. Discourse itself sends none."""
    files = value.items() if isinstance(value, Mapping) else ()
    read = ((text(name), text(content)) for name, content in files)
    return tuple(Attachment(name=name, text=content) for name, content in read if name and content)


def objects(value: object) -> tuple[Json, ...]:
    """The JSON objects of a list; anything else that is in it is passed over."""
    return tuple(item for item in value if isinstance(item, Mapping)) if isinstance(value, list) else ()


def text(value: object) -> str:
    """A string that every later stage can encode: half a surrogate pair becomes U+FFFD."""
    if not isinstance(value, str):
        return ""
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return value


def whole(value: object) -> int | None:
    """A whole number, also when it arrives as digits in a string."""
    match value:
        case bool():
            return None
        case int() if abs(value) < 10**_LONGEST_NUMBER:
            return value
        case str() if value.isascii() and value.isdigit() and len(value) <= _LONGEST_NUMBER:
            return int(value)
        case _:
            return None


def name(value: object) -> str | None:
    """An id as text: Discourse's are numbers, an archive's may be words."""
    number = whole(value)
    return str(number) if number is not None else text(value) or None


def moment(value: object) -> datetime | None:
    """A time with its zone (UTC when it names none)."""
    if not isinstance(value, str):
        return None
    try:
        read = datetime.fromisoformat(value)
    except ValueError:
        return None
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def _by_staff(record: Json) -> bool:
    """Also true for moderators of one category and for the forum's own accounts, whose ids are negative."""
    user_id = whole(record.get("user_id"))
    flags = ("staff", "admin", "moderator", "group_moderator")
    return any(record.get(flag) is True for flag in flags) or (user_id is not None and user_id < 0)


def _likes(record: Json) -> int:
    counts = (
        whole(action.get("count")) for action in objects(record.get("actions_summary")) if action.get("id") == _LIKE
    )
    return next((count for count in counts if count is not None), 0)


def _tags(value: object) -> tuple[str, ...]:
    """Names of tags: strings on older forums, objects with a name on newer ones."""
    if not isinstance(value, list):
        return ()
    names = (text(tag.get("name")) if isinstance(tag, Mapping) else text(tag) for tag in value)
    return tuple(name for name in names if name)


def _accepted_number(record: Json) -> int | None:
    answer = record.get("accepted_answer")
    return whole(answer.get("post_number")) if isinstance(answer, Mapping) else None


def _solved(record: Json) -> bool:
    """Whether an answer is accepted; the plugin's versions say it in four ways."""
    keys = ("accepted_answer", "accepted_answers", "has_accepted_answer")
    return any(record.get(key) for key in keys) or any(
        post.get("accepted_answer") is True for post in post_records(record)
    )
