from __future__ import annotations

import textwrap

import pytest

from bot.extract.indentation import dedented, readings, rebuilt

PROGRAMS = {
    "a function and its use": """
        def cube(t):
            return t ** 3
        x = torch.ones(2, requires_grad=True)
        cube(x).sum().backward()
        x.grad
    """,
    "two functions": """
        def f(t):
            return torch.cos(t)
        def g(t):
            s = f(t)
            return s.detach()
        z = g(x)
    """,
    "a module with two methods": """
        class Tiny(nn.Module):
            def __init__(self):
                super().__init__()
                self.layer = nn.Linear(2, 1)
            def forward(self, x):
                h = self.layer(x)
                return torch.relu(h)
        net = Tiny()
        net(torch.ones(1, 2)).sum().backward()
    """,
    "a custom function": """
        class Cube(torch.autograd.Function):
            @staticmethod
            def forward(ctx, t):
                ctx.save_for_backward(t)
                return t ** 3
            @staticmethod
            def backward(ctx, grad):
                t, = ctx.saved_tensors
                return 3 * t ** 2 * grad
        y = Cube.apply(x)
    """,
    "a training loop": """
        for epoch in range(3):
            for X, y in batches:
                l = loss(net(X), y)
                optimizer.zero_grad()
                l.backward()
                optimizer.step()
    """,
    "branches": """
        def pick(t):
            if t.sum() > 0:
                s = t
            else:
                s = 100 * t
            return s
        out = pick(a)
    """,
    "no_grad, then backward": """
        with torch.no_grad():
            y = x * x
        y.sum().backward()
        x.grad
    """,
    "an update by hand": """
        w = torch.tensor([1.0], requires_grad=True)
        for i in range(3):
            loss = (w * 2).sum()
            loss.backward()
            w.data -= 0.1 * w.grad
    """,
    "updates by hand, several of them": """
        for step in range(5):
            out = X @ a + c
            err = ((out - t) ** 2).mean()
            err.backward()
            with torch.no_grad():
                a -= 0.1 * a.grad
                c -= 0.1 * c.grad
                a.grad.zero_()
                c.grad = None
            print(step, err.item())
    """,
    "a return behind a loop": """
        def power(t, k):
            out = t
            for _ in range(k):
                out = out * t
            return out
        power(v, 2).sum().backward()
    """,
    "a return behind a loop over layers": """
        class Stack(nn.Module):
            def __init__(self, layers):
                super().__init__()
                self.layers = layers
            def forward(self, h):
                for layer in self.layers:
                    h = torch.tanh(layer(h))
                return self.last(h)
        net = Stack([])
    """,
    "a return within a loop, on a condition": """
        def first(values):
            for value in values:
                if value > 0:
                    return value
        first(q)
    """,
    "an echo after a loop": """
        for i in range(2):
            (w * i).sum().backward()
        w.grad
    """,
    "a plot after a loop": """
        for i in range(9):
            y[i].backward(retain_graph=True)
        d2l.plot(x.detach(), [y.detach(), x.grad])
    """,
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_lost_indentation_is_rebuilt(name: str) -> None:
    program = textwrap.dedent(PROGRAMS[name]).strip().split("\n")

    assert rebuilt([line.strip() for line in program]) == program


def test_statements_over_several_lines_move_as_one() -> None:
    lines = ["def f(x):", "return torch.stack([", "x,", "x * 2,", "])"]

    assert rebuilt(lines) == ["def f(x):", "    return torch.stack([", "    x,", "    x * 2,", "    ])"]


def test_a_first_line_that_lost_its_margin_gets_back_in_line() -> None:
    assert dedented(["x = torch.ones(2)", "    y = x * x", "    y.sum().backward()"]) == [
        "x = torch.ones(2)",
        "y = x * x",
        "y.sum().backward()",
    ]


def test_indentation_that_is_partly_right_is_trusted() -> None:
    lines = ["for i in range(2):", "    a = i", "      b = a", "c = 1"]

    assert rebuilt(lines) == ["for i in range(2):", "    a = i", "    b = a", "c = 1"]


def test_where_several_indentations_are_likely_each_is_given_once() -> None:
    found = readings(["for k in range(2):", "s = (a * k).sum()", "s.backward()", "a.grad.zero_()"])

    assert found[0][-1] == "    a.grad.zero_()"
    assert any(reading[-1] == "a.grad.zero_()" for reading in found[1:])
    assert len({tuple(reading) for reading in found}) == len(found) <= 3


@pytest.mark.parametrize(
    "lines", [["def f(:", "return"], ["else:", "x = 1"], ["for k in v:", "else:", "k"], ["for i in x:"], ["x = = 1"]]
)
def test_what_no_indentation_can_save_is_none(lines: list[str]) -> None:
    assert rebuilt(lines) is None
