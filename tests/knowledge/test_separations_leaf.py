"""What separates the entries about leaves, missing gradients, weights and types: programs in which two could be blamed."""

import pytest

from bot.domain.post import Language
from bot.domain.snippet import Reading
from bot.pipeline import Pipeline

FAMILIES = {
    "none": ("backward_returns_nothing", "grad_before_backward"),
    "leaf": (
        "non_leaf_grad", "intermediate_grad", "retain_grad_too_late", "leaf_lost_by_update", "requires_grad_on_non_leaf",
        "optimizer_on_non_leaf", "deepcopy_of_non_leaf", "gradient_assigned_wrong", "graph_internals_touched",
    ),
    "scalar": ("non_scalar_backward", "gradient_argument_shape", "complex_backward", "differentiation_arguments"),
    "hooks": ("hook_misused", "hook_changes_gradient"),
    "dtype": ("integer_requires_grad", "numpy_on_requires_grad", "vector_to_number"),
}  # fmt: skip
#: Entries of other families that share a message with one of these.
NEIGHBOURS = ("graph_cut_by_no_grad", "graph_cut_by_numpy", "graph_cut_by_item", "no_requires_grad", "input_not_used")

#: The entry that is right, the one that tempts, and the program.
TEMPTING = {
    ("grad_before_backward", "leaf_lost_by_update"): """
w = torch.tensor(1.0, requires_grad=True)
w = (w * 1).detach().requires_grad_()
w.grad.zero_()
(w * w).backward()
""",
    ("leaf_lost_by_update", "grad_before_backward"): """
w = torch.tensor(1.0, requires_grad=True)
(w * w).backward()
w = w - 0.1 * w.grad
w.grad.zero_()
""",
    ("leaf_lost_by_update", "graph_cut_by_no_grad"): """
w = torch.tensor(1.0, requires_grad=True)
for step in range(2):
    w.grad = None
    (w * w).backward()
    with torch.no_grad():
        w = w - 0.1 * w.grad
""",
    ("graph_cut_by_no_grad", "leaf_lost_by_update"): """
w = torch.tensor(1.0, requires_grad=True)
(w * w).backward()
with torch.no_grad():
    v = w - 0.1 * w.grad
(v * v).backward()
""",
    ("non_leaf_grad", "leaf_lost_by_update"): """
w = torch.ones(2, requires_grad=True)
w = w * 0.01
(w * 3).sum().backward()
print(w.grad)
""",
    ("non_leaf_grad", "intermediate_grad"): """
w = torch.ones(2, requires_grad=True).reshape(1, 2)
(w * 3).sum().backward()
print(w.grad)
""",
    ("intermediate_grad", "non_leaf_grad"): """
x = torch.ones(2, requires_grad=True)
h = x * 3
h.sum().backward()
print(h.grad)
""",
    ("retain_grad_too_late", "intermediate_grad"): """
x = torch.ones(2, requires_grad=True)
h = x * 3
h.sum().backward()
h.retain_grad()
print(h.grad)
""",
    ("hook_changes_gradient", "retain_grad_too_late"): """
x = torch.ones(2, requires_grad=True)
h = x * 3
def halve(grad):
    grad = grad / 2
h.register_hook(halve)
h.sum().backward()
print(x.grad)
""",
    ("retain_grad_too_late", "hook_changes_gradient"): """
x = torch.ones(2, requires_grad=True)
h = x * 3
def halve(grad):
    grad = grad / 2
h.sum().backward()
h.register_hook(halve)
print(x.grad)
""",
    ("hook_misused", "hook_changes_gradient"): """
x = torch.ones(2, requires_grad=True)
def count(grad):
    return 2
x.register_hook(count)
x.sum().backward()
""",
    ("input_not_used", "grad_before_backward"): """
x = torch.ones(2, requires_grad=True)
b = torch.ones(2, requires_grad=True)
(x * 3).sum().backward()
b.grad.zero_()
""",
    ("grad_before_backward", "no_requires_grad"): """
x = torch.ones(2, requires_grad=True)
y = (x * 3).sum()
y.backward()
x.grad = None
print(x.grad.norm())
""",
    ("backward_returns_nothing", "grad_before_backward"): """
x = torch.ones(2, requires_grad=True)
g = (x * 3).sum().backward()
g.zero_()
""",
    ("optimizer_on_non_leaf", "non_leaf_grad"): """
w = torch.ones(2, requires_grad=True) * 0.1
optimizer = torch.optim.SGD([w], lr=0.1)
""",
    ("requires_grad_on_non_leaf", "graph_internals_touched"): """
x = torch.ones(2, requires_grad=True)
y = x * 2
y.requires_grad = False
""",
    ("graph_internals_touched", "requires_grad_on_non_leaf"): """
x = torch.ones(2, requires_grad=True)
y = x * 2
x.requires_grad = 0
""",
    ("numpy_on_requires_grad", "graph_cut_by_numpy"): """
x = torch.ones(2, requires_grad=True)
values = x.numpy()
""",
    ("graph_cut_by_numpy", "numpy_on_requires_grad"): """
x = torch.ones(2, requires_grad=True)
torch.from_numpy(x.detach().numpy()).sum().backward()
""",
    ("vector_to_number", "graph_cut_by_item"): """
x = torch.ones(2, requires_grad=True)
(x * 2).item().backward()
""",
    ("graph_cut_by_item", "vector_to_number"): """
x = torch.ones(2, requires_grad=True)
(x * 2).sum().item().backward()
""",
    ("non_scalar_backward", "gradient_argument_shape"): """
x = torch.ones(2, requires_grad=True)
(x * 2).backward()
""",
    ("gradient_argument_shape", "non_scalar_backward"): """
x = torch.ones(2, requires_grad=True)
(x * 2).backward(torch.tensor(1.0))
""",
    ("complex_backward", "non_scalar_backward"): """
x = torch.ones(2, dtype=torch.complex64, requires_grad=True)
(x * 2).sum().backward()
""",
    ("non_scalar_backward", "complex_backward"): """
x = torch.ones(2, dtype=torch.complex64, requires_grad=True)
(x * 2).backward()
""",
}  # fmt: skip

PAIRS = [(one, other) for names in FAMILIES.values() for place, one in enumerate(names) for other in names[place + 1 :]]
NOTHING = Reading(language=Language.ENGLISH)


def shown(pipeline: Pipeline, program: str) -> frozenset[str]:
    """The entries of these families that a program's run shows."""
    looked_at = {*NEIGHBOURS, *(name for names in FAMILIES.values() for name in names)}
    return pipeline.matcher.mistakes(program, pipeline.run(program), NOTHING) & looked_at


@pytest.fixture(scope="module")
def shown_by_cases(pipeline: Pipeline) -> dict[str, frozenset[str]]:
    """For each entry, what its first failing case shows."""
    names = [name for family in FAMILIES.values() for name in family]
    cases = {name: next(one for one in pipeline.library.get(name).cases if one.role == "failing") for name in names}
    return {name: shown(pipeline, case.text()) for name, case in cases.items()}


@pytest.mark.sandbox
@pytest.mark.parametrize(("right", "tempting"), list(TEMPTING), ids=lambda name: name)
def test_the_entry_whose_cause_the_run_shows_is_named_alone(right: str, tempting: str, pipeline: Pipeline) -> None:
    assert shown(pipeline, "import torch\n" + TEMPTING[right, tempting]) == {right}


@pytest.mark.sandbox
@pytest.mark.parametrize(("one", "other"), PAIRS, ids=lambda name: name)
def test_a_case_of_one_entry_never_shows_the_other(
    one: str, other: str, shown_by_cases: dict[str, frozenset[str]]
) -> None:
    assert one in shown_by_cases[one]
    assert other not in shown_by_cases[one]
    assert other in shown_by_cases[other]
    assert one not in shown_by_cases[other]
