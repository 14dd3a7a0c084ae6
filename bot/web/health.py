"""Is everything in order? The jobs, the forum, the sandbox, the queue's age, and errors that wait for a person."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Path
from starlette.responses import HTMLResponse, Response

from bot.domain.draft import DraftState, DraftSummary
from bot.store import drafts, jobs, marks, posts, queue
from bot.store.engine import Connection
from bot.web.evidence import RunView, view
from bot.web.guard import Visit, Visiting, allowed
from bot.web.pages import page, to
from bot.web.sessions import Role

router = APIRouter()

TroubleId = Annotated[int, Path(ge=1, le=2**31 - 1)]


@router.get("/health", response_class=HTMLResponse)
@allowed(Role.READER)
def health(visit: Visiting) -> Response:
    """How the program is doing."""
    site = visit.site
    with site.store.reading() as connection:
        found: dict[str, Any] = {
            "jobs": jobs.all_jobs(connection),
            "troubles": jobs.open_troubles(connection),
            "oldest": _oldest(connection),
            "waiting": queue.count(connection, DraftState.PENDING, most=1000),
            "failed": queue.count(connection, DraftState.FAILED, most=1000),
            "last_post": marks.kept_at(connection, "last post"),
            "last_run": _last_run(connection),
            "limited_for": _limited_for(connection, visit),
        }
    overdue = visit.now - timedelta(hours=site.settings.web.overdue_hours)
    return page(visit, "health", **found, overdue=overdue, settings=site.settings)


@router.post("/health/troubles/{trouble_id}/close", response_class=HTMLResponse)
@allowed(Role.ADMIN)
def close(visit: Visiting, trouble_id: TroubleId) -> Response:
    """Somebody has seen to it."""
    with visit.site.store.writing() as connection:
        jobs.close_trouble(connection, trouble_id, by=visit.name, now=visit.now)
    return to("/health")


@router.post("/health/troubles/{trouble_id}/retry", response_class=HTMLResponse)
@allowed(Role.ADMIN)
def retry(visit: Visiting, trouble_id: TroubleId) -> Response:
    """Let the post that made the program fail be tried once more."""
    with visit.site.store.writing() as connection:
        trouble = jobs.close_trouble(connection, trouble_id, by=visit.name, now=visit.now)
        if trouble.post_id is not None:
            posts.again(connection, trouble.post_id, now=visit.now)
    return to("/health")


def _oldest(connection: Connection) -> DraftSummary | None:
    return next(iter(queue.listed(connection, state=DraftState.PENDING, most=1)), None)


def _last_run(connection: Connection) -> RunView | None:
    """The newest run that a draft rests on: it says what isolated it."""
    newest = drafts.newest(connection)
    return view(newest).before if newest else None


def _limited_for(connection: Connection, visit: Visit) -> float:
    """Seconds for which the forum wants to be left alone: as it told this process, or the one that does the jobs."""
    kept = marks.value(connection, marks.LIMITED_UNTIL)
    told_the_jobs = (datetime.fromisoformat(kept) - visit.now).total_seconds() if kept else 0.0
    return max(0.0, told_the_jobs, visit.site.forum.limited_for if visit.site.forum else 0.0)
