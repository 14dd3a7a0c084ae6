from __future__ import annotations

import pytest

from bot.domain.post import Language
from bot.extract import read
from bot.extract.language import language_of


@pytest.mark.parametrize(
    "sentence",
    ["为什么 w.grad 是 None", "請問 backward 之後 grad 為何是 None", "用了 retain_graph=True 还是报错 RuntimeError"],
)
def test_chinese_with_many_latin_names_is_chinese(sentence: str) -> None:
    assert language_of(sentence) is Language.CHINESE


@pytest.mark.parametrize(
    "sentence", ["Why is w.grad None?", "The book (中文版) says that sum comes first, why?", "なぜ勾配がありませんか"]
)
def test_other_sentences_are_answered_in_english(sentence: str) -> None:
    assert language_of(sentence) is Language.ENGLISH


def test_nothing_to_tell_by_is_none() -> None:
    assert language_of("12 + 3") is None


def test_code_does_not_count() -> None:
    post = (
        "怎么办\n```python\nfor epoch in range(number_of_epochs):\n    optimizer.zero_grad()\n    loss.backward()\n```"
    )

    assert read(post).language is Language.CHINESE


def test_the_title_decides_when_the_post_is_only_code() -> None:
    code = "```\nx = torch.ones(2)\n```"

    assert read(code, title="梯度为什么是空的").language is Language.CHINESE
    assert read(code).language is Language.ENGLISH


QUOTE = "RuntimeError: element 0 of tensors does not require grad and does not have a grad_fn"


@pytest.mark.parametrize(
    "post",
    [
        f"运行报错 {QUOTE}",
        f"自己写的 loss 报错：{QUOTE}",
        "训练时 one of the variables needed for gradient computation has been modified by an inplace operation 怎么办",
        f"```\nx.backward()\n```\n求助 {QUOTE}\n{QUOTE}",
    ],
)
def test_a_quoted_error_does_not_count(post: str) -> None:
    assert read(post).language is Language.CHINESE
    assert read(f"I get {QUOTE}").language is Language.ENGLISH


def test_a_chinese_title_outweighs_a_few_english_words() -> None:
    title = f"计算梯度时报错 {QUOTE}"
    long = "I have read the whole chapter and every exercise, and the last line of mine still stops with that error."

    assert read("My code, thanks:", title=title).language is Language.CHINESE
    assert read(long, title=title).language is Language.ENGLISH
    assert read("My code, thanks:", title=QUOTE).language is Language.ENGLISH


def test_the_caller_knows_better() -> None:
    assert read("Why?", language=Language.CHINESE).language is Language.CHINESE


def test_traditional_characters_are_noted() -> None:
    told = read("為什麼這個張量沒有梯度？")
    assert (told.traditional, told.prose) == (True, "为什么这个张量没有梯度？")
    assert not read("为什么这个张量没有梯度？").traditional
