"""The JSON that Discourse serves: every key it always sends for an account that is not staff."""

import re
from typing import Any

from tests.fake_discourse.state import BOT, PendingPost, State, StoredPost, StoredTopic

CHUNK = 20

#: What every post and topic also carries, and no bot reads: reading must not stumble over it.
_POST_DECORATION = (
    "display_username flair_name flair_url flair_bg_color flair_color flair_group_id primary_group_name user_title"
    " edit_reason reviewable_id"
).split()
_TOPIC_DECORATION = (
    "featured_link pinned_at pinned_until image_url draft unpinned deleted_by topic_timer slow_mode_enabled_until"
    " show_read_indicator thumbnails"
).split()
_TOPIC_COUNTS = "views reply_count like_count word_count draft_sequence message_bus_last_id participant_count".split()
_TOPIC_SWITCHES = "has_summary pinned pinned_globally bookmarked has_deleted".split()
_TOPIC_LISTS = "timeline_lookup suggested_topics actions_summary bookmarks".split()


def post_shape(state: State, post: StoredPost, *, raw: bool) -> dict[str, Any]:
    """One post. A hidden one comes without what its author typed."""
    topic = state.topics[post.topic_id]
    shape = dict.fromkeys(_POST_DECORATION) | _author(post) | _rights(post) | _counts(state, post) | {
        "id": post.id,
        "created_at": _time(post.created_at),
        "updated_at": _time(post.updated_at),
        "cooked": _cooked(post),
        "post_number": post.number,
        "post_type": post.post_type,
        "reply_to_post_number": post.reply_to,
        "topic_id": post.topic_id,
        "topic_slug": topic.slug,
        "version": 1 if post.hidden else post.version,
        "hidden": post.hidden,
        "deleted_at": post.deleted_at and _time(post.deleted_at),
        "user_deleted": post.user_deleted,
        "wiki": False,
        "bookmarked": False,
        "badges_granted": [],
        "actions_summary": [{"id": 2, "count": post.likes, "can_act": True}] if post.likes else [],
        "post_url": f"/t/{topic.slug}/{topic.id}/{post.number}",
        "accepted_answer": topic.accepted == post.number,
    }  # fmt: skip
    if raw and not post.hidden:
        shape["raw"] = post.raw
    return shape


def latest_shape(state: State, post: StoredPost) -> dict[str, Any]:
    """One post as /posts.json lists it: with its topic's title and category, without its tags and state."""
    topic = state.topics[post.topic_id]
    return post_shape(state, post, raw=True) | {
        "topic_title": topic.title,
        "topic_html_title": topic.title,
        "category_id": topic.category_id,
        "excerpt": post.raw[:200],
        "truncated": len(post.raw) > 200,
    }


def topic_shape(state: State, topic: StoredTopic, *, raw: bool) -> dict[str, Any]:
    """A topic with its first twenty posts, and the ids of all."""
    posts = state.in_topic(topic.id)
    listed = {"isMegaTopic": True, "lastId": posts[-1].id} if topic.mega else {"stream": [post.id for post in posts]}
    shape = dict.fromkeys(_TOPIC_DECORATION) | dict.fromkeys(_TOPIC_COUNTS, 0)
    shape |= dict.fromkeys(_TOPIC_SWITCHES, False) | {name: [] for name in _TOPIC_LISTS}
    shape |= {
        "post_stream": {"posts": [post_shape(state, post, raw=raw) for post in posts[:CHUNK]], **listed},
        "id": topic.id,
        "title": topic.title,
        "fancy_title": topic.title,
        "slug": topic.slug,
        "category_id": topic.category_id,
        "tags": [{"id": number, "name": tag, "slug": tag} for number, tag in enumerate(topic.tags, start=1)],
        "tags_descriptions": {},
        "archetype": "private_message" if topic.private else "regular",
        "posts_count": 10_000 if topic.mega else len(posts),
        "highest_post_number": state.highest_number(topic.id),
        "created_at": _time(topic.created_at),
        "last_posted_at": _time(posts[-1].created_at) if posts else None,
        "visible": topic.visible,
        "closed": topic.closed,
        "archived": topic.archived,
        "deleted_at": None,
        "slow_mode_seconds": 0,
        "user_id": posts[0].user.id if posts else None,
        "chunk_size": CHUNK,
        "draft_key": f"topic_{topic.id}",
        "details": {"can_create_post": not topic.closed, "notification_level": 1},
        "pending_posts": [
            {"id": waiting.id, "raw": waiting.raw, "created_at": _time(waiting.created_at)}
            for waiting in state.pending.values()
            if waiting.topic_id == topic.id and waiting.user.username == BOT
        ],
    }
    if topic.accepted:
        answer = next(post for post in posts if post.number == topic.accepted)
        shape["accepted_answer"] = {"post_number": answer.number, "username": answer.user.username}
    return shape


def action_shape(state: State, post: StoredPost) -> dict[str, Any]:
    """A row of /user_actions.json: no raw, and an excerpt of the HTML, in which no comment is left."""
    topic = state.topics[post.topic_id]
    return {
        "action_type": 5,
        "post_id": post.id,
        "post_number": post.number,
        "topic_id": topic.id,
        "slug": topic.slug,
        "title": topic.title,
        "category_id": topic.category_id,
        "username": post.user.username,
        "acting_username": post.user.username,
        "created_at": _time(post.created_at),
        "excerpt": without_comments(post.raw)[:200],
    }


def pending_shape(state: State, waiting: PendingPost) -> dict[str, Any]:
    topic = state.topics[waiting.topic_id]
    return {
        "id": waiting.id,
        "category_id": topic.category_id,
        "created_at": _time(waiting.created_at),
        "created_by_id": waiting.user.id,
        "raw_text": waiting.raw,
        "title": topic.title,
        "topic_id": topic.id,
        "topic_url": f"/t/{topic.slug}/{topic.id}",
        "username": waiting.user.username,
    }


def without_comments(raw: str) -> str:
    """The text without HTML comments on one line: Discourse neither shows them nor counts their length."""
    return re.sub(r"<!--.*?-->", "", raw)


def _author(post: StoredPost) -> dict[str, Any]:
    user = post.user
    return {
        "username": user.username,
        "name": None,
        "user_id": user.id,
        "avatar_template": f"/letter_avatar_proxy/v4/letter/{user.username[0]}/{{size}}.png",
        "trust_level": user.trust_level,
        "moderator": user.staff,
        "admin": False,
        "staff": user.staff,
    }


def _rights(post: StoredPost) -> dict[str, Any]:
    own = post.user.username == BOT
    never = dict.fromkeys(("can_recover", "can_wiki", "can_see_hidden_post"), False)
    return never | {"yours": own, "can_edit": own, "can_delete": own, "can_view_edit_history": True}


def _counts(state: State, post: StoredPost) -> dict[str, Any]:
    replies = [other for other in state.in_topic(post.topic_id) if other.reply_to == post.number]
    names = "quote_count incoming_link_count reads readers_count score"
    zero = dict.fromkeys((*names.split(), "reviewable_score_count", "reviewable_score_pending_count"), 0)
    return zero | {"reply_count": len(replies), "posts_count": len(state.in_topic(post.topic_id))}


def _cooked(post: StoredPost) -> str:
    return "<p>This post was flagged and is hidden.</p>" if post.hidden else f"<p>{without_comments(post.raw)}</p>"


def _time(moment: Any) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
