"""What separates questions, whose code is right, from the entries of their families: posts in which one could be taken for the
other. A question is decided by the run and the words together, a mistake by the run alone."""

import pytest

from bot.domain.confusion import ConfusionKind
from bot.domain.post import Language, Post, Question
from bot.domain.snippet import Reading
from bot.library import read_library
from bot.pipeline import Pipeline
from bot.promises import name_of

LIBRARY = read_library()
QUESTIONS = [entry for entry in LIBRARY if entry.kind is ConfusionKind.QUESTION]
#: Each question with each other entry of its family.
PAIRS = [
    (question.name, other.name)
    for question in QUESTIONS
    for other in LIBRARY
    if other.family == question.family and other.name != question.name
]


MISTAKES = [(one, other) for one, other in PAIRS if LIBRARY.get(other).kind is ConfusionKind.MISTAKE]
BETWEEN_QUESTIONS = [pair for pair in PAIRS if pair not in MISTAKES]
NOTHING = Reading(language=Language.ENGLISH)


def program(name: str) -> str:
    """The first program of an entry that shows it."""
    entry = LIBRARY.get(name)
    role = "failing" if entry.kind is ConfusionKind.MISTAKE else "shown"
    return next(case for case in entry.cases if case.role == role).text()


def post(*, words_of: str, program_of: str) -> Question:
    """A post that asks in the words of one entry about a program of another."""
    asked = LIBRARY.get(words_of).asked_as[Language.ENGLISH][0]
    return Question(
        post=Post(id="1", raw=f"{asked}?\n\n```python\n{program(program_of)}```\n"), language=Language.ENGLISH
    )


@pytest.mark.sandbox
@pytest.mark.parametrize(("question", "mistake"), MISTAKES, ids=lambda name: name)
def test_a_mistake_that_a_run_shows_is_not_taken_for_the_question_in_whose_words_it_is_asked(
    question: str, mistake: str, pipeline: Pipeline
) -> None:
    answer = pipeline.answer(post(words_of=question, program_of=mistake))

    # Words that fit another entry may leave it unsure; they never turn it round.
    assert name_of(answer) == mistake or answer.reason == "not sure enough"


@pytest.mark.sandbox
@pytest.mark.parametrize(("question", "mistake"), MISTAKES, ids=lambda name: name)
def test_a_program_that_shows_a_question_does_not_show_the_mistake(
    question: str, mistake: str, pipeline: Pipeline
) -> None:
    code = program(question)

    assert mistake not in pipeline.matcher.mistakes(code, pipeline.run(code), NOTHING)
    assert name_of(pipeline.answer(post(words_of=question, program_of=question))) == question


@pytest.mark.sandbox
@pytest.mark.parametrize(("one", "other"), BETWEEN_QUESTIONS, ids=lambda name: name)
def test_of_two_questions_the_one_whose_words_and_program_they_are_is_answered(
    one: str, other: str, pipeline: Pipeline
) -> None:
    assert name_of(pipeline.answer(post(words_of=one, program_of=one))) == one
    assert name_of(pipeline.answer(post(words_of=other, program_of=other))) == other
