"""The fake forum on a port of this machine."""

import asyncio
import socket
from threading import Thread
from types import TracebackType
from typing import Self

import uvicorn

from bot.settings import ForumSettings
from tests.fake_discourse.app import ForumApp, Key, Traffic
from tests.fake_discourse.creating import Desk
from tests.fake_discourse.faults import Fault, Script
from tests.fake_discourse.state import BOT, State

READ_KEY, WRITE_KEY = "r" * 64, "w" * 64


class _Server(uvicorn.Server):
    """Looks more often than uvicorn whether it is to stop: every test starts and stops one."""

    async def main_loop(self) -> None:
        while not self.should_exit:
            await asyncio.sleep(0.005)


class FakeDiscourse(State):
    """A running forum: `State` with an address. Use it as a context manager."""

    def __init__(self) -> None:
        super().__init__()
        self.desk = Desk(self)
        self.traffic = Traffic()
        self.keys = {
            READ_KEY: Key(BOT, frozenset({"global:read"})),
            WRITE_KEY: Key(BOT, frozenset({"topics:write", "posts:delete"})),
        }
        self._script = Script()
        self.add_user(BOT)
        self._socket = socket.create_server(("127.0.0.1", 0))  # it listens at once: nobody needs to wait for the thread
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._app = ForumApp(self, self.desk, self._script, self.keys, self.traffic)
        config = uvicorn.Config(
            self._app, http="h11", ws="none", lifespan="off", log_config=None, access_log=False, proxy_headers=False
        )
        self._server = _Server(config)
        self._thread = Thread(target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.should_exit = self._server.force_exit = True
        self._thread.join()
        self._socket.close()
        if self._app.problems and error is None:
            raise self._app.problems[0]

    def settings(self, **changes: object) -> ForumSettings:
        """The settings of a bot that watches this forum."""
        values = {"url": self.url, "read_key": READ_KEY, "write_key": WRITE_KEY, "categories": (5,)}
        return ForumSettings(**values | changes)

    def fail_next(self, request: str, fault: Fault, *, times: int = 1) -> None:
        """Make the next requests that begin with these words ("POST /posts", "GET /t/") go wrong."""
        self._script.add(request, fault, times=times)

    def forget_faults(self) -> None:
        """From now on nothing goes wrong."""
        self._script.clear()

    @property
    def requests(self) -> list[str]:
        """What was asked so far: "GET /t/10.json?include_raw=true"."""
        return self.traffic.requests
