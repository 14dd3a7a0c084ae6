"""What tells a mistake that a program held all along from one that a repair brought about."""

from __future__ import annotations

from bot.domain.diagnosis import Diagnosis
from bot.verify import concerns_untouched, in_original, keeps_edit

ORIGINAL = "w = make()\nloss.backward()\nstep(w)\n"
KEPT = "w = make()\nloss.backward(retain_graph=True)\nstep(w)\n"


def found(*, error: int, cause: int) -> Diagnosis:
    return Diagnosis(confusion="second", evidence=(), confidence=1.0, ran=True, error_line=error, cause_line=cause)


def test_a_mistake_of_an_edited_line_may_be_the_edits_doing() -> None:
    assert not concerns_untouched(found(error=2, cause=3), original=ORIGINAL, repaired=KEPT)
    assert concerns_untouched(found(error=3, cause=1), original=ORIGINAL, repaired=KEPT)


def test_a_line_that_only_moved_is_untouched_and_keeps_its_number() -> None:
    guarded = ORIGINAL.replace("step(w)", "with torch.no_grad():\n    step(w)")

    assert concerns_untouched(found(error=4, cause=2), original=ORIGINAL, repaired=guarded)
    assert in_original(found(error=4, cause=2), original=ORIGINAL, repaired=guarded).error_line == 3


def test_a_second_edit_that_undoes_the_first_keeps_it_not() -> None:
    assert not keeps_edit(original=ORIGINAL, repaired=KEPT, again="w = make()\nloss.sum().backward()\nstep(w)\n")
    assert keeps_edit(original=ORIGINAL, repaired=KEPT, again=KEPT + "w.grad.zero_()\n")
