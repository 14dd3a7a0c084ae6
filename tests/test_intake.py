"""Which posts are looked at, and when."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot import intake
from bot.domain.post import Attachment, Post, PostKind, PostState, Question, Topic
from bot.errors import ForumUnavailable
from bot.forum.discourse import DiscourseForum
from bot.forum.memory import ArchiveForum
from bot.intake import SkipReason, answer_to, why_not
from bot.settings import IntakeSettings, Settings
from bot.store import marks, posts
from bot.store.engine import Store
from tests.fake_discourse import FakeDiscourse, faults
from tests.fake_discourse.server import READ_KEY
from tests.fake_discourse.state import BOT

NOON = datetime(2025, 3, 1, 12, tzinfo=UTC)


def settings_for(fake_discourse: FakeDiscourse, **changes: object) -> Settings:
    return Settings(forum=fake_discourse.settings(**changes))


@pytest.fixture
def settings(fake_discourse: FakeDiscourse) -> Settings:
    return settings_for(fake_discourse)


@pytest.fixture
def topic_id(fake_discourse: FakeDiscourse) -> int:
    return fake_discourse.add_topic("Chapter 3", by="teacher", tags=("torch",)).id


class Bot:
    """The two jobs, over one forum and one store."""

    def __init__(self, forum: DiscourseForum, store: Store, settings: Settings, fake: FakeDiscourse) -> None:
        self.forum, self.store, self.settings, self.clock = forum, store, settings, fake.clock

    def poll(self) -> int:
        return intake.poll(self.forum, self.store, self.settings, self.clock.now())

    def due(self) -> list[Question]:
        return list(intake.due(self.store, self.forum, self.settings, self.clock.now()))

    def answer(self) -> list[str]:
        """Answer everything that is due; gives the texts."""
        questions = self.due()
        with self.store.writing() as connection:
            for question in questions:
                posts.answered(connection, question.post.id, question.post.sha256, now=self.clock.now())
        return [question.post.raw for question in questions]

    def fail(self) -> PostState:
        """Fail at the one question that is due; it may be tried again a minute later."""
        [question] = self.due()
        post, now = question.post, self.clock.now()
        with self.store.writing() as connection:
            return posts.failed(connection, post.id, post.sha256, again_at=now + timedelta(seconds=60), now=now)

    def reason(self, post_id: int) -> str | None:
        with self.store.reading() as connection:
            kept = posts.get(connection, str(post_id))
        return kept and kept.reason

    def mark(self) -> str | None:
        with self.store.reading() as connection:
            return marks.value(connection, intake.NEWEST)


@pytest.fixture
def bot(forum: DiscourseForum, store: Store, settings: Settings, fake_discourse: FakeDiscourse) -> Bot:
    return Bot(forum, store, settings, fake_discourse)


# When.


def test_a_question_is_answered_once_when_it_has_settled(fake_discourse, bot, topic_id):
    fake_discourse.add_post(topic_id, "why is it None?")

    assert bot.poll() == 1
    assert bot.answer() == []
    fake_discourse.clock.advance(301)
    assert bot.answer() == ["why is it None?"]
    assert bot.poll() == 0
    assert bot.answer() == []


def test_a_question_brings_the_files_that_its_post_links(fake_discourse, bot, topic_id):
    short = fake_discourse.upload("net.py", b"import torch\n")
    fake_discourse.add_post(topic_id, f"why does it fail? [net.py|attachment]({short}) (13 Bytes)")
    fake_discourse.add_post(topic_id, "and mine? [gone.py|attachment](upload://gone.py)", by="neighbour")
    bot.poll()
    fake_discourse.clock.advance(301)

    assert [question.post.attachments for question in bot.due()] == [
        (Attachment(name="net.py", text="import torch\n"),),
        (),
    ]


def test_a_question_brings_the_files_of_the_earlier_posts_that_it_may_mean(fake_discourse, bot, topic_id):
    own, other = (fake_discourse.upload(name, name.encode()) for name in ("own.py", "other.py"))
    fake_discourse.add_post(topic_id, f"mine: [own.py|attachment]({own}) (6 Bytes)")
    fake_discourse.add_post(topic_id, f"a variant: [other.py|attachment]({other}) (8 Bytes)", by="neighbour")
    fake_discourse.add_post(topic_id, "why does mine fail?")
    bot.poll()
    fake_discourse.clock.advance(301)

    question = next(question for question in bot.due() if "mine fail" in question.post.raw)
    assert [[file.name for file in post.attachments] for post in question.earlier] == [[], ["own.py"], []]


def test_a_question_sees_the_earlier_posts_and_its_chapter(fake_discourse, bot, topic_id):
    fake_discourse.add_post(topic_id, "a remark", by="neighbour")
    fake_discourse.add_post(topic_id, "why is it None?", reply_to=1)
    bot.poll()
    fake_discourse.clock.advance(301)
    chapters = {"Chapter 3": "autograd"}

    questions = list(
        intake.due(
            bot.store,
            bot.forum,
            bot.settings,
            bot.clock.now(),
            chapter_of=lambda topic: chapters.get(topic.title),
        )
    )

    assert [(len(question.earlier), question.chapter) for question in questions] == [(1, "autograd"), (2, "autograd")]
    assert questions[1].replied_to.author == "teacher"


def test_a_topic_is_read_once_for_all_its_questions(fake_discourse, bot, topic_id):
    for number in range(5):
        fake_discourse.add_post(topic_id, f"question {number}")
    bot.poll()
    fake_discourse.clock.advance(301)
    fake_discourse.requests.clear()

    assert len(bot.due()) == 5
    assert len(fake_discourse.requests) == 1


def test_an_edit_while_settling_is_waited_for_again(fake_discourse, bot, topic_id):
    post = fake_discourse.add_post(topic_id, "why is it None")
    bot.poll()
    fake_discourse.clock.advance(200)
    fake_discourse.edit(post.id, "why is it None? Here is my code: ...")
    bot.poll()
    fake_discourse.clock.advance(150)
    assert bot.answer() == []
    fake_discourse.clock.advance(151)

    assert bot.answer() == ["why is it None? Here is my code: ..."]


def test_an_edit_that_no_poll_saw_is_found_before_answering(fake_discourse, bot, topic_id):
    post = fake_discourse.add_post(topic_id, "why is it None")
    bot.poll()
    fake_discourse.clock.advance(301)
    fake_discourse.edit(post.id, "solved it, thanks")

    assert bot.answer() == []
    fake_discourse.clock.advance(299)
    assert bot.answer() == []
    fake_discourse.clock.advance(2)
    assert bot.answer() == ["solved it, thanks"]


def test_an_edit_after_the_answer_is_looked_at_again_once_settled(fake_discourse, bot, topic_id):
    post = fake_discourse.add_post(topic_id, "why is it None?")
    bot.poll()
    fake_discourse.clock.advance(301)
    bot.answer()
    fake_discourse.edit(post.id, "why is it None? With code.")

    assert bot.poll() == 1
    assert bot.answer() == []
    fake_discourse.clock.advance(301)
    assert bot.answer() == ["why is it None? With code."]


def test_a_question_that_was_not_marked_as_answered_comes_again(fake_discourse, bot, topic_id):
    fake_discourse.add_post(topic_id, "why is it None?")
    bot.poll()
    fake_discourse.clock.advance(301)

    assert [question.post.raw for question in bot.due()] == ["why is it None?"]
    assert [question.post.raw for question in bot.due()] == ["why is it None?"]


def test_a_question_that_keeps_failing_is_set_aside(fake_discourse, bot, topic_id):
    fake_discourse.add_post(topic_id, "why is it None?")
    bot.poll()
    fake_discourse.clock.advance(301)

    assert bot.fail() is PostState.WAITING
    assert bot.due() == []
    fake_discourse.clock.advance(61)
    assert bot.fail() is PostState.SET_ASIDE
    fake_discourse.clock.advance(61)
    assert bot.due() == []


def test_an_answer_to_an_old_text_leaves_the_new_text_waiting(fake_discourse, bot, topic_id):
    post = fake_discourse.add_post(topic_id, "why is it None?")
    bot.poll()
    fake_discourse.clock.advance(301)
    [question] = bot.due()
    fake_discourse.edit(post.id, "why is it None? With code.")
    bot.poll()  # another job, while the answer is made
    with bot.store.writing() as connection:
        posts.answered(connection, question.post.id, question.post.sha256, now=bot.clock.now())
    fake_discourse.clock.advance(301)

    assert bot.answer() == ["why is it None? With code."]


# Nothing is lost.


def test_a_poll_that_breaks_off_is_begun_again_from_the_same_mark(fake_discourse, bot, topic_id):
    bot.poll()
    before = bot.mark()
    for number in range(120):
        fake_discourse.add_post(topic_id, f"question {number}")
    fake_discourse.fail_next("GET /posts.json?before", faults.failed(), times=3)
    with pytest.raises(ForumUnavailable):
        bot.poll()

    assert bot.mark() == before
    fake_discourse.clock.advance(301)
    bot.poll()
    assert len(bot.due()) == 120


def test_a_late_post_with_a_lower_id_is_caught_by_the_overlap(fake_discourse, bot, topic_id):
    early = fake_discourse.add_post(topic_id, "committed late")
    held_back = fake_discourse.posts.pop(early.id)
    fake_discourse.add_post(topic_id, "committed first")
    bot.poll()
    fake_discourse.posts[early.id] = held_back

    assert bot.poll() == 1


def test_a_first_look_ends_where_posts_are_too_old(fake_discourse, bot, topic_id):
    for number in range(200):
        fake_discourse.add_post(topic_id, f"long ago {number}")
    fake_discourse.clock.advance(timedelta(days=15).total_seconds())
    fake_discourse.add_post(topic_id, "new")

    assert bot.poll() == 1
    assert len(fake_discourse.requests) == 2


@pytest.mark.parametrize("fault", [faults.failed(500), faults.answer({"errors": ["not permitted"]}, status=403)])
def test_one_topic_that_cannot_be_read_does_not_hold_up_the_others(fake_discourse, bot, topic_id, fault):
    fake_discourse.add_post(topic_id, "in the broken topic")
    other = fake_discourse.add_topic("Chapter 4")
    fake_discourse.clock.advance(1)
    fake_discourse.add_post(other.id, "in a sound topic")
    bot.poll()
    fake_discourse.clock.advance(301)
    fake_discourse.fail_next(f"GET /t/{topic_id}.json", fault, times=3)

    assert bot.answer() == ["in a sound topic"]
    assert bot.answer() == []
    fake_discourse.forget_faults()
    fake_discourse.clock.advance(301)
    assert bot.answer() == ["in the broken topic"]


def test_a_forum_that_cannot_be_read_at_all_is_reported(fake_discourse, bot, topic_id):
    fake_discourse.add_post(topic_id, "why is it None?")
    bot.poll()
    fake_discourse.clock.advance(301)
    fake_discourse.fail_next("GET /t/", faults.failed(500), times=3)

    with pytest.raises(ForumUnavailable):
        bot.due()

    fake_discourse.clock.advance(301)
    assert bot.answer() == ["why is it None?"]


# Which.


def test_no_category_is_watched_unless_it_is_named(fake_discourse, bot, topic_id):
    bot.settings = settings_for(fake_discourse, categories=())
    post = fake_discourse.add_post(topic_id, "why is it None?")

    assert bot.poll() == 0
    assert bot.reason(post.id) == "other_category"


def test_the_posts_of_staff_of_ignored_users_and_of_our_own_are_left_alone(fake_discourse, bot, topic_id):
    bot.settings = settings_for(fake_discourse, ignore_users=("Greeter",))
    made = [fake_discourse.add_post(topic_id, "hello all", by=name).id for name in (BOT, "teacher", "greeter")]

    assert bot.poll() == 0
    assert [bot.reason(post_id) for post_id in made] == ["own", "staff", "ignored_user"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [("close", "closed"), ("archive", "archived"), ("unlist", "unlisted"), ("delete_topic", "gone")],
)
def test_a_topic_that_takes_no_reply_by_now_is_left_alone(fake_discourse, bot, topic_id, change, reason):
    post = fake_discourse.add_post(topic_id, "why is it None?")
    bot.poll()
    getattr(fake_discourse, change)(topic_id)
    fake_discourse.clock.advance(301)

    assert bot.due() == []
    assert bot.reason(post.id) == reason


@pytest.mark.parametrize(
    ("change", "reason"),
    [("hide", "hidden"), ("delete", "gone"), ("delete_by_author", "deleted"), ("accept", "solved")],
)
def test_a_post_that_wants_no_answer_by_now_is_left_alone(fake_discourse, bot, topic_id, change, reason):
    post = fake_discourse.add_post(topic_id, "why is it None?")
    bot.poll()
    getattr(fake_discourse, change)(post.id)
    fake_discourse.clock.advance(301)

    assert bot.due() == []
    assert bot.reason(post.id) == reason


def test_a_post_that_is_shown_again_is_taken_up_again(fake_discourse, bot, topic_id):
    post = fake_discourse.add_post(topic_id, "why is it None?")
    bot.poll()
    fake_discourse.hide(post.id)
    fake_discourse.clock.advance(301)
    assert bot.answer() == []
    fake_discourse.hide(post.id, hidden=False)

    assert bot.poll() == 1
    assert bot.answer() == ["why is it None?"]


def test_a_post_that_was_moved_is_answered_where_it_stands_now(fake_discourse, bot, topic_id):
    post = fake_discourse.add_post(topic_id, "why is it None?")
    bot.poll()
    elsewhere = fake_discourse.add_topic("Chapter 4")
    fake_discourse.move(post.id, to=elsewhere.id)
    fake_discourse.clock.advance(301)

    assert bot.due() == []
    [question] = bot.due()
    assert (question.title, question.post.topic_id) == ("Chapter 4", str(elsewhere.id))


def test_a_post_that_was_moved_out_of_the_watched_categories_is_left_alone(fake_discourse, bot, topic_id):
    post = fake_discourse.add_post(topic_id, "why is it None?")
    bot.poll()
    fake_discourse.move(post.id, to=fake_discourse.add_topic("Lounge", category=9).id)
    fake_discourse.clock.advance(301)
    bot.due()

    assert bot.due() == []
    assert bot.reason(post.id) == "other_category"


def test_only_topics_with_a_watched_tag_are_answered(fake_discourse, bot, topic_id):
    bot.settings = settings_for(fake_discourse, tags=("homework",))
    post = fake_discourse.add_post(topic_id, "why is it None?")
    tagged = fake_discourse.add_topic("Sheet 1", tags=("homework", "torch"))
    fake_discourse.add_post(tagged.id, "and why here?")
    bot.poll()
    fake_discourse.clock.advance(301)

    assert bot.answer() == ["and why here?"]
    assert bot.reason(post.id) == "other_tags"


def test_a_topic_too_long_to_read_is_left_alone(fake_discourse, bot, topic_id):
    post = fake_discourse.add_post(topic_id, "why is it None?")
    bot.poll()
    fake_discourse.topics[topic_id].mega = True
    fake_discourse.clock.advance(301)

    assert bot.due() == []
    assert bot.reason(post.id) == "topic_too_long"


def test_a_key_that_was_taken_away_loses_no_question(fake_discourse, bot, topic_id):
    fake_discourse.add_post(topic_id, "why is it None?")
    bot.poll()
    fake_discourse.clock.advance(301)
    key = fake_discourse.keys.pop(READ_KEY)
    with pytest.raises(Exception, match="check the key"):
        bot.due()
    fake_discourse.keys[READ_KEY] = key
    fake_discourse.clock.advance(301)

    assert bot.answer() == ["why is it None?"]


def test_an_archive_can_be_polled_like_a_forum(store):
    asked = Post(id="72", raw="why?", topic_id="9", number=2, author="student", category_id=5, created_at=NOON)
    forum = ArchiveForum([Topic(id="9", title="Chapter 3", posts=(asked,), category_id=5)])
    settings = Settings(forum={"categories": (5,)})

    intake.poll(forum, store, settings, NOON)

    [question] = intake.due(store, forum, settings, NOON + timedelta(seconds=301))
    assert question.post == asked


# The decision by itself.

QUESTION = Post(id="72", raw="why?", topic_id="9", number=2, author="student", category_id=5, created_at=NOON)
WATCHING = Settings(
    forum={"categories": (5,), "ignore_users": ("greeter",)}, intake=IntakeSettings(longest_age_days=14)
)


def thread(*posts: Post, **changes: object) -> Topic:
    return Topic(id="9", title="Chapter 3", posts=(QUESTION, *posts), category_id=5, **changes)


def later(number: int = 3, *, by: str = "neighbour", **changes: object) -> Post:
    return Post(id=str(70 + number), raw="like this", topic_id="9", number=number, author=by, **changes)


def test_a_plain_question_is_looked_at():
    assert why_not(QUESTION, thread(), WATCHING, NOON) is None


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"author": "Autograd-Bot"}, SkipReason.OWN),
        ({"by_staff": True}, SkipReason.STAFF),
        ({"kind": PostKind.WHISPER}, SkipReason.NOT_A_PERSONS_POST),
        ({"kind": PostKind.SMALL_ACTION}, SkipReason.NOT_A_PERSONS_POST),
        ({"kind": PostKind.MODERATOR_ACTION}, SkipReason.NOT_A_PERSONS_POST),
        ({"hidden": True}, SkipReason.HIDDEN),
        ({"deleted": True}, SkipReason.DELETED),
        ({"category_id": None}, SkipReason.OTHER_CATEGORY),
        ({"created_at": NOON - timedelta(days=14, seconds=1)}, SkipReason.TOO_OLD),
        ({"created_at": NOON - timedelta(days=14)}, None),
        ({"created_at": None}, None),
    ],
)
def test_what_a_post_tells_by_itself_decides_without_its_topic(changes, reason):
    assert why_not(replace(QUESTION, **changes), None, WATCHING, NOON) is reason


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"private": True}, SkipReason.PRIVATE),
        ({"deleted": True}, SkipReason.TOPIC_DELETED),
        ({"closed": True}, SkipReason.CLOSED),
        ({"archived": True}, SkipReason.ARCHIVED),
        ({"visible": False}, SkipReason.UNLISTED),
        ({"solved": True}, SkipReason.SOLVED),
    ],
)
def test_the_state_of_the_topic_decides(changes, reason):
    assert why_not(QUESTION, thread(**changes), WATCHING, NOON) is reason


@pytest.mark.parametrize(
    ("reply", "answers"),
    [
        (later(reply_to=2), True),
        (later(9, reply_to=2), True),
        (later(by="autograd-bot", reply_to=2), True),
        (later(by="teacher", by_staff=True), True),  # staff, next, to nobody
        (later(), False),  # somebody else's own post
        (later(reply_to=1), False),
        (later(by="student", reply_to=2), False),  # the asker adds something
        (later(by="greeter", reply_to=2), False),
        (later(reply_to=2, hidden=True), False),
        (later(reply_to=2, deleted=True), False),
        (later(reply_to=2, kind=PostKind.WHISPER), False),
        (later(by="teacher", by_staff=True, reply_to=1), False),
    ],
)
def test_what_counts_as_an_answer(reply, answers):
    assert (answer_to(QUESTION, thread(reply), WATCHING) is not None) == answers
    assert (why_not(QUESTION, thread(reply), WATCHING, NOON) is SkipReason.ANSWERED) == answers


def test_in_the_topic_it_opened_a_post_is_answered_by_a_reply_to_nobody():
    opening = replace(QUESTION, number=1)

    assert answer_to(opening, Topic(id="9", title="t", posts=(opening, later(2))), WATCHING) is not None


def test_staff_who_write_later_and_to_nobody_do_not_answer_everything_before():
    topic = thread(later(3), later(4, by="teacher", by_staff=True))

    assert answer_to(QUESTION, topic, WATCHING) is None
