"""From a question to an answer: the stages in their order. This file is the program's table of contents."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

from bot import context
from bot.context import Contexts
from bot.diagnose import facts, signals, wellformed
from bot.diagnose.match import Matcher
from bot.diagnose.reported import same_error
from bot.domain.answer import Answer, Verdict
from bot.domain.confusion import Confusion, ConfusionKind, Ruling
from bot.domain.diagnosis import Check, CheckState, Diagnosis
from bot.domain.post import Question
from bot.domain.run import Outcome, Run
from bot.domain.snippet import Reading, Snippet
from bot.draft import render
from bot.examples import example_of
from bot.extract import triage
from bot.library import Library, read_library, shipped_contexts
from bot.repair import propose
from bot.repair.propose import written_by_hand
from bot.reproduction import Reproduction, read_question
from bot.sandbox import Sandbox
from bot.settings import Settings
from bot.trials import Mended, Shown, Trials, limits_of


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
            return self._skip(question, reading, silent, ran)
        shown = self.reproduction.of(question, reading)
        if shown is None:
            return self._from_text(question, reading)
        if shown.diagnosis is None:
            return self._nothing_seen(question, reading, shown)
        if shown.diagnosis.confidence < self.settings.answer.least_confidence:
            return self._skip(question, reading, "not sure enough", shown)
        entry = self.library.get(shown.diagnosis.confusion)
        if entry.kind is ConfusionKind.MISTAKE and triage.only_tells(question, reading):
            return self._skip(question, reading, "nothing is asked", shown)
        mended = self.trials.mend(entry, shown, reading)
        return self._draft(question, reading, entry, shown, mended)

    # The stages

    @cached_property
    def reproduction(self) -> Reproduction:
        """What runs a question's program."""
        return Reproduction(self.trials, self.library, self.contexts)

    def _draft(
        self, question: Question, reading: Reading, entry: Confusion, shown: Shown, mended: Mended | None
    ) -> Answer:
        assert shown.diagnosis is not None
        told = facts.facts_of(entry, shown.diagnosis, shown.run, shown.snippet.code)
        if not render.tells_the_cause(entry, reading.language, told):
            return self._shown_by_example(question, reading, entry, shown)
        proved = mended is None or mended.proof.holds
        diagnosis = _with_others(shown.diagnosis if proved else shown.diagnosis.weakened(0.85), mended)
        # Without a repair to show, the entry's own example shows how it is done.
        alone = entry.kind is ConfusionKind.MISTAKE and (mended is None or not proved)
        reply = render.reply(
            render.Evidence(
                language=reading.language,
                entry=entry,
                diagnosis=diagnosis,
                facts=told,
                snippet=shown.snippet,
                before=shown.run,
                reported=reading.error,
                repair=mended.repair if mended else None,
                after=mended.after if mended else None,
                proof=mended.proof if mended else None,
                further=self._further(shown, mended) if mended else (),
                example=example_of(entry, reading.error, trials=self.trials, like=diagnosis)[0] if alone else None,
                link=self.settings.answer.documentation_links,
                traditional=reading.traditional,
            )
        )
        return Answer(
            id=question.post.id,
            language=reading.language,
            verdict=Verdict.DRAFT,
            reason=f"the run shows {entry.name}",
            snippet=shown.snippet,
            before=shown.run,
            diagnosis=diagnosis,
            repair=mended.repair if mended else None,
            after=mended.after if mended else None,
            proof=mended.proof if mended else None,
            reply=reply,
        )

    def _shown_by_example(self, question: Question, reading: Reading, entry: Confusion, shown: Shown) -> Answer:
        """A draft about a program of which the run tells too little for the entry's own sentences: they speak of an example."""
        assert shown.diagnosis is not None
        answer = self._explained(question, reading, entry, shown.diagnosis, shown)
        return replace(answer, reason=f"the run shows {entry.name}", diagnosis=shown.diagnosis)

    def _further(self, shown: Shown, mended: Mended) -> tuple[render.Further, ...]:
        """The other confusions of the program, as a reply names them."""
        lines = shown.snippet.code.splitlines()

        def named(one: Diagnosis, *, proved: bool) -> render.Further:
            line = one.error_line or one.cause_line
            code = lines[line - 1].strip() if line is not None and line <= len(lines) else ""
            return render.Further(title=self.library.get(one.confusion).title, code=code, mended=proved)

        proved = [named(one, proved=mended.proof.holds) for one in mended.further]
        return (*proved, *(named(one, proved=False) for one in mended.left))

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
                return self._draft(question, reading, entry, shown, self.trials.mend(entry, shown, reading, fix=fix))
            tried = tried or Shown(snippet, run, None)
        chosen = Diagnosis(confusion=entry.name, evidence=(), confidence=1.0, ran=False)
        return self._explained(question, reading, entry, chosen, tried)

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
            return self._skip(question, reading, "the code runs and nothing is wrong with it", shown)
        answer = self._from_text(question, reading, shown)
        if answer.is_draft:
            return answer
        if shown.run.outcome is Outcome.FINISHED:
            return self._skip(question, reading, "the code runs and nothing is wrong with it", shown)
        if shown.run.outcome is Outcome.RAISED and shown.run.error is not None:
            return self._skip(question, reading, f"another error: {shown.run.error.type}", shown)
        return self._skip(question, reading, f"could not be run: {shown.run.reason}", shown)

    def _from_text(self, question: Question, reading: Reading, tried: Shown | None = None) -> Answer:
        """Answer from the words alone, with the entry's own example, run now; `tried` ran and showed nothing of it."""
        asks = triage.asks(reading) or triage.asks_by_its_title(question, reading)
        if not self.settings.answer.text_only or not asks:
            return self._skip(question, reading, "nothing to run and nothing asked")
        diagnosis = self.matcher.by_text(reading, title=question.title, asks=triage.asks_in)
        if diagnosis is None or diagnosis.confidence < self.settings.answer.least_confidence:
            return self._code_wanted(question, reading) or self._skip(question, reading, "no entry fits the words")
        if _only_told(diagnosis) and not triage.asks_for_itself(question, reading):
            return self._skip(question, reading, "nothing is asked")
        entry = self.library.get(diagnosis.confusion)
        if entry.run_only and not self.settings.answer.rare_messages:
            reason = f"quotes {entry.name}, which is answered where a run shows it"
            return self._code_wanted(question, reading) or self._skip(question, reading, reason)
        return self._explained(question, reading, entry, diagnosis, tried)

    def _code_wanted(self, question: Question, reading: Reading) -> Answer | None:
        """A draft that only asks for the code, where the settings want it and the code is what is missing."""
        if not self.settings.answer.ask_for_code or not triage.lacks_code(reading):
            return None
        reply = render.request(
            reading.language, reported=reading.error, picture=reading.picture_only, traditional=reading.traditional
        )
        return Answer(
            id=question.post.id,
            language=reading.language,
            verdict=Verdict.DRAFT,
            reason="the code is missing",
            reply=reply,
        )

    def _explained(
        self, question: Question, reading: Reading, entry: Confusion, diagnosis: Diagnosis, tried: Shown | None
    ) -> Answer:
        signs = " ".join(found.text for found in diagnosis.evidence if found.word == "code")
        example, told = example_of(entry, reading.error, trials=self.trials, code=signs)
        own = tried if tried is not None and tried.snippet.own else None
        if own is not None:
            diagnosis = replace(diagnosis, same_error=same_error(reading.error, own.run))
        reply = render.reply(
            render.Evidence(
                language=reading.language,
                entry=entry,
                diagnosis=diagnosis,
                facts=told,
                snippet=own.snippet if own else None,
                tried=own.run if own else None,
                reported=reading.error,
                example=example,
                link=self.settings.answer.documentation_links,
                traditional=reading.traditional,
            )
        )
        return Answer(
            id=question.post.id,
            language=reading.language,
            verdict=Verdict.DRAFT,
            reason=f"the words fit {entry.name}; " + ("the run does not show it" if own else "nothing could be run"),
            snippet=tried.snippet if tried else None,
            before=tried.run if tried else None,
            diagnosis=diagnosis,
            reply=reply,
        )

    def _skip(self, question: Question, reading: Reading, reason: str, shown: Shown | None = None) -> Answer:
        return Answer(
            id=question.post.id,
            language=reading.language,
            verdict=Verdict.SKIP,
            reason=reason,
            snippet=shown.snippet if shown else None,
            before=shown.run if shown else None,
            diagnosis=shown.diagnosis if shown else None,
        )


def _with_others(found: Diagnosis, mended: Mended | None) -> Diagnosis:
    """The diagnosis, with the other confusions of the program as the first of what else it may be."""
    others = [one.confusion for one in (*mended.further, *mended.left)] if mended else []
    return replace(found, also=tuple(dict.fromkeys((*others, *found.also))))


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
