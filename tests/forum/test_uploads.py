"""Files that posts link: fetched from the forum alone, by its own paths, small, and only when they are text."""

import gzip
import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.post import Attachment, Post
from bot.errors import ForumRefused, ForumUnavailable
from bot.forum.archive import read_lines
from bot.forum.discourse import DiscourseForum
from bot.forum.uploads import MOST_BYTES, MOST_FILES, links, own_path, text_of
from bot.forum.wire import post_from, post_record
from tests.fake_discourse import FakeDiscourse, faults

FORUM = "https://forum.example.org"
CODE = "import torch\nx = torch.ones(2, requires_grad=True)\n(x * x).backward()\n"


def linking(*targets: str) -> Post:
    return Post(
        id="7", raw="It fails:\n" + "\n".join(f"[net.py|attachment]({target}) (120 Bytes)" for target in targets)
    )


# Which links.


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        ("[a.py|attachment](upload://27f3AbC.py) (1.2 KB)", "/uploads/short-url/27f3AbC.py"),
        ("[lab.ipynb](upload://9x.ipynb)", "/uploads/short-url/9x.ipynb"),
        ("[a.py](/uploads/default/original/1X/0a1b.py)", "/uploads/default/original/1X/0a1b.py"),
        (f"[a.py]({FORUM}/uploads/short-url/0a1b.py)", "/uploads/short-url/0a1b.py"),
    ],
)
def test_python_files_and_notebooks_on_the_forum_are_linked(raw, path):
    assert [link.path for link in links(raw, forum=FORUM)] == [path]


@pytest.mark.parametrize(
    "target",
    [
        "https://elsewhere.example.org/uploads/a.py",
        "http://forum.example.org/uploads/a.py",
        "https://forum.example.org:8443/uploads/a.py",
        "https://forum.example.org@elsewhere.example.org/uploads/a.py",
        "//elsewhere.example.org/uploads/a.py",
        "https://127.0.0.1/uploads/a.py",
        "file:///uploads/a.py",
        "/uploads/../admin/backups.py",
        "/uploads/%2e%2e/admin/a.py",
        "/uploads//elsewhere.example.org/a.py",
        "/admin/a.py",
        "/uploads/a.py?x=1.py",
        "/uploads/a.zip",
        "upload://picture.png",
        "upload://../../a.py",
        "https://[broken/uploads/a.py",
    ],
)
def test_no_other_address_is_ever_asked_for(target):
    assert links(f"[a.py|attachment]({target})", forum=FORUM) == ()


def test_a_picture_is_no_file_and_few_files_are_fetched():
    assert links("![a.py](upload://a.py)", forum=FORUM) == ()
    many = " ".join(f"[{n}.py](upload://a{n}.py)" for n in range(9)) + " [again.py](upload://a0.py)"
    assert [link.name for link in links(many, forum=FORUM)] == ["0.py", "1.py", "2.py"][:MOST_FILES]


def test_a_forum_in_a_folder_has_its_uploads_there():
    forum = "https://example.org/forum"
    assert own_path("/forum/uploads/a.py", forum=forum) == "/uploads/a.py"
    assert own_path("/uploads/a.py", forum=forum) is None


@given(st.text(alphabet="/\\.:@?#%ab[]()upload", max_size=60))
def test_whatever_a_link_says_its_path_stays_below_uploads(target):
    path = own_path(target, forum=FORUM)
    assert path is None or (path.startswith("/uploads/") and ".." not in path and "//" not in path)


# What comes back.


def test_an_attached_program_is_fetched_by_its_short_name(fake_discourse: FakeDiscourse, forum: DiscourseForum):
    short = fake_discourse.upload("net.py", CODE.encode())

    assert forum.attached(linking(short)) == (Attachment(name="net.py", text=CODE),)
    assert fake_discourse.requests[0].startswith("GET /uploads/short-url/")
    assert fake_discourse.requests[1].startswith("GET /uploads/default/original/")


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"x = 1\n" * (MOST_BYTES // 4), "text/x-python"),
        (b"\x7fELF\x00\x01\xff", "application/octet-stream"),
        ("x = 'é'".encode("latin-1"), "text/x-python"),
        (b"x = 1\0", "text/x-python"),
        (b"<html>Please log in</html>", "text/html; charset=utf-8"),
        (b"PK\x03\x04", "application/zip"),
        (gzip.compress(b"x = 1\n" * 100_000), "text/x-python"),
    ],
    ids=["too large", "a program's bytes", "another encoding", "a zero byte", "a page", "an archive", "packed"],
)
def test_what_is_no_small_text_is_left_out(fake_discourse: FakeDiscourse, forum: DiscourseForum, content, kind):
    short = fake_discourse.upload("net.py", content, kind=kind)
    assert forum.attached(linking(short)) == ()


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.1:1/uploads/a.py",
        "http://169.254.169.254/uploads/a.py",
        "https://cdn.example.org/uploads/a.py",
        "//localhost/uploads/a.py",
        "file:///etc/passwd",
        "/admin/users.json",
        "/uploads/../posts.json",
        "",
    ],
)
def test_the_forum_may_send_us_on_to_its_own_uploads_only(fake_discourse: FakeDiscourse, forum: DiscourseForum, target):
    short = fake_discourse.upload("net.py", CODE.encode())
    fake_discourse.fail_next("GET /uploads/short-url/", faults.redirect(target))

    assert forum.attached(linking(short)) == ()
    assert len(fake_discourse.requests) == 1


def test_a_circle_of_redirects_ends(fake_discourse: FakeDiscourse, forum: DiscourseForum):
    fake_discourse.fail_next("GET /uploads/", faults.redirect("/uploads/short-url/a.py"), times=20)

    assert forum.attached(linking("upload://a.py")) == ()
    assert len(fake_discourse.requests) == 3


@pytest.mark.parametrize("fault", [faults.failed(), faults.dropped(), faults.plain(b"", content_type=None, status=403)])
def test_a_file_that_cannot_be_had_keeps_no_question_from_being_answered(
    fake_discourse: FakeDiscourse, forum: DiscourseForum, fault
):
    first, second = (fake_discourse.upload(f"{n}.py", CODE.encode()) for n in range(2))
    fake_discourse.fail_next("GET /uploads/", fault)

    assert [file.text for file in forum.attached(linking(first, second))] == [CODE]


def test_a_file_that_trickles_in_is_given_up(fake_discourse: FakeDiscourse):
    short = fake_discourse.upload("net.py", CODE.encode())
    hasty = itertools.count(step=30)  # half a minute between any two looks at the clock
    forum = DiscourseForum(fake_discourse.settings(), clock=lambda: float(next(hasty)), wait=lambda _seconds: None)

    assert forum.attached(linking(short)) == ()
    assert len(fake_discourse.requests) == 2


def test_a_forum_that_wants_to_be_left_alone_is(fake_discourse: FakeDiscourse, forum: DiscourseForum):
    fake_discourse.fail_next("GET /uploads/", faults.limited_by_address(40))

    with pytest.raises(ForumUnavailable):
        forum.attached(linking("upload://a.py"))
    assert forum.limited_for > 30


def test_a_post_without_files_asks_the_forum_nothing(fake_discourse: FakeDiscourse, forum: DiscourseForum):
    assert forum.attached(Post(id="1", raw="see https://example.org/a.py")) == ()
    assert fake_discourse.requests == []


def test_what_was_packed_too_tightly_is_never_unpacked():
    with pytest.raises(ForumRefused):
        text_of(gzip.compress(b"x" * 10_000_000), kind="text/plain")


# In an archive.


def test_an_archive_brings_the_files_itself():
    line = json.dumps({"id": "1", "title": "t", "body": "see [a.py](upload://a.py)", "attachments": {"a.py": CODE}})
    [entry] = read_lines([line], source="posts.jsonl")
    assert entry.question is not None
    assert entry.question.post.attachments == (Attachment(name="a.py", text=CODE),)
    assert post_from(post_record(entry.question.post)).attachments == entry.question.post.attachments


@pytest.mark.parametrize("value", [None, [], "a.py", {"a.py": 3}, {"a.py": ""}])
def test_a_table_of_files_that_is_none_counts_as_missing(value):
    assert post_from({"id": 1, "raw": "x", "attachments": value}).attachments == ()
