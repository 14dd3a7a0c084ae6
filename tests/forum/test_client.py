"""What the client does when the forum is slow, limits it, breaks or answers nonsense."""

import socket

import pytest

from bot.errors import ForumRefused, ForumUnavailable, OutcomeUnknown
from bot.forum.client import UNSTATED_WAIT
from bot.forum.discourse import DiscourseForum
from bot.settings import ForumSettings
from tests.fake_discourse import FakeDiscourse, faults

ANSWER = "`w` is no leaf, so its gradient is not kept. <!-- m1 -->"


@pytest.fixture
def topic(fake_discourse: FakeDiscourse) -> str:
    topic = fake_discourse.add_topic("Chapter 3")
    fake_discourse.add_post(topic.id, "why is `w.grad` None?", by="student")
    return str(topic.id)


@pytest.fixture
def hasty(fake_discourse: FakeDiscourse) -> DiscourseForum:
    """A client that gives up on an answer after a quarter of a second."""
    clock = fake_discourse.clock
    return DiscourseForum(fake_discourse.settings(timeout_seconds=0.25), clock=clock.seconds, wait=clock.wait)


# Limits.


@pytest.mark.parametrize(
    ("fault", "seconds"),
    [
        (faults.limited(7), 8),
        (faults.limited(None), UNSTATED_WAIT),
        (faults.limited_by_address(20), 21),
        (faults.limited_without_type(11), 12),
        (faults.limited_by_proxy(), UNSTATED_WAIT),
        (faults.answer({"extras": {"wait_seconds": "soon"}}, status=429), UNSTATED_WAIT),
        (faults.answer(["odd"], status=429), UNSTATED_WAIT),
    ],
)
def test_a_limit_of_any_kind_is_waited_for_as_long_as_it_says(fake_discourse, forum, topic, fault, seconds):
    fake_discourse.fail_next("GET /t/", fault)

    assert forum.topic(topic).title == "Chapter 3"
    assert fake_discourse.clock.waits == [seconds]


def test_a_limit_beyond_our_patience_ends_the_call_and_says_when_to_come_back(fake_discourse, forum, topic):
    fake_discourse.fail_next("GET /t/", faults.limited(5000))

    with pytest.raises(ForumUnavailable) as unavailable:
        forum.topic(topic)

    assert unavailable.value.retry_after == 5001
    assert fake_discourse.clock.waits == []


def test_how_long_the_forum_wants_to_be_left_alone_can_be_seen(fake_discourse, forum, topic):
    assert forum.limited_for == 0
    fake_discourse.fail_next("GET /t/", faults.limited(5000))
    with pytest.raises(ForumUnavailable):
        forum.topic(topic)

    assert forum.limited_for == 5001
    fake_discourse.clock.advance(5002)
    assert forum.limited_for == 0


def test_while_the_forum_wants_to_be_left_alone_it_is_not_asked(fake_discourse, forum, topic):
    fake_discourse.fail_next("GET /t/", faults.limited(5000))
    with pytest.raises(ForumUnavailable):
        forum.topic(topic)
    fake_discourse.clock.advance(1000)

    with pytest.raises(ForumUnavailable) as unavailable:
        forum.reply(topic_id=topic, reply_to=2, raw=ANSWER)

    assert unavailable.value.retry_after == 4001
    assert len(fake_discourse.requests) == 1
    fake_discourse.clock.advance(4001)
    assert forum.topic(topic).title == "Chapter 3"


def test_limits_one_after_another_are_not_waited_for_beyond_our_patience(fake_discourse, forum, topic):
    fake_discourse.fail_next("GET /t/", faults.limited(50), times=3)

    with pytest.raises(ForumUnavailable) as unavailable:
        forum.topic(topic)

    assert fake_discourse.clock.waits == [51]
    assert unavailable.value.retry_after == 51


def test_a_limit_that_never_ends_is_given_up(fake_discourse, forum, topic):
    fake_discourse.fail_next("GET /t/", faults.limited(1), times=50)

    with pytest.raises(ForumUnavailable):
        forum.topic(topic)

    assert len(fake_discourse.requests) == 3


def test_a_limited_reply_is_sent_again_because_the_forum_says_it_did_nothing(fake_discourse, forum, topic):
    fake_discourse.fail_next("POST /posts", faults.limited(5))

    forum.reply(topic_id=topic, reply_to=2, raw=ANSWER)

    assert [post.raw for post in fake_discourse.posted] == [ANSWER]
    assert fake_discourse.clock.waits == [30]  # our own spacing, which is longer


def test_we_stay_below_the_forums_limit_by_ourselves(fake_discourse, forum, topic):
    fake_discourse.traffic.per_minute = 20

    for _ in range(60):
        forum.topic(topic)

    assert len(fake_discourse.requests) == 60  # no request was refused and sent again
    assert fake_discourse.clock.seconds() == pytest.approx(50 * 6)


# Failures when reading.


@pytest.mark.parametrize("fault", [faults.failed(502), faults.failed(500), faults.dropped(), faults.page_of_html()])
def test_a_read_that_fails_is_repeated(fake_discourse, forum, topic, fault):
    fake_discourse.fail_next("GET /t/", fault, times=2)

    assert forum.topic(topic).title == "Chapter 3"
    assert fake_discourse.clock.waits == [2, 8]


def test_a_read_that_keeps_failing_is_given_up_in_words(fake_discourse, forum, topic):
    fake_discourse.fail_next("GET /t/", faults.failed(503), times=50)

    with pytest.raises(ForumUnavailable, match=r"status 503.*Check forum\.url"):
        forum.topic(topic)

    assert len(fake_discourse.requests) == 3


def test_a_server_that_never_answers_does_not_hang_us(fake_discourse, hasty, topic):
    fake_discourse.fail_next("GET /t/", faults.silence(), times=3)

    with pytest.raises(ForumUnavailable, match="no answer in time"):
        hasty.topic(topic)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [(b"[1, 2]", "application/json; charset=utf-8"), (b"7", "application/json"), (b"{", None), (b"\xff", "text/html")],
)
def test_an_answer_that_is_no_json_object_is_not_an_answer(fake_discourse, forum, topic, body, content_type):
    fake_discourse.fail_next("GET /t/", faults.plain(body, content_type=content_type), times=3)

    with pytest.raises(ForumUnavailable, match="not Discourse's JSON"):
        forum.topic(topic)


@pytest.mark.parametrize("content_type", ["application/json", "application/json;charset=UTF-8", None])
def test_a_content_type_that_a_proxy_rewrote_does_no_harm(fake_discourse, forum, content_type):
    body = b'{"id": 3, "title": "odd", "post_stream": {"posts": [], "stream": []}}'
    fake_discourse.fail_next("GET /t/", faults.plain(body, content_type=content_type))

    assert forum.topic("3").title == "odd"


def test_an_empty_answer_is_an_empty_object(fake_discourse, forum):
    fake_discourse.fail_next("GET /posts.json", faults.plain(b"", content_type=None))

    assert list(forum.newest_posts(after=0, overlap=0, most=10)) == []


def test_an_answer_200_that_lists_errors_is_a_refusal(fake_discourse, forum, topic):
    fake_discourse.fail_next("GET /t/", faults.answer({"errors": ["slow down"]}))

    with pytest.raises(ForumRefused, match="slow down"):
        forum.topic(topic)


@pytest.mark.parametrize("errors", ["words", [1, 2], [], None, {"a": 1}])
def test_a_refusal_without_readable_words_names_its_status(fake_discourse, forum, topic, errors):
    fake_discourse.fail_next("GET /t/", faults.answer({"errors": errors}, status=400))

    with pytest.raises(ForumRefused, match="400 Bad Request"):
        forum.topic(topic)


def test_a_redirect_says_which_setting_to_look_at(fake_discourse, forum, topic):
    fake_discourse.fail_next("GET /t/", faults.redirect("https://forum.example.org/t/10.json"))

    with pytest.raises(ForumRefused, match=r"https://forum.example.org/t/10.json. Check forum.url"):
        forum.topic(topic)


def test_a_forum_that_is_not_there_is_named():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    forum = DiscourseForum(
        ForumSettings(url=f"http://127.0.0.1:{port}", read_key="r", write_key="w"),
        clock=lambda: 0.0,
        wait=lambda seconds: None,
    )

    with pytest.raises(ForumUnavailable, match="no connection to the forum"):
        forum.topic("1")
    with pytest.raises(ForumUnavailable):  # it surely was not posted, so the outcome is known
        forum.reply(topic_id="1", reply_to=1, raw=ANSWER)


# Failures when posting: once sent, a create is never sent again.


@pytest.mark.parametrize(
    ("fault", "made"),
    [
        (faults.dropped(), 0),
        (faults.dropped_after_doing(), 1),
        (faults.cut_short_after_doing(), 1),
        (faults.failed(502), 0),
        (faults.failed_after_doing(), 1),
        (faults.page_of_html(), 0),
    ],
)
def test_a_reply_without_a_clear_answer_leaves_the_outcome_unknown(fake_discourse, forum, topic, fault, made):
    fake_discourse.fail_next("POST /posts", fault)

    with pytest.raises(OutcomeUnknown):
        forum.reply(topic_id=topic, reply_to=2, raw=ANSWER)

    assert len(fake_discourse.requests) == 1
    assert len(fake_discourse.posted) == made
    found = forum.find_marker("m1", topic_id=topic)
    assert (found is not None) == bool(made)


@pytest.mark.parametrize(("fault", "made"), [(faults.silence(), 0), (faults.silence_after_doing(), 1)])
def test_a_reply_that_is_never_answered_leaves_the_outcome_unknown(fake_discourse, hasty, topic, fault, made):
    fake_discourse.fail_next("POST /posts", fault)

    with pytest.raises(OutcomeUnknown, match="no answer in time"):
        hasty.reply(topic_id=topic, reply_to=2, raw=ANSWER)

    assert len(fake_discourse.requests) == 1
    assert len(fake_discourse.posted) == made


def test_a_withdrawal_without_an_answer_leaves_the_outcome_unknown(fake_discourse, forum, topic):
    made = forum.reply(topic_id=topic, reply_to=2, raw=ANSWER)
    fake_discourse.fail_next("DELETE /posts", faults.dropped_after_doing())

    with pytest.raises(OutcomeUnknown):
        forum.withdraw(made.post_id)

    assert fake_discourse.posted == []
