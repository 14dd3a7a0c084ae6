"""The sandbox's service under connections that say nothing, trickle, or are too many."""

from __future__ import annotations

import json
import resource
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from bot.domain.run import Limits
from bot.errors import SandboxBusy, SandboxUnavailable
from bot.sandbox import Order
from bot.sandbox.child import readable
from bot.sandbox.client import JailedSandbox
from bot.sandbox.service import RemoteSandbox, SandboxServer
from bot.sandbox.visitors import SPARE, most_for
from bot.sandbox.wire import frame_of, request_record
from bot.settings import SandboxSettings
from tests.attacks.processes import eventually

pytestmark = pytest.mark.sandbox

LIMITS = Limits(seconds=30, cpu_seconds=30, memory_mib=256)
ONE = Order(code="print(1)", tape=False, limits=LIMITS)
SLEEP = Order(code="import time\ntime.sleep(30)", tape=False, limits=LIMITS)
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def here() -> Iterator[JailedSandbox]:
    try:
        with JailedSandbox(SandboxSettings(seconds=30, cpu_seconds=30, memory_mib=256)) as opened:
            yield opened
    except SandboxUnavailable as error:
        pytest.skip(f"no sandbox on this machine: {error}")


@pytest.fixture
def serving(here: JailedSandbox, tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """Start services at sockets of their own, in threads of this process."""
    with ExitStack() as later:

        def start(**bounds: float) -> Path:
            where = tmp_path / "sandbox.sock"
            server = SandboxServer(here, where, **bounds)  # type: ignore[arg-type]
            thread = threading.Thread(target=server.serve)
            thread.start()
            later.callback(thread.join)
            later.callback(server.stop)
            return where

        yield start


@pytest.fixture
def connected() -> Iterator[Callable[[Path], socket.socket]]:
    """Open connections that say nothing."""
    with ExitStack() as later:

        def connect(path: Path) -> socket.socket:
            connection = later.enter_context(socket.socket(socket.AF_UNIX))
            connection.settimeout(20)
            connection.connect(str(path))
            return connection

        yield connect


def said(connection: socket.socket) -> dict[str, str]:
    """The one frame that a connection is sent before it is closed."""
    with connection.makefile("rb") as reader:
        text = reader.read()
    return json.loads(text[4:])  # type: ignore[no-any-return]


def test_who_sends_no_order_in_time_is_told_so_and_closed(
    serving: Callable[..., Path], connected: Callable[[Path], socket.socket]
) -> None:
    silent = connected(serving(request_seconds=0.2))

    assert said(silent) == {"error": "SandboxError", "message": "no whole order came within 0.2 s"}


def test_an_order_that_trickles_is_not_waited_for_without_end(
    serving: Callable[..., Path], connected: Callable[[Path], socket.socket]
) -> None:
    trickling = connected(serving(request_seconds=0.5))
    frame = frame_of(request_record(ONE, client="a"))
    sent = 0
    for byte in frame:
        sent += trickling.send(bytes([byte]))
        if readable(trickling.fileno(), seconds=0.02):
            break

    assert sent < len(frame)
    assert said(trickling)["message"] == "no whole order came within 0.5 s"


def test_the_silent_make_room_for_who_asks(
    serving: Callable[..., Path], connected: Callable[[Path], socket.socket]
) -> None:
    path = serving(most=3)
    silent = [connected(path) for _ in range(5)]

    with RemoteSandbox(path) as sandbox:
        assert sandbox.run(ONE).stdout == "1\n"

    first = said(silent[0])
    assert first["error"] == "SandboxBusy"
    assert "silent" in first["message"]


def test_when_all_are_at_work_the_next_is_told_that_there_is_no_room(
    here: JailedSandbox, serving: Callable[..., Path], connected: Callable[[Path], socket.socket]
) -> None:
    path = serving(most=2)
    asker = RemoteSandbox(path)
    working: list[socket.socket] = []
    for waiting in range(2):
        connection = connected(path)
        working.append(connection)
        connection.sendall(frame_of(request_record(SLEEP, client="a")))
        assert eventually(lambda so_many=waiting: here._workers[0]._in_hand and len(here._queue) == so_many)

    with pytest.raises(SandboxBusy, match="All places"):
        asker._asked({"about": True})

    for connection in working:
        connection.close()


def test_the_bound_follows_from_the_places_and_from_the_descriptors() -> None:
    here = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    assert here >= 400

    assert most_for(65) == 65 + SPARE
    assert most_for(1 << 30) == here // 4


@pytest.fixture
def service(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """`autograd-bot sandbox serve` in a process of its own."""
    path = tmp_path / "sandbox.sock"
    words = [sys.executable, "-m", "bot", "sandbox", "serve", "--socket", str(path)]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        if "listens" not in server.stdout.readline():
            pytest.skip(f"no sandbox on this machine: {server.communicate()[1]}")
        yield server, path
        server.terminate()


def test_a_service_without_descriptors_sends_the_silent_away_and_serves_on(
    service: tuple[subprocess.Popen[str], Path], connected: Callable[[Path], socket.socket]
) -> None:
    server, path = service
    open_files = len(list(Path(f"/proc/{server.pid}/fd").iterdir()))
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (open_files + 4, 4096))
    silent = [connected(path) for _ in range(40)]

    with ThreadPoolExecutor(4) as crowd:
        askers = list(crowd.map(RemoteSandbox, [path] * 4))

    assert all(len(asker.findings) >= 14 for asker in askers)
    assert said(silent[0])["error"] == "SandboxBusy"
    assert server.poll() is None
    for connection in silent:
        connection.close()
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (1024, 4096))
    assert askers[0].run(ONE).stdout == "1\n"
