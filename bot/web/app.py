"""All pages as one application. Each route says who may use it; the guard stands before all of them."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response

from bot.errors import (
    BadInput,
    BotError,
    DatabaseBusy,
    ForumError,
    NotFound,
    ReviewError,
    SandboxError,
    UsageError,
)
from bot.web import (
    deciding,
    draft,
    editing,
    files,
    health,
    history,
    keys,
    knowledge,
    live,
    login,
    queue,
    redoing,
    thread,
)
from bot.web.guard import Forbidden, Gate, SignInNeeded, Visit, guard, local_path
from bot.web.pages import page, to
from bot.web.site import Site

log = structlog.get_logger()


def make_app(site: Site) -> FastAPI:
    """The pages over what the site holds."""
    app = FastAPI(
        title="autograd-bot, the moderators' page",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        dependencies=[Depends(guard)],
        redirect_slashes=False,
    )
    app.state.site = site
    for part in (
        files,
        login,
        queue,
        draft,
        deciding,
        editing,
        redoing,
        history,
        knowledge,
        health,
        keys,
        thread,
        live,
    ):
        app.include_router(part.router)
    app.add_middleware(Gate, site=site)
    app.add_exception_handler(SignInNeeded, _sign_in)
    app.add_exception_handler(Forbidden, _said(403))
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _not_understood)
    app.add_exception_handler(BotError, _named)
    app.add_exception_handler(Exception, _broken)
    return app


def _visit(request: Request) -> Visit:
    """What an error page needs, whoever asks: nobody's name and no token."""
    site: Site = request.app.state.site
    return Visit(request, site, None, site.clock())


def _error_page(request: Request, status: int, key: str, detail: str = "") -> Response:
    visit = _visit(request)
    return page(visit, "error", status=status, title=visit.t(key), detail=detail)


async def _sign_in(request: Request, _error: Exception) -> Response:
    if request.method != "GET" or request.url.path == "/live":
        return _error_page(request, 401, "error.signed_out")
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return to(login.login_path(local_path(path)))


def _said(status: int) -> Callable[[Request, Exception], Response]:
    def answer(request: Request, error: Exception) -> Response:
        return _error_page(request, status, str(error))

    return answer


def _http(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    key = {404: "error.not_found", 405: "error.not_found", 429: "error.too_often"}.get(status, "error.not_understood")
    response = _error_page(request, status, key)
    if isinstance(error, HTTPException) and error.headers:
        response.headers.update(error.headers)
    return response


def _not_understood(request: Request, _error: Exception) -> Response:
    return _error_page(request, 422, "error.not_understood")


def _named(request: Request, error: Exception) -> Response:
    """An error that the program knows how to name: its words, and the status that fits."""
    match error:
        case NotFound():
            status, key = 404, "error.not_found"
        case BadInput() | UsageError():
            status, key = 422, "error.not_understood"
        case ReviewError():
            status, key = 409, "error.conflict"
        case SandboxError() | ForumError() | DatabaseBusy():
            status, key = 503, "error.busy"
        case _:
            status, key = 500, "error.broken"
    if status >= 500:
        log.warning("page_failed", path=request.url.path, error=type(error).__name__, why=str(error))
    return _error_page(request, status, key, "" if status == 500 else str(error))


def _broken(_request: Request, error: Exception) -> Response:
    """Something nobody expected: said in the log with its traceback, and to the visitor without."""
    log.error("page_broken", error=type(error).__name__)
    return PlainTextResponse("Something is broken here. The log says what.\n", status_code=500)
