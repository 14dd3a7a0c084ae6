"""A driver that has no descriptors left: who waits is told so, and it serves on when there is room again."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bot.sandbox import jail
from tests.attacks.attack import GOOD, GOOD_PRINTS

pytestmark = [pytest.mark.sandbox, pytest.mark.slow]

#: A driver in a process of its own, whose descriptors can be taken away. `told` is what it prints at its end.
DRIVER = """
import contextlib, json, os, resource, signal, time
from bot.errors import SandboxError
from bot.sandbox import Order
from bot.sandbox.client import JailedSandbox
from bot.settings import SandboxSettings
from tests.attacks.processes import children_of, eventually

GOOD = Order(code={good!r}, tape=False)
MANY = resource.getrlimit(resource.RLIMIT_NOFILE)
told = {{}}

@contextlib.contextmanager
def room_for(count):
    "Fill the table of descriptors, but for so many."
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, MANY[1]))
    kept = []
    with contextlib.suppress(OSError):
        while True:
            kept.append(os.open("/dev/null", os.O_RDONLY))
    for _ in range(count):
        os.close(kept.pop())
    yield
    for file in kept:
        os.close(file)
    resource.setrlimit(resource.RLIMIT_NOFILE, MANY)

def answer(ticket):
    try:
        seen = ticket.result(seconds=60)
    except SandboxError as error:
        return [type(error).__name__, "no room for another run" in str(error)]
    return seen.stdout.decode() or seen.facts.signal

def run(order):
    try:
        return sandbox.run(order).stdout
    except Exception as error:
        return [type(error).__name__, "no room for another run" in str(error)]

with JailedSandbox(SandboxSettings(memory_mib=256)) as sandbox:
    {attack}
    told["afterwards"] = run(GOOD)
print(json.dumps(told))
"""


def told_by_a_driver(attack: str) -> dict[str, object]:
    program = DRIVER.format(good=GOOD, attack=attack.strip().replace("\n", "\n    "))
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=root, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return json.loads(done.stdout)  # type: ignore[no-any-return]


BUSY = ["SandboxBusy", True]


def test_who_finds_no_descriptor_for_an_order_is_told_to_come_back(made_of: jail.Parts) -> None:
    told = told_by_a_driver(
        """
with room_for(1):
    told["meanwhile"] = run(GOOD)
"""
    )

    assert told == {"meanwhile": BUSY, "afterwards": GOOD_PRINTS}


def test_a_child_whose_descriptors_do_not_fit_is_given_up_at_once_for_the_next(made_of: jail.Parts) -> None:
    """There is room for the order and not for what its child sends; giving the child up makes room."""
    told = told_by_a_driver(
        """
with room_for(3):
    started = time.monotonic()
    told["meanwhile"] = run(GOOD)
    told["soon"] = time.monotonic() - started < 8
"""
    )

    assert told == {"meanwhile": GOOD_PRINTS, "soon": True, "afterwards": GOOD_PRINTS}


def test_a_worker_that_cannot_replace_its_fork_server_serves_on_when_it_can(made_of: jail.Parts) -> None:
    told = told_by_a_driver(
        """
import threading
(worker,), tried = sandbox._workers, threading.Event()
def renewed_without_room(renew=worker._renew):
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, MANY[1]))
    renew()
    tried.set()
worker._renew = renewed_without_room
told["aborted"] = answer(sandbox.submit(Order(code="import os\\nos.abort()", tape=False)))
told["worker"] = tried.wait(30) and worker.is_alive()
del worker._renew
resource.setrlimit(resource.RLIMIT_NOFILE, MANY)
"""
    )

    assert told == {"aborted": 6, "worker": True, "afterwards": GOOD_PRINTS}


def test_each_order_that_waits_is_answered_when_no_fork_server_can_be_booted(made_of: jail.Parts) -> None:
    told = told_by_a_driver(
        """
tickets = [sandbox.submit(Order(code="import time\\ntime.sleep(5)", tape=False))]
assert eventually(lambda: sandbox._workers[0]._in_hand is not None)
tickets += [sandbox.submit(GOOD) for _ in range(2)]
resource.setrlimit(resource.RLIMIT_NOFILE, (3, MANY[1]))
os.kill(sandbox._workers[0]._server.pid, signal.SIGKILL)
told["waiting"] = [answer(ticket) for ticket in tickets]
resource.setrlimit(resource.RLIMIT_NOFILE, MANY)
"""
    )

    assert told == {"waiting": [BUSY] * 3, "afterwards": GOOD_PRINTS}


def test_a_run_waits_a_moment_for_room_before_it_is_given_up(made_of: jail.Parts) -> None:
    told = told_by_a_driver(
        """
from bot.sandbox import worker
waited = []
def room_again(file, *, seconds):
    waited.append(seconds)
    resource.setrlimit(resource.RLIMIT_NOFILE, MANY)
worker.readable = room_again
running = sandbox.submit(Order(code="import time\\ntime.sleep(0.5)\\nprint('end')", tape=False))
assert eventually(lambda: sandbox._workers[0]._in_hand is not None)
resource.setrlimit(resource.RLIMIT_NOFILE, (3, MANY[1]))
os.kill(sandbox._workers[0]._server.pid, signal.SIGKILL)
told["running"], told["waited"] = answer(running), waited
"""
    )

    assert told == {"running": "end\n", "waited": [0.1], "afterwards": GOOD_PRINTS}
