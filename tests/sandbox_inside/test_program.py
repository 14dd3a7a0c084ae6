"""A snippet runs as a notebook's cell would, and whatever it does ends in a report."""

from __future__ import annotations

from collections.abc import Callable
from textwrap import dedent
from typing import Any

import pytest

from bot.domain.run import Limits, Outcome, Run
from bot.sandbox import Order
from bot.sandbox.client import JailedSandbox

pytestmark = pytest.mark.sandbox

RunCode = Callable[..., Run]


@pytest.fixture
def run(sandbox: JailedSandbox) -> RunCode:
    def run(code: str, **more: Any) -> Run:
        return sandbox.run(Order(code=dedent(code).lstrip("\n"), **more))

    return run


def shown(run: Run) -> list[tuple[int, str]]:
    return [(echo.line, echo.text) for echo in run.echoes]


def printed(run: Run) -> list[tuple[int, str]]:
    return [(echo.line, echo.text) for echo in run.prints]


def ending(run: Run) -> tuple[str, int | None]:
    assert run.outcome is Outcome.RAISED
    assert run.error is not None
    return run.error.type, run.error.line


def test_expressions_are_echoed_and_statements_are_not(run: RunCode) -> None:
    done = run("""
        x = 3
        x
        x + 1; x * 2
        "a sentence"
        print(x)
        x.real
        """)
    assert shown(done) == [(2, "3"), (3, "4"), (3, "6"), (6, "3")]
    assert printed(done) == [(5, "3\n")]


def test_a_name_that_holds_nothing_is_shown_all_the_same(run: RunCode) -> None:
    assert shown(run("x = None\nx\nprint()\n")) == [(2, "None")]


def test_prints_are_kept_by_the_line_that_made_them_even_in_functions(run: RunCode) -> None:
    done = run("""
        def tell(what):
            print(what)
        for number in range(2):
            tell(number)
        print(*"ab", sep="-")
        """)
    assert printed(done) == [(2, "0\n1\n"), (5, "a-b\n")]


def test_the_first_failure_ends_the_run_and_what_came_before_stays(run: RunCode) -> None:
    done = run("1 + 0\n1 / 0\n2 + 0\n")
    assert ending(done) == ("ZeroDivisionError", 2)
    assert shown(done) == [(1, "1")]


def test_an_error_in_a_function_is_mapped_to_its_innermost_line(run: RunCode) -> None:
    done = run("""
        import torch
        def loss(a):
            return torch.mm(a, a)
        loss(torch.ones(2, 3))
        """)
    assert ending(done) == ("RuntimeError", 3)
    assert done.error is not None
    assert done.error.frames == (4, 3)


def test_of_nested_exceptions_the_last_one_counts(run: RunCode) -> None:
    done = run("""
        try:
            1 / 0
        except ZeroDivisionError as error:
            raise ValueError("worse") from error
        """)
    assert ending(done) == ("ValueError", 4)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("x = (\n", ("SyntaxError", 1)),
        ("if True:\nx = 1\n", ("IndentationError", 2)),
        ("1\nreturn\n", ("SyntaxError", 2)),
        ("exec('x = (')\n", ("SyntaxError", 1)),
        ("assert False\n", ("AssertionError", 1)),
        ("x = input('n? ')\n", ("EOFError", 1)),
        ("import sys\nsys.exit(3)\n", ("SystemExit", 2)),
        ("raise KeyboardInterrupt\n", ("KeyboardInterrupt", 1)),
        ("class A:\n    def __repr__(self): return 1\nA()\n", ("TypeError", 3)),
        ("class E(Exception):\n    def __str__(self): raise SystemExit\nraise E\n", ("E", 3)),
        ("import sys\nsys.stdout.close()\nprint(1)\n", ("ValueError", 3)),
    ],
)
def test_every_way_to_fail_is_reported_with_its_line(run: RunCode, code: str, expected: tuple[str, int]) -> None:
    assert ending(run(code)) == expected


@pytest.mark.parametrize(
    "code",
    [
        "import sys\nsys.exit()\n1 / 0\n",
        "exit()\n1 / 0\n",
        "import sys\ndel sys.stdout\n",
        "import sys\nsys.stdout = None\n",
        "raise SystemExit(0)\n",
    ],
)
def test_a_program_may_end_itself_and_take_its_streams_along(run: RunCode, code: str) -> None:
    assert run(code).outcome is Outcome.FINISHED


def test_endless_recursion_is_reported_in_few_frames(run: RunCode) -> None:
    done = run("def f():\n    return f()\nf()\n")
    assert ending(done) == ("RecursionError", 2)
    assert done.error is not None
    assert done.error.frames[0] == 3
    assert len(done.error.frames) == 40


def test_the_main_guard_dataclasses_and_pickling_work_as_in_a_file(run: RunCode) -> None:
    done = run("""
        import inspect, pickle
        from dataclasses import dataclass
        from enum import Enum
        @dataclass
        class Point:
            x: int
        class Kind(Enum):
            ODD = 1
        if __name__ == "__main__":
            print("main")
        pickle.loads(pickle.dumps([Point(3), Kind.ODD]))
        inspect.getsource(Point).splitlines()[1]
        """)
    assert (done.outcome, done.stdout) == (Outcome.FINISHED, "main\n")
    assert shown(done) == [(11, "[Point(x=3), <Kind.ODD: 1>]"), (12, "'class Point:'")]


def test_a_future_import_holds_for_the_rest_of_the_program(run: RunCode) -> None:
    done = run("from __future__ import annotations\ndef f(x: Unknown) -> Unknown: return x\nf(1)\n")
    assert shown(done) == [(3, "1")]


def test_threads_are_waited_for_and_may_fail_alone(run: RunCode) -> None:
    done = run("""
        import threading, time
        def late():
            time.sleep(0.05)
            print("late")
        def broken():
            1 / 0
        threading.Thread(target=late).start()
        threading.Thread(target=broken).start()
        """)
    assert (done.outcome, done.stdout) == (Outcome.FINISHED, "late\n")
    assert "ZeroDivisionError" in done.stderr


@pytest.mark.parametrize(
    ("code", "category", "line"),
    [
        ("import warnings\ndef f():\n    warnings.warn('careful')\nf()\n", "UserWarning", 3),
        ("import torch\nx = torch.ones(2, requires_grad=True) * 2\nx.sum().backward()\nx.grad\n", "UserWarning", 4),
        ("import numpy\nx = numpy.ones(1) / 0\n", "RuntimeWarning", 2),
        ("x = 1\ny = x is 1\n", "SyntaxWarning", 2),
        ("y = 1\nx = '\\d'\n", "DeprecationWarning", 2),
    ],
)
def test_a_warning_is_laid_at_the_askers_own_line(run: RunCode, code: str, category: str, line: int) -> None:
    assert [(warning.category, warning.line) for warning in run(code).warnings] == [(category, line)]


def test_the_same_warning_of_a_line_is_kept_once(run: RunCode) -> None:
    done = run("import warnings\nfor _ in range(3):\n    warnings.warn('again')\nwarnings.warn('again')\n")
    assert [warning.line for warning in done.warnings] == [3, 4]


def test_every_run_sees_the_same_random_numbers(run: RunCode) -> None:
    code = "import random, numpy, torch\nrandom.random(), numpy.random.rand(), torch.rand(1).item()\n"
    assert shown(run(code)) == shown(run(code))
    assert shown(run(code)) != shown(run(code, seed=1))


def test_long_loops_can_be_run_for_their_first_passes_and_it_is_said(run: RunCode) -> None:
    done = run(
        """
        seen = []
        for epoch in range(10**9):
            for step in range(2, 10**9, 2):
                seen.append((epoch, step))
        for short in range(2):
            print(short)
        seen
        """,
        loop_passes=2,
    )
    assert shown(done) == [(7, "[(0, 2), (0, 4), (1, 2), (1, 4)]")]
    assert done.stdout == "0\n1\n"
    assert done.passes == "line 2: 2 of 1000000000 passes; line 3: 2 of 499999999 passes"


def test_a_range_behind_a_name_or_inside_of_enumerate_and_zip_is_shortened_too(run: RunCode) -> None:
    done = run(
        """
        num_epochs = 1000
        epochs = range(num_epochs)
        for epoch in epochs: print("name", epoch)
        for at, epoch in enumerate(range(num_epochs), 1): print("enumerate", at, epoch)
        for a, b in zip(range(num_epochs), "abcdef"): print("zip", a, b)
        for epoch in range(10**30): print("endless", epoch)
        print(len(epochs), [n for n in range(4)], list(range(4)))
        """,
        loop_passes=1,
    )
    assert done.stdout.splitlines() == [
        "name 0", "enumerate 1 0", "zip 0 a", "endless 0", "1000 [0, 1, 2, 3] [0, 1, 2, 3]",
    ]  # fmt: skip
    assert done.passes == "; ".join([*(f"line {line}: 1 of 1000 passes" for line in (3, 4, 5)), "line 6: 1 passes"])


def test_a_range_of_the_programs_own_and_other_things_are_looped_over_in_full(run: RunCode) -> None:
    done = run(
        """
        def range(n): return [n, n, n]
        for one in range(7): print(one)
        batches = [1, 2, 3]
        for batch in batches: print(batch)
        """,
        loop_passes=1,
    )
    assert (done.stdout, done.passes) == ("7\n7\n7\n1\n2\n3\n", None)


def test_while_loops_are_run_for_their_first_passes_too_each_time_they_begin(run: RunCode) -> None:
    done = run(
        """
        while True:
            inner = 0
            while inner < 10**9:
                inner += 1
                if inner == 2: continue
                print(inner, end=" ")
            else:
                print("else")
        print("after")
        """,
        loop_passes=3,
    )
    assert (done.outcome, done.stdout) == (Outcome.FINISHED, "1 3 else\n" * 3 + "after\n")
    assert done.passes == "line 3: 3 passes; line 1: 3 passes"


def test_a_while_loop_that_ends_by_itself_is_not_said_to_be_shortened(run: RunCode) -> None:
    done = run(
        """
        left = [3, 2, 1]
        while left: print(left.pop())
        else: print("empty")
        while True:
            left.append(1)
            if len(left) == 3: break
        else: print("never")
        """,
        loop_passes=3,
    )
    assert (done.stdout, done.passes) == ("1\n2\n3\nempty\n", None)


def test_functions_that_call_themselves_count_each_loop_for_itself_and_generators_are_never_cut_off(
    run: RunCode,
) -> None:
    done = run(
        """
        def deeper(depth):
            passes = 0
            while True:
                passes += 1
                if depth: deeper(depth - 1)
                if passes == 3 - depth: break
            print(depth, passes)
        def counting():
            at = 0
            while True:
                yield at
                at += 1
        deeper(1)
        list(zip(counting(), "abcdef"))
        """,
        loop_passes=4,
    )
    assert done.stdout == "0 3\n0 3\n1 2\n"
    assert shown(done) == [(14, "[(0, 'a'), (1, 'b'), (2, 'c'), (3, 'd'), (4, 'e'), (5, 'f')]")]
    assert done.passes is None


def test_a_condition_that_fails_fails_where_it_stands(run: RunCode) -> None:
    done = run("import torch\nloss = torch.ones(2)\n\nwhile loss > 1e-3:\n    pass\n", loop_passes=3)
    assert ending(done) == ("RuntimeError", 4)
    assert done.passes is None


def test_a_run_stopped_by_the_clock_says_how_far_it_came(run: RunCode) -> None:
    done = run(
        """
        import torch
        w = torch.ones(2, requires_grad=True)
        print("begun")
        while True:
            (w * w).sum().backward()
        """,
        limits=Limits(seconds=0.7),
    )
    assert (done.outcome, done.stdout) == (Outcome.TIMED_OUT, "begun\n")
    assert done.passes == "stopped in the statement at line 4"
    assert done.tape is not None
    assert sum(event.times for event in done.tape.calls("backward")) > 5


def test_a_report_that_would_be_too_large_loses_the_end_of_its_tape_and_no_more(run: RunCode) -> None:
    rows = "\n".join(f"y{number} = torch.stack([x * {number}] * 16).sum()" for number in range(450))
    done = run(f"import torch\nx = torch.ones(3, requires_grad=True)\n{rows}\ny3\n", limits=Limits(claim_bytes=200_000))
    assert done.outcome is Outcome.FINISHED
    assert shown(done)[-1][1].startswith("tensor(144.")
    assert done.tape is not None
    assert done.tape.cut
    assert done.tape.events[0].op == "torch.ones"


def test_much_that_is_shown_is_cut_and_not_refused(run: RunCode) -> None:
    done = run("\n".join(["'梯' * 5000"] * 300) + "\n")
    assert done.outcome is Outcome.FINISHED
    assert 50_000 < sum(len(text) for _, text in shown(done)) <= 60_000


def test_without_the_tape_a_program_ends_the_same(run: RunCode) -> None:
    code = """
        import torch
        x = torch.arange(3.0, requires_grad=True)
        y = x * x
        y.backward()
        """
    taped, plain = run(code), run(code, tape=False)
    assert plain.tape is None
    assert taped.error == plain.error


SMILE = "chr(0x1F600)"
#: Reports with more in them than may be sent: by what fills them.
OVERFULL = {
    "warnings": f"import warnings\nfor i in range(50): warnings.warn({SMILE} * 3990 + str(i))\n",
    "echoes": f"s = {SMILE} * 4000\n" + "s\n" * 15,
    "prints": f"for i in range(15): print({SMILE} * 900)\n",
    "all of them": (
        f"import warnings\ns = {SMILE} * 1990\nfor i in range(50): warnings.warn(s + str(i))\n"
        + "s\n" * 30
        + "for i in range(4): print(s)\n"
    ),
    "a tape": "import torch\nx = torch.ones(3)\n" + "x = x + 1\n" * 300,
}


@pytest.mark.parametrize("what", OVERFULL)
@pytest.mark.parametrize("most", [1 << 20, 60 << 10, 4 << 10])
def test_a_report_without_room_still_says_how_the_program_ended(run: RunCode, what: str, most: int) -> None:
    done = run(OVERFULL[what] + "raise ValueError('the honest error')\n", limits=Limits(claim_bytes=most))

    assert done.outcome is Outcome.RAISED, done.reason
    assert done.error is not None
    assert (done.error.type, done.error.message) == ("ValueError", "the honest error")


def test_an_error_that_is_longer_than_a_report_is_cut(run: RunCode) -> None:
    done = run(f"raise ValueError({SMILE} * 8000)\n", limits=Limits(claim_bytes=4 << 10))

    assert done.error is not None
    assert done.error.type == "ValueError"
    assert len(done.error.message) > 500
    assert set(done.error.message) == {"\U0001f600"}


@pytest.mark.parametrize(
    "code",
    [
        "import torch\ntorch.__version__ = object()\n",
        "class Word(str):\n    def __getitem__(self, place): return object()\n"
        "import warnings\nwarnings.warn(Word('x'))\nprint(Word('y'))\n",
        "class Word(str):\n    def __getitem__(self, place): return object()\n"
        "class Shown:\n    def __repr__(self): return Word('x')\nShown()\n",
        "globals()['x' + chr(0xd800)] = 1\nimport torch\nglobals()['y' + chr(0xd800)] = torch.ones(1)\n",
    ],
)
def test_no_value_of_a_program_keeps_its_error_from_being_told(run: RunCode, code: str) -> None:
    done = run(code + "raise ValueError('the honest error')\n")

    assert done.outcome is Outcome.RAISED, done.reason
    assert done.error is not None
    assert done.error.message == "the honest error"


@pytest.mark.parametrize(
    "code",
    [
        "class Kind(type):\n    __name__ = property(lambda kind: 1 / 0)\n"
        "class Odd(Exception, metaclass=Kind): pass\nraise Odd('x')\n",
        "class Word(str):\n    def __getitem__(self, place): return object()\n"
        "class Odd(Exception):\n    def __str__(self): return Word('x')\nraise Odd\n",
        "class Code:\n    def __eq__(self, other): raise KeyError\n    def __str__(self): return 'x'\nraise SystemExit(Code())\n",
    ],
)
def test_an_error_that_answers_for_itself_is_an_error(run: RunCode, code: str) -> None:
    done = run(code)

    assert done.outcome is Outcome.RAISED, done.reason
    assert done.error is not None
    assert (done.error.type in ("Odd", "SystemExit"), done.error.message) == (True, "x")


@pytest.mark.parametrize("tape", [True, False])
@pytest.mark.parametrize("memory_mib", [256, 1024])
def test_a_program_that_fills_its_memory_with_small_things_is_told_so(
    run: RunCode, tape: bool, memory_mib: int
) -> None:
    code = """
        import torch
        losses, w = [], torch.ones(2, requires_grad=True)
        w.sum().backward()
        while True:
            losses.append([torch.ones(2000)] if len(losses) < 20 else [1.5 + len(losses)] * 900)
        """

    done = run(code, tape=tape, limits=Limits(memory_mib=memory_mib))

    assert (done.outcome, done.reason) == (Outcome.OUT_OF_MEMORY, "it asked for more memory than it may have")
    assert done.error is not None
    assert (done.error.type, done.error.line in (4, 5)) == ("MemoryError", True)
    assert (done.tape is not None) is tape


def test_a_program_that_caught_its_lack_of_memory_still_reports(run: RunCode) -> None:
    done = run("""
        kept = []
        try:
            while True: kept.append(bytearray(1000))
        except MemoryError:
            pass
        print("went on")
        raise ValueError("something else")
        """)

    assert done.outcome in (Outcome.RAISED, Outcome.OUT_OF_MEMORY), done.reason
    assert done.error is not None


#: Programs that do not let go when their time is over. Each calls backward at once, on a graph so small that the
#: slowest machine has told of it before the time is over.
ENDLESS = {
    "steps that take longer than the driver waits": """
        import torch
        torch.ones(2, requires_grad=True).sum().backward()
        w = torch.rand(1200, 1200, requires_grad=True)
        x = torch.rand(1200, 1200)
        for i in range(10**6):
            loss = x
            for j in range(12): loss = loss @ w
            loss.sum().backward()
        """,
    "one call": """
        import torch
        torch.ones(2, requires_grad=True).sum().backward()
        torch.linalg.svd(torch.rand(4000, 4000))
        """,
    "a loop that catches all": """
        import torch
        w = torch.ones(2, requires_grad=True)
        while True:
            try:
                (w * w).sum().backward()
            except:
                pass
        """,
    "a sleep that catches all": """
        import time, torch
        torch.ones(2, requires_grad=True).sum().backward()
        while True:
            try: time.sleep(9)
            except BaseException: pass
        """,
    "numbers in plain Python": """
        import torch
        torch.ones(2, requires_grad=True).sum().backward()
        while True:
            try:
                while True: pass
            except BaseException: pass
        """,
}


@pytest.mark.parametrize("what", ENDLESS)
def test_a_program_that_does_not_let_go_is_told_of_up_to_its_last_moment(run: RunCode, what: str) -> None:
    done = run(ENDLESS[what], limits=Limits(seconds=2.5, cpu_seconds=10))

    assert (done.outcome, done.facts.limit, done.facts.exit_status) == (Outcome.TIMED_OUT, "wall", 0)
    assert done.passes is not None
    assert done.passes.startswith("stopped in the statement at line ")
    assert done.tape is not None
    assert sum(event.times for event in done.tape.calls("backward")) >= 1


def test_the_processors_limit_leaves_a_report_as_well(run: RunCode) -> None:
    done = run(ENDLESS["a loop that catches all"], limits=Limits(seconds=10, cpu_seconds=1))

    assert (done.outcome, done.facts.limit) == (Outcome.TIMED_OUT, "cpu")
    assert done.tape is not None
    assert sum(event.times for event in done.tape.calls("backward")) > 5


def test_a_program_that_works_for_long_ends_as_any_other(run: RunCode) -> None:
    done = run("""
        import threading, time
        until = time.process_time() + 0.6
        while time.process_time() < until: pass
        print(threading.active_count(), len(threading.enumerate()))
        1 / 0
        """)

    assert ending(done) == ("ZeroDivisionError", 5)
    assert printed(done) == [(4, "1 1\n")]
