"""Attacks on how the end of a run is heard of: the driver takes its word to the kernel that it exits.

See `bot.sandbox.notice`. What is told early must be what would have been told late.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from bot.domain.run import Outcome, Run
from bot.sandbox import jail, notice
from tests.attacks.alterations import changed
from tests.attacks.altered_jail import Jail
from tests.attacks.attack import GOOD, GOOD_PRINTS, LIMITS, Attack

pytestmark = pytest.mark.sandbox

#: One thread exits over and over, another calls it away from the exit by a signal, so that it goes on.
EXITS_AND_STAYS = """
import ctypes, os, signal, threading
libc = ctypes.CDLL(None)
signal.signal(signal.SIGUSR2, lambda *_: None)
signal.siginterrupt(signal.SIGUSR2, True)
main = threading.get_native_id()
def call_away():
    while True:
        libc.syscall(ctypes.c_long(234), os.getpid(), main, int(signal.SIGUSR2))
threading.Thread(target=call_away, daemon=True).start()
while True:
    libc.syscall(ctypes.c_long(231), ctypes.c_long(5))
"""
ALL_EXIT = """
import ctypes, threading
libc = ctypes.CDLL(None)
def leave(status):
    start.wait()
    libc.syscall(ctypes.c_long(231), ctypes.c_long(status))
start = threading.Barrier(5)
for status in range(4):
    threading.Thread(target=leave, args=[20 + status], daemon=True).start()
start.wait()
while True: pass
"""
WRITES_ON = """
import os, threading, time
def write():
    while True: os.write(2, b"late "), time.sleep(0.001)
threading.Thread(target=write, daemon=True).start()
os._exit(9)
"""
ENDS: dict[str, Attack] = {
    "an ordinary end": Attack(name="", code=GOOD, outcome=Outcome.FINISHED, prints=GOOD_PRINTS, exit_status=0),
    "an error": Attack(name="", code="print('so far')\n1 / 0", error="ZeroDivisionError", prints="so far\n"),
    "a status": Attack(name="", code="import os\nos._exit(7)", outcome=Outcome.REFUSED, exit_status=7),
    "a status of nine bits": Attack(name="", code="import os\nos._exit(0x107)", exit_status=7),
    "full pipes": Attack(
        name="", code="import os\nos.write(1, b'x' * 60000)\nos._exit(1)", prints="x" * 60000, exit_status=1
    ),
    "one byte too many": Attack(
        name="",
        code="import os\nos.write(1, b'x' * 65536)\nos.write(1, b'y')\nos._exit(0)",
        limit="output",
        outcome=Outcome.REFUSED,
        prints="x" * 65536,
    ),
    "the end of its main thread alone": Attack(
        name="",
        code="import ctypes\nctypes.CDLL(None).syscall(ctypes.c_long(60), ctypes.c_long(3))",
        seconds=0.4,
        limit="wall",
        outcome=Outcome.TIMED_OUT,
        exit_status=0,
    ),
    "a signal": Attack(name="", code="import os\nos.kill(os.getpid(), 11)", signal=11),
    "a thread that writes on": Attack(name="", code=WRITES_ON, exit_status=9),
}


@pytest.fixture(scope="module", params=["told early", "told late"])
def jailed(request: pytest.FixtureRequest, light: jail.Parts) -> Iterator[Jail]:
    """The sandbox where the kernel asks, and where it cannot: there the end is told by the fork server."""
    nobody_asks = changed(
        light, "inside/child.py", "        listener = kernel.listen_for(program)\n", "        raise OSError\n"
    )
    altered = Jail(light if request.param == "told early" else nobody_asks)
    yield altered
    altered.close()


@pytest.mark.parametrize("end", ENDS)
def test_both_ways_tell_the_same_of(end: str, jailed: Jail) -> None:
    attack = ENDS[end]

    assert attack.surprises(jailed.run(attack.code, limits=attack.order().limits)) == []
    assert jailed.run(GOOD).stdout == GOOD_PRINTS


#: Past a cap by one byte, with a report that says that all is well, and away at once.
FRAME = "import os, json\nbody = b'{\"error\":null,\"torch\":\"' + b'x' * %d + b'\"}'\nframe = len(body).to_bytes(4, 'big') + body\n"
OVER = {
    "by printing": ("import sys\nsys.stdout.write('a' * 65537)", "output", "it printed more than it may"),
    "by printing after a report": (
        FRAME % 1 + "os.write(3, frame)\nos.write(1, b'a' * 65536)\nos.write(1, b'a')\nos._exit(0)",
        "output", "it printed more than it may",
    ),
    "by reporting": (
        FRAME % ((1 << 20) - 29) + "raw = frame + b'!'\nassert len(raw) == (1 << 20) + 1\n"
        "while raw: raw = raw[os.write(3, raw):]\nos._exit(0)",
        "claim", "the run's report is not valid: too large",
    ),
}  # fmt: skip


@pytest.mark.parametrize("how", OVER)
def test_who_passes_a_cap_is_told_the_same_however_the_race_ends(how: str, jailed: Jail) -> None:
    code, limit, reason = OVER[how]

    told = {(ran.outcome, ran.reason, ran.facts.limit, ran.error) for ran in (jailed.run(code) for _ in range(20))}

    assert told == {(Outcome.REFUSED, reason, limit, None)}


def test_the_kernel_is_heard_only_where_it_can_be(jailed: Jail, request: pytest.FixtureRequest) -> None:
    child = jailed.child_for(Attack(name="", code="").order())
    try:
        child.wait_until_ready()
        assert (child.listener is not None) is ("told early" in request.node.name)
    finally:
        child.close()


def test_the_processors_time_is_that_of_all_threads(jailed: Jail) -> None:
    two_threads = (
        "import threading, time, torch\n"
        "def work():\n"
        "    until = time.thread_time() + 0.2\n"
        "    while time.thread_time() < until: pass\n"
        "both = [threading.Thread(target=work) for _ in range(2)]\n"
        "[one.start() for one in both]\n[one.join() for one in both]\n"
    )

    ran = jailed.run(two_threads, limits=replace(LIMITS, cpu_seconds=5))

    assert 0.4 <= ran.facts.cpu_seconds < 2


def test_who_is_called_away_from_its_exit_ends_all_the_same(must_hold: Callable[[Attack], Run]) -> None:
    must_hold(Attack(name="stays", code=EXITS_AND_STAYS, outcome=Outcome.REFUSED, seconds=1.0))


def test_of_four_exits_at_once_one_is_told(must_hold: Callable[[Attack], Run]) -> None:
    ran = must_hold(Attack(name="all", code=ALL_EXIT, outcome=Outcome.REFUSED))

    assert ran.facts.exit_status in range(20, 24)


def test_a_question_that_nobody_waits_behind_any_more_is_no_exit() -> None:
    nobody = os.open(os.devnull, os.O_RDONLY)
    try:
        assert notice.let_go(nobody) is None
    finally:
        os.close(nobody)


def test_a_process_that_cannot_be_seen_is_told_of_in_the_usual_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the bot's own pid namespace lies below the jail's, the kernel gives 0 for the pid."""
    answers = []

    def kernel(_: int, request: int, words: bytearray | bytes) -> int:
        if isinstance(words, bytearray):
            words[:8] = (77).to_bytes(8, "little")
        else:
            answers.append((request, words))
        return 0

    monkeypatch.setattr(fcntl, "ioctl", kernel)

    assert notice.let_go(0) is None
    assert [int.from_bytes(words[:8], "little") for _, words in answers] == [77], "it was not let go"
