"""Editing a reply, running its code again, choosing another fix or diagnosis: in the real sandbox."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from bot import review
from bot.domain.draft import Draft, DraftState
from bot.domain.post import Attachment, Language, Post, Question, Topic
from bot.forum.memory import ArchiveForum
from bot.pipeline import Pipeline, pipeline
from bot.sandbox.open import open_sandbox
from bot.settings import Settings
from bot.store import drafts, revisions
from bot.store.engine import Store
from tests import review_examples as examples
from tests.review_examples import NOON
from tests.unreliable import HandClock
from tests.web.visitors import Page, Visitor, make_site, open_page, texts

pytestmark = [pytest.mark.sandbox, pytest.mark.slow]

ASKED = "import torch\nx = torch.arange(4.0, requires_grad=True)\ny = x * x\ny.backward()\nx.grad\n"
RAW = f"Why does this fail?\n\n```python\n{ASKED}```\n"
POST = Post(id="11", raw=RAW, topic_id="5", author="asker", category_id=3, created_at=NOON)
TOPIC = Topic(id="5", title="backward() of a vector", posts=(POST,), category_id=3)


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    settings = Settings()
    with open_sandbox(settings.sandbox, data=tmp_path_factory.mktemp("data")) as sandbox:
        yield pipeline(settings, sandbox, clock=time.monotonic)


@pytest.fixture
def page(store: Store, clock: HandClock, bot: Pipeline) -> Page:
    """A draft that the pipeline made of a post in a forum in memory."""
    site = make_site(store, clock, pipeline=bot, forum=ArchiveForum([TOPIC]), settings=Settings())
    question = Question(post=POST, title=TOPIC.title)
    with store.writing() as connection:
        assert review.save_answer(connection, question, bot.answer(question), NOON) == 1
    return open_page(site)


@pytest.fixture
def mei(page: Page) -> Visitor:
    return page.visitor()


def current(page: Page) -> Draft:
    return examples.current(page.site.store, 1)


def edited(page: Page, old: str, new: str) -> str:
    reply = current(page).reply
    assert old in reply
    return reply.replace(old, new)


def send(page: Page, visitor: Visitor, reply: str, do: str, *, revision: int = 1) -> str:
    """What the page says after the form was sent."""
    answer = visitor.post("/drafts/1/edit", revision=revision, reply=reply, do=do)
    assert answer.status_code in (200, 303, 409, 422), answer.text
    if answer.status_code == 303:
        answer = visitor.get(answer.headers["location"])
    return texts(answer.text)


def test_another_fix_is_chosen_for_a_program_that_was_attached(store: Store, clock: HandClock, bot: Pipeline) -> None:
    linking = replace(
        POST, raw="Why? [a.py|attachment](upload://a.py) (9 Bytes)", attachments=(Attachment(name="a.py", text=ASKED),)
    )
    page = open_page(make_site(store, clock, pipeline=bot, forum=ArchiveForum([TOPIC]), settings=Settings()))
    question = Question(post=linking, title=TOPIC.title)
    with store.writing() as connection:
        review.save_answer(connection, question, bot.answer(question), NOON)

    for revision in (1, 2):  # also when the draft rests on what was chosen before
        answer = page.visitor().post(
            "/drafts/1/choose", revision=revision, confusion="non_scalar_backward", fix=["weights", "sum"][revision - 1]
        )
        assert answer.status_code == 303
    assert "y.sum().backward()" in current(page).reply


def test_words_can_be_edited_and_approved_at_once(page: Page, mei: Visitor) -> None:
    send(page, mei, edited(page, "several numbers", "more than one number"), "save")

    assert current(page).revision == 2
    assert current(page).proved
    assert mei.post("/drafts/1/approve", revision=2).status_code == 303


def test_edited_code_cannot_be_approved_until_it_was_run_again(page: Page, mei: Visitor) -> None:
    reply = edited(page, "y.sum().backward()", "y.backward(torch.ones(4))")
    assert "Its code has no proof." in send(page, mei, reply, "save")
    assert mei.post("/drafts/1/approve", revision=2).status_code == 409

    said = send(page, mei, current(page).reply, "run", revision=2)

    assert "Proof holds" in said
    assert "fix: by hand" in said
    assert "not checked Only the needed lines changed a person wrote this code" in said
    assert current(page).proved
    assert mei.post("/drafts/1/approve", revision=2).status_code == 303


def test_the_output_below_the_code_follows_the_code(page: Page, mei: Visitor) -> None:
    assert "tensor([0., 2., 4., 6.])" in current(page).reply
    reply = edited(page, "x.grad\n", "x.grad.sum()\n")

    send(page, mei, reply, "run")

    assert ">>> x.grad.sum()\ntensor(12.)" in current(page).reply
    assert "tensor([0., 2., 4., 6.])" not in current(page).reply
    assert current(page).proved


def test_code_that_still_fails_is_kept_and_says_what_failed(page: Page, mei: Visitor) -> None:
    said = send(page, mei, edited(page, "y.sum().backward()", "y.backward()"), "run")

    assert "It was run and saved, and the proof does not hold." in said
    assert "✗ no The error is gone" in said
    assert not current(page).proved
    assert mei.post("/drafts/1/approve", revision=2).status_code == 409
    send(page, mei, "Only words now.", "save", revision=2)
    assert mei.post("/drafts/1/approve", revision=3).status_code == 303


def test_code_that_hides_the_gradient_is_not_proved(page: Page, mei: Visitor) -> None:
    said = send(page, mei, edited(page, "y.sum().backward()", "y.detach().sum().requires_grad_().backward()"), "run")

    assert "the proof does not hold" in said
    assert "✗ no The gradient is right" in said


def test_two_pieces_of_code_are_both_run(page: Page, mei: Visitor) -> None:
    reply = edited(page, "y.sum().backward()", "(y * 1).sum().backward()")
    more = "```python\nimport torch\nz = torch.ones(2, requires_grad=True)\nz.sum().backward()\nprint(z.grad)\n```\n"

    send(page, mei, f"{reply}\n{more}", "run")

    assert current(page).proved


def test_five_new_pieces_of_code_are_not_run(page: Page, mei: Visitor) -> None:
    pieces = "\n".join(f"```python\nprint({number})\n```\n" for number in range(5))

    assert "at most 4 are run" in send(page, mei, pieces, "run")
    assert current(page).revision == 1


def test_a_preview_changes_nothing(page: Page, mei: Visitor) -> None:
    said = send(page, mei, "Some *other* words.", "preview")

    assert "Some other words." in said
    assert current(page).revision == 1
    assert "<em>live</em>" in mei.post("/preview", reply="*live*").text


@pytest.mark.parametrize(("reply", "words"), [("  \n ", "cannot be empty"), ("x" * 32_001, "32001 characters")])
def test_a_reply_the_forum_would_refuse_is_not_kept(page: Page, mei: Visitor, reply: str, words: str) -> None:
    assert words in send(page, mei, reply, "save")
    assert current(page).revision == 1


def test_what_one_types_is_not_lost_when_somebody_else_was_first(page: Page, mei: Visitor) -> None:
    raj = page.visitor(name="raj", external_id="8")
    send(page, raj, "The text of raj.", "save")

    answer = mei.post("/drafts/1/edit", revision=1, reply="The text of mei.", do="save")

    assert answer.status_code == 409
    said = texts(answer.text)
    assert "raj changed the text of draft 1" in said
    assert "Their text The text of raj." in said
    assert ">The text of mei.</textarea>" in answer.text
    assert current(page).reply == "The text of raj."


def test_a_form_with_windows_line_ends_is_the_same_text(page: Page, mei: Visitor) -> None:
    send(page, mei, current(page).reply.replace("\n", "\r\n"), "save")

    assert current(page).revision == 1


def test_another_proved_fix_makes_another_reply(page: Page, mei: Visitor) -> None:
    assert "Other fixes weights" in texts(mei.get("/drafts/1").text)

    mei.post("/drafts/1/choose", revision=1, confusion="non_scalar_backward", fix="weights")

    assert "fix: weights" in texts(mei.get("/drafts/1").text)
    assert "torch.ones_like(y)" in current(page).reply
    assert current(page).proved


def test_a_fix_that_does_not_apply_leaves_the_draft(page: Page, mei: Visitor) -> None:
    answer = mei.post("/drafts/1/choose", revision=1, confusion="non_scalar_backward", fix="nothing")

    assert answer.status_code == 409
    assert "does not apply" in texts(answer.text)
    assert current(page).revision == 1


def test_another_diagnosis_makes_another_draft(page: Page, mei: Visitor) -> None:
    mei.post("/drafts/1/choose", revision=1, confusion="second_derivative")

    assert current(page).confusion == "second_derivative"
    assert current(page).revision == 2
    assert "a moderator chose" in current(page).record
    assert mei.post("/drafts/1/choose", revision=1, confusion="non_leaf_grad").status_code == 409
    assert mei.post("/drafts/1/choose", revision=2, confusion="nothing").status_code == 422


def test_an_earlier_text_can_be_put_back(page: Page, mei: Visitor) -> None:
    first = current(page).reply
    send(page, mei, "Other words.", "save")
    history = mei.get("/drafts/1/history").text
    assert "Put this text back" in history

    send(page, mei, first, "save", revision=2)

    assert current(page).reply.strip() == first.strip()
    assert current(page).proved
    with page.site.store.reading() as connection:
        assert [revision.by for revision in revisions.of_draft(connection, 1)] == ["bot", "mei", "mei"]


def test_looking_on_the_forum_says_that_nothing_changed(page: Page, mei: Visitor) -> None:
    assert "the reply still fits" in texts(mei.post("/drafts/1/look").text)


def test_a_question_that_changed_is_noticed_and_answered_anew(
    store: Store, clock: HandClock, page: Page, bot: Pipeline
) -> None:
    new = RAW.replace("y = x * x", "y = 3 * x")
    changed = replace(TOPIC, posts=(replace(POST, raw=new),))
    later = open_page(replace(page.site, forum=ArchiveForum([changed])))
    mei = later.visitor()

    assert "does not fit any more: the question was edited" in texts(mei.post("/drafts/1/look").text)
    assert current(page).state is DraftState.STALE
    mei.post("/drafts/1/anew", revision=1)

    assert current(page).state is DraftState.PENDING
    assert "y = 3 * x" in current(page).reply
    assert current(page).question == new


def test_a_question_that_was_deleted_cannot_be_answered_anew(page: Page) -> None:
    gone = open_page(replace(page.site, forum=ArchiveForum([replace(TOPIC, posts=())])))

    assert gone.visitor().post("/drafts/1/anew", revision=1).status_code == 422
    missing = open_page(replace(page.site, forum=ArchiveForum([])))
    assert missing.visitor().post("/drafts/1/anew", revision=1).status_code == 503


def test_a_reply_from_words_alone_can_be_given_other_code(store: Store, clock: HandClock, bot: Pipeline) -> None:
    page = open_page(make_site(store, clock, pipeline=bot, settings=Settings()))
    post = Post(id="21", raw="How do I take the second derivative of a function?", topic_id="6", author="asker")
    question = Question(post=post, title="Second derivative", language=Language.ENGLISH)
    answer = bot.answer_as(question, confusion="second_derivative")
    with store.writing() as connection:
        made = review.save_answer(connection, question, answer, NOON)
        assert made == 1
        reply = drafts.get(connection, 1).reply
    assert "```python" in reply
    code = "import torch\nx = torch.tensor(2.0, requires_grad=True)\n(x**3).backward()\nx.grad\n"

    said = send(page, page.visitor(), f"Like this:\n\n```python\n{code}```\n", "run")

    assert "not checked The values are kept the post holds no program to compare with" in said
    assert current(page).proved


def test_without_a_sandbox_nothing_is_run_and_the_page_says_so(store: Store, clock: HandClock) -> None:
    page = open_page(make_site(store, clock))
    examples.draft(store)

    answer = page.visitor().post("/drafts/1/edit", revision=1, reply=examples.shown("print(1)\n"), do="run")

    assert answer.status_code == 503
    assert "doctor" in texts(answer.text)
