from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.post import Post, Question
from bot.extract import asks, read, silent_because


def reason(
    body: str, title: str = "", *, thread: tuple[Post, ...] = (), author: str = "", reply_to: int | None = None
) -> str | None:
    post = Post(id="9", raw=body, number=len(thread) + 1, author=author, reply_to=reply_to)
    opens = title if not thread else ""
    return silent_because(Question(post=post, title=title, earlier=thread), read(body, title=opens))


@pytest.mark.parametrize(
    ("code", "body", "title"),
    [
        ("thanks", "谢谢大家，我明白了！", ""),
        ("thanks", "Thank you, it works for me now.", ""),
        ("link", "https://example.org/notes/autograd", ""),
        ("link", "这里有一篇不错的文章，推荐给大家。", ""),
        ("link", "Check out this video on the chain rule: https://example.org/v", ""),
        ("announcement", "This PR makes the error of `backward` clearer.", ""),
        ("announcement", "Supports sparse gradients too.", "Add gradients for sparse tensors"),
        ("announcement", "A broadcast was missing in the formula.", "fix(autograd): broadcast in the derivative of lerp"),
        ("announcement", "第2.5节有一处笔误，导数应写成 2x。", ""),
        ("announcement", "In section 2 there is a typo in the gradient.", ""),
        ("patch_note", "line 88: h = h  -->  h = h.clone()", ""),
        ("answer", "You should call zero_grad() before backward, otherwise gradients add up.", ""),
        ("answer", "你可以先调用 x.grad.zero_()，再反向传播。", ""),
        ("answer", "这是因为 x 是叶子节点，所以它的梯度会保存下来。", ""),
        (
            "answer",
            "The reason is that the graph is freed. You can compute it again instead.",
            "RuntimeError: Trying to backward through the graph a second time",
        ),
        ("working_solution", "我的练习5代码：\nx = torch.ones(2, requires_grad=True)\nx.sum().backward()", ""),
        ("working_solution", "my solution to exercise 3:\nx = torch.ones(2, requires_grad=True)\nx.sum().backward()", ""),
        ("cured", "It stopped with an in-place error. I solved this problem by moving step() to the end.", ""),
        ("cured", "In order to solve this it is necessary to call backward() before step().", "in-place error in backward"),
        ("announcement", "Do we need another softmax? No, the loss applies one.", "Removes a second softmax"),
        ("other_framework", "x = mx.nd.array([1, 2])\nx.attach_grad()\nwhy is x.grad zero after backward()?", ""),
        ("announcement", "The generator is not to be trained there.", "Stop gradients to the generator by detach()"),
        ("cured", "The variable was a leaf.", "[Solved] a leaf Variable that requires grad is used in an in-place operation"),
        ("cured", "把 x += 1 改成 x = x + 1。", "【已解决】inplace operation 报错"),
        ("announcement", "在训练中你可能会遇到错误 \"Trying to backward through the graph a second time\"，本文将说明如何解决。", "二次求导"),
        ("announcement", "When you see the error \"grad can be implicitly created only for scalar outputs\", sum first.", ""),
        ("announcement", "Say what to do?\n```suggestion\n  \"a leaf Variable that requires grad is used\"\n```", "Better message"),
        ("withdrawn", "Sorry, posted in the wrong category. Please ignore.", "x.grad is None"),
        ("withdrawn", "发错地方了，请忽略。", ""),
        ("homework", "Please write the whole program for me: a network with backward by hand, due tomorrow.", ""),
        ("homework", "求完整代码，自动求导那一节的作业", ""),
        ("other_framework", "Why does tf.GradientTape return None for my variable in TensorFlow?", ""),
        ("other_framework", "```\nimport jax\ng = jax.grad(f)(x)\n```\nwhy is the gradient nan?", ""),
        ("other_framework", "from autograd import grad\nmy gradient is wrong, why?", ""),
        ("other_framework", "```\nW -= np.dot(X.T, d) * rate\n```\nwhy is my gradient wrong?", ""),
        ("other_framework", "```\nfrom tinygrad.tensor import Tensor\nx = Tensor(2.0)\n```\nwhy does x.grad stay? torch can do it", ""),
        ("announcement", "Welcome to the migration guide. When does autograd start to record? Here we tell.", ""),
        ("announcement", "The manual says nothing of leaves.", "retain_grad(): documentation is misleading"),
        ("announcement", "## 🚀 Feature\nA gradient of zeros for unused inputs. Is this possible?", "Zeros for unused inputs"),
        ("announcement", "eval() and no_grad() are confused by many. Would you accept a PR that names both?", ""),
        ("announcement", "## 📚 Documentation\nWhy does the page on leaves not tell of views?", "Leaves and views"),
        (
            "announcement",
            "y = x[0] fails for one axis.\n\nThe cause is [here](https://github.com/pytorch/pytorch/blob/master/torch/autograd/f.py#L2):"
            " the gradient is None. Maybe `narrow` would do instead?",
            "Index fails",
        ),
        ("cured", "Memory grows because the loss is kept. The leak could be fixed with this: total += loss.item()", ""),
        ("other_framework", "grads = K.gradients(model.output, layer)\nwhy is the gradient None?", ""),
        ("announcement", "Replaces the deprecated backward hook by the full one.", ""),
        ("announcement", "Forward mode fails for custom Functions.", "ENH: forward mode for autograd"),
        ("announcement", "Why are these lines never run? The report on coverage says so.", "TST backward is not tested"),
        ("installation", "ModuleNotFoundError: No module named 'torch' after pip install torch. What now?", ""),
        ("installation", "安装 d2l 之后还是 import 不了，怎么办？", ""),
        ("other_error", "RuntimeError: mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3). Help?", ""),
        ("remark", "自动微分就是机械地使用链式法则。", ""),
        ("remark", "Nice chapter on gradients.", ""),
        ("not_autograd", "How do I plot two curves in one figure?", ""),
        ("not_autograd", "请问这本书的中文版在哪里买？", ""),
        ("empty", "", ""),
        ("empty", " \n\n ", ""),
    ],
)  # fmt: skip
def test_posts_that_want_no_reply_are_left_alone(code: str, body: str, title: str) -> None:
    assert reason(body, title) == code


@pytest.mark.parametrize(
    ("body", "title"),
    [
        ("为什么 y.backward() 会报错，为什么要先求和？", ""),
        ("Thanks for the chapter! But why is x.grad None after reshape?", ""),
        ("In this tutorial, we call y.backward() twice. Why does it fail the second time?", ""),
        ("书上写着“在本节中，我们对 y 求导”，为什么 x.grad 是 None？", ""),
        ("谢谢您的回答！另外想问一下，如何求 x.T 的梯度？", ""),
        ("", "RuntimeError: element 0 of tensors does not require grad and does not have a grad_fn"),
        ("RuntimeError: Trying to backward through the graph a second time", ""),
        ("x = torch.ones(2, requires_grad=True) * 2\nx.sum().backward()\nx.grad", ""),
        (
            "Why does my w.grad stay None? I looked at https://github.com/pytorch/pytorch/blob/main/torch/optim/sgd.py#L100",
            "",
        ),
        ("My code fails: is w.grad None a bug? I can open a PR.\n```\nprint(w.grad)\n```", ""),
        ("My weights do not change although I call optimizer.step().", ""),
        ("The gradient is always zero after round().", ""),
        ("If you are submitting a feature request, say so in the title.\n\nWhy is w.grad None on the GPU?", ""),
        ("You can get the script and run it with:\n\nx.grad is nan, why?", ""),
        ("Apply softmax and then the loss? Shouldn't it be the other way round", "softmax and cross entropy"),
        ("The best weights change with every step. Should I make a deep copy", ""),
        ("```\nprint(w.grad)\n0\n```\nWhy is it 0 and not None", "Gradient is zero"),
        ("Why is this not in the documentation: x.grad is None after view()?", "[docs] leaves"),
        ("As you can see, w.grad is None:\n```\nprint(w.grad)\n```", ""),
        ("I tried tensorflow too, but in PyTorch loss.backward() fails. Why?", ""),
        ("my solution for exercise 5 does not work:\ny = x * x\ny.backward()", ""),
        ("zero_grad must be put before backward, otherwise the gradients are lost.", ""),
        ("Update of w in place raises an error", "Update w in place"),
        ("I think the result should be a 2x2 matrix and not a vector of gradients.", ""),
        ("deepcopy of my model fails", ""),
        ("用了 retain_graph=True 之后显存越来越大，爆显存", ""),
        ("训练的时候 loss 一直不变", ""),
        ("What is volatile=True?", "How to fix it"),
        ("Why do you set 'retain_graph=True' for the critic", ""),
        ("I get an error about the graph.", "Use a loss twice"),
        ("It is None here.\n```\nprint(x.T.grad)\n```", "Return the gradient of x.T"),
        ("My gradient is None there. How can I get it?", "Return gradients of x.T"),
        ("In this article they call backward twice. Why does it fail the second time?", ""),
        ("Still open for me: why is w.grad None?", "[solved] w.grad is None"),
        ("AttributeError: 'NoneType' object has no attribute 'norm'\n```\nw.grad.norm()\n```", "Help"),
    ],
)
def test_posts_that_may_want_a_reply_are_kept(body: str, title: str) -> None:
    assert reason(body, title) is None


THREAD = (
    Post(id="1", number=1, author="student", raw="请问为什么 c.grad 是 None？\nc = torch.ones(2, requires_grad=True).reshape(2, 1)"),
    Post(id="2", number=2, author="helper", reply_to=1, raw="你的 c 不是叶子。什么是叶子呢？就是直接创建的张量。"),
)  # fmt: skip


def test_an_explanation_with_a_rhetorical_question_is_an_answer() -> None:
    assert reason(THREAD[1].raw, thread=THREAD[:1], author="helper", reply_to=1) == "answer"


def test_the_askers_own_follow_up_is_no_answer() -> None:
    body = "你的解释我懂了，可是为什么 c.T 的梯度数值不同？"

    assert reason(body, thread=THREAD, author="student", reply_to=2) is None


def test_another_reader_with_the_same_trouble_is_no_answer() -> None:
    assert reason("我也遇到了同样的报错，你的方法对我没用，怎么办", thread=THREAD, author="reader", reply_to=2) is None


def test_the_topics_title_speaks_for_its_first_post_only() -> None:
    title = "Why is x.grad None?"

    assert reason("See the picture.", title) is None
    assert reason("Thank you!", title, thread=THREAD, author="reader") == "thanks"


@pytest.mark.parametrize(
    "body",
    [
        "Why?",
        "为什么",
        "请问如何求梯度",
        "w.grad is None",
        "it does not work",
        "结果报错了",
        "学习率没改，loss 发散了",
        "训练几轮后损失越来越大",
        "My loss blows up after ten epochs.",
        "The training loss went to infinity.",
        "I am confused",
        "RuntimeError: element 0 of tensors does not require grad",
    ],
)
def test_questions_and_complaints_ask(body: str) -> None:
    assert asks(read(body))


@pytest.mark.parametrize(
    "body",
    [
        "Nice.",
        "谢谢",
        "散度和发散思维",
        "The loss went down nicely.",
        "损失函数取平均。",
        "my solution:\nx = torch.ones(2)",
        "梯度是一个向量。",
    ],
)
def test_statements_do_not_ask(body: str) -> None:
    assert not asks(read(body))


@given(body=st.text(max_size=200), title=st.text(max_size=60))
def test_any_post_gets_a_known_reason_or_none(body: str, title: str) -> None:
    code = reason(body, title)

    assert code is None or code.replace("_", "").isalpha()
