"""The orders that wait for a worker: each asker's in their own order, and the askers take turns."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable

from bot.sandbox.ticket import Ticket


class Turns:
    """A fair queue: who waits with one order is served before another's second."""

    def __init__(self) -> None:
        self._lines: dict[Hashable, deque[Ticket]] = {}  # whose turn is next is first

    def __len__(self) -> int:
        return sum(map(len, self._lines.values()))

    def add(self, ticket: Ticket, *, asker: Hashable) -> None:
        """Put an order behind the others of the same asker."""
        self._lines.setdefault(asker, deque()).append(ticket)

    def take(self) -> Ticket:
        """The next order of whose turn it is; its asker is then last. There must be one."""
        asker, line = next(iter(self._lines.items()))
        del self._lines[asker]
        ticket = line.popleft()
        if line:
            self._lines[asker] = line
        return ticket

    def make_room(self, *, asker: Hashable) -> Ticket | None:
        """Give up an order that was cancelled, else the last of who has most waiting, and hand it back; None where `asker`
        would have as many."""
        cancelled = next((ticket for line in self._lines.values() for ticket in line if ticket.is_cancelled), None)
        if cancelled is not None:
            self._lines = {one: left for one, line in self._lines.items() if (left := _without(cancelled, line))}
            return cancelled
        greediest = max(self._lines, key=lambda one: len(self._lines[one]), default=None)
        if greediest is None or len(self._lines[greediest]) <= len(self._lines.get(asker, ())) + 1:
            return None
        return self._lines[greediest].pop()

    def clear(self) -> list[Ticket]:
        """Take all."""
        left = [ticket for line in self._lines.values() for ticket in line]
        self._lines.clear()
        return left


def _without(ticket: Ticket, line: deque[Ticket]) -> deque[Ticket]:
    return deque(one for one in line if one is not ticket)
