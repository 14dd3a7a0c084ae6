from __future__ import annotations

import pytest

from bot.extract import read
from bot.extract.mentions import mentions, without_links


@pytest.mark.parametrize(
    ("prose", "named"),
    [
        ("为什么z.backward()会报错,而z.sum().backward()不会", ("z.backward()", "z.sum().backward()")),
        ("如何求w.T的梯度", ("w.T",)),
        ("I call `opt.step()` and w.grad stays None", ("opt.step()", "w.grad")),
        ("setting retain_graph=True did not help", ("retain_graph=True",)),
        ("what does detach() do?", ("detach()",)),
        ("is torch.max differentiable?", ("torch.max",)),
        ("`h = h.data` solves it", ("h = h.data",)),
        ("使用 loss.backward（）之后", ("loss.backward()",)),
        ("先令u = torch.ones(3)，v = u * 2，再v.backward()就错了", ("u = torch.ones(3)", "v = u * 2", "v.backward()")),
    ],
)
def test_code_in_sentences_is_named(prose: str, named: tuple[str, ...]) -> None:
    assert mentions(prose, defined=frozenset()) == named


@pytest.mark.parametrize(
    "prose",
    [
        "when I run train.py and utils.loss.py",
        "see pytorch.org and github.com",
        "it works.But why",
        "the gradient w.r.t. the input, i.e. all of it",
        "version 1.13.1",
        "in chapter 2.5.3",
        "nothing here (really)",
    ],
)
def test_files_addresses_and_abbreviations_are_no_code(prose: str) -> None:
    assert mentions(prose, defined=frozenset()) == ()


def test_attributes_of_the_posts_own_names_are_code() -> None:
    assert read("```\nnet = Net()\n```\nand net.hidden is wrong").mentions == ("net.hidden",)


def test_links_go_and_their_words_stay() -> None:
    assert without_links("see [this page](https://a.org/x.grad) or https://b.org/y.backward() now").split() == [
        "see", "this", "page", "or", "now",
    ]  # fmt: skip
