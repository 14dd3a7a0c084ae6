"""The forum in memory."""

from datetime import UTC, datetime

import pytest

from bot.domain.post import Post, Topic
from bot.errors import ForumNotFound, ForumRefused
from bot.forum import wire
from bot.forum.memory import ArchiveForum, Message


def thread(topic_id: str = "9", **changes: object) -> Topic:
    first = int(topic_id) * 10
    posts = (
        Post(id=str(first), raw="Chapter 3", topic_id=topic_id, number=1, author="teacher"),
        Post(id=str(first + 1), raw="why is it None?", topic_id=topic_id, number=2, author="student"),
    )
    return Topic(id=topic_id, title="Gradients", posts=posts, category_id=5, **changes)


def noon() -> datetime:
    return datetime(2025, 3, 1, 12, tzinfo=UTC)


def test_a_reply_stands_at_the_end_of_its_topic():
    forum = ArchiveForum([thread()], now=noon)

    made = forum.reply(topic_id="9", reply_to=2, raw="because it is no leaf")

    last = forum.topic("9").posts[-1]
    assert (last.id, last.number, last.reply_to) == (made.post_id, 3, 2)
    assert (last.author, last.created_at, last.category_id) == ("autograd-bot", noon(), 5)


def test_a_closed_topic_takes_no_reply():
    forum = ArchiveForum([thread(closed=True)])

    with pytest.raises(ForumRefused):
        forum.reply(topic_id="9", reply_to=2, raw="too late")

    assert len(forum.topic("9").posts) == 2


def test_a_marker_is_found_only_in_our_own_posts():
    quoting = Post(id="99", raw="what is <!-- m1 -->?", topic_id="9", number=3, author="student")
    forum = ArchiveForum([thread(), Topic(id="8", title="t", posts=(quoting,))])

    assert forum.find_marker("m1", topic_id="9") is None

    made = forum.reply(topic_id="9", reply_to=2, raw="answer <!-- m1 -->")
    assert forum.find_marker("m1", topic_id="8") == made


def test_the_newest_posts_come_first_down_to_the_overlap():
    forum = ArchiveForum([thread("9"), thread("12")])

    def ids(**options: int) -> list[str]:
        return [post.id for post in forum.newest_posts(**options)]

    assert ids(after=0, overlap=0, most=100) == ["121", "120", "91", "90"]
    assert ids(after=120, overlap=0, most=100) == ["121"]
    assert ids(after=120, overlap=30, most=100) == ["121", "120", "91"]
    assert ids(after=0, overlap=0, most=2) == ["121", "120"]


def test_replies_are_there_again_for_the_next_process(tmp_path):
    made = ArchiveForum([thread()], replies=tmp_path / "replies", now=noon).reply(
        topic_id="9", reply_to=2, raw="because it is no leaf"
    )

    again = ArchiveForum([thread()], replies=tmp_path / "replies")

    assert again.topic("9").posts[-1].raw == "because it is no leaf"
    assert again.topic("9").posts[-1].created_at == noon()
    again.withdraw(made.post_id)
    assert len(ArchiveForum([thread()], replies=tmp_path / "replies").topic("9").posts) == 2


def test_an_id_from_a_file_cannot_name_a_path_elsewhere(tmp_path):
    forum = ArchiveForum([Topic(id="../../escape", title="t")], replies=tmp_path / "in" / "replies")

    forum.reply(topic_id="../../escape", reply_to=1, raw="here")

    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path.parent for path in written] == [tmp_path / "in" / "replies"]


def test_only_our_own_reply_can_be_withdrawn():
    forum = ArchiveForum([thread()])

    with pytest.raises(ForumRefused):
        forum.withdraw("91")
    with pytest.raises(ForumNotFound):
        forum.withdraw("5000")


def test_an_unknown_topic_is_not_found():
    with pytest.raises(ForumNotFound):
        ArchiveForum([]).topic("1")


def test_a_message_to_the_reviewers_can_be_read_back():
    forum = ArchiveForum([])

    forum.message(group="reviewers", title="2 drafts wait", raw="see the page")

    assert forum.messages == (Message(group="reviewers", title="2 drafts wait", raw="see the page"),)


def test_a_topic_survives_the_way_to_discourses_shape_and_back():
    topic = thread(tags=("torch",), solved=True, private=True, closed=True)

    again = wire.topic_from(wire.topic_record(topic))

    assert (again.tags, again.solved, again.private, again.closed) == (("torch",), True, True, True)
    assert [(post.id, post.raw, post.author) for post in again.posts] == [
        (post.id, post.raw, post.author) for post in topic.posts
    ]
