"""Runs strangers' code where it can hurt nothing, and reports what happened.

`client.py` and `jail.py` stay outside; `inside/` is the only code that runs in the jail.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from bot.domain.run import Limits, Run


@dataclass(frozen=True, kw_only=True, slots=True)
class NumericOrder:
    """How a program's gradients are to be compared with differences."""

    held_lines: tuple[int, ...] = ()  #: cuts (detach, no_grad, item ...) at these lines are held constant
    wanted: tuple[str, ...] = ()  #: names whose gradient must not stay None
    directions: int = 2
    epsilon: float = 1e-6


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """One thing to run."""

    code: str
    tape: bool = True
    seed: int = 0
    limits: Limits = field(default_factory=Limits)
    numeric: NumericOrder | None = None  #: compare gradients instead of reporting the program's own run
    loop_passes: int | None = None  #: run only the first passes of each `for … in range(n)` and `while`


class Sandbox(Protocol):
    """Where code is run."""

    def run(self, order: Order) -> Run:
        """Run `order.code` alone in a fresh process and report what happened.

        Never raises for what the code does: look at `Run.outcome`. Raises `SandboxUnavailable`
        when this machine cannot isolate it, `SandboxBusy` when too many runs wait.
        """
