from __future__ import annotations

import ast

import pytest

from bot.source import bound_names, names_bound_by, parse, parses, undefined_names


def undefined(code: str, **options: object) -> list[str]:
    tree = parse(code)
    assert tree is not None
    return [use.name for use in undefined_names(tree, **options)]  # type: ignore[arg-type]


def test_module_code_is_read_in_order() -> None:
    assert undefined("z = x + 1\nx = 2\n") == ["x"]
    assert undefined("x = 2\nz = x + 1\n") == []


def test_a_function_may_use_what_is_defined_below_it() -> None:
    assert undefined("def f():\n    return scale\nscale = 2\n") == []
    assert undefined("def f():\n    return scale\n") == ["scale"]


def test_a_name_used_only_in_a_function_is_deferred() -> None:
    tree = parse("def f():\n    return scale\nprint(offset)\n")
    assert tree is not None
    assert {use.name: use.deferred for use in undefined_names(tree)} == {"scale": True, "offset": False}


@pytest.mark.parametrize(
    "code",
    [
        "import torch\ntorch.ones(2)",
        "from torch import nn as layers\nlayers.Linear(1, 1)",
        "for i in range(3):\n    print(i)\nprint(i)",
        "with open('f') as f:\n    f.read()",
        "try:\n    pass\nexcept ValueError as error:\n    print(error)",
        "total = sum(k * k for k in range(3))",
        "squares = [a * b for a in range(3) for b in range(a)]",
        "f = lambda t: t * 2",
        "if (n := 3) > 2:\n    print(n)",
        "def f(a, *args, b=1, **kwargs):\n    return a, args, b, kwargs",
        "class Net:\n    size = 3\n    def forward(self, x):\n        return x * self.size\nNet()",
        "match [1, 2]:\n    case [first, *rest]:\n        print(first, rest)",
        "def outer():\n    y = 1\n    def inner():\n        return y\n    return inner",
        "def once():\n    global counter\n    counter = 1\nonce()",
        "from d2l.torch import *\nplot(1)",
        "a, (b, *c) = 1, (2, 3)\nprint(a, b, c)",
    ],
)
def test_everything_that_binds_a_name_counts(code: str) -> None:
    assert undefined(code) == []


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("total += loss", ["loss", "total"]),
        ("def f(x: Tensor = start): pass", ["Tensor", "start"]),
        ("class Net(nn.Module): pass", ["nn"]),
        ("[k for k in data]", ["data"]),
        ("@decorated\ndef f(): pass", ["decorated"]),
        ("x.grad", ["x"]),
    ],
)
def test_every_place_that_reads_a_name_counts(code: str, names: list[str]) -> None:
    assert sorted(undefined(code)) == sorted(names)


def test_names_given_beforehand_are_defined() -> None:
    assert undefined("y = x * x", defined={"x"}) == []


def test_names_bound_inside_functions_are_not_bound_outside() -> None:
    tree = ast.parse("def f(a):\n    inside = a\nclass C:\n    part = 1\nx = 1")
    assert bound_names(tree) == {"f", "C", "x"}


@pytest.mark.parametrize(
    ("statement", "names"),
    [
        ("x = 1", {"x"}),
        ("x = y = f(a=1)", {"x", "y"}),
        ("x == 1", set()),
        ("for i, j in pairs:", {"i", "j"}),
        ("with torch.no_grad() as guard:", {"guard"}),
        ("x = [y := 3]", {"x", "y"}),
        ("not python at all", set()),
    ],
)
def test_names_bound_by_one_statement_or_head(statement: str, names: set[str]) -> None:
    assert names_bound_by(statement) == names


@pytest.mark.parametrize(
    "text",
    [
        "x =",
        "(" * 5000,
        "-" * 20000 + "1",
        "\x00",
        "\ud800",
        "1" * 6000,
        "x = " + "1 + " * 3000 + "1",
        "'\\d'",
        "0or 1",
    ],
)
def test_parsing_never_raises_or_warns(text: str) -> None:
    assert parses(text) in (True, False)


@pytest.mark.parametrize(
    "code",
    [
        "x = " + "[" * 180 + "]" * 180,
        "x = " + "-" * 400 + "1",
        "if " + "not " * 300 + "x: pass",
        "x = (" + "a.\n" * 200 + "b)",
        "def f():\n    return " + "a." * 400 + "b",
    ],
)
def test_absurdly_deep_code_is_refused(code: str) -> None:
    assert parse(code) is None
