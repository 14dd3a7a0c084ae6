"""Who may ask for what: every route, for everybody."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import PlainTextResponse

from bot.store import decisions, drafts, jobs, revisions
from bot.web import sessions
from bot.web.guard import session_cookie
from bot.web.sessions import Role
from tests import review_examples as examples
from tests.unreliable import HandClock
from tests.web.visitors import BASE, HOST, Page, Visitor


@dataclass(frozen=True)
class Row:
    """One route: the least role, a form, and what somebody who may use it gets."""

    method: str
    path: str
    least: Role
    allowed: int = 200
    form: dict[str, Any] = field(default_factory=dict)

    def ask(self, visitor: Visitor, draft_id: int, **options: Any) -> int:
        path = self.path.format(draft_id=draft_id, trouble_id=1, name="non_leaf_grad", topic_id="5")
        if self.method == "GET":
            return visitor.get(path).status_code
        return visitor.post(path, **options, **self.form).status_code


READ = {"revision": 1}
TABLE = [
    Row("GET", "/static/{name}", Role.NOBODY, 404),
    Row("GET", "/alive", Role.NOBODY),
    Row("GET", "/login", Role.NOBODY),
    Row("GET", "/login/forum", Role.NOBODY, 303),
    Row("GET", "/login/once", Role.NOBODY, 403),
    Row("GET", "/sso/callback", Role.NOBODY, 403),
    Row("POST", "/logout", Role.READER, 303),
    Row("GET", "/", Role.READER),
    Row("GET", "/keys", Role.READER),
    Row("GET", "/live", Role.READER),
    Row("GET", "/knowledge", Role.READER),
    Row("GET", "/knowledge/{name}", Role.READER),
    Row("GET", "/health", Role.READER),
    Row("GET", "/topics/{topic_id}", Role.READER, 404),
    Row("GET", "/drafts/{draft_id}", Role.READER),
    Row("GET", "/drafts/{draft_id}/next", Role.READER, 303),
    Row("GET", "/drafts/{draft_id}/history", Role.READER),
    Row("GET", "/drafts/{draft_id}/edit", Role.REVIEWER),
    Row("POST", "/drafts/{draft_id}/edit", Role.REVIEWER, 303, {**READ, "reply": "No code.", "do": "save"}),
    Row("POST", "/drafts/{draft_id}/approve", Role.REVIEWER, 303, READ),
    Row("POST", "/drafts/{draft_id}/reject", Role.REVIEWER, 303, {**READ, "reason": "tone"}),
    Row("POST", "/drafts/{draft_id}/claim", Role.REVIEWER, 303),
    Row("POST", "/drafts/{draft_id}/release", Role.REVIEWER, 303),
    Row("POST", "/drafts/{draft_id}/undo", Role.REVIEWER, 409),
    Row("POST", "/drafts/{draft_id}/drop", Role.REVIEWER, 303),
    Row("POST", "/drafts/{draft_id}/retry", Role.REVIEWER, 409),
    Row("POST", "/drafts/{draft_id}/withdraw", Role.REVIEWER, 422),
    Row("POST", "/drafts/{draft_id}/look", Role.REVIEWER, 422),
    Row("POST", "/drafts/{draft_id}/choose", Role.REVIEWER, 503, {**READ, "confusion": "non_leaf_grad"}),
    Row("POST", "/drafts/{draft_id}/anew", Role.REVIEWER, 422, READ),
    Row("POST", "/preview", Role.REVIEWER, 200, {"reply": "x"}),
    Row("POST", "/health/troubles/{trouble_id}/close", Role.ADMIN, 303),
    Row("POST", "/health/troubles/{trouble_id}/retry", Role.ADMIN, 303),
]
CHANGES = [row for row in TABLE if row.method == "POST"]


def named(row: Row) -> str:
    return f"{row.method} {row.path}"


@pytest.fixture
def filled(page: Page, clock: HandClock) -> Page:
    """Three drafts that wait and an error that waits for a person."""
    for number in ("11", "12", "13"):
        asked = examples.question(replace(examples.post(), id=number))
        examples.draft(page.site.store, asked=asked)
    with page.site.store.writing() as connection:
        error = RuntimeError("it stumbled")
        jobs.add_trouble(connection, job="answer", post_id="99", error=error, detail="", now=clock())
    return page


def everything(page: Page) -> object:
    """All that a moderator could have changed."""
    with page.site.store.reading() as connection:
        return (
            [drafts.get(connection, number) for number in (1, 2, 3)],
            [decisions.of_draft(connection, number) for number in (1, 2, 3)],
            [revisions.of_draft(connection, number) for number in (1, 2, 3)],
            jobs.open_troubles(connection),
        )


def routes_of(router: Any) -> Iterator[Any]:
    """All routes, those of included routers as well."""
    for route in router.routes:
        included = getattr(route, "original_router", None)
        yield from routes_of(included) if included is not None else [route]


def test_the_table_names_every_route(page: Page) -> None:
    routes = list(routes_of(page.app))

    assert all(isinstance(route, APIRoute) for route in routes)
    assert {f"{method} {route.path}" for route in routes for method in route.methods} == {named(row) for row in TABLE}


@pytest.mark.parametrize("row", TABLE, ids=named)
def test_every_route_asks_for_its_role(filled: Page, row: Row) -> None:
    outside = 303 if row.method == "GET" and row.path != "/live" else 401
    before = everything(filled)
    got = {
        "nobody": row.ask(filled.browser(), 1),
        **{
            role.name: row.ask(filled.visitor(role, name=role.name, external_id=role.name), 1)
            for role in (Role.READER, Role.REVIEWER, Role.ADMIN)
            if role < row.least
        },
    }

    if row.least is Role.NOBODY:
        assert got == {"nobody": row.allowed}
    else:
        assert got == {"nobody": outside, **dict.fromkeys([name for name in got if name != "nobody"], 403)}
    assert everything(filled) == before


@pytest.mark.parametrize("row", [row for row in TABLE if row.path != "/live"], ids=named)
def test_every_route_serves_who_may_use_it(filled: Page, row: Row) -> None:
    for draft_id, role in enumerate((Role.READER, Role.REVIEWER, Role.ADMIN), start=1):
        if role >= row.least:
            visitor = filled.visitor(role, name=role.name, external_id=role.name)
            wanted = 303 if row.path == "/login" else row.allowed  # who is inside needs no login
            assert row.ask(visitor, draft_id) == wanted


@pytest.mark.parametrize("row", CHANGES, ids=named)
def test_a_form_without_this_sessions_token_changes_nothing(filled: Page, row: Row) -> None:
    visitor, other = filled.visitor(Role.ADMIN), filled.visitor(Role.ADMIN, name="raj", external_id="8")
    before = everything(filled)

    for token in ("", "wrong", other.token, filled.site.seal.stamp("form", ""), "é"):
        assert row.ask(visitor, 1, token=token) == 403
    assert everything(filled) == before


@pytest.mark.parametrize("row", CHANGES, ids=named)
def test_a_form_of_another_site_changes_nothing(filled: Page, row: Row) -> None:
    visitor = filled.visitor(Role.ADMIN)
    before = everything(filled)

    for headers in (
        {},
        {"origin": "null"},
        {"origin": "https://evil.example"},
        {"origin": f"http://{HOST}.evil.example"},
        {"origin": f"ftp://{HOST}"},
        {"referer": "https://evil.example/page"},
        {"origin": "https://evil.example", "referer": f"{BASE}/"},
    ):
        assert row.ask(visitor, 1, headers=headers) == 403
    assert everything(filled) == before


@pytest.mark.parametrize("row", [row for row in TABLE if row.least > Role.NOBODY], ids=named)
def test_a_session_that_is_over_is_nobodys(filled: Page, clock: HandClock, row: Row) -> None:
    visitor = filled.visitor(Role.ADMIN)
    clock.advance(12 * 3600)

    assert row.ask(visitor, 1) in (303, 401)
    assert visitor.get("/").headers["location"] == "/login"


def test_a_form_is_taken_when_only_the_referer_names_our_page(filled: Page) -> None:
    answer = filled.visitor().post("/drafts/1/claim", headers={"referer": f"{BASE}/drafts/1"})

    assert answer.status_code == 303


def test_a_cookie_that_was_changed_is_nobodys(page: Page) -> None:
    visitor = page.visitor(Role.READER)
    cookie = visitor.client.cookies[session_cookie(page.site)]
    assert visitor.session is not None
    forged = sessions.to_cookie(replace(visitor.session, role=Role.ADMIN), replace(page.site.seal, secret=b"t" * 32))
    body, _, signature = cookie.rpartition(".")

    for text in (forged, body, f"{body}.", f"{body}x.{signature}", "", ".", "é", cookie[::-1]):
        stranger = page.browser()
        stranger.client.cookies.set("session", text.encode("ascii", "ignore").decode(), domain="127.0.0.1")
        assert stranger.get("/").status_code == 303


def test_what_was_sealed_for_one_purpose_opens_for_no_other(page: Page) -> None:
    seal = page.site.seal
    sealed = seal.sealed("login", {"id": "x"})

    assert seal.opened("login", sealed) == {"id": "x"}
    assert seal.opened("session", sealed) is None


def test_a_route_that_does_not_say_who_may_use_it_serves_nobody(page: Page) -> None:
    def forgotten(request: Request) -> PlainTextResponse:
        return PlainTextResponse("the crown jewels")

    page.app.add_api_route("/forgotten", forgotten, response_model=None)

    for visitor in (page.browser(), page.visitor(Role.ADMIN)):
        answer = visitor.get("/forgotten")
        assert answer.status_code == 403
        assert "crown" not in answer.text


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1:80", "localhost.evil.example:8642", ""])
def test_a_strange_host_is_refused(page: Page, host: str) -> None:
    answer = page.visitor().get("/", headers={"host": host})

    assert answer.status_code == 400
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")


@pytest.mark.parametrize("host", [HOST, "localhost:8642", "LOCALHOST:8642", "[::1]:8642"])
def test_the_names_of_this_machine_are_known(page: Page, host: str) -> None:
    assert page.browser().get("/login", headers={"host": host}).status_code == 200


def test_a_body_larger_than_any_form_is_refused_unread(page: Page) -> None:
    visitor = page.visitor()

    assert visitor.post("/preview", reply="x" * 600_000).status_code == 413
    endless = visitor.client.post("/preview", content=iter([b"x"] * 3), headers={"origin": BASE})
    assert endless.status_code == 413


@pytest.mark.parametrize(
    "path", ["/", "/login", "/nothing/here", "/static/style.css", "/alive", "/drafts/x", "/live?draft=0"]
)
def test_every_answer_carries_the_security_headers(page: Page, path: str) -> None:
    for visitor in (page.browser(), page.visitor()):
        headers = visitor.get(path).headers

        policy = headers["content-security-policy"]
        assert "unsafe" not in policy
        assert "*" not in policy
        assert {"default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"} <= set(policy.split("; "))
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["x-frame-options"] == "DENY"


def test_pages_are_not_kept_by_browsers_and_files_are(page: Page) -> None:
    visitor = page.visitor()
    linked = visitor.get("/").text.split('href="/static/style.css')[1].split('"')[0]

    assert visitor.get("/").headers["cache-control"] == "no-store"
    assert "immutable" in visitor.get("/static/style.css" + linked).headers["cache-control"]
    assert visitor.get("/static/style.css").headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("name", ["../app.py", "..%2fapp.py", "%2e%2e/guard.py", "style.css/..", "nothing.css"])
def test_no_other_file_is_served(page: Page, name: str) -> None:
    assert page.visitor().get(f"/static/{name}").status_code == 404


def test_a_broken_database_says_nothing_about_itself(page: Page) -> None:
    visitor = page.visitor()
    with page.site.store.writing() as connection:
        connection.exec_driver_sql("DROP TABLE drafts")

    answer = visitor.get("/")

    assert answer.status_code == 500
    assert "no such table" not in answer.text
    assert "SELECT" not in answer.text
