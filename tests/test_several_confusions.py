"""One program with two confusions: the first is explained, and what it hid is mended with it or named."""

from __future__ import annotations

import pytest

from bot.domain.answer import Answer
from bot.domain.post import Post, Question
from bot.pipeline import Pipeline

pytestmark = pytest.mark.sandbox

UNZEROED = """import torch
w = torch.tensor([1.0, -1.0], requires_grad=True)
for _ in range(3):
    cost = (w * w).sum()
    cost.backward()
    w -= 0.1 * w.grad
    print(cost.item())"""


def answered(pipeline: Pipeline, code: str, words: str = "Why does this fail?") -> Answer:
    return pipeline.answer(Question(post=Post(id="7", raw=f"{words}\n\n```python\n{code}\n```\n")))


def test_what_the_program_stopped_before_is_mended_and_proved_together_with_the_first(pipeline: Pipeline) -> None:
    answer = answered(pipeline, UNZEROED)

    assert answer.diagnosis is not None
    assert answer.diagnosis.confusion == "inplace_on_leaf"
    assert answer.diagnosis.also == ("gradient_accumulates",)
    assert answer.repair is not None
    assert answer.repair.fix == "no_grad + zero"
    assert answer.proof is not None
    assert answer.proof.proves(answer.repair.code)
    assert answer.proof.confusion_gone.why == (
        "the new run shows none of inplace_on_leaf, gradient_accumulates, and no other mistake"
    )
    assert answer.after is not None
    assert [round(float(row), 3) for row in answer.after.stdout.split()] == [2.0, 1.28, 0.819]


@pytest.mark.parametrize(
    ("words", "said", "mended"),
    [
        ("Why does this fail?", "Behind this mistake stood another one", "The code below mends it as well."),
        ("为什么报错？", "这个问题后面还藏着别的问题", "下面的代码也一并改好了。"),
    ],
)
def test_the_reply_names_the_second_confusion_with_its_line(
    pipeline: Pipeline, words: str, said: str, mended: str
) -> None:
    reply = answered(pipeline, UNZEROED, words).reply

    assert reply is not None
    paragraph = next(row for row in reply.splitlines() if said in row)
    assert "`w -= 0.1 * w.grad`" in paragraph
    assert mended in paragraph


def test_an_error_behind_an_error_is_mended_too(pipeline: Pipeline) -> None:
    answer = answered(
        pipeline, "import torch\nt = torch.linspace(0, 1, 4)\nspeed = t**3\nspeed.backward()\nprint(t.grad)"
    )

    assert answer.diagnosis is not None
    assert (answer.diagnosis.confusion, *answer.diagnosis.also) == ("no_requires_grad", "non_scalar_backward")
    assert answer.repair is not None
    assert "t = torch.linspace(0, 1, 4, requires_grad=True)" in answer.repair.code
    assert "speed.sum().backward()" in answer.repair.code
    assert answer.proof is not None
    assert answer.proof.holds
    assert answer.proof.gradient.yes


def test_three_confusions_one_behind_the_other_are_mended_together(pipeline: Pipeline) -> None:
    code = """import torch
torch.manual_seed(1)
xs = torch.randn(8, 2)
ys = xs @ torch.tensor([1.0, 3.0])
w = torch.zeros(2)
for _ in range(3):
    gaps = (xs @ w - ys) ** 2
    gaps.backward()
    with torch.no_grad():
        w -= 0.01 * w.grad
    print(gaps.mean().item())"""
    answer = answered(pipeline, code)

    assert answer.diagnosis is not None
    assert answer.diagnosis.also == ("non_scalar_backward", "gradient_accumulates")
    assert answer.repair is not None
    assert answer.repair.fix == "require_grad + sum + zero"
    assert answer.proof is not None
    assert answer.proof.proves(answer.repair.code)


def test_a_second_confusion_that_no_fix_mends_is_named_and_left(pipeline: Pipeline) -> None:
    code = """import torch
w = torch.tensor([0.4, 1.7])
steps = torch.zeros(2)
cost = (w * 2).sum()
cost.backward()
rounded = torch.tensor([0.4, 1.7], requires_grad=True)
torch.round(rounded).sum().backward()
print(w.grad, rounded.grad)"""
    answer = answered(pipeline, code)

    assert answer.diagnosis is not None
    assert (answer.diagnosis.confusion, *answer.diagnosis.also) == ("no_requires_grad", "nondifferentiable_operation")
    assert answer.proof is not None
    assert answer.proof.holds
    assert answer.proof.confusion_gone.why == (
        "the new run no longer shows no_requires_grad, but what the old one stopped before: nondifferentiable_operation"
    )
    assert answer.reply is not None
    assert "The program holds another mistake too" in answer.reply
    assert "The code below leaves it as it is." in answer.reply


def test_an_update_from_a_gradient_is_never_given_another_name(pipeline: Pipeline) -> None:
    code = """import torch
w = torch.ones(2, requires_grad=True)
for _ in range(2):
    (w * w).sum().backward()
    slope = w.grad
    w -= 0.1 * slope"""
    answer = answered(pipeline, code)

    assert answer.repair is not None
    assert "new_w" not in answer.repair.code
    assert "with torch.no_grad():" in answer.repair.code


def test_what_the_edit_itself_brings_about_still_refuses_the_repair(pipeline: Pipeline) -> None:
    """The graph of the first pass is kept, and each pass goes back over it: the edited line is to blame."""
    code = """import torch
w = torch.tensor(3.0, requires_grad=True)
opt = torch.optim.SGD([w], lr=0.1)
cost = (w - 1) ** 2
for _ in range(3):
    opt.zero_grad()
    cost.backward()
    opt.step()"""
    asked = Question(post=Post(id="7", raw=f"Why does this fail?\n\n```python\n{code}\n```\n"))
    kept = code.replace("cost.backward()", "cost.backward(retain_graph=True)")
    answer = pipeline.prove(kept, question=asked, confusion="graph_freed_stale_forward", original=code)

    assert answer.proof is not None
    assert not answer.proof.holds
