"""Scripted failures: what the fake forum answers instead of, or after, doing what it was asked."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from threading import Lock

from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import Receive, Scope, Send


class Json(JSONResponse):
    """JSON under the one content type that Discourse uses, and pydiscourse accepts."""

    media_type = "application/json; charset=utf-8"


Act = Callable[[Scope, Receive, Send], Awaitable[None]]


@dataclass(frozen=True)
class Fault:
    """`act` answers the request. With `after`, the request is first carried out and its answer lost."""

    act: Act
    after: bool = False


@dataclass
class Script:
    """The faults to come, each for the next requests that begin with its words, like "GET /posts.json?before"."""

    _waiting: list[tuple[str, Fault]] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    def add(self, request: str, fault: Fault, *, times: int) -> None:
        with self._lock:
            self._waiting += [(request, fault)] * times

    def clear(self) -> None:
        with self._lock:
            self._waiting.clear()

    def take(self, request: str) -> Fault | None:
        with self._lock:
            for place, (words, fault) in enumerate(self._waiting):
                if request.startswith(words):
                    del self._waiting[place]
                    return fault
        return None


def limited(seconds: float | None) -> Fault:
    """429 as Discourse itself sends it. None: without saying how long."""
    return Fault(limited_answer(seconds))


def limited_answer(seconds: float | None) -> Response:
    message = "You've performed this action too many times. Please wait before trying again."
    body: dict[str, object] = {"errors": [message], "error_type": "rate_limit"}
    if seconds is None:
        return Json(body, status_code=429)
    body["extras"] = {"wait_seconds": seconds, "time_left": f"{seconds} seconds"}
    headers = {"Retry-After": str(seconds), "Discourse-Rate-Limit-Error-Code": "admin_api_key_rate_limit"}
    return Json(body, status_code=429, headers=headers)


def limited_by_address(seconds: int) -> Fault:
    """429 as the layer that counts addresses sends it: in plain text."""
    headers = {"Retry-After": str(seconds), "Discourse-Rate-Limit-Error-Code": "ip_60_secs_limit"}
    body = "Slow down, too many requests from this IP address. Error code: ip_60_secs_limit."
    return Fault(PlainTextResponse(body, status_code=429, headers=headers))


def limited_without_type(seconds: int) -> Fault:
    """The same on older servers: without a content type."""
    return Fault(Response(b"Slow down", status_code=429, headers={"Retry-After": str(seconds)}))


def limited_by_proxy() -> Fault:
    """429 as a proxy in between sends it: HTML, and not a word on how long."""
    return Fault(HTMLResponse("<h1>429 Too Many Requests</h1>", status_code=429))


def failed(status: int = 502) -> Fault:
    """A server error, in a proxy's HTML."""
    return Fault(HTMLResponse("<h1>Bad Gateway</h1>", status_code=status))


def failed_after_doing(status: int = 504) -> Fault:
    """The forum did it; the proxy had given up."""
    return Fault(HTMLResponse("<h1>Gateway Time-out</h1>", status_code=status), after=True)


def page_of_html() -> Fault:
    """Status 200 and a page for people, as a login wall gives it."""
    return Fault(HTMLResponse("<h1>Please log in</h1>"))


def redirect(target: str) -> Fault:
    """Sent on to another address."""
    return Fault(RedirectResponse(target, status_code=301))


def answer(body: object, *, status: int = 200, after: bool = False) -> Fault:
    """This JSON."""
    return Fault(Json(body, status_code=status), after=after)


def plain(body: bytes, *, content_type: str | None, status: int = 200) -> Fault:
    """These bytes under this content type, or under none."""
    return Fault(Response(body, status_code=status, media_type=content_type))


def dropped() -> Fault:
    """The connection is cut; nothing was done."""
    return Fault(_drop)


def dropped_after_doing() -> Fault:
    """The request is carried out; the connection is cut before the answer."""
    return Fault(_drop, after=True)


def silence() -> Fault:
    """Nothing is done and nothing is answered, until the caller gives up."""
    return Fault(_stay_silent)


def silence_after_doing() -> Fault:
    """The request is carried out; the answer never comes."""
    return Fault(_stay_silent, after=True)


def cut_short_after_doing() -> Fault:
    """The request is carried out; the connection breaks in the middle of the answer."""
    return Fault(_cut_short, after=True)


async def _drop(scope: Scope, receive: Receive, send: Send) -> None:
    # ASGI has no word for this: uvicorn's `receive` is a method of the object that holds the socket.
    receive.__self__.transport.abort()  # type: ignore[attr-defined]
    await _stay_silent(scope, receive, send)


async def _stay_silent(scope: Scope, receive: Receive, send: Send) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _cut_short(scope: Scope, receive: Receive, send: Send) -> None:
    headers = [(b"content-type", b"application/json; charset=utf-8"), (b"content-length", b"5000")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b'{"action": "cre', "more_body": True})
    await _drop(scope, receive, send)
