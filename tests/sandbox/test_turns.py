"""Who is served next."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.sandbox import Order
from bot.sandbox.ticket import Ticket
from bot.sandbox.turns import Turns


def in_line(names: str) -> Turns:
    """One order for each letter: of whom."""
    turns = Turns()
    for place, name in enumerate(names):
        turns.add(Ticket(Order(code=f"{name}{place}")), asker=name)
    return turns


def served(turns: Turns) -> list[str]:
    codes = []
    while turns:
        ticket = turns.take()
        codes.append(ticket.order.code)
        ticket.abandon()
    return codes


def test_askers_take_turns() -> None:
    assert served(in_line("aaaabcb")) == ["a0", "b4", "c5", "a1", "b6", "a2", "a3"]


def test_who_comes_later_waits_for_one_order_of_each_other() -> None:
    turns = in_line("aaab")
    turns.take().abandon()
    turns.add(Ticket(Order(code="late")), asker="late")

    assert served(turns) == ["b3", "a1", "late", "a2"]


@given(st.text("abc", max_size=30))
def test_all_are_served_once_and_each_askers_in_their_order(names: str) -> None:
    turns = in_line(names)
    assert len(turns) == len(names)
    codes = served(turns)

    assert sorted(codes) == sorted(f"{name}{place}" for place, name in enumerate(names))
    for asker in "abc":
        places = [int(code[1:]) for code in codes if code[0] == asker]
        assert places == sorted(places)


def test_who_has_most_waiting_gives_up_the_last_of_them() -> None:
    turns = in_line("abaab")
    given_up = turns.make_room(asker="c")

    assert given_up is not None
    assert given_up.order.code == "a3"
    given_up.abandon()
    assert served(turns) == ["a0", "b1", "a2", "b4"]


def test_what_was_cancelled_gives_up_its_place_before_anybody_elses() -> None:
    turns = in_line("aab")
    cancelled = turns.take()
    turns.add(cancelled, asker="c")
    cancelled.cancel()

    assert turns.make_room(asker="a") is cancelled
    cancelled.abandon()
    assert served(turns) == ["b2", "a1"]


@given(st.text("abc", min_size=1, max_size=12))
def test_nobody_gives_up_a_place_to_who_would_then_have_as_many(names: str) -> None:
    turns = in_line(names)
    most = max(names.count(letter) for letter in names)
    for asker in "abcd":
        given_up = turns.make_room(asker=asker) if most <= names.count(asker) + 1 else None
        assert given_up is None
    assert len(turns) == len(names)
    served(turns)


def test_all_are_handed_back_when_it_is_cleared() -> None:
    turns = in_line("aab")
    left = turns.clear()

    assert ([ticket.order.code for ticket in left], len(turns)) == (["a0", "a1", "b2"], 0)
    for ticket in left:
        ticket.abandon()
