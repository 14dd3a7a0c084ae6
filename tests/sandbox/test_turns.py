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


def test_all_are_handed_back_when_it_is_cleared() -> None:
    turns = in_line("aab")
    left = turns.clear()

    assert ([ticket.order.code for ticket in left], len(turns)) == (["a0", "a1", "b2"], 0)
    for ticket in left:
        ticket.abandon()
