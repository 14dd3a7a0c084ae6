"""The keys of the keyboard: a page for whoever has no script, and the same list under `?`."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import HTMLResponse, Response

from bot.web.guard import Visiting, allowed
from bot.web.pages import page
from bot.web.sessions import Role

router = APIRouter()


@router.get("/keys", response_class=HTMLResponse)
@allowed(Role.READER)
def keys(visit: Visiting) -> Response:
    """Every key and what it does."""
    return page(visit, "keys")
