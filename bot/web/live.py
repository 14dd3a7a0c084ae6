"""News for open pages, as server-sent events: how many drafts wait, and whether this one has changed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from bot.domain.draft import DraftState
from bot.store import drafts, queue
from bot.web.guard import Visit, Visiting, allowed
from bot.web.queue import MOST_COUNTED
from bot.web.sessions import Role

router = APIRouter()

#: Seconds between two looks, and after which a stream ends: the browser then asks again, with its cookie.
PAUSE = 2.0
LONGEST = 600.0
#: Open streams at a time.
MOST_STREAMS = 100


@router.get("/live", response_class=Response)
@allowed(Role.READER)
async def live(visit: Visiting, draft: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None) -> Response:
    """A stream that says something whenever there is something to say."""
    streams = visit.site.streams
    if len(streams) >= MOST_STREAMS:
        raise HTTPException(429, headers={"Retry-After": "30"})
    return StreamingResponse(_news(visit, draft), media_type="text/event-stream")


async def _news(visit: Visit, draft_id: int | None) -> AsyncIterator[str]:
    stream = object()
    visit.site.streams.add(stream)
    try:
        last: dict[str, Any] = {}
        for _ in range(int(LONGEST / PAUSE)):
            now = await run_in_threadpool(_look, visit, draft_id)
            yield f"data: {json.dumps(now)}\n\n" if now != last else ": still here\n\n"
            last = now
            await asyncio.sleep(PAUSE)
    finally:
        visit.site.streams.discard(stream)


def _look(visit: Visit, draft_id: int | None) -> dict[str, Any]:
    with visit.site.store.reading() as connection:
        waiting = queue.count(connection, DraftState.PENDING, most=MOST_COUNTED)
        news: dict[str, Any] = {"waiting": waiting if waiting < MOST_COUNTED else f"{MOST_COUNTED - 1}+"}
        if draft_id and (found := queue.summary(connection, draft_id)):
            news |= {
                "state": found.state.value,
                "revision": found.revision,
                "claimed_by": found.claimed_by or "",
                "who": visit.said(drafts.who_was_first(connection, draft_id)),
            }
    return news
