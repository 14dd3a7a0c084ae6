"""What separates the entries about graphs walked twice, in-place changes, gradients added up, modules and functions: programs in
which two of them could be blamed, and right programs that look like one."""

from itertools import combinations

import pytest

from bot.domain.post import Language
from bot.domain.snippet import Reading
from bot.pipeline import Pipeline

FAMILIES = {
    "freed": (
        "graph_freed_same_output", "graph_freed_shared_part", "graph_freed_stale_forward", "graph_freed_hidden_state",
        "graph_freed_without_detach", "retain_graph_as_cure", "loss_keeps_graph",
    ),
    "in place": (
        "inplace_on_leaf", "inplace_on_saved", "inplace_step_before_backward", "inplace_activation",
        "inplace_on_multi_view", "data_edit_hides_wrong_gradient",
    ),
    "accumulate": ("gradient_accumulates", "zero_grad_misplaced"),
    "module": (
        "layers_in_python_list", "optimizer_sees_no_gradient", "softmax_before_cross_entropy", "alias_not_copy",
        "optimizer_given_wrong", "parameter_assigned_wrong",
    ),
    "custom": ("custom_function_gradient_count", "custom_function_called_wrong", "custom_function_contract"),
    "higher": ("second_derivative", "derivative_missing"),
}  # fmt: skip
#: Entries that share a message, or a way of showing, with one of these.
NEIGHBOURS = (
    "leaf_lost_by_update", "nan_gradient", "graph_cut_by_item", "parameters_frozen",
)  # fmt: skip
ALL = frozenset(name for family in FAMILIES.values() for name in family) | frozenset(NEIGHBOURS)

#: The entry that is right, the one that tempts, and the program.
TEMPTING = {
    ("graph_freed_same_output", "graph_freed_shared_part"): """
a = torch.tensor(2.0, requires_grad=True)
b = torch.tensor(3.0, requires_grad=True)
c = a * b
torch.autograd.grad(c, a)
torch.autograd.grad(c, b)
""",
    ("graph_freed_same_output", "second_derivative"): """
x = torch.tensor(2.0, requires_grad=True)
y = x**3
y.backward()
first = x.grad.clone()
y.backward()
""",
    ("graph_freed_shared_part", "graph_freed_same_output"): """
x = torch.tensor([1.0, 2.0], requires_grad=True)
y = x**2
y.sum().backward()
y.mean().backward()
""",
    ("graph_freed_shared_part", "graph_freed_without_detach"): """
trunk, one, two = nn.Linear(2, 2), nn.Linear(2, 1), nn.Linear(2, 1)
opt1 = torch.optim.SGD([*trunk.parameters(), *one.parameters()], lr=0.1)
opt2 = torch.optim.SGD(two.parameters(), lr=0.1)
h = torch.tanh(trunk(torch.ones(1, 2)))
loss1, loss2 = one(h).sum(), (h * two(h)).sum()
opt1.zero_grad()
loss1.backward()
loss2.backward()
""",
    ("graph_freed_stale_forward", "graph_freed_same_output"): """
w = torch.tensor(2.0, requires_grad=True)
loss = w * w
for _ in range(2):
    loss.backward()
""",
    ("graph_freed_stale_forward", "graph_freed_hidden_state"): """
w = torch.tensor(2.0, requires_grad=True)
scale = torch.exp(w)
for step in range(2):
    h = torch.tensor(1.0) * step
    loss = (scale * h - 1) ** 2
    loss.backward()
""",
    ("graph_freed_hidden_state", "graph_freed_stale_forward"): """
w = torch.tensor(2.0, requires_grad=True)
h = w * 1.5
for _ in range(2):
    h = torch.tanh(h * w)
    h.sum().backward()
""",
    ("graph_freed_hidden_state", "loss_keeps_graph"): """
w = torch.tensor(0.5, requires_grad=True)
h, total = torch.tensor(1.0), 0.0
for _ in range(2):
    h = torch.tanh(h * w)
    loss = (h - 1) ** 2
    loss.backward()
    total += loss.item()
""",
    ("loss_keeps_graph", "graph_freed_hidden_state"): """
w = torch.tensor(0.5, requires_grad=True)
total = 0
for x in (1.0, 2.0):
    total = total + (w * x - 1) ** 2
    total.backward()
""",
    ("retain_graph_as_cure", "inplace_step_before_backward"): """
w = torch.tensor([0.5, 1.0], requires_grad=True)
opt = torch.optim.SGD([w], lr=0.1)
h = torch.ones(2)
for _ in range(3):
    h = torch.tanh(w * h)
    opt.zero_grad()
    h.sum().backward(retain_graph=True)
    opt.step()
""",
    ("retain_graph_as_cure", "gradient_accumulates"): """
w = torch.tensor([0.5, 1.0], requires_grad=True)
opt = torch.optim.SGD([w], lr=0.1)
out = (w * 3).sum()
for _ in range(3):
    opt.zero_grad()
    out.backward(retain_graph=True)
    opt.step()
""",
    ("inplace_step_before_backward", "inplace_on_saved"): """
w = torch.tensor([1.0, 2.0], requires_grad=True)
loss = (w * w).sum()
with torch.no_grad():
    w.mul_(0.5)
loss.backward()
""",
    ("inplace_on_saved", "inplace_step_before_backward"): """
w = torch.tensor([1.0, 2.0], requires_grad=True)
opt = torch.optim.SGD([w], lr=0.1)
scale = torch.ones(2)
loss = (w * scale).sum()
scale += 1
loss.backward()
opt.step()
""",
    ("inplace_on_saved", "inplace_activation"): """
x = torch.tensor([1.0, 2.0], requires_grad=True)
y = torch.sigmoid(x)
y.clamp_(min=0)
torch.relu(y).sum().backward()
""",
    ("inplace_activation", "inplace_on_saved"): """
x = torch.tensor([1.0, 2.0], requires_grad=True)
y = torch.exp(x)
torch.relu_(y)
y.sum().backward()
""",
    ("inplace_on_leaf", "inplace_on_multi_view"): """
w = torch.zeros(4, requires_grad=True)
w[:2] += 1
""",
    ("inplace_on_multi_view", "inplace_on_leaf"): """
w = torch.zeros(4, requires_grad=True)
for part in (w * 1).split(2):
    part += 1
""",
    ("inplace_on_leaf", "gradient_accumulates"): """
w = torch.tensor(1.0, requires_grad=True)
for _ in range(2):
    (w * w).backward()
    w -= 0.1 * w.grad
""",
    ("gradient_accumulates", "zero_grad_misplaced"): """
w = torch.tensor(1.0, requires_grad=True)
for _ in range(3):
    (w * w).backward()
    with torch.no_grad():
        w -= 0.1 * w.grad
""",
    ("zero_grad_misplaced", "gradient_accumulates"): """
w = torch.tensor(1.0, requires_grad=True)
for _ in range(3):
    (w * w).backward()
    with torch.no_grad():
        w -= 0.1 * w.grad
w.grad.zero_()
""",
    ("zero_grad_misplaced", "optimizer_sees_no_gradient"): """
w = torch.tensor(1.0, requires_grad=True)
opt = torch.optim.SGD([w], lr=0.1)
for _ in range(3):
    (w * w).backward()
    opt.zero_grad()
    opt.step()
""",
    ("layers_in_python_list", "optimizer_sees_no_gradient"): """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.unused = nn.Linear(1, 1)
        self.layers = [nn.Linear(2, 1)]

    def forward(self, x):
        return self.layers[0](x)

net = Net()
opt = torch.optim.SGD(net.parameters(), lr=0.1)
net(torch.ones(1, 2)).sum().backward()
opt.step()
""",
    ("optimizer_sees_no_gradient", "layers_in_python_list"): """
net = nn.Linear(2, 1)
opt = torch.optim.SGD(net.parameters(), lr=0.1)
net = nn.Linear(2, 1)
net(torch.ones(1, 2)).sum().backward()
opt.step()
""",
    ("custom_function_called_wrong", "custom_function_gradient_count"): """
class Half(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, k):
        return x / k

    @staticmethod
    def backward(ctx, g):
        return g

Half()(torch.ones(2, requires_grad=True), 2)
""",
    ("custom_function_gradient_count", "custom_function_called_wrong"): """
class Half(torch.autograd.Function):
    def forward(ctx, x, k):
        return x / k

    def backward(ctx, g):
        return g / 2

Half.apply(torch.ones(2, requires_grad=True), 2).sum().backward()
""",
}  # fmt: skip

#: Right programs that look like a mistake.
RIGHT = {
    "a closure for LBFGS": """
w = torch.tensor([1.0, 2.0], requires_grad=True)
opt = torch.optim.LBFGS([w])

def closure():
    opt.zero_grad()
    loss = (w**2).sum()
    loss.backward()
    return loss

for _ in range(2):
    opt.step(closure)
""",
    "the model's own zero_grad": """
net = nn.Linear(2, 1)
opt = torch.optim.SGD(net.parameters(), lr=0.1)
for x in torch.ones(3, 4, 2):
    net.zero_grad()
    net(x).pow(2).mean().backward()
    opt.step()
""",
    "two losses with one step, the first keeping the graph": """
net = nn.Linear(2, 2)
opt = torch.optim.SGD(net.parameters(), lr=0.1)
for x in torch.ones(3, 4, 2):
    opt.zero_grad()
    out = torch.tanh(net(x))
    out[:, 0].mean().backward(retain_graph=True)
    out[:, 1].mean().backward()
    opt.step()
""",
    "tied weights": """
class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(3, 3)
        self.again = self.inner

    def forward(self, x):
        return self.again(torch.tanh(self.inner(x)))

net = Tied()
opt = torch.optim.SGD(net.parameters(), lr=0.1)
for x in torch.ones(2, 4, 3):
    opt.zero_grad()
    net(x).mean().backward()
    opt.step()
""",
    "a target network": """
online, target = nn.Linear(2, 1), nn.Linear(2, 1)
target.load_state_dict(online.state_dict())
opt = torch.optim.SGD(online.parameters(), lr=0.1)
for x in torch.ones(3, 4, 2):
    with torch.no_grad():
        wanted = 1 + 0.9 * target(x)
    opt.zero_grad()
    (online(x) - wanted).pow(2).mean().backward()
    opt.step()
    with torch.no_grad():
        for old, new in zip(target.parameters(), online.parameters()):
            old.mul_(0.9).add_(0.1 * new)
""",
    "a loss that diverges": """
w = torch.tensor(1.0, requires_grad=True)
opt = torch.optim.SGD([w], lr=100.0)
for _ in range(60):
    opt.zero_grad()
    (w**2).backward()
    opt.step()
""",
    "scores between softmax and another loss": """
scores = torch.randn(4, 3, requires_grad=True)
p = torch.softmax(scores, dim=1)
nn.functional.binary_cross_entropy(p[:, 0], torch.ones(4)).backward()
""",
}

NOTHING = Reading(language=Language.ENGLISH)
PAIRS = [pair for family in FAMILIES.values() for pair in combinations(family, 2)]


def shown(pipeline: Pipeline, program: str) -> frozenset[str]:
    """Which of these entries a program's run shows."""
    return pipeline.matcher.mistakes(program, pipeline.run(program), NOTHING) & ALL


@pytest.fixture(scope="module")
def shown_by_cases(pipeline: Pipeline) -> dict[str, frozenset[str]]:
    """For each entry, what its first failing case shows."""
    names = [name for family in FAMILIES.values() for name in family]
    cases = {name: next(one for one in pipeline.library.get(name).cases if one.role == "failing") for name in names}
    return {name: shown(pipeline, case.text()) for name, case in cases.items()}


@pytest.mark.sandbox
@pytest.mark.parametrize(("right", "tempting"), list(TEMPTING), ids=lambda name: name)
def test_of_two_that_could_be_blamed_the_cause_is_named(right: str, tempting: str, pipeline: Pipeline) -> None:
    assert tempting in ALL
    assert shown(pipeline, f"import torch\nfrom torch import nn\n{TEMPTING[right, tempting]}") == {right}


@pytest.mark.sandbox
@pytest.mark.parametrize("name", list(RIGHT))
def test_a_right_program_shows_none_of_them(name: str, pipeline: Pipeline) -> None:
    assert shown(pipeline, f"import torch\nfrom torch import nn\n{RIGHT[name]}") == frozenset()


@pytest.mark.sandbox
@pytest.mark.parametrize(("one", "other"), PAIRS, ids=lambda name: name)
def test_a_case_of_one_entry_never_shows_the_other(
    one: str, other: str, shown_by_cases: dict[str, frozenset[str]]
) -> None:
    assert shown_by_cases[one] == {one}
    assert shown_by_cases[other] == {other}
