"""The program's own sentences in the visitor's language: none is missing, and nobody else's words are touched."""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import bot
from bot.domain.post import Language
from bot.errors import BotError, DatabaseBusy, ForumError, ReviewError, SandboxError
from bot.web.sentences import each_in_language, in_language, sentences
from tests.web.visitors import library

CHINESE = sentences(Language.CHINESE)

#: Where sentences about a post are written: the folder or the files, what is called there, and its arguments.
WRITTEN = {
    "diagnose": ({"Found"}, {"text"}),
    "extract": ({"Assumption"}, {"text"}),
    "context": ({"Assumption"}, {"text"}),
    "verify": ({"Check"}, {"why"}),
    "*.py": ({"Check", "NumericRun", "change", "WrongState", "QuestionChanged"}, {"why", "problem", "note", 0}),
    "sandbox/inside": ({"Mismatch", "_give_up"}, {0}),
    "review.py": ({"ClaimedByOther", "BadInput"}, {0}),
    "publish": ({"change", "WrongState", "_failed", "_stale"}, {"note", 0, 2, 3}),
    "store/drafts.py": ({"WrongState", "NotFound"}, {0}),
    "store/jobs.py": ({"NotFound"}, {0}),
    "web": ({"BadInput", "NotFound"}, {0}),
}


def gaps(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def said(node: ast.expr, names: dict[str, list[ast.expr]]) -> Iterator[str]:
    """Every text that an expression can be, with "7" for what is only known when it is run."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr(values=parts):
            yield "".join(part.value if isinstance(part, ast.Constant) else "7" for part in parts)
        case ast.BinOp(op=ast.Add(), left=left, right=right):
            yield from map("".join, product(list(said(left, names)), list(said(right, names))))
        case ast.IfExp(body=one, orelse=other):
            yield from said(one, names)
            yield from said(other, names)
        case ast.BoolOp(values=values):
            for value in values:
                yield from said(value, names)
        case ast.Subscript(value=ast.Dict(values=values)):
            for value in values:
                yield from said(value, names)
        case ast.Subscript(value=ast.JoinedStr() as text):
            yield from said(text, names)
        case ast.Name(id=name):
            for value in names.get(name, ()):
                yield from said(value, {})


def written(place: str) -> set[str]:
    """The sentences that the code of this place can write."""
    calls, arguments = WRITTEN[place]
    root = Path(bot.__file__).parent
    files = root.glob(place) if place.endswith(".py") else (root / place).rglob("*.py")
    found: set[str] = set()
    for file in files:
        for function in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(function, ast.FunctionDef):
                found |= set(_in_function(function, calls, arguments))
    return {text for text in found if re.search("[a-z]{2}", text.replace("torch 7", ""))}


def _in_function(function: ast.FunctionDef, calls: set[str], arguments: set[str | int]) -> Iterator[str]:
    names: dict[str, list[ast.expr]] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            names.setdefault(node.targets[0].id, []).append(node.value)
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) in calls:
            given = {word.arg: word.value for word in node.keywords} | dict(enumerate(node.args))
            for argument in arguments & given.keys():
                yield from said(given[argument], names)


@pytest.mark.parametrize("place", WRITTEN)
def test_every_sentence_that_the_program_writes_about_a_post_can_be_said_in_chinese(place: str) -> None:
    texts = written(place)

    assert texts
    assert {text for text in texts if not re.search("[一-鿿]", in_language(text, Language.CHINESE))} == set()


def test_what_a_fix_keeps_and_the_families_of_the_book_can_be_said_in_chinese() -> None:
    kept = {fix.keeps for entry in library() for fix in entry.fixes if fix.keeps}
    families = {entry.family.replace("_", " ") for entry in library()}

    assert (kept | families) - set(CHINESE) == set()


def every_class(base: type[BotError]) -> Iterator[type[BotError]]:
    yield base
    for child in base.__subclasses__():
        yield from every_class(child)


@pytest.mark.parametrize("base", [ReviewError, SandboxError, ForumError, DatabaseBusy])
def test_what_errors_say_by_themselves_can_be_said_in_chinese(base: type[BotError]) -> None:
    messages = {str(error()) for error in every_class(base)}

    assert messages - set(CHINESE) == set()


@pytest.mark.parametrize("sentence", sorted(CHINESE))
def test_a_sentence_has_the_same_gaps_in_chinese(sentence: str) -> None:
    assert gaps(sentence) == gaps(CHINESE[sentence])
    assert CHINESE[sentence].strip()


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("line 3 changes a leaf in place", "第 3 行原地修改了叶子张量"),
        ("`w.grad` is read at line 4; `w` is not a leaf", "第 4 行读取 `w.grad`；`w` 不是叶子"),
        ("`w` is the result of an operation, not the leaf", "`w` 是某个运算的结果，不是那个叶子"),
        ("x is taken from post 4", "x 取自第 4 楼"),
        ("the run raised", "运行结果：报错"),
        (
            "Draft 7 is stale: the question was edited. Answer the question anew, or drop it.",
            "草稿 7 已过时：问题被编辑过。请重新回答，或放弃它。",
        ),
        (
            "mei made draft 7 approved at 2026-11-23 12:00:00 UTC.",
            "mei 在 2026-11-23 12:00:00 UTC 处理了草稿 7，现在的状态：已批准。",
        ),
        ("left out, no part of the program: line 3 changes\nline 4", "略去，不属于程序：line 3 changes\nline 4"),
    ],
)
def test_sentences_are_said_in_chinese_with_what_stood_in_their_gaps(english: str, chinese: str) -> None:
    assert in_language(english, Language.CHINESE) == chinese
    assert in_language(english, Language.ENGLISH) == english


def test_of_two_sentences_that_fit_the_more_telling_one_is_meant() -> None:
    both = "the post speaks of `loss`"

    assert in_language(both, Language.CHINESE) == "帖子提到了 `loss`"
    assert in_language("old spelling brought up to date: a read as b is now c", Language.CHINESE).startswith("旧写法")


def test_a_line_of_several_sentences_is_said_one_by_one() -> None:
    line = "line 4: 3 of 90 passes; stopped in the statement at line 6"

    assert each_in_language(line, Language.CHINESE, between="; ") == "第 4 行：90 轮中的前 3 轮；在第 6 行的语句处中止"
    assert each_in_language(line, Language.ENGLISH, between="; ") == line


@given(st.text(), st.sampled_from(Language))
def test_words_of_others_stay_as_they_are(text: str, language: Language) -> None:
    assert in_language(f"«{text}»", language) == f"«{text}»"


def test_braces_in_what_a_gap_holds_do_no_harm() -> None:
    assert in_language("x = {0} read as {line}", Language.CHINESE) == "x = {0} 读作 {line}"
