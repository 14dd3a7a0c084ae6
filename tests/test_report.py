"""What a run says about itself is taken in the form it must have, or not at all."""

from __future__ import annotations

import unicodedata
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.run import Facts, Outcome, Run
from bot.sandbox import Order
from bot.sandbox.fields import LARGEST, clean
from bot.sandbox.report import run_from

ORDER = Order(code="x\n")
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([10**400, -(10**400), LARGEST + 1, 10**4000])
    | st.floats()
    | st.text()
    | st.sampled_from(["\x1b[31m", "\x1b]0;title\x07", "\u202e", "a\x00b", "\ud800", "\x9b1m", "\r\n", "none", "wall"])
)
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(), inner, max_size=6), max_leaves=12
)
#: Text as an attacker would send it.
EVIL = st.text(st.sampled_from("ab\x00\x07\x1b[]0m;\x9b\u202e\r\n\ud800\x85"), min_size=1, max_size=8)
FLAGS = st.booleans()
STATE = (
    st.tuples(
        st.integers(), st.lists(st.integers(), max_size=2), EVIL, FLAGS, FLAGS, EVIL, st.integers(), EVIL,
        st.lists(EVIL, max_size=2), EVIL, FLAGS,
    ).map(list)
    | st.lists(ANYTHING, min_size=11, max_size=11)
    | ANYTHING
)  # fmt: skip
STATES = st.lists(STATE, max_size=3) | ANYTHING


def _like(**parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Rows that have the keys of a claim's row, with anything in them."""
    optional = {key: value | EVIL | st.lists(EVIL, max_size=2) | ANYTHING for key, value in parts.items()}
    return st.fixed_dictionaries({}, optional=optional) | ANYTHING


CHANGE = _like(line=SCALARS, op=SCALARS, stack=ANYTHING)
CLASH = _like(node=SCALARS, changes=st.lists(CHANGE, max_size=2), names=ANYTHING, serials=ANYTHING, stack=ANYTHING)
BACKWARD = _like(roots=ANYTHING, leaves=ANYTHING, nodes=ANYTHING, places=ANYTHING, held=ANYTHING, weights=SCALARS)
EVENT = _like(
    **{"line": SCALARS, "op": SCALARS, "in": STATES, "out": STATES, "times": SCALARS, "backward": BACKWARD},
    error=SCALARS, note=SCALARS, clash=CLASH, nonfinite=ANYTHING, writes=ANYTHING,
)  # fmt: skip
FINAL = _like(name=SCALARS, state=STATE, value=SCALARS, grad=SCALARS)
TAPE = _like(
    events=st.lists(EVENT, max_size=3),
    bindings=st.lists(
        st.tuples(st.integers(), st.integers(), EVIL, st.integers()).map(list)
        | st.lists(ANYTHING, min_size=4, max_size=4),
        max_size=3,
    ),
    finals=st.lists(FINAL, max_size=3),
    cut=SCALARS,
)
GRADIENT = _like(line=SCALARS, tensor=SCALARS, analytic=ANYTHING, numeric=ANYTHING, noise=SCALARS)
CLAIM = st.fixed_dictionaries(
    {},
    optional={
        "torch": ANYTHING,
        "error": _like(type=SCALARS, message=SCALARS, line=SCALARS, frames=ANYTHING),
        "warnings": st.lists(_like(category=SCALARS, message=SCALARS, line=SCALARS), max_size=3) | ANYTHING,
        "echoes": st.lists(st.tuples(st.integers(), EVIL).map(list) | ANYTHING, max_size=3) | ANYTHING,
        "prints": st.lists(st.lists(ANYTHING, min_size=3, max_size=3), max_size=3) | ANYTHING,
        "loops": st.lists(st.lists(ANYTHING, min_size=3, max_size=3), max_size=3) | ANYTHING,
        "stopped": SCALARS,
        "line": SCALARS,
        "tape": TAPE,
        "numeric": _like(dtype=SCALARS, epsilon=SCALARS, calls=st.lists(GRADIENT, max_size=3), problem=SCALARS),
    },
)
FACTS = st.builds(
    Facts,
    exit_status=st.none() | st.integers(0, 255),
    signal=st.none() | st.sampled_from([9, 11, 24]),
    limit=st.none() | st.sampled_from(["wall", "cpu", "memory", "output", "claim"]),
)


def reported(claim: Any = None, *, facts: Facts | None = None, **more: Any) -> Run:
    given = {"claim": claim, "claim_problem": None, "stdout": b"", "stderr": b"", "order": ORDER}
    return run_from(facts=facts or Facts(exit_status=0), **(given | more))


def texts_in(value: Any) -> list[str]:
    match value:
        case str():
            return [value]
        case Enum() | None:
            return []
        case tuple():
            return [text for part in value for text in texts_in(part)]
        case _ if is_dataclass(value):
            return [text for field in fields(value) for text in texts_in(getattr(value, field.name))]
    return []


def numbers_in(value: Any) -> list[int]:
    match value:
        case bool():
            return []
        case int():
            return [value]
        case tuple():
            return [number for part in value for number in numbers_in(part)]
        case _ if is_dataclass(value) and not isinstance(value, Enum):
            return [number for field in fields(value) for number in numbers_in(getattr(value, field.name))]
    return []


@settings(max_examples=200)
@given(
    claim=CLAIM | st.dictionaries(st.text(), ANYTHING),
    facts=FACTS,
    stdout=st.binary(max_size=60),
    stderr=st.binary(max_size=60),
)
def test_no_claim_raises_or_brings_a_control_character_into_a_run(
    claim: Any, facts: Facts, stdout: bytes, stderr: bytes
) -> None:
    run = reported(claim, facts=facts, stdout=stdout, stderr=stderr)

    for text in texts_in(run):
        assert not [sign for sign in text if unicodedata.category(sign) == "Cc" and sign not in "\t\n"]
        text.encode("utf-8")
    assert all(abs(number) <= LARGEST for number in numbers_in(run))


@given(text=st.text())
def test_cleaning_twice_changes_nothing(text: str) -> None:
    assert clean(clean(text)) == clean(text)


def test_what_turns_text_around_is_taken_out() -> None:
    assert clean("a\u202eb\u2066c") == "abc"


def test_ordinary_text_stays_as_it_is() -> None:
    assert clean("梯度\tis ok 🙂\n") == "梯度\tis ok 🙂\n"
    assert clean("one\r\ntwo\rthree") == "one\ntwo\nthree"


def test_a_terminals_escape_sequences_leave_no_rest() -> None:
    assert clean("\x1b[1;31mred\x1b[0m \x1b]8;;https://x\x07link\x1b]8;;\x07") == "red link"


def test_a_well_formed_claim_comes_through_whole() -> None:
    state = [3, [2, 1], "float32", True, True, None, 0, "none", ["x"], "0badcafe", False]
    run = reported({
        "torch": "2.13.0+cpu",
        "error": None,
        "warnings": [{"category": "UserWarning", "message": "careful", "line": 2}],
        "echoes": [[4, "tensor(1.)"]],
        "loops": [[3, 5, 90], [4, 5, None]],
        "tape": {
            "events": [{"line": 1, "op": "torch.ones", "out": [state], "times": 4}],
            "bindings": [[1, 1, "x", 3]],
            "finals": [{"name": "x", "state": state, "value": "tensor([1.])", "grad": None}],
        },
    })  # fmt: skip

    assert run.outcome is Outcome.FINISHED
    assert run.passes == "line 3: 5 of 90 passes; line 4: 5 passes"
    assert [(warning.category, warning.line) for warning in run.warnings] == [("UserWarning", 2)]
    assert run.tape is not None
    made = run.tape.events[0]
    assert (made.op, made.times, made.outputs[0].shape, made.outputs[0].names) == ("torch.ones", 4, (2, 1), ("x",))
    assert run.tape.bindings[0].serial == 3
    assert run.tape.finals[0].value == "tensor([1.])"


def test_a_tape_that_was_not_ordered_is_not_taken() -> None:
    run = reported({"error": None, "tape": {"events": []}}, order=Order(code="x\n", tape=False))
    assert run.tape is None


def failed(kind: str, said: str, *within: str, number: int | None = None) -> dict[str, Any]:
    """An error of a claim, raised by a call and not by the program."""
    ground = {"kinds": [kind, "builtins.Exception"], "errno": number, "within": list(within), "said": said}
    return {"type": kind.rpartition(".")[2], "message": said, "line": 1, "frames": [1], "ground": ground}


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (failed("builtins.RuntimeError", "mat1 and mat2 shapes cannot be multiplied"), Outcome.RAISED),
        (failed("builtins.MemoryError", ""), Outcome.OUT_OF_MEMORY),
        (failed("builtins.OSError", "mmap", number=12), Outcome.OUT_OF_MEMORY),
        (failed("builtins.RuntimeError", "DefaultCPUAllocator: can't allocate memory"), Outcome.OUT_OF_MEMORY),
        (failed("builtins.SystemError", "error return without exception set"), Outcome.OUT_OF_MEMORY),
        (
            failed("builtins.SystemError", "<built-in function len> returned NULL without setting an exception"),
            Outcome.OUT_OF_MEMORY,
        ),
        (failed("builtins.SystemError", "bad argument to internal function"), Outcome.RAISED),
        (failed("builtins.AssertionError", "Torch not compiled with CUDA enabled", "torch.cuda"), Outcome.UNSUPPORTED),
        (failed("builtins.ModuleNotFoundError", "No module named 'torchvision'"), Outcome.UNSUPPORTED),
        (failed("builtins.FileNotFoundError", "[Errno 2] No such file: 'data.csv'", number=2), Outcome.UNSUPPORTED),
        (failed("builtins.RuntimeError", "can't start new thread", "threading"), Outcome.UNSUPPORTED),
    ],
)
def test_an_error_that_speaks_of_the_sandbox_is_not_laid_at_the_askers_door(
    error: dict[str, Any], outcome: Outcome
) -> None:
    assert reported({"error": error}).outcome is outcome
    assert reported({"error": {**error, "ground": None}}).outcome is Outcome.RAISED, "it was the program's own"


def test_the_missing_module_is_named() -> None:
    run = reported({"error": failed("builtins.ModuleNotFoundError", "No module named 'torchvision.models'")})
    assert run.reason == "it needs the module torchvision.models, which the sandbox does not have"


@pytest.mark.parametrize(
    ("facts", "outcome"),
    [
        (Facts(limit="wall", signal=9), Outcome.TIMED_OUT),
        (Facts(limit="cpu", signal=24), Outcome.TIMED_OUT),
        (Facts(limit="memory", signal=9), Outcome.OUT_OF_MEMORY),
        (Facts(limit="output", signal=9), Outcome.REFUSED),
        (Facts(signal=11), Outcome.REFUSED),
        (Facts(exit_status=0), Outcome.REFUSED),
    ],
)
def test_without_a_claim_the_facts_decide(facts: Facts, outcome: Outcome) -> None:
    assert reported(None, facts=facts).outcome is outcome


def test_a_claim_cannot_talk_a_limit_away() -> None:
    run = reported({"error": None, "torch": "2.13.0"}, facts=Facts(limit="cpu", signal=24))
    assert run.outcome is Outcome.TIMED_OUT


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        (Facts(signal=11), "it was ended by signal 11"),
        (Facts(signal=9), "it was ended by signal 9"),
        (Facts(exit_status=77), "it ended with exit status 77"),
        (Facts(exit_status=0, limit="output"), "it printed more than it may"),
        (Facts(exit_status=0, limit="claim"), "the run's report is not valid: too large"),
    ],
)
def test_no_claim_makes_a_success_of_another_end(facts: Facts, reason: str) -> None:
    run = reported({"error": None, "echoes": [[1, "42"]]}, facts=facts)
    assert (run.outcome, run.reason, run.echoes) == (Outcome.REFUSED, reason, ())


@pytest.mark.parametrize("claim", [{}, {"problem": "x"}, {"error": []}, {"error": False}, {"error": "none"}])
def test_saying_nothing_of_an_error_is_no_success(claim: dict[str, Any]) -> None:
    run = reported(claim)
    assert (run.outcome, run.reason) == (Outcome.REFUSED, "its report does not say how it ended")


@pytest.mark.parametrize(
    ("used", "outcome", "reason"),
    [
        (0.1, Outcome.REFUSED, "it says that its time was over, and it was not"),
        (9.0, Outcome.TIMED_OUT, "it used more processor time than it may"),
    ],
)
def test_only_the_clocks_say_that_time_was_over(used: float, outcome: Outcome, reason: str) -> None:
    run = reported({"error": None, "stopped": "wall"}, facts=Facts(exit_status=0, cpu_seconds=used))
    assert (run.outcome, run.reason) == (outcome, reason)


def test_a_run_stopped_by_the_clock_says_where_it_was() -> None:
    run = reported({"stopped": "wall", "line": 7}, facts=Facts(exit_status=0, limit="wall"))
    assert (run.outcome, run.passes) == (Outcome.TIMED_OUT, "stopped in the statement at line 7")


def test_names_of_tensors_are_cleaned_wherever_they_stand() -> None:
    state = [1, [], "float32", True, True, None, 0, "none", ["a\x1b[2J\u202e"], None, False]
    clash = {"node": "n", "op": "o", "names": ["c\x07"], "changes": [{"op": "x\x00"}]}
    run = reported({
        "error": None,
        "tape": {
            "events": [{"op": "torch.ones", "in": [state], "out": [state], "clash": clash}],
            "bindings": [[0, 1, "b\x9b", 1]],
            "finals": [{"name": "d\x1b", "state": state}],
        }
    })  # fmt: skip

    assert run.tape is not None
    event = run.tape.events[0]
    assert event.clash is not None
    assert [event.inputs[0].names, event.outputs[0].names, event.clash.names] == [("a",), ("a",), ("c",)]
    assert (run.tape.bindings[0].name, run.tape.finals[0].name, event.clash.changes[0].op) == ("b", "d", "x")


@pytest.mark.parametrize("version", ["2.13.0", "2.13.0+cpu", "1.13.1", "2.14.0.dev20260101+cu128", "2.0.0a0"])
def test_torchs_own_versions_are_taken(version: str) -> None:
    assert reported({"error": None, "torch": version}).torch_version == version


@pytest.mark.parametrize(
    "version", ["@moderators", "2.0 <b>", "2.0\n# heading", "", 2, None, ["2.0"], "2.0 @all", "9" * 99]
)
def test_a_version_that_torch_would_never_write_is_not_taken(version: Any) -> None:
    assert reported({"torch": version}).torch_version is None
