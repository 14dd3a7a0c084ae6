from __future__ import annotations

import pytest

from bot.domain.snippet import QuotedError
from bot.extract import read
from bot.extract.messages import is_autograd_message

NO_GRAPH = "element 0 of tensors does not require grad and does not have a grad_fn"


def error_of(post: str, *, title: str = "") -> QuotedError:
    error = read(post, title=title).error
    assert error is not None
    return error


def test_a_plain_traceback_gives_the_innermost_frame_of_the_asker() -> None:
    error = error_of(
        "I get\n"
        "Traceback (most recent call last):\n"
        '  File "fit.py", line 31, in <module>\n'
        "    step(batch)\n"
        '  File "fit.py", line 12, in step\n'
        "    cost.backward()\n"
        '  File "/usr/lib/python3.10/site-packages/torch/_tensor.py", line 487, in backward\n'
        "    torch.autograd.backward(\n"
        f"RuntimeError: {NO_GRAPH}\n"
        "what now?"
    )

    assert error == QuotedError(message=NO_GRAPH, type="RuntimeError", line=12, source="cost.backward()")


def test_an_ipython_traceback_gives_the_line_its_arrow_points_at() -> None:
    error = error_of(
        "```\n"
        "---------------------------------------------------------------------------\n"
        "RuntimeError                              Traceback (most recent call last)\n"
        "Cell In[4], line 3\n"
        "      1 u = torch.arange(3.0, requires_grad=True)\n"
        "      2 v = u ** 2\n"
        "----> 3 v.backward()\n"
        "\n"
        "File ~/env/lib/python3.11/site-packages/torch/_tensor.py:521, in Tensor.backward(self)\n"
        "    519 )\n"
        "--> 521 torch.autograd.backward(\n"
        "    522     self, gradient\n"
        "\n"
        "RuntimeError: grad can be implicitly created only for scalar outputs\n"
        "```"
    )

    assert error.message == "grad can be implicitly created only for scalar outputs"
    assert (error.type, error.line, error.source) == ("RuntimeError", 3, "v.backward()")


def test_a_traceback_without_its_head_and_without_indentation_is_read() -> None:
    error = error_of(
        'File "gan.py", line 40, in train\n'
        "g_loss.backward()\n"
        'File "/opt/conda/lib/python3.8/site-packages/torch/tensor.py", line 185, in backward\n'
        "torch.autograd.backward(self, gradient, retain_graph, create_graph)\n"
        "RuntimeError: one of the variables needed for gradient computation has been modified by an inplace operation"
    )

    assert (error.line, error.source) == (40, "g_loss.backward()")


def test_a_traceback_leaves_no_code_and_no_words_behind() -> None:
    reading = read(
        "Help!\n"
        "Traceback (most recent call last):\n"
        '  File "a.py", line 2, in <module>\n'
        "    y.backward()\n"
        f"RuntimeError: {NO_GRAPH}\n"
    )

    assert reading.blocks == ()
    assert reading.prose == "Help!"


@pytest.mark.parametrize(
    ("post", "message"),
    [
        (f"训练到一半出现 RuntimeError：{NO_GRAPH}，请问怎么解决？", NO_GRAPH),
        (f"报错“RuntimeError: {NO_GRAPH}”怎么办", NO_GRAPH),
        (f"It says `RuntimeError: {NO_GRAPH}` in `loss.backward()`.", NO_GRAPH),
        (f'I see "{NO_GRAPH}" all the time', NO_GRAPH),
        (f"**RuntimeError: {NO_GRAPH}**", NO_GRAPH),
        (f"ERROR:{NO_GRAPH}", NO_GRAPH),
        (f"运行时错误 Runtime Error:{NO_GRAPH}", NO_GRAPH),
        (f"RuntimeError: {NO_GRAPH}. I am sure that my inputs are right. Any idea?", f"{NO_GRAPH}."),
        ("得到警告 the .grad attribute of a Tensor that is not a leaf Tensor is being accessed", None),
    ],
)
def test_a_message_in_a_sentence_ends_where_the_sentence_goes_on(post: str, message: str | None) -> None:
    error = error_of(post)

    assert message is None or error.message == message


def test_a_warning_gives_its_line() -> None:
    error = error_of(
        "```\n"
        "w.py:7: UserWarning: The .grad attribute of a Tensor that is not a leaf Tensor is being accessed.\n"
        "  return self._grad\n"
        "```"
    )

    assert (error.type, error.line) == ("UserWarning", 7)


def test_torchs_own_messages_come_before_others() -> None:
    error = error_of(f"First ValueError: too many values to unpack\nand then RuntimeError: {NO_GRAPH}")

    assert error.message == NO_GRAPH


def test_the_title_may_hold_the_error_alone() -> None:
    assert error_of("What does this mean?", title=f"RuntimeError: {NO_GRAPH}").message == NO_GRAPH
    assert read("What does this mean?").error is None


@pytest.mark.parametrize(
    ("words", "version"),
    [
        ("PyTorch 1.7.1", "1.7.1"),
        ("torch==2.0", "2.0"),
        ("我的torch版本是1.13", "1.13"),
        ("pytorch version: 0.4.1", "0.4.1"),
    ],
)
def test_the_version_of_torch_is_noted(words: str, version: str) -> None:
    assert error_of(f"RuntimeError: {NO_GRAPH}\n{words}").torch_version == version


@pytest.mark.parametrize(
    "message",
    [
        "Trying to backward through the graph a second time, but the buffers have already been freed.",
        "Trying to backward through the graph a second time (or directly access saved tensors after they have",
        "element 0 of variables does not require grad and does not have a grad_fn",
        "Can't call numpy() on Variable that requires grad. Use var.detach().numpy() instead.",
        "One of the differentiated Tensors appears to not have been used in the graph.",
        "The differentiated Tensor at index 0 appears to not have been used in the graph.",
        "only Tensors of floating point dtype can require gradients",
        "Output 0 of SplitBackward is a view and is being modified inplace.",
        "a leaf Variable that requires grad is being used in an in-place operation.",
        "'NoneType' object has no attribute 'zero_'",
    ],
)
def test_every_wording_of_torchs_messages_is_known(message: str) -> None:
    assert is_autograd_message(message)


@pytest.mark.parametrize(
    "message", ["mat1 and mat2 shapes cannot be multiplied", "No module named 'torch'", "", "KeyError: 0"]
)
def test_other_messages_are_not_torchs_about_gradients(message: str) -> None:
    assert not is_autograd_message(message)
