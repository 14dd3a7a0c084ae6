"""What two programs that differ in one line say about a fix."""

from __future__ import annotations

import pytest

from bot.domain.confusion import Place
from bot.domain.run import Outcome, Run, RunError
from bot.errors import BadInput
from bot.shelf.sketch import line_fix


def failed_at(line: int) -> Run:
    return Run(outcome=Outcome.RAISED, error=RunError(type="RuntimeError", message="it", line=line))


def test_variables_become_names_that_stand_for_any_expression() -> None:
    fix = line_fix("ws = [1]\nws.backward()  # here\n", "ws = [1]\nsum(ws).backward()\n", failed_at(2))

    assert (fix.replace, fix.with_, fix.where) == ("$WS.backward()", "sum($WS).backward()", Place.ERROR_LINE)
    assert fix.names == {"WS": "ws"}


def test_a_name_that_a_word_of_seen_binds_is_not_taken() -> None:
    fix = line_fix("loss = 1\nloss.backward()\n", "loss = 1\nloss.sum().backward()\n", failed_at(2))

    assert fix.replace == "$THE_LOSS.backward()"


def test_functions_modules_and_attributes_keep_their_names() -> None:
    old = "import torch\ndef f(x):\n    return x\ny = torch.relu(f(y0))\n"
    fix = line_fix(f"y0 = 1\n{old}", f"y0 = 1\n{old.replace('relu', 'tanh')}", None)

    assert (fix.replace, fix.with_) == ("$Y = torch.relu(f($Y0))", "$Y = torch.tanh(f($Y0))")
    assert fix.where is Place.WHOLE_PROGRAM


def test_where_names_would_change_another_line_too_the_very_line_is_written() -> None:
    old = "a = 1\nb = 1\na = a.detach()\nb = b.detach()\n"
    fix = line_fix(old, old.replace("b = b.detach()", "b = b.clone()"), None)

    assert (fix.replace, fix.with_, fix.names) == ("b = b.detach()", "b = b.clone()", {})


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("a = 1\n", "a = 1\n", "0 lines differ"),
        ("a = 1\nb = 1\n", "a = 2\nb = 2\n", "2 lines differ"),
        ("a = 1\n", "a = 1\nb = 2\n", "one has 1 lines, one 2"),
        ("a = (\n    1\n)\n", "a = (\n    1,\n)\n", "line 2, `1`, is not one whole statement"),
        ("a = 1; b = 2\n", "a = 1; b = 3\n", "is not one whole statement"),
        ("for i in x:\n    pass\n", "for i in y:\n    pass\n", "line 1, `for i in x:`, is not one whole statement"),
    ],
)
def test_what_is_no_change_of_one_statement_is_refused(old: str, new: str, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        line_fix(old, new, None)
