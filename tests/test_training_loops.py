"""Training loops whose model, batches, criterion or optimizer a post does not show."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.context import Contexts, snippets
from bot.context.roles import role_of
from bot.domain.post import Post, Question
from bot.domain.run import Outcome
from bot.domain.snippet import AssumptionKind, Snippet
from bot.extract import read
from bot.pipeline import Pipeline
from bot.sandbox import Order, Sandbox
from bot.source import parse, undefined_names


def candidates(code: str) -> tuple[Snippet, ...]:
    body = f"What is wrong?\n\n```python\n{code}\n```"
    question = Question(post=Post(id="9", raw=body))
    return snippets(question, read(body), contexts=Contexts(), read=lambda post: read(post.raw))


def stood_in(snippet: Snippet) -> dict[str, str]:
    """The lines that stand in for something, by its name."""
    lines = [note.restored or "" for note in snippet.assumptions if note.kind is AssumptionKind.STAND_IN]
    return {name: value for name, _, value in (line.partition(" = ") for line in lines)}


PLAIN = """for xb, yb in train_dl:
    opt.zero_grad()
    err = loss_func(net(xb), yb)
    err.backward()
    opt.step()"""

LOOPS = {
    "plain": PLAIN,
    "counted": """for i, (images, labels) in enumerate(trainloader):
    images, labels = images.to(device), labels.to(device)
    outputs = model(images)
    loss = criterion(outputs, labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    running_loss += loss.item()
    acc = (outputs.argmax(1) == labels).float().mean()""",
    "with a progress bar": """model.train()
for epoch in range(epochs):
    for batch in tqdm(dataloader):
        inputs, targets = batch
        pred = model(inputs).squeeze()
        loss = F.mse_loss(pred, targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
    losses.append(loss.item())""",
    "flat images": """for X, y in train_iter:
    loss = F.cross_entropy(net(X.view(-1, 28 * 28)), y)
    loss.backward()
    optimizer.step()""",
    "an own class": """net = ConvNet(3).to(device)
loader = torch.utils.data.DataLoader(train_set, batch_size=batch_size, shuffle=True)
for X, y in loader:
    loss = nn.BCEWithLogitsLoss()(net(X), y)
    loss.backward()""",
    "one batch": """for _ in range(5):
    y_hat = model(X)
    loss = ((y_hat - y) ** 2).mean()
    l = criterion(y_hat, y)
    optimizer.zero_grad()
    l.backward()
    optimizer.step()""",
    "pictures": """class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 5)
        self.fc = nn.Linear(4 * 14 * 14, 10)
    def forward(self, v):
        return self.fc(F.max_pool2d(self.conv(v), 2).flatten(1))
model = Small()
optimizer = SGD(model.parameters(), lr=0.1)
for img, label in birds_train_loader:
    loss = CrossEntropyLoss()(model(img), label)
    loss.backward()
    clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
for img, label in birds_test_loader:
    loss = cross_entropy(model(img), label)""",
    "the model is shown": """class Tiny(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(5, 2)
    def forward(self, v):
        return self.a(v)
model = Tiny()
for data, target in loader:
    optimizer.zero_grad()
    loss = criterion(model(data), target)
    loss.backward()
    optimizer.step()""",
}


@pytest.mark.sandbox
@pytest.mark.parametrize("name", LOOPS)
def test_a_loop_whose_parts_are_not_shown_runs_to_its_end(name: str, sandbox: Sandbox) -> None:
    (snippet,) = candidates(LOOPS[name])
    run = sandbox.run(Order(code=snippet.code))

    assert run.error is None
    assert run.outcome is Outcome.FINISHED
    assert not run.warnings  # no shape is broadcast by accident
    assert snippet.invented


def test_every_part_that_stands_in_is_on_record_at_its_line() -> None:
    (snippet,) = candidates(PLAIN)

    assert stood_in(snippet) == {
        "net": "torch.nn.Linear(4, 1)",
        "loss_func": "torch.nn.MSELoss()",
        "opt": "torch.optim.SGD(net.parameters(), lr=0.01)",
        "train_dl": "[(torch.rand(8, 4), torch.rand(8, 1)) for _ in range(3)]",
    }
    lines = snippet.code.split("\n")
    for note in snippet.assumptions:
        if note.kind is AssumptionKind.STAND_IN:
            assert note.line is not None
            assert lines[note.line - 1] == note.restored
            assert snippet.origins[note.line - 1].source == "added"


@pytest.mark.parametrize(
    ("name", "part", "value"),
    [
        ("counted", "criterion", "torch.nn.CrossEntropyLoss()"),
        ("counted", "model", "torch.nn.Linear(4, 3)"),
        ("counted", "trainloader", "[(torch.rand(8, 4), torch.randint(0, 3, (8,))) for _ in range(3)]"),
        ("with a progress bar", "dataloader", "[(torch.rand(8, 4), torch.rand(8,)) for _ in range(3)]"),
        ("pictures", "birds_train_loader", "[(torch.rand(8, 3, 32, 32), torch.randint(0, 3, (8,))) for _ in range(3)]"),
        ("flat images", "net", "torch.nn.Linear(784, 3)"),
        ("the model is shown", "optimizer", "torch.optim.SGD(model.parameters(), lr=0.01)"),
    ],
)
def test_the_parts_fit_each_other(name: str, part: str, value: str) -> None:
    (snippet,) = candidates(LOOPS[name])

    assert stood_in(snippet)[part] == value


@pytest.mark.parametrize(
    "code",
    [
        PLAIN.replace("loss_func", "my_loss"),  # what is in it may be what is asked about
        PLAIN.replace("net(xb)", "net(xb, hidden)"),
        PLAIN.replace("err = loss_func(net(xb), yb)", "out, hidden = net(xb)\n    err = loss_func(out, yb)"),
        PLAIN.replace("net(xb)", "net(xb)[0]"),
        PLAIN.replace("opt.step()", "opt.second_step()"),
        PLAIN.replace("xb, yb in train_dl", "xb, yb, mask in train_dl"),
        PLAIN.replace("xb, yb in train_dl", "xb, yb in load_mine()"),
        PLAIN.replace("net(xb)", "nn.LSTM(4, 1)(net(xb))"),
        PLAIN.replace("net(xb)", "F.softmax(net(xb), dim=1)"),  # the criterion behind it is half the matter
        "opt.zero_grad()\nloss.backward()\nopt.step()",
    ],
)
def test_a_loop_with_a_part_whose_role_is_not_plain_is_not_run(code: str) -> None:
    assert not candidates(code)


def test_there_are_enough_batches_for_what_is_done_in_every_fourth() -> None:
    every = PLAIN.replace("    opt.step()", "    if n % 4 == 0:\n        opt.step()").replace(
        "xb, yb in train_dl", "n, (xb, yb) in enumerate(train_dl)"
    )
    (snippet,) = candidates(every)

    assert stood_in(snippet)["train_dl"].endswith("for _ in range(8)]")


@pytest.mark.sandbox
@pytest.mark.parametrize(
    ("code", "confusion"),
    [
        (PLAIN.replace("    opt.zero_grad()\n", ""), "gradient_accumulates"),
        (
            PLAIN.replace("loss_func(net(xb), yb)", "(net(xb).argmax(1) - yb).abs().float().mean()"),
            "nondifferentiable_operation",
        ),
        (PLAIN.replace("net(xb)", "net(xb).detach()"), "graph_cut_by_detach"),
    ],
)
def test_what_the_loops_own_lines_show_is_answered(code: str, confusion: str, pipeline: Pipeline) -> None:
    answer = pipeline.answer(Question(post=Post(id="7", raw=f"It does not learn, why?\n\n```\n{code}\n```")))

    assert answer.diagnosis is not None
    assert (answer.diagnosis.confusion, answer.diagnosis.ran) == (confusion, True)
    assert answer.is_draft


@pytest.mark.sandbox
def test_a_run_with_stand_ins_that_does_not_show_the_quoted_error_decides_nothing(pipeline: Pipeline) -> None:
    message = "RuntimeError: Trying to backward through the graph a second time"
    loop = PLAIN.replace("    opt.zero_grad()\n", "")
    answer = pipeline.answer(Question(post=Post(id="7", raw=f"{message}\n\nWhy?\n\n```\n{loop}\n```")))

    assert answer.diagnosis is not None
    assert not answer.diagnosis.ran
    assert answer.diagnosis.confusion.startswith("graph_freed")


@given(st.sampled_from(["model", "loss_fn", "optimizer", "loader", "X", "losses"]), st.text(max_size=60))
@settings(max_examples=60)
def test_roles_are_told_of_any_program_that_parses(name: str, text: str) -> None:
    tree = parse(f"{text}\n{name}")
    if tree is not None:
        role_of(name, tree)


@given(st.permutations(PLAIN.split("\n    ")[1:]), st.integers(min_value=1, max_value=4))
@settings(max_examples=40, deadline=None)
def test_a_program_with_stand_ins_lacks_no_name(lines: list[str], count: int) -> None:
    code = "\n    ".join(["for xb, yb in train_dl:", *lines[:count]])
    for snippet in candidates(code):
        assert not [use for use in undefined_names(ast.parse(snippet.code)) if use.name != "err"]


HANDED_OVER = """class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.out = nn.Linear(6, 3)
    def forward(self, v):
        return self.out(v)
def fit(model, batches, optimizer, epochs=2):
    for epoch in range(epochs):
        for xb, yb in batches:
            loss = F.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.zero_grad()
            optimizer.step()
small = Small()
fit(small, {given}, optimizer=torch.optim.SGD(small.parameters(), lr=0.1))"""


@pytest.mark.parametrize("given", ["my_batches", "batches=my_batches"])
def test_batches_that_a_function_is_given_stand_in_by_how_it_goes_through_them(given: str) -> None:
    (snippet,) = candidates(HANDED_OVER.replace("{given}", given))

    assert stood_in(snippet) == {
        "my_batches": "[(torch.rand(8, 6), torch.randint(0, 3, (8,))) for _ in range(3)]",
    }


def test_batches_of_pictures_that_a_function_is_given_are_pictures() -> None:
    pictures = HANDED_OVER.replace(
        "nn.Linear(6, 3)", "nn.Sequential(nn.Conv2d(1, 2, 5), nn.Flatten(), nn.Linear(1152, 3))"
    )
    (snippet,) = candidates(pictures.replace("{given}", "my_batches"))

    assert stood_in(snippet)["my_batches"].startswith("[(torch.rand(8, 1, 28, 28), torch.randint(")


TWO_NETWORKS = """class Maker(nn.Module):
    def __init__(self, size=5):
        super().__init__()
        self.out = nn.Linear(size, 6)
    def forward(self, z):
        return torch.tanh(self.out(z))
class Judge(nn.Module):
    def __init__(self):
        super().__init__()
        self.out = nn.Linear(6, 1)
    def forward(self, v):
        return self.out(v)
maker, judge, criterion = Maker(), Judge(), nn.BCEWithLogitsLoss()
first = torch.optim.Adam(judge.parameters())
second = torch.optim.Adam(maker.parameters())
for real, _ in loader:
    made = maker(torch.randn(len(real), 5))
    loss = criterion(judge(real), torch.ones(8, 1)) + criterion(judge(made), torch.zeros(8, 1))
    first.zero_grad()
    loss.backward()
    first.step()
    second.zero_grad()
    criterion(judge(made), torch.ones(8, 1)).backward()
    second.step()"""


@pytest.mark.sandbox
def test_stand_in_data_get_the_size_that_the_run_asks_for(pipeline: Pipeline) -> None:
    shapes = TWO_NETWORKS.replace("nn.Linear(size, 6)", "nn.Sequential(nn.Linear(size, 4), nn.Linear(4, 6))")
    answer = pipeline.answer(Question(post=Post(id="7", raw=f"Why does the second one fail?\n\n```\n{shapes}\n```")))

    assert answer.snippet is not None
    assert stood_in(answer.snippet)["loader"].startswith("[(torch.rand(8, 6), ")
    assert stood_in(answer.snippet)["loader"] in answer.snippet.code
    assert answer.diagnosis is not None
    assert answer.diagnosis.confusion == "graph_freed_without_detach"


@pytest.mark.sandbox
def test_targets_get_the_size_of_what_they_are_compared_with(pipeline: Pipeline) -> None:
    code = (
        "net = nn.Linear(1, 1)\noptimizer = torch.optim.SGD(net.parameters(), lr=0.1)\n"
        "def scored(v):\n    return net(v)[:, 0]\n"
        "for v, wanted in loader:\n    loss = nn.BCEWithLogitsLoss()(scored(v), wanted)\n"
        "    loss.backward()\n    optimizer.zero_grad()\n    optimizer.step()"
    )
    answer = pipeline.answer(Question(post=Post(id="7", raw=f"Why is nothing learned?\n\n```\n{code}\n```")))

    assert answer.snippet is not None
    assert stood_in(answer.snippet) == {"loader": "[(torch.rand(8, 1), torch.rand(8,)) for _ in range(3)]"}
    assert answer.diagnosis is not None
    assert answer.diagnosis.confusion == "zero_grad_misplaced"


@pytest.mark.sandbox
def test_a_size_that_the_asker_wrote_is_left_alone(pipeline: Pipeline) -> None:
    code = "x = torch.rand(8, 4)\nw = torch.rand(3, 2, requires_grad=True)\n(x @ w).sum().backward()"
    answer = pipeline.answer(Question(post=Post(id="7", raw=f"Why does backward fail?\n\n```\n{code}\n```")))

    assert answer.snippet is not None
    assert "torch.rand(8, 4)" in answer.snippet.code
    assert answer.before is not None
    assert answer.before.error is not None
