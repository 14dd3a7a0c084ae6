"""The fake forum keeps what Discourse documents of its shapes, and its habits."""

import pytest
import requests

from tests.fake_discourse import FakeDiscourse, Generation
from tests.fake_discourse.server import READ_KEY, WRITE_KEY
from tests.fake_discourse.state import BOT

#: What Discourse's API description requires of a post wherever it appears.
POST_KEYS = set(
    "id username avatar_template created_at cooked post_number post_type updated_at reply_count reply_to_post_number"
    " quote_count incoming_link_count reads readers_count score yours topic_id topic_slug display_username"
    " primary_group_name flair_name flair_url flair_bg_color flair_color version can_edit can_delete can_recover"
    " can_wiki user_title bookmarked actions_summary moderator admin staff user_id hidden trust_level deleted_at"
    " user_deleted edit_reason can_view_edit_history wiki reviewable_id reviewable_score_count"
    " reviewable_score_pending_count name".split()
)
#: What it requires of a topic beyond that.
TOPIC_KEYS = set(
    "post_stream timeline_lookup suggested_topics tags tags_descriptions id title fancy_title posts_count created_at"
    " views reply_count like_count last_posted_at visible closed archived has_summary archetype slug category_id"
    " word_count deleted_at user_id featured_link pinned_globally pinned_at pinned_until image_url slow_mode_seconds"
    " draft draft_key draft_sequence unpinned pinned highest_post_number deleted_by has_deleted actions_summary"
    " chunk_size bookmarked bookmarks topic_timer message_bus_last_id participant_count show_read_indicator"
    " thumbnails slow_mode_enabled_until details".split()
)


def ask(forum: FakeDiscourse, path: str, *, key: str = READ_KEY, **form: object) -> requests.Response:
    headers = {"Api-Key": key, "Api-Username": BOT}
    method = "POST" if form else "GET"
    return requests.request(
        method, forum.url + path, headers=headers, data=form or None, timeout=5, allow_redirects=False
    )


@pytest.fixture
def topic_id(fake_discourse: FakeDiscourse) -> int:
    topic = fake_discourse.add_topic("Chapter 3")
    fake_discourse.add_post(topic.id, "why is `w.grad` None?", by="student", reply_to=1)
    return topic.id


def test_posts_have_every_key_that_discourse_promises(fake_discourse, topic_id):
    latest = ask(fake_discourse, "/posts.json").json()["latest_posts"][0]
    single = ask(fake_discourse, f"/posts/{latest['id']}.json").json()
    chunk = ask(fake_discourse, f"/t/{topic_id}/posts.json?post_ids[]={latest['id']}").json()["post_stream"]["posts"][0]
    made = ask(fake_discourse, "/posts", key=WRITE_KEY, raw="because it is no leaf", topic_id=topic_id).json()

    for post in (latest, single, chunk, made):
        assert post.keys() >= POST_KEYS
    assert latest.keys() >= {
        "raw",
        "topic_title",
        "topic_html_title",
        "category_id",
        "excerpt",
        "truncated",
        "post_url",
    }
    assert not latest.keys() & {"tags", "closed", "archived"}
    assert "raw" not in chunk


def test_topics_have_every_key_that_discourse_promises(fake_discourse, topic_id):
    topic = ask(fake_discourse, f"/t/{topic_id}.json?include_raw=1").json()

    assert topic.keys() >= TOPIC_KEYS
    assert topic["post_stream"]["stream"] == [post["id"] for post in topic["post_stream"]["posts"]]
    assert all(post.keys() >= POST_KEYS | {"raw"} for post in topic["post_stream"]["posts"])


def test_another_slug_is_redirected(fake_discourse, topic_id):
    answer = ask(fake_discourse, f"/t/old-title/{topic_id}.json")

    assert (answer.status_code, answer.headers["Location"]) == (301, f"/t/chapter-3/{topic_id}.json")
    assert ask(fake_discourse, f"/t/chapter-3/{topic_id}.json").status_code == 200


def test_the_three_generations_page_differently(fake_discourse, topic_id):
    made = [fake_discourse.add_post(topic_id, f"post {n}").id for n in range(60)]
    fake_discourse.skip_ids(60)
    last = fake_discourse.add_post(topic_id, "after a gap").id

    def page(generation: Generation, before: int) -> list[int]:
        fake_discourse.generation = generation
        return [post["id"] for post in ask(fake_discourse, f"/posts.json?before={before}").json()["latest_posts"]]

    assert page(Generation.EXCLUSIVE, last) == made[:-51:-1]
    assert page(Generation.INCLUSIVE, last) == [last, *made[:-50:-1]]
    assert page(Generation.WINDOW, last) == [last]
    assert page(Generation.WINDOW, last - 1) == []


def test_a_create_is_answered_flat_unless_nested_is_asked_for(fake_discourse, topic_id):
    flat = ask(fake_discourse, "/posts", key=WRITE_KEY, raw="because it is no leaf", topic_id=topic_id).json()
    fake_discourse.clock.advance(10)
    nested = ask(
        fake_discourse, "/posts", key=WRITE_KEY, raw="and it never was one", topic_id=topic_id, nested_post="true"
    ).json()

    assert flat["post_number"] == 3
    assert (nested["action"], nested["success"], nested["post"]["post_number"]) == ("create_post", True, 4)


def test_a_refused_create_is_remembered_like_one_that_was_made(fake_discourse, topic_id):
    fake_discourse.close(topic_id)
    first = ask(fake_discourse, "/posts", key=WRITE_KEY, raw="because it is no leaf", topic_id=topic_id)
    fake_discourse.topics[topic_id].closed = False
    again = ask(fake_discourse, "/posts", key=WRITE_KEY, raw="because it is no leaf", topic_id=topic_id)
    fake_discourse.clock.advance(121)
    later = ask(fake_discourse, "/posts", key=WRITE_KEY, raw="because it is no leaf", topic_id=topic_id)

    assert [answer.status_code for answer in (first, again, later)] == [422, 422, 200]


def test_two_posts_in_a_row_are_limited(fake_discourse, topic_id):
    ask(fake_discourse, "/posts", key=WRITE_KEY, raw="because it is no leaf", topic_id=topic_id)

    limited = ask(fake_discourse, "/posts", key=WRITE_KEY, raw="and it never was one", topic_id=topic_id)

    assert limited.status_code == 429
    assert limited.json()["extras"]["wait_seconds"] == 5


def test_a_sixty_first_request_in_a_minute_is_limited(fake_discourse, topic_id):
    codes = [ask(fake_discourse, "/posts.json").status_code for _ in range(61)]

    assert codes == [200] * 60 + [429]


def test_what_waits_in_the_queue_becomes_a_post_when_it_is_approved(fake_discourse, topic_id):
    fake_discourse.desk.queue_all = True
    answer = ask(fake_discourse, "/posts", key=WRITE_KEY, raw="because it is no leaf", topic_id=topic_id).json()
    pending = ask(fake_discourse, f"/posts/{BOT}/pending.json").json()["pending_posts"]

    assert answer["action"] == "enqueued"
    assert "id" not in answer
    assert [waiting["raw_text"] for waiting in pending] == ["because it is no leaf"]

    fake_discourse.approve_pending(pending[0]["id"])
    assert [post.raw for post in fake_discourse.posted] == ["because it is no leaf"]
    assert ask(fake_discourse, f"/posts/{BOT}/pending.json").json() == {"pending_posts": []}
