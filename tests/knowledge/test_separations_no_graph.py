"""What separates the entries of the family "no graph": programs in which two of them could be blamed."""

from itertools import combinations

import pytest

from bot.domain.post import Language
from bot.domain.snippet import Reading
from bot.pipeline import Pipeline

FAMILY = (
    "no_requires_grad", "misspelt_requires_grad", "graph_cut_by_no_grad", "graph_cut_by_inference_mode",
    "graph_cut_by_detach", "graph_cut_by_item", "graph_cut_by_numpy", "graph_cut_by_copy", "nondifferentiable_operation",
    "parameters_frozen", "input_not_used", "volatile_has_no_effect",
)  # fmt: skip

#: The entry that is right, the one that tempts, and the program.
TEMPTING = {
    ("no_requires_grad", "graph_cut_by_detach"): """
x = torch.tensor([1.0, 2.0])
y = (x.detach() * 2).sum()
y.backward()
""",
    ("no_requires_grad", "graph_cut_by_item"): """
x = torch.tensor(3.0)
y = torch.tensor((x * 2).item())
y.backward()
""",
    ("no_requires_grad", "nondifferentiable_operation"): """
scores = torch.tensor([0.1, 0.9])
place = scores.argmax().float()
place.backward()
""",
    ("no_requires_grad", "parameters_frozen"): """
w = torch.tensor([1.0, 2.0])
data = nn.Parameter(torch.ones(2))
unused = nn.Linear(2, 2).requires_grad_(False)
(w * 3).sum().backward()
""",
    ("no_requires_grad", "graph_cut_by_no_grad"): """
w = torch.ones(2)
with torch.no_grad():
    start = w * 2
(start * 3).sum().backward()
""",
    ("misspelt_requires_grad", "no_requires_grad"): """
x = torch.ones(3)
x.required_grad = True
(x * 2).sum().backward()
""",
    ("misspelt_requires_grad", "parameters_frozen"): """
net = nn.Linear(2, 1)
for p in net.parameters():
    p.requires_grads = False
net(torch.ones(1, 2)).backward()
""",
    ("graph_cut_by_no_grad", "graph_cut_by_detach"): """
w = torch.ones(2, requires_grad=True)
with torch.no_grad():
    hidden = w * 2
out = hidden.detach().sum()
out.backward()
""",
    ("graph_cut_by_no_grad", "nondifferentiable_operation"): """
w = torch.ones(2, requires_grad=True)
with torch.no_grad():
    best = (w * 2).argmax()
best.float().backward()
""",
    ("graph_cut_by_no_grad", "graph_cut_by_item"): """
w = torch.ones(2, requires_grad=True)
with torch.no_grad():
    total = (w * 2).sum().item()
torch.tensor(total).backward()
""",
    ("graph_cut_by_no_grad", "graph_cut_by_copy"): """
w = torch.ones(2, requires_grad=True)
with torch.no_grad():
    doubled = w * 2
torch.tensor([doubled[0], doubled[1]]).sum().backward()
""",
    ("graph_cut_by_inference_mode", "graph_cut_by_no_grad"): """
w = torch.ones(2, requires_grad=True)
with torch.inference_mode():
    hidden = w * 2
loss = hidden.sum()
loss.backward()
""",
    ("graph_cut_by_detach", "graph_cut_by_item"): """
a = torch.tensor(2.0, requires_grad=True)
b = (a * 3).detach()
c = b * b
print(c.item())
c.backward()
""",
    ("graph_cut_by_detach", "graph_cut_by_copy"): """
a = torch.tensor(2.0, requires_grad=True)
b = torch.tensor([(a * 3).detach(), 1.0])
b.sum().backward()
""",
    ("graph_cut_by_detach", "nondifferentiable_operation"): """
a = torch.tensor([2.0, 1.0], requires_grad=True)
b = a.detach() * 2
(b > 1).float().sum().backward()
""",
    ("graph_cut_by_item", "graph_cut_by_copy"): """
a = torch.tensor(2.0, requires_grad=True)
b = torch.tensor([a.item(), (a * a).item()])
b.sum().backward()
""",
    ("graph_cut_by_item", "graph_cut_by_detach"): """
a = torch.tensor(2.0, requires_grad=True)
b = torch.tensor((a * a).detach().item())
b.backward()
""",
    ("graph_cut_by_item", "graph_cut_by_no_grad"): """
a = torch.tensor(2.0, requires_grad=True)
loss = (a * a).item()
with torch.no_grad():
    print(a + 1)
loss.backward()
""",
    ("graph_cut_by_numpy", "graph_cut_by_detach"): """
x = torch.tensor([1.0, 2.0], requires_grad=True)
y = torch.from_numpy(x.detach().numpy() ** 2)
y.sum().backward()
""",
    ("graph_cut_by_numpy", "graph_cut_by_item"): """
x = torch.tensor([1.0, 2.0], requires_grad=True)
mean = np.mean(x.detach().numpy())
loss = torch.tensor(mean.item())
loss.backward()
""",
    ("graph_cut_by_numpy", "graph_cut_by_no_grad"): """
x = torch.tensor([1.0, 2.0], requires_grad=True)
with torch.no_grad():
    values = (x * 2).numpy()
torch.tensor(values).sum().backward()
""",
    ("graph_cut_by_copy", "graph_cut_by_item"): """
a = torch.tensor(2.0, requires_grad=True)
b = torch.Tensor([a * 2, a * 3])
b.sum().backward()
""",
    ("nondifferentiable_operation", "graph_cut_by_copy"): """
a = torch.tensor([2.0, 5.0], requires_grad=True)
place = torch.argmax(a)
torch.tensor(place, dtype=torch.float32).backward()
""",
    ("nondifferentiable_operation", "graph_cut_by_item"): """
a = torch.tensor([2.0, 5.0], requires_grad=True)
place = torch.argmax(a).item()
torch.tensor(float(place)).backward()
""",
    ("parameters_frozen", "graph_cut_by_detach"): """
net = nn.Linear(2, 1).requires_grad_(False)
net(torch.ones(1, 2)).detach().sum().backward()
""",
    ("parameters_frozen", "no_requires_grad"): """
net = nn.Linear(2, 1)
for p in net.parameters():
    p.requires_grad = False
x = torch.ones(1, 2)
net(x).sum().backward()
""",
    ("input_not_used", "graph_cut_by_detach"): """
a = torch.tensor(2.0, requires_grad=True)
b = torch.tensor(3.0, requires_grad=True)
y = a * a.detach()
torch.autograd.grad(y, b)
""",
    ("graph_cut_by_detach", "input_not_used"): """
a = torch.tensor(2.0, requires_grad=True)
b = torch.tensor(3.0, requires_grad=True)
y = a.detach() * b
torch.autograd.grad(y, a)
""",
    ("input_not_used", "no_requires_grad"): """
a = torch.tensor(2.0, requires_grad=True)
b = torch.tensor(3.0, requires_grad=True)
torch.autograd.grad(a * 2, b)
""",
    ("no_requires_grad", "input_not_used"): """
a = torch.tensor(2.0, requires_grad=True)
b = torch.tensor(3.0)
torch.autograd.grad(a * b, b)
""",
}  # fmt: skip


NOTHING = Reading(language=Language.ENGLISH)


def shown(pipeline: Pipeline, program: str) -> frozenset[str]:
    """The entries of the family that a program's run shows."""
    return pipeline.matcher.mistakes(program, pipeline.run(program), NOTHING) & frozenset(FAMILY)


@pytest.fixture(scope="module")
def shown_by_cases(pipeline: Pipeline) -> dict[str, frozenset[str]]:
    """For each entry of the family, what its first failing case shows."""
    cases = {name: next(one for one in pipeline.library.get(name).cases if one.role == "failing") for name in FAMILY}
    return {name: shown(pipeline, case.text()) for name, case in cases.items()}


@pytest.mark.sandbox
@pytest.mark.parametrize(("right", "tempting"), list(TEMPTING), ids=lambda name: name)
def test_the_cut_that_lies_nearest_to_the_leaf_is_named(right: str, tempting: str, pipeline: Pipeline) -> None:
    program = "import numpy as np\nimport torch\nfrom torch import nn\n" + TEMPTING[right, tempting]
    assert shown(pipeline, program) == {right}


@pytest.mark.sandbox
@pytest.mark.parametrize(("one", "other"), list(combinations(FAMILY, 2)), ids=lambda name: name)
def test_a_case_of_one_entry_never_shows_the_other(
    one: str, other: str, shown_by_cases: dict[str, frozenset[str]]
) -> None:
    assert one in shown_by_cases[one]
    assert other not in shown_by_cases[one]
    assert other in shown_by_cases[other]
    assert one not in shown_by_cases[other]
