"""What the sentences of an entry may mention."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.diagnose.facts import LONGEST, facts_of
from bot.diagnose.signals import known_words
from bot.domain.diagnosis import Diagnosis
from bot.domain.run import Outcome, Run
from bot.library import read_library

ENTRY = replace(
    read_library(words=known_words()).get("gradient_accumulates"),
    facts={"x": "$X", "line": "line(error)", "again": "line(cause)", "shape": "shape($X)"},
)
CODE = """import torch
for _ in range(2):
    y.backward()  # the 2nd adds "up"
    step(
        x.grad,
    )
y.backward()
"""


def told(*, error: int | None, cause: int | None, code: str = CODE) -> dict[str, str]:
    found = Diagnosis(
        confusion=ENTRY.name,
        evidence=(),
        confidence=1.0,
        ran=True,
        error_line=error,
        cause_line=cause,
        names={"X": "x"},
    )
    return facts_of(ENTRY, found, Run(outcome=Outcome.FINISHED), code)


def test_a_line_is_told_by_its_code_without_its_comment() -> None:
    assert told(error=2, cause=3) == {"x": "x", "line": "for _ in range(2):", "again": "y.backward()"}


def test_what_the_run_does_not_tell_is_not_there() -> None:
    assert told(error=None, cause=99) == {"x": "x"}


@pytest.mark.parametrize("cause", [3, 7])
def test_a_second_line_that_reads_like_the_first_is_left_out(cause: int) -> None:
    assert told(error=3, cause=cause) == {"x": "x", "line": "y.backward()"}


def test_of_a_line_that_says_nothing_by_itself_the_statement_is_told() -> None:
    assert told(error=6, cause=5) == {"x": "x", "line": "step(", "again": "x.grad"}


def test_a_mark_within_a_text_begins_no_comment() -> None:
    assert told(error=1, cause=None, code="print('# 1')  # one")["line"] == "print('# 1')"


def test_a_long_line_is_cut() -> None:
    assert told(error=1, cause=None, code="x = " + "1 + " * 99)["line"].endswith(" ...")
    assert len(told(error=1, cause=None, code="x = " + "1 + " * 99)["line"]) <= LONGEST + 4
