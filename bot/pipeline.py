"""From a question to an answer: the stages in their order. This file is the program's table of contents."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from bot import context, verify
from bot.context import Contexts
from bot.diagnose import facts, signals, wellformed
from bot.diagnose.match import Matcher, same_error
from bot.domain.answer import Answer, Verdict
from bot.domain.confusion import Confusion, ConfusionKind
from bot.domain.diagnosis import Check, CheckState, Diagnosis, Proof, Repair
from bot.domain.post import Language, Question
from bot.domain.run import Limits, NumericRun, Outcome, Run
from bot.domain.snippet import Reading, Snippet
from bot.domain.tape import Tape
from bot.draft import render
from bot.extract import triage
from bot.extract.reading import read
from bot.library import Library, read_library, shipped_contexts
from bot.repair import propose
from bot.repair.propose import repairs, written_by_hand
from bot.sandbox import NumericOrder, Order, Sandbox, doubt
from bot.settings import Settings

#: How many passes of its `for … in range(n)` loops a program runs when it ran out of time.
PASSES = 3


@dataclass(frozen=True)
class Pipeline:
    """Everything that answering needs. Make one with `pipeline()`."""

    sandbox: Sandbox
    library: Library
    matcher: Matcher
    contexts: Contexts
    settings: Settings
    clock: Callable[[], float]  #: seconds, to time an answer

    def answer(self, question: Question) -> Answer:
        """A draft with its evidence, or the reason to be silent.

        Raises `SandboxError` when code would have to be run and cannot be.
        """
        started = self.clock()
        reading = _read(question)
        answer = self._answer(question, reading)
        return replace(answer, reported_error=reading.error, seconds=self.clock() - started)

    def _answer(self, question: Question, reading: Reading) -> Answer:
        silent = triage.silent_because(question, reading)
        if silent is not None:
            # A shared solution is run all the same: moderators see that it works.
            ran = self._reproduce(question, reading) if silent == "working_solution" else None
            return self._skip(question, reading, silent, ran)
        shown = self._reproduce(question, reading)
        if shown is None:
            return self._from_text(question, reading)
        if shown.diagnosis is None:
            return self._nothing_seen(question, reading, shown)
        if shown.diagnosis.confidence < self.settings.answer.least_confidence:
            return self._skip(question, reading, "not sure enough", shown)
        entry = self.library.get(shown.diagnosis.confusion)
        if entry.wrong_gradient and not self._gradient_is_wrong(shown):
            return self._nothing_seen(question, reading, shown)
        mended = self._mend(entry, shown, reading)
        return self._draft(question, reading, entry, shown, mended)

    # The stages

    def _reproduce(self, question: Question, reading: Reading) -> Shown | None:
        """Run the candidate programs in their order; the first that shows a confusion, else the first that ran."""
        first: Shown | None = None
        for snippet in context.snippets(question, reading, contexts=self.contexts, read=read):
            run = self.run(snippet.code)
            found = self.matcher.by_run(
                snippet.code, run, reading, title=question.title, asking=triage.asks(reading), own=snippet.own
            )
            shown = Shown(snippet, run, found)
            if found is not None:
                return shown
            if first is None or (run.ran and not first.run.ran):
                first = shown
        return first

    def _mend(self, entry: Confusion, shown: Shown, reading: Reading, *, fix: str | None = None) -> Mended | None:
        """The first repair that is proved, else the first that was tried, else None; with `fix`, that one alone."""
        assert shown.diagnosis is not None
        tried: Mended | None = None
        for repair in repairs(entry, shown.diagnosis, shown.snippet.code):
            if fix not in (None, repair.fix):
                continue
            mended = self._tried(shown, repair, reading)
            if mended.proof.holds:
                return mended
            tried = tried or mended
        return tried

    def _tried(self, shown: Shown, repair: Repair, reading: Reading) -> Mended:
        """A repair, run, and what that proves."""
        assert shown.diagnosis is not None
        after = self.run(repair.code)
        proof = verify.proof_of(
            repair,
            original=shown.snippet.code,
            diagnosis=shown.diagnosis,
            before=shown.run,
            after=after,
            shown_before=self.matcher.mistakes(shown.snippet.code, shown.run, reading),
            shown_after=self._still_shown(shown.diagnosis.confusion, repair.code, after, reading),
            numeric=self._compare(repair, shown, after) if after.outcome is Outcome.FINISHED else None,
        )
        return Mended(repair, after, proof)

    def _still_shown(self, name: str, code: str, run: Run, reading: Reading) -> frozenset[str]:
        """The mistakes of a repaired program. The post's words are about the program as it was: only whether
        its own confusion is gone is asked in their light; a new one must show by itself."""
        in_this_light = self.matcher.mistakes(code, run, reading) & {name}
        return in_this_light | self.matcher.mistakes(code, run, Reading(language=reading.language))

    def _gradient_is_wrong(self, shown: Shown) -> bool:
        """The negative control: whether the program as posted fails the check that its repair must pass."""
        return verify.gives_wrong_gradient(self._numeric(shown.snippet.code, NumericOrder())) is True

    def _compare(self, repair: Repair, shown: Shown, after: Run) -> NumericRun:
        """The repaired program's gradients beside numeric derivatives."""
        assert shown.diagnosis is not None
        blamed = shown.diagnosis.cause_line
        held = verify.held_lines(shown.snippet.code, repair.code, after, blamed=blamed, cuts=repair.cuts)
        return self._numeric(repair.code, NumericOrder(held_lines=held))

    def _numeric(self, code: str, how: NumericOrder) -> NumericRun:
        run = self.sandbox.run(Order(code=code, tape=False, numeric=how, limits=self._limits()))
        return run.numeric or NumericRun(problem=run.reason or "the comparison did not end")

    def _draft(
        self, question: Question, reading: Reading, entry: Confusion, shown: Shown, mended: Mended | None
    ) -> Answer:
        assert shown.diagnosis is not None
        proved = mended is None or mended.proof.holds
        diagnosis = shown.diagnosis if proved else shown.diagnosis.weakened(0.85)
        # Without a repair to show, the entry's own example shows how it is done.
        alone = entry.kind is ConfusionKind.MISTAKE and (mended is None or not proved)
        reply = render.reply(
            render.Evidence(
                language=reading.language,
                entry=entry,
                diagnosis=diagnosis,
                facts=facts.facts_of(entry, diagnosis, shown.run),
                snippet=shown.snippet,
                before=shown.run,
                reported=reading.error,
                repair=mended.repair if mended else None,
                after=mended.after if mended else None,
                proof=mended.proof if mended else None,
                example=self._example(entry)[0] if alone else None,
                link=self.settings.answer.documentation_links,
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

    # What a moderator asks to be made again

    def answer_as(self, question: Question, *, confusion: str, fix: str | None = None) -> Answer:
        """As `answer`, with the diagnosis, and the fix, that a person chose.

        Where no run shows the confusion, the answer explains it with the entry's own example.
        Raises `NotFound` for an unknown confusion, `SandboxError` when code cannot be run.
        """
        started = self.clock()
        entry = self.library.get(confusion)
        reading = _read(question)
        answer = self._chosen(question, reading, entry, fix)
        reason = f"a moderator chose {entry.name}" + (f", fix {fix}" if fix else "")
        return replace(answer, reason=reason, reported_error=reading.error, seconds=self.clock() - started)

    def _chosen(self, question: Question, reading: Reading, entry: Confusion, fix: str | None) -> Answer:
        for snippet in context.snippets(question, reading, contexts=self.contexts, read=read):
            run = self.run(snippet.code)
            found = self.matcher.alone(entry, snippet.code, run)
            if found is not None:
                shown = Shown(snippet, run, replace(found, same_error=same_error(reading.error, run)))
                return self._draft(question, reading, entry, shown, self._mend(entry, shown, reading, fix=fix))
        return self._explained(
            question, reading, entry, Diagnosis(confusion=entry.name, evidence=(), confidence=1.0, ran=False)
        )

    def prove(self, code: str, *, question: Question, confusion: str, original: str | None) -> Answer:
        """What can be said of code that a person wrote for a reply, run now beside the asker's program.

        `original` is None when the post held nothing to run; then there is less to compare. A person may
        change what any of the entry's fixes may change, and as many lines as they like.
        Raises `NotFound` for an unknown confusion, `SandboxError` when code cannot be run.
        """
        started = self.clock()
        entry = self.library.get(confusion)
        reading = _read(question)
        base = original if original is not None else code
        before = self.run(base)
        found = self.matcher.by_run(base, before, reading, title=question.title)
        if found is None or found.confusion != confusion:
            found = self.matcher.alone(entry, base, before)
        if found is None:
            found = Diagnosis(confusion=confusion, evidence=(), confidence=0.0, ran=True)
        repair = written_by_hand(entry, found, base, code)
        mended = self._tried(Shown(Snippet(code=base), before, found), repair, reading)
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
        if shown.run.outcome is Outcome.FINISHED and reading.blocks:
            return self._skip(question, reading, "the code runs and nothing is wrong with it", shown)
        answer = self._from_text(question, reading)
        if answer.is_draft:
            return replace(answer, snippet=shown.snippet, before=shown.run)
        if shown.run.outcome is Outcome.FINISHED:
            return self._skip(question, reading, "the code runs and nothing is wrong with it", shown)
        if shown.run.error is not None:
            return self._skip(question, reading, f"another error: {shown.run.error.type}", shown)
        return self._skip(question, reading, f"could not be run: {shown.run.reason}", shown)

    def _from_text(self, question: Question, reading: Reading) -> Answer:
        """Answer from the words alone, with the entry's own example, run now."""
        if not self.settings.answer.text_only or not (triage.asks(reading) or reading.error is not None):
            return self._skip(question, reading, "nothing to run and nothing asked")
        diagnosis = self.matcher.by_text(reading, title=question.title, asks=triage.asks_in)
        if diagnosis is None or diagnosis.confidence < self.settings.answer.least_confidence:
            return self._code_wanted(question, reading) or self._skip(question, reading, "no entry fits the words")
        return self._explained(question, reading, self.library.get(diagnosis.confusion), diagnosis)

    def _code_wanted(self, question: Question, reading: Reading) -> Answer | None:
        """A draft that only asks for the code, where the settings want it and the code is what is missing."""
        if not self.settings.answer.ask_for_code or not triage.lacks_code(reading):
            return None
        reply = render.request(reading.language, reported=reading.error, picture=reading.picture_only)
        return Answer(
            id=question.post.id,
            language=reading.language,
            verdict=Verdict.DRAFT,
            reason="the code is missing",
            reply=reply,
        )

    def _explained(self, question: Question, reading: Reading, entry: Confusion, diagnosis: Diagnosis) -> Answer:
        example, told = self._example(entry)
        reply = render.reply(
            render.Evidence(
                language=reading.language,
                entry=entry,
                diagnosis=diagnosis,
                facts=told,
                reported=reading.error,
                example=example,
                link=self.settings.answer.documentation_links,
            )
        )
        return Answer(
            id=question.post.id,
            language=reading.language,
            verdict=Verdict.DRAFT,
            reason=f"the words fit {entry.name}; nothing could be run",
            diagnosis=diagnosis,
            reply=reply,
        )

    def _example(self, entry: Confusion) -> tuple[render.Example | None, dict[str, str]]:
        """The entry's first example, one with its fixed form if there is one, run, and the facts that its failing form shows."""
        cases = [case for case in entry.cases if case.role in ("failing", "shown")]
        cases.sort(key=lambda case: entry.case(case.name, "fixed") is None)
        case = next(iter(cases), None)
        if case is None:
            return None, {}
        failing = case.text()
        run = self.run(failing)
        found = self.matcher.alone(entry, failing, run)
        told = facts.facts_of(entry, found, run) if found is not None else {}
        fixed = entry.case(case.name, "fixed")
        code = fixed.text() if fixed is not None else failing
        return render.Example(code=code, run=self.run(code) if fixed is not None else run), told

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

    def run(self, code: str) -> Run:
        """One program in the sandbox, within the limits of the settings; a loop too long for them is shortened.

        Where the tape may have changed how the program ends, and did, it is reported without its tape.
        """
        run = self.sandbox.run(Order(code=code, limits=self._limits()))
        if run.outcome is Outcome.TIMED_OUT:
            # A long training loop shows in its first passes what it would show in its last.
            short = self.sandbox.run(Order(code=code, limits=self._limits(), loop_passes=PASSES))
            return short if short.ran else run
        if not doubt.meets_tape(code) and not self._fails_unknown(code, run):
            return run
        plain = self.sandbox.run(Order(code=code, tape=False, limits=self._limits()))
        return run if doubt.ended_alike(run, plain) else replace(plain, tape=Tape(trusted=False))

    def _fails_unknown(self, code: str, run: Run) -> bool:
        """Whether a program that parses ends with an error that no entry knows."""
        if run.outcome is not Outcome.RAISED or run.error is None or run.error.type == "SyntaxError":
            return False
        return not self.matcher.mistakes(code, run, Reading(language=Language.ENGLISH))

    def _limits(self) -> Limits:
        chosen = self.settings.sandbox
        return Limits(
            seconds=chosen.seconds,
            cpu_seconds=chosen.cpu_seconds,
            memory_mib=chosen.memory_mib,
            output_bytes=chosen.output_kib * 1024,
        )


def _read(question: Question) -> Reading:
    """What the post says; an error may stand in the title of the topic that it opened."""
    title = question.title if question.post.number == 1 and not question.earlier else ""
    return read(question.post.raw, title=title, language=question.language)


@dataclass(frozen=True)
class Shown:
    """A program, what its run did, and what that shows."""

    snippet: Snippet
    run: Run
    diagnosis: Diagnosis | None


@dataclass(frozen=True)
class Mended:
    """A repair, what its run did, and what that proves."""

    repair: Repair
    after: Run
    proof: Proof


def pipeline(
    settings: Settings, sandbox: Sandbox, *, clock: Callable[[], float], admins: Path | None = None
) -> Pipeline:
    """The pipeline over the project's entries and an admin's. Raises `KnowledgeError` when one is not well formed."""
    library = read_library(admins, words=signals.known_words())
    for entry in library:
        wellformed.check(entry)
        propose.check(entry)
    return Pipeline(sandbox, library, Matcher(library), context.read_contexts(shipped_contexts()), settings, clock)
