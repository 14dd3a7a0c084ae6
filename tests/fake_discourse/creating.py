"""POST /posts: what a forum checks before it makes a post, and what it remembers of those it made."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from starlette.responses import Response

from tests.fake_discourse.faults import Json, limited_answer
from tests.fake_discourse.shapes import post_shape, without_comments
from tests.fake_discourse.state import State, StoredPost, User

SHORTEST, LONGEST = 20, 32_000
MEMORY = timedelta(seconds=120)  # how long an identical request gets the same answer again
UNIQUE = timedelta(minutes=5)  # how long an account may not repeat itself

TOO_SHORT = "Body is too short (minimum is 20 characters)"
TOO_LONG = "Body is limited to 32000 characters; you entered too many."
TOO_SIMILAR = "Body is too similar to what you recently posted"
NOT_OPEN = "Something has gone wrong. Perhaps this topic was closed or deleted while you were looking at it?"
NO_RECIPIENT = "You must select a valid recipient."


@dataclass
class Desk:
    """Where posts are handed in."""

    state: State
    queue_all: bool = False  #: every post waits for the forum's moderators
    seconds_between: float = 5.0  #: the least time between two posts of an account
    received: list[dict[str, str]] = field(default_factory=list)  #: the form of every create, also of refused ones
    _memory: dict[str, tuple[datetime, Response]] = field(default_factory=dict)

    def hand_in(self, form: Mapping[str, str], user: User) -> Response:
        """The forum's answer to one create. The same bytes within two minutes get the same answer."""
        self.received.append(dict(form))
        key = hashlib.sha1(repr((sorted(form.items()), user.id)).encode()).hexdigest()
        now = self.state.clock.now()
        made_at, answer = self._memory.get(key, (now - MEMORY, None))
        if answer is not None and now - made_at < MEMORY:
            return answer
        if (left := self._too_soon(user)) > 0:
            return limited_answer(left)  # raised, not returned, in the original: so it is not remembered
        answer = self._decide(form, user)
        self._memory[key] = (now, answer)
        return answer

    def _decide(self, form: Mapping[str, str], user: User) -> Response:
        raw = form.get("raw", "")
        if error := self._objection(form, raw, user):
            return Json({"action": "create_post", "errors": [error]}, status_code=422)
        reply_to = int(form["reply_to_post_number"]) if "reply_to_post_number" in form else None
        if form.get("archetype") == "private_message":
            topic = self.state.add_topic(
                form["title"], raw, by=user.username, recipients=form["target_recipients"].split(",")
            )
            return self._made(self.state.in_topic(topic.id)[0], form)
        if self.queue_all:
            return self._queued(raw, user, topic_id=int(form["topic_id"]), reply_to=reply_to)
        post = self.state.add_post(int(form["topic_id"]), raw, by=user.username, reply_to=reply_to)
        return self._made(post, form)

    def _objection(self, form: Mapping[str, str], raw: str, user: User) -> str | None:
        if len(without_comments(raw).strip()) < SHORTEST:
            return TOO_SHORT
        if len(raw) > LONGEST:
            return TOO_LONG
        if form.get("archetype") == "private_message":
            known = set(form.get("target_recipients", "").split(",")) <= self.state.groups
            return None if known and form.get("title") else NO_RECIPIENT
        if not self._open(form.get("topic_id", "")):
            return NOT_OPEN
        since = self.state.clock.now() - UNIQUE
        own = self.state.of_user(user.username)
        repeated = any(post.raw == raw and post.created_at > since for post in own)
        return TOO_SIMILAR if repeated else None

    def _open(self, topic_id: str) -> bool:
        topic = self.state.topics.get(int(topic_id)) if topic_id.isdigit() else None
        return topic is not None and not (topic.closed or topic.archived or topic.deleted_at)

    def _too_soon(self, user: User) -> float:
        """Seconds until this account may post again."""
        last = max((post.created_at for post in self.state.of_user(user.username)), default=None)
        passed = (self.state.clock.now() - last).total_seconds() if last else self.seconds_between
        return self.seconds_between - passed

    def _made(self, post: StoredPost, form: Mapping[str, str]) -> Response:
        shape = post_shape(self.state, post, raw=True) | {"draft_sequence": 0}
        if form.get("nested_post") == "true":
            return Json({"action": "create_post", "post": shape, "success": True})
        return Json(shape)

    def _queued(self, raw: str, user: User, *, topic_id: int, reply_to: int | None) -> Response:
        waiting = self.state.add_pending(raw, by=user, topic_id=topic_id, reply_to=reply_to)
        pending = {"id": waiting.id, "raw": raw, "created_at": waiting.created_at.isoformat()}
        return Json(
            {
                "action": "enqueued",
                "success": True,
                "pending_count": len(self.state.pending),
                "pending_post": pending,
            }
        )
