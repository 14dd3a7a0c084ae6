"""Asking for the code: only where a person switched it on, and only where the code is what is missing."""

from __future__ import annotations

import pytest

from bot.domain.answer import Answer
from bot.domain.post import Language, Post, Question
from bot.domain.run import Run
from bot.domain.snippet import QuotedError
from bot.draft import render
from bot.pipeline import Pipeline, pipeline
from bot.sandbox import Order, Sandbox
from bot.settings import AnswerSettings, Settings

TROUBLE = "The gradients of my trainer are wrong from the third epoch on, and I cannot see where it happens."
PICTURE = "为什么这里的梯度报错？\n\n![截图](upload://abc.png)"


class NothingRuns(Sandbox):
    """A sandbox that no test here may need."""

    def run(self, order: Order) -> Run:
        raise AssertionError(f"this was to be run: {order.code}")

    def close(self) -> None:
        pass


def answered(text: str, *, wanted: bool, title: str = "") -> Answer:
    ready: Pipeline = pipeline(Settings(answer=AnswerSettings(ask_for_code=wanted)), NothingRuns(), clock=lambda: 0.0)
    return ready.answer(Question(post=Post(id="1", raw=text), title=title))


def test_nobody_is_asked_for_code_unless_the_setting_says_so() -> None:
    answer = answered(TROUBLE, wanted=False)

    assert not answer.is_draft
    assert answer.reason == "no entry fits the words"


def test_a_trouble_without_code_gets_a_request_for_it() -> None:
    answer = answered(TROUBLE, wanted=True)

    assert (answer.is_draft, answer.reason, answer.diagnosis) == (True, "the code is missing", None)
    assert answer.reply is not None
    assert "Could you add it to the post?" in answer.reply


def test_a_picture_of_code_gets_a_request_for_text_in_the_language_of_the_post() -> None:
    answer = answered(PICTURE, wanted=True)

    assert answer.reply is not None
    assert answer.reply.startswith("图片里的代码没法运行")


@pytest.mark.parametrize("text", ["这个错误要怎么改？", "How can I get rid of this error?", "為什麼報錯？"])
def test_a_picture_with_a_question_about_an_error_gets_one_though_only_the_picture_says_which(text: str) -> None:
    picture = "![截图](upload://abc.png)"

    assert answered(f"{picture}\n{text}", wanted=True).reason == "the code is missing"
    assert not answered(f"{picture}\n{text}", wanted=False).is_draft
    assert answered(f"{picture}\npip install torch 报错，怎么办？", wanted=True).reason == "installation"
    assert answered(f"{picture}\n大家看这个错误", wanted=True).reason == "not_autograd"


@pytest.mark.parametrize(
    "text",
    [
        "Thank you, the section on gradients is great!",
        "When is reverse mode cheaper than forward mode of automatic differentiation?",
        "Which learning rate do people use for this kind of network?",
    ],
)
def test_what_no_code_would_answer_gets_no_request(text: str) -> None:
    assert not answered(text, wanted=True).is_draft


def test_the_quoted_error_is_named_as_inline_code() -> None:
    reported = QuotedError(message="something <b>odd</b>\nand more", type="RuntimeError")

    reply = render.request(Language.ENGLISH, reported=reported)

    assert "the whole error text below `something <b>odd</b>`." in reply
    assert "and more" not in reply
