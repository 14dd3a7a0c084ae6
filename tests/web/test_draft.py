"""A draft's page, and deciding about it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from sqlalchemy import text

from bot import review
from bot.domain.diagnosis import Check, CheckState, Diagnosis, Evidence
from bot.domain.draft import DraftState
from bot.domain.post import Question
from bot.domain.run import Echo, Facts, Outcome, Run, RunError, RunWarning
from bot.domain.snippet import Assumption, AssumptionKind, Origin, QuotedError, Snippet
from bot.domain.tape import BackwardCall, Event, NamedTensor, Tape, TensorState
from bot.settings import ForumSettings, PublishSettings, Settings
from bot.store import drafts, posts
from bot.store.engine import Store
from bot.web.sessions import Role
from tests import review_examples as examples
from tests.review_examples import ASKED, NOON
from tests.unreliable import HandClock
from tests.web.visitors import Page, make_site, open_page, texts


def tensor(serial: int, *, leaf: bool, grad_fn: str | None = None) -> TensorState:
    return TensorState(
        serial=serial,
        shape=(3,),
        dtype="float32",
        leaf=leaf,
        requires_grad=True,
        grad_fn=grad_fn,
        version=0,
        grad="none",
    )


def before() -> Run:
    """The asker's program as the sandbox saw it."""
    x, y = tensor(1, leaf=True), tensor(2, leaf=False, grad_fn="MulBackward0")
    reached = BackwardCall(
        roots=(2,), inputs=(), leaves=(1,), nodes=(), retain_graph=False, create_graph=False, weights="given"
    )
    return Run(
        outcome=Outcome.RAISED,
        facts=Facts(layers=("bwrap", "seccomp:135"), seconds=0.02),
        error=RunError(type="RuntimeError", message="grad can be implicitly created only for scalar outputs", line=3),
        warnings=(RunWarning(category="UserWarning", message="a warning at two", line=2),),
        echoes=(Echo(line=2, text="tensor([0., 1., 2.])"),),
        prints=(Echo(line=1, text="printed at one\n"),),
        stderr="something on stderr",
        tape=Tape(
            events=(
                Event(index=0, line=2, op="torch.arange", outputs=(x,)),
                Event(index=1, line=3, op="Tensor.mul", inputs=(x, x), outputs=(y,)),
                Event(index=2, line=3, op="Tensor.backward", inputs=(y,), error="not a scalar"),
                Event(index=3, line=3, op="Tensor.backward", inputs=(y,), backward=reached),
            ),
            finals=(NamedTensor(name="x", state=x, value="tensor([0., 1., 2.])", grad=None),),
        ),
        torch_version="2.13.0+cpu",
    )


def whole_answer() -> object:
    """An answer with every kind of evidence."""
    shown = Diagnosis(
        confusion="non_scalar_backward",
        evidence=(Evidence(word="root", text="`backward()` starts from 3 numbers", line=3),),
        confidence=0.87,
        ran=True,
        error_line=3,
        same_error=False,
        also=("non_leaf_grad",),
    )
    assumption = Assumption(kind=AssumptionKind.ADDED_IMPORT, text="`import torch` was added", line=1)
    return replace(
        examples.answer(),
        snippet=Snippet(
            code=ASKED,
            origins=(Origin(source="added"), Origin(source="post 1", line=4), Origin(source="post 1", line=5)),
            assumptions=(assumption,),
        ),
        before=before(),
        after=replace(before(), outcome=Outcome.FINISHED, error=None),
        reported_error=QuotedError(message="another message", type="ValueError"),
        diagnosis=shown,
    )


@pytest.fixture
def waiting(page: Page) -> Page:
    """One draft with every kind of evidence, which leans on an earlier post."""
    earlier = replace(examples.post("The *earlier* post."), id="10", author="teacher")
    asked = Question(
        post=replace(examples.post(), number=2, reply_to=1), title="backward() of a vector", earlier=(earlier,)
    )
    examples.draft(page.site.store, of=whole_answer(), asked=asked)  # type: ignore[arg-type]
    return page


def said(page: Page, path: str = "/drafts/1") -> str:
    return texts(page.visitor().get(path).text)


def state(page: Page, draft_id: int = 1) -> DraftState:
    return examples.current(page.site.store, draft_id).state


def test_the_post_is_shown_with_what_it_leans_on_and_a_link_to_the_forum(waiting: Page) -> None:
    html = waiting.visitor().get("/drafts/1").text

    assert "Why does this fail?" in html
    assert "The <em>earlier</em> post." in html
    assert 'href="https://forum.example.org/t/5/2"' in html


@pytest.mark.parametrize(
    "words",
    [
        "87 %",
        "Told from what the code did when it was run.",
        "backward() starts from 3 numbers line 3",
        "the post says ValueError: another message",
        "the run says RuntimeError: grad can be implicitly created only for scalar outputs",
        "the reported error did not occur",
        "added import import torch was added line 1",
        "1 import torch added assumption ~ import torch was added printed › printed at one",
        "value → tensor([0., 1., 2.])",
        "warning ! a warning at two",
        "error ✗ RuntimeError: grad can be implicitly",
        "torch 2.13.0+cpu",
        "something on stderr",
        "bwrap, seccomp:135",
        "Tape: 4 torch calls",
        "arange",
        "Tensors at the end: 1 name shape dtype leaf? grad_fn .grad value x (3,) float32 leaf · requires grad",
        "Picture of the graph",
        "✓ yes The error is gone",
        "fix: sum",
        "Proof holds",
    ],
)
def test_the_evidence_is_shown(waiting: Page, words: str) -> None:
    assert words in said(waiting)


def in_sentences_of_the_program() -> object:
    """An answer whose evidence is said in sentences that the program has for it."""
    whole = whole_answer()
    gone = Check(state=CheckState.YES, why="the repaired program runs to its end", numbers={"compared": 7})
    return replace(
        whole,  # type: ignore[type-var]
        diagnosis=replace(
            whole.diagnosis,  # type: ignore[attr-defined]
            evidence=(
                Evidence(word="error_line_calls", text="the failing line calls backward()", line=3),
                Evidence(word="message", text="x read as y", line=3),
            ),
        ),
        snippet=replace(
            whole.snippet,  # type: ignore[attr-defined]
            assumptions=(Assumption(kind=AssumptionKind.ADDED_IMPORT, text="added: import torch", line=1),),
        ),
        proof=replace(whole.proof, error_gone=gone),  # type: ignore[attr-defined]
    )


@pytest.mark.parametrize(
    "words",
    [
        "报错的一行调用了 backward() 第 3 行",
        "补上的导入 补上：import torch 第 1 行",
        "1 import torch 补上 假设 ~ 补上：import torch",
        "依据 • 报错的一行调用了 backward()",
        "✓ 是 错误已消失 改好的程序运行到了结束 比较个数 7",
        "到达 1 个叶子",
        "叶子 · 3",
    ],
)
def test_the_evidence_is_shown_in_chinese(page: Page, words: str) -> None:
    examples.draft(page.site.store, of=in_sentences_of_the_program())  # type: ignore[arg-type]

    assert words in said(page, "/drafts/1?lang=zh")


def test_a_line_that_the_evidence_names_itself_is_not_said_twice(page: Page) -> None:
    whole = whole_answer()
    evidence = (Evidence(word="changes_leaf", text="line 3 changes a leaf in place", line=3),)
    examples.draft(page.site.store, of=replace(whole, diagnosis=replace(whole.diagnosis, evidence=evidence)))  # type: ignore

    assert "line 3 changes a leaf in place Reported" in said(page)
    assert "第 3 行原地修改了叶子张量 帖子里的报错" in said(page, "/drafts/1?lang=zh")


def test_what_torch_said_is_shown_as_it_said_it(page: Page) -> None:
    examples.draft(page.site.store, of=in_sentences_of_the_program())  # type: ignore[arg-type]

    assert "x read as y 第 3 行" in said(page, "/drafts/1?lang=zh")


def test_who_was_first_is_said_in_the_language_of_the_page(waiting: Page) -> None:
    waiting.visitor(name="raj").post("/drafts/1/reject", revision=1, reason="tone")

    refused = waiting.visitor(name="mei").post("/drafts/1/approve?lang=zh", revision=1)

    assert refused.status_code == 409
    assert "raj 在 2026-03-02 12:00:00 UTC 处理了草稿 1，现在的状态：已拒绝。" in texts(refused.text)


def test_what_changed_in_the_code_is_shown_line_by_line(waiting: Page) -> None:
    html = waiting.visitor().get("/drafts/1").text

    assert '<tr class="gone"><td class="n">3</td>' in html
    assert '<tr class="new"><td class="n"></td><td class="n">3</td>' in html


def test_a_record_of_an_older_version_is_shown_with_what_it_has(waiting: Page) -> None:
    with waiting.site.store.reading() as connection:
        record = json.loads(drafts.get(connection, 1).record)
    for left_out in (
        {"evidence": None},
        {"evidence": {}, "proof": None, "repair": None},
        {"snippet": None, "before": None},
    ):
        record |= left_out
        with waiting.site.store.writing() as connection:
            connection.execute(text("UPDATE answers SET record = :record"), {"record": json.dumps(record)})
        assert "Why does this fail?" in said(waiting)


def test_approving_leads_to_the_next_draft_and_can_be_undone(waiting: Page, clock: HandClock) -> None:
    second = examples.draft(waiting.site.store, asked=examples.question(replace(examples.post(), id="12"))).id
    visitor = waiting.visitor()

    answer = visitor.post("/drafts/1/approve", revision=1, query="order=surest")

    assert answer.headers["location"] == f"/drafts/{second}?order=surest&done=1"
    assert state(waiting) is DraftState.APPROVED
    page = visitor.get(answer.headers["location"]).text
    assert "Approved: backward() of a vector" in texts(page)
    assert 'action="/drafts/1/undo"' in page
    assert visitor.post("/drafts/1/undo").headers["location"] == "/drafts/1"
    assert state(waiting) is DraftState.PENDING


def test_after_the_grace_time_nothing_can_be_undone(waiting: Page, clock: HandClock) -> None:
    visitor = waiting.visitor()
    visitor.post("/drafts/1/approve", revision=1)
    clock.advance(61)

    assert 'action="/drafts/1/undo"' not in visitor.get("/?done=1").text
    answer = visitor.post("/drafts/1/undo")
    assert answer.status_code == 409
    assert "The time to undo is over" in texts(answer.text)
    assert state(waiting) is DraftState.APPROVED


def test_the_last_draft_leads_back_to_the_queue(waiting: Page) -> None:
    answer = waiting.visitor().post("/drafts/1/approve", revision=1, query="language=en")

    assert answer.headers["location"] == "/?language=en&done=1"


def test_rejecting_keeps_the_reason_and_the_note(waiting: Page) -> None:
    visitor = waiting.visitor()
    visitor.post("/drafts/1/reject", revision=1, reason="unclear", note=" too terse ")

    assert state(waiting) is DraftState.REJECTED
    assert "Rejected by mei. Right, but badly explained too terse" in said(waiting)
    assert "waiting → rejected revision 1 Right, but badly explained too terse" in said(waiting, "/drafts/1/history")


@pytest.mark.parametrize(
    "form", [{}, {"revision": 1}, {"revision": 1, "reason": "because"}, {"reason": "tone", "revision": "x"}]
)
def test_a_rejection_without_a_known_reason_is_not_understood(waiting: Page, form: dict[str, object]) -> None:
    assert waiting.visitor().post("/drafts/1/reject", **form).status_code == 422
    assert state(waiting) is DraftState.PENDING


def test_the_second_of_two_is_told_who_was_first(waiting: Page) -> None:
    mei, raj = waiting.visitor(), waiting.visitor(name="raj", external_id="8")
    mei.post("/drafts/1/approve", revision=1)

    answer = raj.post("/drafts/1/reject", revision=1, reason="tone")

    assert answer.status_code == 409
    assert "mei made draft 1 approved at 2026-03-02 12:00:00 UTC" in texts(answer.text)
    assert state(waiting) is DraftState.APPROVED


def test_the_second_of_two_sees_what_the_first_changed(waiting: Page) -> None:
    raj = waiting.visitor(name="raj", external_id="8")
    with waiting.site.store.writing() as connection:
        reply = drafts.get(connection, 1).reply.replace("a single number", "exactly one number")
        review.edit(connection, 1, revision=1, reply=reply, by="mei", now=NOON)

    answer = raj.post("/drafts/1/approve", revision=1)

    assert answer.status_code == 409
    shown = texts(answer.text)
    assert "mei changed the text of draft 1" in shown
    assert "What changed since you read it:" in shown
    assert "exactly one number" in shown
    assert state(waiting) is DraftState.PENDING
    assert raj.post("/drafts/1/approve", revision=2).status_code == 303


def test_a_claimed_draft_is_kept_from_others(waiting: Page, clock: HandClock) -> None:
    mei, raj = waiting.visitor(), waiting.visitor(name="raj", external_id="8")
    assert mei.post("/drafts/1/claim").headers["location"] == "/drafts/1"

    assert "mei has this draft in hand" in texts(raj.get("/drafts/1").text)
    assert raj.post("/drafts/1/approve", revision=1).status_code == 409
    assert raj.post("/drafts/1/release").status_code == 409
    mei.post("/drafts/1/release")
    assert raj.post("/drafts/1/approve", revision=1).status_code == 303


def test_who_has_a_draft_in_hand_sees_until_when(waiting: Page, clock: HandClock) -> None:
    mei = waiting.visitor()
    mei.post("/drafts/1/claim")

    assert "waiting yours until 12:20 UTC" in texts(mei.get("/drafts/1").text)
    clock.advance(20 * 60)
    assert "yours until" not in texts(mei.get("/drafts/1").text)


def test_skipping_leaves_the_draft_and_passes_over_what_others_have_in_hand(waiting: Page) -> None:
    for number in ("12", "13"):
        examples.draft(waiting.site.store, asked=examples.question(replace(examples.post(), id=number)))
    waiting.visitor(name="raj", external_id="8").post("/drafts/2/claim")
    visitor = waiting.visitor()

    assert visitor.get("/drafts/1/next?order=oldest").headers["location"] == "/drafts/3?order=oldest"
    assert visitor.get("/drafts/3/next").headers["location"] == "/drafts/1"
    assert visitor.get("/drafts/99/next").headers["location"] == "/drafts/1"
    assert state(waiting) is DraftState.PENDING


def test_a_draft_whose_question_was_edited_says_so_and_cannot_be_approved(waiting: Page) -> None:
    changed = replace(examples.post("Never mind, it works now."), id="11")
    with waiting.site.store.writing() as connection:
        posts.wait(connection, changed, due_at=NOON, now=NOON)

    assert "The question was edited after this draft was made." in said(waiting)
    answer = waiting.visitor().post("/drafts/1/approve", revision=1)
    assert answer.status_code == 409
    assert "Answer it anew" in texts(answer.text)
    assert state(waiting) is DraftState.PENDING


def test_a_stale_draft_says_why(waiting: Page) -> None:
    with waiting.site.store.writing() as connection:
        review.mark_stale(connection, 1, note="the topic has an accepted answer", now=NOON)

    assert "The question has changed: the topic has an accepted answer" in said(waiting)
    assert waiting.visitor().post("/drafts/1/approve", revision=1).status_code == 409
    waiting.visitor().post("/drafts/1/drop", note="not wanted")
    assert state(waiting) is DraftState.DROPPED


def test_code_without_a_proof_cannot_be_approved(waiting: Page) -> None:
    with waiting.site.store.writing() as connection:
        review.edit(connection, 1, revision=1, reply=examples.shown("print(2)\n"), by="mei", now=NOON)

    assert "Its code has no proof." in said(waiting)
    assert "✗ no this is for other code" in said(waiting)
    assert "Proof does not hold" in said(waiting)
    answer = waiting.visitor().post("/drafts/1/approve", revision=2)
    assert answer.status_code == 409
    assert "not run again" in texts(answer.text)


def test_a_shadow_run_says_that_nothing_is_posted(store: Store, clock: HandClock) -> None:
    settings = Settings(publish=PublishSettings(enabled=False), forum=ForumSettings())
    page = open_page(make_site(store, clock, settings=settings))
    examples.draft(store)
    visitor = page.visitor()
    visitor.post("/drafts/1/approve", revision=1)

    assert "This is a shadow run" in texts(visitor.get("/?done=1").text)


@pytest.mark.parametrize(
    "path",
    ["/drafts/99", "/drafts/99/history", "/drafts/99/edit", "/drafts/2147483647", "/knowledge/nothing", "/nothing"],
)
def test_what_is_not_there_is_not_found(waiting: Page, path: str) -> None:
    assert waiting.visitor().get(path).status_code == 404


@pytest.mark.parametrize("number", ["0", "-1", "x", "1.5", "99999999999999999999", "%00", "1'--"])
def test_what_is_no_number_is_not_understood(waiting: Page, number: str) -> None:
    assert waiting.visitor().get(f"/drafts/{number}").status_code in (404, 422)


def test_a_reader_sees_everything_and_no_button(waiting: Page) -> None:
    html = waiting.visitor(Role.READER).get("/drafts/1").text

    assert "deciding is for reviewers" in texts(html)
    assert html.count("<form") == 2  # signing out, and closing the list of keys
