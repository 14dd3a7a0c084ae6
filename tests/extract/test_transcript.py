from __future__ import annotations

from bot.domain.snippet import QuotedOutput
from bot.extract import read


def code_of(post: str) -> str:
    return "\n".join(block.text for block in read(post).blocks)


def test_a_python_session_gives_its_code_and_its_outputs() -> None:
    post = (
        "```\n"
        ">>> import torch\n"
        ">>> for i in range(2):\n"
        "...     t = torch.ones(2, requires_grad=True)\n"
        "...\n"
        ">>> t\n"
        "tensor([1., 1.], requires_grad=True)\n"
        ">>> t.is_leaf\n"
        "True\n"
        "```"
    )
    reading = read(post)

    assert code_of(post) == (
        "import torch\nfor i in range(2):\n    t = torch.ones(2, requires_grad=True)\n\nt\nt.is_leaf"
    )
    assert reading.outputs == (
        QuotedOutput(text="tensor([1., 1.], requires_grad=True)", after="t"),
        QuotedOutput(text="True", after="t.is_leaf"),
    )


def test_an_ipython_session_gives_its_code_and_its_outputs() -> None:
    post = (
        "In [1]: a = torch.tensor(3.0, requires_grad=True)\n"
        "In [2]: def square(t):\n"
        "   ...:     return t * t\n"
        "   ...:\n"
        "In [3]: square(a)\n"
        "Out[3]: tensor(9., grad_fn=<MulBackward0>)\n"
    )
    reading = read(post)

    assert code_of(post) == ("a = torch.tensor(3.0, requires_grad=True)\ndef square(t):\n    return t * t\n\nsquare(a)")
    assert reading.outputs == (QuotedOutput(text="tensor(9., grad_fn=<MulBackward0>)", after="square(a)"),)


def test_a_copied_notebook_cell_is_code() -> None:
    assert (
        code_of("我的代码：\nIn [7]:\nv = torch.ones(3)\nv.requires_grad_()\n")
        == "v = torch.ones(3)\nv.requires_grad_()"
    )


def test_line_numbers_go_and_indentation_stays() -> None:
    post = (
        "```\n"
        "  1 import torch\n"
        "  2 class Twice(torch.nn.Module):\n"
        "  3   def forward(self, x):\n"
        "  4     y = x * 2\n"
        "  5\n"
        "  6 #   y = y.detach()\n"
        "  7     return y\n"
        "```"
    )

    assert code_of(post) == (
        "import torch\nclass Twice(torch.nn.Module):\n  def forward(self, x):\n    y = x * 2\n\n"
        "#   y = y.detach()\n    return y"
    )


def test_numbers_that_do_not_count_up_are_no_line_numbers() -> None:
    assert code_of("```\nx = 3\n10 * x\n```") == "x = 3\n10 * x"
