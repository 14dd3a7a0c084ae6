"""Gradients beside numeric derivatives: right programs agree, wrong ones do not, and the rest is left open."""

from __future__ import annotations

from collections.abc import Callable
from textwrap import dedent
from typing import Any

import pytest

from bot.domain.run import GradientCall, Limits, NumericRun
from bot.sandbox import NumericOrder, Order
from bot.sandbox.client import JailedSandbox

pytestmark = pytest.mark.sandbox

Compare = Callable[..., NumericRun]
HEAD = "import torch\nfrom torch import nn\n"
X = "x = torch.arange(1.0, 5.0, requires_grad=True)\n"


@pytest.fixture
def compare(sandbox: JailedSandbox) -> Compare:
    def compare(code: str, **how: Any) -> NumericRun:
        """Lines are counted from the first of `code`; the imports stand before it."""
        held = tuple(line + HEAD.count("\n") for line in how.pop("held_lines", ()))
        order = Order(
            code=HEAD + dedent(code).lstrip("\n"), tape=False, numeric=NumericOrder(held_lines=held, **how),
            limits=Limits(seconds=20),
        )  # fmt: skip
        done = sandbox.run(order)
        assert done.numeric is not None, (done.outcome, done.reason, done.stderr[-500:])
        return done.numeric

    return compare


def difference(call: GradientCall) -> float:
    """The largest relative difference over the directions that rounding does not explain."""
    assert len(call.analytic) == len(call.numeric) == 2
    pairs = list(zip(call.analytic, call.numeric, strict=True))
    return max(max(0.0, abs(one - other) - call.noise) / max(abs(one), abs(other), 1e-3) for one, other in pairs)


def agrees(found: NumericRun, *, within: float = 1e-6) -> bool:
    assert found.problem is None
    assert found.calls
    assert not any(call.missing for call in found.calls)
    return all(difference(call) <= within for call in found.calls)


RIGHT = {
    "a square": X + "(x * x).sum().backward()",
    "weights for a vector": X + "(x * x).backward(torch.tensor([1.0, 2.0, 3.0, 4.0]))",
    "weights that depend on the leaf": X + "y = x ** 2\ny.backward(y)",
    "weights given as None": X + "torch.autograd.backward([x.sum(), x * x], [None, torch.ones(4)])",
    "a kink at zero": "x = torch.zeros(500, requires_grad=True)\ntorch.relu(x).sum().backward()",
    "an absolute value at zero": "x = torch.zeros(3, requires_grad=True)\nx.abs().sum().backward()",
    "the largest of equals": "x = torch.ones(3, requires_grad=True)\nx.max().backward()",
    "a root at zero": "x = torch.zeros(3, requires_grad=True)\nx.sqrt().sum().backward()",
    "a logarithm near zero": "x = torch.tensor([0.0, 1.0], requires_grad=True)\ntorch.log(x + 1e-6).sum().backward()",
    "memory shared with another tensor": "b = torch.ones(4)\nx = b.view(4).requires_grad_()\n(x * x * b).sum().backward()",
    "constants of float32": X + "w = torch.tensor([1, 2, 3, 4], dtype=torch.float32)\n(x * x * w).sum().backward()",
    "constants of NumPy": X
    + "import numpy\nw = torch.from_numpy(numpy.ones((4, 4), dtype='float32'))\n(w @ x).pow(2).sum().backward()",
    "constants of an old constructor": X + "w = torch.FloatTensor([[1, 2, 3, 4]])\n(w @ x).pow(2).sum().backward()",
    "a leaf of an old constructor": "w = torch.FloatTensor([1, 2]).requires_grad_()\n(w * w).sum().backward()",
    "half precision": "x = torch.ones(3, dtype=torch.float16, requires_grad=True)\n(x * x).sum().backward()",
    "casts to float32": X + "(x.float() * x.to(torch.float32) * x.type(torch.FloatTensor)).sum().backward()",
    "another default type": "torch.set_default_dtype(torch.float32)\n" + X + "(x * x).sum().backward()",
    "whole numbers beside it": X + "(torch.arange(4) * x * x).sum().backward()",
    "indices": X + "x[x.argmax()].pow(2).backward()",
    "a branch on the values": X + "y = x * 2\nwhile y.norm() < 100:\n    y = y * 2\n(y if y.sum() > 0 else -y).sum().backward()",
    "several calls that add up": X + "(x * x).sum().backward()\n(x ** 3).sum().backward()",
    "a gradient set to zero between": X + "(x * x).sum().backward()\nx.grad.zero_()\n(x ** 3).sum().backward()",
    "a gradient taken away between": X + "(x * x).sum().backward()\nx.grad = None\n(x ** 3).sum().backward()",
    "the same graph twice": X + "y = (x * x).sum()\ny.backward(retain_graph=True)\ny.backward()",
    "an intermediate that is retained": X + "y = x * x\ny.retain_grad()\n(y * y + x).sum().backward()\ny.grad",
    "an intermediate written into later": X
    + "y = x * x\ny.retain_grad()\ny *= 2\n(y * y).sum().backward()\ny.grad",
    "an intermediate written into by a view": X
    + "y = x * x\ny.retain_grad()\ny[:2].add_(1)\n(y * y).sum().backward()\ny.grad",
    "an intermediate of another call": X
    + "y = x * 2\ny.retain_grad()\n(x * 3).sum().backward()\n(y * y).sum().backward()",
    "grad of leaf and intermediate": X + "y = x * x\ntorch.autograd.grad((y * y).sum(), [y, x])",
    "nested grad": X + "g, = torch.autograd.grad((x ** 3).sum(), x, create_graph=True)\ntorch.autograd.grad(g.sum(), x)",
    "a gradient penalty": X
    + "w = torch.ones(4, requires_grad=True)\ng, = torch.autograd.grad((w * x ** 3).sum(), x, create_graph=True)\n"
    + "((g.norm() - 1) ** 2).backward()",
    "only some inputs": X + "w = torch.ones(4, requires_grad=True)\n(x * w).sum().backward(inputs=[x])",
    "an input that is not used": X
    + "w = torch.ones(4, requires_grad=True)\ntorch.autograd.grad((x * x).sum(), [x, w], allow_unused=True)",
    "one input at a time": X
    + "w = torch.ones(4, requires_grad=True)\ny = (x * w * w).sum()\n"
    + "torch.autograd.grad(y, x, retain_graph=True)\ntorch.autograd.grad(y, w)",
    "more tensors than are nudged alone": "ps = [torch.ones(2, requires_grad=True) for _ in range(30)]\n"
    + "sum((p ** n).sum() for n, p in enumerate(ps)).backward()",
    "a leaf filled after its first use": "w = torch.zeros(3, requires_grad=True)\nprint(w.sum())\n"
    + "nn.init.constant_(w, 2.0)\n(w * w).sum().backward()",
    "a leaf that is used, filled and used": X
    + "y = (x * 2).sum()\nwith torch.no_grad():\n    x.mul_(3)\n(y + (x * x).sum()).backward()",
    "values written into a plain tensor": X + "o = torch.zeros(4)\no[1:3] = x[1:3] * 2\n(o * o).sum().backward()",
    "a drawn constant": "torch.manual_seed(3)\nw = torch.rand(3, requires_grad=True)\n(w * torch.rand(3)).sum().backward()",
    "a generator with a seed": "g = torch.Generator().manual_seed(3)\nw = torch.rand(3, generator=g).requires_grad_()\n"
    + "(w * w * torch.rand(3, generator=g)).sum().backward()",
    "dropout": "net = nn.Sequential(nn.Linear(3, 8), nn.Dropout(0.5), nn.Linear(8, 1))\nnet(torch.ones(4, 3)).sum().backward()",
    "batch normalisation, then evaluation": "net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))\n"
    + "X = torch.rand(8, 3)\nnet(X).pow(2).sum().backward()\nnet.eval()\nnet(X).pow(2).sum().backward()",
    "an embedding and a cross entropy": "net = nn.Sequential(nn.Embedding(9, 4), nn.Linear(4, 9))\n"
    + "ids = torch.tensor([1, 2, 1])\nnn.CrossEntropyLoss()(net(ids), ids).backward()",
    "a convolution": "net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten())\n"
    + "net(torch.ones(1, 1, 6, 6)).pow(2).sum().backward()",
    "a recurrent net": "out, _ = nn.LSTM(2, 3)(torch.ones(4, 1, 2))\nout.sum().backward()",
    "attention": "nn.TransformerEncoderLayer(4, 2, 8)(torch.rand(3, 1, 4)).pow(2).sum().backward()",
    "a copied net": "import copy\nnet = nn.Linear(2, 1)\nnet(torch.ones(2))\nother = copy.deepcopy(net)\n"
    + "(net(torch.ones(2)) - 2 * other(torch.ones(2))).pow(2).sum().backward()",
    "weights shared by hand": "a, b = nn.Linear(2, 2), nn.Linear(2, 2)\nb.weight = a.weight\n"
    + "b(a(torch.ones(2))).pow(2).sum().backward()",
    "an own function": "class Exp(torch.autograd.Function):\n    @staticmethod\n    def forward(ctx, i):\n"
    + "        o = i.exp()\n        ctx.save_for_backward(o)\n        return o\n    @staticmethod\n"
    + "    def backward(ctx, g):\n        return g * ctx.saved_tensors[0]\n" + X + "Exp.apply(x).sum().backward()",
    "a hook that only looks": X + "x.register_hook(lambda g: print(g))\n(x * x).sum().backward()",
    "recomputed parts": "from torch.utils.checkpoint import checkpoint\n" + X
    + "checkpoint(lambda a: a.sin() * a, x, use_reentrant=False).sum().backward()",
    "a closure for LBFGS": "x = torch.tensor(3.0, requires_grad=True)\no = torch.optim.LBFGS([x])\ndef closure():\n"
    + "    o.zero_grad()\n    loss = (x - 1) ** 2\n    loss.backward()\n    return loss\no.step(closure)",
    "a leaf alone": "x = torch.tensor(3.0, requires_grad=True)\nx.backward()",
    "a program that fails after its last call": X + "(x * x).sum().backward()\n1 / 0",
    "a program that catches everything": X + "try:\n    (x * x).sum().backward()\n    x.data.sub_(x.grad)\nexcept:\n    pass",
    "a gradient read after it was cleared": X
    + "(x * x).sum().backward()\ntorch.optim.SGD([x], lr=1.0).zero_grad()\nprint(x.grad)",
    "a question whether there is a gradient": X
    + "w = torch.ones(4, requires_grad=True)\n(x * x).sum().backward()\nfor p in (x, w):\n    if p.grad is not None:\n"
    + "        p.grad.zero_()",
}  # fmt: skip


@pytest.mark.parametrize("name", RIGHT)
def test_the_gradient_of_a_right_program_agrees(compare: Compare, name: str) -> None:
    assert agrees(compare(RIGHT[name]))


LOOPS = {
    "an optimizer": "o = torch.optim.Adam([w], lr=0.1)\nfor _ in range(9):\n    loss = ((w - 2) ** 2).sum()\n    o.zero_grad()\n"
    "    loss.backward()\n    o.step()",
    "a step under no_grad": "for _ in range(9):\n    ((w - 2) ** 2).sum().backward()\n    with torch.no_grad():\n"
    "        w -= 0.1 * w.grad\n    w.grad.zero_()",
    "a step on the data": "for _ in range(9):\n    ((w - 2) ** 2).sum().backward()\n    w.data -= 0.1 * w.grad\n    w.grad.zero_()",
    "a step in place on the data": "for _ in range(9):\n    ((w - 2) ** 2).sum().backward()\n    w.data.sub_(0.1 * w.grad)\n"
    "    w.grad.zero_()",
    "a step on a view": "for _ in range(9):\n    ((w - 2) ** 2).sum().backward()\n    with torch.no_grad():\n"
    "        w[:2].sub_(0.1)\n    w.grad.zero_()",
    "a step in NumPy": "for _ in range(9):\n    ((w - 2) ** 2).sum().backward()\n    a = w.detach().numpy()\n    a -= 0.1\n"
    "    w.grad.zero_()",
}  # fmt: skip


@pytest.mark.parametrize("name", LOOPS)
def test_of_a_training_loop_the_first_step_is_compared_alone(compare: Compare, name: str) -> None:
    found = compare("w = torch.ones(3, requires_grad=True)\n" + LOOPS[name])
    assert agrees(found)
    assert len(found.calls) == 1


def test_a_loop_that_makes_its_parameters_anew_is_compared_step_by_step(compare: Compare) -> None:
    found = compare(
        """
        w = torch.ones(3, requires_grad=True)
        for _ in range(3):
            ((w - 2) ** 2).sum().backward()
            w = (w - 0.1 * w.grad).detach().requires_grad_()
        """,
        held_lines=(4,),
    )
    assert agrees(found)
    assert len(found.calls) == 3


CUTS = {
    "detach": "u = x.detach()\n(u * x).sum().backward()",
    "data": "u = x.data\n(u * x).sum().backward()",
    "item": "u = x.sum().item()\n(u * x).sum().backward()",
    "float": "u = float(x.sum())\n(u * x).sum().backward()",
    "NumPy": "u = torch.tensor(x.detach().numpy() * 2)\n(u * x).sum().backward()",
    "no_grad": "with torch.no_grad(): u = x * 2\n(u * x).sum().backward()",
    "no_grad with several results": "with torch.no_grad(): u, place = x.max(0)\n(u * x).sum().backward()",
    "a mean kept in place": "u = torch.zeros(4)\ny = x * 2\n\nwith torch.no_grad(): u.mul_(0.9).add_(y)\n(u * x).sum().backward()",
}


@pytest.mark.parametrize("name", CUTS)
def test_a_cut_is_taken_for_a_constant_where_it_is_meant_and_for_a_mistake_where_not(
    compare: Compare, name: str
) -> None:
    code = X + CUTS[name]
    meant = tuple(
        number for number, line in enumerate(code.splitlines(), start=1) if " u" in f" {line}" and "=" in line
    )
    meant += tuple(number for number, line in enumerate(code.splitlines(), start=1) if "u.mul_" in line)
    assert agrees(compare(code, held_lines=meant))
    assert not agrees(compare(code), within=1e-2)


def test_detach_times_itself_gives_half(compare: Compare) -> None:
    [call] = compare(X + "(x.detach() * x).sum().backward()").calls
    for analytic, numeric in zip(call.analytic, call.numeric, strict=True):
        assert numeric == pytest.approx(2 * analytic, rel=1e-6)


def test_a_backward_that_is_wrong_is_found_out(compare: Compare) -> None:
    wrong = RIGHT["an own function"].replace("g * ctx.saved_tensors[0]", "g")
    assert not agrees(compare(wrong), within=1e-2)


def test_a_gradient_that_is_no_number_equals_nothing(compare: Compare) -> None:
    code = "x = torch.tensor([0.0, 1.0], requires_grad=True)\ntorch.where(x > 0.5, (x - 0.5).sqrt(), x * 0).sum().backward()"
    [call] = compare(code).calls
    assert (call.analytic, len(call.numeric)) == ((), 2)


@pytest.mark.parametrize("code", ["print(v.grad)", "v.grad", "a = v.grad.sum()"])
def test_a_wanted_gradient_that_stays_none_is_missing(compare: Compare, code: str) -> None:
    found = compare(X + f"v = torch.ones(2, requires_grad=True)\n(x * x).sum().backward()\n{code}")
    assert [call.tensor for call in found.calls if call.missing] == ["v"]


def test_names_that_are_wanted_are_asked_for_without_being_read(compare: Compare) -> None:
    found = compare(X + "v = torch.ones(2, requires_grad=True)\n(x * x).sum().backward()", wanted=("x", "v"))
    assert [call.tensor for call in found.calls if call.missing] == ["v"]


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("import numpy\n(x * float(numpy.random.default_rng().random())).sum().backward()", "other numbers each time"),
        ("import time\n(x * time.perf_counter()).sum().backward()", "other numbers each time"),
        ("import os\n(x * os.urandom(4)[0] * os.urandom(4)[1]).sum().backward()", "other numbers each time"),
        ("torch.seed()\n(x * torch.rand(4)).sum().backward()", "other numbers each time"),
        ("(x * id(x)).sum().backward()", "other numbers each time"),
        ("x.register_hook(lambda g: g * 2)\n(x * x).sum().backward()", "a hook changes"),
        ("z = torch.ones(2, dtype=torch.complex64, requires_grad=True)\nz.abs().sum().backward()", "complex"),
        ("(x / 0).sum().backward()", "not a finite number"),
        ("y = x * 2", "no backward"),
        ("undefined", "NameError"),
        ("x.sum().backward(", "SyntaxError"),
        ("torch.func.grad(lambda a: (a * a).sum())(x.detach())", ""),
        ("x.sum()\na = x.detach().numpy()\na[:] = 2\n(x * x).sum().backward()", "cannot be followed"),
        ("class E(Exception):\n    def __str__(self): raise SystemExit\nraise E", ""),
    ],
)
def test_what_cannot_be_compared_is_left_open_with_a_reason(compare: Compare, code: str, why: str) -> None:
    found = compare(X + code)
    assert found.problem is not None
    assert why in found.problem
    assert found.calls == ()


def test_rounding_is_counted_where_numbers_are_large(compare: Compare) -> None:
    code = "x = torch.full((1000,), 1e3, requires_grad=True)\nc = torch.ones(1, requires_grad=True)\n((x ** 3).sum() + c.sum()).backward()"
    small = next(call for call in compare(code).calls if call.tensor == "c")
    assert small.noise > max(abs(one - other) for one, other in zip(small.analytic, small.numeric, strict=True))


def test_the_callers_program_finds_torch_as_it_was(sandbox: JailedSandbox, compare: Compare) -> None:
    assert agrees(compare(RIGHT["an own function"]))
    done = sandbox.run(Order(code="import torch\ntorch.get_default_dtype()\ntorch.ones(1).dtype\n"))
    assert [echo.text for echo in done.echoes] == ["torch.float32", "torch.float32"]


def test_a_program_too_slow_to_run_again_and_again_is_left_open(sandbox: JailedSandbox) -> None:
    code = HEAD + "import time\n" + X + "time.sleep(0.4)\n(x * x).sum().backward()\n"
    done = sandbox.run(Order(code=code, tape=False, numeric=NumericOrder(), limits=Limits(seconds=1.5)))
    assert done.numeric is None or done.numeric.problem == "there was no time to compare"
