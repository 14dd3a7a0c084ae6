"""A repair, the runs and matches before and after it, and the numeric run → a proof.

Nothing is run here, and nothing that a run claims is believed alone: each part compares claims of
several runs. What every part means stands in `docs/why.md`.
"""

from __future__ import annotations

from bot.domain.diagnosis import Check, CheckState, Diagnosis, Proof, Repair, code_sha256
from bot.domain.run import NumericRun, Outcome, Run
from bot.verify.edits import line_map, minimal
from bot.verify.gradients import gives_wrong_gradient, gradient, held_lines
from bot.verify.trust import trusted
from bot.verify.values import values_kept

__all__ = ["gives_wrong_gradient", "held_lines", "line_map", "proof_of", "trusted"]


def proof_of(
    repair: Repair,
    *,
    original: str,
    diagnosis: Diagnosis,
    before: Run,
    after: Run,
    shown_before: frozenset[str],
    shown_after: frozenset[str],
    numeric: NumericRun | None,
) -> Proof:
    """What these runs prove about a repair.

    `shown_before` and `shown_after` are the names of the mistakes that each run shows; `numeric` is None
    when gradients were not compared.
    """
    return Proof(
        code_sha256=code_sha256(repair.code),
        error_gone=_error_gone(after),
        confusion_gone=_confusion_gone(diagnosis, shown_before, shown_after),
        values_kept=values_kept(original, repair, before, after),
        gradient=gradient(numeric, original, before, after, diagnosis, repair),
        minimal=minimal(original, repair, diagnosis),
        trusted=trusted(repair.code),
    )


def _error_gone(after: Run) -> Check:
    if after.outcome is Outcome.FINISHED:
        return Check(state=CheckState.YES, why="the repaired program runs to its end")
    said = after.error.said if after.error else after.reason or ""
    return Check(state=CheckState.NO, why=f"the repaired program {after.outcome.value}: {said}"[:300])


def _confusion_gone(diagnosis: Diagnosis, before: frozenset[str], after: frozenset[str]) -> Check:
    new = sorted(after - before)
    if diagnosis.confusion in after:
        return Check(state=CheckState.NO, why=f"the new run still shows {diagnosis.confusion}")
    if new:
        return Check(state=CheckState.NO, why=f"the new run shows {', '.join(new)} instead")
    return Check(state=CheckState.YES, why="no entry matches the new run that did not match the old one")
