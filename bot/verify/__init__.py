"""A repair, the runs and matches before and after it, and the numeric run → a proof.

Nothing is run here, and nothing that a run claims is believed alone: each part compares claims of
several runs. What every part means stands in `docs/why.md`.
"""

from __future__ import annotations

from bot.domain.diagnosis import Check, CheckState, Diagnosis, Proof, Repair, code_sha256
from bot.domain.run import NumericRun, Outcome, Run
from bot.verify.edits import line_map, minimal
from bot.verify.gradients import gives_wrong_gradient, gradient, held_lines
from bot.verify.hidden import concerns_untouched, in_original, keeps_edit, stood_behind
from bot.verify.trust import trusted
from bot.verify.values import values_kept

__all__ = [
    "concerns_untouched",
    "gives_wrong_gradient",
    "held_lines",
    "in_original",
    "keeps_edit",
    "line_map",
    "proof_of",
    "stood_behind",
    "trusted",
]


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
    mended: tuple[Diagnosis, ...] = (),
    behind: frozenset[str] = frozenset(),
) -> Proof:
    """What these runs prove about a repair.

    `shown_before` and `shown_after` are the names of the mistakes that each run shows; `numeric` is None
    when gradients were not compared. `mended` are further confusions that the repair mends as well, with lines of
    the original; `behind` names mistakes of lines that it leaves alone, which the original stopped before.
    """
    diagnoses = (diagnosis, *mended)
    return Proof(
        code_sha256=code_sha256(repair.code),
        error_gone=_error_gone(after),
        confusion_gone=_confusion_gone(diagnoses, shown_before, shown_after, behind),
        values_kept=values_kept(original, repair, before, after),
        gradient=gradient(numeric, original, before, after, diagnoses, repair),
        minimal=minimal(original, repair, diagnoses),
        trusted=trusted(repair.code),
    )


def _error_gone(after: Run) -> Check:
    if after.outcome is Outcome.FINISHED:
        return Check(state=CheckState.YES, why="the repaired program runs to its end")
    said = after.error.said if after.error else after.reason or ""
    return Check(state=CheckState.NO, why=f"the repaired program {after.outcome.value}: {said}"[:300])


def _confusion_gone(
    diagnoses: tuple[Diagnosis, ...], before: frozenset[str], after: frozenset[str], behind: frozenset[str]
) -> Check:
    left = [diagnosis.confusion for diagnosis in diagnoses if diagnosis.confusion in after]
    new = sorted(after - before - behind)
    if left:
        return Check(state=CheckState.NO, why=f"the new run still shows {', '.join(left)}")
    if new:
        return Check(state=CheckState.NO, why=f"the new run shows {', '.join(new)} instead")
    if behind:
        why = f"the new run no longer shows {diagnoses[0].confusion}, but what the old one stopped before"
        return Check(state=CheckState.YES, why=f"{why}: {', '.join(sorted(behind))}")
    if len(diagnoses) > 1:
        names = ", ".join(diagnosis.confusion for diagnosis in diagnoses)
        return Check(state=CheckState.YES, why=f"the new run shows none of {names}, and no other mistake")
    return Check(state=CheckState.YES, why="no entry matches the new run that did not match the old one")
