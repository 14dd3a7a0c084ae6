"""How the tensors of one run hang together, and which names meant which of them: found out once for each run.

A tape may be full, by accident or by malice, so nothing here goes over it again for each tensor that is asked about.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import cached_property

from bot.domain.tape import Event, Tape, short_name


class Tensors:
    """The tensors of one tape."""

    def __init__(self, tape: Tape) -> None:
        self._tape = tape
        self.graph = Graph(_along_the_graph(tape.events))
        self._leaves: dict[int, tuple[int, ...]] = {}

    @cached_property
    def values(self) -> Graph:
        """The same whether or not the graph was recorded: what was computed from which numbers."""
        return Graph(_by_value(self._tape.events))

    def leaves_under(self, serial: int) -> tuple[int, ...]:
        """The leaves that this tensor was computed from."""
        if serial not in self._leaves:
            self._leaves[serial] = tuple(sorted(self.graph.ancestors([serial], among=self._all_leaves)))
        return self._leaves[serial]

    def named_at(self, serial: int, event: int) -> bool:
        """Whether a name of the program meant this tensor when event number `event` happened."""
        return self._names.meant(serial, event)

    def named_in_function_at(self, serial: int, event: int) -> bool:
        """Whether a name that the program itself does not have, a function's, was last seen to mean this tensor."""
        return self._local_names.meant(serial, event)

    @cached_property
    def _all_leaves(self) -> int:
        return self.graph.bits(
            serial for serial in self.graph.parts if (state := self._tape.state_of(serial)) is not None and state.leaf
        )

    @cached_property
    def _names(self) -> Names:
        return Names((one.at, one.name, one.serial) for one in self._tape.bindings)

    @cached_property
    def _local_names(self) -> Names:
        own = {one.name for one in self._tape.bindings}
        return Names(
            (event.index, name, state.serial)
            for event in self._tape.events
            for state in event.inputs
            for name in state.names
            if name not in own
        )


class Graph:
    """Which tensors were computed from which: one bit for each, so that a long chain takes one pass."""

    def __init__(self, made: Iterable[tuple[int, tuple[int, ...]]]) -> None:
        """Of tensors in the order in which they were made, each with what it was made of; the first making counts."""
        self.parts: list[int] = []  #: the tensors from which others were computed
        self.parents: dict[int, tuple[int, ...]] = {}  #: for each tensor of the graph, those it was computed from
        self._bits: dict[int, int] = {}
        self._above: dict[int, int] = {}
        for serial, given in made:
            if serial not in self.parents:
                self._add(serial, given)

    def ancestors(self, serials: Iterable[int], *, among: int = -1) -> Iterator[int]:
        """The tensors from which any of these was computed; `among` these `bits` alone."""
        above = 0
        for serial in serials:
            above |= self._above.get(serial, 0)
        above &= among
        while above:
            lowest = above & -above
            yield self.parts[lowest.bit_length() - 1]
            above ^= lowest

    def descends(self, serial: int, ancestors: Iterable[int]) -> bool:
        """Whether a tensor was computed from one of the others."""
        return bool(self._above.get(serial, 0) & self.bits(ancestors))

    def bits(self, serials: Iterable[int]) -> int:
        """These tensors, as far as others were computed from them."""
        found = 0
        for serial in serials:
            found |= self._bits.get(serial, 0)
        return found

    def _add(self, made: int, given: tuple[int, ...]) -> None:
        self.parents[made] = given
        above = 0
        for serial in given:
            if serial not in self._bits:
                self._bits[serial] = 1 << len(self.parts)
                self.parts.append(serial)
            above |= self._above.get(serial, 0) | self._bits[serial]
        self._above[made] = above


def _along_the_graph(events: Iterable[Event]) -> Iterator[tuple[int, tuple[int, ...]]]:
    for event in events:
        given = tuple(state.serial for state in event.inputs if state.requires_grad)
        for made in event.outputs:
            if made.requires_grad and not made.leaf:
                yield made.serial, tuple(serial for serial in given if serial != made.serial)


def _by_value(events: Iterable[Event]) -> Iterator[tuple[int, tuple[int, ...]]]:
    for event in events:
        differentiates = event.backward is not None or event.op == "Tensor.grad.__get__"
        # Without a graph it is a step along a gradient, or another constant.
        constant = not event.grad_enabled or short_name(event.op) in ("detach", "data")
        given = () if differentiates or constant else tuple(state.serial for state in event.inputs)
        for made in event.outputs:
            yield made.serial, given


class Names:
    """When a tensor had any name: from the event that gives it one, until the last of its names means something else."""

    def __init__(self, given: Iterable[tuple[int, str, int | None]]) -> None:
        held: dict[str, int | None] = {}
        names: dict[int, int] = {}
        self._changes: dict[int, tuple[list[int], list[bool]]] = {}
        for at, name, serial in sorted(given, key=lambda one: one[0]):
            before = held.get(name)
            held[name] = serial
            for changed, more in ((before, -1), (serial, 1)):
                if changed is not None:
                    names[changed] = names.get(changed, 0) + more
                    times, named = self._changes.setdefault(changed, ([], []))
                    times.append(at)
                    named.append(names[changed] > 0)

    def meant(self, serial: int, event: int) -> bool:
        """Whether a name meant this tensor at that event."""
        times, named = self._changes.get(serial, ([], []))
        last = bisect_right(times, event)
        return last > 0 and named[last - 1]
