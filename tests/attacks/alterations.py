"""Makes a jail with one part replaced. The product has no switch for this: only its parts can be rebuilt."""

from __future__ import annotations

from dataclasses import replace

from bot.sandbox import jail


def changed(made_of: jail.Parts, file: str, old: str, new: str) -> jail.Parts:
    """The parts with one piece of the harness replaced. The piece must be there, exactly once."""
    text = made_of.harness[file].decode()
    assert text.count(old) == 1, f"{file} no longer has one {old!r}"
    return replace(made_of, harness={**made_of.harness, file: text.replace(old, new).encode()})


def without(made_of: jail.Parts, *arguments: str) -> jail.Parts:
    """The parts without these arguments of bubblewrap."""
    assert set(arguments) <= set(made_of.arguments)
    return replace(made_of, arguments=tuple(one for one in made_of.arguments if one not in arguments))
