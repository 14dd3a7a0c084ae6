"""A real Chromium, the page on a port of this machine, a forum beside it, and the real sandbox."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from bot import review
from bot.domain.post import Question
from bot.forum.discourse import DiscourseForum
from bot.forum.questions import question
from bot.pipeline import Pipeline, pipeline
from bot.sandbox.open import open_sandbox
from bot.settings import ReviewSettings, Settings, WebSettings
from bot.store.engine import Store
from bot.web.server import RunningServer, start
from tests.fake_discourse import FakeDiscourse
from tests.fake_discourse.connect import COOKIE
from tests.web.visitors import SECRET, make_site

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
INSTALL = "apt-get install -y --no-install-recommends chromium"
#: Nothing is fetched from elsewhere, and nothing of a desktop is needed.
QUIET = (
    "--disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update"
    " --disable-sync --disable-dev-shm-usage"
)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium; installed when it is missing and that is allowed here."""
    if found := _found():
        return found
    if os.geteuid() == 0 and shutil.which("apt-get"):
        subprocess.run(["apt-get", "update", "-qq"], check=False, capture_output=True)
        subprocess.run(INSTALL.split(), check=False, capture_output=True)
    if found := _found():
        return found
    pytest.fail(f"These tests need a Chromium. Type: sudo {INSTALL}", pytrace=False)


def _found() -> str | None:
    return next((path for name in NAMES if (path := shutil.which(name))), None)


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        arguments = [*QUIET.split(), *(["--no-sandbox"] if os.geteuid() == 0 else [])]
        launched = playwright.chromium.launch(executable_path=chromium, args=arguments)
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def bot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    settings = Settings()
    with open_sandbox(settings.sandbox, data=tmp_path_factory.mktemp("sandbox")) as sandbox:
        yield pipeline(settings, sandbox, clock=time.monotonic)


@dataclass
class World:
    """The page, its forum, and the people in front of it."""

    server: RunningServer
    forum: FakeDiscourse
    client: DiscourseForum
    store: Store
    bot: Pipeline
    browser: Browser
    problems: list[str]

    @property
    def url(self) -> str:
        return self.server.url

    def ask(self, raw: str, *, title: str = "A question about gradients", by: str = "student") -> int:
        """A question on the forum, and the draft that the pipeline makes of it."""
        topic = self.forum.add_topic(title, "Questions about this chapter, please.")
        made = self.forum.add_post(topic.id, raw, by=by)
        stored = self.client.topic(str(topic.id))
        post = next(post for post in stored.posts if post.id == str(made.id))
        return self.draft(question(post, stored))

    def draft(self, asked: Question) -> int:
        answer = self.bot.answer(asked)
        assert answer.is_draft, answer.reason
        with self.store.writing() as connection:
            draft_id = review.save_answer(connection, asked, answer, self.server.site.clock())
        assert draft_id is not None
        return draft_id

    def visit(self, name: str | None = "mei", **options: Any) -> Page:
        """A browser of its own in which this moderator is signed in at the forum, and then at the page."""
        context = self.browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
        context.set_default_timeout(15_000)
        page = context.new_page()
        self.listen(page)
        if name is not None:
            context.add_cookies([{"name": COOKIE, "value": name, "url": self.forum.url}])
            page.goto(f"{self.url}/login/forum")
            assert page.url == f"{self.url}/"
        return page

    def listen(self, page: Page) -> None:
        """Whatever the browser complains about fails the test."""
        page.on("pageerror", lambda error: self.problems.append(f"{page.url}: {error}"))
        page.on("console", lambda message: self._console(page, message.type, message.text))
        page.on("dialog", lambda dialog: (self.problems.append(f"dialog {dialog.message}"), dialog.dismiss()))

    def _console(self, page: Page, kind: str, text: str) -> None:
        # A page with another status than 200 is also said in the console; that is no complaint about the page.
        if kind in ("error", "warning") and "the server responded with a status of" not in text:
            self.problems.append(f"{page.url}: {text}")


@pytest.fixture
def world(
    store: Store, fake_discourse: FakeDiscourse, bot: Pipeline, browser: Browser, forum: DiscourseForum
) -> Iterator[World]:
    """Two moderators and a reader at a forum, and the page."""
    for name, groups in (("mei", ["reviewers"]), ("raj", ["reviewers"]), ("eve", ["readers"])):
        fake_discourse.add_user(name, groups=groups)
    web = WebSettings(
        port=0, sso_secret=SECRET, reviewer_groups=("reviewers",), reader_groups=("readers",), logins_per_minute=1000
    )
    settings = Settings(
        forum=fake_discourse.settings(), web=web, review=ReviewSettings(grace_seconds=60), sandbox=bot.settings.sandbox
    )
    site = make_site(store, None, settings=settings, pipeline=bot, forum=forum, library=bot.library)  # type: ignore[arg-type]
    with start(replace(site, clock=_now, fresh_key=_fresh_key)) as server:
        fake_discourse.connect_secrets[server.url.removeprefix("http://")] = SECRET
        made = World(server, fake_discourse, forum, store, bot, browser, [])
        yield made
        for context in browser.contexts:
            context.close()
    assert made.problems == []


def _now() -> Any:
    from datetime import UTC, datetime

    return datetime.now(UTC)


def _fresh_key() -> str:
    import secrets

    return secrets.token_urlsafe(32)


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots go; KEPT_PICTURES names another folder, to keep them."""
    kept = os.environ.get("KEPT_PICTURES")
    folder = Path(kept) if kept else tmp_path_factory.mktemp("pictures")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


__all__ = ["BrowserContext", "World"]
