"""The sandbox in this process: W fork servers, one thread each, and one queue in front of them.

    run(order) ──▶ queue ──▶ worker ──▶ child of its fork server ──▶ Ending ──▶ Run

A worker keeps one locked-down child waiting, so that a run starts at once. Askers take turns: who has many
orders waiting does not keep the others from theirs, nor from a place in the queue. An asker is a thread, or
a client of the service.
"""

from __future__ import annotations

import threading
from collections.abc import Hashable
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from bot.domain.run import Limits, Run
from bot.errors import SandboxBroken, SandboxBusy, SandboxError, SandboxUnavailable
from bot.sandbox import Order, environment, jail, self_attack
from bot.sandbox.ticket import Observed, Ticket, nobody_wants_it, told
from bot.sandbox.turns import Turns
from bot.sandbox.worker import Worker, no_room
from bot.settings import SandboxSettings

SMALLEST_CLAIM = 4 << 10
LARGEST_CLAIM = 4 << 20


class JailedSandbox:
    """Runs orders in jails on this machine. A context manager; `close` ends every jail.

    Raises `SandboxUnavailable` when a jail cannot be made here. There is no other way to run code.
    """

    def __init__(
        self, settings: SandboxSettings, *, data: Path | None = None, made_of: jail.Parts | None = None
    ) -> None:
        if made_of is None:
            jail.require_system()
            staged = environment.find(chosen=settings.environment, data=data, uid=settings.uid)
            made_of = jail.parts(staged)
        self._queue = Turns()
        self._news = threading.Condition()
        self._settings = settings
        self._closed = False
        self._workers = [
            # One attacks itself before the first order; the others are made of the same parts.
            Worker(self, settings, made_of, tries_itself=number == 0)
            for number in range(settings.workers)
        ]
        self._standing = set(self._workers)
        try:
            for worker in self._workers:
                worker.start()
            for worker in self._workers:
                worker.wait_until_ready()
            surprise = self_attack.broken(self.findings)
            if surprise is not None:
                raise SandboxUnavailable(f"the sandbox does not hold here, so nothing is run: {surprise}")
        except SandboxError:
            self.close()
            raise

    @property
    def findings(self) -> tuple[self_attack.Finding, ...]:
        """What the attacks at the start saw."""
        return self._workers[0].findings

    @property
    def memory_enforced_by(self) -> str:
        """What keeps a run from taking more memory than it may."""
        return self._workers[0].memory_enforced_by

    @property
    def usual_limits(self) -> Limits:
        """The limits that no run exceeds."""
        settings = self._settings
        return Limits(
            seconds=settings.seconds,
            cpu_seconds=settings.cpu_seconds,
            memory_mib=settings.memory_mib,
            output_bytes=settings.output_kib << 10,
        )

    @property
    def places(self) -> int:
        """How many orders can be in hand or wait at once."""
        return self._settings.workers + self._settings.queue

    def run(self, order: Order) -> Run:
        """Run `order.code` alone in a fresh process and report what happened. See `Sandbox`."""
        allowed = self._allowed(order)
        return told(self.observe(allowed), allowed)

    def observe(self, order: Order) -> Observed:
        """As `run`, without reading what the program says of itself."""
        ticket = self.submit(order)
        try:
            return ticket.result()
        except BaseException:
            ticket.cancel()
            raise

    def submit(self, order: Order, *, asker: Hashable = None) -> Ticket:
        """Take a place in the queue, by default as the calling thread.

        Where all places are taken, who has most orders waiting gives one up, and its ticket ends with `SandboxBusy`;
        raises that where `asker` would be the one.
        """
        asker = asker or threading.get_ident()
        with self._news:
            if self._closed:
                raise SandboxBroken("the sandbox was closed")
            try:
                ticket = Ticket(self._allowed(order))
            except OSError as error:
                raise no_room(error, SandboxBusy) from error
            given_up = None
            if len(self._queue) >= self._settings.queue:
                given_up = self._queue.make_room(asker=asker)
                if given_up is None:
                    ticket.abandon()
                    raise SandboxBusy()
            self._queue.add(ticket, asker=asker)
            self._news.notify()
        if given_up is not None:
            given_up.finish(error=nobody_wants_it() if given_up.is_cancelled else SandboxBusy())
        return ticket

    def take(self) -> Ticket | None:
        """The next order in the queue, for a worker; None when the sandbox is closed."""
        with self._news:
            while not self._queue and not self._closed:
                self._news.wait()
            return self._queue.take() if self._queue else None

    def close(self) -> None:
        """End every jail. Orders that wait fail with `SandboxBroken`."""
        with self._news:
            self._closed = True
            waiting = self._queue.clear()
            self._news.notify_all()
        for ticket in waiting:
            ticket.finish(error=SandboxBroken("the sandbox was closed"))
        for worker in self._workers:
            worker.give_up()
        for worker in self._workers:
            if worker.is_alive():
                worker.join()

    def lost(self, worker: Worker) -> None:
        """A worker ended. Without any, nobody would serve who waits."""
        with self._news:
            self._standing.discard(worker)
            waiting = [] if self._standing else self._queue.clear()
            self._closed = self._closed or not self._standing
        for ticket in waiting:
            ticket.finish(error=SandboxBroken("the sandbox was closed"))

    def __enter__(self) -> JailedSandbox:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    def _allowed(self, order: Order) -> Order:
        """The order with no limit above the settings'."""
        most, asked = self.usual_limits, order.limits
        limits = Limits(
            seconds=min(asked.seconds, most.seconds),
            grace_seconds=min(asked.grace_seconds, most.grace_seconds),
            cpu_seconds=min(asked.cpu_seconds, most.cpu_seconds),
            memory_mib=min(asked.memory_mib, most.memory_mib),
            output_bytes=min(asked.output_bytes, most.output_bytes),
            claim_bytes=min(max(asked.claim_bytes, SMALLEST_CLAIM), LARGEST_CLAIM),
        )
        return order if limits == asked else replace(order, limits=limits)
