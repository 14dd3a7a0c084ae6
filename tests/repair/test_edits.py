"""The edits that several entries share."""

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.repair.edits import make_leaf, with_grad, without_guard
from bot.repair.keeping import all_kept_in_torch, kept_in_torch
from bot.repair.toolkit import Program, Target

KEPT = {
    "x = 2 - (a - b).item()\n": ("(a - b).item()", "x = 2 - (a - b)\n"),
    "loss = float(a + b) * 2\n": ("float(a + b)", "loss = (a + b) * 2\n"),
    "c = torch.tensor(b.item())\n": ("b.item()", "c = b\n"),
    "f((a - b).item())\n": ("(a - b).item()", "f(a - b)\n"),
    "y = torch.tensor([a * b, a + b])\n": ("torch.tensor([a * b, a + b])", "y = torch.stack([a * b, a + b])\n"),
    "y = torch.tensor(math.sin(x) * 2)\n": ("torch.tensor(math.sin(x) * 2)", "y = torch.sin(x) * 2\n"),
    "loss = f(net(x).detach(), torch.tensor(labels))\n": (
        "net(x).detach()",
        "loss = f(net(x), torch.tensor(labels))\n",
    ),
}


@pytest.mark.parametrize("code", list(KEPT))
def test_a_value_that_left_stays_in_torch_with_the_parentheses_its_place_wants(code: str) -> None:
    call, wanted = KEPT[code]
    assert kept_in_torch(Program(code), Target({"CALL": call}, None, 1)) == wanted


def test_what_numpy_computed_with_the_value_is_computed_by_torch() -> None:
    code = "v = x.detach().numpy()\nu = np.exp(v) + 1\ny = torch.from_numpy(u)\nz = torch.tensor([1.0])\n"
    kept = kept_in_torch(Program(code), Target({"CALL": "x.detach().numpy()"}, None, 1))
    assert kept == "v = x\nu = torch.exp(v) + 1\ny = u\nz = torch.tensor([1.0])\n"


@pytest.mark.parametrize(
    "shown",
    [
        "print(c.item())",
        "print(float(c.item()))",
        "f'{c.item():.3f} {c.tolist()}'",
        "log('{:.2f}'.format(float(c)))",
        "'%f' % c.item()",
    ],
)
def test_a_value_may_leave_to_become_text(shown: str) -> None:
    kept = kept_in_torch(Program(f"c = torch.tensor(b.item())\n{shown}\n"), Target({"CALL": "b.item()"}, None, 1))
    assert kept == f"c = b\n{shown}\n"


@pytest.mark.parametrize(
    ("shown", "left"),
    [("print(c.numpy())", "print(c)"), ("print(np.exp(c.item()))", "print(torch.exp(c))"), ("d = c.item()", "d = c")],
)
def test_a_value_that_could_not_leave_any_more_or_goes_on_stays(shown: str, left: str) -> None:
    kept = kept_in_torch(Program(f"c = torch.tensor(b.item())\n{shown}\n"), Target({"CALL": "b.item()"}, None, 1))
    assert kept == f"c = b\n{left}\n"


def test_a_line_that_would_say_nothing_any_more_goes_away() -> None:
    code = "def f(t):\n    t = t.detach()\n    return t * 2\n"
    kept = kept_in_torch(Program(code), Target({"CALL": "t.detach()"}, None, 2))
    assert kept == "def f(t):\n    return t * 2\n"


def test_a_program_without_such_a_value_is_left_alone() -> None:
    assert all_kept_in_torch(Program("y = x + 1\n"), Target({}, None, 1)) is None


GUARDED = {
    "with torch.no_grad():\n    # forward\n    y = net(x)\n\n    z = y\nprint(z)\n": "# forward\ny = net(x)\n\nz = y\nprint(z)\n",
    "with torch.no_grad(): y = net(x)\n": "y = net(x)\n",
    "@torch.inference_mode()\ndef f(x):\n    return x\n": "def f(x):\n    return x\n",
    "torch.set_grad_enabled(False)\ny = 1\n": "y = 1\n",
}


@pytest.mark.parametrize("code", list(GUARDED))
def test_a_guard_goes_and_what_it_guarded_stays(code: str) -> None:
    assert without_guard(Program(code), 1) == GUARDED[code]


def test_a_with_that_guards_nothing_stays() -> None:
    assert without_guard(Program("with open(path) as file:\n    pass\n"), 1) is None


def test_gradients_are_switched_on_in_the_call_that_makes_the_tensor() -> None:
    program = Program("torch.arange(4, dtype=torch.int64)\nmake(3) + 1\n")
    first, second = (node.value for node in program.tree.body if isinstance(node, ast.Expr))
    assert with_grad(program, first, floating=True) == "torch.arange(4, dtype=torch.float32, requires_grad=True)"
    assert with_grad(program, second, floating=False) == "(make(3) + 1).requires_grad_()"


def test_a_name_that_holds_a_result_is_made_the_leaf() -> None:
    code = "w = torch.randn(3, requires_grad=True) * 0.01\n"
    assert make_leaf(Program(code), Target({"X": "w"}, None, 1)) == "w = (torch.randn(3) * 0.01).requires_grad_()\n"


@given(st.sampled_from(sorted(KEPT)), st.integers(min_value=0, max_value=8))
def test_an_edit_leaves_the_lines_around_it_as_they_are(code: str, before: int) -> None:
    call, wanted = KEPT[code]
    program = Program("k = 1  # 一\n" * before + code + "print(k)\n")
    kept = kept_in_torch(program, Target({"CALL": call}, None, before + 1))
    assert kept == "k = 1  # 一\n" * before + wanted + "print(k)\n"
