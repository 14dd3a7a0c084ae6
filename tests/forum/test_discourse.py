"""The real client against the fake forum: what is read, posted, searched and taken back."""

import logging

import pytest

from bot.domain.draft import Reply
from bot.errors import BadSetting, ForumNotFound, ForumRefused, OutcomeUnknown, TopicTooLong
from bot.forum.discourse import DiscourseForum
from tests.fake_discourse import FakeDiscourse, Generation, faults
from tests.fake_discourse.app import Key
from tests.fake_discourse.creating import NOT_OPEN, TOO_SHORT, TOO_SIMILAR
from tests.fake_discourse.server import READ_KEY, WRITE_KEY
from tests.fake_discourse.state import BOT, SMALL_ACTION, WHISPER

ANSWER = "`w` is no leaf, so its gradient is not kept. <!-- m1 -->"


@pytest.fixture
def topic(fake_discourse: FakeDiscourse) -> str:
    """A chapter's topic with a student's question in it."""
    topic = fake_discourse.add_topic("Chapter 3", tags=("torch",))
    fake_discourse.add_post(topic.id, "why is `w.grad` None?", by="student")
    return str(topic.id)


def client(fake_discourse: FakeDiscourse, **changes: object) -> DiscourseForum:
    clock = fake_discourse.clock
    return DiscourseForum(fake_discourse.settings(**changes), clock=clock.seconds, wait=clock.wait)


# Reading topics.


def test_a_topic_comes_with_its_posts_and_its_state(fake_discourse, forum, topic):
    fake_discourse.add_post(int(topic), "use retain_grad()", by="neighbour", reply_to=2)

    read = forum.topic(topic)

    assert (read.title, read.category_id, read.tags) == ("Chapter 3", 5, ("torch",))
    assert [(post.author, post.number, post.reply_to) for post in read.posts] == [
        ("teacher", 1, None),
        ("student", 2, None),
        ("neighbour", 3, 2),
    ]
    assert read.posts[1].raw == "why is `w.grad` None?"
    assert [post.by_staff for post in read.posts] == [True, False, False]
    assert read.open
    assert not read.solved
    assert not read.private


@pytest.mark.parametrize("change", ["close", "archive", "unlist"])
def test_a_topic_that_takes_no_replies_is_not_open(fake_discourse, forum, topic, change):
    getattr(fake_discourse, change)(int(topic))

    assert not forum.topic(topic).open


def test_an_accepted_answer_makes_the_topic_solved(fake_discourse, forum, topic):
    answer = fake_discourse.add_post(int(topic), "use retain_grad()", by="neighbour")
    fake_discourse.accept(answer.id)

    assert forum.topic(topic).solved


def test_likes_and_the_accepted_answer_are_seen_at_the_post(fake_discourse, forum, topic):
    made = forum.reply(topic_id=topic, reply_to=2, raw=ANSWER)
    fake_discourse.like(int(made.post_id))
    fake_discourse.like(int(made.post_id))
    fake_discourse.accept(int(made.post_id))

    posts = forum.topic(topic).posts

    assert [(post.likes, post.accepted) for post in posts] == [(0, False), (0, False), (2, True)]


def test_a_personal_message_is_private(fake_discourse, forum):
    message = fake_discourse.add_topic("hello", recipients=(BOT,))

    assert forum.topic(str(message.id)).private


def test_all_posts_of_a_long_topic_are_read_in_chunks_of_twenty(fake_discourse, forum, topic):
    for number in range(3, 66):
        fake_discourse.add_post(int(topic), f"post {number}")

    read = forum.topic(topic)

    assert [post.number for post in read.posts] == list(range(1, 66))
    assert read.posts[-1].raw == "post 65"
    chunks = [request for request in fake_discourse.requests if "/posts.json?" in request]
    assert [request.count("post_ids") for request in chunks] == [20, 20, 5]


def test_a_topic_whose_slug_changed_is_read_all_the_same(fake_discourse, forum, topic):
    fake_discourse.topics[int(topic)].title = "Chapter 4"

    assert forum.topic(topic).slug == "chapter-4"


def test_a_topic_too_long_to_be_listed_is_refused_in_words(fake_discourse, forum, topic):
    fake_discourse.topics[int(topic)].mega = True

    with pytest.raises(TopicTooLong, match=rf"topic {topic} has more than 3000 posts"):
        forum.topic(topic)


def test_a_deleted_topic_is_not_found(fake_discourse, forum, topic):
    fake_discourse.delete_topic(int(topic))

    with pytest.raises(ForumNotFound, match=r"could not be found.*autograd-bot may not see it"):
        forum.topic(topic)


@pytest.mark.parametrize("name", ["../admin", "", "9?x=1", "c001"])
def test_an_id_that_is_no_number_never_becomes_part_of_a_path(fake_discourse, forum, name):
    with pytest.raises(ForumNotFound):
        forum.topic(name)
    with pytest.raises(ForumNotFound):
        forum.withdraw(name)

    assert fake_discourse.requests == []


def test_hidden_and_deleted_posts_and_whispers_show_nothing(fake_discourse, forum, topic):
    hidden = fake_discourse.add_post(int(topic), "an insult")
    deleted = fake_discourse.add_post(int(topic), "gone")
    withdrawn = fake_discourse.add_post(int(topic), "oh, never mind")
    fake_discourse.add_post(int(topic), "staff talk", post_type=WHISPER)
    fake_discourse.hide(hidden.id)
    fake_discourse.delete(deleted.id)
    fake_discourse.delete_by_author(withdrawn.id)

    read = forum.topic(topic)

    assert [(post.number, post.hidden, post.deleted) for post in read.posts[2:]] == [(3, True, False), (5, False, True)]
    assert read.post(3).raw == ""
    assert "never mind" not in read.post(5).raw


def test_an_edit_within_the_grace_period_shows_in_the_hash_and_not_in_the_version(fake_discourse, forum, topic):
    before = forum.topic(topic).post(2)
    fake_discourse.clock.advance(60)
    fake_discourse.edit(int(before.id), "why is `w.grad` None? It is (4, 1).")

    after = forum.topic(topic).post(2)

    assert after.version == before.version == 1
    assert after.sha256 != before.sha256


def test_one_post_is_found_wherever_it_stands_now(fake_discourse, forum, topic):
    question = fake_discourse.posts[1002]
    elsewhere = fake_discourse.add_topic("Chapter 4")
    fake_discourse.move(question.id, to=elsewhere.id)

    found = forum.post("1002")

    assert (found.topic_id, found.number, found.raw) == (str(elsewhere.id), 2, question.raw)


# The newest posts.


def ids(forum: DiscourseForum, *, after: int = 0, overlap: int = 0, most: int = 1000) -> list[int]:
    return [int(post.id) for post in forum.newest_posts(after=after, overlap=overlap, most=most)]


@pytest.mark.parametrize("generation", Generation)
def test_every_generation_of_servers_gives_every_public_post_once_newest_first(
    fake_discourse, forum, topic, generation
):
    fake_discourse.generation = generation
    fake_discourse.skip_ids(130)  # fifty ids and more in which nothing is public
    public = [1001, 1002] + [fake_discourse.add_post(int(topic), f"post {n}").id for n in range(120)]

    assert ids(forum) == sorted(public, reverse=True)


@pytest.mark.parametrize("generation", Generation)
def test_only_posts_above_the_mark_and_its_overlap_are_given(fake_discourse, forum, topic, generation):
    fake_discourse.generation = generation
    made = [fake_discourse.add_post(int(topic), f"post {n}").id for n in range(120)]

    assert ids(forum, after=made[-4]) == made[:-4:-1]
    assert ids(forum, after=made[-4], overlap=2) == made[:-6:-1]
    assert ids(forum, after=made[10]) == made[:10:-1]
    assert ids(forum, after=made[-1]) == []


@pytest.mark.parametrize("generation", Generation)
def test_at_most_as_many_posts_as_asked_for_are_read(fake_discourse, forum, topic, generation):
    fake_discourse.generation = generation
    made = [fake_discourse.add_post(int(topic), f"post {n}").id for n in range(200)]

    assert ids(forum, after=5, most=60) == made[:-61:-1]
    assert len(fake_discourse.requests) <= 3


def test_one_page_is_asked_for_when_nothing_much_is_new(fake_discourse, forum, topic):
    made = [fake_discourse.add_post(int(topic), f"post {n}").id for n in range(120)]

    ids(forum, after=made[-3], overlap=40)

    assert fake_discourse.requests == ["GET /posts.json"]


def test_an_empty_forum_gives_nothing(fake_discourse, forum):
    assert ids(forum) == []


@pytest.mark.parametrize("generation", Generation)
def test_private_hidden_deleted_and_unlisted_posts_are_not_among_the_newest(fake_discourse, forum, topic, generation):
    fake_discourse.generation = generation
    fake_discourse.add_topic("hello", recipients=(BOT,))
    unlisted = fake_discourse.add_topic("draft of chapter 5")
    fake_discourse.unlist(unlisted.id)
    fake_discourse.add_post(int(topic), "pinned this", post_type=SMALL_ACTION)
    fake_discourse.delete(fake_discourse.add_post(int(topic), "gone").id)
    fake_discourse.hide(fake_discourse.add_post(int(topic), "an insult").id)

    assert ids(forum) == [1002, 1001]


def test_a_post_among_the_newest_says_its_category_and_its_text(forum, topic):
    newest = next(iter(forum.newest_posts(after=0, overlap=0, most=10)))

    assert (newest.raw, newest.category_id, newest.topic_id) == ("why is `w.grad` None?", 5, topic)


# Posting.


def test_a_reply_is_posted_under_the_question(fake_discourse, forum, topic):
    made = forum.reply(topic_id=topic, reply_to=2, raw=ANSWER)

    [post] = fake_discourse.posted
    assert made == Reply(post_id=str(post.id))
    assert (post.topic_id, post.reply_to, post.raw) == (int(topic), 2, ANSWER)


def test_switches_are_sent_as_the_words_that_the_forum_compares_with(fake_discourse, forum, topic):
    forum.reply(topic_id=topic, reply_to=2, raw=ANSWER)

    [form] = fake_discourse.desk.received
    assert (form["nested_post"], form["auto_track"]) == ("true", "false")


def test_a_reply_that_the_forum_queues_says_so(fake_discourse, forum, topic):
    fake_discourse.desk.queue_all = True

    assert forum.reply(topic_id=topic, reply_to=2, raw=ANSWER) == Reply(post_id=None, queued=True)
    assert fake_discourse.posted == []


def test_a_forum_that_ignores_nested_post_is_understood(fake_discourse, forum, topic):
    fake_discourse.fail_next("POST /posts", faults.answer({"id": 4711, "topic_id": int(topic), "raw": ANSWER}))

    assert forum.reply(topic_id=topic, reply_to=2, raw=ANSWER) == Reply(post_id="4711")


def test_two_replies_are_spaced(fake_discourse, forum, topic):
    forum.reply(topic_id=topic, reply_to=2, raw=ANSWER)
    forum.reply(topic_id=topic, reply_to=2, raw="Another answer for another post.")

    assert fake_discourse.clock.waits == [30.0]
    assert len(fake_discourse.posted) == 2


@pytest.mark.parametrize("change", ["close", "archive", "delete_topic"])
def test_a_topic_that_is_not_open_refuses_with_the_forums_words(fake_discourse, forum, topic, change):
    getattr(fake_discourse, change)(int(topic))

    with pytest.raises(ForumRefused) as refused:
        forum.reply(topic_id=topic, reply_to=2, raw=ANSWER)

    assert NOT_OPEN in str(refused.value)


def test_a_marker_does_not_make_a_short_reply_long_enough(fake_discourse, forum, topic):
    with pytest.raises(ForumRefused) as refused:
        forum.reply(topic_id=topic, reply_to=2, raw="Detach it. <!-- 0123456789abcdef -->")

    assert TOO_SHORT in str(refused.value)


def test_the_same_text_twice_is_refused_when_the_forum_no_longer_remembers_the_first(fake_discourse, forum, topic):
    forum.reply(topic_id=topic, reply_to=2, raw=ANSWER)
    fake_discourse.clock.advance(125)

    with pytest.raises(ForumRefused) as refused:
        forum.reply(topic_id=topic, reply_to=2, raw=ANSWER)

    assert TOO_SIMILAR in str(refused.value)


def test_the_same_reply_sent_again_within_two_minutes_makes_one_post(fake_discourse, forum, topic):
    fake_discourse.fail_next("POST /posts", faults.dropped_after_doing())
    with pytest.raises(OutcomeUnknown):
        forum.reply(topic_id=topic, reply_to=2, raw=ANSWER)
    fake_discourse.clock.advance(35)

    again = forum.reply(topic_id=topic, reply_to=2, raw=ANSWER)

    [post] = fake_discourse.posted
    assert again == Reply(post_id=str(post.id))


def test_an_answer_that_names_no_post_leaves_the_outcome_unknown(fake_discourse, forum, topic):
    fake_discourse.fail_next("POST /posts", faults.answer({"success": True}, after=True))

    with pytest.raises(OutcomeUnknown):
        forum.reply(topic_id=topic, reply_to=2, raw=ANSWER)


def test_a_message_reaches_the_reviewers(fake_discourse, forum):
    forum.message(group="reviewers", title="2 drafts wait", raw="They can be read on the page.")

    [(message, post)] = fake_discourse.messages
    assert (message.title, message.recipients) == ("2 drafts wait", ("reviewers",))
    assert post.raw == "They can be read on the page."


def test_a_message_to_an_unknown_group_is_refused(fake_discourse, forum):
    with pytest.raises(ForumRefused, match="valid recipient"):
        forum.message(group="nobody", title="2 drafts wait", raw="They can be read on the page.")


def test_our_reply_can_be_taken_back(fake_discourse, forum, topic):
    made = forum.reply(topic_id=topic, reply_to=2, raw=ANSWER)

    forum.withdraw(made.post_id)

    assert fake_discourse.posted == []
    assert forum.topic(topic).posts[-1].deleted


def test_anothers_post_cannot_be_taken_back(fake_discourse, forum, topic):
    with pytest.raises(ForumRefused):
        forum.withdraw("1002")

    assert not fake_discourse.posts[1002].user_deleted


def test_without_a_write_key_nothing_is_posted(fake_discourse, topic):
    reading = client(fake_discourse, write_key="")

    with pytest.raises(ForumRefused, match="write_key is empty"):
        reading.reply(topic_id=topic, reply_to=2, raw=ANSWER)

    assert fake_discourse.requests == []


def test_the_key_for_reading_cannot_post(fake_discourse, topic):
    careless = client(fake_discourse, write_key=READ_KEY)

    with pytest.raises(ForumRefused, match="check the key, its scopes"):
        careless.reply(topic_id=topic, reply_to=2, raw=ANSWER)

    assert fake_discourse.posted == []


# Looking for a marker.


def test_a_marker_is_found_in_the_topic_however_long_it_is(fake_discourse, forum, topic):
    for number in range(3, 50):
        fake_discourse.add_post(int(topic), f"post {number}")
    ours = fake_discourse.add_post(int(topic), ANSWER, by=BOT)

    assert forum.find_marker("m1", topic_id=topic) == Reply(post_id=str(ours.id))


def test_a_marker_in_somebody_elses_post_does_not_count(fake_discourse, forum, topic):
    fake_discourse.add_post(int(topic), f"what is this? `{ANSWER}`", by="student")

    assert forum.find_marker("m1", topic_id=topic) is None


def test_a_marker_is_found_in_a_reply_that_was_moved(fake_discourse, forum, topic):
    ours = fake_discourse.add_post(int(topic), ANSWER, by=BOT)
    elsewhere = fake_discourse.add_topic("Chapter 4")
    fake_discourse.move(ours.id, to=elsewhere.id)

    assert forum.find_marker("m1", topic_id=topic) == Reply(post_id=str(ours.id))


def test_a_marker_is_found_when_the_topic_itself_is_gone(fake_discourse, forum, topic):
    ours = fake_discourse.add_post(int(topic), ANSWER, by=BOT)
    fake_discourse.move(ours.id, to=fake_discourse.add_topic("Chapter 4").id)
    fake_discourse.delete_topic(int(topic))

    assert forum.find_marker("m1", topic_id=topic) == Reply(post_id=str(ours.id))


def test_a_marker_is_found_in_the_forums_own_queue(fake_discourse, forum, topic):
    fake_discourse.desk.queue_all = True
    forum.reply(topic_id=topic, reply_to=2, raw=ANSWER)

    assert forum.find_marker("m1", topic_id=topic) == Reply(post_id=None, queued=True)
    assert forum.find_marker("m2", topic_id=topic) is None


def test_a_marker_that_could_not_be_looked_for_everywhere_does_not_count_as_missing(fake_discourse, forum, topic):
    fake_discourse.keys[READ_KEY] = Key(BOT, frozenset({"topics:read", "posts:list"}))

    with pytest.raises(ForumRefused):
        forum.find_marker("m1", topic_id=topic)


# Keys and settings.


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"url": ""}, "forum.url is empty"),
        ({"read_key": ""}, "forum.read_key is empty"),
        ({"read_key": "secret\nkey"}, "forum.read_key holds characters"),
        ({"write_key": "schlüssel"}, "forum.write_key holds characters"),
        ({"username": "自动微分"}, "forum.username"),
    ],
)
def test_settings_that_cannot_work_are_refused_with_their_name(fake_discourse, change, words):
    with pytest.raises(BadSetting, match=words) as refused:
        client(fake_discourse, **change)

    assert "secret" not in str(refused.value)


def test_a_wrong_key_is_refused_in_words(fake_discourse, topic):
    stranger = client(fake_discourse, read_key="f" * 64)

    with pytest.raises(ForumRefused, match=r"not permitted.*check the key, its scopes and the account autograd-bot"):
        stranger.topic(topic)


def test_neither_keys_nor_posts_are_logged(fake_discourse, forum, topic, caplog):
    caplog.set_level(logging.DEBUG)

    forum.topic(topic)
    forum.reply(topic_id=topic, reply_to=2, raw=ANSWER)
    fake_discourse.fail_next("GET /t/", faults.failed(500), times=3)
    with pytest.raises(Exception, match="status 500"):
        forum.topic(topic)

    logged = caplog.text
    assert "GET /t/" in logged  # the log is on: urllib3 names the requests
    for secret in (READ_KEY, WRITE_KEY, "w.grad", "no leaf"):
        assert secret not in logged
