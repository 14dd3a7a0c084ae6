"""The moderators' page over a store of its own, and people who visit it; nothing listens on a port here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from typing import Any

from fastapi import FastAPI
from httpx2 import Response
from starlette.testclient import TestClient

from bot.library import Library, read_library
from bot.settings import ForumSettings, Settings, WebSettings
from bot.store.engine import Store
from bot.web import sessions
from bot.web.app import make_app
from bot.web.guard import session_cookie
from bot.web.seal import Seal
from bot.web.sessions import Role
from bot.web.site import Site
from tests.review_examples import NOON
from tests.unreliable import HandClock

HOST = "127.0.0.1:8642"
BASE = f"http://{HOST}"
SECRET = "a secret of thirty-two bytes or so"


@cache
def library() -> Library:
    return read_library()


def make_site(store: Store, clock: HandClock, **parts: Any) -> Site:
    """A site with a fixed secret, the given clock, and keys that count up."""
    numbers = count(1)
    settings = parts.pop("settings", None) or Settings(
        web=WebSettings(sso_secret=SECRET), forum=ForumSettings(url="https://forum.example.org", read_key="r")
    )
    values: dict[str, Any] = {
        "store": store,
        "settings": settings,
        "library": library(),
        "seal": Seal(b"s" * 32),
        "clock": clock,
        "fresh_key": lambda: f"key-{next(numbers)}",
    }
    return Site(**values | parts)


@dataclass
class Visitor:
    """Somebody with a browser that follows no redirect by itself."""

    site: Site
    client: TestClient
    session: sessions.Session | None = None
    headers: dict[str, str] = field(default_factory=lambda: {"origin": BASE})

    @property
    def token(self) -> str:
        return sessions.form_token(self.session, self.site.seal) if self.session else ""

    def get(self, path: str, **options: Any) -> Response:
        return self.client.get(path, **options)

    def post(
        self, path: str, *, token: str | None = None, headers: dict[str, str] | None = None, **form: Any
    ) -> Response:
        fields = {"token": self.token if token is None else token, **{name: str(value) for name, value in form.items()}}
        return self.client.post(path, data=fields, headers=self.headers if headers is None else headers)


@dataclass
class Page:
    """The page and everybody who may come."""

    site: Site
    app: FastAPI

    def browser(self, *, address: str = "127.0.0.1", base: str = BASE) -> Visitor:
        """A browser in which nobody is signed in."""
        client = TestClient(self.app, base_url=base, client=(address, 50000), follow_redirects=False)
        return Visitor(self.site, client)

    def visitor(self, role: Role = Role.REVIEWER, *, name: str = "mei", external_id: str = "7") -> Visitor:
        """Somebody who signed in just now."""
        now = self.site.clock()
        session = sessions.begin(
            session_id=f"session of {external_id} at {now:%H:%M:%S}",
            external_id=external_id,
            name=name,
            role=role,
            now=now,
            settings=self.site.settings.web,
        )
        visitor = self.browser()
        visitor.session = session
        visitor.client.cookies.set(
            session_cookie(self.site), sessions.to_cookie(session, self.site.seal), domain="127.0.0.1"
        )
        return visitor


def open_page(site: Site) -> Page:
    return Page(site, make_app(site))


@contextmanager
def page_over(store: Store, **parts: Any) -> Iterator[Page]:
    yield open_page(make_site(store, HandClock(NOON), **parts))


def texts(html: str) -> str:
    """What a page says, without its tags."""
    import html as entities

    without = re.sub(r"<(script|style).*?</\1>|<[^>]+>", " ", html, flags=re.DOTALL)
    return " ".join(entities.unescape(without).split())
