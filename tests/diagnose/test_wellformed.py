"""What an entry cannot mean is found when it is read, with file, place and word."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.diagnose import signals, wellformed
from bot.diagnose.view import View
from bot.domain.post import Language
from bot.domain.run import Outcome, Run, RunError
from bot.domain.snippet import Reading
from bot.errors import KnowledgeError
from bot.library import read_library

LIBRARY = read_library(words=signals.known_words())
ENTRY = LIBRARY.get("non_scalar_backward")


@pytest.mark.parametrize("entry", tuple(LIBRARY), ids=lambda entry: entry.name)
def test_the_projects_entries_give_their_words_what_they_take(entry: Any) -> None:
    wellformed.check(entry)


@pytest.mark.parametrize(
    ("seen", "word"),
    [
        ({"raises": 5}, "raises"),
        ({"message": [1]}, "message"),
        ({"backward_calls": "many"}, "backward_calls"),
        ({"tensor": "leaf"}, "tensor"),
        ({"torch": "new"}, "torch"),
        ({"names_code": "("}, "names_code"),
        ({"asks": "yes"}, "asks"),
        ({"any": [{"raises": 5}]}, "raises"),
        ({"not": {"backward_calls": "many"}}, "backward_calls"),
    ],
)
def test_a_value_that_a_word_cannot_take_is_refused_and_the_word_explained(seen: dict[str, Any], word: str) -> None:
    with pytest.raises(KnowledgeError) as caught:
        wellformed.check(replace(ENTRY, seen=seen))
    told = str(caught.value)
    assert told.startswith("non_scalar_backward/confusion.toml, [seen]\n")
    assert f"{word} cannot be " in told
    assert f"\n  {word}: " in told


def test_a_fact_of_no_known_form_is_refused() -> None:
    with pytest.raises(KnowledgeError, match=r"\[facts\]\n  loss: .*area\(\$X\)"):
        wellformed.check(replace(ENTRY, facts={"loss": "area($X)"}))


def holds(seen: dict[str, Any], run: Run) -> bool:
    return signals.holds(View("x\n", run, Reading(language=Language.ENGLISH), ENTRY), seen) is not None


FAILED = Run(outcome=Outcome.RAISED, error=RunError(type="RuntimeError", message="no grad", line=1))


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ({"raises": "RuntimeError"}, True),
        ({"raises": ["TypeError", "RuntimeError"]}, True),
        ({"raises": "TypeError"}, False),
        ({"raises": "RuntimeError", "message": "no grad"}, True),
        ({"raises": "RuntimeError", "message": "grad yes"}, False),
        ({"any": [{"raises": "TypeError"}, {"message": "no grad"}]}, True),
        ({"any": {"message": "no grad"}}, True),
        ({"any": [{"raises": "TypeError"}, {"message": "other"}]}, False),
        ({"any": []}, False),
        ({"raises": "RuntimeError", "not": {"message": "other"}}, True),
        ({"raises": "RuntimeError", "not": {"message": "no grad"}}, False),
        ({"raises": "RuntimeError", "not": {"message": "other", "ends": "raised"}}, False),
        ({"raises": "RuntimeError", "not": {"any": [{"message": "no grad"}]}}, False),
        ({"raises": "RuntimeError", "not": {"any": [{"message": "other"}]}}, True),
        ({"ends": ["raised", "finished"]}, True),
        ({"ends": "finished"}, False),
    ],
)
def test_all_lines_must_hold_one_of_any_and_none_of_not(seen: dict[str, Any], expected: bool) -> None:
    assert holds(seen, FAILED) is expected
