"""How a run ended: decided by the facts, and by its claim only where they leave that open.

A claim decides between "finished" and "raised" alone, and only of a process that nobody stopped and that
left by itself with status 0. Whoever passed a limit is over it, whatever else it managed to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.domain.run import Facts, Limits, Outcome
from bot.sandbox import unsupported

#: Of the processor's limit: the kernel counts in ticks, so that the time it reports may be shorter than what it ended.
NEARLY_ALL = 0.75
_TOO_LATE = "it did not end within the time limit"
_NO_MEMORY = "it asked for more memory than it may have"
_STOPPED = {
    "wall": (Outcome.TIMED_OUT, _TOO_LATE),
    "cpu": (Outcome.TIMED_OUT, "it used more processor time than it may"),
    "memory": (Outcome.OUT_OF_MEMORY, _NO_MEMORY),
    "output": (Outcome.REFUSED, "it printed more than it may"),
    "claim": (Outcome.REFUSED, "the run's report is not valid: too large"),
}


def verdict(
    facts: Facts, *, claim: Mapping[str, Any] | None, problem: str | None, limits: Limits
) -> tuple[Outcome, str | None]:
    """The outcome and, where it needs one, its reason. `problem` says why there is no claim."""
    if facts.limit in _STOPPED:
        return _STOPPED[facts.limit]
    if facts.signal is not None:
        return Outcome.REFUSED, f"it was ended by signal {facts.signal}"
    if facts.exit_status != 0:
        return Outcome.REFUSED, f"it ended with exit status {facts.exit_status}"
    if claim is None:
        return Outcome.REFUSED, problem or "it ended without a report"
    if claim.get("stopped") == "wall":
        if facts.cpu_seconds >= NEARLY_ALL * limits.cpu_seconds:
            return _STOPPED["cpu"]
        return Outcome.REFUSED, "it says that its time was over, and it was not"
    return _by_its_own_word(claim)


def _by_its_own_word(claim: Mapping[str, Any]) -> tuple[Outcome, str | None]:
    """What a program says of its end. That there was no error must be said: saying nothing is no success."""
    if "error" in claim and claim["error"] is None:
        return Outcome.FINISHED, None
    error = claim.get("error")
    if not isinstance(error, Mapping):
        return Outcome.REFUSED, "its report does not say how it ended"
    if unsupported.asked_for_memory(error):
        return Outcome.OUT_OF_MEMORY, _NO_MEMORY
    lacking = unsupported.lacking(error)
    return (Outcome.RAISED, None) if lacking is None else (Outcome.UNSUPPORTED, lacking)
