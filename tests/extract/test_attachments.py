"""Files that a post links are read as its code, with a note where the code comes from."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.post import Attachment
from bot.domain.snippet import AssumptionKind
from bot.extract import read

POST = "My script fails in the last line, why?\n\n[train.py|attachment](upload://4f.py) (120 Bytes)"
CODE = "import torch\n\nx = torch.ones(2, requires_grad=True)\nfor i in range(2):\n    y = x * i\ny.backward()\n"


def notebook(*cells: str) -> str:
    code = [{"cell_type": "code", "source": cell.splitlines(keepends=True), "outputs": []} for cell in cells]
    return json.dumps({"cells": [{"cell_type": "markdown", "source": ["# Lab"]}, *code], "nbformat": 4})


def test_the_code_of_an_attached_file_is_the_posts_code() -> None:
    [block] = read(POST, attachments=(Attachment(name="train.py", text=CODE),)).blocks
    assert block.text == CODE.strip()
    assert set(block.lines) == {0}
    [note] = block.assumptions
    assert (note.kind, note.text) == (AssumptionKind.FROM_ATTACHMENT, "taken from the attached file train.py")


def test_an_attached_notebook_gives_its_code_cells_in_their_order() -> None:
    file = Attachment(
        name="lab.ipynb", text=notebook("import torch\nx = torch.ones(2)", "%matplotlib inline\nprint(x * 2)")
    )
    code = "\n".join(block.text for block in read(POST, attachments=(file,)).blocks)
    assert code.replace("\n\n", "\n") == "import torch\nx = torch.ones(2)\nprint(x * 2)"


def test_code_in_the_post_itself_comes_first() -> None:
    post = "```python\nprint(1)\n```\n" + POST
    blocks = read(post, attachments=(Attachment(name="train.py", text=CODE),)).blocks
    assert [block.text.splitlines()[0] for block in blocks] == ["print(1)", "import torch"]
    assert blocks[0].assumptions == ()


def test_a_notebook_that_is_broken_holds_no_code() -> None:
    assert read(POST, attachments=(Attachment(name="lab.ipynb", text='{"cells": [{"cell_type"'),)).blocks == ()


def test_a_file_that_was_not_had_leaves_the_sentences() -> None:
    reading = read(POST)
    assert reading.blocks == ()
    assert not reading.picture_only
    assert reading.prose.startswith("My script fails")


@given(st.text(max_size=300), st.sampled_from(["a.py", "a.ipynb", ""]))
def test_any_file_can_be_read(text: str, name: str) -> None:
    for block in read("Why?", attachments=(Attachment(name=name, text=text),)).blocks:
        assert block.assumptions[0].kind is AssumptionKind.FROM_ATTACHMENT
