"""A run may lie about itself in any way: diagnosing, mending and proving it never fails over that."""

from __future__ import annotations

import json
import time
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.diagnose import facts
from bot.diagnose.match import Matcher
from bot.diagnose.signals import WORDS, known_words
from bot.diagnose.view import View
from bot.domain.diagnosis import Diagnosis
from bot.domain.post import Language
from bot.domain.run import Facts
from bot.domain.snippet import QuotedError, Reading
from bot.library import read_library
from bot.repair.propose import repairs
from bot.sandbox import Order
from bot.sandbox.report import run_from
from bot.verify import held_lines, proof_of
from tests.diagnose.full_tapes import EVENTS, claimed
from tests.test_report import ANYTHING

OPS = st.sampled_from([
    "torch.ones", "torch.mm", "Tensor.mul", "Tensor.backward", "torch.autograd.grad", "Tensor.grad.__get__", "Tensor.T.__get__",
    "Tensor.detach", "Tensor.data.__get__", "Tensor.data.__set__", "Tensor.add_", "Tensor.item", "step", "zero_grad", "optimizer",
    "module", "hidden_parameters", "attribute", "Tensor.reshape", "Tensor.requires_grad_", "torch.tensor", "", "...", "function",
])  # fmt: skip
SMALL = st.integers(-1, 6)
NAME = st.sampled_from(["x", "y", "loss", "w", "", "x.y", "(", "é"])
STATE = st.tuples(
    SMALL, st.lists(SMALL, max_size=3), st.sampled_from(["float32", "int64", ""]), st.booleans(), st.booleans(),
    st.sampled_from([None, "MulBackward0", ""]), SMALL, st.sampled_from(["none", "set", "hidden", "?"]), st.lists(NAME, max_size=2),
    st.sampled_from([None, "00000000", "11111111"]), st.booleans(),
).map(list)  # fmt: skip
STATES = st.lists(STATE, max_size=3)
SERIALS = st.lists(SMALL, max_size=3)
BACKWARD = st.fixed_dictionaries({
    "roots": SERIALS, "inputs": SERIALS, "leaves": SERIALS, "nodes": SERIALS, "held": SERIALS,
    "places": st.lists(SERIALS, max_size=3), "retain_graph": st.booleans(), "create_graph": st.booleans(),
    "weights": st.sampled_from(["none", "given"]),
})  # fmt: skip
CLASH = st.fixed_dictionaries({
    "node": NAME, "line": SMALL, "op": OPS, "stack": SERIALS, "serials": SERIALS, "names": st.lists(NAME, max_size=2),
    "changes": st.lists(st.fixed_dictionaries({"line": SMALL, "op": OPS, "stack": SERIALS}), max_size=2), "leaf": st.booleans(),
})  # fmt: skip
NONFINITE = st.fixed_dictionaries({
    "kind": st.sampled_from(["nan", "inf"]), "node": NAME, "line": SMALL, "op": OPS, "stack": SERIALS, "leaves": SERIALS,
})  # fmt: skip
EVENT = st.fixed_dictionaries(
    {"line": SMALL, "op": OPS, "in": STATES, "out": STATES},
    optional={
        "backward": BACKWARD, "error": NAME, "note": st.sampled_from(["SGD", "x.require_grad", "Net train", "Net.layers list layer", ""]),
        "times": SMALL, "grad": st.booleans(), "inference": st.booleans(), "inplace": st.booleans(), "stack": SERIALS,
        "node": SMALL, "writes": SERIALS, "same": st.booleans(), "clash": CLASH, "nonfinite": NONFINITE,
    },
)  # fmt: skip


@cache
def matcher() -> Matcher:
    return Matcher(read_library(words=known_words()))


def wordings(seen: Any) -> list[str]:
    match seen:
        case dict():
            return [text for value in seen.values() for text in wordings(value)]
        case list():
            return [text for value in seen for text in wordings(value)]
        case str():
            return [seen]
    return []


@cache
def messages() -> tuple[str, ...]:
    return tuple(sorted({text for entry in matcher().entries for text in wordings(entry.seen) if " " in text}))


CLAIM = st.fixed_dictionaries(
    {
        "tape": st.fixed_dictionaries({
            "events": st.lists(EVENT, max_size=6),
            "bindings": st.lists(st.tuples(SMALL, SMALL, NAME, st.none() | SMALL).map(list), max_size=4),
            "finals": st.lists(st.fixed_dictionaries({"name": NAME, "state": STATE, "value": NAME, "grad": NAME}), max_size=2),
        }),
        "error": st.none() | st.deferred(lambda: st.fixed_dictionaries({
            "type": st.sampled_from(["RuntimeError", "TypeError", "AttributeError", "", "ValueError"]),
            "message": st.sampled_from(messages()) | st.sampled_from(["", "\n", "no"]), "line": st.none() | SMALL, "frames": SERIALS,
        })),
    },
    optional={
        "warnings": st.deferred(lambda: st.lists(st.fixed_dictionaries({
            "category": NAME, "message": st.sampled_from(messages()), "line": st.none() | SMALL,
        }), max_size=2)),
        "torch": st.sampled_from(["2.13.0", "?", ""]),
    },
)  # fmt: skip
CODE = st.sampled_from([
    "import torch\nx = torch.ones(2, requires_grad=True)\ny = x * 2\ny.backward()\nprint(x.grad)\n",
    "for i in range(3):\n    loss = (w * w).sum(); loss.backward()\n    w.data -= w.grad\n",
    "def f(x):\n    return torch.autograd.grad(x.sum(), x)\nf(y)\n",
    "class Net(nn.Module):\n    def __init__(self):\n        self.layers = [1]\n",
    "x = (\n", "", "\x00", "é = '\u2028'\nx.grad\n",
])  # fmt: skip


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None)
@given(
    claim=CLAIM,
    other=CLAIM,
    code=CODE,
    quoted=st.none() | st.sampled_from(["", "\n", "grad can be implicitly created"]),
)
def test_no_claim_breaks_what_is_made_of_it(claim: Any, other: Any, code: str, quoted: str | None) -> None:
    before, after = (
        run_from(
            claim=one, claim_problem=None, facts=Facts(exit_status=0), stdout=b"", stderr=b"", order=Order(code=code)
        )
        for one in (claim, other)
    )
    reading = Reading(
        language=Language.ENGLISH,
        prose="Why is x.grad None? 为什么",
        error=None if quoted is None else QuotedError(message=quoted),
        mentions=("x.T", "x.grad"),
    )

    shown = matcher().mistakes(code, before, reading)
    found = matcher().by_run(code, before, reading)
    for entry in matcher().entries:
        alone = matcher().alone(entry, code, before) or found
        if alone is not None:
            facts.facts_of(entry, alone, before, code)
            prove(entry, alone, code, before, after, shown)


def prove(entry: Any, found: Diagnosis, code: str, before: Any, after: Any, shown: frozenset[str]) -> None:
    for repair in repairs(entry, found, code):
        held_lines(code, repair.code, after, blamed=frozenset({found.cause_line or 0}))
        proof_of(
            repair, original=code, diagnosis=found, before=before, after=after, shown_before=shown,
            shown_after=frozenset(), numeric=after.numeric,
        )  # fmt: skip


@settings(max_examples=50, deadline=None)
@given(claim=st.dictionaries(st.sampled_from(["tape", "warnings", "echoes"]), ANYTHING))
def test_a_claim_of_no_form_at_all_shows_nothing(claim: Any) -> None:
    run = run_from(
        claim={"error": None, **claim},
        claim_problem=None,
        facts=Facts(exit_status=0),
        stdout=b"",
        stderr=b"",
        order=Order(code="x\n"),
    )
    assert matcher().mistakes("x\n", run, Reading(language=Language.ENGLISH)) == frozenset()


#: A program with most of what words look at in code.
PROGRAM = """import torch
x = torch.ones(2, requires_grad=True); y = (x * x).sum(); y.backward()
for i in range(3):
    loss = (x * y).sum(); loss.backward()
    opt.step()
print(x.grad)
"""
FAILED = {"type": "RuntimeError", "message": "modified by an inplace operation", "line": 3, "frames": [3]}
ASKED = Reading(language=Language.ENGLISH, prose="Why is my gradient None after backward?", mentions=("x.T", "x.grad"))


def words_in(seen: Any) -> dict[str, tuple[str, Any]]:
    """Every word that a `[seen]` table asks, with its value."""
    found: dict[str, tuple[str, Any]] = {}
    for name, value in seen.items():
        if name in ("any", "not"):
            for part in value if isinstance(value, list) else [value]:
                found |= words_in(part)
        else:
            found[f"{name} {value!r}"] = (name, value)
    return found


@pytest.mark.parametrize("error", [None, FAILED], ids=["finished", "failed"])
@pytest.mark.parametrize("what", EVENTS)
def test_no_tape_that_is_taken_takes_long_to_look_through(what: str, error: Any) -> None:
    claim = {**claimed(EVENTS[what]), "error": error}
    assert len(json.dumps(claim)) < 1 << 21
    asked = {key: (entry, *one) for entry in matcher().entries for key, one in words_in(entry.seen).items()}
    began = time.process_time()

    run = run_from(
        claim=claim, claim_problem=None, facts=Facts(exit_status=0), stdout=b"", stderr=b"", order=Order(code=PROGRAM)
    )
    assert run.tape is not None
    matcher().by_run(PROGRAM, run, ASKED)
    notes: dict[str, Any] = {}
    for entry, word, value in asked.values():  # also those that no entry comes to, because another does not hold
        WORDS[word](View(PROGRAM, run, ASKED, entry, 1.0, notes), value)

    assert time.process_time() - began < 20  # it took minutes, and takes a second or two
