"""One order on its way: how it is written, what is observed of its run, and what is told of it."""

from __future__ import annotations

import json
import os
import threading
from dataclasses import asdict, dataclass, field

from bot.domain.run import Facts, Run
from bot.errors import SandboxBroken, SandboxError
from bot.sandbox import Order, report
from bot.sandbox.child import readable
from bot.sandbox.claims import BadClaim, parse_frame
from bot.sandbox.watch import Ending


@dataclass(frozen=True, kw_only=True, slots=True)
class Observed:
    """All that is known of one run: facts from outside, and the frame it sent, not yet parsed."""

    facts: Facts
    stdout: bytes = b""
    stderr: bytes = b""
    frame: bytes = b""


def written(order: Order) -> bytes:
    """The order as the child reads it. Only the child is sent it."""
    fields = asdict(order)
    limits = fields.pop("limits")
    told = ("seconds", "grace_seconds", "claim_bytes")
    return json.dumps({**fields, **{name: limits[name] for name in told}}).encode()


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


def told(observed: Observed, order: Order) -> Run:
    """The run that was observed, its claim parsed strictly."""
    claim, problem = None, None
    if observed.facts.limit not in ("output", "claim"):  # it was cut off in the middle of whatever it said
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


def nobody_wants_it() -> SandboxError:
    """What is told of a run that was cancelled."""
    return SandboxError("the run was cancelled")


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
    def is_cancelled(self) -> bool:
        """Whether nobody wants the run any more."""
        return readable(self.cancelled, seconds=0)

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
