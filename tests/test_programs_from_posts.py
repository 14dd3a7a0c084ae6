"""What of a post is run: not every block is a step of its program, and some programs do nothing by themselves."""

from __future__ import annotations

import pytest

from bot.domain.snippet import AssumptionKind
from tests.test_context import candidates, kinds

TWO_WAYS = """
def plain():
    a = torch.ones(2, requires_grad=True)
    a.sum().backward()
    print(a.grad)

def moved(device="cpu"):
    a = torch.ones(2, requires_grad=True).to(device)
    a.sum().backward()
    print(a.grad)
"""


def test_functions_that_are_only_defined_are_called_on_record() -> None:
    [snippet, *_] = candidates(f"```python\n{TWO_WAYS}```")

    assert snippet.code.endswith("\nplain()\nmoved()\n")
    assert "the post only defines moved; it is called: moved()" in [note.text for note in snippet.assumptions]
    assert AssumptionKind.STAND_IN not in kinds(snippet)  # no data were replaced, and nobody is told so


@pytest.mark.parametrize(
    "code",
    [
        f"{TWO_WAYS}\nplain()\n",
        f"{TWO_WAYS}\nif __name__ == '__main__':\n    moved()\n",
        f"{TWO_WAYS}\ntorch.ones(2, requires_grad=True).sum().backward()\n",
        "def step(x):\n    x.sum().backward()\n",
        "def step(*, x):\n    x.sum().backward()\n",
        "@torch.enable_grad()\ndef step():\n    torch.ones(2, requires_grad=True).sum().backward()\n",
        "def look():\n    print(torch.ones(2))\n",
    ],
    ids=["called", "called as a script", "runs by itself", "needs a value", "needs a keyword", "decorated", "no gradient"],
)  # fmt: skip
def test_nothing_is_called_that_need_not_or_cannot_be(code: str) -> None:
    for snippet in candidates(f"```python\n{code}```"):
        assert not any("only defines" in note.text for note in snippet.assumptions)


def test_a_block_that_only_shows_a_way_is_no_step_of_the_program() -> None:
    body = (
        "```\nx = torch.ones(2, requires_grad=True)\ny = torch.tensor([x[0], x[1]])\ny.sum().backward()\n```\n"
        "I would expect the same as\n```\ntorch.stack([...], dim=0)\n```\n"
    )

    [first, *_] = candidates(body)

    assert "stack" not in first.code


@pytest.mark.parametrize("code", ["y = x[..., 0]", "def f(): ...", "y = x[..., None].sum()"])
def test_three_dots_that_python_understands_leave_nothing_out(code: str) -> None:
    body = f"```\nx = torch.ones(2, requires_grad=True)\n```\nthen\n```\n{code}\nx.sum().backward()\n```\n"

    [first, *_] = candidates(body)

    assert code in first.code


def test_the_releases_that_a_form_asks_for_are_no_program() -> None:
    assert candidates("It stops. My environment:\n\n    Python = 3.6\n    PyTorch = 1.4\n    CUDA = 10.2\n") == ()


def test_input_is_a_tensor_unless_it_is_called() -> None:
    assert candidates("```\n_, best = torch.max(input, 1)\nbest.sum().backward()\n```") == ()
    [snippet, *_] = candidates("```\nn = int(input())\nx = torch.ones(n, requires_grad=True)\nx.sum().backward()\n```")
    assert kinds(snippet) == {AssumptionKind.ADDED_IMPORT}


BASE = "import torch\nx = torch.ones(2, requires_grad=True)\ny = 2 * x  # twice\ny.sum().backward()"


@pytest.mark.parametrize(
    "told",
    [
        "It works, but when I change `y = 2 * x` to `y = x * x` the gradient is odd. Why?",
        "If I replace ``y = 2*x`` with ``y = x * x`` the gradient is odd. Why?",
        "With `y = x * x` instead of `y = 2 * x` the gradient is odd. Why?",
        "把`y = 2 * x\n`改成`y = x * x`之后梯度很奇怪，为什么？",
        "將 `y = 2 * x` 換成 `y = x * x` 之後梯度很奇怪，為什麼？",
    ],
)
def test_a_change_that_a_sentence_tells_of_is_tried_on_record(told: str) -> None:
    own, changed = candidates(f"```\n{BASE}\n```\n{told}")

    assert own.code == f"{BASE}\n"
    assert changed.code == f"{BASE}\n".replace("y = 2 * x  # twice", "y = x * x")
    assert [note.line for note in changed.assumptions if note.kind is AssumptionKind.FROM_MENTION] == [3]


@pytest.mark.parametrize(
    "told",
    [
        "I changed `lr` to `0.1` and it is odd. Why?",
        "I changed `z = 3` to `z = 4` and it is odd. Why?",
        "I changed `y = 2 * x` to `y = 2 *` and it is odd. Why?",
    ],
)
def test_a_change_of_what_is_no_line_or_into_no_code_is_not_tried(told: str) -> None:
    assert [snippet.code for snippet in candidates(f"```\n{BASE}\n```\n{told}")] == [f"{BASE}\n"]
