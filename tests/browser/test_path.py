"""The whole path: login, the queue, a draft, an edit, its code run again, approval, the reply on the forum."""

from __future__ import annotations

import secrets
from functools import partial

import pytest
from playwright.sync_api import Page, expect

from bot.domain.draft import DraftState
from bot.publish import Publisher, publish
from bot.settings import Settings
from bot.store import drafts
from tests.browser.conftest import World
from tests.browser.questions import LEAF, TWICE, VECTOR

pytestmark = [pytest.mark.sandbox, pytest.mark.slow]


def post_now(world: World) -> None:
    """What the publisher does when the grace time is over."""
    settings: Settings = world.server.site.settings
    with world.store.writing() as connection:
        connection.exec_driver_sql("UPDATE drafts SET post_after = '2026-01-01 00:00:00' WHERE state = 'approved'")
    publish(
        Publisher(
            store=world.store,
            forum=world.client,
            settings=settings,
            clock=world.server.site.clock,
            marker_key=lambda: secrets.token_hex(16),
        )
    )


def test_from_the_login_to_the_reply_on_the_forum(world: World) -> None:
    world.ask(VECTOR, title="How do I call backward on a vector?")
    page = world.visit("mei")

    page.get_by_role("link", name="How do I call backward on a vector?").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("How do I call backward on a vector?")
    expect(page.locator("#evidence")).to_contain_text("the same error")
    page.get_by_role("link", name="Edit").click()
    text = page.get_by_role("textbox", name="Text")
    text.fill(
        text.input_value()
        .replace("y.sum().backward()", "y.backward(torch.ones(4))")
        .replace("several numbers", "four numbers")
    )
    expect(page.locator("#preview")).to_contain_text("four numbers")
    page.get_by_role("button", name="Save", exact=False).nth(1).click()

    expect(page.get_by_text("Its code has no proof.")).to_be_visible()
    expect(page.get_by_role("button", name="Approve")).to_be_disabled()
    page.get_by_role("link", name="Edit").click()
    page.get_by_role("button", name="Run and save").click()
    expect(page.locator("#reply")).to_contain_text("fix: by hand")
    expect(page.get_by_role("button", name="Approve")).to_be_enabled()
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("status").first).to_contain_text("Approved: How do I call backward on a vector?")

    post_now(world)

    (posted,) = world.forum.posted
    assert "four numbers" in posted.raw
    assert "y.backward(torch.ones(4))" in posted.raw
    page.goto(f"{world.url}/drafts/1")
    expect(page.get_by_text("The reply is on the forum.")).to_be_visible()
    link = page.get_by_role("link", name="See it on the forum")
    assert link.get_attribute("href") == f"{world.forum.url}/p/{posted.id}"


def test_a_decision_is_undone_in_time(world: World) -> None:
    world.ask(VECTOR)
    page = world.visit("mei")
    page.goto(f"{world.url}/drafts/1")
    page.get_by_role("button", name="Approve").click()

    page.get_by_role("button", name="Undo").click()

    expect(page.locator("h1 .state")).to_have_text("waiting")
    post_now(world)
    assert world.forum.posted == []


def test_a_question_that_is_edited_before_the_reply_is_posted_is_not_answered(world: World) -> None:
    world.ask(VECTOR)
    page = world.visit("mei")
    page.goto(f"{world.url}/drafts/1")
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("status").first).to_contain_text("Approved")
    asked = next(post for post in world.forum.posts.values() if post.user.username == "student")
    world.forum.edit(asked.id, "Never mind, I found it.")

    post_now(world)

    assert world.forum.posted == []
    page.goto(f"{world.url}/drafts/1")
    expect(page.get_by_text("The question has changed:")).to_be_visible()


def press_when_ready(page: Page, key: str) -> None:
    """Press a key once the page's script listens: the page itself is there before."""
    page.wait_for_load_state()
    page.keyboard.press(key)


def test_keys_alone_are_enough(world: World) -> None:
    world.ask(VECTOR, title="First question here")
    world.ask(LEAF, title="第二个问题")
    world.ask(TWICE, title="Third question here")
    page = world.visit("mei")
    keys, press = page.keyboard, partial(press_when_ready, page)

    press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    press("j")
    press("j")
    press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("第二个问题")
    press("c")
    expect(page.get_by_role("button", name="Release")).to_be_visible()
    press("c")
    expect(page.get_by_role("button", name="Claim")).to_be_visible()
    press("a")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Third question here")
    press("u")
    expect(page.get_by_role("heading", level=1)).to_contain_text("第二个问题")
    press("s")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Third question here")
    press("e")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Edit the reply")
    page.locator("#text").focus()
    press("Control+End")
    keys.type("\nOne more sentence.")
    press("Control+s")
    expect(page.locator("#reply")).to_contain_text("One more sentence.")
    press("r")
    expect(page.get_by_role("radio").first).to_be_focused()
    press("ArrowDown")
    press("Tab")
    keys.type("this is not right")  # letters in a field decide nothing
    press("Tab")
    press("Enter")
    expect(page.get_by_role("status").first).to_contain_text("Rejected: Third question here")
    press("g")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Waiting for a decision")
    press("/")
    keys.type("第二")
    press("Enter")
    expect(page.locator(".row")).to_have_count(1)
    with world.store.reading() as connection:
        third = drafts.get(connection, 3)
        assert third.state is DraftState.REJECTED
        assert "One more sentence." in third.reply


def test_while_a_form_is_under_way_the_page_says_so(world: World) -> None:
    world.ask(VECTOR)
    page = world.visit("mei")
    page.keyboard.press("?")
    page.get_by_role("button", name="Close").click()
    assert page.locator("body.busy").count() == 0
    page.goto(f"{world.url}/drafts/1")
    page.evaluate("document.addEventListener('submit', (event) => event.preventDefault())")  # it never arrives

    page.keyboard.press("c")

    assert page.locator("body.busy").count() == 1
    assert page.locator("form[aria-busy=true]").count() == 1


def test_the_tab_key_reaches_the_content_first_and_every_button(world: World) -> None:
    world.ask(VECTOR)
    page = world.visit("mei")
    page.goto(f"{world.url}/drafts/1")
    reached = []
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.textContent.trim().replace(/\\s+/g, ' ').slice(0, 40)"))
        if reached[-1] == "Skips":  # its key stands beside its name
            break

    assert reached[0] == "Skip to the content"
    assert {"Approvea", "Reject…r", "Edite", "Claimc", "Skips"} <= set(reached)
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_without_javascript_everything_works(world: World) -> None:
    world.ask(VECTOR, title="First question here")
    world.ask(TWICE, title="Second question here")
    page = world.visit("mei", java_script_enabled=False)

    page.get_by_role("searchbox").fill("first")
    page.get_by_role("button", name="Show").click()
    expect(page.locator(".row")).to_have_count(1)
    page.get_by_role("link", name="First question here").click()
    page.get_by_role("link", name="Edit").click()
    text = page.get_by_role("textbox", name="Text")
    text.fill(text.input_value().replace("y.sum().backward()", "y.backward()"))
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#preview")).to_contain_text("y.backward()")
    page.get_by_role("button", name="Run and save").click()
    expect(page.get_by_text("the proof does not hold")).to_be_visible()
    page.goto(f"{world.url}/drafts/2")
    page.locator("summary", has_text="Reject").click()
    page.get_by_label("The tone is wrong").check()
    page.get_by_role("button", name="Reject", exact=True).click()
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("button", name="Approve").click()
    page.get_by_role("link", name="Knowledge").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Knowledge")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    with world.store.reading() as connection:
        assert drafts.get(connection, 2).state is DraftState.APPROVED


def test_the_second_of_two_is_told_who_was_first_before_and_after_deciding(world: World) -> None:
    world.ask(VECTOR)
    mei, raj = world.visit("mei"), world.visit("raj")
    for page in (mei, raj):
        page.goto(f"{world.url}/drafts/1")
    mei.get_by_role("link", name="Edit").click()
    text = mei.get_by_role("textbox", name="Text")
    text.fill(text.input_value().replace("several numbers", "four numbers"))
    mei.keyboard.press("Control+s")
    expect(mei.locator("#reply")).to_contain_text("four numbers")

    expect(raj.locator("[data-toast]")).to_contain_text("mei changed the text of draft 1")
    raj.keyboard.press("a")

    expect(raj.get_by_role("alert")).to_contain_text("mei changed the text of draft 1")
    expect(raj.locator(".notice .diff .new")).to_contain_text("four numbers")
    mei.keyboard.press("a")
    expect(mei.get_by_role("status").first).to_contain_text("Approved")
    raj.keyboard.press("a")
    expect(raj.get_by_role("alert")).to_contain_text("mei made draft 1 approved")
    with world.store.reading() as connection:
        assert drafts.get(connection, 1).state is DraftState.APPROVED


def test_the_queue_says_that_it_has_changed(world: World) -> None:
    world.ask(VECTOR)
    page = world.visit("eve")
    expect(page.locator("[data-waiting]")).to_have_text("1")

    world.ask(TWICE)

    expect(page.locator("[data-waiting]")).to_have_text("2")
    page.get_by_role("link", name="The queue has changed").click()
    expect(page.locator(".row")).to_have_count(2)


def test_a_page_left_open_says_when_the_session_is_over(world: World) -> None:
    world.ask(VECTOR)
    page, other = world.visit("mei"), world.visit("mei")
    page.goto(f"{world.url}/drafts/1")
    other.get_by_role("button", name="Sign out").click()

    page.keyboard.press("a")

    expect(page.get_by_role("heading", level=1)).to_contain_text("You are signed out")
    with world.store.reading() as connection:
        assert drafts.get(connection, 1).state is DraftState.PENDING
