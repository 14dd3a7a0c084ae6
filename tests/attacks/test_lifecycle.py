"""Killing, crowding and wearing out the sandbox's own processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from bot.domain.run import Limits, Outcome, Run
from bot.errors import SandboxBroken, SandboxBusy, SandboxError
from bot.sandbox import Order, jail
from bot.sandbox.child import ServerDied, readable
from bot.sandbox.client import JailedSandbox
from bot.sandbox.fork_server import ForkServer
from bot.sandbox.ticket import written
from bot.sandbox.worker import WAITING
from tests.attacks.attack import GOOD, GOOD_PRINTS, LIMITS, MEMORY_MIB, SHORT
from tests.attacks.conftest import SETTINGS
from tests.attacks.processes import (
    children_of,
    eventually,
    every_descendant,
    has_ended,
    memory_kib,
    name_of,
    open_files,
)

#: Each starts jails of its own.
pytestmark = [pytest.mark.sandbox, pytest.mark.slow]

#: bubblewrap's second process, the one that waits for the fork server, the fork server; a first process and a child
#: for each that waits.
IDLE_FAMILY = 3 + 2 * WAITING
GOOD_ORDER = Order(code=GOOD, tape=False, limits=LIMITS)
SLEEP = Order(code="import time\ntime.sleep(60)", tape=False, limits=LIMITS)


@pytest.fixture
def fresh(light: jail.Parts) -> Iterator[JailedSandbox]:
    """A sandbox of this test alone, which it may hurt."""
    with JailedSandbox(SETTINGS.model_copy(update={"queue": 4}), made_of=light) as opened:
        yield opened


def assert_good(ran: Run) -> None:
    assert (ran.outcome, ran.stdout) == (Outcome.FINISHED, GOOD_PRINTS)


def servers() -> list[int]:
    """The outermost processes of the jails that this process started."""
    found = []
    for pid in children_of(os.getpid()):
        with suppress(FileNotFoundError, ProcessLookupError):  # it has ended since it was seen
            if b"--unshare-pid" in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.append(pid)
    return found


def under_way(sandbox: JailedSandbox, *, waiting: int = 0) -> bool:
    """Whether the one worker has a run in hand, and so many wait behind it."""
    (worker,) = sandbox._workers
    return worker._in_hand is not None and len(sandbox._queue) == waiting


def newest_server(before: set[int]) -> int:
    (pid,) = set(servers()) - before
    return pid


def test_a_killed_fork_server_is_replaced_and_no_run_is_lost(light: jail.Parts) -> None:
    before = set(servers())
    with JailedSandbox(SETTINGS, made_of=light) as sandbox:
        os.kill(newest_server(before), signal.SIGKILL)

        assert_good(sandbox.run(GOOD_ORDER))


def test_a_fork_server_that_is_killed_under_a_run_is_replaced_and_the_run_begun_again(light: jail.Parts) -> None:
    before = set(servers())
    with JailedSandbox(SETTINGS, made_of=light) as sandbox, ThreadPoolExecutor(1) as aside:
        order = Order(code="import time\ntime.sleep(0.5)\nprint('end')", tape=False, limits=LIMITS)
        running = aside.submit(sandbox.run, order)
        assert eventually(lambda: under_way(sandbox))
        os.kill(newest_server(before), signal.SIGKILL)

        assert running.result().stdout == "end\n"


def test_every_process_of_a_jail_ends_with_it(light: jail.Parts) -> None:
    before = set(servers())
    sandbox = JailedSandbox(SETTINGS, made_of=light)
    server = newest_server(before)
    assert eventually(lambda: len(every_descendant(server)) == IDLE_FAMILY)
    family = every_descendant(server)

    sandbox.close()

    assert eventually(lambda: all(map(has_ended, family)))


def test_every_process_of_a_jail_ends_with_a_driver_that_is_killed(light: jail.Parts) -> None:
    program = """
import time
from bot.sandbox import Order
from bot.sandbox.client import JailedSandbox
from bot.settings import SandboxSettings
sandbox = JailedSandbox(SandboxSettings())
print('ready', flush=True)
sandbox.run(Order(code='import time; time.sleep(60)'))
"""
    driver = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, cwd=Path(__file__).parents[2])
    assert driver.stdout is not None
    with driver.stdout:
        assert driver.stdout.readline() == b"ready\n"
    assert eventually(lambda: len(every_descendant(driver.pid)) >= IDLE_FAMILY)
    family = every_descendant(driver.pid)

    driver.kill()
    driver.wait()

    assert eventually(lambda: all(map(has_ended, family)))


def test_the_first_process_of_a_runs_namespace_takes_the_run_with_it(light: jail.Parts) -> None:
    before = set(servers())
    with JailedSandbox(SETTINGS, made_of=light) as sandbox, ThreadPoolExecutor(1) as aside:
        running = aside.submit(sandbox.run, SLEEP)
        assert eventually(lambda: under_way(sandbox))
        for pid in every_descendant(newest_server(before)):
            if name_of(pid) == "pause":
                os.kill(pid, signal.SIGKILL)

        ran = running.result(timeout=20)

        assert ran.outcome is Outcome.REFUSED
        assert ran.facts.signal == signal.SIGKILL
        assert_good(sandbox.run(GOOD_ORDER))


def test_a_waiting_child_that_died_is_not_taken_for_a_run(light: jail.Parts) -> None:
    server = ForkServer(light, uid=60990, memory_mib=MEMORY_MIB)
    try:
        server.wait_until_ready()
        child = server.prepare(LIMITS)
        child.wait_until_ready()
        child.kill()
        assert eventually(lambda: readable(child.files["status"], seconds=0))

        with pytest.raises(ServerDied):
            server.run(child, written(GOOD_ORDER), limits=LIMITS)
        child.close()
    finally:
        server.close()


def send(frame: str) -> str:
    """A program that writes this on the claim's descriptor and leaves."""
    return f"import os\nos.write(3, {frame})\nos._exit(0)"


#: How a run ends, and whether its fork server is replaced for it.
ENDS_OF_RUNS = {
    "a signal": ("import os\nos.abort()", True),
    "the wall's kill": ("import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)", True),
    "too much output": ("while True: print('a' * 1000)", True),
    "too large a claim": ("import os\nwhile True: os.write(3, b'x' * 4096)", True),
    "another status": ("import os\nos._exit(1)", True),
    "no claim": (send("b''"), True),
    "half a claim": (send("b'\\0\\0\\0\\x05{}'"), True),
    "two claims": (send("b'\\0\\0\\0\\x02{}' * 2"), True),
    "an honest end": (GOOD, False),
    "an honest error": ("1 / 0", False),
    "an honest end by the clock": ("import time\ntime.sleep(30)", False),
    "an honest end without memory": ("kept = []\nwhile True: kept.append(bytearray(1 << 20))", False),
}


@pytest.mark.parametrize("end", ENDS_OF_RUNS)
def test_only_a_run_that_ends_abnormally_has_its_fork_server_replaced(end: str, light: jail.Parts) -> None:
    code, replaced = ENDS_OF_RUNS[end]
    before = set(servers())
    with JailedSandbox(SETTINGS, made_of=light) as sandbox:
        first = newest_server(before)

        sandbox.run(Order(code=code, tape=False, limits=replace(LIMITS, seconds=1.0)))
        assert_good(sandbox.run(GOOD_ORDER))

        assert (len(set(servers()) - before) > 1 or newest_server(before) != first) is replaced
        if replaced:
            assert eventually(
                lambda: sandbox.run(GOOD_ORDER).stdout == GOOD_PRINTS and first not in servers(), seconds=60
            )


def test_a_flood_of_abnormal_ends_waits_for_no_boot_and_boots_one_at_a_time(light: jail.Parts) -> None:
    before = set(servers())
    with JailedSandbox(SETTINGS, made_of=light) as sandbox:
        most = 0
        for _ in range(12):
            ran = sandbox.run(Order(code="import os\nos.abort()", tape=False, limits=LIMITS))
            assert ran.facts.signal == 6
            most = max(most, len(set(servers()) - before))

        assert most == 2


def test_a_worn_fork_server_serves_until_its_successor_has_booted(light: jail.Parts) -> None:
    before = set(servers())
    with JailedSandbox(SETTINGS.model_copy(update={"recycle_runs": 3}), made_of=light) as sandbox:
        first = newest_server(before)
        for _ in range(2):
            assert_good(sandbox.run(GOOD_ORDER))
        assert newest_server(before) == first

        beside_its_successor = 0
        while first in (standing := set(servers()) - before):
            assert_good(sandbox.run(GOOD_ORDER))
            beside_its_successor += len(standing) > 1

        assert beside_its_successor > 1
        assert_good(sandbox.run(GOOD_ORDER))
        assert newest_server(before) != first


def test_who_finds_the_queue_full_is_told_to_come_back(fresh: JailedSandbox) -> None:
    running = fresh.submit(SLEEP)
    assert eventually(lambda: under_way(fresh))
    waiting = [fresh.submit(GOOD_ORDER) for _ in range(4)]

    with pytest.raises(SandboxBusy):
        fresh.run(GOOD_ORDER)

    running.cancel()
    for ticket in waiting:
        assert ticket.result().facts.exit_status == 0


def test_who_filled_the_queue_gives_up_a_place_to_who_has_none(fresh: JailedSandbox) -> None:
    running = fresh.submit(SLEEP, asker="greedy")
    assert eventually(lambda: under_way(fresh))
    waiting = [fresh.submit(GOOD_ORDER, asker="greedy") for _ in range(4)]

    late = fresh.submit(GOOD_ORDER, asker="modest")

    with pytest.raises(SandboxBusy):
        waiting[-1].result(seconds=0)
    running.cancel()
    assert [ticket.result().facts.exit_status for ticket in (*waiting[:-1], late)] == [0] * 4


def test_a_cancelled_run_ends_at_once(fresh: JailedSandbox) -> None:
    running = fresh.submit(SLEEP)
    assert eventually(lambda: under_way(fresh))

    running.cancel()

    with pytest.raises(SandboxError, match="cancelled"):
        running.result(seconds=2)
    assert_good(fresh.run(GOOD_ORDER))


def test_a_cancelled_order_gives_up_its_place(fresh: JailedSandbox) -> None:
    running = fresh.submit(SLEEP)
    waiting = fresh.submit(SLEEP)
    waiting.cancel()
    running.cancel()

    with pytest.raises(SandboxError, match="cancelled"):
        waiting.result(seconds=5)
    assert_good(fresh.run(GOOD_ORDER))


def test_closing_ends_what_runs_and_what_waits(light: jail.Parts) -> None:
    sandbox = JailedSandbox(SETTINGS, made_of=light)
    running, waiting = sandbox.submit(SLEEP), sandbox.submit(SLEEP)
    assert eventually(lambda: under_way(sandbox, waiting=1))

    sandbox.close()

    for ticket in (running, waiting):
        with pytest.raises(SandboxError):
            ticket.result(seconds=1)
    with pytest.raises(SandboxBroken):
        sandbox.run(GOOD_ORDER)


def test_a_child_that_nobody_wants_ends(light: jail.Parts) -> None:
    server = ForkServer(light, uid=60990, memory_mib=MEMORY_MIB)
    try:
        server.wait_until_ready()
        alone = len(every_descendant(server.pid))
        for _ in range(5):
            server.prepare(LIMITS).close()

        assert eventually(lambda: len(every_descendant(server.pid)) == alone)
    finally:
        server.close()


def test_many_children_that_nobody_has_asked_yet_are_all_locked_in(light: jail.Parts) -> None:
    """As many as wait for the orders of fifteen workers; what they send to their drivers lies there until then."""
    server = ForkServer(light, uid=60990, memory_mib=MEMORY_MIB)
    try:
        server.wait_until_ready()
        children = [server.prepare(LIMITS) for _ in range(15 * WAITING)]

        for child in reversed(children):
            child.wait_until_ready()
            child.close()
    finally:
        server.close()


def test_an_order_of_a_megabyte_is_run(sandbox: JailedSandbox) -> None:
    code = f"text = '{'a' * (1 << 20)}'\nprint(len(text))"

    assert sandbox.run(Order(code=code, tape=False, limits=LIMITS)).stdout == f"{1 << 20}\n"


def test_one_that_does_not_read_its_order_does_not_hold_up_the_driver(sandbox: JailedSandbox, still_good: None) -> None:
    """The order is larger than a pipe holds, and the program stops before it is asked for more."""
    code = "import os, time\nos.close(0)\ntime.sleep(60)\n" + "#" * (1 << 20)
    limits = Limits(seconds=SHORT, cpu_seconds=1, memory_mib=MEMORY_MIB)

    assert sandbox.run(Order(code=code, tape=False, limits=limits)).outcome is Outcome.TIMED_OUT


def test_a_hundred_at_once_are_all_answered(light: jail.Parts) -> None:
    settings = SETTINGS.model_copy(update={"workers": 2, "queue": 100})
    with JailedSandbox(settings, made_of=light) as sandbox, ThreadPoolExecutor(100) as crowd:
        codes = [f"import torch\nprint(int(torch.tensor({n}) * 2))" for n in range(100)]
        ran = list(crowd.map(lambda code: sandbox.run(Order(code=code, tape=False, limits=LIMITS)), codes))

    assert [one.stdout for one in ran] == [f"{2 * n}\n" for n in range(100)]


def test_those_who_wait_are_served_in_their_order(fresh: JailedSandbox) -> None:
    served: list[int] = []
    lock = threading.Lock()
    running = fresh.submit(Order(code="import time\ntime.sleep(0.3)", tape=False, limits=LIMITS))
    assert eventually(lambda: under_way(fresh))
    tickets = [fresh.submit(GOOD_ORDER) for _ in range(4)]

    def wait(number: int) -> None:
        tickets[number].result()
        with lock:
            served.append(number)

    with ThreadPoolExecutor(4) as crowd:
        list(crowd.map(wait, [3, 2, 1, 0]))

    assert running.result().facts.exit_status == 0
    assert served == [0, 1, 2, 3]


def test_who_has_many_orders_waiting_does_not_keep_another_from_his(fresh: JailedSandbox) -> None:
    running = fresh.submit(SLEEP, asker="replay")
    assert eventually(lambda: under_way(fresh))
    many = [fresh.submit(SLEEP, asker="replay") for _ in range(3)]
    one = fresh.submit(GOOD_ORDER, asker="page")
    running.cancel()
    many[0].cancel()  # its turn came before

    assert one.result(seconds=20).facts.exit_status == 0

    for ticket in many[1:]:
        assert not ticket.is_cancelled
        ticket.cancel()


@pytest.mark.timeout(300)
def test_a_thousand_runs_leave_nothing_behind(made_of: jail.Parts) -> None:
    before = set(servers())
    with JailedSandbox(SETTINGS.model_copy(update={"recycle_runs": 5000}), made_of=made_of) as sandbox:
        for _ in range(50):
            assert_good(sandbox.run(GOOD_ORDER))
        server = newest_server(before)
        (zygote,) = [pid for pid in every_descendant(server) if memory_kib(pid) > 200_000 and children_of(pid)]
        assert eventually(lambda: len(every_descendant(server)) == IDLE_FAMILY)
        files, memory, ours = open_files(zygote), memory_kib(zygote), open_files(os.getpid())

        for _ in range(1000):
            assert_good(sandbox.run(GOOD_ORDER))

        assert newest_server(before) == server
        assert eventually(lambda: len(every_descendant(server)) == IDLE_FAMILY)
        assert eventually(lambda: open_files(zygote) == files)
        assert open_files(os.getpid()) < ours + 50  # what other tests of this process hold open comes and goes
        # Six KiB a run would be seen; huge pages of 2 MiB are made by the kernel when it likes.
        assert memory_kib(zygote) - memory < 6 * 1024
