"""What the pages stand on: handed in once, when the page is started."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from bot.forum import Forum
from bot.library import Library
from bot.pipeline import Pipeline
from bot.settings import Settings
from bot.store.engine import Store
from bot.web.seal import Seal
from bot.web.tickets import Attempts, Tickets

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True)
class Site:
    """Everything a page may need. Without a pipeline nothing is run again; without a forum no thread is read."""

    store: Store
    settings: Settings
    library: Library
    seal: Seal
    pipeline: Pipeline | None = None
    forum: Forum | None = None
    clock: Callable[[], datetime] = _now
    fresh_key: Callable[[], str] = lambda: secrets.token_urlsafe(32)
    port: int = 0  #: the port it really listens on
    #: One-time links into the page, and DiscourseConnect requests that wait for their answer.
    links: Tickets = field(default_factory=lambda: Tickets(lasting=timedelta(hours=1)))
    requests: Tickets = field(default_factory=lambda: Tickets(lasting=timedelta(minutes=10)))
    attempts: Attempts = field(default_factory=Attempts)
    streams: set[object] = field(default_factory=set)  #: open streams of news

    @property
    def base_url(self) -> str:
        """Where moderators reach the page; without a slash at the end."""
        web = self.settings.web
        named = web.base_url or self.settings.review.page_url.rstrip("/")
        return named or f"http://{web.host}:{self.port or web.port}"

    @property
    def secure(self) -> bool:
        """Whether the page is served over TLS: then cookies travel over nothing else."""
        return self.base_url.startswith("https://")

    @property
    def hosts(self) -> frozenset[str]:
        """The Host headers under which the page answers."""
        port = self.port or self.settings.web.port
        local = {f"{name}:{port}" for name in LOOPBACK} if self.on_loopback else set()
        return frozenset(
            {urlsplit(self.base_url).netloc.lower(), *local, *map(str.lower, self.settings.web.allowed_hosts)}
        )

    @property
    def on_loopback(self) -> bool:
        """Whether only this machine can ask."""
        return self.settings.web.host in ("127.0.0.1", "localhost", "::1")
