"""Files of topics and posts, read into questions."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.post import Language, PostKind
from bot.errors import BadInput
from bot.forum.archive import Entry, read_archive, read_lines, read_topic, read_topics


def topic_record(**changes: object) -> dict:
    posts = [
        {"id": 71, "post_number": 1, "username": "teacher", "post_type": 1, "raw": "Chapter 3: gradients"},
        {"id": 72, "post_number": 2, "username": "student", "post_type": 1, "raw": "`w.grad` is `None`, why?"},
        {
            "id": 73,
            "post_number": 4,
            "username": "neighbour",
            "post_type": 1,
            "raw": "print `w.is_leaf`",
            "reply_to_post_number": 2,
        },
    ]
    record = {"id": 9, "title": "Gradients", "category_id": 5, "post_stream": {"posts": posts, "stream": [71, 72, 73]}}
    return record | changes


def write(path: Path, content: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def lines(*records: object) -> list[bytes]:
    return [record if isinstance(record, bytes) else json.dumps(record).encode() for record in records]


def errors(entries: list[Entry]) -> list[str]:
    return [str(entry.error) for entry in entries if entry.error]


def test_each_post_of_a_topic_sees_only_the_posts_with_lower_numbers(tmp_path):
    entries = list(read_archive(write(tmp_path / "topic.json", topic_record())))

    seen = [(entry.question.post.id, [post.number for post in entry.question.earlier]) for entry in entries]
    assert seen == [("71", []), ("72", [1]), ("73", [1, 2])]
    assert entries[2].question.replied_to.raw == "`w.grad` is `None`, why?"
    assert {entry.question.title for entry in entries} == {"Gradients"}


def test_the_caller_decides_the_chapter_from_the_topic(tmp_path):
    path = write(tmp_path / "topic.json", topic_record())

    entries = read_archive(path, chapter_of=lambda topic: topic.title.lower())

    assert {entry.question.chapter for entry in entries} == {"gradients"}


@pytest.mark.parametrize(
    "mark", [{"hidden": True}, {"post_type": 4}, {"post_type": 3}, {"deleted_at": "2025-01-01T00:00:00Z"},
             {"user_deleted": True}, {"post_type": 77}]
)  # fmt: skip
def test_what_not_everybody_may_read_is_neither_asked_nor_leant_on(tmp_path, mark):
    record = topic_record()
    record["post_stream"]["posts"][1].update(mark)

    entries = list(read_archive(write(tmp_path / "topic.json", record)))

    assert [entry.id for entry in entries] == ["71", "73"]
    assert [post.number for post in entries[1].question.earlier] == [1]


def test_fields_that_are_missing_or_of_another_type_are_tolerated(tmp_path):
    posts = [{"raw": "first"}, {"raw": "second", "id": "45", "created_at": "yesterday", "trust_level": True}]
    record = {"title": None, "tags": [{"name": "torch"}, "homework", 7], "post_stream": {"posts": [*posts, "noise"]}}

    topic = read_topic(write(tmp_path / "topic.json", record))

    assert [(post.number, post.id) for post in topic.posts] == [(1, f"{topic.id}/1"), (2, "45")]
    assert topic.tags == ("torch", "homework")
    assert topic.posts[1].created_at is None
    assert topic.posts[1].trust_level is None
    assert topic.open


def test_times_are_read_with_their_zone(tmp_path):
    record = topic_record()
    record["post_stream"]["posts"][0]["created_at"] = "2025-03-01T08:30:00.000Z"

    topic = read_topic(write(tmp_path / "topic.json", record))

    assert topic.posts[0].created_at == datetime(2025, 3, 1, 8, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("change", "attribute"),
    [
        ({"closed": True}, "closed"),
        ({"archived": True}, "archived"),
        ({"deleted_at": "2025-01-01T00:00:00Z"}, "deleted"),
        ({"accepted_answer": {"post_number": 4}}, "solved"),
        ({"has_accepted_answer": True}, "solved"),
        ({"archetype": "private_message"}, "private"),
    ],
)
def test_the_state_of_a_topic_is_read(tmp_path, change, attribute):
    plain = read_topic(write(tmp_path / "plain.json", topic_record()))
    changed = read_topic(write(tmp_path / "changed.json", topic_record(**change)))

    assert not getattr(plain, attribute)
    assert getattr(changed, attribute)


def test_the_accepted_answer_is_found_when_only_the_topic_names_it(tmp_path):
    topic = read_topic(write(tmp_path / "topic.json", topic_record(accepted_answer={"post_number": 4})))

    assert [post.number for post in topic.posts if post.accepted] == [4]


def test_moderators_of_a_category_and_system_accounts_count_as_staff(tmp_path):
    record = topic_record()
    record["post_stream"]["posts"][0]["group_moderator"] = True
    record["post_stream"]["posts"][1]["user_id"] = -2

    topic = read_topic(write(tmp_path / "topic.json", record))

    assert [post.by_staff for post in topic.posts] == [True, True, False]


def test_a_topic_saved_without_raw_says_how_to_save_it_again(tmp_path):
    record = topic_record()
    del record["post_stream"]["posts"][1]["raw"]

    with pytest.raises(BadInput, match=r"topic\.json: post 2 has no \"raw\".*include_raw=1"):
        read_topic(write(tmp_path / "topic.json", record))


def test_a_line_is_one_post_with_its_own_id_title_and_language():
    [entry] = read_lines(lines({"id": "q-1", "title": "Leaf", "body": "为什么?", "lang": "zh-Hans"}), source="posts")

    assert entry.error is None
    assert (entry.question.post.id, entry.question.post.raw) == ("q-1", "为什么?")
    assert entry.question.language is Language.CHINESE
    assert entry.question.title == "Leaf"
    assert entry.question.post.kind is PostKind.REGULAR


def test_a_line_with_a_topic_is_answered_within_that_thread():
    record = {"id": "q-2", "title": "t", "body": "and for `b`?", "topic": topic_record(post_number=4)}

    [entry] = read_lines(lines(record), source="posts")

    assert entry.question.post.id == "q-2"
    assert entry.question.post.raw == "and for `b`?"
    assert entry.question.post.reply_to == 2
    assert [post.number for post in entry.question.earlier] == [1, 2]


def test_a_line_with_a_topic_and_no_number_stands_where_its_id_stands_or_last():
    known = {"id": 72, "body": "x", "topic": topic_record()}
    unknown = {"id": "new", "body": "x", "topic": topic_record()}

    numbers = [entry.question.post.number for entry in read_lines(lines(known, unknown), source="posts")]

    assert numbers == [2, 5]


def test_a_broken_line_is_reported_and_the_rest_is_read():
    good = {"id": "a", "body": "x"}
    given_lines = lines(good, b"{oops", b"", b'{"id": "b"}', b"[1]", b"\xff\xfe", b"7" * 5000, good)

    entries = list(read_lines(given_lines, source="posts.jsonl"))

    assert [entry.id for entry in entries] == ["a", None, None, "b", None, None, None, "a"]
    messages = errors(entries)
    assert messages[0].startswith("posts.jsonl, line 2: column 2 is not JSON")
    assert messages[1].startswith("posts.jsonl, line 3: the line is empty")
    assert '"body" is missing' in messages[2]
    assert "line 5, item 1: an object is needed" in messages[3]
    assert "line 6: it is not UTF-8" in messages[4]
    assert "line 7: it is JSON that cannot be read" in messages[5]


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("id", {"a": 1}, "text or a whole number"),
        ("id", True, "text or a whole number"),
        ("id", 1.5, "text or a whole number"),
        ("title", 5, "text"),
        ("body", ["x"], "text"),
        ("lang", 7, "text"),
        ("topic", "Chapter 2", "a topic, an object"),
    ],
)
def test_a_value_of_another_type_is_named_with_what_it_must_be(key, value, told):
    [entry] = read_lines(lines({"id": "a", "title": "t", "body": "x"} | {key: value}), source="posts")

    assert str(entry.error).startswith(f'posts, line 1: "{key}" must be {told}, as in')


def test_a_value_that_is_null_is_as_good_as_absent():
    [entry] = read_lines(lines({"id": None, "title": None, "body": "x", "lang": None, "topic": None}), source="posts")

    assert (entry.error, entry.id, entry.question.title, entry.question.language) == (None, "posts, line 1", "", None)


def test_deep_nesting_is_an_error_and_not_a_crash():
    [entry] = read_lines([b"[" * 200_000], source="posts")

    assert "cannot be read" in str(entry.error)


def test_a_line_separator_inside_a_post_does_not_cut_the_line(tmp_path):
    path = write(tmp_path / "posts.jsonl", json.dumps({"id": "a", "body": "x\u2028y"}, ensure_ascii=False) + "\r\n")

    [entry] = read_archive(path)

    assert entry.question.post.raw == "x\u2028y"


def test_a_byte_order_mark_is_not_in_the_way(tmp_path):
    path = tmp_path / "posts.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"id": "a", "body": "x"}\n')

    [entry] = read_archive(path)

    assert entry.id == "a"


def test_a_folder_is_read_whole_in_the_order_of_its_names(tmp_path):
    write(tmp_path / "b" / "posts.jsonl", json.dumps({"id": "second", "body": "x"}))
    write(tmp_path / "a.json", {"id": "first", "body": "x"})
    write(tmp_path / "c.json", [{"id": "third", "body": "x"}, topic_record()])
    write(tmp_path / "readme.txt", "not read")

    ids = [entry.id for entry in read_archive(tmp_path)]

    assert ids == ["first", "second", "third", "71", "72", "73"]


def test_a_broken_file_in_a_folder_does_not_stop_the_rest(tmp_path):
    write(tmp_path / "a.json", "{")
    write(tmp_path / "b.json", {"id": "fine", "body": "x"})

    entries = list(read_archive(tmp_path))

    assert [entry.id for entry in entries] == [None, "fine"]
    assert "a.json" in str(entries[0].error)


def test_a_path_that_is_not_there_is_named_at_once(tmp_path):
    with pytest.raises(BadInput, match=r"nowhere: there is no such file or folder"):
        read_archive(tmp_path / "nowhere")


def test_a_folder_without_archives_is_refused_at_once(tmp_path):
    with pytest.raises(BadInput, match=r"no \.json"):
        read_archive(tmp_path)


def test_topics_of_a_folder_are_each_read_once(tmp_path):
    write(tmp_path / "a.json", topic_record())
    write(tmp_path / "b.json", topic_record(id=10))

    assert [topic.id for topic in read_topics(tmp_path)] == ["9", "10"]


def test_half_a_surrogate_pair_becomes_a_mark_that_can_be_stored():
    [entry] = read_lines([b'{"id": "a", "body": "x \\ud83d y"}'], source="posts")

    assert entry.question.post.raw == "x \ufffd y"


FIELDS = st.sampled_from(
    ["id", "title", "body", "raw", "topic", "post_stream", "posts", "stream", "post_number", "post_type", "lang",
     "tags", "name", "reply_to_post_number", "created_at", "hidden", "deleted_at", "user_id", "archetype"]
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(FIELDS, inner, max_size=6),
    max_leaves=25,
)


@given(st.dictionaries(FIELDS, JSON, max_size=8) | JSON)
def test_whatever_json_a_stranger_gives_every_entry_is_a_question_or_an_error(value):
    entries = list(read_lines([json.dumps(value).encode()], source="posts"))

    for entry in entries:
        assert (entry.question is None) == (entry.error is not None)
        if entry.question:
            entry.question.post.raw.encode("utf-8")
            assert all(post.number < entry.question.post.number for post in entry.question.earlier)


@given(st.binary(max_size=200))
def test_whatever_bytes_a_stranger_gives_nothing_but_an_entry_comes_out(content):
    for entry in read_lines([content], source="posts"):
        assert (entry.question is None) == (entry.error is not None)


@given(st.lists(st.text(alphabet=st.characters(exclude_categories=["Cs"])), min_size=1, max_size=30))
def test_every_post_of_a_topic_comes_back_with_its_text(texts):
    posts = [{"id": 100 + n, "post_number": n, "raw": raw} for n, raw in enumerate(texts, start=1)]
    record = {"id": 1, "title": "t", "post_stream": {"posts": posts[::-1]}}

    entries = list(read_lines([json.dumps(record).encode()], source="posts"))

    assert [entry.question.post.raw for entry in entries] == texts
