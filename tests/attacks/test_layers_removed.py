"""Removes the layers of the sandbox one by one: for each, a named attack must get through.

So no layer can stop working unseen: were it gone already, its removal would change nothing, and were
its attack harmless, the attack would prove nothing. The product has no switch for any of this; the jail
is built here from parts of which one is replaced.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest

from bot.domain.run import Limits, Run
from bot.sandbox import jail
from bot.sandbox.child import ServerDied
from tests.attacks.alterations import changed
from tests.attacks.altered_jail import Jail, TellingJail
from tests.attacks.attack import GOOD, GOOD_PRINTS, LIMITS
from tests.attacks.layer_attacks import floods, reads_the_code_before, sleeps
from tests.attacks.layers import (
    LAYERS,
    NO_LAYER,
    PUT_ON_TWICE,
    Change,
    every,
    put_on,
    unchanged,
)

#: Each starts jails of its own.
pytestmark = [pytest.mark.sandbox, pytest.mark.slow]


@pytest.fixture
def altered(light: jail.Parts) -> Iterator[Callable[[Change], Jail]]:
    """Start jails of changed parts."""
    with ExitStack() as later:

        def start(change: Change) -> Jail:
            jailed = Jail(change(light))
            later.callback(jailed.close)
            return jailed

        yield start


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", LAYERS)
def test_an_attack_gets_through_without(name: str, altered: Callable[[Change], Jail]) -> None:
    layer = LAYERS[name]
    jailed = altered(every(layer.behind or unchanged, layer.removed))

    assert jailed.run(GOOD).stdout == GOOD_PRINTS, f"without {name} nothing runs: an attack shows nothing there"
    assert not layer.attack(jailed), f"{name} was removed and its attack is still held off: it tests nothing"


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", [name for name, layer in LAYERS.items() if layer.behind])
def test_a_layer_behind_another_holds_alone(name: str, altered: Callable[[Change], Jail]) -> None:
    layer = LAYERS[name]
    jailed = altered(layer.behind or unchanged)

    assert jailed.run(GOOD).stdout == GOOD_PRINTS
    assert layer.attack(jailed), f"what stands before {name} was removed, and it holds off nothing by itself"


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", PUT_ON_TWICE)
def test_what_is_put_on_twice_holds_without_ours(name: str, altered: Callable[[Change], Jail]) -> None:
    layer = PUT_ON_TWICE[name]
    jailed = altered(every(layer.behind or unchanged, layer.removed))

    assert jailed.run(GOOD).stdout == GOOD_PRINTS
    assert layer.attack(jailed)


@pytest.mark.timeout(300)
def test_every_one_of_these_attacks_is_held_off_by_the_whole(light: jail.Parts) -> None:
    whole = Jail(light)
    try:
        got_through = [name for name, layer in LAYERS.items() if not layer.attack(whole)]
    finally:
        whole.close()

    assert got_through == []


def test_nothing_is_put_on_that_the_list_does_not_hold(light: jail.Parts) -> None:
    """Each option of bubblewrap and each line that locks a run in is altered by a removal, or named with its reason."""
    there = put_on(light)
    altered: set[str] = set()
    for layer in (*LAYERS.values(), *PUT_ON_TWICE.values()):
        without = put_on(layer.removed(light))
        altered |= {name for name, words in there.items() if without.get(name) != words}

    assert there.keys() - altered == NO_LAYER.keys(), "add a removal, or the reason why it is no layer"


@pytest.mark.parametrize(
    ("attack", "limits"),
    [
        pytest.param(floods, replace(LIMITS, output_bytes=1 << 30), id="the cap on output"),
        pytest.param(sleeps, replace(LIMITS, seconds=5.0), id="the clock"),
    ],
)
def test_an_attack_gets_through_without_what_the_driver_does(
    attack: Callable[[Jail], bool], limits: Limits, light: jail.Parts
) -> None:
    class Lenient(Jail):
        """A driver that does not keep to the limits it is told."""

        def run(self, code: str, **_: Limits) -> Run:
            return super().run(code, limits=limits)

    assert_held(attack, light, {Jail: True, Lenient: False})


def test_an_attack_gets_through_where_code_passes_the_fork_server(light: jail.Parts) -> None:
    """The fork server keeps what it was told, as freed memory keeps it until it is used again."""
    keeping = changed(
        light,
        "inside/server.py",
        "        message, files = _receive(self._control)\n",
        "        message, files = _receive(self._control)\n"
        "        self._kept = [*getattr(self, '_kept', []), message]\n",
    )

    assert_held(reads_the_code_before, light, {Jail: True})
    assert_held(reads_the_code_before, keeping, {TellingJail: False})


def assert_held(attack: Callable[[Jail], bool], made_of: jail.Parts, expected: dict[type[Jail], bool]) -> None:
    for kind, held in expected.items():
        jailed = kind(made_of)
        try:
            assert attack(jailed) is held
        finally:
            jailed.close()


def test_a_layer_that_cannot_be_put_on_keeps_every_run_from_starting(light: jail.Parts) -> None:
    """An empty filter cannot be loaded; the child says so instead of running on without."""
    altered = Jail(replace(light, filter_program=b""))
    try:
        with pytest.raises(ServerDied, match="could not be locked in: OSError"):
            altered.run("print('ran')")
    finally:
        altered.close()


def test_a_filter_that_does_not_hold_keeps_every_run_from_starting(light: jail.Parts) -> None:
    altered = Jail(replace(light, filter_program=bytes.fromhex("060000000000ff7f")))
    try:
        with pytest.raises(ServerDied, match="the seccomp filter is not in force"):
            altered.run("print('ran')")
    finally:
        altered.close()
