from __future__ import annotations

import pytest

from bot.extract.repair_text import mended, without_invisibles


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("plot(x, ‘x’, “f(x)”)", "plot(x, 'x', \"f(x)\")"),
        ("print('done’)", "print('done')"),
        ("label = ‘f'(x)’", 'label = "f\'(x)"'),
        ("x = torch.ones（2，3）", "x = torch.ones(2,3)"),
        ("d ＝ {“a”：1}", 'd = {"a":1}'),
        ("y = x － 1", "y = x - 1"),
        ("y = ３ × x", "y = 3 * x"),
        ("y = x – 1", "y = x - 1"),
        ("x = torch.ones(2)；y = x", "x = torch.ones(2);y = x"),
        ("if a &lt; b and c &gt; d: pass", "if a < b and c > d: pass"),
        ("print(&quot;a&quot;)", 'print("a")'),
        (r"y = x \* 2", "y = x * 2"),
        (r"x\_1 = 3", "x_1 = 3"),
        ("    def **init**(self): pass", "    def __init__(self): pass"),
        ("if a ≥ b: pass", "if a >= b: pass"),
    ],
)
def test_damaged_characters_are_put_right(line: str, text: str) -> None:
    result = mended(line)

    assert result.text == text
    assert result.changes


@pytest.mark.parametrize(
    "line",
    [
        "title = '损失，随时间'",
        "x = 1  # 初始化，全为零（向量）",
        'print("it’s")',
        'pattern = "a\\*b"',
        "s = '&lt;'.lower() or '&'",
    ],
)
def test_strings_and_comments_keep_what_they_hold(line: str) -> None:
    kept = mended(line).text

    assert kept == line or "&lt;" in line


def test_every_kind_of_damage_is_reported_once() -> None:
    assert mended("plot（‘a’，‘b’）").changes == (("（", "("), ("‘", "'"), ("’", "'"), ("，", ","), ("）", ")"))


def test_invisible_characters_and_colours_go_and_lines_keep_their_numbers() -> None:
    text = "a\u00a0b\u200bc\r\n\x1b[0;31mRuntimeError\x1b[0m\rlast\ufeff"

    assert without_invisibles(text) == "a bc\nRuntimeError\nlast"


def test_colour_codes_that_lost_their_escape_go_too() -> None:
    assert without_invisibles("[1;32m      2[0m y.backward()") == "      2 y.backward()"
    assert without_invisibles("x[10] + m") == "x[10] + m"
