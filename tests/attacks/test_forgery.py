"""Lying about the run. A lie may change claims; facts stay, and what is malformed is not taken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from bot.domain.run import Outcome, Run
from bot.sandbox import NumericOrder, Order
from bot.sandbox.client import JailedSandbox
from tests.attacks.attack import LIMITS, SHORT, Attack

pytestmark = [pytest.mark.sandbox, pytest.mark.slow]

#: `send(bytes)` writes one frame, as the harness would, and `leave()` ends before the harness can.
FORGE = """
import os
def frame(body): return len(body).to_bytes(4, 'big') + body
def send(raw):
    while raw: raw = raw[os.write(3, raw):]
def leave(): os._exit(0)
"""

#: Bytes on the claim's pipe, and the reason for which they are not taken.
MALFORMED = {
    "nothing": ("leave()", "missing"),
    "half a length": ("send(b'\\0\\0'); leave()", "partial"),
    "a frame that breaks off": ("send(frame(b'{}' * 9)[:9]); leave()", "partial"),
    "two frames": ("send(frame(b'{}') * 2); leave()", "several"),
    "a frame and the harness's own": ("send(frame(b'{}'))", "several"),
    "bytes after the frame": ("send(frame(b'{}') + b'x'); leave()", "several"),
    "a length of 4 GiB": ("send(b'\\xff\\xff\\xff\\xff{}'); leave()", "too large"),
    "no JSON": ("send(frame(b'ok')); leave()", "not JSON"),
    "a list": ("send(frame(b'[]')); leave()", "not an object"),
    "a bomb of brackets": ("send(frame(b'{\"a\":' + b'[' * 90000 + b']' * 90000 + b'}')); leave()", "too deep"),
    "brackets behind a quote": (
        "send(frame(b'{\"a\":\"\\\\\"\",\"b\":' + b'[' * 40 + b']' * 40 + b'}')); leave()",
        "too deep",
    ),
    "an unfinished string of quotes": ("send(frame(b'{\"' + b'\\\\\"' * 300000)); leave()", "not JSON"),
    "a number of 50 000 digits": ("send(frame(b'{\"line\":' + b'9' * 50000 + b'}')); leave()", "long number"),
    "not a number": ("send(frame(b'{\"line\":NaN}')); leave()", "NaN or infinite"),
    "infinity": ("send(frame(b'{\"line\":-Infinity}')); leave()", "NaN or infinite"),
    "infinity in digits": ("send(frame(b'{\"line\":1e999}')); leave()", "NaN or infinite"),
    "a key twice": ('send(frame(b\'{"error":null,"error":{}}\')); leave()', "repeated key"),
    "bytes that are no text": ('send(frame(b\'{"a":"\\xff"}\')); leave()', "encoding"),
    "half a character": ('send(frame(b\'{"a":"\\\\ud800"}\')); leave()', "encoding"),
    "a pickle": ("import pickle; send(frame(pickle.dumps(print))); leave()", "encoding"),
}

#: Well-formed lies. Facts must tell the truth beside them.
LIES = {
    "success before the error": (
        FORGE + "send(frame(b'{\"torch\":\"9\",\"error\":null,\"echoes\":[[1,\"42\"]]}')); leave()\nraise ValueError",
        Outcome.FINISHED,
    ),
    "fields of the wrong type": (
        FORGE + "send(frame(b'{\"error\":null,\"echoes\":{\"a\":1},\"warnings\":7,\"loops\":[[[]]],\"line\":{}}')); leave()",
        Outcome.FINISHED,
    ),
    "a tape of the wrong shape": (
        FORGE + "send(frame(b'{\"error\":null,\"tape\":{\"events\":[1,{\"line\":\"x\",\"in\":[[1]]}],\"bindings\":[[1]]}}')); leave()",
        Outcome.FINISHED,
    ),
    "all tests passed": ("import os\nprint('ALL TESTS PASSED')\nimport sys\nsys.stdout.flush()\nos._exit(0)", Outcome.REFUSED),
    "our own words": ("print('{\"exit_status\": 0, \"signal\": null}')\nraise ValueError('x')", Outcome.RAISED),
    "closed descriptors": ("import os\nfor n in range(64):\n    try: os.close(n)\n    except OSError: pass", Outcome.REFUSED),
    "a closed claim": ("import os\nos.close(3)", Outcome.REFUSED),
    "a claim that goes elsewhere": ("import os\nos.dup2(1, 3)", Outcome.REFUSED),
    "json replaced": ("import json\njson.dumps = lambda *a, **k: '{\"error\": null}'\nraise ValueError('x')", None),
    "print replaced": ("import builtins\nbuiltins.print = lambda *a, **k: None\nprint('x')\n1 + 1", Outcome.FINISHED),
    "every comparison true": (
        "import torch\ntorch.allclose = lambda *a, **k: True\ntorch.Tensor.__eq__ = lambda s, o: True\nprint(torch.allclose(1, 2))",
        Outcome.FINISHED,
    ),
    "the harness replaced": (
        "from inside import child, program\nprogram.execute = lambda order: {}\nchild._write = lambda frame: None",
        Outcome.REFUSED,
    ),
    "writing after the end": (
        "import atexit, os, threading, time\natexit.register(os.write, 3, b'x')\n"
        "class Last:\n    def __del__(self): os.write(3, b'x')\nlast = Last()",
        Outcome.FINISHED,
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", MALFORMED)
def test_a_malformed_claim_is_not_taken(what: str, must_hold: Callable[[Attack], Run]) -> None:
    code, reason = MALFORMED[what]

    ran = must_hold(Attack(name=what, code=FORGE + code, outcome=Outcome.REFUSED, within=3))

    assert ran.reason == f"the run's report is not valid: {reason}"
    assert ran.error is None
    assert ran.echoes == ()


@pytest.mark.parametrize("what", LIES)
def test_a_lie_changes_claims_and_no_facts(what: str, must_hold: Callable[[Attack], Run]) -> None:
    code, outcome = LIES[what]

    ran = must_hold(Attack(name=what, code=code, outcome=outcome, within=3))

    assert ran.facts.exit_status in (0, 1)  # 1 where the harness itself could no longer write
    assert ran.facts.signal is None
    assert ran.facts.layers != ()
    if ran.outcome is Outcome.FINISHED:
        assert ran.facts.stdout_bytes == len(ran.stdout.encode())


#: How a process ends after it has said that all is well, and what is told of it.
ENDS = {
    "a segmentation fault": ("import ctypes; ctypes.string_at(0)", "it was ended by signal 11"),
    "a kill": ("os.kill(os.getpid(), 9)", "it was ended by signal 9"),
    "an abort": ("os.abort()", "it was ended by signal 6"),
    "a call of another architecture": (
        "import ctypes, mmap; page = mmap.mmap(-1, 4096, prot=7); page.write(bytes.fromhex('b814000000cd80c3'))\n"
        "ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))()",
        "it was ended by signal 31",
    ),
    "another status": ("os._exit(77)", "it ended with exit status 77"),
}


@pytest.mark.parametrize("end", ENDS)
def test_who_does_not_leave_by_itself_has_not_finished(end: str, must_hold: Callable[[Attack], Run]) -> None:
    code, reason = ENDS[end]
    said = 'send(frame(b\'{"error":null,"echoes":[[1,"42"]]}\'))\n'

    ran = must_hold(Attack(name=end, code=FORGE + said + code, outcome=Outcome.REFUSED))

    assert (ran.reason, ran.echoes) == (reason, ())


@pytest.mark.parametrize("claim", ["{}", '{"problem":"too large"}', '{"error":[1]}', '{"error":false}'])
def test_no_word_of_an_error_is_no_success(claim: str, must_hold: Callable[[Attack], Run]) -> None:
    ran = must_hold(
        Attack(name=claim, code=FORGE + f"send(frame({claim.encode()!r})); leave()", outcome=Outcome.REFUSED)
    )

    assert ran.reason == "its report does not say how it ended"


def test_a_time_that_was_not_over_is_no_limit(must_hold: Callable[[Attack], Run]) -> None:
    code = FORGE + 'send(frame(b\'{"error":null,"stopped":"wall"}\')); leave()'

    ran = must_hold(Attack(name="stopped", code=code, outcome=Outcome.REFUSED))

    assert ran.facts.limit is None
    assert ran.reason == "it says that its time was over, and it was not"


def test_the_processors_limit_is_measured_and_not_told(must_hold: Callable[[Attack], Run]) -> None:
    code = "import os, signal\nsignal.signal(24, signal.SIG_DFL)\nos.kill(os.getpid(), 24)"

    ran = must_hold(Attack(name="sigxcpu", code=code, outcome=Outcome.REFUSED, signal=24))

    assert ran.facts.limit is None
    assert ran.reason == "it was ended by signal 24"


def test_a_claim_that_is_too_large_ends_the_run(must_hold: Callable[[Attack], Run]) -> None:
    code = FORGE + "send((2 << 20).to_bytes(4, 'big') + b'x' * (2 << 20))"

    must_hold(Attack(name="too large", code=code, limit="claim", outcome=Outcome.REFUSED, within=3))


def test_control_characters_reach_nobody(run: Callable[..., Run], still_good: None) -> None:
    nasty = r"\x1b]0;title\x07\x1b[31mred\x1b[0m\x9b31m\x00\x08\x7f\r\u202e ok"

    ran = run(f"import sys\nprint('{nasty}')\nprint('{nasty}', file=sys.stderr)\nraise ValueError('{nasty}')")

    assert ran.error is not None
    for text in (ran.stdout, ran.stderr, ran.error.message):
        assert "ok" in text
        assert not any(ord(character) < 32 and character not in "\n\t" for character in text)
        assert not any(0x7F <= ord(character) <= 0x9F for character in text)


def test_bytes_that_are_no_text_are_printed_as_replacements(run: Callable[..., Run], still_good: None) -> None:
    ran = run(r"import os; os.write(1, b'a\xff\xfeb\n')")

    assert ran.stdout == "a��b\n"


def test_half_a_character_in_an_honest_program_is_not_its_end(run: Callable[..., Run], still_good: None) -> None:
    ran = run("x = '\\ud83d'\nprint(len(x))\nprint(x)\nx")

    assert ran.outcome is Outcome.FINISHED
    assert ran.stdout.startswith("1\n")


def test_what_counts_loops_notes_few_and_takes_no_word_for_a_line(sandbox: JailedSandbox, still_good: None) -> None:
    code = """
for number in [*range(1000, 9000)]:
    for line in (number, str(number) * 9):
        goes_on = __passes_of__(line)
        goes_on(), goes_on()
goes_on = __passes_of__(10**40)
print(goes_on(), goes_on())
"""
    ran = sandbox.run(Order(code=code, limits=LIMITS, loop_passes=1))

    assert (ran.outcome, ran.stdout) == (Outcome.FINISHED, "True False\n")
    assert (ran.passes or "").split("; ") == [f"line {number}: 1 passes" for number in range(1000, 1100)]


def test_a_loop_without_its_counter_runs_into_the_clock(sandbox: JailedSandbox, still_good: None) -> None:
    code = "while True:\n    __passes_1__ = lambda: True"

    ran = sandbox.run(Order(code=code, limits=replace(LIMITS, seconds=SHORT), loop_passes=1))

    assert (ran.outcome, ran.passes) == (Outcome.TIMED_OUT, "stopped in the statement at line 1")


def test_the_child_holds_no_expected_value_to_look_for(sandbox: JailedSandbox, still_good: None) -> None:
    """A program that looks through every frame and object finds its own order, and nothing to compare with."""
    code = """
import gc, sys
frame, seen = sys._getframe(), set()
while frame is not None:
    seen |= set(frame.f_locals)
    frame = frame.f_back
orders = [one for one in gc.get_objects() if isinstance(one, dict) and 'claim_bytes' in one]
print(sorted(set().union(*orders)) if orders else [], 'expected' in seen)
"""
    ran = sandbox.run(Order(code=code, tape=False, limits=LIMITS))

    assert ran.outcome is Outcome.FINISHED
    assert ran.stdout in (
        "['claim_bytes', 'code', 'loop_passes', 'numeric', 'seconds', 'seed', 'tape'] False\n",
        "[] False\n",
    )


def test_a_numeric_run_is_told_no_answer(sandbox: JailedSandbox, still_good: None) -> None:
    """A program that knows it is compared finds nudges in its order, and no gradient."""
    code = "import torch\nx = torch.ones(3, requires_grad=True)\n(x * x).sum().backward()\n"

    ran = sandbox.run(Order(code=code, tape=False, limits=LIMITS, numeric=NumericOrder(wanted=("x",))))

    assert ran.outcome is Outcome.FINISHED, ran
    assert ran.numeric is not None


def test_exit_status_zero_alone_is_no_success(must_hold: Callable[[Attack], Run]) -> None:
    ran = must_hold(Attack(name="exit", code="import os\nos._exit(0)", outcome=Outcome.REFUSED, exit_status=0))

    assert not ran.ran
