"""What happened when a snippet ran: facts from outside the jail, claims from inside."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from bot.domain.tape import Tape


class Outcome(Enum):
    """How a run ended."""

    FINISHED = "finished"  #: the program reached its end
    RAISED = "raised"  #: the program raised; see `Run.error`
    TIMED_OUT = "timed_out"  #: we stopped it after its wall or CPU limit
    OUT_OF_MEMORY = "oom"  #: it asked for more memory than it may have
    UNSUPPORTED = "unsupported"  #: it needs what the sandbox does not offer (processes, a network, a GPU)
    REFUSED = "refused"  #: the sandbox stopped it: too much output, a forbidden call, a broken frame
    NOT_STARTED = "not_started"  #: our fault, not the asker's


@dataclass(frozen=True, kw_only=True, slots=True)
class RunError:
    """The exception that ended a run, mapped to the asker's code."""

    type: str  #: "RuntimeError"
    message: str
    line: int | None  #: of the snippet: the nearest frame of the asker's own code
    frames: tuple[int, ...] = ()  #: lines of the asker's code, outermost first

    @property
    def said(self) -> str:
        """The error on one line, as Python ends a traceback: "RuntimeError: the first line of the message"."""
        first = next((line for line in self.message.splitlines() if line.strip()), "")
        return f"{self.type}: {first}" if first else self.type


@dataclass(frozen=True, kw_only=True, slots=True)
class RunWarning:
    """A warning, mapped to the asker's code."""

    category: str  #: "UserWarning"
    message: str
    line: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Echo:
    """The value of an expression statement, as a notebook would show it."""

    line: int
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What a run may use."""

    seconds: float = 10.0  #: wall clock
    grace_seconds: float = 0.3  #: between the warning at the wall limit, on which it may report, and the kill
    cpu_seconds: int = 10
    memory_mib: int = 1024  #: beyond what the interpreter with torch already holds
    output_bytes: int = 64 * 1024  #: for each of stdout and stderr
    claim_bytes: int = 1024 * 1024  #: for the one frame that reports the run


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What was seen from outside. Strangers' code cannot forge these."""

    exit_status: int | None = None
    signal: int | None = None
    limit: str | None = None  #: the limit that was hit: "wall", "cpu", "memory", "output", "claim"
    seconds: float = 0.0  #: wall clock
    cpu_seconds: float = 0.0
    stdout_bytes: int = 0
    stderr_bytes: int = 0
    layers: tuple[str, ...] = ()  #: what isolated the run: "bwrap", "userns", "seccomp:151", ...
    memory_enforced_by: str = ""  #: "rlimit_as", "cgroup"


@dataclass(frozen=True, kw_only=True, slots=True)
class GradientCall:
    """What one backward or autograd.grad call of a numeric run gave one tensor, beside its differences."""

    line: int
    kind: str  #: "backward" or "grad"
    tensor: str  #: the asker's name for it, or "#3" for the third nameless one
    leaf: bool
    missing: bool  #: the gradient stayed None
    analytic: tuple[float, ...] = ()  #: gradient · direction, one for each direction
    numeric: tuple[float, ...] = ()  #: (L(+ε) − L(−ε)) / 2ε, one for each direction
    noise: float = 0.0  #: how far rounding alone may move `numeric`


@dataclass(frozen=True, kw_only=True, slots=True)
class NumericRun:
    """A program run several times with its tensors nudged, to compare its gradients with differences."""

    dtype: str = "float64"
    epsilon: float = 1e-6
    calls: tuple[GradientCall, ...] = ()
    problem: str | None = None  #: why nothing could be compared


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """What happened when a snippet ran."""

    outcome: Outcome
    facts: Facts = field(default_factory=Facts)
    reason: str | None = None  #: for UNSUPPORTED, REFUSED and NOT_STARTED: one line that says why
    error: RunError | None = None
    warnings: tuple[RunWarning, ...] = ()
    echoes: tuple[Echo, ...] = ()
    prints: tuple[Echo, ...] = ()  #: what print() wrote, by the line that called it
    stdout: str = ""  #: control characters stripped
    stderr: str = ""
    output_cut: bool = False
    tape: Tape | None = None
    numeric: NumericRun | None = None
    torch_version: str | None = None
    passes: str | None = None  #: for a loop that was stopped early: how far it came

    @property
    def ran(self) -> bool:
        """Whether the program itself decided how the run ended."""
        return self.outcome in (Outcome.FINISHED, Outcome.RAISED)
