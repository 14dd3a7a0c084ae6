"""The scripts with which courses begin: a data set of torchvision, its loader, a network and a loop."""

from __future__ import annotations

import pytest

from bot.context import Contexts, snippets
from bot.domain.answer import Answer
from bot.domain.post import Language, Post, Question
from bot.domain.run import Outcome
from bot.domain.snippet import AssumptionKind, Snippet
from bot.extract import read
from bot.pipeline import Pipeline
from bot.web.sentences import in_language

SCRIPT = """import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))])
train = datasets.MNIST(root="./data", train=True, download=True, transform=transform)
loader = DataLoader(train, batch_size=64, shuffle=True, num_workers=2, persistent_workers=True)
net = nn.Sequential(nn.Flatten(), nn.Linear(28 * 28, 10))
criterion = nn.CrossEntropyLoss(reduction="none")
optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
for epoch in range(2):
    for images, labels in loader:
        optimizer.zero_grad()
        loss = criterion(net(images), labels)
        loss.backward()
        optimizer.step()
    print(epoch)
"""


def only_candidate(code: str) -> Snippet:
    body = f"Why?\n\n```python\n{code}```\n"
    question = Question(post=Post(id="9", raw=body))
    (snippet,) = snippets(question, read(body), contexts=Contexts(), read=lambda post: read(post.raw))
    return snippet


def noted(snippet: Snippet, kind: AssumptionKind) -> list[tuple[int | None, str]]:
    return [(note.line, note.text) for note in snippet.assumptions if note.kind is kind]


def answered(pipeline: Pipeline, words: str, code: str = SCRIPT) -> Answer:
    return pipeline.answer(Question(post=Post(id="9", raw=f"{words}\n\n```python\n{code}```\n")))


@pytest.mark.sandbox
@pytest.mark.parametrize(
    ("words", "language", "told"),
    [
        ("Why does this fail?", Language.ENGLISH, "Data that is not in the post was replaced by small random numbers."),
        ("请问这段代码为什么会报错？", Language.CHINESE, "帖子里没有的数据用少量随机数代替。"),
    ],
)
def test_a_script_that_trains_on_images_is_run_and_its_reply_tells_of_random_data(
    pipeline: Pipeline, words: str, language: Language, told: str
) -> None:
    answer = answered(pipeline, words)

    assert answer.language is language
    assert answer.diagnosis is not None
    assert answer.diagnosis.confusion == "non_scalar_backward"
    assert answer.after is not None
    assert (answer.after.outcome, answer.after.stdout) == (Outcome.FINISHED, "0\n1\n")
    assert answer.proof is not None
    assert answer.proof.holds
    assert answer.proof.gradient.yes
    assert told in (answer.reply or "")


@pytest.mark.sandbox
def test_a_script_that_needs_more_of_the_library_gets_no_verdict_from_its_run(pipeline: Pipeline) -> None:
    code = SCRIPT.replace("net = nn.Sequential(nn.Flatten(), nn.Linear(28 * 28, 10))", "net = models.resnet18()")
    answer = answered(
        pipeline, "Why does this fail?", code.replace("datasets, transforms", "datasets, models, transforms")
    )

    assert answer.before is not None
    assert answer.before.outcome is Outcome.UNSUPPORTED
    assert answer.before.reason == "it needs the module torchvision.models, which the sandbox does not have"
    assert answer.diagnosis is None


def test_that_images_are_random_is_on_record_where_a_data_set_is_made() -> None:
    snippet = only_candidate(
        SCRIPT + "test = datasets.MNIST('data', train=False)\nfashion = datasets.FashionMNIST('.')\n"
    )

    stood_in = noted(snippet, AssumptionKind.STAND_IN)
    assert stood_in == [
        (7, "random images stand in for the data set MNIST"),
        (20, "random images stand in for the data set FashionMNIST"),
    ]
    assert in_language(stood_in[0][1], Language.CHINESE) == "用随机图像代替数据集 MNIST"


def test_a_data_set_of_the_programs_own_is_its_own() -> None:
    own = "class MNIST:\n    def __getitem__(self, at):\n        return at\n"
    snippet = only_candidate(
        f"import torch\n{own}x = torch.ones(2, requires_grad=True)\n(x * MNIST()[3]).sum().backward()\n"
    )

    assert noted(snippet, AssumptionKind.STAND_IN) == []


def test_a_loader_does_without_worker_processes_and_it_is_said() -> None:
    snippet = only_candidate(SCRIPT)

    assert "shuffle=True, num_workers=0, persistent_workers=False)" in snippet.code
    ((line, text),) = noted(snippet, AssumptionKind.SUBSTITUTED)
    assert line == 8
    assert text.startswith("loaded without worker processes: loader = DataLoader(train, batch_size=64, ")
    assert in_language(text, Language.CHINESE).startswith("不用工作进程加载数据：loader = ")


@pytest.mark.parametrize(
    ("told", "instead"),
    [
        ("num_workers=4", "num_workers=0"),
        ("num_workers = args.workers", "num_workers = 0"),
        ("num_workers=os.cpu_count()", "num_workers=0"),
        ("num_workers=2, prefetch_factor=4", "num_workers=0, prefetch_factor=None"),
        ("num_workers=0", "num_workers=0"),
    ],
)
def test_however_many_workers_a_loader_is_told_of_it_gets_none(told: str, instead: str) -> None:
    code = f"import torch, os\nfrom torch.utils.data import DataLoader\nargs = w = torch.ones(2, requires_grad=True)\nfor x in DataLoader(w, {told}): x.sum().backward()\n"  # fmt: skip
    snippet = only_candidate(code)

    assert f"DataLoader(w, {instead})" in snippet.code
    assert bool(noted(snippet, AssumptionKind.SUBSTITUTED)) is (told != instead)


def test_imports_of_its_data_sets_and_transforms_are_added_where_they_lack() -> None:
    lacking = SCRIPT.replace("from torchvision import datasets, transforms\n", "")

    added = [text for _, text in noted(only_candidate(lacking), AssumptionKind.ADDED_IMPORT)]

    assert sorted(added) == ["added: from torchvision import datasets", "added: from torchvision import transforms"]


def test_data_sets_of_another_library_are_not_taken_for_its_own() -> None:
    code = "import torch\nX = torch.tensor(datasets.load_iris().data, requires_grad=True)\nX.sum().backward()\n"
    body = f"Why?\n\n```python\n{code}```\n"
    found = snippets(
        Question(post=Post(id="9", raw=body)), read(body), contexts=Contexts(), read=lambda post: read(post.raw)
    )

    assert all("torchvision" not in snippet.code for snippet in found)
