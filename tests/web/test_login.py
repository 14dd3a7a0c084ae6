"""Coming in through the forum or by the one-time link, and going out."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from bot.settings import ForumSettings, Settings, WebSettings
from bot.store.engine import Store
from bot.web import connect
from bot.web.login import one_time_link
from bot.web.sessions import Role
from tests.fake_discourse import FakeDiscourse
from tests.fake_discourse import connect as provider
from tests.unreliable import HandClock
from tests.web.visitors import HOST, SECRET, Page, Visitor, make_site, open_page, texts


@pytest.fixture
def page(store: Store, clock: HandClock, fake_discourse: FakeDiscourse) -> Page:
    """A page that asks a fake forum who people are."""
    fake_discourse.connect_secrets[HOST] = SECRET
    fake_discourse.add_user("mei", groups=["autograd-reviewers"])
    fake_discourse.add_user("raj", groups=["readers"])
    fake_discourse.add_user("ana", groups=["autograd-admins"])
    fake_discourse.add_user("student")
    fake_discourse.add_user("teacher", staff=True)
    web = WebSettings(
        sso_secret=SECRET,
        admin_groups=("autograd-admins",),
        reviewer_groups=("autograd-reviewers", "moderators"),
        reader_groups=("readers",),
    )
    forum = ForumSettings(url=fake_discourse.url, read_key="r")
    return open_page(make_site(store, clock, settings=Settings(web=web, forum=forum)))


def sent_back(visitor: Visitor, username: str, *, start: str = "/login/forum") -> str:
    """The path with which the forum sends this account back to the page."""
    leaving = visitor.get(start)
    assert leaving.status_code == 303
    answer = httpx2.get(leaving.headers["location"], cookies={provider.COOKIE: username})
    assert answer.status_code == 302, answer.text
    back = urlsplit(answer.headers["location"])
    return f"{back.path}?{back.query}"


def sign_in(visitor: Visitor, username: str, **options: str) -> httpx2.Response:
    return visitor.get(sent_back(visitor, username, **options))


@pytest.mark.parametrize(
    ("username", "role"),
    [("mei", "reviewer"), ("teacher", "reviewer"), ("raj", "reader"), ("ana", "admin")],
)
def test_members_of_a_group_come_in_with_its_role(page: Page, username: str, role: str) -> None:
    visitor = page.browser()

    assert sign_in(visitor, username).headers["location"] == "/"
    assert f"{username} {role}" in texts(visitor.get("/").text)


def test_who_is_in_no_group_stays_outside_and_is_told_so(page: Page) -> None:
    visitor = page.browser()

    answer = sign_in(visitor, "student")

    assert answer.status_code == 403
    assert "none of the groups" in texts(answer.text)
    assert visitor.get("/").headers["location"] == "/login"


def test_after_signing_in_one_is_where_one_wanted_to_be(page: Page) -> None:
    visitor = page.browser()
    wanted = visitor.get("/drafts/12?order=surest").headers["location"]

    assert wanted == "/login?next=%2Fdrafts%2F12%3Forder%3Dsurest"
    answer = sign_in(visitor, "mei", start="/login/forum?next=%2Fdrafts%2F12%3Forder%3Dsurest")
    assert answer.headers["location"] == "/drafts/12?order=surest"


@pytest.mark.parametrize(
    "next_",
    [
        "//evil.example",
        "https://evil.example/",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "/%09/evil.example/\t",
        " //evil.example",
        "/\n//evil.example",
        "evil.example",
        "http:evil.example",
        "///evil.example",
    ],
)
def test_no_link_leads_away_after_signing_in(page: Page, next_: str) -> None:
    visitor = page.browser()
    leaving = visitor.get("/login/forum", params={"next": next_})
    answer = httpx2.get(leaving.headers["location"], cookies={provider.COOKIE: "mei"})

    arrived = visitor.get("/sso/callback?" + urlsplit(answer.headers["location"]).query)

    assert arrived.headers["location"] == "/"
    assert visitor.get("/login", params={"next": next_}).headers["location"] == "/"


def test_an_answer_of_the_forum_is_good_once(page: Page) -> None:
    visitor = page.browser()
    back = sent_back(visitor, "mei")
    cookie = visitor.client.cookies.get("login")

    assert visitor.get(back).status_code == 303
    visitor.client.cookies.clear()
    visitor.client.cookies.set("login", cookie or "", domain="127.0.0.1")
    again = visitor.get(back)

    assert again.status_code == 403
    assert "used already" in texts(again.text)


def test_an_answer_is_good_in_the_browser_that_asked_for_it_only(page: Page) -> None:
    asking, other = page.browser(), page.browser()
    back = sent_back(asking, "mei")
    sent_back(other, "mei")

    assert other.get(back).status_code == 403
    assert asking.get(back).status_code == 303


def test_an_answer_that_comes_late_is_refused(page: Page, clock: HandClock) -> None:
    visitor = page.browser()
    back = sent_back(visitor, "mei")
    clock.advance(601)

    assert visitor.get(back).status_code == 403


def test_an_answer_that_was_changed_is_refused(page: Page) -> None:
    visitor = page.browser()
    query = parse_qs(urlsplit(sent_back(visitor, "student")).query)
    forged = provider.signed("another secret", {"external_id": "1", "username": "mei", "nonce": "key-1"})

    assert visitor.get("/sso/callback", params={"sso": query["sso"][0], "sig": "0" * 64}).status_code == 403
    assert visitor.get(f"/sso/callback?{forged}").status_code == 403
    assert visitor.get("/sso/callback").status_code == 403


def test_a_nonce_that_nobody_asked_for_is_refused(page: Page) -> None:
    visitor = page.browser()
    fields = {"external_id": "1", "username": "mei", "groups": "autograd-admins", "nonce": "of my own"}

    assert visitor.get(f"/sso/callback?{provider.signed(SECRET, fields)}").status_code == 403


def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(page: Page) -> None:
    visitor = page.browser()

    cookies = sign_in(visitor, "mei").headers.get_list("set-cookie")

    session = next(cookie for cookie in cookies if cookie.startswith("session="))
    assert "HttpOnly" in session
    assert "SameSite=lax" in session
    assert "Max-Age=43200" in session
    assert "example.org" not in session


def test_behind_tls_cookies_travel_over_tls_only(store: Store, clock: HandClock) -> None:
    web = WebSettings(base_url="https://bot.example.org", sso_secret=SECRET)
    forum = ForumSettings(url="https://forum.example.org", read_key="r")
    page = open_page(make_site(store, clock, settings=Settings(web=web, forum=forum)))
    visitor = page.browser(base="https://bot.example.org")

    leaving = visitor.get("/login/forum")

    assert "Secure" in leaving.headers["set-cookie"]
    assert leaving.headers["set-cookie"].startswith("__Host-login=")
    assert leaving.headers["strict-transport-security"] == "max-age=31536000"
    asked = parse_qs(urlsplit(leaving.headers["location"]).query)
    assert connect.signature(SECRET, asked["sso"][0]) == asked["sig"][0]


def test_a_session_ends_after_twelve_hours(page: Page, clock: HandClock) -> None:
    visitor = page.visitor()
    clock.advance(12 * 3600 - 1)
    assert visitor.get("/").status_code == 200
    clock.advance(1)

    assert visitor.get("/").headers["location"] == "/login"


def test_signing_out_ends_the_sessions_of_this_account_on_all_its_devices(page: Page, clock: HandClock) -> None:
    phone, desk, other = page.visitor(), page.visitor(), page.visitor(name="raj", external_id="8")
    stolen = dict(desk.client.cookies)

    assert desk.post("/logout").headers["location"] == "/login"

    assert phone.get("/").status_code == 303
    assert other.get("/").status_code == 200
    thief = page.browser()
    thief.client.cookies.update(stolen)
    assert thief.get("/").status_code == 303
    clock.advance(1)
    assert page.visitor().get("/").status_code == 200


def test_a_link_on_the_forum_cannot_sign_anybody_out(page: Page) -> None:
    visitor = page.visitor()

    assert visitor.get("/logout").status_code == 405
    assert visitor.get("/").status_code == 200


def test_the_one_time_link_works_once(page: Page) -> None:
    path = urlsplit(one_time_link(page.site, key=page.site.fresh_key()))
    visitor = page.browser()

    assert visitor.get(f"{path.path}?{path.query}").headers["location"] == "/"
    assert "local-admin admin" in texts(visitor.get("/").text)
    assert page.browser().get(f"{path.path}?{path.query}").status_code == 403


@pytest.mark.parametrize("key", ["", "wrong", "key-2"])
def test_another_key_opens_nothing(page: Page, key: str) -> None:
    one_time_link(page.site, key=page.site.fresh_key())

    assert page.browser().get("/login/once", params={"key": key}).status_code == 403


def test_the_one_time_link_works_on_this_machine_only(page: Page) -> None:
    path = urlsplit(one_time_link(page.site, key="one"))
    link = f"{path.path}?{path.query}"

    assert page.browser(address="192.0.2.7").get(link).status_code == 403
    assert page.browser().get(link, headers={"X-Forwarded-For": "127.0.0.1"}).status_code == 403
    assert page.browser(address="::1").get(link).status_code == 303


def test_the_one_time_link_is_off_where_others_can_reach_the_port(store: Store, clock: HandClock) -> None:
    web = WebSettings(host="0.0.0.0", allowed_hosts=(HOST,))
    page = open_page(make_site(store, clock, settings=Settings(web=web)))
    page.site.links.issue("one", now=clock())

    assert page.browser().get("/login/once?key=one").status_code == 403


def test_the_one_time_link_grows_old(page: Page, clock: HandClock) -> None:
    page.site.links.issue("one", now=clock())
    clock.advance(3601)

    assert page.browser().get("/login/once?key=one").status_code == 403


def test_many_attempts_from_one_address_are_slowed_down(page: Page, clock: HandClock) -> None:
    visitor = page.browser(address="192.0.2.7")
    tried = [visitor.get("/login/once?key=wrong").status_code for _ in range(22)]

    assert tried == [403] * 20 + [429] * 2
    assert visitor.get("/login/forum").headers["retry-after"] == "60"
    assert page.browser(address="192.0.2.8").get("/login/once?key=wrong").status_code == 403
    clock.advance(60)
    assert visitor.get("/login/once?key=wrong").status_code == 403


def test_behind_a_proxy_the_address_it_saw_is_counted(store: Store, clock: HandClock) -> None:
    web = WebSettings(behind_proxy=True, logins_per_minute=1, sso_secret=SECRET)
    page = open_page(make_site(store, clock, settings=Settings(web=web)))
    visitor = page.browser()

    def attempt(forwarded: str) -> int:
        return visitor.get("/sso/callback", headers={"X-Forwarded-For": forwarded}).status_code

    assert [attempt("192.0.2.7"), attempt("1.2.3.4, 192.0.2.7"), attempt("192.0.2.9")] == [403, 429, 403]


def test_without_a_secret_there_is_no_way_through_the_forum(store: Store, clock: HandClock) -> None:
    page = open_page(make_site(store, clock, settings=Settings()))

    assert "one-time link" in texts(page.browser().get("/login").text)
    assert page.browser().get("/login/forum").status_code == 404


def test_nothing_secret_stands_in_a_page_or_a_log(page: Page, capsys: pytest.CaptureFixture[str]) -> None:
    visitor = page.browser()
    sign_in(visitor, "mei")

    seen = visitor.get("/").text + visitor.get("/health").text + capsys.readouterr().out

    for secret in (SECRET, "s" * 32, dict(visitor.client.cookies)["session"], "mei@example.org"):
        assert secret not in seen
    assert SECRET not in repr(page.site)
    assert Role.REVIEWER.name.lower() in seen
