"""Questions in traditional characters are understood like those in simplified ones, and answered in their own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from bot import chinese
from bot.diagnose import signals
from bot.diagnose.match import Matcher
from bot.domain.post import Language, Post, Question
from bot.draft import markdown
from bot.extract import read, silent_because, triage
from bot.library import read_library
from bot.pipeline import Pipeline

CORPUS = Path(__file__).with_name("corpus") / "posts.jsonl"
POSTS = [json.loads(line) for line in CORPUS.read_text(encoding="utf-8").splitlines()]
IN_CHINESE = [post for post in POSTS if read(post["body"], title=post["title"]).language is Language.CHINESE]


def test_the_orthography_is_told_by_the_characters_that_only_one_of_them_has() -> None:
    assert chinese.is_traditional("為什麼這個張量沒有梯度")
    assert chinese.is_traditional("供大家參考：loss.backward()")
    assert not chinese.is_traditional("为什么这个张量没有梯度")
    assert not chinese.is_traditional("backward() 之后 x.grad 是 None")
    assert not chinese.is_traditional("")


def test_words_are_taken_over_and_not_characters_alone() -> None:
    assert chinese.simplified("執行程式時變數的梯度") == "运行程序时变量的梯度"
    assert chinese.traditional("运行程序时变量的梯度") == "執行程式時變數的梯度"


@pytest.mark.parametrize(
    ("simple", "wanted"),
    [
        ("优化器只更新交给它的参数", "優化器只更新交給它的參數"),
        ("损失函数的导数组成一张表", "損失函數的導數組成一張表"),
        ("激活函数之前的张量是一个视图", "激活函數之前的張量是一個視圖"),
        ("这段代码的循环里，梯度被清零", "這段程式碼的迴圈裡，梯度被清零"),
        ("调用 backward 时抛出异常", "呼叫 backward 時拋出異常"),
        ("形参和实参都是参数", "形參和實參都是參數"),
        ("显存和内存", "顯示記憶體和記憶體"),
        ("系数、指数和对数的表达式", "係數、指數和對數的表達式"),
    ],
)
def test_the_words_of_the_field_are_those_that_its_readers_use(simple: str, wanted: str) -> None:
    assert chinese.traditional(simple) == wanted
    assert chinese.is_traditional(wanted)


def test_no_explanation_takes_a_parameter_for_the_argument_of_a_call() -> None:
    for entry in read_library(words=signals.known_words()):
        told = chinese.traditional(entry.explain[Language.CHINESE])
        assert not [word for word in ("引數", "函式", "最佳化", "丟擲", "例項", "導陣列") if word in told]


def understood(body: str, title: str, matcher: Matcher) -> tuple[object, ...]:
    reading = read(body, title=title)
    title = chinese.in_simplified(title)
    found = matcher.by_text(reading, title=title, asks=triage.asks_in)
    question = Question(post=Post(id="1", raw=body), title=title)
    return silent_because(question, reading), found and found.confusion, len(reading.blocks)


@pytest.mark.timeout(120)
def test_chinese_posts_are_understood_alike_in_both_orthographies() -> None:
    matcher = Matcher(read_library(words=signals.known_words()))
    assert len(IN_CHINESE) > 100
    unlike = [
        post["id"]
        for post in IN_CHINESE
        if understood(post["body"], post["title"], matcher)
        != understood(chinese.traditional(post["body"]), chinese.traditional(post["title"]), matcher)
    ]
    assert unlike == []


@pytest.mark.sandbox
def test_a_question_in_traditional_characters_is_answered_in_them_with_its_code_untouched(pipeline: Pipeline) -> None:
    code = "import torch\nx = torch.arange(3.0, requires_grad=True)  # 变量, 變數\ny = x * x\ny.backward()\n"
    answer = pipeline.answer(Question(post=Post(id="7", raw=f"請問為什麼執行時會報錯？\n\n```python\n{code}```\n")))

    assert answer.reply is not None
    assert answer.repair is not None
    assert markdown.fenced(answer.repair.code, "python") in answer.reply
    assert "# 变量, 變數" in answer.reply
    told: list[str] = []
    markdown.outside_code(answer.reply, lambda sentence: told.append(sentence) or sentence)
    assert chinese.is_traditional("".join(told))
    assert "变" not in "".join(told)


STRANGE = st.text(st.sampled_from("为`~ \n\0#x"), max_size=30)
PARTS = st.lists(
    st.one_of(
        st.just("为什么 `x` 为"),
        STRANGE.map(markdown.inline).map("为{}为".format),
        STRANGE.map(lambda text: markdown.fenced(text, "text")),
    )
)


@given(parts=PARTS)
def test_code_stays_as_it_is_when_sentences_change(parts: list[str]) -> None:
    text = "\n\n".join(parts)
    changed = markdown.outside_code(text, lambda piece: piece.replace("为", "為"))

    def code(text: str) -> list[str]:
        tokens = [inner for token in MarkdownIt("commonmark").parse(text) for inner in (token, *(token.children or ()))]
        return [token.content for token in tokens if token.type in ("fence", "code_inline")]

    assert code(changed) == code(text)
    sentences = [part for part in parts if part.startswith("为")]
    assert changed.count("為") == 2 * len(sentences)
