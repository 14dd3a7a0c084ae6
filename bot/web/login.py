"""Coming in and going out: through the forum, or by a one-time link on this machine."""

from __future__ import annotations

import ipaddress
from typing import Annotated
from urllib.parse import urlencode

import structlog
from fastapi import APIRouter, HTTPException, Query
from starlette.responses import HTMLResponse, Response

from bot.web import connect, sessions
from bot.web.guard import Visit, Visiting, allowed, local_path, session_cookie
from bot.web.pages import page, to
from bot.web.sessions import Role
from bot.web.site import Site

log = structlog.get_logger()
router = APIRouter()

_NONCE = "login"
_TEN_MINUTES = 600
Text = Annotated[str, Query(max_length=16_000)]


def login_path(after: str) -> str:
    """The sign-in page, which leads on to another one."""
    return "/login?" + urlencode({"next": after}) if after != "/" else "/login"


def one_time_link(site: Site, *, key: str) -> str:
    """An address that signs in once, within an hour, from this machine only."""
    site.links.issue(key, now=site.clock())
    return f"http://{site.settings.web.host}:{site.port}/login/once?" + urlencode({"key": key})


@router.get("/login", response_class=HTMLResponse)
@allowed(Role.NOBODY)
def login(visit: Visiting, next: Annotated[str, Query(max_length=500)] = "/") -> Response:
    """How to sign in."""
    if visit.session:
        return to(local_path(next))
    return page(visit, "login", next=local_path(next), forum=_forum(visit), refused="")


@router.get("/login/forum", response_class=HTMLResponse)
@allowed(Role.NOBODY)
def login_with_forum(visit: Visiting, next: Annotated[str, Query(max_length=500)] = "/") -> Response:
    """Send the browser to the forum, with a nonce that only this browser can bring back."""
    _count(visit)
    site = visit.site
    if not (forum := _forum(visit)):
        raise HTTPException(404)
    nonce = site.fresh_key()
    site.requests.issue(nonce, now=visit.now)
    return_url = f"{site.base_url}/sso/callback"
    secret = site.settings.web.sso_secret.get_secret_value()
    response = to(connect.request_url(forum, secret=secret, nonce=nonce, return_url=return_url))
    response.set_cookie(
        _cookie(site, _NONCE),
        site.seal.sealed(_NONCE, {"nonce": nonce, "next": local_path(next)}),
        max_age=_TEN_MINUTES,
        httponly=True,
        samesite="lax",
        secure=site.secure,
    )
    return response


@router.get("/sso/callback", response_class=HTMLResponse)
@allowed(Role.NOBODY)
def returned(visit: Visiting, sso: Text = "", sig: Annotated[str, Query(max_length=200)] = "") -> Response:
    """The forum says who it is. The nonce must be the one this browser was given, and is used up."""
    _count(visit)
    site = visit.site
    identity = connect.identity(site.settings.web.sso_secret.get_secret_value(), sso=sso, sig=sig)
    kept = site.seal.opened(_NONCE, visit.request.cookies.get(_cookie(site, _NONCE), "")) or {}
    if identity is None or not sessions.same(identity.nonce, str(kept.get("nonce", ""))):
        return _refused(visit, "login.not_understood")
    if not site.requests.use(identity.nonce, now=visit.now):
        return _refused(visit, "login.too_late")
    role = sessions.role_of(identity.groups, site.settings.web)
    if role is Role.NOBODY:
        log.info("sign_in_refused", account=identity.external_id)
        return _refused(visit, "login.no_group")
    response = _signed_in(
        visit,
        external_id=identity.external_id,
        name=identity.username,
        role=role,
        after=local_path(str(kept.get("next", "/"))),
    )
    response.delete_cookie(_cookie(site, _NONCE), secure=site.secure, httponly=True, samesite="lax")
    return response


@router.get("/login/once", response_class=HTMLResponse)
@allowed(Role.NOBODY)
def once(visit: Visiting, key: Annotated[str, Query(max_length=200)] = "") -> Response:
    """The link that the command printed: good once, and on this machine only."""
    _count(visit)
    client = visit.request.client
    local = client is not None and ipaddress.ip_address(client.host).is_loopback
    forwarded = "x-forwarded-for" in visit.request.headers or "forwarded" in visit.request.headers
    if not local or forwarded or not visit.site.on_loopback:
        return _refused(visit, "login.not_here")
    if not visit.site.links.use(key, now=visit.now):
        return _refused(visit, "login.used")
    return _signed_in(visit, external_id="this machine", name="local-admin", role=Role.ADMIN, after="/")


@router.post("/logout", response_class=HTMLResponse)
@allowed(Role.READER)
def logout(visit: Visiting) -> Response:
    """End every session of this account."""
    assert visit.session is not None
    with visit.site.store.writing() as connection:
        sessions.sign_out(connection, visit.session, now=visit.now)
    response = to("/login")
    response.delete_cookie(session_cookie(visit.site), secure=visit.site.secure, httponly=True, samesite="lax")
    return response


def _signed_in(visit: Visit, *, external_id: str, name: str, role: Role, after: str) -> Response:
    site = visit.site
    session = sessions.begin(
        session_id=site.fresh_key(),
        external_id=external_id,
        name=name,
        role=role,
        now=visit.now,
        settings=site.settings.web,
    )
    log.info("signed_in", account=external_id, role=role.name.lower())
    response = to(after)
    response.set_cookie(
        session_cookie(site),
        sessions.to_cookie(session, site.seal),
        max_age=int((session.until - session.since).total_seconds()),
        httponly=True,
        samesite="lax",
        secure=site.secure,
    )
    return response


def _refused(visit: Visit, key: str) -> Response:
    return page(visit, "login", status=403, next="/", forum=_forum(visit), refused=visit.t(key))


def _forum(visit: Visit) -> str:
    """The forum's address, when it can say who somebody is."""
    settings = visit.site.settings
    return settings.forum.url if settings.web.sso_secret.get_secret_value() else ""


def _count(visit: Visit) -> None:
    """Raises a 429 when this address has tried too often."""
    request, web = visit.request, visit.site.settings.web
    who = request.client.host if request.client else ""
    if web.behind_proxy:
        who = request.headers.get("x-forwarded-for", who).split(",")[-1].strip()
    if not visit.site.attempts.allow(who, most=web.logins_per_minute, now=visit.now):
        raise HTTPException(429, headers={"Retry-After": "60"})


def _cookie(site: Site, name: str) -> str:
    return f"__Host-{name}" if site.secure else name
