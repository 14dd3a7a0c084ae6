"""Messages are compared by what they say: numbers, shapes, quotation marks and line breaks apart."""

from __future__ import annotations

import pytest

from bot.diagnose.wording import Wordings, masked, same_message, says, without_part_of

FREED = "Trying to backward through the graph a second time"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("shape mismatch: [3, 4] and [4]", "shape mismatch: [1] and [2, 2]"),
        ("size of tensor a (3) must match (4)", "size of tensor a (10) must match (7)"),
        ("at version 2; expected version 1", "at version 31; expected version 30"),
        ("expected 'Float' but got “Long”", "expected Float but got Long"),
        ("it can’t be", "it can't be"),
        ("torch.Size([2, 3]) is wrong", "torch.size([]) is wrong"),
        ("two\n  lines", "two lines"),
        ("took 1.5e-3 s", "took 2 s"),
        ("梯度：错误（1）", "梯度:错误(2)"),
    ],
)
def test_what_differs_from_run_to_run_does_not_count(one: str, other: str) -> None:
    assert masked(one) == masked(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("expected Float", "expected Long"), ("requires grad", "does not require grad"), ("version 1", "versions 1")],
)
def test_what_is_said_counts(one: str, other: str) -> None:
    assert masked(one) != masked(other)


@pytest.mark.parametrize(
    "message",
    [
        # torch 0.4, 1.0 to 1.8, 1.9, 2.x
        f"{FREED}, but the buffers have already been freed. Specify retain_graph=True when calling backward the first time.",
        f"{FREED}, but the saved intermediate results have already been freed. Specify retain_graph=True when calling .backward() or autograd.grad() the first time.",
        f"{FREED} (or directly access saved variables after they have already been freed). Saved intermediate values of the graph are freed when you call .backward() or autograd.grad().",
        f"{FREED} (or directly access saved tensors after they have already been freed).",
    ],
)
def test_the_wording_of_every_release_is_known(message: str) -> None:
    assert says(message, [FREED])


@pytest.mark.parametrize(
    ("message", "wordings", "said"),
    [
        ("a of size [3]", ["of size [7, 7]"], True),
        ("a of size [3]", ["of another size"], False),
        ("anything", [], False),
        ("", ["x"], False),
    ],
)
def test_a_message_says_one_of_its_wordings_or_none(message: str, wordings: list[str], said: bool) -> None:
    assert says(message, wordings) is said


LONG = "element 0 of tensors does not require grad and does not have a grad_fn"


@pytest.mark.parametrize(
    ("reported", "observed", "same"),
    [
        (LONG, LONG, True),
        ("RuntimeError: " + LONG, LONG, True),
        (LONG[:45], LONG, True),
        (LONG[:45] + "...", LONG, True),
        (LONG, "grad can be implicitly created only for scalar outputs", False),
        ("", LONG, False),
        ("  \n", LONG, False),
        ("0", LONG, False),
        ("grad", LONG, False),
        ("'x'", "'x'", True),
        ("12", "13", True),
    ],
)
def test_a_quoted_message_is_the_observed_one_cut_or_not(reported: str, observed: str, same: bool) -> None:
    assert same_message(reported, observed) is same


KNOWN = Wordings([("no_graph", LONG), ("freed", FREED), ("shape", "shape mismatch: [3]")])


def test_the_line_that_holds_a_wording_letter_by_letter_is_the_one_named() -> None:
    lines = ["I get this:", f"RuntimeError: {LONG}.", f"and also {LONG}"]
    assert KNOWN.in_lines(lines) == {"no_graph": lines[1]}


def test_a_wording_with_typing_errors_is_known_where_none_stands_as_it_is() -> None:
    nearly = "element 0 of tensors dose not require grad and does not have a grad_fn"
    assert KNOWN.in_lines([nearly]) == {"no_graph": nearly}
    assert KNOWN.in_lines([nearly, FREED]) == {"freed": FREED}


def test_a_short_wording_must_stand_as_it_is() -> None:
    assert KNOWN.in_lines(["shape mismatch: [7, 7]"]) == {"shape": "shape mismatch: [7, 7]"}
    assert KNOWN.in_lines(["shape mismatched: [7, 7]"]) == {}


def test_a_wording_broken_over_two_lines_of_a_post_stands_in_neither() -> None:
    assert KNOWN.in_lines(["Trying to backward through", "the graph a second time"]) == {}


def test_no_lines_hold_nothing() -> None:
    assert KNOWN.in_lines([]) == KNOWN.in_lines([""]) == {}


def test_a_message_about_another_name_is_another_message() -> None:
    known = Wordings([("item", "'float' object has no attribute 'backward'")])

    assert known.in_lines(["AttributeError: 'float' object has no attribute 'backward'"])
    assert not known.in_lines(["AttributeError: 'tuple' object has no attribute 'backward'"])


def test_a_name_with_a_number_may_stand_in_a_misspelt_message() -> None:
    known = Wordings([("item", "'numpy.float64' object has no attribute 'backward'")])

    assert known.in_lines(["'numpy.float64' object has no atribute 'backward'"])


@pytest.mark.parametrize(
    ("title", "own"),
    [
        (f'My net: "{FREED.upper()}" in the loop', 'My net: " " in the loop'),
        ("backward through the graph a second time in my loop", "  in my loop"),
        ("Is retain_graph=True right?", "Is retain_graph=True right?"),
        ("through the graph", "through the graph"),
        ("", ""),
    ],
)
def test_a_long_part_of_a_message_is_taken_out_of_a_title(title: str, own: str) -> None:
    assert without_part_of(f"{FREED}. Specify retain_graph=True", title) == own
