"""One fork server and the thread that it lives and dies with."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from typing import Protocol

from bot.domain.run import Limits, Run
from bot.errors import SandboxBroken, SandboxBusy, SandboxError, SandboxUnavailable
from bot.sandbox import Order, jail, self_attack
from bot.sandbox.child import Child, ServerDied, readable
from bot.sandbox.fork_server import ForkServer
from bot.sandbox.ticket import Observed, Ticket, nobody_wants_it, seen, told, written
from bot.sandbox.watch import abnormal
from bot.settings import SandboxSettings

#: How often a run is begun, and the seconds to wait for room on this side before it is begun again.
PAUSES = (0.1, 0.4, None)
#: Children that wait for their order. While one runs, the other is locked in already, so that a new one need not
#: be made beside the run.
WAITING = 2


class Queue(Protocol):
    """Where a worker gets its orders."""

    @property
    def usual_limits(self) -> Limits:
        """The limits under which children are made ahead of their orders."""

    def take(self) -> Ticket | None:
        """The next order; waits for one. None when there will be no more."""

    def lost(self, worker: Worker) -> None:
        """This worker takes no further orders."""


class Worker(threading.Thread):
    """One fork server and the thread that it lives and dies with."""

    def __init__(self, queue: Queue, settings: SandboxSettings, made_of: jail.Parts, *, tries_itself: bool) -> None:
        super().__init__(name="sandbox", daemon=True)
        self._queue = queue
        self._settings = settings
        self._made_of = made_of
        self._server: ForkServer | None = None
        self._waiting: deque[Child] = deque()
        self._next: ForkServer | None = None  # boots while the present one still serves
        self._runs = 0
        self._disturbed = False
        self._booted = threading.Event()
        self._problem: SandboxError | None = None
        self._in_hand: Ticket | None = None
        self._tries_itself = tries_itself
        self.findings: tuple[self_attack.Finding, ...] = ()
        self.memory_enforced_by = ""

    def wait_until_ready(self) -> None:
        """Return when the fork server stands. Raises why it does not."""
        self._booted.wait()
        if self._problem is not None:
            raise self._problem

    def run(self) -> None:
        """Serve the queue until the sandbox is closed."""
        try:
            server = self._stand_up()
            if self._tries_itself:
                self.findings = attack(server, limits=self._queue.usual_limits, layers=self._made_of.layers)
        except (SandboxError, OSError) as error:
            self._problem = error if isinstance(error, SandboxError) else no_room(error, SandboxUnavailable)
            return
        finally:
            self._booted.set()
        try:
            while (ticket := self._queue.take()) is not None:
                self._serve(ticket)
                self._renew()
        finally:
            self._tear_down()
            self._queue.lost(self)

    def give_up(self) -> None:
        """End the run in hand; nobody waits for it any more."""
        ticket = self._in_hand
        if ticket is not None:
            ticket.cancel()

    def _serve(self, ticket: Ticket) -> None:
        self._in_hand = ticket
        try:
            ticket.finish(observed=self._observed(ticket))
        except SandboxError as error:
            ticket.finish(error=error)
        except OSError as error:
            ticket.finish(error=no_room(error, SandboxBusy))
        finally:
            self._in_hand = None
            ticket.abandon()

    def _observed(self, ticket: Ticket) -> Observed:
        """Run the order; begin again when the fork server dies under it, or after a pause when we lack room.

        Raises `OSError` when there is no room after the last pause either.
        """
        for pause in PAUSES:
            if ticket.is_cancelled:
                break
            try:
                return self._run_once(ticket)
            except (ServerDied, SandboxUnavailable) as error:
                self._tear_down()
                last = str(error)
            except OSError:  # no descriptors or processes left on this side
                if pause is None:
                    raise
                readable(ticket.cancelled, seconds=pause)
        else:
            raise SandboxBroken(f"the sandbox broke {len(PAUSES)} times under one run: {last}")
        raise nobody_wants_it()

    def _run_once(self, ticket: Ticket) -> Observed:
        self._change_over()
        server = self._stand_up()
        limits = ticket.order.limits
        child = self._child_for(server, limits)
        try:
            ending = server.run(child, written(ticket.order), limits=limits, cancelled=ticket.cancelled)
        finally:
            child.close()
        self._runs += 1
        self._disturbed = self._disturbed or abnormal(ending)
        if ending.cancelled:
            raise nobody_wants_it()
        facts = seen(ending, layers=self._made_of.layers, memory_enforced_by=self.memory_enforced_by)
        return Observed(facts=facts, stdout=ending.stdout, stderr=ending.stderr, frame=ending.claim)

    def _renew(self) -> None:
        """Replace a fork server that is worn out, or that a run may have disturbed. Nobody waits meanwhile.

        It serves until its successor has booted, and there is one successor at a time: a flood of runs that end
        abnormally makes nobody wait and boots no more than one. And another child is made for the one that was used.
        """
        try:
            if self._next is None and (self._disturbed or self._runs >= self._settings.recycle_runs):
                self._next = self._successor()
            self._change_over()
            if self._server is not None and self._server.has_booted():
                self._make_children(self._stand_up())
        except (ServerDied, SandboxError):
            self._tear_down()  # the next order tries to boot one, and says why it cannot
        except OSError:  # no room on this side
            if self._disturbed:
                self._tear_down()

    def _change_over(self) -> None:
        """Go on with the successor, when there is one and it has booted."""
        if self._next is not None and self._next.has_booted():
            successor, self._next = self._next, None
            self._tear_down()
            self._server = successor

    def _successor(self) -> ForkServer:
        server = self._new_server()
        try:
            server.begin()
        except (SandboxError, OSError):
            server.close()
            raise
        return server

    def _child_for(self, server: ForkServer, limits: Limits) -> Child:
        """A waiting child when they were locked in under these limits; else a new one."""
        usual = self._queue.usual_limits
        if self._waiting and (usual.cpu_seconds, usual.memory_mib) == (limits.cpu_seconds, limits.memory_mib):
            return self._waiting.popleft()
        return server.prepare(limits)

    def _stand_up(self) -> ForkServer:
        """The fork server, booted now if there is none."""
        if self._server is None:
            self._server = self._new_server()
        if not self._server.ready:
            try:
                self._server.wait_until_ready()
            except (SandboxError, OSError):
                self._tear_down()
                raise
            self._runs = 0
            self._disturbed = False
            self.memory_enforced_by = self._server.memory_enforced_by
            self._make_children(self._server)
        return self._server

    def _make_children(self, server: ForkServer) -> None:
        with contextlib.suppress(OSError):  # no descriptors left: then a run makes its own when it begins
            while len(self._waiting) < WAITING:
                self._waiting.append(server.prepare(self._queue.usual_limits, ahead=True))

    def _new_server(self) -> ForkServer:
        return ForkServer(self._made_of, uid=self._settings.uid, memory_mib=self._settings.memory_mib)

    def _tear_down(self) -> None:
        while self._waiting:
            self._waiting.popleft().close()
        for server in (self._server, self._next):
            if server is not None:
                server.close()
        self._server = self._next = None


def no_room(error: OSError, kind: type[SandboxError]) -> SandboxError:
    """What is said when this side lacks descriptors or processes."""
    return kind(
        f"this process has no room for another run: {error}. Wait, or allow it more (`ulimit -n` shows its descriptors)."
    )


def attack(server: ForkServer, *, limits: Limits, layers: tuple[str, ...]) -> tuple[self_attack.Finding, ...]:
    """Attack the jail of a fork server from within. For the thread that started it."""

    def run(order: Order) -> Run:
        child = server.prepare(order.limits)
        try:
            ending = server.run(child, written(order), limits=order.limits)
        except ServerDied as error:
            raise SandboxUnavailable(f"the sandbox broke when it was tried: {error}") from error
        finally:
            child.close()
        facts = seen(ending, layers=layers, memory_enforced_by=server.memory_enforced_by)
        return told(Observed(facts=facts, stdout=ending.stdout, stderr=ending.stderr, frame=ending.claim), order)

    return self_attack.findings(run, limits=limits)
