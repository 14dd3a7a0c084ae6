"""The queue: what waits, what is overdue, who has what in hand."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import HTMLResponse, Response

from bot.domain.draft import DraftState
from bot.domain.post import Language
from bot.store import queue
from bot.store.engine import Connection
from bot.store.queue import Order
from bot.web import done
from bot.web.guard import Visiting, allowed
from bot.web.listing import PAGE, Listing
from bot.web.pages import page
from bot.web.sessions import Role

router = APIRouter()

#: States with a tab of their own: what waits, what is on its way, what needs a person, what is over.
TABS = (
    DraftState.PENDING,
    DraftState.APPROVED,
    DraftState.STALE,
    DraftState.FAILED,
    DraftState.QUEUED,
    DraftState.POSTED,
    DraftState.REJECTED,
    DraftState.DROPPED,
)
#: Tabs that say how many there are: of these, someone has to do something.
COUNTED = (DraftState.PENDING, DraftState.APPROVED, DraftState.STALE, DraftState.FAILED)
#: More are shown as "999+".
MOST_COUNTED = 1000
#: Characters of a post that a row is made from.
BEGINNING = 600
_SHOWN = 140

After = Annotated[int | None, Query(ge=1, le=2**31 - 1)]
Done = Annotated[int | None, Query(alias="done", ge=1, le=2**31 - 1)]


@router.get("/", response_class=HTMLResponse)
@allowed(Role.READER)
def drafts_in_a_state(visit: Visiting, after: After = None, decided: Done = None) -> Response:
    """The drafts in one state, filtered and sorted."""
    listing = Listing.read(visit.request.query_params)
    site = visit.site
    with site.store.reading() as connection:
        last = queue.summary(connection, after) if after else None
        rows = listing.page(connection, after=last, most=PAGE + 1)
        counts = _counts(connection)
        beginnings = queue.beginnings(connection, [row.id for row in rows[:PAGE]], characters=BEGINNING)
        just_decided = done.last_decision(connection, visit, decided)
    overdue = visit.now - timedelta(hours=site.settings.web.overdue_hours)
    return page(
        visit,
        "queue",
        listing=listing,
        rows=rows[:PAGE],
        more=rows[PAGE - 1].id if len(rows) > PAGE else None,
        first_page=last is None,
        counts=counts,
        beginnings={number: first_words(text) for number, text in beginnings.items()},
        tabs=TABS,
        orders=tuple(Order),
        languages=tuple(Language),
        confusions=sorted(titles(visit).items(), key=lambda named: named[1].lower()),
        titles=titles(visit),
        overdue={row.id for row in rows if row.state is DraftState.PENDING and row.created_at < overdue},
        decided=just_decided,
    )


def titles(visit: Visiting) -> dict[str, str]:
    """What each confusion is called in the visitor's language."""
    return {entry.name: entry.title[visit.language] for entry in visit.site.library}


def first_words(text: str) -> str:
    """How a post begins, without its code: the posts of a course chapter all have one title."""
    words: list[str] = []
    inside = False
    for line in text.splitlines():
        if line.lstrip().startswith(("```", "~~~")):
            inside = not inside
        elif not inside and not line.startswith(("    ", "\t")):
            words += line.split()
    begun = " ".join(words)
    return begun if len(begun) <= _SHOWN else begun[:_SHOWN].rsplit(" ", 1)[0] + " …"


def _counts(connection: Connection) -> dict[DraftState, str]:
    found = {state: queue.count(connection, state, most=MOST_COUNTED) for state in COUNTED}
    return {state: str(number) if number < MOST_COUNTED else f"{MOST_COUNTED - 1}+" for state, number in found.items()}
