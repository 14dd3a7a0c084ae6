"""Payloads through post, title, user name, output of code and search box: nothing comes alive in the browser."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from playwright.sync_api import Page
from sqlalchemy import text

from bot import review
from bot.domain.draft import RejectReason
from bot.domain.post import Post, Question
from bot.domain.run import Echo, Run, RunError, RunWarning
from bot.domain.tape import Event, NamedTensor, Tape
from bot.store import jobs
from tests import review_examples as examples
from tests.browser.conftest import World
from tests.web.payloads import ALL, OUT_OF_CONTEXT
from tests.web.test_draft import before, tensor

pytestmark = [pytest.mark.sandbox, pytest.mark.slow]

#: Notes whatever a payload achieves, before any script of a page runs.
WATCH = """
window.hits = [];
for (const name of ["alert", "confirm", "prompt", "print", "open"]) window[name] = (...all) => { window.hits.push(name); };
document.addEventListener("securitypolicyviolation", (event) => window.hits.push("policy " + event.violatedDirective));
"""
#: What may not be in a page, wherever it came from.
FOUND = """
[...document.querySelectorAll("main *")].flatMap((one) => [
  ...(/^(script|iframe|object|embed|base|link|meta|style|img|video|audio|math|template|marquee|dialog)$/i.test(one.tagName) ? [one.outerHTML] : []),
  ...[...one.attributes].filter((name) => /^on|^style$|^srcdoc$/i.test(name.name) || /^\\s*(javascript|data|vbscript):/i.test(name.value)).map((name) => name.name + "=" + name.value),
])
"""


def run_with(payload: str) -> Run:
    """A run of which every text is the payload."""
    state = replace(tensor(1, leaf=True), names=(payload,), grad_fn=payload, dtype=payload)
    return replace(
        before(),
        error=RunError(type=payload, message=payload, line=3),
        warnings=(RunWarning(category=payload, message=payload, line=2),),
        echoes=(Echo(line=2, text=payload),),
        prints=(Echo(line=1, text=payload),),
        stderr=payload,
        reason=payload,
        passes=payload,
        torch_version=payload,
        tape=Tape(
            events=(
                Event(index=0, line=1, op=payload, outputs=(state,), note=payload, error=None),
                Event(index=1, line=2, op="mul", inputs=(state,), outputs=(replace(state, serial=2),)),
                Event(index=2, line=3, op=payload, inputs=(state,), error=payload),
            ),
            finals=(NamedTensor(name=payload, state=state, value=payload, grad=payload),),
        ),
    )


def fill(world: World) -> None:
    """For each payload a draft in which it stands wherever a stranger can write."""
    now = world.server.site.clock()
    for number, payload in enumerate(ALL, start=100):
        post = Post(id=str(number), raw=payload, topic_id="5", number=2, author=payload)
        earlier = Post(id=f"{number}-1", raw=payload, topic_id="5", number=1, author=payload)
        asked = Question(post=post, title=payload, earlier=(earlier,))
        answer = replace(examples.answer(reply=payload), before=run_with(payload), after=run_with(payload))
        with world.store.writing() as connection:
            draft_id = review.save_answer(connection, asked, answer, now)
            assert draft_id is not None
            record = connection.execute(text("SELECT record FROM answers WHERE post_id = :id"), {"id": str(number)})
            changed = json.loads(record.scalar_one())
            changed["snippet"]["code"] = changed["repair"]["code"] = f"{payload}\nx = 1\n{payload}\n"
            changed["reported_error"] = {"type": payload, "message": payload, "line": 1}
            changed["evidence"]["assumptions"] = [{"kind": "stand_in", "text": payload, "line": 1}]
            changed["evidence"]["diagnosis"]["evidence"] = [{"word": "x", "text": payload, "line": 2}]
            for part in changed["proof"].values():
                part |= {"why": payload, "numbers": {payload: payload}}
            connection.execute(
                text("UPDATE answers SET record = :record WHERE post_id = :id"),
                {"record": json.dumps(changed), "id": str(number)},
            )
            review.edit(
                connection, draft_id, revision=1, reply=f"{payload}\n\n{payload}!", by=payload.strip() or "x", now=now
            )
            jobs.add_trouble(
                connection, job=payload, post_id=payload, error=ValueError(payload), detail=payload, now=now
            )


def watched(world: World) -> Page:
    page = world.visit("mei")
    page.add_init_script(WATCH)
    page.on("request", lambda request: _own(world, request.url))
    return page


def _own(world: World, url: str) -> None:
    if not url.startswith((world.url, "blob:", "data:")):
        world.problems.append(f"asked for {url}")


def alive(page: Page) -> list[str]:
    """What came alive on the page."""
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    found: list[str] = page.evaluate(f"[...window.hits, ...{FOUND.strip()}]")
    return found


def test_no_payload_comes_alive_anywhere(world: World) -> None:
    fill(world)
    page = watched(world)
    hits: dict[str, list[str]] = {}
    paths = [f"/drafts/{number}" for number in range(1, len(ALL) + 1)]
    paths += [
        "/",
        "/?after=50",
        "/health",
        "/drafts/1/history",
        "/drafts/50/history",
        "/drafts/2/edit",
        "/drafts/47/edit",
    ]
    for path in paths:
        answer = page.goto(f"{world.url}{path}", wait_until="domcontentloaded")
        assert answer is not None
        assert answer.status == 200, path
        if found := alive(page):
            hits[path] = found

    assert hits == {}


def test_no_payload_comes_alive_in_the_search_box_or_an_address(world: World) -> None:
    page = watched(world)
    hits: dict[str, list[str]] = {}
    for payload in ALL:
        quoted = page.evaluate("(text) => encodeURIComponent(text)", payload[:400])
        path = f"/?q={quoted}&confusion={quoted}&order={quoted}&after={quoted}"
        page.goto(f"{world.url}{path}", wait_until="domcontentloaded")
        if found := alive(page):
            hits[path] = found
    for payload in OUT_OF_CONTEXT:
        page.goto(f"{world.url}/knowledge/{payload.replace('/', '%2F')}", wait_until="domcontentloaded")
        if found := alive(page):
            hits[payload] = found

    assert hits == {}


def test_no_payload_comes_alive_in_the_preview(world: World) -> None:
    examples.draft(world.store)
    page = watched(world)
    page.goto(f"{world.url}/drafts/1/edit")
    hits: dict[str, list[str]] = {}
    for payload in ALL:
        page.evaluate(
            """async (reply) => {
                const token = document.querySelector('input[name="token"]').value;
                const answer = await fetch("/preview", {method: "POST", body: new URLSearchParams({reply, token})});
                document.querySelector("#preview").innerHTML = await answer.text();
            }""",
            payload,
        )
        if found := alive(page):
            hits[payload] = found

    assert hits == {}


def test_a_note_and_a_name_of_a_moderator_come_no_more_alive(world: World) -> None:
    examples.draft(world.store)
    now = world.server.site.clock()
    with world.store.writing() as connection:
        name = "<img src=x onerror=alert(1)>"
        review.reject(connection, 1, revision=1, reason=RejectReason.OTHER, note=name * 3, by=name, now=now)
    page = watched(world)

    for path in ("/drafts/1", "/drafts/1/history", "/?state=rejected&done=1"):
        page.goto(f"{world.url}{path}")
        assert alive(page) == []
