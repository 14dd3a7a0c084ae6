"""What a run that fails elsewhere than the asker's says about the post."""

from dataclasses import replace

import pytest

from bot.diagnose.reported import got_further
from bot.domain.post import Language
from bot.domain.run import Facts, Outcome, Run, RunError
from bot.domain.snippet import QuotedError, QuotedOutput, Reading

PROGRAM = "import torch\nx = torch.ones(2)\nd = torch.split(x)\nprint(d.grad_fn)\n"


def failed_at(line: int) -> Run:
    error = RunError(type="RuntimeError", message="shapes do not match", line=line)
    return Run(outcome=Outcome.RAISED, facts=Facts(), error=error)


def saying(prose: str, *mentions: str, error: QuotedError | None = None) -> Reading:
    return Reading(language=Language.ENGLISH, prose=prose, mentions=mentions, error=error)


def test_who_speaks_of_what_a_later_line_makes_saw_the_program_run_on() -> None:
    assert got_further(PROGRAM, failed_at(3), saying("I expect d.grad_fn to be set", "d.grad_fn"))


@pytest.mark.parametrize(
    "reading",
    [
        saying("I get an error here and want d.grad_fn", "d.grad_fn"),
        saying("I want x.grad", "x.grad"),
        saying("I want d", "d"),
        saying("I expect d.grad_fn", "d.grad_fn", error=QuotedError(message="shapes do not match")),
        saying("What is wrong?"),
    ],
    ids=["speaks of an error", "made before", "named, not looked at", "quotes an error", "names nothing"],
)
def test_other_posts_may_be_about_the_error_of_the_run(reading: Reading) -> None:
    assert not got_further(PROGRAM, failed_at(3), reading)


@pytest.mark.parametrize("prose", ["This does not raise an error.", "No exception is raised here", "这里没有报错"])
def test_who_says_that_nothing_was_raised_saw_the_program_run_on(prose: str) -> None:
    assert got_further(PROGRAM, failed_at(3), saying(prose))
    assert not got_further(PROGRAM, failed_at(3), saying(prose, error=QuotedError(message="shapes do not match")))


@pytest.mark.parametrize(
    "prose", ["d = d + 1 does not raise an error, but d += 1 fails", "写成 d = d + 1 就不报错，用 += 就报错"]
)
def test_who_compares_a_way_that_raises_with_one_that_does_not_has_seen_the_error(prose: str) -> None:
    assert not got_further(PROGRAM, failed_at(3), saying(prose))


def test_who_shows_what_a_later_line_gave_saw_the_program_run_on() -> None:
    shown = replace(
        saying("Is this right?"), outputs=(QuotedOutput(text="tensor([2.])", after=PROGRAM.splitlines()[3]),)
    )
    before = replace(
        saying("Is this right?"), outputs=(QuotedOutput(text="tensor([2.])", after=PROGRAM.splitlines()[1]),)
    )

    assert got_further(PROGRAM, failed_at(3), shown)
    assert not got_further(PROGRAM, failed_at(3), before)


def test_a_name_that_was_made_before_and_is_made_again_tells_nothing() -> None:
    again = "import torch\nd = torch.ones(2)\nd = torch.split(d)\n"
    assert not got_further(again, failed_at(3), saying("I expect d.grad_fn", "d.grad_fn"))
