"""One answer held against the labels of its post."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from bot.domain.answer import Answer
from bot.domain.diagnosis import CheckState
from bot.domain.run import Outcome, Run
from bot.evaluate.corpus import Families, Labelled

#: A program that stops like this lacked something; unless the post quotes just that, it was not reproduced.
_LACKS = frozenset(
    {"NameError", "ModuleNotFoundError", "ImportError", "SyntaxError", "IndentationError", "FileNotFoundError"}
)


class Mark(Enum):
    """What an answer is worth."""

    RIGHT = "right"  #: the name is one of the labels
    FAMILY = "family"  #: another name of a label's family
    WRONG = "wrong"  #: a name of another family, for a post that wants a reply
    MISSED = "missed"  #: silence, where a reply is wanted
    FALSE_ALARM = "false_alarm"  #: a draft, where none is wanted
    SILENT = "silent"  #: silence, where none is wanted
    NEITHER = "neither"  #: a draft that the annotator finds neither right nor wrong

    @property
    def drafted(self) -> bool:
        """Whether it is the mark of a draft that counts."""
        return self in (Mark.RIGHT, Mark.FAMILY, Mark.WRONG, Mark.FALSE_ALARM)

    @property
    def in_scope(self) -> bool:
        """Whether the post wants a reply (and got none of the kind that does not count)."""
        return self in (Mark.RIGHT, Mark.FAMILY, Mark.WRONG, Mark.MISSED)

    @property
    def good(self) -> bool:
        """Whether the answer is as it should be, the family being enough."""
        return self in (Mark.RIGHT, Mark.FAMILY, Mark.SILENT)


@dataclass(frozen=True, kw_only=True, slots=True)
class Marked:
    """What became of one post."""

    id: str
    title: str
    labels: tuple[str, ...]  #: sorted
    mark: Mark
    drafted: str | None  #: name of the entry
    confidence: float
    reason: str
    ran: bool  #: code of the post was run
    answered_from_run: bool  #: the draft is about what a run showed
    runnable: bool  #: the annotator says that it can be run
    reproduced: bool  #: a program of it ran, and stopped at nothing but what is asked about
    repaired: bool
    proved: bool
    gradient_checked: bool
    seconds: float


def marked(post: Labelled, answer: Answer, families: Families) -> Marked:
    """The answer to a post, marked."""
    drafted = answer.diagnosis.confusion if answer.is_draft and answer.diagnosis is not None else None
    proof = answer.proof
    return Marked(
        id=post.id,
        title=" ".join(post.question.title.split()),
        labels=tuple(sorted(post.labels)),
        mark=mark_of(drafted, post, families),
        drafted=drafted,
        confidence=round(answer.diagnosis.confidence, 4) if drafted and answer.diagnosis else 0.0,
        reason=answer.reason,
        ran=was_run(answer.before),
        answered_from_run=drafted is not None and answer.diagnosis is not None and answer.diagnosis.ran,
        runnable=post.runnable,
        reproduced=_reproduced(answer),
        repaired=answer.is_draft and answer.repair is not None,
        proved=answer.is_draft and proof is not None and proof.holds,
        gradient_checked=answer.is_draft and proof is not None and proof.gradient.state is CheckState.YES,
        seconds=answer.seconds,
    )


def mark_of(drafted: str | None, post: Labelled, families: Families) -> Mark:
    """What a draft of this name, or silence, is worth as an answer to the post."""
    wanted = post.labels - families.silent
    if drafted is None:
        return Mark.MISSED if wanted else Mark.SILENT
    if drafted in wanted:
        return Mark.RIGHT
    if drafted in post.may_also:
        return Mark.NEITHER
    family = families.of(drafted)
    if family in {families.of(name) for name in wanted}:
        return Mark.FAMILY
    if family in {families.of(name) for name in post.may_also - families.silent}:
        return Mark.NEITHER
    return Mark.WRONG if wanted else Mark.FALSE_ALARM


def was_run(run: Run | None) -> bool:
    """Whether code of the post was run, to whatever end."""
    return run is not None and run.outcome in (Outcome.FINISHED, Outcome.RAISED, Outcome.TIMED_OUT)


def _reproduced(answer: Answer) -> bool:
    run = answer.before
    if run is None or not was_run(run):
        return False
    if run.error is None or run.error.type not in _LACKS:
        return True
    reported = answer.reported_error
    return reported is not None and reported.type == run.error.type
