"""History, knowledge, health, threads and news."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from anyio.from_thread import start_blocking_portal
from starlette.requests import Request

from bot import review, worker
from bot.domain.confusion import Ruling
from bot.domain.draft import DraftState, RejectReason, ReplyFate
from bot.domain.post import Language, PostState, Topic
from bot.forum.discourse import DiscourseForum
from bot.forum.memory import ArchiveForum
from bot.library import LeftOut
from bot.publish import Publisher
from bot.settings import ForumSettings, Settings
from bot.store import drafts, jobs, posts, replies, rulings
from bot.store.engine import Store
from bot.store.replies import KeptReply
from bot.store.rulings import Ruled
from bot.web import live
from bot.web.guard import Visit
from bot.web.sessions import Role
from bot.worker import Job, Worker
from tests import review_examples as examples
from tests.fake_discourse import FakeDiscourse, faults
from tests.review_examples import NOON, REVIEW
from tests.unreliable import HandClock
from tests.web.visitors import Page, library, make_site, open_page, texts


def said(page: Page, path: str, role: Role = Role.REVIEWER) -> str:
    return texts(page.visitor(role).get(path).text)


def test_the_history_tells_all_that_happened_in_order(page: Page) -> None:
    store = page.site.store
    examples.draft(store)
    with store.writing() as connection:
        reply = drafts.get(connection, 1).reply.replace("wants", "needs")
        review.edit(connection, 1, revision=1, reply=reply, by="raj", now=NOON + timedelta(minutes=1))
        review.approve(connection, 1, revision=2, by="mei", now=NOON + timedelta(minutes=2), settings=REVIEW)
        draft = drafts.get(connection, 1)
        taken = drafts.change(connection, draft, to=DraftState.PUBLISHING, by="bot", now=NOON + timedelta(minutes=3))
        drafts.change(
            connection, taken, to=DraftState.POSTED, by="bot", now=NOON + timedelta(minutes=3), reply_post_id="77"
        )
        kept = KeptReply(
            draft_id=1, topic_id="5", marker="m", post_id="77", queued=False, made_at=NOON, missed_at=None, look_at=None
        )
        replies.add(connection, kept)
        replies.add_outcome(connection, 1, ReplyFate.LIKED, note="3 times", now=NOON + timedelta(hours=1))

    told = said(page, "/drafts/1/history")

    places = [
        told.index(words)
        for words in (
            "the bot The first text was drafted.",
            "raj Revision 2 of the text.",
            "mei waiting → approved revision 2",
            "the bot approved → being posted",
            "being posted → posted",
            "liked 3 times",
        )
    ]
    assert places == sorted(places)
    assert "The reply is on the forum. See it on the forum liked (3 times)" in said(page, "/drafts/1")


def test_the_book_names_every_entry_with_its_record(page: Page) -> None:
    store = page.site.store
    for number in ("11", "12", "13"):
        examples.draft(store, asked=examples.question(replace(examples.post(), id=number)))
    with store.writing() as connection:
        review.approve(connection, 1, revision=1, by="mei", now=NOON, settings=REVIEW)
        review.reject(connection, 2, revision=1, reason=RejectReason.TONE, by="mei", now=NOON)

    told = said(page, "/knowledge")

    for entry in library():
        assert entry.title[Language.ENGLISH].replace("  ", " ") in told
    assert "1 waiting 1 approved 0 edited 1 rejected" in told


@pytest.mark.parametrize("language", Language)
def test_every_entry_can_be_read_in_both_languages(page: Page, language: Language) -> None:
    for entry in library():
        answer = page.visitor(Role.READER).get(f"/knowledge/{entry.name}?lang={language.value}")

        assert answer.status_code == 200
        assert entry.link in answer.text
        left = {f"{{{fact}}}" for fact in entry.facts if f"{{{fact}}}" in answer.text.split("<h2>")[0]}
        assert left == set()
        assert "<p>or:" not in answer.text


def test_the_book_says_which_entries_are_retired_and_who_decided_so(page: Page) -> None:
    decided = Ruled(confusion="nan_gradient", ruling=Ruling.RETIRED, at=NOON, by="olga", note="wrong <i>twice</i>")
    with page.site.store.writing() as connection:
        rulings.rule(connection, decided)

    assert "nan_gradient · retired" in said(page, "/knowledge")
    assert said(page, "/knowledge").count("· retired") == 1
    told = said(page, "/knowledge/nan_gradient")
    assert "Retired by olga: no new post is answered with it" in told
    assert "knowledge retire nan_gradient --undo" in told
    assert "The reason: wrong <i>twice</i>" in told
    html = page.visitor(Role.REVIEWER).get("/knowledge/nan_gradient").text
    assert "<code>autograd-bot knowledge retire nan_gradient --undo</code>" in html
    assert "<i>twice</i>" not in html
    assert "已由 olga 停用" in said(page, "/knowledge/nan_gradient?lang=zh")
    assert "Retired" not in said(page, "/knowledge/non_leaf_grad")


def test_health_says_how_the_jobs_are_doing(page: Page, clock: HandClock) -> None:
    with page.site.store.writing() as connection:
        jobs.start(connection, "poll", now=NOON - timedelta(minutes=3))
        jobs.finish(connection, "poll", note="12 posts read", succeeded=True, now=NOON - timedelta(minutes=2))
        jobs.start(connection, "publish", now=NOON)
    examples.draft(page.site.store, now=NOON - timedelta(hours=30))

    told = said(page, "/health")

    assert "poll 3 min 2 min 12 posts read" in told
    assert "publish 0 min running never yet" in told
    assert "1 waiting The oldest has waited 30 h overdue" in told
    assert "https://forum.example.org At most 10 reads a minute." in told
    assert "not open here" in told


def test_health_names_the_entries_that_are_left_out(store: Store, clock: HandClock, tmp_path: Path) -> None:
    broken = LeftOut(tmp_path / "knowledge" / "mine", 'mine/confusion.toml: the key "title" is missing')
    known = replace(library(), left_out=(broken,))
    page = open_page(make_site(store, clock, library=known))

    assert 'Entries that are left out mine mine/confusion.toml: the key "title" is missing' in said(page, "/health")
    assert "autograd-bot knowledge edit mine" in said(page, "/health?lang=zh")
    assert "left out" not in said(open_page(make_site(store, clock)), "/health")


@pytest.mark.parametrize("same_process", [True, False])
def test_health_says_that_the_forum_wants_to_be_left_alone(
    store: Store, clock: HandClock, fake_discourse: FakeDiscourse, forum: DiscourseForum, same_process: bool
) -> None:
    settings = Settings(forum=fake_discourse.settings())
    publisher = Publisher(store=store, forum=forum, settings=settings, clock=clock, marker_key=lambda: "key")
    page = open_page(make_site(store, clock, settings=settings, forum=forum if same_process else None))
    assert "wants to be left alone" not in said(page, "/health")
    fake_discourse.fail_next("GET /posts", faults.limited(5000))

    worker.run(Worker(publisher=publisher, answer=lambda question: examples.silence()), Job.POLL)

    assert "The forum wants to be left alone for 5001 s" in said(page, "/health")
    assert "论坛要求 5001 秒内不要访问" in said(page, "/health?lang=zh")
    clock.advance(5002)
    fake_discourse.clock.advance(5002)
    assert "wants to be left alone for" not in said(page, "/health").split("Jobs")[0]


def test_an_error_that_waits_can_be_tried_again_or_closed_by_an_admin(page: Page) -> None:
    post = examples.post()
    store = page.site.store
    with store.writing() as connection:
        posts.wait(connection, post, due_at=NOON, now=NOON)
        for _ in range(posts.MOST_FAILURES):
            posts.failed(connection, post.id, post.sha256, again_at=NOON, now=NOON)
        for post_id in (post.id, None):
            jobs.add_trouble(
                connection, job="answer", post_id=post_id, error=ValueError("<b>odd</b>"), detail="Traceback", now=NOON
            )
    admin = page.visitor(Role.ADMIN)
    assert "ValueError <b>odd</b>" in said(page, "/health", Role.ADMIN)
    assert "Traceback" not in said(page, "/health", Role.REVIEWER)

    admin.post("/health/troubles/1/retry")
    admin.post("/health/troubles/2/close")

    with store.reading() as connection:
        kept = posts.get(connection, post.id)
        assert kept is not None
        assert (kept.state, kept.failures, kept.due_at) == (PostState.WAITING, 0, NOON)
        assert jobs.open_troubles(connection) == []
    assert admin.post("/health/troubles/9/close").status_code == 404


def test_a_topic_of_the_sample_forum_is_read_here(store: Store, clock: HandClock) -> None:
    raw = "Our *reply*.\n\n<!-- autograd-bot:0123456789abcdef -->"
    ours = replace(examples.post(raw), id="12", number=2, author="autograd-bot", reply_to=1)
    hidden = replace(examples.post("Hidden words."), id="13", number=3, hidden=True)
    forum = ArchiveForum([Topic(id="5", title="A <b>topic</b>", posts=(examples.post(), ours, hidden))])
    page = open_page(make_site(store, clock, forum=forum, settings=Settings()))

    html = page.visitor(Role.READER).get("/topics/5").text

    assert "A &lt;b&gt;topic&lt;/b&gt;" in html
    assert 'class="post ours" id="p12"' in html
    assert "Our <em>reply</em>." in html
    assert "0123456789abcdef" not in html
    assert "Hidden words" not in html
    assert page.visitor().get("/topics/6").status_code == 404


def test_a_real_forum_shows_its_topics_itself(store: Store, clock: HandClock) -> None:
    settings = Settings(forum=ForumSettings(url="https://forum.example.org", read_key="r"))
    page = open_page(make_site(store, clock, forum=ArchiveForum([Topic(id="5", title="t")]), settings=settings))

    assert page.visitor().get("/topics/5").status_code == 404


def test_news_tell_how_many_wait_and_who_changed_the_draft(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "PAUSE", 0.01)
    examples.draft(page.site.store)
    request = Request({"type": "http", "query_string": b"lang=en", "headers": []})
    visit = Visit(request, page.site, page.visitor().session, NOON)

    async def two() -> list[dict[str, object]]:
        stream = live._news(visit, 1)
        first = await anext(stream)
        with page.site.store.writing() as connection:
            review.claim(connection, 1, by="raj", now=NOON, settings=REVIEW)
            review.reject(connection, 1, revision=1, reason=RejectReason.TONE, by="raj", now=NOON)
        second = await anext(stream)
        third = await anext(stream)
        await stream.aclose()  # type: ignore[attr-defined]
        assert third.startswith(":")
        return [json.loads(message.removeprefix("data: ")) for message in (first, second)]

    # A loop in a thread of its own: the browser's tests keep one running in this one.
    with start_blocking_portal() as portal:
        first, second = portal.call(two)

    assert (first["waiting"], first["state"], first["revision"]) == (1, "pending", 1)
    assert (second["waiting"], second["state"]) == (0, "rejected")
    assert "raj made draft 1 rejected" in str(second["who"])
    assert page.site.streams == set()


def test_too_many_streams_of_news_are_refused(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "MOST_STREAMS", 0)

    assert page.visitor().get("/live").status_code == 429


def test_the_keys_are_listed_in_both_languages(page: Page) -> None:
    assert "a approve r reject e edit s skip to the next" in said(page, "/keys")
    assert "a 批准 r 拒绝 e 编辑" in said(page, "/keys?lang=zh")
