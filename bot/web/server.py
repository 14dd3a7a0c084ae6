"""Starting and stopping the page: uvicorn in a thread of its own."""

from __future__ import annotations

import socket
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Self

import uvicorn

from bot.errors import BadSetting
from bot.forum import Forum
from bot.library import Library
from bot.pipeline import Pipeline
from bot.settings import Settings
from bot.store.engine import Store
from bot.web.app import make_app
from bot.web.login import one_time_link
from bot.web.seal import Seal, kept_secret
from bot.web.site import Site

KEPT_IN = "web-secret"
#: How long requests that are being answered may take when the server is stopped.
_GRACE_SECONDS = 2


def make_site(
    *,
    data: Path,
    settings: Settings,
    store: Store,
    library: Library,
    pipeline: Pipeline | None = None,
    forum: Forum | None = None,
) -> Site:
    """The site of a data directory; its secret is made there when it has none."""
    seal = Seal(kept_secret(data / KEPT_IN))
    return Site(store=store, settings=settings, library=library, seal=seal, pipeline=pipeline, forum=forum)


@dataclass(frozen=True)
class RunningServer:
    """The page, being served. A context manager; `stop` ends it."""

    site: Site
    server: uvicorn.Server
    thread: Thread

    @property
    def url(self) -> str:
        """Where it is reached."""
        return self.site.base_url

    def login_link(self) -> str | None:
        """A fresh one-time link for a browser on this machine; None when others can reach the port."""
        return one_time_link(self.site, key=self.site.fresh_key()) if self.site.on_loopback else None

    def stop(self) -> None:
        """Finish what is being answered and close the port."""
        self.server.should_exit = True
        self.thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.stop()


def start(site: Site) -> RunningServer:
    """Serve the page from a thread. Raises `BadSetting` when the address cannot be listened on."""
    web = site.settings.web
    listening = _listening(web.host, web.port)
    site = replace(site, port=listening.getsockname()[1])
    config = uvicorn.Config(
        make_app(site),
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="none",
        lifespan="off",
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    server = uvicorn.Server(config)
    thread = Thread(target=server.run, kwargs={"sockets": [listening]}, name="web", daemon=True)
    thread.start()
    return RunningServer(site, server, thread)


def _listening(host: str, port: int) -> socket.socket:
    """A socket that asyncio knows to be TCP: of any other it leaves small packets waiting for 40 ms."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen()
    except OSError as error:
        listening.close()
        raise BadSetting(f"web.host {host} and web.port {port} cannot be listened on: {error.strerror}.") from error
    return listening
