"""Strangers' text in Markdown stays text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from bot.draft.markdown import fenced, inline, with_facts

PIECES = st.sampled_from([
    "`", "``", "```", "~~~", "@everyone", "<b>", "<!-- x -->", "</details>", "[quote=\"a, post:1\"]", "[/quote]", "[/details]", "# ",
    "> ", "- ", "1. ", "![x](http://e)", "[x](http://e)", "\n", "\n\n", "    ", "\t", "\u200b", "\u2028", "|", "---", "***", "\\", "&lt;",
    "{x}", "{{ x }}", "{% x %}", "$", "梯度", "x", "'", "\"",
])  # fmt: skip
STRANGE = st.lists(PIECES, max_size=8).map("".join)
PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def kinds(text: str) -> list[str]:
    return [token.type for token in PARSER.parse(text)]


@given(STRANGE)
def test_a_fence_holds_any_text_whole(text: str) -> None:
    [fence] = PARSER.parse(fenced(text, "python"))
    assert (fence.type, fence.info) == ("fence", "python")
    assert fence.content.strip("\n") == text.strip("\n")


@given(STRANGE, STRANGE)
def test_what_comes_after_a_fence_is_not_part_of_it(text: str, other: str) -> None:
    tokens = PARSER.parse(f"{fenced(text, 'text')}\n\nafter\n\n{fenced(other, 'text')}")
    assert [token.type for token in tokens] == ["fence", "paragraph_open", "inline", "paragraph_close", "fence"]


@given(STRANGE)
def test_inline_code_holds_any_text_on_one_line(text: str) -> None:
    made = inline(text)
    assert "\n" not in made
    [_, line, _] = PARSER.parse(f"before {made} behind")
    assert line.children is not None
    assert [child.type for child in line.children] == ["text", "code_inline", "text"]
    assert [line.children[0].content, line.children[2].content] == ["before ", " behind"]


@given(STRANGE)
def test_inline_code_shows_the_text_but_for_its_white_space(text: str) -> None:
    [_, line, _] = PARSER.parse(f"a {inline(text)} b")
    assert line.children is not None
    wanted = " ".join(text.split())[:160] or "…"
    assert line.children[1].content.split() == wanted.split()


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("x", "`x`"),
        ("a`b", "``a`b``"),
        ("`", "`` ` ``"),
        ("", "`…`"),
        ("a\n b", "`a b`"),
        ("y" * 300, f"`{'y' * 160}`"),
    ],
)
def test_inline_code_is_as_short_as_it_can_be(text: str, made: str) -> None:
    assert inline(text) == made


def test_facts_come_in_as_inline_code_and_numbers_plain() -> None:
    facts = {"loss": "y", "line": "12", "evil": "`@all`"}
    assert with_facts("{loss} at line {line}: {evil}", facts) == "`y` at line 12: `` `@all` ``"


def test_code_behind_a_fact_joins_it() -> None:
    assert with_facts("{x}`.grad` and {x} `.grad`", {"x": "w"}) == "`w.grad` and `w` `.grad`"


def test_a_fact_may_stand_within_code() -> None:
    assert with_facts("`{x}` has {y}; `print({x}.grad)` and `a` stay", {"x": "w", "y": "z"}) == (
        "`w` has `z`; `print(w.grad)` and `a` stay"
    )
    assert with_facts("`{x}`", {"x": "`@all`"}) == "`` `@all` ``"


def test_a_fact_that_looks_like_a_gap_is_not_filled() -> None:
    assert with_facts("so is {y}", {"y": "{x}", "x": "z"}) == "so is `{x}`"


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"x": "w", "y": "z"}, "`w` is `z`.\n\nThat is all."),
        ({"x": "w"}, "`w` is known.\n\nThat is all."),
        ({"y": "z"}, "Nothing is known.\n\nThat is all."),
    ],
)
def test_of_several_wordings_the_first_is_said_of_which_all_facts_are_known(facts: dict[str, str], said: str) -> None:
    text = "{x} is {y}.\n\nor: {x} is known.\n\nor: Nothing is known.\n\nThat is all."
    assert with_facts(text, facts) == said


def test_a_paragraph_that_lacks_a_fact_is_left_out() -> None:
    assert with_facts("{x} is known.\n\nThat is all.", {}) == "That is all."
    assert with_facts("{x} is known.", {}) == ""


@given(STRANGE)
def test_a_fact_is_never_more_than_inline_code(text: str) -> None:
    made = with_facts("see {x}, {x}`.grad`.", {"x": text})
    tokens = PARSER.parse(made)
    assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"]
    assert {child.type for child in tokens[1].children or ()} <= {"text", "code_inline"}
