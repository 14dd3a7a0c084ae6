"""Strangers' Markdown and code as HTML: about as the forum shows it, and never alive."""

from __future__ import annotations

from html.parser import HTMLParser
from time import perf_counter

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.web import code, markdown
from tests.web.payloads import ALL

_TAGS = markdown._TAGS
_ATTRIBUTES = {"href", "title", "class", "rel", "start", "tabindex"}


class Reader(HTMLParser):
    """Collects what a browser would find, and complains about what may not be there."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.problems: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _TAGS:
            self.problems.append(f"<{tag}>")
        for name, value in attrs:
            if name not in _ATTRIBUTES:
                self.problems.append(f"{name}={value}")
            if name == "href":
                self.links.append(value or "")

    def handle_comment(self, data: str) -> None:
        self.problems.append(f"<!--{data}-->")

    def handle_decl(self, decl: str) -> None:
        self.problems.append(f"<!{decl}>")

    def handle_pi(self, data: str) -> None:
        self.problems.append(f"<?{data}>")


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    reader.close()
    return reader


def problems(html: str) -> list[str]:
    reader = read(html)
    return reader.problems + [link for link in reader.links if not link.startswith(("http://", "https://", "mailto:"))]


def test_there_are_enough_payloads() -> None:
    assert len(set(ALL)) >= 60


@pytest.mark.parametrize("payload", ALL)
def test_no_payload_becomes_anything_but_text_and_links(payload: str) -> None:
    for text in (payload, f"> {payload}", f"* {payload}", f"```\n{payload}\n```", f"    {payload}", f"# {payload}"):
        assert problems(markdown.html(text)) == []
    for line in code.lines(payload):
        assert problems(line) == []
    assert problems(code.ticked(f"`{payload}` and {payload}")) == []
    for row in code.diff(payload, payload + "\nmore"):
        assert problems(row.html) == []


@given(text=st.text(alphabet=st.sampled_from("<>&\"'`*_[]()!:/=#|\\- \n\tadetilsquocrp"), max_size=200))
@settings(max_examples=300, deadline=None)
@example(text="[details]\n[details]\n[/details]")
@example(text="[quote]\n```\n[/quote]\n```\n[/quote]")
def test_no_text_becomes_anything_but_text_and_links(text: str) -> None:
    assert problems(markdown.html(text)) == []


@given(before=st.text(max_size=120), after=st.text(max_size=120))
@settings(max_examples=200, deadline=None)
def test_any_two_texts_can_be_compared_and_any_code_coloured(before: str, after: str) -> None:
    assert len(code.lines(before)) == len(code.visible(before).rstrip("\n").split("\n"))
    for row in code.diff(before, after):
        assert problems(row.html) == []


def test_images_are_links_and_are_not_loaded() -> None:
    assert markdown.html("![a plot|690x388](https://example.org/p.png)") == (
        '<p><a href="https://example.org/p.png" rel="nofollow noopener noreferrer ugc">[image: a plot]</a></p>\n'
    )
    assert "href" not in markdown.html("![x](upload://abc.png)")


def test_links_lead_to_the_web_and_never_into_our_own_pages() -> None:
    reader = read(markdown.html("[a](/logout) [b](https://example.org/x) <me@example.org> [c](drafts/1) [d](#main)"))

    assert reader.links == ["https://example.org/x", "mailto:me@example.org"]


def test_the_forums_own_marks_are_shown() -> None:
    html = markdown.html(
        '[details="Why"]\n**so**\n\n```text\n[/details]\n```\n[/details]\n\n'
        '[quote="mei, post:2, topic:3"]\n[quote]\ninner\n[/quote]\n[/quote]\n\n[code]\na*b*c\n[/code]\n'
    )

    assert "<details>\n<summary>Why</summary>\n<p><strong>so</strong></p>" in html
    assert html.count("</details>") == 1
    assert "[/details]" in html
    assert "<blockquote>\n<cite>mei</cite>\n<blockquote>\n<p>inner</p>" in html
    assert "<em>" not in html


def test_marks_that_are_not_closed_stay_text() -> None:
    assert "[details]" in markdown.html("[details]\nno end")
    assert "<details" not in markdown.html("[details]\nno end")


def test_what_a_comment_hides_is_seen() -> None:
    assert "&lt;!-- hidden --&gt;" in markdown.html("<!-- hidden -->")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\u202eb", "a⟦202E⟧b"),
        ("x\u200b=1", "x⟦200B⟧=1"),
        ("tab\tline\n", "tab\tline\n"),
        ("\ufeffbom\r\n", "bom\n"),
        ("\x1b[31mred", "⟦001B⟧[31mred"),
        ("家\u200d族", "家\u200d族"),
        ("梯度 é 😀", "梯度 é 😀"),
    ],
)
def test_characters_that_hide_others_are_written_out(text: str, shown: str) -> None:
    assert code.visible(text) == shown


def test_code_keeps_its_lines_and_colours() -> None:
    rows = code.lines('\n\ns = """a\nb"""\n')

    assert len(rows) == 4
    assert rows[2].endswith('"""a</span>')
    assert rows[3].endswith('b"""</span>')


def test_long_texts_are_shown_in_time() -> None:
    started = perf_counter()
    for text in ("x = [1, 2]\n" * 3000, "[" * 5000, "*a " * 5000, "> " * 5000, "`" * 5001, "[quote]\n" * 4000):
        markdown.html(text)
        code.lines(text)

    assert perf_counter() - started < 8  # it is about one second; a search that grows with the square took thirty
