"""The queue: order, filters, search, pages, what is overdue and who has what in hand."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from bot import review
from bot.domain.diagnosis import Diagnosis
from bot.domain.draft import RejectReason
from bot.domain.post import Language
from tests import review_examples as examples
from tests.review_examples import NOON, REVIEW
from tests.unreliable import HandClock
from tests.web.visitors import Page, library, texts


def wait(
    page: Page,
    post_id: str,
    *,
    title: str = "backward() of a vector",
    asker: str = "asker",
    hours: float = 1,
    confidence: float = 0.9,
    confusion: str = "non_scalar_backward",
    language: Language = Language.ENGLISH,
    category: int = 3,
) -> int:
    """A draft that has waited some hours."""
    post = replace(examples.post(), id=post_id, author=asker, category_id=category)
    found = Diagnosis(confusion=confusion, evidence=(), confidence=confidence, ran=True)
    answer = replace(examples.answer(), diagnosis=found, language=language)
    asked = replace(examples.question(post), title=title)
    return examples.draft(page.site.store, of=answer, asked=asked, now=NOON - timedelta(hours=hours)).id


def listed(page: Page, query: str = "") -> list[int]:
    """The drafts in the order in which the queue shows them."""
    html = page.visitor().get(f"/{query}").text
    return [int(number) for number in re.findall(r'<span class="subject">\s*<a href="/drafts/(\d+)', html)]


@pytest.fixture
def three(page: Page) -> Page:
    wait(page, "21", hours=3, confidence=0.8, title="first of all", language=Language.CHINESE)
    wait(page, "22", hours=30, confidence=0.95, title="梯度消失", confusion="non_leaf_grad", category=9)
    wait(page, "23", hours=1, confidence=0.9, asker="Grace")
    return page


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("", [2, 1, 3]),
        ("?order=oldest", [2, 1, 3]),
        ("?order=newest", [3, 1, 2]),
        ("?order=surest", [2, 3, 1]),
        ("?confusion=non_leaf_grad", [2]),
        ("?confusion=nothing", []),
        ("?language=zh", [1]),
        ("?category=9", [2]),
        ("?confidence=90", [2, 3]),
        ("?confidence=90&order=surest&language=en", [2, 3]),
        ("?q=梯度", [2]),
        ("?q=grace", [3]),
        ("?q=first+grace", []),
        ("?state=approved", []),
        ("?state=nonsense&order=nonsense&language=xx&category=-1&confidence=abc&after=3", []),
    ],
)
def test_the_queue_is_sorted_and_filtered(three: Page, query: str, wanted: list[int]) -> None:
    assert listed(three, query) == wanted


def test_a_row_says_all_that_is_needed_to_choose(three: Page) -> None:
    said = texts(three.visitor().get("/").text)

    assert "Waiting for a decision" in said
    called = {entry.name: entry.title[Language.ENGLISH] for entry in library()}
    about_leaves, about_vectors = called["non_leaf_grad"], called["non_scalar_backward"]
    assert f"proved 梯度消失 Why does this fail? asker · #1 · category 9 {about_leaves} en 95 % 30 h overdue" in said
    assert f"first of all Why does this fail? asker · #1 · category 3 {about_vectors} zh 80 % 3 h" in said
    assert said.count("overdue") == 1


def test_a_row_names_the_confusion_in_the_language_of_the_page(three: Page) -> None:
    titles = [entry.title for entry in library() if entry.name in ("non_leaf_grad", "non_scalar_backward")]

    said = texts(three.visitor().get("/?lang=zh").text)

    assert all(title[Language.CHINESE] in said and title[Language.ENGLISH] not in said for title in titles)
    assert "3 小时" in said


def test_a_row_says_who_has_the_draft_in_hand(three: Page, clock: HandClock) -> None:
    with three.site.store.writing() as connection:
        review.claim(connection, 1, by="raj", now=NOON, settings=REVIEW)

    assert "raj has it" in texts(three.visitor().get("/").text)
    clock.advance(20 * 60)
    assert "raj has it" not in texts(three.visitor().get("/").text)


def test_an_unproved_draft_is_marked(page: Page) -> None:
    wait(page, "21")
    with page.site.store.writing() as connection:
        edited = examples.shown("print(1)\n")
        review.edit(connection, 1, revision=1, reply=edited, by="mei", now=NOON)

    said = texts(page.visitor().get("/").text)

    assert "not proved" in said
    assert "revision 2" in said


def test_fifty_are_shown_at_a_time(page: Page) -> None:
    ids = [wait(page, str(number), hours=200 - number) for number in range(100, 153)]

    assert listed(page) == ids[:50]
    assert f'href="/?after={ids[49]}" rel="next"' in page.visitor().get("/").text
    assert listed(page, f"?after={ids[49]}") == ids[50:]
    assert "First page" in page.visitor().get(f"/?after={ids[49]}").text


def test_an_empty_queue_says_so_and_why(page: Page) -> None:
    said = texts(page.visitor().get("/").text)

    assert "Nothing waits." in said
    assert "New drafts appear here" in said
    assert "No draft fits these filters." in texts(page.visitor().get("/?q=nothing").text)


def test_what_was_decided_has_its_own_tab(three: Page) -> None:
    with three.site.store.writing() as connection:
        review.approve(connection, 1, revision=1, by="mei", now=NOON, settings=REVIEW)
        review.reject(connection, 2, revision=1, reason=RejectReason.TONE, by="mei", now=NOON)

    assert listed(three) == [3]
    assert listed(three, "?state=approved") == [1]
    assert listed(three, "?state=rejected") == [2]


def test_a_draft_without_a_title_or_a_diagnosis_has_a_row(page: Page) -> None:
    asking = replace(examples.example("Please show the code."), diagnosis=None)
    examples.draft(page.site.store, of=asking, asked=replace(examples.question(), title=""))

    assert "(no title)" in texts(page.visitor().get("/").text)
    assert "asks for the code" in texts(page.visitor().get("/").text)
    assert page.visitor().get("/drafts/1").status_code == 200


@pytest.mark.parametrize(
    ("headers", "query", "wanted"),
    [
        ({"accept-language": "zh-CN,zh;q=0.9,en;q=0.8"}, "", "等待决定"),
        ({"accept-language": "en;q=0.5,zh;q=0.9"}, "", "等待决定"),
        ({"accept-language": "fr, *;q=0.1"}, "", "Waiting for a decision"),
        ({"accept-language": "zh"}, "?lang=en", "Waiting for a decision"),
        ({"accept-language": "en"}, "?lang=zh", "等待决定"),
        ({"accept-language": "zh;q=x,,;;"}, "?lang=xx", "Waiting for a decision"),
    ],
)
def test_the_page_speaks_the_language_that_was_asked_for(
    page: Page, headers: dict[str, str], query: str, wanted: str
) -> None:
    assert wanted in page.visitor().get(f"/{query}", headers=headers).text


def test_a_chosen_language_is_remembered(page: Page) -> None:
    visitor = page.visitor()
    visitor.get("/?lang=zh")

    assert '<html lang="zh-Hans">' in visitor.get("/health").text


def test_a_row_says_how_the_post_begins_without_its_code(page: Page) -> None:
    raw = "Hello *all*,\n\n```python\nx = 1\n```\n\n    y = 2\n\nwhy <b>is</b> that? " + "And so on. " * 30
    examples.draft(page.site.store, asked=examples.question(examples.post(raw)))

    said = texts(page.visitor().get("/").text)

    assert "Hello *all*, why <b>is</b> that? And so on." in said
    assert "x = 1" not in said
    assert "y = 2" not in said
    assert "…" in said
