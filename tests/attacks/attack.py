"""An attack: what is run, and the facts that must come of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bot.domain.run import Limits, Outcome, Run
from bot.sandbox import Order

#: What the attacks get. The clock is generous where the processor's limit is meant to come first.
SECONDS = 10.0
SHORT = 0.4
#: What only the limit on the processor may end, also where others use most of the processor.
LONG = 60.0
KILLED_WITHIN = 0.8
#: What ends by itself ends within this, also where the machine has other things to do.
BY_ITSELF = 5.0
CPU_SECONDS = 3
MEMORY_MIB = 256
LIMITS = Limits(seconds=SECONDS, cpu_seconds=CPU_SECONDS, memory_mib=MEMORY_MIB)

GOOD = """
import torch
x = torch.arange(4.0, requires_grad=True)
(x * x).sum().backward()
print(x.grad.tolist())
"""
GOOD_PRINTS = "[0.0, 2.0, 4.0, 6.0]\n"

#: `call(number, ...)` prints the name of the error that the kernel gives, or "done".
CALL = """
import ctypes, errno, os
libc = ctypes.CDLL(None, use_errno=True)

def call(number, *arguments):
    ctypes.set_errno(0)
    result = libc.syscall(ctypes.c_long(number), *map(ctypes.c_long, arguments))
    print(errno.errorcode[ctypes.get_errno()] if result == -1 else "done")

def errno_of(action):
    try:
        action()
    except OSError as error:
        print(errno.errorcode[error.errno])
    else:
        print("done")
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Attack:
    """Code, and what must be true of its run. What is None does not matter."""

    name: str
    code: str
    outcome: Outcome | None = None
    prints: str | None = None  #: exactly this on standard output
    error: str | None = None  #: type of the exception
    exit_status: int | None = None
    signal: int | None = None
    limit: str | None = None
    seconds: float = SECONDS  #: the wall limit
    within: float | None = None  #: seconds; if None, the wall limit and what a kill takes

    def order(self) -> Order:
        """The order to run."""
        return Order(code=self.code, tape=False, limits=replace(LIMITS, seconds=self.seconds))

    def surprises(self, ran: Run) -> list[str]:
        """What is not as it must be."""
        seen = {
            "outcome": ran.outcome,
            "prints": ran.stdout,
            "error": None if ran.error is None else ran.error.type,
            "exit_status": ran.facts.exit_status,
            "signal": ran.facts.signal,
            "limit": ran.facts.limit,
        }
        wrong = [
            f"{name}: wanted {wanted!r}, saw {seen[name]!r}"
            for name in seen
            if (wanted := getattr(self, name)) is not None and wanted != seen[name]
        ]
        if ran.facts.seconds > (self.within or self.seconds + KILLED_WITHIN):
            wrong.append(f"took {ran.facts.seconds:.2f} s")
        return wrong


def harmless(name: str, code: str, prints: str) -> Attack:
    """An attack that ends by itself, having printed that it was refused."""
    return Attack(name=name, code=code, outcome=Outcome.FINISHED, prints=prints, within=BY_ITSELF)
