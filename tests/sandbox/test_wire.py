"""What comes over the sandbox's socket: taken in one form, and refused in words in every other."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.run import Facts, Limits
from bot.errors import SandboxBroken, SandboxError
from bot.sandbox import NumericOrder, Order
from bot.sandbox.self_attack import Finding
from bot.sandbox.service import RemoteSandbox
from bot.sandbox.ticket import Observed
from bot.sandbox.wire import (
    LIMITS,
    frame_of,
    observed_record,
    read_findings,
    read_observed,
    read_request,
    request_record,
)

LAYER = st.text("abcdefghijklmnopqrstuvwxyz :0123456789", max_size=40)
SECONDS = st.floats(0, 86_400)


@st.composite
def observed(draw: st.DrawFn) -> Observed:
    """Anything that can be seen of a run."""
    stdout, stderr, frame = (draw(st.binary(max_size=200)) for _ in range(3))
    ended = draw(st.sampled_from([(0, None), (255, None), (None, 9), (None, None)]))
    facts = Facts(
        exit_status=ended[0],
        signal=ended[1],
        limit=draw(st.sampled_from(LIMITS)),
        seconds=draw(SECONDS),
        cpu_seconds=draw(SECONDS),
        stdout_bytes=len(stdout),
        stderr_bytes=len(stderr),
        layers=tuple(draw(st.lists(LAYER, max_size=20))),
        memory_enforced_by=draw(LAYER),
    )
    return Observed(facts=facts, stdout=stdout, stderr=stderr, frame=frame)


#: Everything that JSON can say.
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def over_the_wire(value: Any) -> Any:
    return json.loads(json.dumps(value))


@given(observed())
def test_what_was_observed_arrives_as_it_was(seen: Observed) -> None:
    assert read_observed(over_the_wire(observed_record(seen))) == seen


@given(JSON)
def test_any_other_answer_is_refused_in_words(answer: Any) -> None:
    with pytest.raises(SandboxBroken, match="an answer that is none"):
        read_observed(answer)
    with pytest.raises(SandboxBroken, match="an answer that is none"):
        read_findings(answer)
    with pytest.raises(SandboxError, match="another version"):
        read_request(answer)


@given(observed(), st.data())
def test_a_field_of_another_kind_is_refused_and_never_taken(seen: Observed, data: st.DataObject) -> None:
    """Whatever is put in the place of one field, what is taken is what `Facts` promises."""
    answer = over_the_wire(observed_record(seen))
    place = data.draw(st.sampled_from([*answer, *answer["facts"]]))
    (answer["facts"] if place in answer["facts"] else answer)[place] = data.draw(JSON)
    try:
        taken = read_observed(answer)
    except SandboxBroken:
        return

    facts = taken.facts
    assert facts.exit_status is None or type(facts.exit_status) is int
    assert facts.signal is None or (type(facts.signal) is int and 1 <= facts.signal <= 64)
    assert facts.limit in LIMITS
    assert type(facts.seconds) is type(facts.cpu_seconds) is float
    assert (facts.stdout_bytes, facts.stderr_bytes) == (len(taken.stdout), len(taken.stderr))
    assert all(type(layer) is str for layer in (*facts.layers, facts.memory_enforced_by))
    assert type(taken.frame) is bytes


GOOD = observed_record(Observed(facts=Facts(exit_status=0, layers=("bwrap",))))


@pytest.mark.parametrize(
    "wrong",
    [
        {"signal": [1]},
        {"signal": True},
        {"signal": 65},
        {"signal": 9},  # beside an exit status
        {"exit_status": -1},
        {"exit_status": "0"},
        {"seconds": "x"},
        {"seconds": -0.5},
        {"seconds": 1e300},
        {"limit": "none"},
        {"limit": []},
        {"stdout_bytes": 1},
        {"layers": "bwrap"},
        {"layers": ["\x1b[31mred"]},
        {"layers": ["a" * 1000]},
        {"memory_enforced_by": None},
        {"trusted": True},
    ],
    ids=str,
)
def test_these_facts_are_refused(wrong: dict[str, Any]) -> None:
    answer = over_the_wire(GOOD)
    assert read_observed(answer).facts.layers == ("bwrap",)

    with pytest.raises(SandboxBroken):
        read_observed(answer | {"facts": answer["facts"] | wrong})


@pytest.mark.parametrize("wrong", [{"stdout": "!"}, {"frame": None}, {"frame": "AA"}, {"more": 1}], ids=str)
def test_these_answers_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(SandboxBroken):
        read_observed(over_the_wire(GOOD) | wrong)


@given(
    st.builds(
        Order,
        code=st.text(),
        tape=st.booleans(),
        seed=st.integers(0, 2**32),
        numeric=st.none() | st.builds(NumericOrder, held_lines=st.tuples(st.integers(1, 99)), wanted=st.tuples(LAYER)),
        loop_passes=st.none() | st.integers(1, 1000),
    )
)
def test_every_order_arrives_as_it_was(order: Order) -> None:
    assert read_request(over_the_wire(request_record(order, client="a"))) == (order, "a")


@pytest.mark.parametrize("wrong", [{"seconds": "nan"}, {"seconds": -1}, {"memory_mib": 1.5}, {"output_bytes": True}])
def test_limits_of_another_kind_are_no_order(wrong: dict[str, Any]) -> None:
    request = over_the_wire(request_record(Order(code=""), client="a"))

    with pytest.raises(SandboxError, match="another version"):
        read_request(request | {"limits": asdict(Limits()) | wrong})


def test_findings_arrive_as_they_were() -> None:
    found = (Finding(name="reach the network", held=True, saw="refused"), Finding(name="x", held=False, saw=""))

    assert read_findings(over_the_wire({"findings": [asdict(one) for one in found]})) == found
    with pytest.raises(SandboxBroken):
        read_findings({"findings": [{"name": "x", "held": "yes", "saw": ""}]})


@pytest.fixture
def saying(tmp_path: Path) -> Callable[..., Path]:
    """A service that gives these answers, one to each connection."""

    def start(*answers: dict[str, Any]) -> Path:
        path = tmp_path / "said.sock"
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(str(path))
        listening.listen()

        def serve() -> None:
            with listening:
                for answer in answers:
                    connection, _ = listening.accept()
                    with connection:
                        connection.recv(1 << 20)
                        connection.sendall(frame_of(answer))

        threading.Thread(target=serve, daemon=True).start()
        return path

    return start


def test_a_service_that_lies_about_a_run_is_not_believed(saying: Callable[..., Path]) -> None:
    path = saying({"findings": []}, over_the_wire(GOOD) | {"facts": {**GOOD["facts"], "signal": [1]}})

    with RemoteSandbox(path) as sandbox, pytest.raises(SandboxBroken, match="same version"):
        sandbox.observe(Order(code="1"))


def test_what_a_service_complains_of_reaches_people_without_control_characters(saying: Callable[..., Path]) -> None:
    path = saying({"error": "SandboxBusy", "message": "\x1b[2Jfull" + "!" * 9000})

    with pytest.raises(SandboxError) as caught:
        RemoteSandbox(path)

    assert str(caught.value).startswith("full!!!")
    assert len(str(caught.value)) == 2000
