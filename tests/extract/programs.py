"""Small torch programs as learners write them, made by hypothesis, and the ways in which posts damage them."""

from __future__ import annotations

from hypothesis import strategies as st

TENSORS = ("a", "u", "q_1", "pred")
OPERATIONS = (
    "{0} * {1}",
    "torch.sin({0}) + {1}",
    "2 * torch.dot({0}, {1})",
    "({0} - {1}) ** 2",
    "{0}.reshape(2, 2) @ {1}.reshape(2, 2)",
)
CHINESE_WORDS = ("我在学习自动求导，代码如下：", "结果和我想的不一样，请问为什么？", "谢谢大家。", "还有一个问题")
ENGLISH_WORDS = (
    "Hello everyone, I am working through the exercises.",
    "This is what I wrote so far:",
    "Can somebody tell me why the gradient looks like this?",
    "Thanks in advance!",
)
OUTPUTS = (
    "tensor([0., 2., 4., 6.])",
    "tensor(14., grad_fn=<DotBackward0>)",
    "None",
    "torch.Size([4])",
    "tensor([[1., 2.],\n        [3., 4.]])",
)


@st.composite
def flat_programs(draw: st.DrawFn) -> list[str]:
    """Statements without blocks: definitions, operations, backward calls, echoes, prints, plots."""
    names = draw(st.lists(st.sampled_from(TENSORS), min_size=2, max_size=3, unique=True))
    lines = ["import torch"]
    lines += [f"{name} = torch.arange(4.0, requires_grad=True)" for name in names]
    for index in range(draw(st.integers(1, 4))):
        operation = draw(st.sampled_from(OPERATIONS))
        left, right = draw(st.sampled_from(names)), draw(st.sampled_from(names))
        lines.append(f"y{index} = {operation.format(left, right)}")
    lines.append("y0.sum().backward()")
    lines.extend(
        draw(
            st.lists(
                st.sampled_from(
                    (
                        f"{names[0]}.grad",
                        f"print('grad:', {names[0]}.grad)",
                        f"{names[0]}.grad, y0.grad_fn",
                        f'plot({names[1]}.detach(), y0.detach(), "input", legend=["f(x)", "slope"])',
                        f"{names[0]}.grad == 2 * {names[0]}",
                    )
                ),
                max_size=3,
            )
        )
    )
    return lines


@st.composite
def nested_programs(draw: st.DrawFn) -> list[str]:
    """Programs with functions, loops and modules, ended so that their blocks can be told apart."""
    body = draw(
        st.sampled_from(("return t * t", "s = torch.exp(t)\n    return s.sum()", "s = t\n    s = s + t\n    return s"))
    )
    lines = ["import torch", "from torch import nn", "def f(t):", f"    {body}"]
    lines.append("x = torch.ones(3, requires_grad=True)")
    if draw(st.booleans()):
        lines += ["for i in range(2):", "    y = f(x) * i", "    y.sum().backward()"]
    else:
        lines.append("f(x).sum().backward()")
    lines.append("x.grad")
    if draw(st.booleans()):
        lines += [
            "class Net(nn.Module):",
            "    def __init__(self):",
            "        super().__init__()",
            "        self.fc = nn.Linear(3, 1)",
            "    def forward(self, x):",
            "        return self.fc(x)",
            "net = Net()",
        ]
    return "\n".join(lines).split("\n")


def programs() -> st.SearchStrategy[list[str]]:
    """Any of the programs."""
    return st.one_of(flat_programs(), nested_programs())


def words() -> st.SearchStrategy[str]:
    """A sentence or two in one of the languages."""
    return st.one_of(
        st.lists(st.sampled_from(CHINESE_WORDS), min_size=1, max_size=2).map("\n".join),
        st.lists(st.sampled_from(ENGLISH_WORDS), min_size=1, max_size=2).map("\n".join),
    )


FENCES = {
    "backticks": lambda code: f"```python\n{code}\n```",
    "bare backticks": lambda code: f"```\n{code}\n```",
    "tildes": lambda code: f"~~~\n{code}\n~~~",
    "code tags": lambda code: f"[code]\n{code}\n[/code]",
    "pre tags": lambda code: f"<pre><code>\n{code}\n</code></pre>",
    "indented": lambda code: "\n" + "\n".join(f"    {line}" for line in code.split("\n")) + "\n",
    "one pair of backticks": lambda code: f"`{code}`",
    "nothing": lambda code: code,
}


def curly(code: str) -> str:
    """Straight quotes made curly, as a word processor does."""
    out, opened = [], False
    for sign in code:
        if sign == '"':
            out.append("”" if opened else "“")
            opened = not opened
        elif sign == "'":
            out.append("’" if opened else "‘")
            opened = not opened
        else:
            out.append(sign)
    return "".join(out)


FULL_WIDTH = str.maketrans({"(": "（", ")": "）", ",": "，", ":": "："})


def prompted(lines: list[str]) -> str:
    """The program as a Python session shows it."""
    shown = []
    for line in lines:
        if line.startswith(" "):
            shown.append(f"... {line}")
        else:
            if shown and shown[-1].startswith("... "):
                shown.append("...")
            shown.append(f">>> {line}")
    return "\n".join(shown)


def numbered(lines: list[str]) -> str:
    """The program with the numbers of an editor's margin."""
    return "\n".join(f"{number:3d} {line}" for number, line in enumerate(lines, start=1))
