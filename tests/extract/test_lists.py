"""What people count up in sentences is named, and run only where it is plainly a program."""

from __future__ import annotations

import pytest

from bot.extract import read
from bot.extract.lists import listed


def code_of(post: str) -> str:
    return "\n".join(block.text for block in read(post).blocks)


@pytest.mark.parametrize(
    ("items", "named"),
    [
        ("1. F.relu(x)\n2. (x)", ("F.relu(x)",)),
        ("1. F.relu(x)\n2. torch.tanh(x)\n3. (x)\n4. x.exp()", ("F.relu(x)", "torch.tanh(x)", "x.exp()")),
        ("1. F.relu(x)\n\n2. (x)", ("F.relu(x)",)),
        ("1. F.relu(x)\n1. (x)", ("F.relu(x)",)),
        ("1) loss.backward()\n2) optimizer.step()", ("loss.backward()", "optimizer.step()")),
        ("- x.grad\n- y.backward()", ("x.grad", "y.backward()")),
        ("* `x.grad`\n* `y.backward()`", ("x.grad", "y.backward()")),
    ],
)
def test_calls_that_are_counted_up_are_named_and_no_program(items: str, named: tuple[str, ...]) -> None:
    reading = read(f"The layer may return:\n\n{items}\n\nWhat is the difference?")

    assert reading.blocks == ()
    assert reading.mentions == named


def test_a_list_below_a_program_adds_nothing_to_it() -> None:
    program = "import torch\nx = torch.ones(2, requires_grad=True)\ny = x * 2"
    reading = read(f"{program}\n\nWhich of them is right?\n\n1. y.backward()\n2. (y)\n")

    assert [block.text for block in reading.blocks] == [program]
    assert reading.mentions == ("y.backward()",)


@pytest.mark.parametrize("mark", ["{}. ", "{}) ", "- ", "{} "])
def test_a_program_whose_lines_are_counted_up_is_one(mark: str) -> None:
    lines = ["import torch", "x = torch.ones(2, requires_grad=True)", "(x * x).sum().backward()"]
    listing = "\n".join(mark.format(number) + line for number, line in enumerate(lines, start=1))

    assert code_of(f"I run this:\n\n{listing}\n") == "\n".join(lines)


def test_an_item_that_is_no_statement_stays_out_of_a_program() -> None:
    reading = read("1. y = x * 2\n2. (x)\n")

    assert [block.text for block in reading.blocks] == ["y = x * 2"]


def test_in_a_fence_nothing_is_counted_up() -> None:
    assert code_of("```\nx = 3\n- x\n- 2 * x\n```") == "x = 3\n- x\n- 2 * x"
    assert code_of("```\n1. f(x)\n2. g(x)\n3. h(x).sum()\n```") == "f(x)\ng(x)\nh(x).sum()"


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("2. (x)", set()),
        ("1. (x)\n3. (y)", set()),
        ("- (x)\n+ (y)", set()),
        ("1. (x)\nand\n2. (y)", set()),
        ("1. 2. 3.\n2. 3. 4.", set()),
        ("loss = (a\n  - b\n  - c)", {1, 2}),
        ("7. (x)\n8. (y)\n\n- z\n- w", {0, 1, 3, 4}),
    ],
)
def test_a_list_has_two_items_or_more_of_one_kind(text: str, places: set[int]) -> None:
    assert listed(text.split("\n")) == places


def test_the_rest_of_a_statement_is_no_list() -> None:
    assert code_of("loss = (a\n  - b.sum()\n  - c.sum())\nloss.backward()\n") == (
        "loss = (a\n  - b.sum()\n  - c.sum())\nloss.backward()"
    )
