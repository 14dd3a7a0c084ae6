"""The sandbox as a service over a Unix socket."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from bot.doctor import examine
from bot.domain.run import Limits, Outcome
from bot.errors import SandboxError, SandboxUnavailable
from bot.sandbox import NumericOrder, Order
from bot.sandbox.client import JailedSandbox
from bot.sandbox.open import open_sandbox
from bot.sandbox.service import RemoteSandbox, SandboxServer
from bot.sandbox.ticket import Ticket
from bot.sandbox.wire import read_request, request_record
from bot.settings import SandboxSettings

pytestmark = pytest.mark.sandbox

LIMITS = Limits(seconds=5, cpu_seconds=5, memory_mib=256)
SETTINGS = SandboxSettings(seconds=5, cpu_seconds=5, memory_mib=256)
GRADIENT = "import torch\nx = torch.ones(2, requires_grad=True)\n(x * 3).sum().backward()\nx.grad\nprint('完')"


class WatchedSandbox(JailedSandbox):
    """A sandbox that says when a worker has taken an order."""

    def __init__(self, settings: SandboxSettings) -> None:
        self.taken = threading.Event()
        super().__init__(settings)

    def take(self) -> Ticket | None:
        ticket = super().take()
        self.taken.set()
        return ticket


@pytest.fixture(scope="module")
def here() -> Iterator[WatchedSandbox]:
    try:
        with WatchedSandbox(SETTINGS) as opened:
            yield opened
    except SandboxUnavailable as error:
        pytest.skip(f"no sandbox on this machine: {error}")


@pytest.fixture(scope="module")
def path(here: JailedSandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A service at a socket, in a thread of this process."""
    where = tmp_path_factory.mktemp("run") / "sandbox.sock"
    server = SandboxServer(here, where)
    thread = threading.Thread(target=server.serve)
    thread.start()
    yield where
    server.stop()
    thread.join()
    assert not where.exists()


def test_a_run_over_the_socket_tells_the_same_as_one_here(here: JailedSandbox, path: Path) -> None:
    order = Order(code=GRADIENT, limits=LIMITS)
    with RemoteSandbox(path) as there:
        far, near = there.run(order), here.run(order)

    assert far.outcome is near.outcome is Outcome.FINISHED
    assert (far.stdout, far.echoes, far.warnings) == (near.stdout, near.echoes, near.warnings)
    assert [event.op for event in far.tape.events] == [event.op for event in near.tape.events]  # type: ignore[union-attr]
    assert (far.facts.layers, far.facts.memory_enforced_by) == (near.facts.layers, near.facts.memory_enforced_by)


def test_settings_with_a_socket_open_the_service(path: Path) -> None:
    with open_sandbox(SandboxSettings(socket=path), data=None) as sandbox:
        assert isinstance(sandbox, RemoteSandbox)
        assert sandbox.run(Order(code="print(1)", limits=LIMITS)).stdout == "1\n"


def test_every_field_of_an_order_arrives(path: Path) -> None:
    numeric = NumericOrder(held_lines=(3, 5), wanted=("w",), directions=3, epsilon=1e-4)
    order = Order(code="é\0", tape=False, seed=7, limits=LIMITS, numeric=numeric, loop_passes=9)
    sent: list[Mapping[str, object]] = []

    class Recording(RemoteSandbox):
        def _asked(self, request):  # type: ignore[no-untyped-def]
            sent[:] = [request]
            return super()._asked(request)

    with Recording(path) as there:
        there.observe(order)

    assert read_request(json.loads(json.dumps(sent[0])))[0] == order


def test_the_doctor_asks_the_service(path: Path) -> None:
    checks = examine(SandboxSettings(socket=path), data=None)

    assert len(checks) >= 14
    assert all(check.good for check in checks)


def test_a_connection_that_closes_gives_up_its_run(here: WatchedSandbox, path: Path) -> None:
    here.taken.clear()
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(path))
        endless = request_record(Order(code="while True: pass", tape=False, limits=LIMITS), client="a")
        body = json.dumps(endless).encode()
        connection.sendall(len(body).to_bytes(4, "big") + body)
        assert here.taken.wait(timeout=30)
    started = time.monotonic()

    assert here.run(Order(code="print(1)", tape=False, limits=LIMITS)).stdout == "1\n"
    assert time.monotonic() - started < 3  # and not the five seconds of the other


def test_what_is_no_order_is_refused_and_the_service_lives(path: Path) -> None:
    for raw in (b"\xff\xff\xff\xff", b"\0\0\0\2{}", b"\0\0\0\2[]", b"\0\0", b"GET / HTTP/1.0\r\n\r\n", b""):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(path))
            connection.sendall(raw)
            connection.shutdown(socket.SHUT_WR)
            answer = connection.recv(4096)
        assert b"SandboxError" in answer

    with RemoteSandbox(path) as there:
        assert there.run(Order(code="print(1)", limits=LIMITS)).stdout == "1\n"


def test_an_order_of_the_wrong_shape_is_an_error_in_words() -> None:
    for request in ({}, {"limits": {}, "numeric": None}, {"limits": 3, "numeric": None}):
        with pytest.raises(SandboxError, match="another version"):
            read_request(request)


def test_where_nobody_listens_the_command_is_named(tmp_path: Path) -> None:
    with pytest.raises(SandboxUnavailable, match="autograd-bot sandbox serve"):
        RemoteSandbox(tmp_path / "nothing.sock")


def test_a_socket_that_was_left_behind_is_taken_over(here: JailedSandbox, tmp_path: Path) -> None:
    where = tmp_path / "left.sock"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(where))
    server = SandboxServer(here, where)
    server.stop()
    server.serve()

    assert not where.exists()


def test_a_socket_in_use_is_not_taken(here: JailedSandbox, path: Path) -> None:
    with pytest.raises(SandboxUnavailable, match="cannot listen"):
        SandboxServer(here, path)
