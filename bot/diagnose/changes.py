"""When the tensors of one run were changed, differentiated and zeroed: found out once for each run, by tensor."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterable, Iterator

from bot.diagnose.shared import changed_by
from bot.diagnose.view import View
from bot.domain.tape import Event, Tape

Times = dict[int, list[int]]


class Changes:
    """Events of one tape by the tensor that they change, reach or zero, each in the order of the tape."""

    def __init__(self, tape: Tape) -> None:
        self._tape = tape
        self._updates: Times = {}
        self._reaches: Times = {}
        self._zeroings: Times = {}
        self.leaves: dict[int, frozenset[int]] = {}  #: what each differentiation reaches, by its index
        for event in tape.events:
            _put(self._updates, changed_by(event) | self._by_data(event), event)
            if event.op == "zero_grad":
                _put(self._zeroings, serials(event), event)
            elif event.op == "Tensor.grad.__set__" and event.inputs:
                _put(self._zeroings, [event.inputs[0].serial], event)
            if event.backward is not None:
                self.leaves[event.index] = frozenset(event.backward.leaves)
                _put(self._reaches, self.leaves[event.index], event)

    def update(self, leaf: int, after: int, before: int | None) -> Event | None:
        """The first change of a leaf between two events."""
        found = _next(self._updates.get(leaf, []), after)
        return None if found is None or (before is not None and found >= before) else self._tape.events[found]

    def zeroed(self, leaf: int, after: int, before: int) -> bool:
        """Whether a leaf's gradient was zeroed between two events."""
        found = _next(self._zeroings.get(leaf, []), after)
        return found is not None and found < before

    def reached(self, leaf: int, before: int) -> list[Event]:
        """The differentiations that reached a leaf before an event."""
        times = self._reaches.get(leaf, [])
        return [self._tape.events[index] for index in times[: bisect_left(times, before)]]

    def carried_from(self, leaf: int, later: int) -> int | None:
        """The first differentiation that reached a leaf since the last of its updates that lie before the last one.

        That is: an update and no differentiation stand between it and event `later`. None when there is none such.
        """
        times = self._reaches.get(leaf, [])
        place = bisect_left(times, later)
        if place == 0 or self.update(leaf, times[place - 1], later) is None:
            return None
        updates = self._updates[leaf]
        before = bisect_left(updates, times[place - 1])
        return times[0] if before == 0 else times[min(bisect_left(times, updates[before - 1]), place - 1)]

    def serves(self, call: Event, step: Event, held: frozenset[int]) -> bool:
        """Whether a differentiation before a step gave gradients to what the step holds."""
        return call.index < step.index and not held.isdisjoint(self.leaves[call.index])

    def _by_data(self, event: Event) -> set[int]:
        """The leaves of which a write through `.data` changes the numbers."""
        makers = [self._tape.maker(serial) for serial in event.writes]
        through = ("Tensor.data.__get__", "Tensor.detach")
        return {maker.inputs[0].serial for maker in makers if maker is not None and maker.op in through if maker.inputs}


class Held:
    """Events of one kind with what they hold, to be asked for between two others."""

    def __init__(self, events: Iterable[Event]) -> None:
        self._events = [(event, serials(event)) for event in events]

    def between(self, first: Event, last: Event) -> Iterator[tuple[Event, frozenset[int]]]:
        """Those from one event on and before another."""
        place = bisect_left(self._events, first.index, key=lambda one: one[0].index)
        while place < len(self._events) and self._events[place][0].index < last.index:
            yield self._events[place]
            place += 1


class Others:
    """Whether another optimizer, or the program itself, changes what was reached up to a step, from step to step."""

    def __init__(self, view: View) -> None:
        self.reached: set[int] = set()
        self._differentiations = deque(view.backwards)
        self._holders: dict[
            int, set[frozenset[int]]
        ] = {}  # of each tensor that is changed: what is held by who changes it
        first = view.backwards[0].index if view.backwards else 0
        for event in view.tape.events[first:]:
            for serial in changed_by(event):
                self._holders.setdefault(serial, set()).add(serials(event))
        self._changed: list[int] = []
        self._looked: dict[frozenset[int], int] = {}

    def reached_before(self, step: Event) -> None:
        """Go on to this step."""
        while self._differentiations and self._differentiations[0].index < step.index:
            call = self._differentiations.popleft()
            if call.backward is not None and call.backward.nodes and not call.error:
                new = set(call.backward.leaves) - self.reached
                self.reached |= new
                self._changed += new & self._holders.keys()

    def step(self, held: frozenset[int]) -> bool:
        """Whether somebody who holds something else changes what was reached."""
        for serial in self._changed[self._looked.get(held, 0) :]:
            if self._holders[serial] - {held}:
                return True
        self._looked[held] = len(self._changed)
        return False


def changes(view: View) -> Changes:
    """The changes of a view's run."""
    if "changes" not in view.notes:
        view.notes["changes"] = Changes(view.tape)
    return view.notes["changes"]  # type: ignore[no-any-return]


def serials(event: Event) -> frozenset[int]:
    """The tensors that an event is given; of an optimizer's, those that it holds."""
    return frozenset(state.serial for state in event.inputs)


def _put(times: Times, found: Iterable[int], event: Event) -> None:
    for serial in found:
        times.setdefault(serial, []).append(event.index)


def _next(times: list[int], after: int) -> int | None:
    place = bisect_right(times, after)
    return times[place] if place < len(times) else None
