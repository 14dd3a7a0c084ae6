"""`autograd-bot knowledge`: looking at entries, checking them, and an admin's own."""

from __future__ import annotations

import gzip
import os
import pty
import select
import shutil
import sys
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from bot.diagnose.signals import WORDS, known_words
from bot.domain.confusion import Ruling
from bot.library import read_entry, read_library, shipped_folder
from bot.shelf import copy_of
from bot.store import answers, rulings
from bot.store.engine import Store, database_file
from tests.cli.typed import ROOT, Type, assert_is_an_answer
from tests.review_examples import NOON, draft, silence

WRONG = "import torch\nx = torch.ones(3, requires_grad=True)\nlosses = [x.sum(), x.mean()]\nlosses.backward()\n"
RIGHT = WRONG.replace("losses.backward()", "sum(losses).backward()")
TEXTS = {
    "--title-en": "backward() of a list",
    "--title-zh": "对列表调用 backward()",
    "--explain-en": "A list has no `backward()`; the tensors in it have.",
    "--explain-zh": "列表没有 `backward()`，里面的张量才有。",
    "--asked-en": "the list of losses has no backward",
    "--asked-zh": "损失的列表没有 backward",
}


def told(**changes: str) -> list[str]:
    return [word for pair in {**TEXTS, **changes}.items() for word in pair]


@pytest.fixture
def programs(tmp_path: Path) -> list[str]:
    wrong, right = tmp_path / "wrong.py", tmp_path / "right.py"
    wrong.write_text(WRONG, encoding="utf-8")
    right.write_text(RIGHT, encoding="utf-8")
    return ["--failing", str(wrong), "--fixed", str(right)]


class TestLooking:
    def test_the_list_names_every_entry(self, typed: Type) -> None:
        names = [entry.name for entry in read_library()]

        listed = typed("knowledge", "list", "--json").record
        header, *rows = typed("knowledge", "list").out.splitlines()

        assert [entry["name"] for entry in listed] == names
        for entry in listed:
            assert list(entry) == ["name", "family", "kind", "title", "own", "over"]
            assert (sorted(entry["title"]), entry["kind"] in ("mistake", "question")) == (["en", "zh"], True)
        assert header.split() == ["name", "family", "kind", "whose", "title"]
        assert [row.split()[0] for row in rows] == names

    def test_one_entry_is_shown_with_explanations_file_and_cases(self, typed: Type) -> None:
        whole = typed("knowledge", "show", "non_leaf_grad", "--json").record
        page = typed("knowledge", "show", "non_leaf_grad").out

        assert list(whole) == ["name", "family", "kind", "title", "own", "over", "explain", "file", "cases"]
        for text in (*whole["explain"].values(), whole["file"], *whole["cases"].values()):
            assert text.strip() in page
        assert any(name.endswith(".failing.py") for name in whole["cases"])

    def test_words_explains_each_word_of_seen(self, typed: Type) -> None:
        words = typed("knowledge", "words", "--json").record

        assert sorted(words) == sorted([*WORDS, "any", "not"])
        assert all(words.values())
        lines = typed("knowledge", "words").out.splitlines()
        assert [line.split()[0] for line in lines] == list(words)

    def test_a_search_finds_entries_in_either_language(self, typed: Type) -> None:
        english = typed("knowledge", "search", "second", "derivative", "--json").record
        chinese = typed("knowledge", "search", "标量").out

        assert "second_derivative" in [entry["name"] for entry in english]
        assert "non_scalar_backward" in [line.split()[0] for line in chinese.splitlines()]

    @pytest.mark.parametrize(
        ("words", "first"),
        [
            ("in-place relu", "inplace_activation"),
            ("inplace ReLU", "inplace_activation"),
            ("in_place relu", "inplace_activation"),
            ("second derivative", "second_derivative"),
            ("non leaf", "non_leaf_grad"),
            ("non-leaf", "non_leaf_grad"),
            ("NaN", "nan_gradient"),
            ("标量", "non_scalar_backward"),
            ("標量", "non_scalar_backward"),
            ("teapot relu in-place", "inplace_activation"),
        ],
    )
    def test_a_search_shows_first_what_is_about_the_words(self, typed: Type, words: str, first: str) -> None:
        found = typed("knowledge", "search", *words.split(), "--json").record

        assert found[0]["name"] == first

    def test_a_search_in_vain_says_so(self, typed: Type) -> None:
        ended = typed("knowledge", "search", "teapot")

        assert (ended.code, ended.complaint) == (
            2, "no entry speaks of teapot. `autograd-bot knowledge list` shows all.\n",
        )  # fmt: skip
        assert typed("knowledge", "search", "teapot", "--json").record == []

    @pytest.mark.parametrize("command", [["show"], ["check"], ["try"], ["export"]])
    def test_an_unknown_entry_is_answered_with_the_nearest(
        self, typed: Type, tmp_path: Path, command: list[str]
    ) -> None:
        rest = [tmp_path / "x.tar.gz"] if command == ["export"] else ["--json"]

        ended = typed("knowledge", *command, "non_leaf_gard", *rest)

        assert ended.code == 2
        assert 'no confusion is called "non_leaf_gard". Did you mean "non_leaf_grad"?' in ended.complaint

    def test_the_record_of_entries_counts_what_waits(self, typed: Type, tmp_path: Path) -> None:
        assert typed("knowledge", "stats", "--json").record == []
        assert "No drafts yet" in typed("knowledge", "stats").out
        assert not (tmp_path / "data").exists()

    def test_the_record_of_an_entry_follows_the_decisions(self, typed: Type, store: Store) -> None:
        draft(store)
        (row,) = typed("knowledge", "stats", "--json").record
        assert row == {
            "name": "non_scalar_backward", "matched": 1, "waiting": 1, "approved": 0, "edited": 0, "rejected": 0,
            "standing": "trial", "fates": {},
        }  # fmt: skip

        typed("drafts", "reject", 1, "--reason", "tone")

        assert typed("knowledge", "stats").out.splitlines()[1].split() == [
            *("non_scalar_backward", "1", "0", "0", "0", "1", "trial"),
        ]

    def test_what_got_no_reply_is_told_by_its_reason(self, typed: Type, store: Store) -> None:
        with store.writing() as connection:
            for number, reason in enumerate(("thanks", "no entry fits the words", "no entry fits the words")):
                answers.add(
                    connection,
                    silence(reason),
                    post_id=str(number),
                    question_sha256="0",
                    question="?",
                    now=NOON + timedelta(minutes=number),
                )

        told = typed("knowledge", "stats", "--unanswered").out.splitlines()

        assert [" ".join(line.split()) for line in told] == [
            "2 no entry fits the words (post 2, 1)",
            "1 thanks (post 0)",
        ]
        assert typed("knowledge", "stats", "--unanswered", "--json").record[0] == {
            "reason": "no entry fits the words", "posts": 2, "newest": ["2", "1"],
        }  # fmt: skip
        assert typed("knowledge", "stats", "--json").record == []


class TestRuling:
    def test_what_is_decided_about_an_entry_is_kept_with_who_and_why(self, typed: Type, store: Store) -> None:
        for words in (
            ["retire", "nan_gradient", "--note", "chapter 9"],
            ["retire", "nan_gradient", "--undo", "--as", "bo"],
            ["trust", "nan_gradient"],
        ):
            assert typed("knowledge", *words).code == 0

        with store.reading() as connection:
            kept = rulings.history(connection, "nan_gradient")
            counts = rulings.current(connection)
        assert [(one.ruling, one.by, one.note) for one in kept] == [
            (Ruling.RETIRED, "mei", "chapter 9"), (Ruling.NONE, "bo", ""), (Ruling.TRUSTED, "mei", ""),
        ]  # fmt: skip
        assert counts == {"nan_gradient": kept[-1]}
        (row,) = typed("knowledge", "stats", "--json").record
        assert (row["name"], row["standing"]) == ("nan_gradient", "trusted by mei")

    def test_the_list_marks_a_retired_entry(self, typed: Type) -> None:
        typed("knowledge", "retire", "nan_gradient")

        marked = [row for row in typed("knowledge", "list").out.splitlines() if "the project's, retired" in row]

        assert [row.split()[0] for row in marked] == ["nan_gradient"]

    @pytest.mark.parametrize(
        ("before", "words", "said"),
        [
            ([], ["retire", "nan_gardient"], 'Did you mean "nan_gradient"?'),
            (
                [],
                ["retire", "nan_gradient", "--undo"],
                "nan_gradient is not retired, so there is nothing to take back.",
            ),
            (["trust"], ["retire", "nan_gradient", "--undo"], "nan_gradient is not retired"),
            (["retire"], ["retire", "nan_gradient"], "nan_gradient is retired already, by mei at 20"),
        ],
    )
    def test_what_changes_nothing_is_refused(self, typed: Type, before: list[str], words: list[str], said: str) -> None:
        for one in before:
            typed("knowledge", one, "nan_gradient")

        ended = typed("knowledge", *words)

        assert (ended.code, said in ended.complaint) == (2, True)

    @pytest.mark.sandbox
    def test_no_post_is_answered_with_a_retired_entry_until_that_is_taken_back(self, running: Type) -> None:
        post = b"Why?\n\n```python\nimport torch\nx = torch.ones(2, requires_grad=True)\n(x * 2).backward()\n```\n"

        running("knowledge", "retire", "non_scalar_backward")
        retired = running("answer", "--json", typed_in=post).record
        checked = running("knowledge", "check", "non_scalar_backward")
        running("knowledge", "retire", "non_scalar_backward", "--undo")
        again = running("answer", "--json", typed_in=post).record

        assert (retired["verdict"], retired["confusion"]) == ("skip", None)
        assert (checked.code, checked.out) == (0, "non_scalar_backward: ok\n")
        assert (again["verdict"], again["confusion"]) == ("draft", "non_scalar_backward")

    @pytest.mark.sandbox
    def test_the_replies_of_a_trusted_entry_do_not_say_that_it_is_new(self, running: Type, programs: list[str]) -> None:
        running("knowledge", "new", "loss_on_list", *programs, *told())
        post = f"Why?\n\n```python\n{WRONG}```\n".encode()

        new = running("answer", "--json", typed_in=post).record["reply"]
        running("knowledge", "trust", "loss_on_list")
        trusted = running("answer", "--json", typed_in=post).record["reply"]

        assert "This kind of answer is new" in new
        assert "This kind of answer is new" not in trusted

    @pytest.mark.sandbox
    def test_a_database_that_cannot_be_used_is_told_of_and_all_entries_answer(
        self, running: Type, tmp_path: Path
    ) -> None:
        (tmp_path / "data").mkdir()
        database_file(tmp_path / "data").write_text("no database", encoding="utf-8")

        ended = running(
            "answer",
            "--json",
            typed_in=b"```python\nimport torch\ntorch.ones(2, requires_grad=True).backward()\n```\nwhy?",
        )

        assert (ended.code, ended.record["confusion"]) == (0, "non_scalar_backward")
        assert ended.err.startswith("which entries are retired or trusted cannot be read, so all answer: ")


@pytest.mark.sandbox
class TestRunning:
    def test_an_entry_that_keeps_its_promises(self, running: Type) -> None:
        assert running("knowledge", "check", "non_scalar_backward", "--json").record == {
            "name": "non_scalar_backward",
            "problems": [],
            "lost": [],
        }
        ended = running("knowledge", "check", "non_scalar_backward")
        assert (ended.code, ended.out, ended.err) == (0, "non_scalar_backward: ok\n", "")

    def test_trying_an_entry_shows_its_replies_in_both_languages(self, running: Type) -> None:
        made = running("knowledge", "try", "non_scalar_backward", "--json").records

        for record in made:
            assert_is_an_answer(record)
            assert record["confusion"] == "non_scalar_backward"
        failing = [record["language"] for record in made if record["id"].endswith(".failing.py")]
        assert failing[:2] == ["en", "zh"]
        page = running("knowledge", "try", "non_scalar_backward").out
        for record in made:
            assert f"━━ {record['id']} ({record['language']})" in page
            assert record["reply"].rstrip() in page


@pytest.mark.sandbox
class TestOwnEntries:
    def test_a_new_entry_is_written_from_what_its_program_shows(
        self, running: Type, programs: list[str], tmp_path: Path
    ) -> None:
        ended = running("knowledge", "new", "loss_on_list", *programs, *told())

        assert (ended.code, ended.err) == (0, "")
        folder = tmp_path / "data" / "knowledge" / "loss_on_list"
        assert ended.out.splitlines() == [
            "  its run shows: raises = \"AttributeError\"; message = [\"'list' object has no attribute 'backward'\"];"
            ' error_line_calls = ["backward"]',
            "  its fix: `$LOSSES.backward()` becomes `sum($LOSSES).backward()`, on the line that fails;"
            " $LOSSES for any expression in the place of losses",
            f"Written: {folder}",
            "loss_on_list: ok",
            "`autograd-bot knowledge try loss_on_list` shows its replies.",
        ]
        shown = running("knowledge", "show", "loss_on_list", "--json").record
        assert (shown["own"], shown["title"]) == (False, {"en": TEXTS["--title-en"], "zh": TEXTS["--title-zh"]})
        assert "'list' object has no attribute 'backward'" in shown["file"]
        assert shown["cases"] == {"first.failing.py": WRONG, "first.fixed.py": RIGHT}
        post = f"The list of losses has no backward?\n\n```python\n{WRONG}```\n"
        answer = running("answer", "--json", typed_in=post.encode()).record
        assert (answer["confusion"], answer["repair"]["code"]) == ("loss_on_list", RIGHT)
        other = WRONG.replace("losses", "loss_list")
        answer = running("answer", "--json", typed_in=f"Why?\n\n```python\n{other}```\n".encode()).record
        assert (answer["confusion"], answer["repair"]["code"]) == ("loss_on_list", RIGHT.replace("losses", "loss_list"))

    def test_an_entry_that_does_not_keep_its_promises_is_told_so(self, running: Type, tmp_path: Path) -> None:
        wrong = tmp_path / "wrong.py"
        wrong.write_text("import torch\ntorch.ones(2, requires_grad=True).backward()\n", encoding="utf-8")

        ended = running("knowledge", "new", "loss_again", "--failing", wrong, *told())

        assert ended.code == 5
        assert any(line.strip().startswith("first.failing.py: ") for line in ended.out.splitlines())
        assert "loss_again is written and takes part, and does not keep " in ended.err
        assert "`autograd-bot knowledge edit loss_again` opens it" in ended.err
        check = running("knowledge", "check", "loss_again", "--json")
        assert (check.code, check.record["name"]) == (5, "loss_again")
        assert check.err.endswith("promises are not kept; see the list above.\n")
        assert len(check.record["problems"]) == int(check.err.split()[1])

    @pytest.mark.parametrize(
        ("name", "options", "said"),
        [
            ("Bad-Name", [], '"Bad-Name" cannot be a name: lower case words joined by _'),
            ("loss_x", ["--kind", "riddle"], 'kind is "mistake" or "question", not "riddle"'),
            ("loss_x", ["--failing", "nowhere.py"], "nowhere.py: No such file or directory."),
            ("loss_x", ["--fixed", "wrong.py"], "the fixed program must differ from the failing one in exactly one"),
            ("loss_x", ["--failing", "right.py"], "the failing program runs without an error or a warning"),
            ("loss_x", ["--failing", "torn.py"], "torn.py, line 1: it is no Python"),
            ("loss_x", ["--fixed", "torn.py"], "torn.py, line 1: it is no Python"),
            ("loss_x", ["--fixed", "still.py"], "still.py: the fixed program does not run to its end: NameError"),
            ("loss_x", ["--fixed", "longer.py"], "in exactly one line; one has 4 lines, one 5."),
            ("loss_x", ["--failing", "empty.py"], "empty.py is empty."),
            ("loss_x", ["--title-zh", " "], "it cannot be empty"),
            ("coverage", [], '"coverage" cannot be a name'),
            ("nan_gradient", [], "nan_gradient is an entry of the project's own; yours would take its place"),
        ],
    )
    def test_what_makes_no_entry_is_refused_and_nothing_is_written(
        self,
        running: Type,
        programs: list[str],
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        name: str,
        options: list[str],
        said: str,
    ) -> None:
        monkeypatch.chdir(tmp_path)
        (tmp_path / "torn.py").write_text("def (\n", encoding="utf-8")
        (tmp_path / "still.py").write_text(WRONG.replace("losses.b", "total.b"), encoding="utf-8")
        (tmp_path / "longer.py").write_text(RIGHT + "x.grad\n", encoding="utf-8")
        (tmp_path / "empty.py").write_text("\n", encoding="utf-8")

        ended = running("knowledge", "new", name, *programs, *told(), *options)

        assert (ended.code, said in ended.err) == (2, True)
        assert not (tmp_path / "data").exists()

    def test_what_is_missing_is_named_where_nobody_can_be_asked(self, running: Type, programs: list[str]) -> None:
        given = told()
        for option, _ in zip(given[::2], given[1::2], strict=True):
            rest = told()
            place = rest.index(option)
            ended = running("knowledge", "new", "loss_x", *programs, *rest[:place], *rest[place + 2 :])
            assert (ended.code, ended.complaint.startswith(f"{option} is missing")) == (2, True)

    def test_an_entry_travels_as_one_archive(self, running: Type, programs: list[str], tmp_path: Path) -> None:
        running("knowledge", "new", "loss_on_list", *programs, *told())
        archive, other = tmp_path / "entry.tar.gz", tmp_path / "other"

        assert running("knowledge", "export", "loss_on_list", archive).out == f"Written: {archive}\n"
        with tarfile.open(archive) as packed:
            assert {(member.uid, member.uname, member.mtime) for member in packed.getmembers()} == {(0, "", 0)}
        refused = running("knowledge", "import", archive)
        assert (refused.code, "is there already" in refused.complaint) == (2, True)
        (tmp_path / "data" / "knowledge" / "loss_on_list").rename(other)

        taken = running("knowledge", "import", archive)

        assert taken.code == 0
        assert taken.out == f"loss_on_list: ok\nTaken in: {tmp_path}/data/knowledge/loss_on_list.\n"
        assert contents(tmp_path / "data" / "knowledge" / "loss_on_list") == contents(other)

    def test_a_folder_is_taken_in_over_the_projects_entry_only_when_that_is_said(
        self, running: Type, tmp_path: Path
    ) -> None:
        folder = tmp_path / "non_scalar_backward"
        shutil.copytree(shipped_folder() / folder.name, folder)

        refused = running("knowledge", "import", folder)
        assert (refused.code, "say --over to put yours over it" in refused.err) == (2, True)
        ended = running("knowledge", "import", folder, "--over")

        assert ended.code == 0
        listed = {entry["name"]: entry for entry in running("knowledge", "list", "--json").record}
        assert (listed[folder.name]["own"], listed[folder.name]["over"]) == (False, True)
        assert listed["non_leaf_grad"]["over"] is False
        shown = running("knowledge", "list").out.splitlines()
        assert [row.split()[0] for row in shown if "yours, over the project's" in row] == [folder.name]

    def test_an_entry_whose_cases_break_is_not_taken_in_unless_that_is_said(
        self, running: Type, tmp_path: Path
    ) -> None:
        folder = tmp_path / "loss_on_vector"
        shutil.copytree(shipped_folder() / "non_scalar_backward", folder)

        refused = running("knowledge", "import", folder)

        assert refused.code == 5
        assert "loss_on_vector does not keep " in refused.err
        assert list((tmp_path / "data").rglob("*.toml")) == []
        taken = running("knowledge", "import", folder, "--unchecked")
        assert (taken.code, "`autograd-bot knowledge check loss_on_vector` runs its cases" in taken.out) == (0, True)

    def test_what_is_lost_with_the_projects_entry_is_said(
        self, running: Type, programs: list[str], tmp_path: Path
    ) -> None:
        ended = running("knowledge", "new", "nan_gradient", *programs, *told(), "--over")

        assert ended.code == 0
        assert "nan_gradient: ok\n  it lies over the project's entry, and loses what that can do" in ended.out
        record = running("knowledge", "check", "nan_gradient", "--json").record
        assert record["problems"] == []
        assert any(line.startswith("angle.failing.py: diagnosed as nothing") for line in record["lost"]), record

    def test_a_broken_entry_is_left_out_and_told_of_and_the_rest_works(
        self, running: Type, programs: list[str], tmp_path: Path
    ) -> None:
        running("knowledge", "new", "loss_on_list", *programs, *told())
        folder = tmp_path / "data" / "knowledge" / "loss_on_list"
        (folder / "explain.zh.md").unlink()
        post = "Why?\n\n```python\nimport torch\nx = torch.ones(2, requires_grad=True)\n(x * 2).backward()\n```\n"

        ended = running("answer", "--json", typed_in=post.encode())

        assert (ended.code, ended.record["confusion"]) == (0, "non_scalar_backward")
        assert ended.err.splitlines() == [
            f"left out: your entry loss_on_list, in {folder}",
            "  loss_on_list: there is no explain.zh.md. Write the explanation there.",
            "  Until you mend it (`autograd-bot knowledge edit loss_on_list`) or remove its folder,"
            " everything else goes on without it.",
        ]
        for command in (["check"], ["try"], ["show"]):
            named = running("knowledge", *command, "loss_on_list")
            assert (named.code, named.complaint) == (
                5,
                "loss_on_list: there is no explain.zh.md. Write the explanation there.\n",
            )


@pytest.mark.sandbox
class TestAsking:
    """A person at a terminal, who makes mistakes."""

    @pytest.fixture
    def terminal(self, service: Path, tmp_path: Path) -> Callable[..., Terminal]:
        def begin(*words: str, **environment: str) -> Terminal:
            shown = {"AUTOGRAD_BOT_SANDBOX__SOCKET": str(service), "COLUMNS": "200", **environment}
            return Terminal.of(["--data", str(tmp_path / "data"), "knowledge", *words], shown)

        return begin

    def test_each_answer_is_looked_at_when_it_is_given(
        self, terminal: Callable[..., Terminal], programs: list[str], tmp_path: Path
    ) -> None:
        wrong, right = programs[1], programs[3]
        new = terminal("new", "loss_on_list")
        for prompt, typed in (
            ("A Python file that goes wrong this way: ", ["", "nowhere.py", right, wrong]),
            ("The same program mended in one line", [wrong, right]),
            ("The wrong pattern in a few words, in English: ", ["", TEXTS["--title-en"]]),
            ("The same in Chinese: ", [TEXTS["--title-zh"]]),
            ("The cause in one or two sentences, in English: ", [TEXTS["--explain-en"]]),
            ("The same in Chinese: ", [TEXTS["--explain-zh"]]),
            ("How a student asks about it, in English: ", [TEXTS["--asked-en"]]),
            ("The same in Chinese: ", [TEXTS["--asked-zh"]]),
        ):
            for answer in typed:
                new.wait_for(prompt)
                new.type(answer + "\n")

        code, said = new.end()

        assert code == 0, said
        for reason in (
            "name a file, as in wrong.py.",
            "nowhere.py: No such file or directory.",
            "the failing program runs without an error or a warning",
            "in exactly one line; 0 lines differ.",
            "it cannot be empty: the entry needs it.",
            "loss_on_list: ok",
        ):
            assert reason in said
        cases = tmp_path / "data" / "knowledge" / "loss_on_list" / "cases"
        assert (cases / "first.fixed.py").read_text(encoding="utf-8") == RIGHT

    def test_ctrl_c_leaves_nothing_behind(
        self, terminal: Callable[..., Terminal], programs: list[str], tmp_path: Path
    ) -> None:
        new = terminal("new", "loss_on_list", *programs)
        new.wait_for("The wrong pattern in a few words, in English: ")
        new.type("backward() of a list\n")
        new.wait_for("The same in Chinese: ")

        new.interrupt()

        code, said = new.end()
        assert (code, "interrupted; what was finished is kept" in said) == (130, True)
        assert not (tmp_path / "data").exists()

    def test_an_entry_of_the_projects_is_copied_when_the_person_agrees(
        self, terminal: Callable[..., Terminal], tmp_path: Path
    ) -> None:
        folder = tmp_path / "data" / "knowledge" / "non_leaf_grad"
        for answer, code, copied in (("n", 1, False), ("y", 0, True)):
            edit = terminal("edit", "non_leaf_grad", VISUAL="sed -i 's/^kind = .*/& # mine/'")
            edit.wait_for("Copy it into your folder, and open the copy?")
            edit.type(answer + "\n")
            ended, said = edit.end()
            assert (ended, folder.exists()) == (code, copied), said


@dataclass
class Terminal:
    """A command on a terminal of its own, and a person in front of it."""

    process: int
    keys: int
    seen: str = ""
    read: int = 0  #: up to where the person has read

    @classmethod
    def of(cls, words: list[str], environment: dict[str, str]) -> Terminal:
        process, keys = pty.fork()
        if process == 0:
            os.execve(
                sys.executable,
                [sys.executable, "-m", "tests.cli.whole_command", *words],
                {**os.environ, **environment, "PYTHONPATH": str(ROOT)},
            )
        return cls(process, keys)

    def type(self, text: str) -> None:
        os.write(self.keys, text.encode())

    def interrupt(self) -> None:
        """Press Ctrl-C until the command ends: Python may be just between looking for signals and waiting for a line."""
        self.type("\x03")
        more = True
        while more:
            if select.select([self.keys], [], [], 2)[0]:
                more = self._more()
            else:
                self.type("\x03")

    def wait_for(self, text: str) -> None:
        while text not in self.seen[self.read :]:
            assert self._more(), self.seen
        self.read = self.seen.index(text, self.read) + len(text)

    def end(self) -> tuple[int, str]:
        while self._more():
            pass
        os.close(self.keys)
        return os.waitstatus_to_exitcode(os.waitpid(self.process, 0)[1]), self.seen

    def _more(self) -> bool:
        try:
            more = os.read(self.keys, 1 << 16)
        except OSError:  # the other end was closed
            return False
        self.seen += more.decode(errors="replace")
        return bool(more)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


class TestTakingIn:
    @pytest.fixture
    def entry(self, typed: Type, tmp_path: Path) -> Path:
        """A good entry as a folder, to be spoilt."""
        archive = tmp_path / "good.tar.gz"
        assert typed("knowledge", "export", "non_scalar_backward", archive).code == 0
        shutil.copytree(shipped_folder() / "non_scalar_backward", tmp_path / "spoilt" / "loss_on_vector")
        return tmp_path / "spoilt" / "loss_on_vector"

    @pytest.mark.parametrize(
        ("file", "text", "code", "said"),
        [
            ("rewrite.py", "import os", 5, "it may not bring Python of its own"),
            ("notes.sh", "rm", 5, "notes.sh does not belong into an entry"),
            ("cases/deep/x.failing.py", "1", 5, "does not belong into an entry"),
            ("confusion.toml", "[seen", 5, "not a TOML file"),
            ("cases/X.py", "1", 5, "a case is called like"),
        ],
    )
    def test_what_is_no_entry_is_refused_and_nothing_is_kept(
        self, typed: Type, tmp_path: Path, entry: Path, file: str, text: str, code: int, said: str
    ) -> None:
        (entry / file).parent.mkdir(exist_ok=True)
        (entry / file).write_text(text, encoding="utf-8")

        ended = typed("knowledge", "import", entry)

        assert ended.code == code
        assert said in ended.err
        assert ended.out == ""
        assert list((tmp_path / "data").rglob("*.toml")) == []

    def test_what_is_no_archive_is_named(self, typed: Type, tmp_path: Path, entry: Path) -> None:
        good = (tmp_path / "good.tar.gz").read_bytes()
        for content in (
            b"",
            b"text",
            good[: len(good) // 2],
            good[:40] + b"\0" * 40 + good[80:],
            good[:-8] + b"12345678",
        ):
            (tmp_path / "bad.tar.gz").write_bytes(content)
            ended = typed("knowledge", "import", tmp_path / "bad.tar.gz")
            assert (ended.code, "not an archive made by" in ended.complaint) == (2, True)
        ended = typed("knowledge", "import", tmp_path / "nowhere")
        assert (ended.code, ended.complaint) == (2, f"{tmp_path}/nowhere is not there.\n")

    def test_an_archive_that_unpacks_to_too_much_is_refused(self, typed: Type, tmp_path: Path) -> None:
        (tmp_path / "bomb.tar.gz").write_bytes(gzip.compress(b"\0" * (64 << 20)))

        ended = typed("knowledge", "import", tmp_path / "bomb.tar.gz")

        assert (ended.code, "unpacks to more than an entry can be" in ended.complaint) == (2, True)

    def test_an_archive_cannot_reach_out_of_its_folder(self, typed: Type, tmp_path: Path, entry: Path) -> None:
        with tarfile.open(tmp_path / "sly.tar.gz", "w:gz") as archive:
            archive.add(entry / "confusion.toml", arcname="loss_on_vector/../../escaped.toml")

        ended = typed("knowledge", "import", tmp_path / "sly.tar.gz")

        assert (ended.code, "does not belong into an entry" in ended.complaint) == (5, True)
        assert list(tmp_path.rglob("escaped.toml")) == []

    def test_an_archive_is_called_what_it_is_and_takes_the_place_of_no_file_unasked(
        self, typed: Type, tmp_path: Path
    ) -> None:
        ended = typed("knowledge", "export", "non_leaf_grad", tmp_path / "x.zip")
        assert (ended.code, "name it non_leaf_grad.tar.gz." in ended.complaint) == (2, True)

        (tmp_path / "x.tar.gz").write_text("mine", encoding="utf-8")
        ended = typed("knowledge", "export", "non_leaf_grad", tmp_path / "x.tar.gz")
        assert (ended.code, "is there already" in ended.complaint) == (2, True)
        assert (tmp_path / "x.tar.gz").read_text(encoding="utf-8") == "mine"

        assert typed("knowledge", "export", "non_leaf_grad", tmp_path / "x.tar.gz", "--replace").code == 0

    def test_what_is_exported_can_be_taken_in_and_what_stays_behind_is_said(self, typed: Type, tmp_path: Path) -> None:
        archive = tmp_path / "x.tar.gz"

        given = typed("knowledge", "export", "non_leaf_grad", archive)
        taken = typed("knowledge", "import", archive, "--over", "--unchecked")

        assert given.out.startswith(
            f"Written: {archive}\n  Left behind: rewrite.py and the fixes that it makes (make_leaf)"
        )
        assert taken.code == 0
        folder = tmp_path / "data" / "knowledge" / "non_leaf_grad"
        theirs = contents(shipped_folder() / "non_leaf_grad")
        assert {name for name in theirs if name.startswith("cases/")} <= contents(folder).keys()

    def test_an_archive_that_cannot_be_written_is_named(self, typed: Type, tmp_path: Path) -> None:
        ended = typed("knowledge", "export", "non_leaf_grad", tmp_path / "nowhere" / "x.tar.gz")

        assert ended.code == 2
        assert ended.complaint == (
            f"{tmp_path}/nowhere/x.tar.gz: No such file or directory. Name a file that can be written.\n"
        )


class TestEditing:
    @pytest.fixture
    def own(self, typed: Type, tmp_path: Path) -> Path:
        folder = tmp_path / "data" / "knowledge" / "non_scalar_backward"
        shutil.copytree(shipped_folder() / folder.name, folder)
        return folder

    def test_the_editor_gets_the_file_and_the_explanations(
        self, typed: Type, own: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("VISUAL", "sed -i s/number/figure/")

        ended = typed("knowledge", "edit", "non_scalar_backward")

        assert (ended.code, "is well formed" in ended.out) == (0, True)
        assert "figure" in (own / "explain.en.md").read_text(encoding="utf-8")

    def test_what_the_editor_spoils_is_pointed_at(
        self, typed: Type, own: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("VISUAL", "sed -i s/^kind/knid/")

        ended = typed("knowledge", "edit", "non_scalar_backward")

        assert ended.code == 5
        assert ended.err.startswith("autograd-bot: non_scalar_backward/confusion.toml")
        assert 'Did you mean "kind"?' in ended.err

    @pytest.mark.parametrize("editor", ["false", "/no/such/editor", "'unclosed"])
    def test_an_editor_that_does_not_work_is_named(
        self, typed: Type, own: Path, monkeypatch: pytest.MonkeyPatch, editor: str
    ) -> None:
        monkeypatch.setenv("VISUAL", editor)

        ended = typed("knowledge", "edit", "non_scalar_backward")

        assert (ended.code, "Set EDITOR to one that does." in ended.complaint) == (2, True)

    def test_an_entry_of_the_projects_is_copied_whole_and_the_copy_opened(
        self, typed: Type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("VISUAL", "sed -i 's/^kind = .*/& # mine/'")
        folder, theirs = tmp_path / "data" / "knowledge" / "non_leaf_grad", shipped_folder() / "non_leaf_grad"

        refused = typed("knowledge", "edit", "non_leaf_grad")
        assert refused.code == 2
        assert refused.complaint == (
            "non_leaf_grad is the project's own. --copy copies it into your folder and opens the copy.\n"
        )
        ended = typed("knowledge", "edit", "non_leaf_grad", "--copy")

        assert ended.code == 0
        assert ended.out.startswith(
            f"Copied: {folder}. It lies over the project's entry.\n  Left behind: rewrite.py and"
        )
        assert {file for file in contents(theirs) if "__pycache__" not in file} - contents(folder).keys() == {
            "rewrite.py"
        }
        assert "rewrite" not in (folder / "confusion.toml").read_text(encoding="utf-8")
        assert typed("knowledge", "show", "non_leaf_grad", "--json").record["over"] is True

    def test_a_copy_that_was_not_changed_is_taken_away_again(
        self, typed: Type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for editor, code in (("true", 0), ("false", 2)):
            monkeypatch.setenv("VISUAL", editor)
            assert typed("knowledge", "edit", "non_leaf_grad", "--copy").code == code
            assert list((tmp_path / "data").rglob("*.toml")) == []

    def test_every_entry_of_the_projects_can_be_copied(self, tmp_path: Path) -> None:
        for entry in read_library():
            made = copy_of(tmp_path, entry)
            kept = read_entry(made.folder, own=False, words=known_words())
            assert [fix.name for fix in kept.fixes] == [fix.name for fix in entry.fixes if not fix.rewrite]
            assert kept.facts == entry.facts

    def test_an_entry_that_is_not_there_is_not_edited(self, typed: Type) -> None:
        ended = typed("knowledge", "edit", "non_leaf_gard")

        assert (ended.code, 'you have no entry of your own called "non_leaf_gard"' in ended.complaint) == (2, True)


def test_an_entry_that_is_not_well_formed_is_told_of_and_the_others_are_listed(typed: Type, tmp_path: Path) -> None:
    folder = tmp_path / "data" / "knowledge" / "mine"
    folder.mkdir(parents=True)
    (folder / "confusion.toml").write_text("", encoding="utf-8")

    for command in (["list", "--json"], ["show", "non_leaf_grad"], ["search", "leaf"]):
        ended = typed("knowledge", *command)
        assert (ended.code, "leaf" in ended.out) == (0, True)
        assert ended.err.startswith(f"left out: your entry mine, in {folder}\n  mine/confusion.toml: the key ")
        assert ended.err.count("left out") == 1
    ended = typed("knowledge", "show", "mine")
    assert (ended.code, ended.complaint.startswith("mine/confusion.toml: the key ")) == (5, True)


@pytest.mark.sandbox
def test_the_doctor_names_an_entry_that_is_left_out(running: Type, tmp_path: Path) -> None:
    whole = running("doctor", "--json")
    (tmp_path / "data" / "knowledge" / "mine").mkdir(parents=True)

    ended = running("doctor", "--json")

    assert (whole.code, whole.record["checks"][-1]["name"]) == (0, "knowledge base")
    assert (ended.code, ended.record["good"], ended.record["checks"][-1]["name"]) == (5, False, "entry mine")
    assert "there is no confusion.toml" in ended.record["checks"][-1]["saw"]
    assert running("doctor").out.splitlines()[-1] == "Something is wrong: an entry is left out until it is mended."
