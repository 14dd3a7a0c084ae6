"""A topic of the sample forum, read here because it has no pages of its own."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Path
from starlette.responses import HTMLResponse, Response

from bot.errors import ForumNotFound, NotFound
from bot.forum.questions import readable
from bot.publish import MARKER_BEGIN
from bot.web.guard import Visiting, allowed
from bot.web.pages import page
from bot.web.sessions import Role

router = APIRouter()

#: What our replies carry to be found again; a real forum shows it to nobody.
_MARKER = re.compile(re.escape(MARKER_BEGIN) + r"[0-9a-f]+ -->\s*\Z")


@router.get("/topics/{topic_id}", response_class=HTMLResponse)
@allowed(Role.READER)
def thread(visit: Visiting, topic_id: Annotated[str, Path(max_length=100)]) -> Response:
    """The topic with its posts, ours included. A real forum shows its topics itself."""
    site = visit.site
    if site.forum is None or site.settings.forum.url:
        raise NotFound("Topics are read on the forum itself.")
    try:
        topic = site.forum.topic(topic_id)
    except ForumNotFound as error:
        raise NotFound(str(error)) from error
    posts = [replace(post, raw=_MARKER.sub("", post.raw)) for post in topic.posts if readable(post)]
    return page(visit, "thread", topic=topic, posts=posts, ours=site.settings.forum.username)
