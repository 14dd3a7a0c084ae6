from __future__ import annotations

import pytest

from bot.domain.post import Language
from bot.domain.snippet import AssumptionKind, QuotedOutput
from bot.extract import read


def blocks_of(post: str) -> list[str]:
    return [block.text for block in read(post).blocks]


def test_bare_code_between_chinese_sentences_is_found() -> None:
    reading = read(
        "请问列向量乘行向量之后为什么没有梯度?代码如下:\n"
        "import torch\n"
        "c = torch.arange(3.0, requires_grad=True).reshape(3, 1)\n"
        "s = torch.mm(c.T, c)\n"
        "s.sum().backward()\n"
        "c.grad\n"
        "结果c.grad为None\n"
        "我想保留列向量的形状,应该怎么做?"
    )

    assert [block.text for block in reading.blocks] == [
        "import torch\n"
        "c = torch.arange(3.0, requires_grad=True).reshape(3, 1)\n"
        "s = torch.mm(c.T, c)\n"
        "s.sum().backward()\n"
        "c.grad"
    ]
    assert reading.blocks[0].lines == (2, 3, 4, 5, 6)
    assert not reading.blocks[0].fenced
    assert reading.prose == (
        "请问列向量乘行向量之后为什么没有梯度?代码如下:\n结果c.grad为None\n我想保留列向量的形状,应该怎么做?"
    )
    assert reading.outputs == (QuotedOutput(text="None", after="c.grad"),)


def test_bare_code_between_english_sentences_is_found() -> None:
    assert blocks_of(
        "Hi all, I am stuck with exercise 4.\n"
        "x = torch.tensor(2.0, requires_grad=True)\n"
        "y = x ** 3\n"
        "y.backward()\n"
        "This works, but when I add\n"
        "y.backward()\n"
        "I get an error. Is it a bug?"
    ) == ["x = torch.tensor(2.0, requires_grad=True)\ny = x ** 3\ny.backward()", "y.backward()"]


@pytest.mark.parametrize(
    "sentence",
    [
        "thanks",
        "Thanks. It works now",
        "for Q3:",
        "Answer: yes",
        "x is not a leaf",
        "not sure",
        "谢谢",
        "如果 x 是向量,那么 f(x) 的导数是什么",
        "- first\n- second",
        "1. x is the input\n2. y is the output",
        "@somebody you are right",
        "loss",
        "## To reproduce",
        "if needed:",
        "see x.grad",
        "a and b",
        "| a | b |",
        "2.0",
    ],
)
def test_sentences_are_not_code(sentence: str) -> None:
    assert blocks_of(sentence) == []


def test_outputs_between_statements_are_kept_with_the_statement_before_them() -> None:
    reading = read(
        "样例代码里:\n"
        "q = torch.arange(3.0)\n"
        "q\n"
        "tensor([0., 1., 2.])\n"
        "求导之后\n"
        "q.grad\n"
        "tensor([0., 4., 8.])\n"
        "为什么形状没有变?"
    )

    assert [block.text for block in reading.blocks] == ["q = torch.arange(3.0)\nq", "q.grad"]
    assert reading.outputs == (
        QuotedOutput(text="tensor([0., 1., 2.])", after="q"),
        QuotedOutput(text="tensor([0., 4., 8.])", after="q.grad"),
    )


def test_outputs_in_a_fence_of_their_own_belong_to_the_code_above() -> None:
    reading = read("```python\nr = torch.ones(2)\nr\n```\n输出:\n```text\ntensor([1.,\n        1.])\n```")

    assert reading.outputs == (QuotedOutput(text="tensor([1.,\n        1.])", after="r"),)
    assert len(reading.blocks) == 1


@pytest.mark.parametrize(
    ("post", "value"),
    [
        ("```\nt = torch.ones(2)\nprint(t.grad)\n```\nOutput: `None`", "None"),
        ("```\nt = torch.ones(2)\nprint(t.grad)\n```\n**output: tensor(1.), None**", "tensor(1.), None"),
        ("```\nt = torch.ones(2)\nprint(t.grad)\n```\n输出：None", "None"),
    ],
)
def test_outputs_behind_a_label_are_read(post: str, value: str) -> None:
    assert read(post).outputs == (QuotedOutput(text=value, after="print(t.grad)"),)


def test_eaten_asterisks_are_restored_outside_fences_and_said() -> None:
    reading = read("u = torch.arange(3.0, requires_grad=True)\nv=uu\nw=2vu\nw.sum().backward()")

    assert reading.blocks[0].text.split("\n")[1:3] == ["v=u*u", "w=2*v*u"]
    assert [(note.kind, note.line, note.original, note.restored) for note in reading.blocks[0].assumptions] == [
        (AssumptionKind.RESTORED_CHARACTER, 2, "uu", "u*u"),
        (AssumptionKind.RESTORED_CHARACTER, 3, "2vu", "2*v*u"),
    ]


def test_nothing_is_eaten_inside_a_fence() -> None:
    assert blocks_of("```\nu = 1.0\nuu = 2.0\nv = uu\nw = ux\n```") == ["u = 1.0\nuu = 2.0\nv = uu\nw = ux"]


def test_names_of_earlier_blocks_count_as_defined() -> None:
    assert blocks_of("```\na = torch.ones(2)\n```\nthen\nb=aa\nprint(b)")[1] == "b=a*a\nprint(b)"


def test_eaten_underscores_are_restored() -> None:
    text = blocks_of(
        "class Net(nn.Module):\n"
        "    def init(self):\n"
        "        super().init()\n"
        "        self.fc = nn.Linear(2, 1)\n"
        "    def forward(self, args, kwargs):\n"
        "        return self.fc(args, kwargs)\n"
        "if name == 'main':\n"
        "    print(torch.version)\n"
    )[0]

    assert "def __init__(self):" in text
    assert "super().__init__()" in text
    assert "def forward(self, *args, **kwargs):" in text
    assert "self.fc(*args, **kwargs)" in text
    assert "if __name__ == '__main__':" in text
    assert "print(torch.__version__)" in text


def test_statements_that_ran_together_are_taken_apart() -> None:
    reading = read("import torch u = torch.ones(2, requires_grad=True) v = u * u v.sum().backward() u.grad")

    assert reading.blocks[0].text == (
        "import torch\nu = torch.ones(2, requires_grad=True)\nv = u * u\nv.sum().backward()\nu.grad"
    )
    assert {note.kind for note in reading.blocks[0].assumptions} == {AssumptionKind.SPLIT_LINE}


def test_statements_within_a_chinese_sentence_are_taken_out_of_it() -> None:
    reading = read("请问 u = torch.ones(2) v = u * 2 v.backward() 为什么报错")

    assert reading.blocks[0].text == "u = torch.ones(2)\nv = u * 2\nv.backward()"
    assert reading.prose == "请问\n为什么报错"


@pytest.mark.parametrize(
    "line",
    ["y.backward()  报错了", "y.backward()，这里报错", "y.backward()（第二行）", "y.backward()。", "y.backward()，"],
)
def test_a_line_of_code_that_goes_on_in_chinese_is_code_and_words(line: str) -> None:
    reading = read(f"t = torch.ones(2, requires_grad=True)\ny = (t * t).sum()\n{line}\nt.grad\n怎么办？")

    assert "\n".join(block.text for block in reading.blocks).splitlines() == [
        "t = torch.ones(2, requires_grad=True)",
        "y = (t * t).sum()",
        "y.backward()",
        "t.grad",
    ]


def test_a_program_on_one_line_of_a_chinese_sentence_is_taken_out_of_it() -> None:
    reading = read("我运行 t=torch.ones(2,requires_grad=True);u=t*2;u.backward() 报错了，求助")

    assert [block.text for block in reading.blocks] == ["t=torch.ones(2,requires_grad=True);u=t*2;u.backward()"]
    assert "求助" in reading.prose


@pytest.mark.parametrize(
    "sentence", ["t.sum().backward() 是什么意思？", "t.grad 为什么是 None", "y = t * t，求导得 2t"]
)
def test_a_sentence_that_begins_with_code_is_a_sentence(sentence: str) -> None:
    assert blocks_of(sentence) == []


def test_commands_for_a_notebook_or_a_shell_are_left_out_and_said() -> None:
    block = read("```\n%matplotlib inline\n!pip install d2l\nimport torch\nx = torch.ones(2)\n```").blocks[0]

    assert block.text == "import torch\nx = torch.ones(2)"
    assert [note.text for note in block.assumptions] == [
        "left out, no part of the program: %matplotlib inline",
        "left out, no part of the program: !pip install d2l",
    ]


def test_a_sentence_that_slipped_into_a_fence_is_left_out_and_said() -> None:
    block = read(
        "```\nx = torch.ones(2)\nprint(x)\nThe print gives me => {'a': [1, 2]}\ny = x * 2\nprint(y)\nz = y\nprint(z)\n```"
    ).blocks[0]

    assert block.text == "x = torch.ones(2)\nprint(x)\ny = x * 2\nprint(y)\nz = y\nprint(z)"
    assert [note.kind for note in block.assumptions] == [AssumptionKind.LEFT_OUT]


def test_a_body_is_never_kept_without_its_head() -> None:
    assert blocks_of("```\ndef f(x:\n    y = x * 2\n    return y\nz = 1\n```") == []


def test_python_2_and_the_torch_of_2017_are_read() -> None:
    block = read(
        "```\nfor i in xrange(2):\n    print i, loss.data[0]\nloss.backward(retain_variables=True)\nx = x.cuda(async=True)\na, b = dataiter.next()\n```"
    ).blocks[0]

    assert block.text == (
        "for i in range(2):\n    print(i, loss.item())\nloss.backward(retain_graph=True)\nx = x.cuda(non_blocking=True)"
        "\na, b = next(dataiter)"
    )
    assert {note.kind for note in block.assumptions} == {AssumptionKind.MODERNISED}


def test_a_statement_over_two_lines_that_begins_like_a_printed_loss_is_code() -> None:
    code = "def f(a, b):\n    loss = torch.dot(torch.tensor([1.0, 2.0]),\n            torch.tensor([a, b]))\n    return loss"
    assert blocks_of(f"```\n{code}\n```") == [code]


def test_a_tensor_that_code_below_uses_was_typed_and_one_that_was_made_before_is_shown() -> None:
    typed = "import torch\nw = tensor([1., 2.], requires_grad=True)\n(w * 2).sum().backward()"
    assert blocks_of(f"```\n{typed}\n```") == [typed]

    printed = read("```\nw = torch.ones(2)\nprint('w =', w)\nw = tensor([1., 1.])\n(w * 2).sum()\n```")
    assert [block.text for block in printed.blocks] == ["w = torch.ones(2)\nprint('w =', w)\n(w * 2).sum()"]
    assert [output.text for output in printed.outputs] == ["w = tensor([1., 1.])"]


@pytest.mark.parametrize("mark", ["1. {}\n2. {}\n3. {}", "- {}\n- {}\n- {}"])
def test_a_list_of_steps_is_a_program_where_the_program_goes_on_below_it(mark: str) -> None:
    steps = ("loss.backward()", "opt.step()", "opt.zero_grad()")
    (block,) = blocks_of(f"import torch\nloss = torch.ones(1, requires_grad=True)\n{mark.format(*steps)}\nprint(loss)")

    assert [line for line in block.split("\n") if line in steps] == list(steps)


def test_code_behind_a_label_or_a_bullet_is_code() -> None:
    assert blocks_of("代码:t = torch.ones(2)\nt.requires_grad_()") == ["t = torch.ones(2)\nt.requires_grad_()"]
    assert blocks_of("- t = torch.ones(2)\n- t.requires_grad_()") == ["t = torch.ones(2)\nt.requires_grad_()"]
    assert blocks_of("`t = torch.ones(2)`\n`t.requires_grad_()`") == ["t = torch.ones(2)\nt.requires_grad_()"]


def test_code_in_a_numbered_list_of_spans_is_code() -> None:
    assert blocks_of("1. `t = torch.ones(2)`\n2. `t.requires_grad = True`") == [
        "t = torch.ones(2)\nt.requires_grad = True"
    ]


def test_a_remark_behind_an_arrow_becomes_a_comment() -> None:
    assert blocks_of("t = torch.ones(2)  <- my input\ns = t.sum()") == ["t = torch.ones(2)  # my input\ns = t.sum()"]


def test_a_pasted_notebook_gives_its_code_cells() -> None:
    notebook = (
        '{"cells": [{"cell_type": "markdown", "source": ["# Title"]},\n'
        ' {"cell_type": "code", "source": ["t = torch.ones(2)\\n", "t.sum()"], "outputs": []},\n'
        ' {"cell_type": "code", "source": "s = t * 2"}], "nbformat": 4}'
    )

    assert blocks_of(f"```\n{notebook}\n```") == ["t = torch.ones(2)\nt.sum()\ns = t * 2"]
    assert blocks_of(notebook) == ["t = torch.ones(2)\nt.sum()\ns = t * 2"]
    asked = read(f"Where is the fault?\n{notebook}\nThank you.")
    assert [block.text for block in asked.blocks] == ["t = torch.ones(2)\nt.sum()\ns = t * 2"]
    assert asked.prose == "Where is the fault?\nThank you."


def test_a_long_string_keeps_what_it_holds() -> None:
    text = '"""\n这里说明，一下。\n"""\nx = 1'

    assert blocks_of(text) == [text]


def test_code_that_others_wrote_counts_only_when_there_is_no_other() -> None:
    quote = '[quote="teacher, post:2, topic:7"]\na = torch.ones(2)\na.sum().backward()\n[/quote]\n'

    assert blocks_of(quote + "Why?") == ["a = torch.ones(2)\na.sum().backward()"]
    assert blocks_of(quote + "Why?\n```\nb = torch.ones(3)\n```") == ["b = torch.ones(3)"]
    assert read(quote + "Why?").prose == "Why?"


def test_the_first_statement_may_stand_behind_the_fence() -> None:
    assert blocks_of("```import torch\nx = torch.ones(2)\n```") == ["import torch\nx = torch.ones(2)"]


@pytest.mark.parametrize("opening", ["```python import torch", "```py  import torch", "```import torch"])
def test_the_first_statement_may_stand_behind_the_language(opening: str) -> None:
    assert blocks_of(f"{opening}\nx = torch.ones(2)\n```") == ["import torch\nx = torch.ones(2)"]


def test_what_else_stands_behind_the_language_is_no_statement() -> None:
    for opening in ("```python startline=3 numbers", "```{.python .numbered}", '```python hl_lines="1"'):
        assert blocks_of(f"{opening}\nx = torch.ones(2)\n```") == ["x = torch.ones(2)"]


@pytest.mark.parametrize("indent", ["", "  "])
def test_a_fence_may_be_closed_at_the_end_of_a_line(indent: str) -> None:
    post = f"This\n{indent}```\nx = torch.ones(2)\nx.backward()```\nfails. And\n```\ny = x * 2\n```\nfails as well."

    reading = read(post)

    assert [block.text for block in reading.blocks] == ["x = torch.ones(2)\nx.backward()", "y = x * 2"]
    assert [block.lines for block in reading.blocks] == [(3, 4), (7,)]
    assert reading.prose.split() == ["This", "fails.", "And", "fails", "as", "well."]


def test_a_span_of_code_in_a_sentence_closes_no_fence() -> None:
    post = "Is ```x.backward()``` right?\n```\ns = 'a ``` b'\nx = torch.ones(2)\n```\nWhy?"

    assert blocks_of(post)[-1].endswith("x = torch.ones(2)")


AS_THEY_STAND = {
    "a generator": '''def pairs(rows, size):
    """ Rows in groups of size, the last one may be short """
    for start in range(0, len(rows), size):
        part = rows[start:start + size]
        yield part, len(part)''',
    "a docstring of sentences": '''class Decay:
    """Multiplies the rate.

    The rate of every group gets smaller, see the paper. Note that it never grows:
    use a schedule for that.
    """
    def __init__(self, factor):
        self.factor = factor''',
    "what is tried": """def attempt(step):
    try:
        return step()
    finally:
        close()""",
    "a condition on a name": """def chosen(loss, weights, train):
    if train:
        return loss
    if weights:
        raise ValueError("no weights here")""",
    "annotated attributes": """class Scores:
    def __init__(self):
        self.best: float
        self.all: list[float] | None = None""",
    "a long right side": """def both(first, second, flags):
    both_wanted = first and all(
        flag
        or (
            second
            and flag is not None
        )
        for flag in flags
    )
    one, other = measured(
        first, second
    )
    return both_wanted, one, other""",
}


@pytest.mark.parametrize("marked", ["in a fence", "bare"])
@pytest.mark.parametrize("what", AS_THEY_STAND)
def test_a_program_is_taken_as_it_stands(what: str, marked: str) -> None:
    code = AS_THEY_STAND[what]
    shown = f"```python\n{code}\n```" if marked == "in a fence" else code

    assert blocks_of(f"Why is this slow?\n\n{shown}\n\nThank you for any hint.") == [code]


def test_bodies_that_markdown_takes_for_indented_code_stay_with_their_heads() -> None:
    code = (
        "class Scale(nn.Module):\n\n    def __init__(self):\n        super().__init__()\n\n"
        "    def forward(self, x):\n        return 2 * x\n\nnet = Scale()"
    )

    assert blocks_of(f"My module is\n\n{code}\n\nWhat is wrong?") == [code]


def test_indented_code_counts_as_fenced() -> None:
    (block,) = read("with\n\n    a = torch.ones(3)\n    a.sum().backward()\n\nhow to fix").blocks

    assert block.fenced
    assert block.text == "a = torch.ones(3)\na.sum().backward()"


def test_outputs_in_comments_are_read() -> None:
    assert read("```\na.grad  # None\nb.sum()  # -> tensor(3.)\nc = 1  # one\n```").outputs == (
        QuotedOutput(text="None", after="a.grad"),
        QuotedOutput(text="tensor(3.)", after="b.sum()"),
    )


def test_a_prompt_before_what_was_printed_is_no_code() -> None:
    reading = read("a = torch.ones(1)\nprint(a)\n>>> tensor([1.])\nb = a + 1")

    assert [block.text for block in reading.blocks] == ["a = torch.ones(1)\nprint(a)\nb = a + 1"]
    assert reading.outputs == (QuotedOutput(text="tensor([1.])", after="print(a)"),)


def test_a_question_in_the_last_comment_is_heard() -> None:
    reading = read("a = torch.ones(1)\na.backward()\n# 为什么这里报错？")

    assert reading.prose == "为什么这里报错？"
    assert reading.language is Language.CHINESE


def test_html_is_no_part_of_the_sentences() -> None:
    reading = read("<p>My <b>code</b>:</p>\n<pre><code>a = 1\nif a &gt; 0:\n    b = 2\n</code></pre>\n<p>why?</p>")

    assert [block.text for block in reading.blocks] == ["a = 1\nif a > 0:\n    b = 2"]
    assert reading.prose.split() == ["My", "code", ":", "why?"]


def test_a_placeholder_of_three_dots_stays_in_its_body() -> None:
    code = "class Net(nn.Module):\n    def forward(self, x):\n        ...\nnet = Net()"

    assert blocks_of(f"```\n{code}\n```") == [code]


def test_only_a_picture_is_noticed() -> None:
    assert read("Why?\n![image|690x388](upload://abc.png)").picture_only
    assert read('<img width="5" src="https://example.org/a">').picture_only
    assert not read("```\nx = 1\n```\n![image](upload://abc.png)").picture_only
    assert not read("Why is it so?").picture_only


def test_an_empty_post_says_nothing() -> None:
    reading = read("")

    assert (reading.prose, reading.blocks, reading.mentions, reading.outputs, reading.error) == ("", (), (), (), None)


def test_a_tuple_of_names_that_ends_a_program_is_part_of_it() -> None:
    code = "import torch\na = torch.ones(2)\nda = a * 2\ndb = a * 3\nda, db"
    assert read(f"```python\n{code}\n```").blocks[0].text == code
    assert read(f"看看这段代码：\n{code}\n为什么？").blocks[0].text == code


ROWS = "u = torch.arange(3.0, requires_grad=True)\nv = u ** 2\nv.backward(torch.ones(3))"


@pytest.mark.parametrize(
    "sentence",
    [
        "v.backward(torch.ones(3)) 里的 torch.ones(3) 是什么意思？",
        "v.backward(torch.ones(3)) 是什么意思？",
        "v.backward(torch.ones(3)) 报错吗？",
        "v.backward(torch.ones(3)) 的参数有什么用",
    ],
)
@pytest.mark.parametrize("post", ["{sentence}\n\n{code}\n", "{code}\n\n{sentence}\n"])
def test_a_statement_that_a_sentence_is_about_is_named_and_not_run_again(post: str, sentence: str) -> None:
    reading = read(post.format(sentence=sentence, code=ROWS))

    assert [block.text for block in reading.blocks] == [ROWS]
    assert "v.backward" in reading.mentions
    assert sentence.split()[-1] in reading.prose


def test_a_statement_right_below_the_code_is_run_though_words_stand_behind_it() -> None:
    reading = read(f"{ROWS}\nv.backward(torch.ones(3)) 这次报错了\n")

    assert [block.text for block in reading.blocks] == [f"{ROWS}\nv.backward(torch.ones(3))"]


@pytest.mark.parametrize(
    ("sentence", "value"),
    [
        ("and got tensor([2., 6.]), why?", "tensor([2., 6.])"),
        ("It prints tensor([2., 6.]) here.", "tensor([2., 6.])"),
        ("结果输出 tensor([2., 6.])，为什么？", "tensor([2., 6.])"),
    ],
)
def test_what_ends_a_cell_is_shown_though_the_cell_does_not_define_it(sentence: str, value: str) -> None:
    reading = read(f"I ran\n\nv = (q * q).sum()\nv.backward()\nq.grad\n\n{sentence}")

    assert [block.text for block in reading.blocks] == ["v = (q * q).sum()\nv.backward()\nq.grad"]
    assert [(output.text, output.after) for output in reading.outputs] == [(value, "q.grad")]


def test_an_attribute_of_what_no_code_uses_is_a_word() -> None:
    reading = read("v = (q * q).sum()\nv.backward()\nexample.com\nWhy?")

    assert [block.text for block in reading.blocks] == ["v = (q * q).sum()\nv.backward()"]


def test_full_width_letters_and_digits_are_read_as_plain_ones() -> None:
    reading = read("程序：\nａ＝torch.ones(2，requires_grad＝True)；\nｂ＝ａ＊３；\nｂ.backward()；\n为什么报错？")

    assert [block.text for block in reading.blocks] == ["a=torch.ones(2,requires_grad=True)\nb=a*3\nb.backward()"]
    assert ("ａ", "a") in {(note.original, note.restored) for note in reading.blocks[0].assumptions}


def test_full_width_letters_in_comments_and_strings_stay() -> None:
    assert blocks_of("```\nprint('ｘ１')  # ｙ\na＝ｂ\n```") == ["print('ｘ１')  # ｙ\na=b"]


def test_a_program_behind_the_words_of_its_line_is_taken_apart() -> None:
    reading = read("What is wrong here: import torch; a = torch.ones(2, requires_grad=True) b = a * 3 b.backward()")

    assert [block.text for block in reading.blocks] == [
        "import torch;\na = torch.ones(2, requires_grad=True)\nb = a * 3\nb.backward()"
    ]
    assert reading.prose == "What is wrong here:"


@pytest.mark.parametrize(
    "sentence",
    ["If x = torch.ones(3) and y = x * 2, what is y.grad?", "I import torch and then x = y fails for a = 3, why?"],
)
def test_a_sentence_with_formulas_is_no_program(sentence: str) -> None:
    assert read(sentence).blocks == ()
