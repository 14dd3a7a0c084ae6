"""Every page at three widths, light and dark: nothing sticks out, nothing is complained about, axe-core is content."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from bot import review
from bot.domain.draft import RejectReason, ReplyFate
from bot.store import drafts, jobs, replies
from tests.browser.conftest import World
from tests.browser.questions import LEAF, TWICE, VECTOR

pytestmark = [pytest.mark.sandbox, pytest.mark.slow]

WIDTHS = {360: 740, 768: 1024, 1440: 900}
SCHEMES = ("light", "dark")
#: axe-core's rules of the standard; looking at its advice as well takes twice as long.
STANDARD = {"resultTypes": ["violations"], "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
EVERYTHING = {"resultTypes": ["violations"]}
PAGES = {
    "queue": "/",
    "queue, empty": "/?q=nothing",
    "queue, in Chinese": "/?state=rejected&lang=zh",
    "draft, in Chinese": "/drafts/2?lang=zh",
    "draft": "/drafts/1?lang=en",
    "draft, rejected": "/drafts/3",
    "edit": "/drafts/1/edit",
    "history": "/drafts/3/history",
    "knowledge": "/knowledge",
    "entry": "/knowledge/non_leaf_grad",
    "health": "/health",
    "keys": "/keys",
    "not found": "/drafts/99",
}


@pytest.fixture
def filled(world: World) -> World:
    """Three drafts, one of them edited and rejected; a claim, a job, an error that waits."""
    world.ask(VECTOR, title="How do I call backward on a vector?")
    world.ask(LEAF, title="x.grad 是 None，怎么回事？", by="小李")
    world.ask(
        TWICE, title="Why does the second call of backward() fail with a long sentence about a graph that was freed?"
    )
    now = world.server.site.clock()
    with world.store.writing() as connection:
        third = drafts.get(connection, 3)
        edited = third.reply.replace("graph", "graph of the computation")
        review.edit(connection, 3, revision=1, reply=edited, by="raj", now=now)
        review.reject(connection, 3, revision=2, reason=RejectReason.UNCLEAR, note="too long", by="raj", now=now)
        review.claim(connection, 2, by="raj", now=now, settings=world.server.site.settings.review)
        jobs.start(connection, "poll", now=now)
        jobs.finish(connection, "poll", note="3 posts read, 3 new questions", succeeded=True, now=now)
        error = RuntimeError("the pipeline stumbled over post 77")
        jobs.add_trouble(connection, job="answer", post_id="77", error=error, detail="Traceback: …", now=now)
        replies.add_outcome(connection, 3, ReplyFate.LIKED, note="twice", now=now)
    return world


@cache
def axe() -> Axe:
    return Axe()


def serious(page: Page, *, rules: dict[str, list[str]] = EVERYTHING) -> list[str]:
    """The faults that axe-core finds serious or worse, each with the first place."""
    found = axe().run(page, options=rules).response["violations"]
    return [
        f"{fault['id']}: {fault['nodes'][0]['html'][:160]} {fault['nodes'][0].get('failureSummary', '')[:200]}"
        for fault in found
        if fault["impact"] in ("serious", "critical")
    ]


def open_all_details(page: Page) -> None:
    page.evaluate("document.querySelectorAll('main details:not(.up)').forEach((one) => { one.open = true; })")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_page_is_fit_to_be_seen(filled: World, pictures: Path, scheme: str) -> None:
    page = filled.visit("mei", color_scheme=scheme)
    faults: dict[str, object] = {}
    for name, path in PAGES.items():
        page.goto(f"{filled.url}{path}")
        for width, height in WIDTHS.items():
            page.set_viewport_size({"width": width, "height": height})
            page.screenshot(path=pictures / f"{name.replace(', ', '-').replace(' ', '-')}-{width}-{scheme}.png")
            if (wide := page.evaluate("document.documentElement.scrollWidth")) > width:
                faults[f"{name} at {width}"] = wide
        open_all_details(page)
        for width, height in WIDTHS.items():
            page.set_viewport_size({"width": width, "height": height})
            rules = EVERYTHING if (scheme, width) == ("light", 1440) else STANDARD
            if found := serious(page, rules=rules):
                faults[f"{name} at {width}, audited"] = found

    assert faults == {}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_login_page_is_fit_to_be_seen(filled: World, pictures: Path, scheme: str) -> None:
    page = filled.visit(None, color_scheme=scheme)
    page.goto(f"{filled.url}/login")
    for width, height in WIDTHS.items():
        page.set_viewport_size({"width": width, "height": height})
        page.screenshot(path=pictures / f"login-{width}-{scheme}.png")

        assert serious(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_panels_that_open_are_fit_to_be_seen(filled: World, pictures: Path, scheme: str) -> None:
    page = filled.visit("mei", viewport={"width": 360, "height": 740}, color_scheme=scheme)
    page.goto(f"{filled.url}/drafts/1")
    page.locator("summary", has_text="Reject").click()
    page.screenshot(path=pictures / f"reject-360-{scheme}.png")
    assert serious(page) == []
    panel = page.locator(".panel").bounding_box()
    assert panel is not None
    assert panel["x"] >= 0
    assert panel["x"] + panel["width"] <= 360
    assert panel["y"] >= 0

    page.set_viewport_size({"width": 1440, "height": 900})
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    page.screenshot(path=pictures / f"keys-1440-{scheme}.png")
    assert serious(page) == []


def test_everything_is_large_enough_for_a_thumb(filled: World) -> None:
    page = filled.visit("mei", viewport={"width": 360, "height": 740}, has_touch=True)
    page.goto(f"{filled.url}/drafts/1")

    sizes = page.evaluate(
        "[...document.querySelectorAll('.bar button, .bar .button')].filter((one) => one.offsetParent && !one.closest('.panel'))"
        ".map((one) => { const box = one.getBoundingClientRect(); return [box.width, box.height, box.top] })"
    )

    assert len(sizes) == 5
    assert all(height >= 44 and width >= 40 for width, height, _ in sizes)
    assert len({top for *_, top in sizes}) == 1  # in one line


def test_nothing_is_loaded_from_elsewhere(filled: World) -> None:
    page = filled.visit("mei")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    answered = replace(filled.client.topic("10").posts[1], raw="![x](https://evil.example/x.png)")
    assert answered.raw
    for path in PAGES.values():
        page.goto(f"{filled.url}{path}")

    assert {url.split("/")[2] for url in asked} == {filled.url.removeprefix("http://")}
