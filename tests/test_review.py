from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot import review
from bot.domain.diagnosis import CheckState
from bot.domain.draft import Draft, DraftState, RejectReason
from bot.errors import (
    AlreadyDecided,
    BadInput,
    ClaimedByOther,
    NotFound,
    ProofMissing,
    QuestionChanged,
    WrongState,
)
from bot.settings import ReviewSettings
from bot.store import answers, decisions, drafts, revisions
from bot.store.engine import Store
from tests.review_examples import (
    ASKED,
    GRACE,
    MENDED,
    NOON,
    REVIEW,
    answer,
    approved,
    current,
    draft,
    example,
    post,
    question,
    shown,
    silence,
)

EDITED = MENDED.replace("sum", "mean")


def approve(store: Store, waiting: Draft, *, by: str = "mei") -> Draft:
    with store.writing() as connection:
        return review.approve(connection, waiting.id, revision=waiting.revision, by=by, now=NOON, settings=REVIEW)


def reject(store: Store, waiting: Draft, *, by: str = "mei", revision: int | None = None) -> Draft:
    with store.writing() as connection:
        return review.reject(
            connection,
            waiting.id,
            revision=revision or waiting.revision,
            reason=RejectReason.WRONG_CODE,
            note="the sum changes the gradient",
            by=by,
            now=NOON,
        )


def edit(store: Store, waiting: Draft, reply: str, *, by: str = "mei") -> Draft:
    with store.writing() as connection:
        return review.edit(connection, waiting.id, revision=waiting.revision, reply=reply, by=by, now=NOON)


def undo(store: Store, decided: Draft, *, later: timedelta = timedelta(seconds=10), by: str = "mei") -> Draft:
    with store.writing() as connection:
        return review.undo(connection, decided.id, by=by, now=NOON + later, settings=REVIEW)


class TestAnswers:
    def test_an_answer_with_a_reply_waits_as_a_draft(self, store: Store) -> None:
        waiting = draft(store)

        assert (waiting.state, waiting.revision, waiting.proved) == (DraftState.PENDING, 1, True)
        assert (waiting.post_id, waiting.topic_title, waiting.asker) == ("11", "backward() of a vector", "asker")
        assert waiting.reply == shown(MENDED)

    def test_a_silent_answer_is_kept_with_its_reason_and_makes_no_draft(self, store: Store) -> None:
        with store.writing() as connection:
            assert review.save_answer(connection, question(), silence("thanks"), NOON) is None

            kept = answers.latest(connection, "11")
            assert kept is not None
            assert kept["reason"] == "thanks"
            assert drafts.of_post(connection, "11") is None

    def test_a_text_that_was_looked_at_is_known_and_an_edited_one_is_not(self, store: Store) -> None:
        with store.writing() as connection:
            review.save_answer(connection, question(), silence(), NOON)

            assert answers.already_answered(connection, "11", post().sha256)
            assert not answers.already_answered(connection, "11", post("edited").sha256)
            assert not answers.already_answered(connection, "12", post().sha256)

    def test_an_edited_question_replaces_the_waiting_draft(self, store: Store) -> None:
        waiting = draft(store)

        renewed = draft(store, of=answer(EDITED), asked=question(post("edited")))

        assert (renewed.id, renewed.state, renewed.revision) == (waiting.id, DraftState.PENDING, 2)
        assert renewed.reply == shown(EDITED)
        assert renewed.question_sha256 == post("edited").sha256
        with store.reading() as connection:
            changes = [(one.before, one.after) for one in decisions.of_draft(connection, waiting.id)]
        assert changes == [
            (DraftState.PENDING, DraftState.STALE),
            (DraftState.STALE, DraftState.PENDING),
        ]

    def test_an_approval_does_not_outlive_an_edit_of_the_question(self, store: Store) -> None:
        before = approved(store)

        renewed = draft(store, asked=question(post("edited")))

        assert (renewed.id, renewed.state) == (before.id, DraftState.PENDING)

    def test_a_question_edited_into_something_else_leaves_a_stale_draft(self, store: Store) -> None:
        waiting = draft(store)

        with store.writing() as connection:
            assert review.save_answer(connection, question(post("never mind")), silence(), NOON) is None

        assert current(store, waiting.id).state is DraftState.STALE

    def test_answering_the_same_text_again_leaves_the_draft_alone(self, store: Store) -> None:
        edited = edit(store, draft(store), "Call `.sum()` first, please.")

        with store.writing() as connection:
            assert review.save_answer(connection, question(), answer(EDITED), NOON) is None

        assert current(store, edited.id) == edited

    def test_a_posted_question_gets_no_second_draft(self, store: Store) -> None:
        taken = approved(store)
        with store.writing() as connection:
            taken = drafts.change(connection, taken, to=DraftState.PUBLISHING, by="bot", now=NOON)
            drafts.change(connection, taken, to=DraftState.POSTED, by="bot", now=NOON)

            assert review.save_answer(connection, question(post("edited")), answer(), NOON) is None

    def test_a_rejected_draft_does_not_stand_in_the_way_of_a_new_one(self, store: Store) -> None:
        rejected = reject(store, draft(store))

        renewed = draft(store, asked=question(post("edited")))

        assert renewed.id != rejected.id
        with pytest.raises(WrongState, match="answered anew"):
            undo(store, rejected)

    def test_half_a_surrogate_pair_from_a_stranger_can_be_kept(self, store: Store) -> None:
        waiting = draft(store, asked=question(post("x = '\ud800' \0")))

        assert waiting.question == "x = '?' \N{REPLACEMENT CHARACTER}"

    def test_a_reply_that_only_asks_for_the_code_has_no_confusion(self, store: Store) -> None:
        waiting = draft(store, of=replace(example("Could you show the code?"), diagnosis=None))

        assert (waiting.confusion, waiting.confidence, waiting.proved) == ("", 0.0, True)


class TestDecisions:
    def test_an_approved_draft_is_due_when_the_grace_time_is_over(self, store: Store) -> None:
        decided = approve(store, draft(store))

        assert (decided.state, decided.post_after) == (DraftState.APPROVED, NOON + GRACE)
        assert current(store, decided.id) == decided

    def test_a_decision_is_written_down_with_name_reason_and_note(self, store: Store) -> None:
        rejected = reject(store, draft(store))

        with store.reading() as connection:
            (kept,) = decisions.of_draft(connection, rejected.id)
        assert (kept.by, kept.at, kept.before, kept.after) == ("mei", NOON, DraftState.PENDING, DraftState.REJECTED)
        assert (kept.reason, kept.note) == (RejectReason.WRONG_CODE, "the sum changes the gradient")

    def test_the_second_moderator_is_told_who_was_first(self, store: Store) -> None:
        waiting = draft(store)
        approve(store, waiting, by="mei")

        with pytest.raises(AlreadyDecided, match="mei made draft 1 approved"):
            reject(store, waiting, by="tom")
        with pytest.raises(AlreadyDecided, match="mei"):
            edit(store, waiting, "A better text.", by="tom")

        assert current(store, waiting.id).state is DraftState.APPROVED

    def test_nobody_decides_about_a_text_that_changed_meanwhile(self, store: Store) -> None:
        waiting = draft(store)
        edit(store, waiting, "A better text.", by="mei")

        with pytest.raises(AlreadyDecided, match="mei changed the text"):
            approve(store, waiting, by="tom")

    def test_a_decision_needs_a_persons_name(self, store: Store) -> None:
        waiting = draft(store)

        for nobody in ("", "  ", "bot"):
            with pytest.raises(BadInput, match="--as NAME"):
                approve(store, waiting, by=nobody)

    def test_an_unknown_draft_is_said_to_be_unknown(self, store: Store) -> None:
        with store.writing() as connection, pytest.raises(NotFound, match="draft 99"):
            review.release(connection, 99, by="mei", now=NOON)

    def test_a_state_and_its_audit_row_are_written_together_or_not_at_all(self, store: Store) -> None:
        waiting = draft(store)

        def approve_and_fall_over() -> None:
            with store.writing() as connection:
                review.approve(connection, waiting.id, revision=1, by="mei", now=NOON, settings=REVIEW)
                raise RuntimeError("the power went out")

        with pytest.raises(RuntimeError):
            approve_and_fall_over()

        assert current(store, waiting.id).state is DraftState.PENDING
        with store.reading() as connection:
            assert decisions.of_draft(connection, waiting.id) == []


class TestUndo:
    def test_a_decision_can_be_undone_within_the_grace_time(self, store: Store) -> None:
        assert undo(store, approve(store, draft(store))).state is DraftState.PENDING
        assert undo(store, reject(store, current(store, 1))).state is DraftState.PENDING

    def test_after_the_grace_time_it_cannot(self, store: Store) -> None:
        decided = approve(store, draft(store))

        with pytest.raises(WrongState, match="time to undo is over"):
            undo(store, decided, later=GRACE + timedelta(seconds=1))

    def test_a_waiting_draft_has_nothing_to_undo(self, store: Store) -> None:
        with pytest.raises(WrongState, match="no decision to undo"):
            undo(store, draft(store))


class TestEditing:
    def test_every_text_is_kept_with_its_author(self, store: Store) -> None:
        edited = edit(store, draft(store), "Call `.sum()` first, please.")

        assert (edited.revision, edited.reply) == (2, "Call `.sum()` first, please.")
        with store.reading() as connection:
            texts = revisions.of_draft(connection, edited.id)
        assert [(one.number, one.by) for one in texts] == [(1, "bot"), (2, "mei")]
        assert texts[0].reply == shown(MENDED)

    def test_words_may_change_while_the_code_stays_proved(self, store: Store) -> None:
        edited = edit(store, draft(store), "Kinder words.\n\n" + shown(MENDED))

        assert edited.proved
        assert approve(store, edited).state is DraftState.APPROVED

    def test_edited_code_cannot_be_approved(self, store: Store) -> None:
        edited = edit(store, draft(store), shown(EDITED))

        assert not edited.proved
        with pytest.raises(ProofMissing):
            approve(store, edited)

    def test_taking_the_code_out_makes_it_approvable(self, store: Store) -> None:
        edited = edit(store, edit(store, draft(store), shown(EDITED)), "Call `.sum()` first, please.")

        assert approve(store, edited).state is DraftState.APPROVED

    def test_going_back_to_the_proved_code_makes_it_approvable(self, store: Store) -> None:
        edited = edit(store, edit(store, draft(store), shown(EDITED)), shown(MENDED))

        assert edited.proved

    def test_printed_output_is_not_code(self, store: Store) -> None:
        edited = edit(store, draft(store), shown(MENDED) + "\nIt prints\n\n```text\ntensor([0., 2., 4.])\n```\n")

        assert edited.proved

    @pytest.mark.parametrize(
        "reply",
        [
            shown(EDITED, language=""),
            shown(EDITED, language="py"),
            "Try\n\n~~~~python\nimport os\n~~~~",
            "Try\n\n    import os\n    os.abort()\n",
            "> ```python\n> import os\n> ```",
            "1. first\n\n   ```python\n   import os\n   ```",
            '[details="Why"]\n\n```python\nimport os\n```\n\n[/details]',
            shown(MENDED) + "\nor\n\n" + shown(EDITED),
        ],
    )
    def test_code_is_found_wherever_it_stands(self, store: Store, reply: str) -> None:
        assert not edit(store, draft(store), reply).proved

    def test_an_unchanged_text_makes_no_revision(self, store: Store) -> None:
        waiting = draft(store)

        assert edit(store, waiting, waiting.reply + "\n\n") == waiting

    def test_an_empty_or_endless_reply_is_refused(self, store: Store) -> None:
        waiting = draft(store)

        with pytest.raises(BadInput, match="cannot be empty"):
            edit(store, waiting, " \n")
        with pytest.raises(BadInput, match="the forum takes 32000"):
            edit(store, waiting, "x" * 32_001)

    def test_a_draft_without_a_repair_keeps_its_own_example(self, store: Store) -> None:
        waiting = draft(store, of=example(shown(ASKED)))

        assert waiting.proved
        assert edit(store, waiting, "So:\n\n" + shown(ASKED)).proved
        assert not edit(store, current(store, waiting.id), shown(EDITED)).proved

    def test_a_repair_whose_proof_failed_cannot_be_approved(self, store: Store) -> None:
        waiting = draft(store, of=answer(gone=CheckState.NO))

        with pytest.raises(ProofMissing):
            approve(store, waiting)


class TestProvingAgain:
    def test_edited_code_that_was_run_again_can_be_approved(self, store: Store) -> None:
        edited = edit(store, draft(store), shown(EDITED))

        with store.writing() as connection:
            proved = review.reprove(connection, edited.id, revision=2, answer=answer(EDITED), by="mei", now=NOON)

        assert proved.proved
        assert proved.reply == edited.reply
        assert '"code": "import torch' in proved.record
        assert approve(store, proved).state is DraftState.APPROVED

    @pytest.mark.parametrize("again", [answer(EDITED, gone=CheckState.NO), answer("import os\n")])
    def test_a_proof_that_fails_or_is_for_other_code_changes_nothing(self, store: Store, again) -> None:
        edited = edit(store, draft(store), shown(EDITED))

        with store.writing() as connection:
            kept = review.reprove(connection, edited.id, revision=2, answer=again, by="mei", now=NOON)

        assert not kept.proved
        with pytest.raises(ProofMissing):
            approve(store, kept)

    def test_a_proof_for_an_older_text_is_refused(self, store: Store) -> None:
        edited = edit(store, draft(store), shown(EDITED))
        edit(store, edited, "No code at all.", by="tom")

        with store.writing() as connection, pytest.raises(AlreadyDecided, match="tom"):
            review.reprove(connection, edited.id, revision=2, answer=answer(EDITED), by="mei", now=NOON)


class TestClaims:
    def test_a_claimed_draft_is_left_to_its_moderator(self, store: Store) -> None:
        waiting = draft(store)
        with store.writing() as connection:
            review.claim(connection, waiting.id, by="mei", now=NOON, settings=REVIEW)

        with pytest.raises(ClaimedByOther, match="mei has draft 1 in hand until 12:20:00"):
            approve(store, waiting, by="tom")
        assert approve(store, waiting, by="mei").claimed_by is None

    def test_a_claim_ends_by_itself(self, store: Store) -> None:
        waiting = draft(store)
        with store.writing() as connection:
            review.claim(connection, waiting.id, by="mei", now=NOON, settings=REVIEW)

            later = NOON + timedelta(minutes=REVIEW.claim_minutes)
            taken = review.claim(connection, waiting.id, by="tom", now=later, settings=REVIEW)

        assert taken.claimed_by == "tom"

    def test_a_released_draft_is_free_for_all(self, store: Store) -> None:
        waiting = draft(store)
        with store.writing() as connection:
            review.claim(connection, waiting.id, by="mei", now=NOON, settings=REVIEW)
            with pytest.raises(ClaimedByOther):
                review.release(connection, waiting.id, by="tom", now=NOON)
            review.release(connection, waiting.id, by="mei", now=NOON)

        assert approve(store, waiting, by="tom").state is DraftState.APPROVED


class TestStaleAndOld:
    def test_a_stale_draft_says_why_and_can_be_answered_anew(self, store: Store) -> None:
        waiting = draft(store)
        with store.writing() as connection:
            review.mark_stale(connection, waiting.id, note="the topic was closed", now=NOON)

        with pytest.raises(QuestionChanged, match="the topic was closed"):
            approve(store, waiting)
        with store.writing() as connection:
            renewed = review.redraft(
                connection,
                waiting.id,
                question=question(post("edited")),
                answer=answer(EDITED),
                by="mei",
                now=NOON,
            )

        assert (renewed.state, renewed.revision, renewed.proved) == (DraftState.PENDING, 2, True)
        assert renewed.reply == shown(EDITED)

    def test_another_diagnosis_replaces_the_text_of_a_waiting_draft(self, store: Store) -> None:
        waiting = draft(store)
        with store.writing() as connection:
            renewed = review.redraft(
                connection, waiting.id, question=question(), answer=answer(EDITED), by="mei", now=NOON
            )

        assert (renewed.reply, renewed.revision) == (shown(EDITED), 2)

    def test_a_question_that_needs_no_answer_any_more_cannot_be_answered_anew(self, store: Store) -> None:
        waiting = draft(store)

        with store.writing() as connection, pytest.raises(WrongState, match="thanks"):
            review.redraft(connection, waiting.id, question=question(), answer=silence(), by="mei", now=NOON)

    def test_drafts_that_nobody_decided_are_dropped_after_their_time(self, store: Store) -> None:
        waiting = draft(store)
        settings = ReviewSettings(draft_days=2)

        with store.writing() as connection:
            assert review.drop_old(connection, now=NOON + timedelta(days=2), settings=settings) == 0
            assert review.drop_old(connection, now=NOON + timedelta(days=2, seconds=1), settings=settings) == 1

        assert current(store, waiting.id).state is DraftState.DROPPED

    def test_a_failed_draft_can_be_tried_again_or_dropped(self, store: Store) -> None:
        taken = approved(store)
        with store.writing() as connection:
            taken = drafts.change(connection, taken, to=DraftState.PUBLISHING, by="bot", now=NOON)
            drafts.change(connection, taken, to=DraftState.FAILED, by="bot", now=NOON)
            again = review.retry(connection, taken.id, by="mei", now=NOON, settings=REVIEW)
            assert (again.state, again.post_after) == (DraftState.APPROVED, NOON + GRACE)

    def test_only_a_failed_draft_is_tried_again(self, store: Store) -> None:
        waiting = draft(store)

        with store.writing() as connection, pytest.raises(WrongState, match="pending"):
            review.retry(connection, waiting.id, by="mei", now=NOON, settings=REVIEW)

    def test_a_posted_draft_cannot_be_dropped(self, store: Store) -> None:
        decided = approved(store)

        with store.writing() as connection, pytest.raises(WrongState, match="cannot become dropped"):
            review.drop(connection, decided.id, by="mei", now=NOON)
