"""`autograd-bot answer`: what goes in, what comes out, and what it leaves alone."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot.domain.run import Outcome
from tests.cli.typed import OUTCOMES, Ended, Type, assert_is_an_answer, begun, ended

pytestmark = [pytest.mark.sandbox, pytest.mark.slow]

PROGRAM = "import torch\nx = torch.arange(4.0, requires_grad=True)\ny = x * x\ny.backward()\nx.grad\n"
MENDED = PROGRAM.replace("y.backward()", "y.sum().backward()")
QUOTED = "grad can be implicitly created only for scalar outputs"
POST = f"Why does this fail?\n\n```python\n{PROGRAM}```\n\nIt says:\n\nRuntimeError: {QUOTED}\n"
OTHER_ERROR = POST.replace(QUOTED, "element 0 of tensors does not require grad and does not have a grad_fn")
WARNS = "import torch\nw = torch.ones(3, requires_grad=True)\nz = w * 2\nz.sum().backward()\nprint(z.grad)\nw.grad\n"

BEGINNING = "I begin like this:\n\n```python\nimport torch\nx = torch.arange(4.0, requires_grad=True)\ny = x * x\n```\n"
GOING_ON = "And why does this line fail after it?\n\n```python\ny.backward()\n```\n"
THREAD = {
    "id": 8,
    "title": "Chapter 2.5: automatic differentiation",
    "post_stream": {
        "posts": [
            {"id": 81, "post_number": 1, "username": "harbour", "raw": BEGINNING},
            {"id": 82, "post_number": 2, "username": "harbour", "raw": GOING_ON},
            {"id": 83, "post_number": 3, "username": "mast", "raw": "A later post: y = x.sum()"},
        ]
    },
}

GOOD: dict[str, dict[str, Any]] = {
    "draft": {"id": "draft", "title": "Backward of a vector", "body": POST},
    "other": {"id": "other", "title": "", "body": OTHER_ERROR},
    "warns": {"id": "warns", "title": "", "body": f"Why is it None?\n\n```python\n{WARNS}```\n"},
    "chinese": {"id": "chinese", "title": "", "body": f"为什么会报错?\n\n```python\n{PROGRAM}```\n"},
    "said": {"id": "said", "title": "", "body": f"Why does it fail?\n\n```python\n{PROGRAM}```\n", "lang": "zh"},
    "thanks": {"id": "thanks", "title": "", "body": "Thank you, that helped a lot!"},
    "words": {"id": "words", "title": "", "body": "How do I take the second derivative of x**3 with autograd?"},
    "within": {"id": "within", "title": "", "body": GOING_ON, "topic": {**THREAD, "post_number": 2}},
    "alone": {"id": "alone", "title": "", "body": GOING_ON},
    "huge": {"id": "huge", "title": "", "body": "word " * 200_000 + POST},
    "last": {"id": "last", "title": "", "body": "See the next chapter."},
}

#: What is no post, and what is said of it.
BAD: list[tuple[bytes, str]] = [
    (b"not JSON", "column 1 is not JSON"),
    (b"", "the line is empty"),
    (b'"a text"', "an object is needed"),
    (b"null", "an object is needed"),
    (b"[7]", "item 1: an object is needed"),
    (b"{}", '"body" is missing'),
    (b'{"id": "7", "title": "t"}', '"body" is missing'),
    (b'{"id": "7", "body": 3}', '"body" must be text'),
    (b'{"id": "7", "title": ["t"], "body": "b"}', '"title" must be text'),
    (b'{"id": {}, "body": "b"}', '"id" must be text or a whole number'),
    (b'{"id": "7", "body": "b", "lang": 7}', '"lang" must be text'),
    (b'{"id": "7", "body": "b", "topic": "t"}', '"topic" must be a topic'),
    (b'{"id": "7", "body": "b", "topic": {"post_stream": {"posts": [{}]}}}', 'post 1 has no "raw"'),
    (b'{"id": "7", "body": "\xff"}', "it is not UTF-8"),
    (b"[" * 100_000, "it is JSON that cannot be read"),
]


@dataclass(frozen=True)
class Answered:
    """What one command made of the lines: every bad one stands between good ones."""

    ended: Ended
    loaded: Mapping[str, bool]
    file: Path
    left_behind: list[Path]

    def __getitem__(self, name: str) -> dict[str, Any]:
        (found,) = (record for record in self.ended.records if record["id"] == name and "error" not in record)
        return found


@pytest.fixture(scope="module")
def answered(tmp_path_factory: pytest.TempPathFactory) -> Answered:
    """A file of posts, answered by one process with a sandbox of its own, in folders that are watched."""
    folder = tmp_path_factory.mktemp("answered")
    watched = {name: folder / name for name in ("home", "temporary", "cache", "config", "state", "work")}
    for path in (*watched.values(), folder / "data"):
        path.mkdir()
    head, *rest = GOOD.values()
    lines = [json.dumps(head).encode(), *(line for line, _ in BAD), *(json.dumps(one).encode() for one in rest)]
    file = folder / "posts.jsonl"
    file.write_bytes(b"\n".join(lines) + b"\n")
    process = begun(
        *("--data", folder / "data", "answer", "--jsonl", file),
        cwd=watched["work"],
        env={
            "HOME": str(watched["home"]),
            "TMPDIR": str(watched["temporary"]),
            "XDG_CACHE_HOME": str(watched["cache"]),
            "XDG_CONFIG_HOME": str(watched["config"]),
            "XDG_STATE_HOME": str(watched["state"]),
        },
    )
    end, loaded = ended(process)
    left = [path for place in (*watched.values(), folder / "data") for path in place.rglob("*")]
    return Answered(end, loaded, file, left)


class TestLines:
    def test_each_line_gives_one_object_in_its_place(self, answered: Answered) -> None:
        ids = [record["id"] for record in answered.ended.records if "error" not in record]

        assert (answered.ended.code, answered.ended.err) == (0, "")
        assert ids == list(GOOD)
        bad = ["error" in record for record in answered.ended.records]
        assert bad == [False, *[True] * len(BAD), *[False] * (len(GOOD) - 1)]

    @pytest.mark.parametrize("number", range(len(BAD)))
    def test_a_line_that_is_no_post_is_named_and_says_what_it_lacks(self, answered: Answered, number: int) -> None:
        line, told = BAD[number]
        record = answered.ended.records[1 + number]

        assert list(record) == ["id", "error"]
        assert record["id"] == ("7" if line.startswith(b'{"id": "7"') and b"\xff" not in line else None)
        where, _, said = record["error"].partition(": ")
        assert where.removesuffix(", item 1") == f"{answered.file}, line {2 + number}"
        assert told in f"item 1: {said}"
        assert str(answered.file) not in said

    def test_every_object_has_the_promised_keys_and_no_others(self, answered: Answered) -> None:
        for name in GOOD:
            assert_is_an_answer(answered[name])

    def test_the_outcomes_have_the_promised_names(self) -> None:
        assert {outcome.value for outcome in Outcome} == OUTCOMES

    def test_a_draft_holds_all_its_evidence(self, answered: Answered) -> None:
        found = answered["draft"]

        assert (found["language"], found["verdict"], found["confusion"]) == ("en", "draft", "non_scalar_backward")
        assert found["confidence"] == 0.98
        assert found["snippet"] == {"code": PROGRAM, "assumptions": []}
        assert found["before"]["outcome"] == "raised"
        assert found["before"]["error"] == {"type": "RuntimeError", "message": QUOTED, "line": 4}
        assert found["reported_error"] == {"type": "RuntimeError", "message": QUOTED, "line": None}
        assert found["same_error"] is True
        assert (found["repair"]["fix"], found["repair"]["code"]) == ("sum", MENDED)
        assert "-y.backward()\n+y.sum().backward()\n" in found["repair"]["diff"]
        assert found["after"]["outcome"] == "finished"
        assert found["after"]["echoes"] == [{"line": 5, "text": "tensor([0., 2., 4., 6.])"}]
        assert {name: check["state"] for name, check in found["proof"].items()} == dict.fromkeys(found["proof"], "yes")
        assert f"```python\n{MENDED}```" in found["reply"]

    def test_another_error_than_the_quoted_one_is_told(self, answered: Answered) -> None:
        found = answered["other"]

        assert found["same_error"] is False
        assert found["reported_error"]["message"].startswith("element 0 of tensors")
        assert found["before"]["error"]["message"] == QUOTED
        assert found["confidence"] < answered["draft"]["confidence"]

    def test_warnings_and_prints_come_with_their_lines(self, answered: Answered) -> None:
        before = answered["warns"]["before"]

        assert (before["outcome"], before["error"], before["stdout"]) == ("finished", None, "None\n")
        (warning,) = before["warnings"]
        assert warning["line"] == 5
        assert warning["message"].startswith("The .grad attribute of a Tensor that is not a leaf")
        assert before["echoes"] == [{"line": 6, "text": "tensor([2., 2., 2.])"}]

    def test_what_is_absent_is_null(self, answered: Answered) -> None:
        found = answered["thanks"]
        absent = ("confusion", "snippet", "before", "reported_error", "same_error", "repair", "after", "proof", "reply")

        assert (found["verdict"], found["reason"], found["confidence"], found["also"]) == ("skip", "thanks", 0.0, [])
        assert [found[key] for key in absent] == [None] * len(absent)

    def test_words_alone_are_answered_without_a_run(self, answered: Answered) -> None:
        found = answered["words"]

        assert (found["confusion"], found["before"], found["repair"], found["proof"]) == (
            "second_derivative", None, None, None,
        )  # fmt: skip
        assert "create_graph=True" in found["reply"]

    def test_the_language_is_that_of_the_words_or_the_one_that_was_said(self, answered: Answered) -> None:
        assert [answered[name]["language"] for name in ("draft", "chinese", "said")] == ["en", "zh", "zh"]
        assert answered["said"]["reply"] == answered["chinese"]["reply"]

    def test_a_post_within_its_topic_takes_what_it_lacks_from_earlier_posts_alone(self, answered: Answered) -> None:
        within, alone = answered["within"], answered["alone"]

        assert within["snippet"]["code"].endswith("y = x * x\ny.backward()\n")
        assert within["snippet"]["assumptions"] == ["y is taken from post 1"]
        assert (within["confusion"], alone["verdict"]) == ("non_scalar_backward", "skip")

    def test_the_bots_process_never_loads_torch(self, answered: Answered) -> None:
        assert answered.loaded == {"torch": False, "numpy": False, "matplotlib": False}

    def test_nothing_is_written_anywhere(self, answered: Answered) -> None:
        assert answered.left_behind == []


class TestOnePost:
    @pytest.fixture
    def post(self, tmp_path: Path) -> Path:
        path = tmp_path / "post.md"
        path.write_text(POST, encoding="utf-8")
        return path

    def test_a_file_and_standard_input_are_answered_alike(self, running: Type, post: Path) -> None:
        from_file = running("answer", post, "--json").record
        from_input = running("answer", "-", "--json", typed_in=POST.encode()).record
        by_default = running("answer", "--json", typed_in=b"\xef\xbb\xbf" + POST.encode()).record

        assert_is_an_answer(from_file)
        assert from_file["id"] == "1"
        for other in (from_input, by_default):
            assert without_times(other) == without_times(from_file)

    def test_the_title_is_read_as_the_posts_own_words(self, running: Type) -> None:
        body = f"```python\n{PROGRAM}```\nWhy?".encode()
        quoted = f"RuntimeError: {QUOTED}"

        plain = running("answer", "--json", typed_in=body).record
        titled = running("answer", "--title", quoted, "--json", typed_in=body).record

        assert (plain["reported_error"], plain["same_error"]) == (None, None)
        assert (titled["reported_error"]["message"], titled["same_error"]) == (QUOTED, True)

    def test_a_post_of_a_topic_is_answered_as_of_its_own_moment(self, running: Type, tmp_path: Path) -> None:
        file = tmp_path / "thread.json"
        file.write_text(json.dumps(THREAD), encoding="utf-8")

        found = running("answer", "--topic", file, "--post", 2, "--json").record

        assert (found["id"], found["confusion"]) == ("82", "non_scalar_backward")
        assert found["snippet"]["assumptions"] == ["y is taken from post 1"]

    def test_people_read_what_ran_why_the_proof_and_the_reply(self, running: Type, post: Path) -> None:
        ended = running("answer", post)

        assert (ended.code, ended.err) == (0, "")
        parts = ["what ran", "why", "repair: sum", "proof", "reply (en)"]
        lines = ended.out.splitlines()
        assert lines[0] == "draft: non_scalar_backward (confidence 0.98, ran)"
        places = [lines.index(part) for part in parts]
        assert places == sorted(places)
        for evidence in (
            "    4  y.backward()",
            f"       × RuntimeError: {QUOTED}",
            f"  quoted in the post: {QUOTED} (it occurred)",
            "  error_line_calls: the failing line calls backward() (line 4)",
            "  -y.backward()",
            "  +y.sum().backward()",
            "y.sum().backward()",
        ):
            assert evidence in lines
        proof = lines[places[3] + 1 : places[3] + 6]
        assert [line.split(" yes ")[0].strip() for line in proof] == [
            *("error gone", "confusion gone", "values kept", "gradient right", "minimal"),
        ]

    def test_silence_says_its_reason(self, running: Type) -> None:
        assert running("answer", typed_in=b"Thank you!").out.splitlines() == ["skip: thanks"]

    def test_what_is_piped_holds_no_escape_codes_and_no_wrapped_lines(
        self, running: Type, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("TERM", "xterm-256color")
        monkeypatch.setenv("COLUMNS", "20")
        sly = POST.replace("Why does", "\x1b[31mWhy does")

        ended = running("answer", typed_in=sly.encode())

        assert ended.code == 0
        assert "\x1b" not in ended.out
        assert f"       × RuntimeError: {QUOTED}" in ended.out.splitlines()

    def test_lines_can_be_piped_in(self, service: Path, tmp_path: Path) -> None:
        process = begun(
            *("--data", tmp_path, "answer", "--jsonl", "-"),
            env={"AUTOGRAD_BOT_SANDBOX__SOCKET": str(service)},
            stdin=subprocess.PIPE,
        )

        end, _ = ended(process, json.dumps(GOOD["thanks"]) + "\n{\n" + json.dumps(GOOD["last"]))

        assert (end.code, [record["id"] for record in end.records]) == (0, ["thanks", None, "last"])
        assert end.records[1]["error"].startswith("-, line 2: column 2 is not JSON")

    def test_a_pipe_that_is_closed_early_is_no_error_of_ours(self, service: Path, tmp_path: Path) -> None:
        file = tmp_path / "posts.jsonl"
        file.write_text("\n".join(json.dumps(GOOD["thanks"]) for _ in range(200)), encoding="utf-8")
        process = begun(
            *("--data", tmp_path, "answer", "--jsonl", file), env={"AUTOGRAD_BOT_SANDBOX__SOCKET": str(service)}
        )
        assert process.stdout is not None
        assert process.stdout.readline()
        process.stdout.close()
        assert process.stderr is not None

        said = process.stderr.read()

        process.stderr.close()
        process.wait(timeout=60)
        assert "Traceback" not in said


def without_times(record: dict[str, Any]) -> dict[str, Any]:
    """The record without what differs between two runs of the same."""
    runs = {key: {**record[key], "seconds": 0.0} for key in ("before", "after")}
    return {**record, **runs, "seconds": 0.0}


class TestWrongWords:
    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (["nowhere.md"], "nowhere.md: No such file or directory. Give a file that can be read"),
            (["."], ".: Is a directory. Give a file that can be read"),
            (["--jsonl", "nowhere.jsonl"], "nowhere.jsonl: No such file or directory. Give a file of JSON lines."),
            (["--topic", "nowhere.json", "--post", "1"], "nowhere.json: it cannot be read (No such file"),
            (["--topic", "nowhere.json"], "--topic needs --post N"),
            (["--post", "3"], "--post needs --topic FILE"),
            (["post.md", "--jsonl", "posts.jsonl"], "--jsonl brings its own posts, titles and topics"),
            (["--jsonl", "posts.jsonl", "--title", "t"], "--jsonl brings its own posts, titles and topics"),
            (["--topic", "t.json", "--post", "1", "--title", "t"], "--topic brings the post and its title"),
        ],
    )
    @pytest.mark.parametrize("json_too", [[], ["--json"]])
    def test_a_wrong_file_is_named_in_a_line(
        self, running: Type, words: list[str], said: str, json_too: list[str]
    ) -> None:
        ended = running("answer", *words, *json_too)

        assert ended.code == 2
        assert ended.complaint.startswith(said)

    def test_text_that_is_not_utf_8_is_said_to_be_so(self, running: Type) -> None:
        ended = running("answer", "--json", typed_in=b"caf\xe9")

        assert (ended.code, ended.complaint.startswith("standard input: not UTF-8 text")) == (2, True)

    def test_an_unknown_post_is_answered_with_the_known_ones(self, running: Type, tmp_path: Path) -> None:
        file = tmp_path / "thread.json"
        file.write_text(json.dumps(THREAD), encoding="utf-8")

        ended = running("answer", "--topic", file, "--post", 9, "--json")

        assert (ended.code, ended.complaint) == (2, f"{file} has no post 9. It has: 1, 2, 3.\n")
