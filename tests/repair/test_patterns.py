"""$NAME rewrites: what a pattern matches, and what a template makes of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import KnowledgeError
from bot.repair.patterns import Bound, Pattern, filled, names_in
from bot.repair.toolkit import Program


def rewritten(code: str, pattern: str, template: str, **names: str) -> str:
    """The program with the first match replaced."""
    program = Program(code)
    for node, bound in Pattern(pattern).matches(program, lines=None, names=names):
        return program.replaced([(node, program.in_place_of(node, filled(template, program, bound, names)))])
    return code


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("y.backward()", "y.sum().backward()"),
        ("self.loss . backward( )  # go", "self.loss.sum().backward()  # go"),
        ("(a + b).backward()", "(a + b).sum().backward()"),
        ("(a +\n b).backward()", "(a +\n b).sum().backward()"),
        ("f(x, 'é')[0].backward()", "f(x, 'é')[0].sum().backward()"),
        ("loss['梯度'].backward()", "loss['梯度'].sum().backward()"),
        ("(-x).backward()", "(-x).sum().backward()"),
        ("(x if a else b).backward()", "(x if a else b).sum().backward()"),
        ("y.backward(z)", "y.backward(z)"),
        ("backward()", "backward()"),
        ("y.backward", "y.backward"),
        ("if y.backward(): pass", "if y.sum().backward(): pass"),
        ("print(f'{y.backward()}')", "print(f'{y.sum().backward()}')"),
        ("a = 1; y.backward(); b = 2", "a = 1; y.sum().backward(); b = 2"),
    ],
)
def test_a_metavariable_stands_for_any_expression(code: str, expected: str) -> None:
    assert rewritten(code, "$LOSS.backward()", "$LOSS.sum().backward()") == expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("y.backward()", "y.sum().backward()"),
        ("y.backward(w)", "y.sum().backward(w)"),
        ("y.backward(w, retain_graph=True)", "y.sum().backward(w, retain_graph=True)"),
        ("y.backward(*args, **options)", "y.sum().backward(*args, **options)"),
    ],
)
def test_rest_arguments_stand_for_all_that_are_left(code: str, expected: str) -> None:
    assert rewritten(code, "$LOSS.backward($...ARGS)", "$LOSS.sum().backward($...ARGS)") == expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("y.backward()", "y.backward(k=1)"),
        ("y.backward(w)", "y.backward(w, k=1)"),
        ("y.backward(a=2)", "y.backward(a=2, k=1)"),
    ],
)
def test_no_comma_is_left_where_there_are_no_other_arguments(code: str, expected: str) -> None:
    assert rewritten(code, "$LOSS.backward($...ARGS)", "$LOSS.backward($...ARGS, k=1)") == expected
    flipped = rewritten(code, "$LOSS.backward($...ARGS)", "g(1, $...ARGS)")
    assert flipped == expected.replace("y.backward(", "g(1, ").replace(", k=1)", ")").replace("k=1)", ")").replace(
        "(1, )", "(1)"
    )


def test_a_keyword_of_the_pattern_may_stand_anywhere_among_the_others() -> None:
    code = "g(y, retain_graph=False, x=1)"
    assert rewritten(code, "g($Y, $...A, retain_graph=False)", "g($Y, $...A)") == "g(y, x=1)"
    assert rewritten("g(y, x=1)", "g($Y, $...A, retain_graph=False)", "g($Y, $...A)") == "g(y, x=1)"


@pytest.mark.parametrize(("code", "matches"), [("f(x, x)", True), ("f(x, y)", False), ("f(a.b, a . b)", True)])
def test_one_name_stands_for_one_expression(code: str, matches: bool) -> None:
    assert (rewritten(code, "f($X, $X)", "g") == "g") is matches


@pytest.mark.parametrize(
    ("code", "matches"), [("f(1)", True), ("f(True)", False), ("f(1.0)", False), ("f('1')", False)]
)
def test_constants_match_in_kind_as_well(code: str, matches: bool) -> None:
    assert (rewritten(code, "f(1)", "g") == "g") is matches


def test_a_name_that_already_stands_for_something_must_be_that() -> None:
    code = "a.backward()\n(b *  b).backward()\n"
    assert rewritten(code, "$L.backward()", "go($L)", L="b * b") == "a.backward()\ngo(b *  b)\n"


def test_only_matches_on_the_lines_are_taken() -> None:
    program = Program("f(1)\ng(f(2),\n  f(3))\n")
    lines = [program.text(node) for node, _ in Pattern("f($X)").matches(program, lines=range(3, 4), names={})]
    assert lines == ["f(3)"]


def test_statements_can_be_matched_too() -> None:
    assert rewritten("x = f(2)  # two\n", "$N = f($X)", "$N = $X * 2") == "x = 2 * 2  # two\n"


# What is filled in stays one expression


@pytest.mark.parametrize(
    ("code", "template", "expected"),
    [
        ("f(a + b)", "$X / n", "(a + b) / n"),
        ("f(a + b)", "n ** $X", "n ** (a + b)"),
        ("f(a + b)", "-$X", "-(a + b)"),
        ("f(a + b)", "g($X)", "g(a + b)"),
        ("f(a + b)", "[$X, 1]", "[a + b, 1]"),
        ("f(a + b)", "$X", "a + b"),
        ("f(a + b)", "x == $X", "x == (a + b)"),
        ("f(a or b)", "x <= $X", "x <= (a or b)"),
        ("f(a or b)", "x = $X", "x = a or b"),
        ("f(lambda: 1)", "$X or 2", "(lambda: 1) or 2"),
        ("f((a, b))", "g($X)", "g((a, b))"),
        ("f(5)", "$X.sum()", "(5).sum()"),
        ("f('s')", "$X.sum()", "'s'.sum()"),
        ("f(a +\n  b)", "$X", "a +\n  b"),
        ("f(a +\n  b)", "y = $X", "y = (a +\n  b)"),
        ("f(i for i in b)", "sum($X)", "sum((i for i in b))"),
    ],
)
def test_parentheses_come_where_the_surroundings_need_them(code: str, template: str, expected: str) -> None:
    program = Program(code)
    [(_, bound)] = Pattern("f($X)").matches(program, lines=None, names={})
    assert filled(template, program, bound, {}) == expected


def test_names_of_the_diagnosis_get_parentheses_as_well() -> None:
    assert filled("$X.retain_grad()", Program(""), Bound({}, {}), {"X": "a + b"}) == "(a + b).retain_grad()"
    assert (
        filled("$X.retain_grad()", Program(""), Bound({}, {}), {"X": "net[0].weight"}) == "net[0].weight.retain_grad()"
    )


@pytest.mark.parametrize(
    ("code", "expected"),
    [("2 * f(x)", "2 * (x + 1)"), ("g(f(x))", "g(x + 1)"), ("f(x).y", "(x + 1).y"), ("f(x)", "x + 1")],
)
def test_a_replacement_keeps_its_place_among_operators(code: str, expected: str) -> None:
    assert rewritten(code, "f($X)", "$X + 1") == expected


@given(
    value=st.sampled_from(["a", "a + b", "-a", "a if b else c", "lambda: a", "a, b", "not a", "a < b", "f(a)", "(a)", "a or b", "5"]),
    template=st.sampled_from(["$X * 2", "2 ** $X", "$X[0]", "$X.t", "f($X, 1)", "[$X]", "{'k': $X}", "-$X", "y = $X", "($X)", "not $X"]),
)  # fmt: skip
def test_whatever_is_filled_in_is_one_operand_of_the_template(value: str, template: str) -> None:
    import ast

    text = filled(template, Program(""), Bound({}, {}), {"X": value})
    wanted = ast.dump(ast.parse(template.replace("$X", "META")).body[0])
    inner = ast.dump(ast.parse(f"({value})", mode="eval").body)
    assert ast.dump(ast.parse(text).body[0]) == wanted.replace("Name(id='META', ctx=Load())", inner)


# Mistakes of authors


@pytest.mark.parametrize("pattern", ["", "$X.(", "for", "a b"])
def test_a_pattern_that_is_no_python_is_refused_with_its_text(pattern: str) -> None:
    with pytest.raises(KnowledgeError, match="one statement or expression"):
        Pattern(pattern).check("")


def test_arguments_that_the_pattern_does_not_take_are_refused() -> None:
    with pytest.raises(KnowledgeError, match=r"\$\.\.\.ARGS"):
        Pattern("f($X)").check("f($X, $...ARGS)")


def test_a_name_that_stands_for_nothing_is_refused() -> None:
    with pytest.raises(KnowledgeError, match=r"\$Y"):
        filled("$Y", Program(""), Bound({}, {}), {})


def test_the_names_of_a_text_are_found() -> None:
    assert names_in("f($X, $...ARGS, $LOSS_2)") == {"X", "LOSS_2"}
