"""The page attacked through its own OpenAPI description: whatever is sent, it never fails."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.openapi import from_dict
from starlette.testclient import TestClient

from bot import review
from bot.domain.post import Post, Question, Topic
from bot.forum.memory import ArchiveForum
from bot.pipeline import pipeline
from bot.sandbox.open import open_sandbox
from bot.settings import Settings, WebSettings
from bot.store.opening import open_store
from bot.web import live
from bot.web.sessions import Role
from tests.review_examples import NOON
from tests.unreliable import HandClock
from tests.web.visitors import BASE, SECRET, Visitor, make_site, open_page

pytestmark = [pytest.mark.sandbox, pytest.mark.slow]

RAW = "Why?\n\n```python\nimport torch\nx = torch.arange(3.0, requires_grad=True)\n(x * x).backward()\n```\n"
POSTS = tuple(Post(id=str(number), raw=RAW, topic_id="5", number=number, author="asker") for number in range(1, 6))

GENTLY = settings(
    max_examples=20,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def admin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitor]:
    """An admin of a page with a sandbox, a forum in memory and a few drafts."""
    chosen = Settings(web=WebSettings(sso_secret=SECRET, logins_per_minute=100_000))
    store = open_store(tmp_path_factory.mktemp("data"))
    with open_sandbox(chosen.sandbox, data=tmp_path_factory.mktemp("sandbox")) as sandbox:
        bot = pipeline(chosen, sandbox, clock=time.monotonic)
        forum = ArchiveForum([Topic(id="5", title="t", posts=POSTS)])
        for post in POSTS:
            asked = Question(post=post, title="backward() of a vector")
            with store.writing() as connection:
                review.save_answer(connection, asked, bot.answer(asked), NOON)
        site = make_site(store, HandClock(NOON), pipeline=bot, forum=forum, settings=chosen)
        yield open_page(site).visitor(Role.ADMIN)
    store.close()


@pytest.fixture(scope="module")
def operations(admin: Visitor) -> list[schemathesis.APIOperation]:
    """Every operation of the page's description."""
    app = admin.client.app
    described = app.openapi()  # type: ignore[attr-defined]
    return [found.ok() for found in from_dict(described).get_all_operations()]


def send(admin: Visitor, case: schemathesis.Case) -> int:
    """The status that this case gets, sent with a good session and a good token."""
    form = case.body if isinstance(case.body, dict) else {}
    path = case.formatted_path
    headers = {"origin": BASE, "x-token": admin.token}
    query = {name: str(value) for name, value in (case.query or {}).items()}
    data = {name: str(value) for name, value in form.items() if name != "token"} | (
        {"token": admin.token} if form else {}
    )
    client: TestClient = admin.client
    answer = client.request(case.method, path, params=query, data=data or None, headers=headers)
    return answer.status_code


def test_whatever_is_sent_to_any_route_it_never_fails(
    admin: Visitor, operations: list[schemathesis.APIOperation], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "LONGEST", 0.0)
    assert len(operations) >= 30
    seen: dict[str, set[int]] = {}

    for operation in operations:
        if operation.path == "/logout":
            continue  # it would end the session that all others need

        @GENTLY
        @given(case=operation.as_strategy())
        def attack(case: schemathesis.Case) -> None:
            status = send(admin, case)
            seen.setdefault(f"{case.method} {case.path}", set()).add(status)
            assert status < 500, f"{case.method} {case.formatted_path} {case.query} {case.body!r}"

        attack()

    assert sum(statuses != {422} for statuses in seen.values()) >= 25  # most cases came past the check of their fields
    assert {path for path, statuses in seen.items() if statuses & {401, 403}} <= {
        "GET /login/once",
        "GET /sso/callback",
    }
