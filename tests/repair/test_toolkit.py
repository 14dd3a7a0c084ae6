"""An edit touches its place, and every other byte stays."""

from __future__ import annotations

import ast

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.repair.toolkit import Program, as_identifier, is_atom

#: Lines as people write them, with what breaks naive splicing.
LINES = st.sampled_from([
    "x = f(1)", "x = f(1)  # é 梯度", "s = '\\u2028'", "s = '\u2028\x0b\x0c'  # odd", "y = '梯' + f(x)", "if f(x):\n    g(f(1))",
    "for i in f(3): print(i); f(i)", "a = 1; f(a); b = 2", 'd = """\nf(1)\n"""', "@f(1)\ndef h(a=f(2)):\n\treturn f(a)", "",
    "z = (f(1) +\n     f(2))", "print(f'{f(1)} f(1) {f(2)!r}')", "f(f(f(0)))", "lambda: f(1)", "#\tf(1)", "w = [\n  f(1),\n\n]",
])  # fmt: skip
PROGRAMS = st.builds(lambda lines, end, newline: (end.join(lines) + newline), st.lists(LINES, min_size=1, max_size=6),
                     st.sampled_from(["\n", "\r\n", "\n\n"]), st.sampled_from(["", "\n", "\r\n", "\n\n  \n"]))  # fmt: skip


def parsed(code: str) -> Program:
    try:
        ast.parse(code)
    except SyntaxError:
        assume(False)
    return Program(code)


@given(PROGRAMS, st.data())
def test_replacing_a_node_leaves_every_other_byte(code: str, data: st.DataObject) -> None:
    program = parsed(code)
    calls = program.calls("f")
    assume(calls)
    node = data.draw(st.sampled_from(calls))
    start, end = program.span(node)

    edited = program.replaced([(node, "MARK")])

    assert edited == code[:start] + "MARK" + code[end:]
    assert ast.dump(ast.parse(program.text(node), mode="eval").body) == ast.dump(node)


@given(PROGRAMS)
def test_replacing_all_nodes_replaces_the_outermost(code: str) -> None:
    program = parsed(code)
    edited = program.replaced((node, "MARK") for node in program.calls("f"))
    assert not Program(edited).calls("f")
    assert program.replaced([]) == code


@given(PROGRAMS, st.data(), st.booleans())
def test_an_insertion_adds_its_lines_and_nothing_else(code: str, data: st.DataObject, after: bool) -> None:
    program = parsed(code)
    statements = sorted(program.statements(), key=lambda node: node.lineno)
    assume(statements)
    statement = data.draw(st.sampled_from(statements))
    insert = program.inserted_after if after else program.inserted_before

    edited = insert(statement, "MARK")

    assume("MARK" not in code)
    left = edited.replace("; MARK", "").replace("MARK; ", "")
    rows = [row for row in left.split("\n") if row.strip() != "MARK"]
    assert [row.rstrip("\r") for row in rows if row.strip()] == [
        row.rstrip("\r") for row in code.split("\n") if row.strip()
    ]
    assert sum(isinstance(node, ast.Name) and node.id == "MARK" for node in ast.walk(ast.parse(edited))) == 1


@given(PROGRAMS)
def test_what_is_appended_comes_last_and_nothing_is_lost(code: str) -> None:
    program = parsed(code)
    edited = program.appended("MARK\n")
    assert edited.startswith(code)
    assert ast.unparse(ast.parse(edited).body[-1]) == "MARK"


@pytest.mark.parametrize(
    ("code", "line", "after", "before"),
    [
        ("a = 1\nb = 2\n", 1, "a = 1\nNEW\nb = 2\n", "NEW\na = 1\nb = 2\n"),
        ("a = 1", 1, "a = 1\nNEW\n", "NEW\na = 1"),
        ("if a:\n\tb = 1\n", 2, "if a:\n\tb = 1\n\tNEW\n", "if a:\n\tNEW\n\tb = 1\n"),
        ("if a: b = 1\n", 1, "if a: b = 1; NEW\n", "if a: NEW; b = 1\n"),
        ("a = (1 +\n  2)\nb\n", 2, "a = (1 +\n  2)\nNEW\nb\n", "NEW\na = (1 +\n  2)\nb\n"),
        ("@d\ndef f():\n    pass\n", 2, "@d\ndef f():\n    pass\nNEW\n", "NEW\n@d\ndef f():\n    pass\n"),
        ("a = 1\r\nb = 2\r\n", 1, "a = 1\r\nNEW\r\nb = 2\r\n", "NEW\r\na = 1\r\nb = 2\r\n"),
        ("a = '\u2028'\nb = 2\n", 2, "a = '\u2028'\nb = 2\nNEW\n", "a = '\u2028'\nNEW\nb = 2\n"),
    ],
)
def test_an_insertion_takes_the_indentation_and_the_line_ends_of_its_place(
    code: str, line: int, after: str, before: str
) -> None:
    program = Program(code)
    statement = program.statement_at(line)
    assert statement is not None
    assert program.inserted_after(statement, "NEW") == after
    assert program.inserted_before(statement, "NEW") == before


def test_beside_a_semicolon_an_insertion_stays_on_the_line() -> None:
    program = Program("y = x * 2; y.backward()  # go\n")
    first, second = program.tree.body
    assert program.inserted_after(first, "y.retain_grad()\ncheck(y)") == (
        "y = x * 2; y.retain_grad(); check(y); y.backward()  # go\n"
    )
    assert program.inserted_before(second, "NEW") == "y = x * 2; NEW; y.backward()  # go\n"
    assert program.inserted_after(second, "NEW") == "y = x * 2; y.backward(); NEW  # go\n"


@pytest.mark.parametrize(
    "code",
    ["first = 1", "def f(first): pass", "import numpy as first", "from first import first", "def first(): pass",
     "class first: pass", "import first.inner", "try: pass\nexcept E as first: pass", "print(first)"],
)  # fmt: skip
def test_a_fresh_name_is_used_nowhere(code: str) -> None:
    assert Program(code).fresh("first") == "first_2"
    assert Program(code).fresh("second") == "second"


@pytest.mark.parametrize(
    ("expression", "name"),
    [
        ("x.T", "x_T"),
        ("net[0].weight", "net_0_weight"),
        ("梯度", "梯度"),
        ("lambda", "value"),
        ("2 * 3", "value"),
        ("", "value"),
    ],
)
def test_an_expression_gives_a_name_that_can_be_used(expression: str, name: str) -> None:
    assert as_identifier(expression) == name


@pytest.mark.parametrize(
    ("expression", "atom"),
    [("x", True), ("x.y", True), ("f(x)", True), ("x[0]", True), ("[1]", True), ("'s'", True), ("5", False), ("-x", False),
     ("a + b", False), ("a, b", False), ("lambda: 1", False), ("1.5", False), ("None", True)],
)  # fmt: skip
def test_an_atom_takes_what_is_hung_onto_it(expression: str, atom: bool) -> None:
    assert is_atom(ast.parse(expression, mode="eval").body) is atom


def test_the_innermost_statement_of_a_line_is_found() -> None:
    program = Program("def f():\n    for i in x:\n        y = (i +\n             1)\n")
    found = program.statement_at(4)
    assert isinstance(found, ast.Assign)
    assert program.statement_at(9) is None
