"""Each word holds where it should and does not beside it, on real runs."""

from __future__ import annotations

from typing import Any

import pytest

from bot.diagnose import signals
from bot.diagnose.view import Found, View
from bot.domain.post import Language
from bot.domain.snippet import QuotedError, Reading
from bot.library import read_library
from bot.sandbox import Order
from bot.sandbox.client import JailedSandbox

ENTRY = read_library(words=signals.known_words()).get("non_scalar_backward")
QUIET = Reading(language=Language.ENGLISH)
LEAF = "import torch\nx = torch.arange(4.0, requires_grad=True)\n"
READ = "y = (x * x).sum()\ny.backward()\nx.grad\n"
FAILS = LEAF + "(x * x).backward()\n"
WARNS = LEAF + "y = x * x\ny.sum().backward()\ny.grad\n"
LOST = LEAF.replace("True)", "True).reshape(2, 2)") + "x.sum().backward()\nx.grad\n"
SECOND = LEAF + "g, = torch.autograd.grad((x ** 3).sum(), x)\ntorch.autograd.grad(g.sum(), x)\n"
GRAPH = SECOND.replace("sum(), x)\n", "sum(), x, create_graph=True)\n", 1)
TABLE = "import torch\ntable = torch.nn.Embedding(4, 2, {})\ntable(torch.tensor([0, 1]))\n"
INTO = LEAF + "h = x * 2\n(h * h).sum().backward(inputs={})\nprint(h.grad, x.grad)\n"
HOOKED = LEAF + "def double(grad):\n    {}\nx.register_hook(double)\nx.sum().backward()\n"
HANDED = LEAF + "y = x * 2\ny.register_hook(lambda grad: {})\nv = torch.ones(4)\ny.backward(v)\n"
FUNCTION = """
import torch
class Same(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clone()
    @staticmethod
    def backward(ctx, g):
        return {}
Same.apply(torch.ones(2, requires_grad=True)).sum().backward()
"""
SAVED = LEAF + "import io\nfile = io.BytesIO()\ntorch.save({}, file)\nfile.seek(0)\nz = torch.load(file)\n"
CARRIED = LEAF + "h = torch.ones(4)\nfor i in range(4):\n    h = x * h\n    h.sum().backward(retain_graph=True)\n"


def found(sandbox: JailedSandbox, word: str, value: Any, code: str, reading: Reading = QUIET) -> Found | None:
    run = sandbox.run(Order(code=code))
    return signals.WORDS[word](View(code, run, reading, ENTRY, 0.6), value)


TERM = LEAF + "(g,) = torch.autograd.grad((x * x).sum(), x)\n({}).backward()\n"
MODULE = (
    "import torch\nclass M(torch.nn.Module):\n"
    "    def forward(self, x): return x * 2\n    def backward(self, g): return g\n"
    "x = torch.ones(2, requires_grad=True)\nM()(x).sum().backward()\n"
)

#: word, value, a program of which it holds, and one of which it does not.
CASES: list[tuple[str, Any, str, str]] = [
    ("raises", "RuntimeError", FAILS, LEAF),
    ("message", "grad can be implicitly created only for scalar outputs", FAILS, LEAF + "x @ torch.ones(3)\n"),
    ("error_line_calls", "backward", FAILS, LEAF + "torch.mm(x, x)\n"),
    ("warns", "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed", WARNS, LEAF + READ),
    ("ends", "raised", FAILS, LEAF),
    ("calls", "reshape", LOST, LEAF),
    ("attribute_set", "require_grad", LEAF + "x.require_grad = True\n", LEAF + "x.requires_grad = True\n"),
    ("torch", ">=2", LEAF, ""),
    ("tensor", {"leaf": False, "grad": "none"}, WARNS, LEAF + READ),
    ("tensor", {"leaf": True, "grad": "set"}, LEAF + READ, WARNS),
    ("tensor", {"leaf": False, "held_by": "nameless"}, LOST, WARNS),
    ("tensor", {"after_backward": True}, LEAF + READ, LEAF + "x.grad\n"),
    ("rebinds_leaf", True, LOST, WARNS),
    ("rebinds_leaf", False, WARNS, LOST),
    ("backward_calls", 2, LEAF + "x.sum().backward()\nx.sum().backward()\n", LEAF + READ),
    ("differentiates_gradient", "without_graph", SECOND, GRAPH),
    ("differentiates_gradient", "lost", TERM.format("(x * x).sum() + g.sum()"), TERM.format("(x - 0.1 * g).sum()")),
    ("result_cut_by", "copy", LEAF + "torch.tensor([x[0], x[1]])\n", LEAF + "torch.stack([x[0], x[1]])\n"),
    ("result_cut_by", "integer", LEAF + "x.long()\n", LEAF + "x.long()\nx.sum().backward()\n"),
    ("result_cut_by", "nondifferentiable", LEAF + "y = x > 1\n", LEAF + "y = x * 2\ny[y > 1] = 0\n"),
    ("module_backward", True, MODULE, MODULE.replace("def backward", "def backwards")),
    ("renormalises", True, TABLE.format("max_norm=0.1"), TABLE.format("")),
    ("inputs_leave_out", "leaf", INTO.format("[h]"), INTO.format("[h, x]")),
    ("hook", "drops_result", HOOKED.format("grad * 2"), HOOKED.format("return grad * 2")),
    ("hook", "drops_result", HOOKED.format("grad = grad * 2"), HOOKED.format("print(grad * 2)")),
    ("hook", "edits_given", HANDED.format("grad.mul_(2)"), HANDED.format("grad.mul(2)")),
    ("gradient_cast", True, FUNCTION.format("g.int()"), FUNCTION.format("g.double()")),
    ("saves_result", True, SAVED.format("x * 2"), SAVED.format("x")),
    ("saves_result", True, SAVED.format("[x * 2]"), SAVED.format("(x * 2).detach()")),
    ("kink", True, LEAF + "(x - x.detach()).norm().backward()\n", LEAF + "x.norm().backward()\n"),
    ("kink", True, LEAF + "(x * 0).abs().sum().backward()\n", LEAF + "(x * 0).abs()\nx.sum().backward()\n"),
    ("returns_gradient", True, LEAF + "torch.autograd.grad(x.sum(), x)\n", LEAF + READ),
    ("regrows", "carried_state", CARRIED, CARRIED.replace("x * h", "x * h.detach()")),
]


@pytest.mark.sandbox
@pytest.mark.parametrize(("word", "value", "yes", "no"), CASES, ids=[f"{one[0]} {one[1]}"[:40] for one in CASES])
def test_a_word_holds_where_it_should_and_not_beside_it(
    sandbox: JailedSandbox, word: str, value: Any, yes: str, no: str
) -> None:
    assert found(sandbox, word, value, yes) is not None
    if no:
        assert found(sandbox, word, value, no) is None


@pytest.mark.sandbox
@pytest.mark.parametrize(("value", "holds"), [(">=2.0,<3", True), ("<2", False), (">=99", False), ("!=1.0", True)])
def test_a_range_of_releases_is_all_of_its_conditions(sandbox: JailedSandbox, value: str, holds: bool) -> None:
    assert (found(sandbox, "torch", value, LEAF) is not None) is holds


@pytest.mark.sandbox
def test_a_word_names_what_it_found(sandbox: JailedSandbox) -> None:
    failing = found(sandbox, "error_line_calls", "backward", LEAF + "loss = x * x\nloss.backward()\n")
    assert failing is not None
    assert (failing.names["LOSS"], failing.line) == ("loss", 4)
    lost = found(sandbox, "rebinds_leaf", True, LOST)
    assert lost is not None
    assert (lost.names["X"], lost.names["MAKER"], lost.cause_line) == ("x", "reshape", 2)


@pytest.mark.sandbox
def test_what_cut_a_graph_is_named_as_the_asker_wrote_it(sandbox: JailedSandbox) -> None:
    compared = found(sandbox, "result_cut_by", "nondifferentiable", LEAF + "y = 3 * (x < 1.0)\n")
    switched = found(sandbox, "fails_in", "requires_grad", LEAF + "x[0].requires_grad = False\n")

    assert compared is not None
    assert (compared.names["CALL"], compared.names["X"]) == ("x < 1.0", "x")
    assert switched is not None
    assert switched.names["X"] == "x[0]"


@pytest.mark.sandbox
@pytest.mark.parametrize(
    ("word", "value", "reading", "holds"),
    [
        ("quoted", "graph a second time", Reading(language=Language.ENGLISH, error=QuotedError(message="the graph a second time (1)")), True),
        ("quoted", "graph a second time", QUIET, False),
        ("names_code", r"\.T$", Reading(language=Language.ENGLISH, mentions=("x.T",)), True),
        ("names_code", r"\.T$", Reading(language=Language.ENGLISH, mentions=("x.T.grad",)), False),
        ("asks", 0.5, QUIET, True),
        ("asks", 0.7, QUIET, False),
    ],
)  # fmt: skip
def test_words_about_the_post_look_at_the_post(
    sandbox: JailedSandbox, word: str, value: Any, reading: Reading, holds: bool
) -> None:
    assert (found(sandbox, word, value, LEAF, reading) is not None) is holds
