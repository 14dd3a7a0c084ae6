"""The stylesheet, the script and the icon; and whether the page is alive."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import PlainTextResponse, Response

from bot.errors import NotFound
from bot.web.guard import Visiting, allowed
from bot.web.pages import static_files
from bot.web.sessions import Role

router = APIRouter()


@router.get("/static/{name}", response_class=Response)
@allowed(Role.NOBODY)
def static(visit: Visiting, name: str) -> Response:
    """One file that pages load."""
    file = static_files().get(name)
    if file is None:
        raise NotFound("There is no such file.")
    asked = visit.request.query_params.get("v") == file.version
    lasting = "public, max-age=31536000, immutable" if asked else "no-cache"
    return Response(file.content, media_type=f"{file.kind}; charset=utf-8", headers={"Cache-Control": lasting})


@router.get("/alive", response_class=PlainTextResponse)
@allowed(Role.NOBODY)
def alive(visit: Visiting) -> str:
    """For whoever watches over the process: it answers, and can read its database."""
    with visit.site.store.reading():
        return "ok\n"
