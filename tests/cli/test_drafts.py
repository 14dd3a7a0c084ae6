from __future__ import annotations

import json
import stat
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.cli.app import exit_code_of
from bot.domain.draft import DraftState, RejectReason
from bot.store import decisions, drafts, revisions
from bot.store.engine import Store
from tests.review_examples import MENDED, answer, current, draft, post, question, shown

NOW = datetime.now(UTC)


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str


Run = Callable[..., Ended]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Types a command line on the data directory of this test."""
    monkeypatch.setenv("AUTOGRAD_BOT_MODERATOR", "mei")

    def typed(*words: str) -> Ended:
        capsys.readouterr()
        code = exit_code_of(["--data", str(tmp_path / "data"), *words])
        said = capsys.readouterr()
        return Ended(code, said.out, said.err)

    return typed


def write_editor(path: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An $EDITOR that runs a shell script on the file it is given."""
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("EDITOR", str(path))
    monkeypatch.delenv("VISUAL", raising=False)


class TestWithoutDrafts:
    def test_a_list_of_nothing_says_what_to_type_and_makes_no_database(self, run: Run, tmp_path: Path) -> None:
        ended = run("drafts", "list")

        assert ended.code == 0
        assert "autograd-bot replay PATH" in ended.out
        assert not (tmp_path / "data").exists()

    def test_json_of_nothing_is_nothing(self, run: Run) -> None:
        assert run("drafts", "list", "--json") == Ended(0, "", "")

    @pytest.mark.parametrize("command", ["show", "approve", "undo", "edit", "rerun", "retry", "drop"])
    def test_every_other_command_says_that_there_are_none(self, run: Run, command: str) -> None:
        ended = run("drafts", command, "7")

        assert ended.code == 2
        assert "holds no drafts yet" in ended.err
        assert len(ended.err.splitlines()) == 1

    @pytest.mark.parametrize("command", ["show", "approve", "undo", "edit", "rerun", "retry", "drop"])
    def test_an_unknown_number_is_said_to_be_unknown(self, run: Run, store: Store, command: str) -> None:
        ended = run("drafts", command, "7")

        assert (ended.code, ended.err) == (
            2,
            "autograd-bot: There is no draft 7. `autograd-bot drafts list` shows what there is.\n",
        )


class TestLooking:
    def test_the_list_shows_what_waits(self, run: Run, store: Store) -> None:
        draft(store, now=NOW - timedelta(hours=3))
        draft(store, asked=question(post(id="12")), now=NOW)

        ended = run("drafts", "list")

        assert ended.code == 0
        header, first, second, total, following = ended.out.splitlines()
        assert header.split() == ["draft", "age", "confusion", "sure", "proved", "lang", "asker", "topic"]
        assert first.split()[:7] == ["1", "3", "h", "non_scalar_backward", "0.90", "yes", "en"]
        assert second.split()[0] == "2"
        assert total == "2 of 2 pending shown; in all: 2 pending."
        assert following == "Next: autograd-bot drafts show 1"

    def test_json_has_one_object_a_line(self, run: Run, store: Store) -> None:
        draft(store, now=NOW)

        (line,) = run("drafts", "list", "--json").out.splitlines()

        shown_draft = json.loads(line)
        assert (shown_draft["id"], shown_draft["state"], shown_draft["language"]) == (1, "pending", "en")
        assert datetime.fromisoformat(shown_draft["created_at"]) == NOW

    def test_filters_and_orders(self, run: Run, store: Store) -> None:
        for number, sure in ((1, 0.6), (2, 0.9), (3, 0.7)):
            found = answer()
            assert found.diagnosis is not None
            less = replace(found, diagnosis=replace(found.diagnosis, confidence=sure))
            draft(store, of=less, asked=question(post(id=str(number))), now=NOW)

        def ids(*options: str) -> list[int]:
            return [json.loads(line)["id"] for line in run("drafts", "list", "--json", *options).out.splitlines()]

        assert ids() == [1, 2, 3]
        assert ids("--surest") == [2, 3, 1]
        assert ids("--surest", "--most", "1") == [2]
        assert ids("--confusion", "non_leaf_grad") == []
        assert ids("--language", "zh") == []
        assert ids("--state", "approved") == []

    def test_an_unknown_state_or_language_is_answered_with_the_known_ones(self, run: Run) -> None:
        assert "pending, approved, publishing" in run("drafts", "list", "--state", "waiting").err
        ended = run("drafts", "list", "--language", "fr")
        assert (ended.code, "en, zh" in ended.err) == (2, True)

    def test_one_draft_is_shown_with_question_run_proof_and_reply(self, run: Run, store: Store) -> None:
        draft(store)

        ended = run("drafts", "show", "1")

        assert ended.code == 0
        for part in ("Draft 1: pending, revision 1", "Why does this fail?", "Repair: sum", "error_gone", "Reply"):
            assert part in ended.out
        assert MENDED in ended.out

    def test_json_of_one_draft_holds_the_evidence_and_the_decisions(self, run: Run, store: Store) -> None:
        draft(store)
        run("drafts", "reject", "1", "--reason", "tone", "--note", "too curt")

        whole = json.loads(run("drafts", "show", "1", "--json").out)

        assert whole["record"]["repair"]["code"] == MENDED
        (decision,) = whole["decisions"]
        assert (decision["by"], decision["after"], decision["reason"], decision["note"]) == (
            "mei",
            "rejected",
            "tone",
            "too curt",
        )

    def test_what_strangers_write_steers_no_terminal(self, run: Run, store: Store) -> None:
        sly = replace(question(post("\x1b[2J\x1b]0;owned\x07 [bold]x[/bold]")), title="\x1b[31m[red]title\u202e")
        draft(store, asked=sly)

        both = run("drafts", "list").out + run("drafts", "show", "1").out

        assert "\x1b" not in both
        assert "\x07" not in both
        assert "\u202e" not in both
        assert "[red]title" in both
        assert "[bold]x[/bold]" in both


class TestDeciding:
    def test_an_approval_says_when_it_is_posted_and_how_to_undo_it(self, run: Run, store: Store) -> None:
        draft(store)

        ended = run("drafts", "approve", "1")

        assert ended.code == 0
        assert "will be posted after" in ended.out
        assert "autograd-bot drafts undo 1" in ended.out
        assert current(store, 1).state is DraftState.APPROVED
        assert run("drafts", "undo", "1").code == 0
        assert current(store, 1).state is DraftState.PENDING

    def test_the_name_given_with_as_is_written_down(self, run: Run, store: Store) -> None:
        draft(store)

        run("drafts", "approve", "1", "--as", "tom")

        with store.reading() as connection:
            (decision,) = decisions.of_draft(connection, 1)
        assert decision.by == "tom"

    def test_the_second_moderator_is_told_who_was_first(self, run: Run, store: Store) -> None:
        draft(store)
        run("drafts", "approve", "1", "--as", "tom")

        ended = run("drafts", "reject", "1", "--reason", "tone")

        assert ended.code == 7
        assert "tom made draft 1 approved" in ended.err

    def test_a_text_that_changed_since_it_was_read_is_not_approved(
        self, run: Run, store: Store, tmp_path: Path
    ) -> None:
        draft(store)
        with store.writing() as connection:
            drafts.revise(connection, drafts.get(connection, 1), reply="Other words.", proved=True, by="tom", now=NOW)

        ended = run("drafts", "approve", "1", "--revision", "1")

        assert ended.code == 7
        assert "tom changed the text of draft 1" in ended.err

    def test_a_rejection_without_a_reason_lists_the_codes(self, run: Run, store: Store) -> None:
        draft(store)

        ended = run("drafts", "reject", "1")

        assert ended.code == 2
        assert all(reason.value in ended.err for reason in RejectReason)
        assert run("drafts", "reject", "1", "--reason", "boring").code == 2
        assert current(store, 1).state is DraftState.PENDING

    def test_a_draft_can_be_dropped(self, run: Run, store: Store) -> None:
        draft(store)

        assert run("drafts", "drop", "1", "--note", "solved in chat").code == 0
        assert current(store, 1).state is DraftState.DROPPED

    def test_only_a_failed_draft_can_be_tried_again(self, run: Run, store: Store) -> None:
        draft(store)

        ended = run("drafts", "retry", "1")

        assert (ended.code, "only a failed one" in ended.err) == (7, True)

    def test_taking_a_reply_back_needs_a_forum_in_the_settings(self, run: Run, store: Store) -> None:
        draft(store)

        ended = run("drafts", "withdraw", "1")

        assert (ended.code, "forum.url" in ended.err) == (2, True)


class TestEditing:
    def test_what_was_saved_in_the_editor_is_the_next_revision(
        self, run: Run, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        draft(store)
        write_editor(tmp_path / "editor", "sed -i 's/a single number/one number/' \"$1\"", monkeypatch)

        ended = run("drafts", "edit", "1")

        assert (ended.code, ended.out) == (0, "Draft 1 has revision 2 now.\n")
        kept = current(store, 1)
        assert kept.reply == shown(MENDED).replace("a single number", "one number").rstrip()
        assert kept.proved
        assert kept.claimed_by is None
        with store.reading() as connection:
            assert revisions.newest(connection, 1).by == "mei"

    def test_changed_code_is_said_to_need_a_proof(
        self, run: Run, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        draft(store)
        write_editor(tmp_path / "editor", "sed -i 's/sum()/mean()/' \"$1\"", monkeypatch)

        assert "cannot be approved" in run("drafts", "edit", "1").out
        ended = run("drafts", "approve", "1")
        assert (ended.code, current(store, 1).state) == (7, DraftState.PENDING)

    @pytest.mark.parametrize("script", ["true", 'touch -d "2001-01-01" "$1"', 'cp "$1" "$1.same"; mv "$1.same" "$1"'])
    def test_leaving_the_text_alone_changes_nothing(
        self, run: Run, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
    ) -> None:
        draft(store)
        write_editor(tmp_path / "editor", script, monkeypatch)

        ended = run("drafts", "edit", "1")

        assert (ended.code, ended.out) == (0, "Draft 1 is unchanged.\n")
        assert current(store, 1).revision == 1

    @pytest.mark.parametrize("editor", ["fails", "/no/such/editor"])
    def test_an_editor_that_fails_changes_nothing_and_frees_the_draft(
        self, run: Run, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, editor: str
    ) -> None:
        draft(store)
        write_editor(tmp_path / "editor", "exit 3", monkeypatch)
        if editor != "fails":
            monkeypatch.setenv("EDITOR", editor)

        ended = run("drafts", "edit", "1")

        assert (ended.code, "$EDITOR" in ended.err) == (2, True)
        assert (current(store, 1).revision, current(store, 1).claimed_by) == (1, None)

    def test_an_emptied_text_is_refused(
        self, run: Run, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        draft(store)
        write_editor(tmp_path / "editor", 'echo " " > "$1"', monkeypatch)

        ended = run("drafts", "edit", "1")

        assert (ended.code, "cannot be empty" in ended.err) == (2, True)

    def test_nobody_else_can_decide_while_the_editor_is_open(
        self, run: Run, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        draft(store)
        said = tmp_path / "said"
        other = f"{sys.executable} -m bot --data {tmp_path / 'data'} drafts approve 1 --as tom"
        write_editor(tmp_path / "editor", f'{other} 2> {said}; echo "$?" >> {said}', monkeypatch)

        run("drafts", "edit", "1")

        assert "mei has draft 1 in hand" in said.read_text(encoding="utf-8")
        assert said.read_text(encoding="utf-8").splitlines()[-1] == "7"
