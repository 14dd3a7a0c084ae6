from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.context import MOST_CANDIDATES, Contexts, read_contexts, snippets
from bot.context.torch_names import MODULE_OF
from bot.domain.post import Post, Question
from bot.domain.snippet import AssumptionKind, Origin, Snippet
from bot.errors import KnowledgeError
from bot.extract import read
from bot.pipeline import Pipeline
from bot.sandbox import Order, Sandbox
from bot.source import parse, undefined_names

CHAPTERS = read_contexts(Path(__file__).parent.parent / "knowledge" / "contexts")


def candidates(
    body: str,
    *,
    title: str = "",
    thread: tuple[Post, ...] = (),
    author: str = "asker",
    reply_to: int | None = None,
    contexts: Contexts = CHAPTERS,
) -> tuple[Snippet, ...]:
    post = Post(id="9", raw=body, number=len(thread) + 1, author=author, reply_to=reply_to)
    question = Question(post=post, title=title, earlier=thread)
    return snippets(question, read(body), contexts=contexts, read=lambda post: read(post.raw))


def kinds(snippet: Snippet) -> set[AssumptionKind]:
    return {note.kind for note in snippet.assumptions}


# The post's own code


@pytest.mark.parametrize("making", ["x.requires_grad = True", "x.requires_grad_()"])
def test_a_tensor_made_a_leaf_afterwards_stops_being_one_when_it_is_moved(making: str) -> None:
    [snippet, *_] = candidates(f"```\nimport torch\nx = torch.ones(2)\n{making}\nx = x.cuda()\nx.sum().backward()\n```")
    assert 'x = x.to("cpu", copy=True)' in snippet.code


def test_missing_imports_are_added_on_record() -> None:
    (snippet,) = candidates("u = torch.ones(2, requires_grad=True)\nF.relu(u).sum().backward()\nplt.plot(u.detach())")

    assert set(snippet.code.split("\n")[:3]) == {
        "import torch",
        "import torch.nn.functional as F",
        "from matplotlib import pyplot as plt",
    }
    assert snippet.origins[0] == Origin(source="added")
    assert snippet.origins[3] == Origin(source="post 1", line=1)
    assert len(snippet.origins) == snippet.code.count("\n")
    assert [note.line for note in snippet.assumptions if note.kind is AssumptionKind.ADDED_IMPORT] == [1, 2, 3]
    assert snippet.own


@pytest.mark.sandbox
def test_every_name_of_torchs_own_that_is_imported_is_there(sandbox: Sandbox) -> None:
    code = "\n".join(f"from {module} import {name}" for name, module in MODULE_OF.items())

    assert sandbox.run(Order(code=code, tape=False)).error is None


def test_bare_names_of_torchs_own_are_imported_and_others_are_not() -> None:
    (snippet,) = candidates(
        "```\nnet = Sequential(Linear(2, 1))\nopt = Adam(net.parameters())\nw = torch.ones(2)\n"
        "loss = mse_loss(net(w), torch.zeros(1))\nloss.backward()\nopt.step()\nMyPlot(loss)\n```"
    )

    assert "from torch.optim import Adam" in snippet.code.split("\n")
    assert "from torch.nn.functional import mse_loss" in snippet.code.split("\n")
    assert "MyPlot" not in snippet.code
    assert parse(snippet.code) is not None
    assert not undefined_names(parse(snippet.code))  # type: ignore[arg-type]


@pytest.mark.sandbox
def test_an_own_class_under_the_name_of_torchs_is_not_blamed(pipeline: Pipeline) -> None:
    code = "import torch\nlayer = Linear(2, 1)\nloss = (layer(torch.ones(3, 2)) ** 2).mean()\nloss.backward()\nprint(layer.w.grad)"
    answer = pipeline.answer(
        Question(post=Post(id="9", raw=f"My Linear has no gradient. Why is w.grad None?\n```\n{code}\n```"))
    )

    assert answer.diagnosis is None or not answer.diagnosis.ran


@pytest.mark.parametrize("value", ["min(4, 2)", "cfg['workers']", "0"])
def test_only_a_plain_number_of_workers_is_taken_away(value: str) -> None:
    code = f"import torch\nloader = DataLoader(d, num_workers={value}, batch_size=2)\nx = torch.ones(2, requires_grad=True)\nx.sum().backward()"
    for snippet in candidates(f"```\nd = [1.0, 2.0]\n{code}\n```"):
        assert f"num_workers={value}" in snippet.code


def test_a_name_in_small_letters_that_is_not_called_is_no_function_of_torchs() -> None:
    assert candidates("x = torch.ones(2, requires_grad=True)\nx.backward(grad)") == ()


@pytest.mark.parametrize(
    "line",
    [
        "from utils import d2l",
        "import d2l",
        "from d2l import mxnet as d2l",
        "import d2lzh_pytorch as d2l",
        "import d2l.torch as d2l",
    ],
)
def test_every_import_of_the_course_library_means_the_stand_in(line: str) -> None:
    (snippet,) = candidates(
        f"{line}\nimport torch\nx = torch.ones(2, requires_grad=True)\nx.sum().backward()\nd2l.plot(x.grad)"
    )

    assert "from d2l import torch as d2l" in snippet.code.split("\n")
    assert AssumptionKind.SUBSTITUTED in kinds(snippet)


def test_functions_of_the_course_library_may_be_called_bare() -> None:
    (snippet,) = candidates("x = torch.ones(2, requires_grad=True)\nx.sum().backward()\nplot(x.detach(), x.grad)")

    assert "plot = d2l.plot" in snippet.code


def test_torch_under_a_short_name_is_imported_under_it() -> None:
    (snippet,) = candidates("a = t.ones(2, requires_grad=True)\na.sum().backward()")

    assert snippet.code.startswith("import torch as t\n")


def test_a_function_that_the_post_shows_later_is_moved_up() -> None:
    (snippet, *_) = candidates(
        "I call\n```\nx = torch.ones(2, requires_grad=True)\nf(x).backward()\n```\nwhere\n```\ndef f(t):\n    return t.sum()\n```"
    )

    assert snippet.code.index("def f") < snippet.code.index("f(x).backward()")


def test_a_block_that_defines_what_an_earlier_one_lacks_runs_first() -> None:
    first, *_ = candidates(
        "This fails:\n```\nerr.backward()\n```\nwhere\n```\nu = torch.ones(2)\nerr = u.sum()\n```\nWhy?"
    )

    assert first.code == "import torch\nu = torch.ones(2)\nerr = u.sum()\nerr.backward()\n"
    assert [origin.line for origin in first.origins] == [None, 7, 8, 3]


def test_blocks_that_lean_on_each_other_keep_their_order() -> None:
    first, *_ = candidates(
        "```\nimport torch\nu = torch.ones(2, requires_grad=True)\nv = u * u\n```\nand then\n```\nu = v.sum()\nu.backward()\n```"
    )

    assert first.code.endswith("v = u * u\nu = v.sum()\nu.backward()\n")


def test_lines_that_are_shown_before_the_program_they_stand_in_are_not_run_twice() -> None:
    program = "import torch\nw = torch.ones(2, requires_grad=True)\n(w * w).sum().backward()\nw -= w.grad\n"
    first, *_ = candidates(f"Why does this fail?\n```\nw -= w.grad\n```\nAll of it:\n```\n{program}```")

    assert first.code == program


def test_lines_that_are_shown_again_behind_a_program_are_run_again() -> None:
    program = "import torch\nw = torch.ones(2, requires_grad=True)\nl = (w * w).sum()\nl.backward()\n"
    first, *_ = candidates(f"I run this:\n```\n{program}```\nand once more:\n```\nl.backward()\n```\nWhy an error?")

    assert first.code == f"{program}l.backward()\n"


def test_a_block_that_begins_or_ends_in_dots_only_shows_a_way() -> None:
    program = "import torch\nw = torch.ones(2, requires_grad=True)\nw.sum().backward()\n"
    first, *_ = candidates(
        f"```\n{program}```\nMy way around:\n```\n...\nw.register_hook(print)\n...\n```\nIs it right?"
    )

    assert first.code == program


def test_eaten_asterisks_are_restored_with_names_of_the_thread() -> None:
    thread = (Post(id="1", number=1, author="asker", raw="u = torch.ones(2, requires_grad=True)"),)

    (snippet, *_) = candidates("v=uu\nv.sum().backward()", thread=thread)

    assert "v=u*u" in snippet.code
    assert ("uu", "u*u") in [(note.original, note.restored) for note in snippet.assumptions]


def test_programs_for_a_gpu_run_on_the_cpu_and_keep_their_graph() -> None:
    (snippet,) = candidates(
        "```\n"
        "w = torch.ones(2, requires_grad=True).cuda()\n"
        "net = nn.Linear(2, 1).cuda()\n"
        "x = torch.ones(2, device='cuda:0')\n"
        "dev = torch.device('cuda' if torch.cuda.is_available() else 'cpu')\n"
        "net(w * x).backward()\n"
        "```"
    )

    assert 'w = torch.ones(2, requires_grad=True).to("cpu", copy=True)' in snippet.code
    assert "net = nn.Linear(2, 1)\n" in snippet.code
    assert 'x = torch.ones(2, device="cpu")' in snippet.code
    assert "cuda" not in snippet.code.replace("torch.cuda.is_available()", "")
    assert sum(note.kind is AssumptionKind.SUBSTITUTED for note in snippet.assumptions) == 4


def test_a_leaf_that_is_moved_to_a_device_stops_being_one_here_too() -> None:
    (snippet,) = candidates(
        "```\n"
        "device = torch.device('cuda')\n"
        "w = torch.ones(2, requires_grad=True).to(device)\n"
        "v = torch.ones(2, requires_grad=True).to(torch.float64)\n"
        "(w * v).sum().backward()\n"
        "print(w.grad)\n"
        "```"
    )

    assert "w = torch.ones(2, requires_grad=True).to(device, copy=True)" in snippet.code
    assert "requires_grad=True).to(torch.float64)" in snippet.code


def test_the_courses_image_data_is_replaced_by_random_batches() -> None:
    (snippet,) = candidates(
        "from d2l import torch as d2l\n"
        "import torch\n"
        "train_iter, test_iter = d2l.load_data_fashion_mnist(256)\n"
        "w = torch.ones(784, 10, requires_grad=True)\n"
        "for X, y in train_iter:\n"
        "    (X.reshape(-1, 784) @ w).sum().backward()\n"
    )

    assert "load_data_fashion_mnist" not in snippet.code
    assert "torch.rand(8, 1, 28, 28)" in snippet.code


def test_a_data_loader_that_is_not_shown_gets_random_batches_of_the_models_shape() -> None:
    (snippet,) = candidates(
        "```\n"
        "net = nn.Sequential(nn.Linear(6, 4), nn.ReLU(), nn.Linear(4, 3))\n"
        "loss_fn = nn.CrossEntropyLoss()\n"
        "for inputs, labels in trainloader:\n"
        "    loss_fn(net(inputs), labels).backward()\n"
        "```"
    )

    assert "trainloader = [(torch.rand(8, 6), torch.randint(0, 3, (8,))) for _ in range(3)]" in snippet.code
    assert AssumptionKind.STAND_IN in kinds(snippet)


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("w = torch.zeros(2, requires_grad=True)\n(X @ w).sum().backward()", "X = torch.rand(8, 2)"),
        (
            "w = torch.normal(0, 1, size=(5, 1), requires_grad=True)\nl = (torch.mm(x, w) - y).sum()\nl.backward()",
            "y = torch.rand(8, 1)",
        ),
    ],
)
def test_tensors_that_are_not_shown_take_their_shape_from_the_weight(code: str, line: str) -> None:
    (snippet,) = candidates(f"```\n{code}\n```")

    assert line in snippet.code


def test_without_a_known_shape_nothing_stands_in() -> None:
    assert candidates("```\nl = criterion(net(inputs), labels)\nl.backward()\n```") == ()


def test_statements_that_a_sentence_names_one_by_one_are_a_program() -> None:
    (snippet,) = candidates(
        "I do `u = torch.ones(2, requires_grad=True)` and `v = u * 2`, but `v.backward()` fails. Why?"
    )

    assert snippet.code == "import torch\nu = torch.ones(2, requires_grad=True)\nv = u * 2\nv.backward()\n"
    assert snippet.own
    assert AssumptionKind.FROM_MENTION in kinds(snippet)


def test_named_statements_that_lack_something_are_no_program() -> None:
    assert candidates("`h = h.data` helps, but `loss.backward()` fails. Why?") == ()


def test_a_name_that_nobody_defines_ends_the_program_before_it() -> None:
    (snippet,) = candidates(
        "```\nimport torch\nx = torch.ones(2, requires_grad=True)\nx.sum().backward()\nx.grad\nmystery(x)\nx.grad\n```"
    )

    assert snippet.code == "import torch\nx = torch.ones(2, requires_grad=True)\nx.sum().backward()\nx.grad\n"
    assert [note.original for note in snippet.assumptions if note.kind is AssumptionKind.LEFT_OUT] == ["mystery"]


@pytest.mark.parametrize(
    "code",
    [
        "loss = criterion(model(x), y)\nloss.backward()",
        "def f(x):\n    return x.grad",
        "import torch\nfrom torch import nn",
    ],
)
def test_code_that_cannot_run_or_shows_nothing_is_no_candidate(code: str) -> None:
    assert candidates(f"```\n{code}\n```") == ()


def test_a_number_that_nobody_gives_gets_a_customary_value() -> None:
    (snippet,) = candidates(
        "import torch\nw = torch.ones(2, requires_grad=True)\nfor epoch in range(num_epochs):\n    (w * lr).sum().backward()"
    )

    assert "num_epochs = 3" in snippet.code
    assert "lr = 0.03" in snippet.code


def test_blocks_that_run_by_themselves_are_candidates_too() -> None:
    block = "```\nimport torch\nx = torch.ones({0}, requires_grad=True)\nx.sum().backward()\nx.grad\n```\n"

    found = candidates(block.format(2) + "and\n" + block.format(3))

    assert ["ones(2" in snippet.code and "ones(3" in snippet.code for snippet in found] == [True, False, False]


# The thread

THREAD = (
    Post(id="1", number=1, author="asker", raw="c = torch.ones(2, requires_grad=True).reshape(2, 1)\nc.sum().backward()\nc.grad\nwhy None?"),
    Post(
        id="2",
        number=2,
        author="helper",
        reply_to=1,
        raw="The leaf is\ntorch.ones(2, requires_grad=True)\nso write\nimport torch\nc = torch.ones(2, requires_grad=True)\nr = c.reshape(2, 1)\nr.sum().backward()\nc.grad\nand it works",
    ),
)  # fmt: skip


def test_a_follow_up_without_code_means_the_last_program_of_the_post_it_answers() -> None:
    first, *_ = candidates("With your change, how do I get the gradient of r.T?", thread=THREAD, reply_to=2)

    assert first.code == (
        "import torch\nc = torch.ones(2, requires_grad=True)\nr = c.reshape(2, 1)\nr.sum().backward()\nc.grad\n"
    )
    assert not first.own
    assert kinds(first) == {AssumptionKind.FROM_POST}
    assert {origin.source for origin in first.origins} == {"post 2"}


def test_then_come_the_posts_that_one_answered() -> None:
    _, second, *_ = candidates("And how about r.T?", thread=THREAD, reply_to=2)

    assert "reshape(2, 1)\nc.sum().backward()" in second.code
    assert "post 1" in {origin.source for origin in second.origins}


def test_names_come_from_the_post_that_is_answered() -> None:
    first, *_ = candidates("I tried\nr.retain_grad()\nr.grad\nbut it is None", thread=THREAD, reply_to=2)

    assert first.own
    assert first.code.split("\n")[:3] == [
        "import torch",
        "c = torch.ones(2, requires_grad=True)",
        "r = c.reshape(2, 1)",
    ]
    assert first.origins[2].source == "post 2"
    assert AssumptionKind.FROM_POST in kinds(first)


def test_a_new_question_does_not_take_the_code_of_strangers() -> None:
    assert candidates("Why is a gradient a vector?", thread=THREAD, author="reader", contexts=Contexts()) == ()


# The chapter


@pytest.mark.parametrize(
    ("title", "chapter"),
    [
        ("自动微分", "autograd"),
        ("2.5. 自动微分 (PyTorch)", "autograd"),
        ("自动求导", "autograd"),
        ("Automatic Differentiation", "autograd"),
        ("Auto Differentiation", "autograd"),
        ("线性回归的从零开始实现", "linear_regression"),
        ("Linear Regression Implementation from Scratch", "linear_regression"),
        ("Concise Implementation of Linear Regression", "linear_regression"),
        ("softmax回归的简洁实现", "softmax_regression"),
        ("Softmax Regression", "softmax_regression"),
        ("多层感知机", "multilayer_perceptron"),
        ("Multilayer Perceptrons", "multilayer_perceptron"),
        ("My loss does not go down in linear regression", None),
        ("Autograd gives None, why?", None),
        ("Convolutions", None),
        ("", None),
    ],
)
def test_titles_mean_chapters(title: str, chapter: str | None) -> None:
    assert CHAPTERS.chapter_of(title) == chapter


def test_a_call_named_in_a_question_is_put_into_the_chapters_scene() -> None:
    first, second, *_ = candidates(
        "为什么 y.backward() 会报错？为什么要 y.sum().backward()？求和之后不就是一个数字吗", title="自动微分"
    )

    assert first.code.split("\n")[2:5] == ["y = x * x", "y.backward()", "x.grad"]
    assert second.code.split("\n")[3] == "y.sum().backward()"
    assert first.scene == "autograd/elementwise"
    assert not first.own
    assert kinds(first) == {AssumptionKind.FROM_CHAPTER, AssumptionKind.FROM_MENTION}
    assert [origin.source for origin in first.origins] == ["chapter autograd"] * 3 + ["post 1"] + ["chapter autograd"]


def test_a_scene_fills_what_a_post_leaves_out_and_keeps_the_askers_lines() -> None:
    first, *_ = candidates(
        "样例代码:\nx = torch.arange(4.0)  # 向量\nx\ntensor([0., 1., 2., 3.])\n求导之后\nx.grad\ntensor([0., 4., 8., 12.])\n为什么形状一样?",
        title="自动微分",
    )

    assert first.scene == "autograd/dot_product"
    assert first.own
    assert "x = torch.arange(4.0)  # 向量" in first.code
    sources = [origin.source for origin in first.origins]
    assert sources.count("post 1") == 3
    assert sources.count("chapter autograd") == len(sources) - 3


def test_scenes_that_print_something_else_than_the_asker_are_left_out() -> None:
    found = candidates(
        "x = torch.arange(4.0)\nx\ntensor([7., 7.])\nand\nx.grad\ntensor([9., 9.])\nwhy?", title="自动微分"
    )

    assert all(snippet.scene is None for snippet in found)


def test_the_backward_call_that_only_a_sentence_names_is_appended() -> None:
    first, *_ = candidates(
        "我写了\na = torch.ones(3, requires_grad=True)\nb = a * a\n然后 b.backward() 就报错了,为什么?"
    )

    assert first.code.endswith("b = a * a\nb.backward()\n")
    assert AssumptionKind.FROM_MENTION in kinds(first)


def test_the_chapter_gives_names_their_values() -> None:
    (snippet, *_) = candidates(
        "for X, y in data_iter(batch_size, features, labels):\n    l = loss(net(X, w, b), y)\n    l.backward()\nwhy an error?",
        title="线性回归的从零开始实现",
    )

    tree = parse(snippet.code)
    assert tree is not None
    assert undefined_names(tree) == ()
    assert AssumptionKind.FROM_CHAPTER in kinds(snippet)


def test_without_a_chapter_nothing_is_made_up() -> None:
    assert candidates("why does y.backward() fail?", title="Some talk") == ()


# Chapters as files


def chapter_file(folder: Path, text: str, **programs: str) -> Path:
    chapter = folder / "optics"
    chapter.mkdir()
    (chapter / "context.toml").write_text(text, encoding="utf-8")
    for name, code in programs.items():
        (chapter / f"{name}.py").write_text(code, encoding="utf-8")
    return folder


def test_a_folder_adds_a_chapter(tmp_path: Path) -> None:
    text = 'titles = ["optics"]\n[[scene]]\nname = "lens"\nprogram = "lens.py"\ncall = "y.backward()"\ncues.en = ["lens"]\n'
    contexts = read_contexts(chapter_file(tmp_path, text, lens="import torch\ny = torch.ones(1)\ny.backward()\n"))

    assert contexts.chapter_of("Optics") == "optics"
    (snippet,) = candidates("why is the lens so?", title="Optics", contexts=contexts)
    assert snippet.scene == "optics/lens"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("titles = 3", "titles must be a list of texts"),
        ('titles = ["("]', "no regular expression"),
        ("tittles = []", "unknown key 'tittles'"),
        ('[[scene]]\nprogram = "lens.py"', "needs a name"),
        ('[[scene]]\nname = "a"\nprogram = "../lens.py"', "must be the name of a file beside it"),
        ('[[scene]]\nname = "a"\nprogram = "missing.py"', "missing.py"),
        ('[[scene]]\nname = "a"\nprogram = "broken.py"', "no valid Python"),
        ('[[scene]]\nname = "a"\nprogram = "lens.py"\ncall = "z.backward()"', "is no line of its program"),
        ("titles = [", "cannot be read"),
    ],
)
def test_a_chapter_that_is_not_well_formed_is_refused_with_its_place(tmp_path: Path, text: str, complaint: str) -> None:
    folder = chapter_file(tmp_path, text, lens="y = 1\n", broken="y = = 1\n")

    with pytest.raises(KnowledgeError, match="optics") as caught:
        read_contexts(folder)

    assert complaint in str(caught.value)


def test_no_folder_means_no_chapters(tmp_path: Path) -> None:
    assert read_contexts(tmp_path / "none") == Contexts()


def test_every_shipped_program_defines_what_it_uses() -> None:
    for chapter in CHAPTERS.chapters:
        for code in [chapter.definitions, *(scene.code for scene in chapter.scenes)]:
            tree = parse(code)
            assert tree is not None
            assert undefined_names(tree) == (), chapter.name


# Anything


@given(
    bodies=st.lists(
        st.sampled_from(
            (
                "x = torch.arange(4.0, requires_grad=True)",
                "y = xx",
                "y.backward()",
                "x.grad",
                "为什么 y.backward() 报错？",
                "thanks",
                "```\nfor X, y in train_iter:\n    loss(net(X), y).backward()\n```",
                "def f(t):\nreturn t.cuda()",
                "tensor([0., 1.])",
            )
        ),
        min_size=1,
        max_size=6,
    ),
    title=st.sampled_from(("自动微分", "Multilayer Perceptrons", "other")),
)
@settings(max_examples=60, deadline=None)
def test_candidates_are_few_and_always_programs(bodies: list[str], title: str) -> None:
    *earlier, last = bodies
    thread = tuple(
        Post(id=str(number), number=number, author="ab"[number % 2], raw=raw, reply_to=number - 1 or None)
        for number, raw in enumerate(earlier, start=1)
    )

    found = candidates(last, title=title, thread=thread, author="a", reply_to=len(thread) or None)

    assert len(found) <= MOST_CANDIDATES
    assert len({snippet.code for snippet in found}) == len(found)
    for snippet in found:
        assert parse(snippet.code) is not None
        assert len(snippet.origins) == snippet.code.count("\n")
        assert all(note.line is None or 1 <= note.line <= len(snippet.origins) for note in snippet.assumptions)
