"""From a diagnosis and an entry's fixes to repairs, in the entry's order."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bot.domain.confusion import Confusion, ConfusionKind, Fix, Place
from bot.domain.diagnosis import Diagnosis
from bot.domain.post import Language
from bot.errors import KnowledgeError
from bot.repair.propose import changed_lines, check, diff, repairs, written_by_hand

CODE = "import torch\nx = torch.ones(3)\ny = x * 2\nloss = y.sum()\nloss.backward()\nloss.backward()  # 再来\nprint(x.grad, x)\n"


def entry(*fixes: Fix, own: bool = True, folder: Path = Path("nowhere")) -> Confusion:
    texts = dict.fromkeys(Language, "…")
    return Confusion(
        name="tried", family="tried", kind=ConfusionKind.MISTAKE, title=texts, asked_as={}, not_this=(), seen={}, fixes=fixes,
        facts={}, explain=texts, link="", cases=(), folder=folder, own=own,
    )  # fmt: skip


def diagnosis(**more: object) -> Diagnosis:
    base = Diagnosis(
        confusion="tried", evidence=(), confidence=1.0, ran=True, error_line=6, cause_line=2, names={"X": "x"}
    )
    return replace(base, **more)


def edited(*fixes: Fix, code: str = CODE, **more: object) -> list[str]:
    """The lines that are new in each repair."""
    made = repairs(entry(*fixes), diagnosis(**more), code)
    return ["|".join(line for line in one.code.splitlines() if line not in code.splitlines()) for one in made]


def swap(where: Place, old: str, new: str) -> Fix:
    return Fix(name=f"{where.value}", where=where, replace=old, with_=new)


@pytest.mark.parametrize(
    ("fix", "new"),
    [
        (swap(Place.ERROR_LINE, "$L.backward()", "$L.mean().backward()"), "loss.mean().backward()  # 再来"),
        (swap(Place.CAUSE_LINE, "torch.ones($...A)", "torch.ones($...A, requires_grad=True)"), "x = torch.ones(3, requires_grad=True)"),
        (swap(Place.CREATION_LINE, "torch.ones($...A)", "torch.zeros($...A)"), "x = torch.zeros(3)"),
        (swap(Place.LAST_BACKWARD, "$L.backward()", "pass"), "pass  # 再来"),
        (swap(Place.FIRST_USE, "$X * 2", "$X * 3"), "y = x * 3"),
        (swap(Place.WHOLE_PROGRAM, "$L.backward()", "$L.b()"), "loss.b()|loss.b()  # 再来"),
        (Fix(name="after", where=Place.CAUSE_LINE, insert_after="$X.retain_grad()"), "x.retain_grad()"),
        (Fix(name="before", where=Place.ERROR_LINE, insert_before="$X.grad = None"), "x.grad = None"),
        (Fix(name="append", where=Place.WHOLE_PROGRAM, append="print($X)"), "print(x)"),
    ],
)  # fmt: skip
def test_a_fix_changes_what_stands_at_its_place(fix: Fix, new: str) -> None:
    assert edited(fix) == [new]


@pytest.mark.parametrize(
    "fix",
    [
        swap(Place.ERROR_LINE, "$L.step()", "pass"),
        swap(Place.ERROR_LINE, "$L.backward()", "$L.backward()"),
        swap(Place.ERROR_LINE, "$L.backward()", "$L.backward(1 2)"),
        swap(Place.ERROR_LINE, "$L.backward()", "$NOTHING.backward()"),
        swap(Place.ERROR_LINE, "$X.backward()", "pass"),
        Fix(name="after", where=Place.CAUSE_LINE, insert_after="$NOTHING.retain_grad()"),
        Fix(name="append", where=Place.WHOLE_PROGRAM, append="$NOTHING"),
        Fix(name="whole", where=Place.WHOLE_PROGRAM, insert_after="pass"),
    ],
)
def test_a_fix_that_does_not_apply_is_passed_over(fix: Fix) -> None:
    assert edited(fix) == []


def test_no_fix_writes_into_a_tensor_where_the_program_does_not() -> None:
    fix = swap(Place.CAUSE_LINE, "$X.requires_grad = False", "$X = $X.detach()")

    assert edited(fix, code="x = f()\nx[0].requires_grad = False\n", names={"X": "x[0]"}) == []
    assert edited(fix, code="x = f()\nx.requires_grad = False\n") == ["x = x.detach()"]


@pytest.mark.parametrize("place", [Place.ERROR_LINE, Place.CAUSE_LINE, Place.CREATION_LINE, Place.FIRST_USE])
def test_a_place_that_the_diagnosis_does_not_know_is_no_place(place: Place) -> None:
    fix = swap(place, "$A", "pass")
    assert edited(fix, error_line=None, cause_line=None, names={}) == []


def test_repairs_come_in_the_entrys_order_and_each_once() -> None:
    one, two = swap(Place.ERROR_LINE, "$L.backward()", "one()"), swap(Place.ERROR_LINE, "$L.backward()", "two()")
    assert edited(two, one, two) == ["two()  # 再来", "one()  # 再来"]


def test_a_repair_carries_what_the_fix_says_of_itself() -> None:
    fix = replace(swap(Place.ERROR_LINE, "$L.backward()", "one()"), keeps="all", changes=("$X", "plain"), cuts=("$X",))
    [made] = repairs(entry(fix), diagnosis(), CODE)
    assert (made.fix, made.why, made.changes, made.cuts) == ("error_line", "all", ("x", "plain"), ("x",))
    assert made.changed == (6,)
    assert made.diff.endswith(" loss.backward()\n-loss.backward()  # 再来\n+one()  # 再来\n print(x.grad, x)\n")


@pytest.mark.parametrize("code", ["x = (", "\x00", "if:", "x = 1\n  y = 2"])
def test_a_program_that_does_not_parse_has_no_repairs(code: str) -> None:
    assert list(repairs(entry(swap(Place.WHOLE_PROGRAM, "x", "y")), diagnosis(), code)) == []


def test_what_a_person_wrote_may_change_what_any_fix_may() -> None:
    fix = replace(swap(Place.ERROR_LINE, "a", "b"), changes=("$X",), cuts=("$X",))
    made = written_by_hand(entry(fix), diagnosis(), CODE, CODE.replace("3", "4"))
    assert (made.changes, made.cuts, made.changed) == (("x",), ("x",), (2,))


def test_changed_lines_are_those_of_the_original() -> None:
    assert changed_lines("a\nb\nc\n", "a\nB\nc\n") == (2,)
    assert changed_lines("a\nb\nc\n", "a\nb\nnew\nc\n") == (2,)
    assert changed_lines("a\nb\nc\n", "new\na\nb\nc\n") == (1,)
    assert changed_lines("a\nb\nc\n", "a\nc\n") == (2,)
    assert diff("a\n", "a\n") == ""


@pytest.mark.parametrize(
    ("fix", "said"),
    [
        (swap(Place.ERROR_LINE, "$L.(", "x"), "is not one statement"),
        (swap(Place.ERROR_LINE, "f($L)", "f($...A)"), r"\$\.\.\.A"),
        (Fix(name="two", where=Place.ERROR_LINE, replace="a", with_="b", append="c"), "it needs one of"),
        (Fix(name="half", where=Place.ERROR_LINE, replace="a"), "it needs one of"),
        (Fix(name="none", where=Place.ERROR_LINE), "it needs one of"),
        (Fix(name="code", where=Place.ERROR_LINE, rewrite="retain"), "there is no rewrite.py"),
    ],
)
def test_a_fix_that_can_never_apply_is_refused_when_the_entry_is_read(fix: Fix, said: str) -> None:
    with pytest.raises(KnowledgeError, match=said) as caught:
        check(entry(fix))
    assert f"tried/confusion.toml, [[fix]] {fix.name}" in str(caught.value)


def test_an_admins_entry_may_not_bring_python(tmp_path: Path) -> None:
    (tmp_path / "rewrite.py").write_text("raise SystemExit('it ran')\n", encoding="utf-8")
    fix = Fix(name="code", where=Place.WHOLE_PROGRAM, rewrite="retain")
    with pytest.raises(KnowledgeError, match="the project's own entries"):
        list(repairs(entry(fix, own=False, folder=tmp_path), diagnosis(), CODE))


def test_a_rewrite_that_is_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "rewrite.py").write_text("def other(program, target):\n    return None\n", encoding="utf-8")
    with pytest.raises(KnowledgeError, match="no function retain"):
        check(entry(Fix(name="code", where=Place.WHOLE_PROGRAM, rewrite="retain"), folder=tmp_path))
