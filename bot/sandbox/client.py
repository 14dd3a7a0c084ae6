"""The sandbox in this process: W fork servers, one thread each, and one queue in front of them.

    run(order) ──▶ queue ──▶ worker ──▶ child of its fork server ──▶ Ending ──▶ Run

A worker keeps one locked-down child waiting, so that a run starts at once. First come, first served: a
caller holds at most one place for each of its threads.
"""

from __future__ import annotations

import json
import os
import threading
from collections import deque
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Protocol

from bot.domain.run import Facts, Limits, Run
from bot.errors import SandboxBroken, SandboxBusy, SandboxError, SandboxUnavailable
from bot.sandbox import Order, environment, jail, report, self_attack
from bot.sandbox.claims import BadClaim, parse_frame
from bot.sandbox.fork_server import Child, Ending, ForkServer, ServerDied
from bot.settings import SandboxSettings

#: How often a run is begun again when the fork server dies under it.
MOST_ATTEMPTS = 3
SMALLEST_CLAIM = 4 << 10
LARGEST_CLAIM = 4 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Observed:
    """All that is known of one run: facts from outside, and the frame it sent, not yet parsed."""

    facts: Facts
    stdout: bytes = b""
    stderr: bytes = b""
    frame: bytes = b""


class Backend(Protocol):
    """Where runs are made: in this process, or in a service."""

    def observe(self, order: Order) -> Observed:
        """Run the order and say what was seen. Raises `SandboxError` when it cannot be run at all."""


def told(observed: Observed, order: Order) -> Run:
    """The run that was observed, its claim parsed strictly."""
    claim, problem = None, None
    try:
        claim = parse_frame(observed.frame, most=order.limits.claim_bytes)
    except BadClaim as error:
        problem = str(error)
    return report.run_from(
        claim=claim,
        claim_problem=problem,
        facts=observed.facts,
        stdout=observed.stdout,
        stderr=observed.stderr,
        order=order,
    )


@dataclass(slots=True, eq=False)
class Ticket:
    """One order on its way. `result` waits for it; `cancel` gives up its place or ends its run."""

    order: Order
    _done: threading.Event = field(default_factory=threading.Event)
    _observed: Observed | None = None
    _error: SandboxError | None = None
    _pipe: tuple[int, int] = field(default_factory=lambda: os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK))
    _closing: threading.Lock = field(default_factory=threading.Lock)
    _closed: bool = False

    def result(self, *, seconds: float | None = None) -> Observed:
        """What was observed. Raises what kept it from running, or `TimeoutError`."""
        if not self._done.wait(seconds):
            raise TimeoutError("the run has not ended yet")
        if self._error is not None:
            raise self._error
        assert self._observed is not None
        return self._observed

    def cancel(self) -> None:
        """Nobody wants the run any more. `result` then raises `SandboxError`."""
        with self._closing:
            if not self._closed:
                os.write(self._pipe[1], b"x")

    @property
    def cancelled(self) -> int:
        """Readable when the run was cancelled."""
        return self._pipe[0]

    @property
    def wanted(self) -> bool:
        """Whether it was not cancelled yet."""
        try:
            return not os.read(self._pipe[0], 1)
        except BlockingIOError:
            return True

    def abandon(self) -> None:
        """Fail if nothing was handed over: whoever had this order in hand is gone."""
        if not self._done.is_set():
            self.finish(error=SandboxBroken())

    def finish(self, *, observed: Observed | None = None, error: SandboxError | None = None) -> None:
        """Hand over the outcome and wake who waits."""
        self._observed, self._error = observed, error
        with self._closing:
            self._closed = True
            for file in self._pipe:
                os.close(file)
        self._done.set()


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
        self._queue: deque[Ticket] = deque()
        self._news = threading.Condition()
        self._settings = settings
        self._closed = False
        self._workers = [
            # One attacks itself before the first order; the others are made of the same parts.
            _Worker(self, settings, made_of, tries_itself=number == 0)
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

    def submit(self, order: Order) -> Ticket:
        """Take a place in the queue. Raises `SandboxBusy` when there is none."""
        with self._news:
            if self._closed:
                raise SandboxBroken("the sandbox was closed")
            if len(self._queue) >= self._settings.queue:
                raise SandboxBusy()
            ticket = Ticket(self._allowed(order))
            self._queue.append(ticket)
            self._news.notify()
        return ticket

    def take(self) -> Ticket | None:
        """The next order in the queue, for a worker; None when the sandbox is closed."""
        with self._news:
            while not self._queue and not self._closed:
                self._news.wait()
            return self._queue.popleft() if self._queue else None

    def close(self) -> None:
        """End every jail. Orders that wait fail with `SandboxBroken`."""
        with self._news:
            self._closed = True
            waiting = list(self._queue)
            self._queue.clear()
            self._news.notify_all()
        for ticket in waiting:
            ticket.finish(error=SandboxBroken("the sandbox was closed"))
        for worker in self._workers:
            worker.give_up()
        for worker in self._workers:
            if worker.is_alive():
                worker.join()

    def lost(self, worker: _Worker) -> None:
        """A worker ended. Without any, nobody would serve who waits."""
        with self._news:
            self._standing.discard(worker)
            waiting = [] if self._standing else list(self._queue)
            if not self._standing:
                self._closed = True
                self._queue.clear()
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
            cpu_seconds=min(asked.cpu_seconds, most.cpu_seconds),
            memory_mib=min(asked.memory_mib, most.memory_mib),
            output_bytes=min(asked.output_bytes, most.output_bytes),
            claim_bytes=min(max(asked.claim_bytes, SMALLEST_CLAIM), LARGEST_CLAIM),
        )
        return order if limits == asked else replace(order, limits=limits)


class _Worker(threading.Thread):
    """One fork server and the thread that it lives and dies with."""

    def __init__(
        self, sandbox: JailedSandbox, settings: SandboxSettings, made_of: jail.Parts, *, tries_itself: bool
    ) -> None:
        super().__init__(name="sandbox", daemon=True)
        self._sandbox = sandbox
        self._settings = settings
        self._made_of = made_of
        self._server: ForkServer | None = None
        self._waiting: Child | None = None
        self._runs = 0
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
                self.findings = attack(server, limits=self._sandbox.usual_limits, layers=self._made_of.layers)
        except SandboxError as error:
            self._problem = error
            return
        finally:
            self._booted.set()
        try:
            while (ticket := self._sandbox.take()) is not None:
                self._serve(ticket)
        finally:
            self._tear_down()
            self._sandbox.lost(self)

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
        except OSError as error:  # no descriptors or processes left on this side
            ticket.finish(error=SandboxBusy(f"this process has no room for another run: {error}"))
        finally:
            self._in_hand = None
            ticket.abandon()

    def _observed(self, ticket: Ticket) -> Observed:
        """Run the order; begin again when the fork server dies under it."""
        for _ in range(MOST_ATTEMPTS):
            if not ticket.wanted:
                break
            try:
                return self._run_once(ticket)
            except (ServerDied, SandboxUnavailable) as error:
                self._tear_down()
                last = str(error)
        else:
            raise SandboxBroken(f"the sandbox broke {MOST_ATTEMPTS} times under one run: {last}")
        raise SandboxError("the run was cancelled")

    def _run_once(self, ticket: Ticket) -> Observed:
        server = self._stand_up()
        limits = ticket.order.limits
        child = self._child_for(server, limits)
        try:
            child.wait_until_ready()
            self._waiting = server.prepare(self._sandbox.usual_limits, ahead=True)
            ending = server.run(child, written(ticket.order), limits=limits, cancelled=ticket.cancelled)
        finally:
            child.close()
        self._runs += 1
        if self._runs >= self._settings.recycle_runs or abnormal(ending):
            self._tear_down()
            self._server = self._new_server()  # boots while nobody waits
        if ending.cancelled:
            raise SandboxError("the run was cancelled")
        facts = seen(ending, layers=self._made_of.layers, memory_enforced_by=self.memory_enforced_by)
        return Observed(facts=facts, stdout=ending.stdout, stderr=ending.stderr, frame=ending.claim)

    def _child_for(self, server: ForkServer, limits: Limits) -> Child:
        """The waiting child when it was locked in under these limits; else a new one."""
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            if (waiting.limits.cpu_seconds, waiting.limits.memory_mib) == (limits.cpu_seconds, limits.memory_mib):
                return waiting
            waiting.close()
        return server.prepare(limits)

    def _stand_up(self) -> ForkServer:
        """The fork server, booted now if there is none."""
        if self._server is None:
            self._server = self._new_server()
        if not self._server.ready:
            try:
                self._server.wait_until_ready()
            except SandboxError:
                self._tear_down()
                raise
            self._runs = 0
            self.memory_enforced_by = self._server.memory_enforced_by
            self._waiting = self._server.prepare(self._sandbox.usual_limits, ahead=True)
        return self._server

    def _new_server(self) -> ForkServer:
        return ForkServer(self._made_of, uid=self._settings.uid, memory_mib=self._settings.memory_mib)

    def _tear_down(self) -> None:
        if self._waiting is not None:
            self._waiting.close()
            self._waiting = None
        if self._server is not None:
            self._server.close()
            self._server = None


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


def seen(ending: Ending, *, layers: tuple[str, ...], memory_enforced_by: str) -> Facts:
    """The facts of a run that ended so."""
    return Facts(
        exit_status=ending.exit_status,
        signal=ending.signal,
        limit=ending.limit,
        seconds=ending.seconds,
        cpu_seconds=ending.cpu_seconds,
        stdout_bytes=len(ending.stdout),
        stderr_bytes=len(ending.stderr),
        layers=layers,
        memory_enforced_by=memory_enforced_by,
    )


def written(order: Order) -> bytes:
    """The order as the child reads it. Only the child is sent it."""
    fields = asdict(order)
    limits = fields.pop("limits")
    return json.dumps({**fields, "seconds": limits["seconds"], "claim_bytes": limits["claim_bytes"]}).encode()


def abnormal(ending: Ending) -> bool:
    """Whether the fork server is replaced after this run: it ended by a signal that no limit explains."""
    return ending.signal is not None and ending.limit is None and not ending.cancelled
