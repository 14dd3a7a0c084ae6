"""Whatever people post, reading neither fails nor takes long."""

from __future__ import annotations

import random
import string
import time
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.post import Post, Question
from bot.domain.snippet import Reading
from bot.extract import asks, read, repair_text, silent_because
from bot.extract.lines import kind_of, open_brackets
from bot.source import names_bound_by, parsing

LENGTH = 20_000
#: Processor seconds for 20,000 characters.
LIMIT = 0.05
#: What `pace` takes on an idle machine. A busy one, whose cores are shared, needs more for everything.
IDLE = 0.006

PIECES = (
    "x", "y", " = ", "torch", "(", ")", "[", "]", ":", "\n", "\n\n", "    ", "def ", "for ", " in ", "print ", "'", '"', "#", "1", "2.0", ".backward()",
    ".grad", "`", "```\n", "~~~\n", "我们", "，", "hello ", "why ", "is ", "*", "**", "_", "return ", "import ", "@", ">>> ", "... ", "In [1]: ", "\\", "Error: ",
    "RuntimeError: ", 'File "a.py", line 3\n', "Traceback (most recent call last):\n", "----> 3 ", "element 0 of tensors does not require grad", "“", "’", "&lt;",
    "[quote]\n", "[/quote]\n", "[code]\n", "<pre>", "](", "![", "\t", "\r", "\u200b", "tensor([1., 2.", '"""', "%matplotlib", "class A:\n", "else:\n", "- ", "> ",
)  # fmt: skip


@given(st.text(max_size=400))
def test_any_text_can_be_read(text: str) -> None:
    reading = read(text, title=text[:50])

    assert isinstance(reading, Reading)
    assert asks(reading) in (True, False)
    silent_because(Question(post=Post(id="1", raw=text), title=text[:50]), reading)


@given(st.lists(st.sampled_from(("1.if ", "2.0or ", *PIECES)), max_size=150).map("".join))
@settings(max_examples=300)
def test_any_mixture_of_markup_code_and_words_can_be_read(text: str) -> None:
    for block in read(text).blocks:
        assert len(block.lines) == block.text.count("\n") + 1
        assert all(note.line is None or 1 <= note.line <= len(block.lines) for note in block.assumptions)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # `2.0or x` is Python still
            compile(block.text, "post", "exec", flags=0x400 | 0x2000, dont_inherit=True)


#: What Chinese posts mix: words, full-width signs, pieces of code and of markup.
FULL_WIDTH = (
    "为什么 ", "x.grad", " 是 ", "None", "？", "；", "x", "＝", "torch.ones", "（", "3", "）", "，", "。", "\n", "y = x * 2\n", "y.backward()\n", "报错了", "`",
    "(", "[", "=", "＋", "“", "”", "：", "for i in range(3):\n", "    ", "RuntimeError: ", "tensor([1.,", "import torch", "def f(x):\n", "return x\n", ";", " ",
    "把 `y = 1` 改成 `y = 2`", "print(x)", "# 注释", "'", '"',
)  # fmt: skip


def mixture(pieces: tuple[str, ...], seed: int) -> str:
    chosen = random.Random(seed)
    return "".join(chosen.choice(pieces) for _ in range(LENGTH))[:LENGTH]


LONG_TEXTS = {
    "pieces": mixture(PIECES, 1),
    "printable": mixture(tuple(string.printable), 2),
    "few signs": mixture(tuple("ab1=+()\n"), 3),
    "any character": "".join(chr(random.Random(4).randrange(1, 0xD7FF)) for _ in range(LENGTH)),
    "short assignments": "\n".join(f"a{n}=1" for n in range(4000))[:LENGTH],
    "calls": "\n".join(f"v{n} = f{n}(x)" for n in range(2000))[:LENGTH],
    "unclosed brackets": "```\n" + "\n".join(f"a{n} = [1," for n in range(3000))[:LENGTH],
    "lost indentation": "\n".join(f"for i{n} in x:\ny{n} = i{n}\nif y{n}:\nz = 3" for n in range(800))[:LENGTH],
    "statements on one line": " ".join(f"x{n} = f({n})" for n in range(2500))[:LENGTH],
    "run-together lines": "\n".join(" ".join(f"x{n} = f({m})" for n in range(40)) for m in range(60))[:LENGTH],
    "brackets": "(" * LENGTH,
    "links": "[a](" * (LENGTH // 4),
    "deep expression": "x = " + "-" * LENGTH + "1",
    "attributes": "a." * (LENGTH // 2),
    "quotes": "> " * (LENGTH // 2),
    "lists": "- a\n" * (LENGTH // 4),
    "nested lists": "1. > - * > " * (LENGTH // 11),
    "backticks": "`a\n" * (LENGTH // 3),
    "fences": "```\nx=1\n```\n" * (LENGTH // 12),
    "tracebacks": 'File "a", line 3\n  x\n' * (LENGTH // 22),
    "errors": "RuntimeError: " * (LENGTH // 14),
    "curly quotes": "“" * LENGTH,
    "mentions": "x.grad " * (LENGTH // 7),
    "chinese": "为什么x.grad是None，" * (LENGTH // 15),
    "eaten asterisks": "x=1\ny=2\n" + "\n".join(f"z{n}=xy" for n in range(3000))[:LENGTH],
    "broken fence": "```\n" + ("x = = 3\ndef f(:\n  y = 2\n" * 900)[:LENGTH],
    "session": ">>> x = 1\n1\n" * (LENGTH // 12),
    "listing": "\n".join(f"{n} x = {n}" for n in range(1, 2000))[:LENGTH],
    "full-width code in a sentence": ("为什么 x.grad 是 None？x＝torch.ones（3）；" * 600)[:LENGTH],
    "the same with other names": "\n".join(
        f"为什么 x{n}.grad 是 None？x{n}＝torch.ones（{n}）；y{n}＝x{n}＊2" for n in range(400)
    )[:LENGTH],
    "full-width mixture": mixture(FULL_WIDTH, 5),
    "all mixed": mixture(PIECES + FULL_WIDTH, 6),
    "code before words": "\n".join(f"y{n}.backward() 报错了" for n in range(1200))[:LENGTH],
    "programs behind words": "\n".join(f"why? x{n} = torch.ones(3) y = x{n} * 2 a b c = = d" for n in range(400)),
    "nested loops": "\n".join(f"for i{n} in x:\ny{n} = i{n}\nwith torch.no_grad():\nw -= i{n}" for n in range(36)),
    "notebooks": '{"cells":[],"x":"cell_type"}\n' * 400,
    "python 2": "print x, y\n" * (LENGTH // 11),
}


@pytest.fixture(scope="module", autouse=True)
def _grammar_loaded() -> None:
    read("```\nx = = 1\ny = (2\n```\n為什麼報錯")


def forget() -> None:
    """What was remembered of lines, so that every reading is a first one."""
    for remembered in (kind_of, open_brackets, names_bound_by, repair_text._mended, parsing._line, parsing._program):
        remembered.cache_clear()


def pace() -> float:
    """Processor seconds that this machine needs now for a fixed piece of work."""
    started = time.process_time()
    numbers: dict[int, str] = {}
    for number in range(60_000):
        numbers[number % 97] = str(number)
    return time.process_time() - started


@pytest.mark.parametrize("name", LONG_TEXTS)
def test_reading_is_quick_on_long_texts(name: str) -> None:
    times = []
    for _ in range(8):
        busy = max(1.0, pace() / IDLE)
        forget()
        started = time.process_time()
        read(LONG_TEXTS[name])
        times.append((time.process_time() - started) / busy)

    assert min(times) < LIMIT


def test_what_is_beyond_the_limit_of_length_is_not_read() -> None:
    reading = read("y = 1\n" + "word " * 10_000 + "\n```\nx = torch.ones(2)\n```")

    assert [block.text for block in reading.blocks] == ["y = 1"]
