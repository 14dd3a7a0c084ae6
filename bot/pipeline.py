"""From a question to an answer: the stages in their order. This file is the program's table of contents."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

from bot import context
from bot.composing import Composer, skip
from bot.context import Contexts
from bot.diagnose import signals, wellformed
from bot.diagnose.match import Matcher
from bot.diagnose.reported import same_error
from bot.domain.answer import Answer, Verdict
from bot.domain.confusion import Confusion, ConfusionKind, Ruling
from bot.domain.diagnosis import Check, CheckState, Diagnosis
from bot.domain.post import Question
from bot.domain.run import Outcome, Run
from bot.domain.snippet import Reading, Snippet
from bot.extract import triage
from bot.library import Library, read_library, shipped_contexts
from bot.repair import propose
from bot.repair.propose import written_by_hand
from bot.reproduction import Reproduction, read_question
from bot.sandbox import Sandbox
from bot.settings import Settings
from bot.trials import Shown, Trials, limits_of


@dataclass(frozen=True)
class Pipeline:
    """Everything that answering needs. Make one with `pipeline()`."""

    trials: Trials
    library: Library
    contexts: Contexts
    settings: Settings
    clock: Callable[[], float]  #: seconds, to time an answer

    def answer(self, question: Question) -> Answer:
        """A draft with its evidence, or the reason to be silent.

        Raises `SandboxError` when code would have to be run and cannot be.
        """
        started = self.clock()
        question, reading = read_question(question)
        answer = self._answer(question, reading)
        return replace(answer, reported_error=reading.error, seconds=self.clock() - started)

    def _answer(self, question: Question, reading: Reading) -> Answer:
        silent = triage.silent_because(question, reading)
        if silent is not None:
            # A shared solution is run all the same: moderators see that it works.
            ran = self.reproduction.of(question, reading) if silent == "working_solution" else None
            return skip(question, reading, silent, ran)
        shown = self.reproduction.of(question, reading)
        if shown is None:
            return self._from_text(question, reading)
        if shown.diagnosis is None:
            return self._nothing_seen(question, reading, shown)
        if shown.diagnosis.confidence < self.settings.answer.least_confidence:
            return skip(question, reading, "not sure enough", shown)
        entry = self.library.get(shown.diagnosis.confusion)
        if entry.kind is ConfusionKind.MISTAKE and triage.only_tells(question, reading):
            return skip(question, reading, "nothing is asked", shown)
        mended = self.trials.mend(entry, shown, reading)
        return self.composer.of_run(question, reading, entry, shown, mended)

    # The stages

    @cached_property
    def reproduction(self) -> Reproduction:
        """What runs a question's program."""
        return Reproduction(self.trials, self.library, self.contexts)

    @cached_property
    def composer(self) -> Composer:
        """What makes answers of what was found."""
        return Composer(self.trials, self.library, self.settings.answer)

    @property
    def matcher(self) -> Matcher:
        """What tells a confusion from a run, or from words."""
        return self.trials.matcher

    def run(self, code: str) -> Run:
        """One program in the sandbox. See `Trials.run`."""
        return self.trials.run(code)

    # What a moderator asks to be made again

    def answer_as(self, question: Question, *, confusion: str, fix: str | None = None) -> Answer:
        """As `answer`, with the diagnosis, and the fix, that a person chose.

        Where no run shows the confusion, the answer explains it with the entry's own example.
        Raises `NotFound` for an unknown confusion, `SandboxError` when code cannot be run.
        """
        started = self.clock()
        entry = self.library.get(confusion)
        question, reading = read_question(question)
        answer = self._chosen(question, reading, entry, fix)
        reason = f"a moderator chose {entry.name}" + (f", fix {fix}" if fix else "")
        return replace(answer, reason=reason, reported_error=reading.error, seconds=self.clock() - started)

    def _chosen(self, question: Question, reading: Reading, entry: Confusion, fix: str | None) -> Answer:
        tried: Shown | None = None
        for snippet in self.reproduction.candidates(question, reading):
            run = self.trials.run(snippet.code)
            found = self.matcher.alone(entry, snippet.code, run)
            if found is not None:
                shown = Shown(snippet, run, replace(found, same_error=same_error(reading.error, run)))
                return self.composer.of_run(
                    question, reading, entry, shown, self.trials.mend(entry, shown, reading, fix=fix)
                )
            tried = tried or Shown(snippet, run, None)
        chosen = Diagnosis(confusion=entry.name, evidence=(), confidence=1.0, ran=False)
        return self.composer.of_words(question, reading, entry, chosen, tried)

    def prove(self, code: str, *, question: Question, confusion: str, original: str | None) -> Answer:
        """What can be said of code that a person wrote for a reply, run now beside the asker's program.

        `original` is None when the post held nothing to run; then there is less to compare. A person may
        change what any of the entry's fixes may change, and as many lines as they like.
        Raises `NotFound` for an unknown confusion, `SandboxError` when code cannot be run.
        """
        started = self.clock()
        entry = self.library.get(confusion)
        question, reading = read_question(question)
        base = original if original is not None else code
        before = self.trials.run(base)
        found = self.matcher.by_run(base, before, reading, title=question.title)
        if found is None or found.confusion != confusion:
            found = self.matcher.alone(entry, base, before)
        if found is None:
            found = Diagnosis(confusion=confusion, evidence=(), confidence=0.0, ran=True)
        repair = written_by_hand(entry, found, base, code)
        mended = self.trials.tried(Shown(Snippet(code=base), before, found), repair, reading)
        proof = replace(mended.proof, minimal=Check(state=CheckState.NOT_CHECKED, why="a person wrote this code"))
        if original is None:
            alone = Check(state=CheckState.NOT_CHECKED, why="the post holds no program to compare with")
            proof = replace(proof, values_kept=alone)
        return Answer(
            id=question.post.id,
            language=reading.language,
            verdict=Verdict.DRAFT,
            reason="a moderator's code was run",
            snippet=Snippet(code=base) if original is not None else None,
            before=before if original is not None else None,
            reported_error=reading.error,
            diagnosis=found,
            repair=repair,
            after=mended.after,
            proof=proof,
            seconds=self.clock() - started,
        )

    # Where nothing could be run, or nothing was seen

    def _nothing_seen(self, question: Question, reading: Reading, shown: Shown) -> Answer:
        quotes = reading.error is not None and triage.puts_a_question(question, reading)
        if shown.run.outcome is Outcome.FINISHED and reading.blocks and not quotes:
            return skip(question, reading, "the code runs and nothing is wrong with it", shown)
        answer = self._from_text(question, reading, shown)
        if answer.is_draft:
            return answer
        if shown.run.outcome is Outcome.FINISHED:
            return skip(question, reading, "the code runs and nothing is wrong with it", shown)
        if shown.run.outcome is Outcome.RAISED and shown.run.error is not None:
            return skip(question, reading, f"another error: {shown.run.error.type}", shown)
        return skip(question, reading, f"could not be run: {shown.run.reason}", shown)

    def _from_text(self, question: Question, reading: Reading, tried: Shown | None = None) -> Answer:
        """Answer from the words alone, with the entry's own example, run now; `tried` ran and showed nothing of it."""
        asks = triage.asks(reading) or triage.asks_by_its_title(question, reading)
        if not self.settings.answer.text_only or not asks:
            return skip(question, reading, "nothing to run and nothing asked")
        diagnosis = self.matcher.by_text(reading, title=question.title, asks=triage.asks_in)
        if diagnosis is None or diagnosis.confidence < self.settings.answer.least_confidence:
            return self.composer.request(question, reading) or skip(question, reading, "no entry fits the words")
        if _only_told(diagnosis) and not triage.asks_for_itself(question, reading):
            return skip(question, reading, "nothing is asked")
        entry = self.library.get(diagnosis.confusion)
        if entry.run_only and not self.settings.answer.rare_messages:
            reason = f"quotes {entry.name}, which is answered where a run shows it"
            return self.composer.request(question, reading) or skip(question, reading, reason)
        return self.composer.of_words(question, reading, entry, diagnosis, tried)


def _only_told(diagnosis: Diagnosis) -> bool:
    """Whether nothing but the post's own words and code speaks for the diagnosis: no run and no quoted message."""
    return not diagnosis.ran and all(found.word in ("asks", "code") for found in diagnosis.evidence)


def entries(admins: Path | None = None) -> Library:
    """All entries that can be used; an admin's that cannot is left out, and told of in the library's `left_out`.

    Raises `KnowledgeError` when one of the project's own is not well formed.
    """
    return read_library(admins, words=signals.known_words(), check=require_usable)


def require_usable(entry: Confusion) -> None:
    """Raise `KnowledgeError` for words or fixes of an entry that can never work, and say why."""
    wellformed.check(entry)
    propose.check(entry)


def pipeline(
    settings: Settings,
    sandbox: Sandbox,
    *,
    clock: Callable[[], float],
    admins: Path | None = None,
    rulings: Mapping[str, Ruling] = MappingProxyType({}),
) -> Pipeline:
    """The pipeline over the project's entries and those of an admin's that can be used. Raises as `entries`.

    By the `rulings`, no post is answered with an entry that was retired; a moderator can still choose it.
    """

    def ruled(ruling: Ruling) -> tuple[str, ...]:
        return tuple(name for name, one in rulings.items() if one is ruling)

    library = entries(admins).trusting(ruled(Ruling.TRUSTED))
    matcher = Matcher(library.without_retired(ruled(Ruling.RETIRED)))
    trials = Trials(sandbox, matcher, limits_of(settings.sandbox))
    return Pipeline(trials, library, context.read_contexts(shipped_contexts()), settings, clock)
