"""Who may ask for what. A route that does not say who may use it can be used by nobody.

request ─▶ Gate: is the Host ours, is the body small?      every answer gets its headers here
        ─▶ guard: what role does the route want, who asks, did our own page send the form?
        ─▶ the page
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.domain.post import Language
from bot.web import sentences, sessions, words
from bot.web.sessions import Role, Session
from bot.web.site import Site

#: The largest form: a reply of 32,000 characters, each up to twelve bytes when it is encoded.
LONGEST_BODY = 512 * 1024
SAFE = ("GET", "HEAD")

CONTENT_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not "no-referrer": browsers would then send forms with `Origin: null`.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "X-Robots-Tag": "noindex",
}
TLS_HEADERS = {"Strict-Transport-Security": "max-age=31536000"}

Handler = TypeVar("Handler", bound=Callable[..., Any])


class SignInNeeded(Exception):
    """Nobody is signed in, or the session is over."""


class Forbidden(Exception):
    """The request may not be made: the words say why."""


def allowed(least: Role) -> Callable[[Handler], Handler]:
    """Marks a page's function with the least role that may use it."""

    def mark(handler: Handler) -> Handler:
        handler.least_role = least  # type: ignore[attr-defined]
        return handler

    return mark


@dataclass(frozen=True)
class Visit:
    """One request: who makes it, in which language, and when."""

    request: Request
    site: Site
    session: Session | None
    now: datetime

    @property
    def role(self) -> Role:
        """What the visitor may do."""
        return self.session.role if self.session else Role.NOBODY

    @property
    def name(self) -> str:
        """The name under which the visitor decides."""
        return self.session.name if self.session else ""

    @property
    def reviews(self) -> bool:
        """Whether the visitor may decide."""
        return self.role >= Role.REVIEWER

    @cached_property
    def token(self) -> str:
        """What the forms of this visit carry."""
        return sessions.form_token(self.session, self.site.seal) if self.session else ""

    @cached_property
    def language(self) -> Language:
        """The language of the page: asked for now, chosen before, or the browser's."""
        chosen = self.request.query_params.get("lang") or self.request.cookies.get("lang")
        return words.language(chosen, self.request.headers.get("accept-language", ""))

    def t(self, key: str, **gaps: object) -> str:
        """The text of this name in the page's language."""
        return words.say(self.language, key, **gaps)

    def said(self, text: str) -> str:
        """A sentence that the program wrote into a record, in the page's language."""
        return sentences.in_language(text, self.language)

    def each_said(self, text: str) -> str:
        """A line of sentences with commas between them, each in the page's language."""
        return sentences.each_in_language(text, self.language, between=", ")


def session_cookie(site: Site) -> str:
    """The name of the cookie; browsers let no other host and no plain HTTP set one with this prefix."""
    return "__Host-session" if site.secure else "session"


async def guard(request: Request) -> Visit:
    """The visit, when it may be made. Raises `SignInNeeded` or `Forbidden`."""
    site: Site = request.app.state.site
    least: Role | None = getattr(request.scope.get("endpoint"), "least_role", None)
    if least is None:
        raise Forbidden("denied.undeclared")
    now = site.clock()
    session = await run_in_threadpool(_session, request, site, now)
    visit = Visit(request, site, session, now)
    if least > Role.NOBODY and session is None:
        raise SignInNeeded
    if visit.role < least:
        raise Forbidden("denied.role")
    if request.method not in SAFE:
        await _require_own_form(visit)
    return visit


#: A page's function takes one of these.
Visiting = Annotated[Visit, Depends(guard)]


def local_path(text: str | None) -> str:
    """The path on this very site that a text names; "/" for everything else, so that no link leads away."""
    if not text or not text.startswith("/") or text.startswith(("//", "/\\")) or len(text) > 500:
        return "/"
    if any(ord(character) < 33 or character == "\\" for character in text):
        return "/"
    parts = urlsplit(text)
    return text if not parts.scheme and not parts.netloc else "/"


def _session(request: Request, site: Site, now: datetime) -> Session | None:
    cookie = request.cookies.get(session_cookie(site))
    session = sessions.from_cookie(cookie, site.seal, now=now) if cookie else None
    if session is None:
        return None
    with site.store.reading() as connection:
        return None if sessions.was_ended(connection, session) else session


async def _require_own_form(visit: Visit) -> None:
    """The request was sent by a page of ours, and of this very session."""
    if visit.session is None:
        raise SignInNeeded
    headers = visit.request.headers
    sender = headers.get("origin") or headers.get("referer") or ""
    parts = urlsplit(sender)
    if parts.netloc.lower() != headers.get("host", "").lower() or parts.scheme not in ("http", "https"):
        raise Forbidden("denied.origin")
    form = await visit.request.form()
    token = form.get("token")
    given = token if isinstance(token, str) else headers.get("x-token", "")
    if not sessions.same(given, visit.token):
        raise Forbidden("denied.token")


class Gate:
    """Stands before all routes: refuses strange hosts and large bodies, and puts headers on every answer."""

    def __init__(self, app: ASGIApp, *, site: Site) -> None:
        self.app, self.site = app, site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *self._headers(message["headers"])]
            await send(message)

        headers = dict(scope["headers"])
        host = headers.get(b"host", b"").decode("latin-1").lower()
        if host not in self.site.hosts:
            await _refusal("This page is not known under that name.", 400)(scope, receive, with_headers)
            return
        length = headers.get(b"content-length", b"0")
        if not length.isdigit() or int(length) > LONGEST_BODY or b"transfer-encoding" in headers:
            await _refusal("That is more than a form of this page can hold.", 413)(scope, receive, with_headers)
            return
        await self.app(scope, receive, with_headers)

    def _headers(self, present: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        names = {name.lower() for name, _ in present}
        wanted = HEADERS | (TLS_HEADERS if self.site.secure else {}) | {"Cache-Control": "no-store"}
        return [
            (name.lower().encode(), value.encode())
            for name, value in wanted.items()
            if name.lower().encode() not in names
        ]


def _refusal(text: str, status: int) -> PlainTextResponse:
    return PlainTextResponse(text + "\n", status_code=status)
