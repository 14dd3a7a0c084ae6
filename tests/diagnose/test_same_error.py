"""Whether the error that a post quotes is one that its run showed."""

from __future__ import annotations

import pytest

from bot.diagnose.reported import same_error
from bot.domain.run import Outcome, Run, RunError, RunWarning
from bot.domain.snippet import QuotedError

SCALAR = "grad can be implicitly created only for scalar outputs"
NO_GRAPH = "element 0 of tensors does not require grad and does not have a grad_fn"
OLD_UNUSED = "One of the differentiated Tensors appears to not have been used in the graph."
UNUSED = "The differentiated Tensor at index 1 appears to not have been used in the graph."
VIEW = "Output 0 of Split is a view and is being modified inplace."
NON_LEAF = "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed."


def raised(message: str, *warnings: str) -> Run:
    error = RunError(type="RuntimeError", message=message, line=3)
    return Run(outcome=Outcome.RAISED, error=error, warnings=tuple(map(warned, warnings)))


def warned(message: str) -> RunWarning:
    return RunWarning(category="UserWarning", message=message, line=2)


@pytest.mark.parametrize(
    ("quoted", "run", "same"),
    [
        (SCALAR, raised(SCALAR), True),
        (SCALAR, raised(NO_GRAPH), False),
        (NON_LEAF, raised(SCALAR, NON_LEAF), True),
        (SCALAR, raised(SCALAR, NON_LEAF), True),
        (NO_GRAPH, raised(SCALAR, NON_LEAF), False),
        (SCALAR, Run(outcome=Outcome.FINISHED), False),
        (NON_LEAF, Run(outcome=Outcome.FINISHED, warnings=(warned(NON_LEAF),)), True),
        (
            "shape '[2, 3]' is invalid for input of size 5",
            raised("shape '[4, 4]' is invalid for input of size 7"),
            True,
        ),
        ("only for scalar outputs", raised(SCALAR), True),
        (OLD_UNUSED, raised(UNUSED), True),
        (OLD_UNUSED, raised(NO_GRAPH), False),
        ("element 0 of variables does not require grad and does not have a grad_fn", raised(NO_GRAPH), True),
        (VIEW.replace("Split", "SplitBackward0"), raised(VIEW), True),
        (VIEW.replace("Split", "UnbindBackward"), raised(VIEW), False),
        (SCALAR, Run(outcome=Outcome.TIMED_OUT), False),
    ],
)
def test_the_quoted_error_occurred_when_an_error_or_a_warning_says_the_same(quoted: str, run: Run, same: bool) -> None:
    assert same_error(QuotedError(message=quoted), run) is same


def test_where_nothing_is_quoted_there_is_nothing_to_compare() -> None:
    assert same_error(None, raised(SCALAR)) is None
