"""Posts of a thread that ask on about code of an earlier one."""

from __future__ import annotations

import pytest

from bot.domain.post import Post, Question
from bot.domain.snippet import AssumptionKind
from bot.pipeline import Pipeline

pytestmark = pytest.mark.sandbox

VECTOR = "My code:\n\n```\nimport torch\na = torch.ones(3, requires_grad=True)\nb = a.exp()\nb.backward()\n```\n\nWhy?"
ADVICE = "`b.mean().backward()` works, b is a vector."
AGAIN = (
    "Now `b.mean().backward()` {twice}:\n\nRuntimeError: Trying to backward through the graph a second time\n\n{why}"
)


def thread(*posts: tuple[str, str, int | None]) -> Question:
    """The last of the posts with those before it; each is an author, a text and the number it replies to."""
    made = [
        Post(id=str(number), number=number, author=author, raw=text, reply_to=reply_to)
        for number, (author, text, reply_to) in enumerate(posts, start=1)
    ]
    return Question(post=made[-1], earlier=tuple(made[:-1]))


@pytest.mark.parametrize(
    ("twice", "why"), [("ran twice stops", "why?"), ("运行两次报错", "为什么？"), ("stops when called again", "Why?")]
)
def test_a_call_that_a_sentence_names_is_tried_upon_the_earlier_program(
    twice: str, why: str, pipeline: Pipeline
) -> None:
    answer = pipeline.answer(
        thread(("ines", VECTOR, None), ("omar", ADVICE, 1), ("ines", AGAIN.format(twice=twice, why=why), 2))
    )

    assert answer.snippet is not None
    assert answer.snippet.code.endswith("b = a.exp()\nb.mean().backward()\nb.mean().backward()\n")
    assert {note.kind for note in answer.snippet.assumptions} >= {AssumptionKind.FROM_MENTION, AssumptionKind.FROM_POST}
    assert answer.diagnosis is not None
    assert answer.diagnosis.confusion.startswith("graph_freed")
    assert answer.diagnosis.same_error is True


def test_an_earlier_program_that_stops_with_another_error_than_the_quoted_one_is_not_answered_again(
    pipeline: Pipeline,
) -> None:
    message = "RuntimeError: Trying to backward through the graph a second time"
    answer = pipeline.answer(thread(("ines", VECTOR, None), ("ines", f"Next trouble: {message}. Why?", 1)))

    assert answer.diagnosis is not None
    assert answer.diagnosis.confusion != "non_scalar_backward"


def test_somebody_with_the_same_error_is_answered_about_that_error(pipeline: Pipeline) -> None:
    again = AGAIN.format(twice="ran twice stops", why="why?")
    answer = pipeline.answer(
        thread(("ines", VECTOR, None), ("omar", ADVICE, 1), ("ines", again, 2), ("rui", "Same error for me, why?", 3))
    )

    assert answer.reported_error is not None
    assert "second time" in answer.reported_error.message
    assert answer.diagnosis is not None
    assert answer.diagnosis.same_error is True


def test_the_chapters_cells_ran_before_where_the_quoted_values_show_it(pipeline: Pipeline) -> None:
    cell = "I ran\n\ny = (3 * x).sum()\ny.backward()\nx.grad\n\nand got tensor([{values}]), which is wrong. Why?"
    again, alone = (
        pipeline.answer(Question(post=Post(id="1", raw=cell.format(values=values)), title="Automatic Differentiation"))
        for values in ("3., 7., 11., 15.", "3., 3., 3., 3.")
    )

    assert again.diagnosis is not None
    assert again.diagnosis.confusion == "gradient_accumulates"
    assert again.snippet is not None
    assert AssumptionKind.FROM_CHAPTER in {note.kind for note in again.snippet.assumptions}
    assert again.snippet.code.count(".backward()") == 2
    assert alone.diagnosis is None
    assert alone.snippet is not None
    assert alone.snippet.code.count(".backward()") == 1
