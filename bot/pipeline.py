"""From a question to an answer: the stages in their order. This file is the program's table of contents."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from bot import context
from bot.chinese import in_simplified
from bot.context import Contexts
from bot.diagnose import facts, signals, wellformed
from bot.diagnose.match import Matcher, same_error
from bot.domain.answer import Answer, Verdict
from bot.domain.confusion import Case, Confusion, ConfusionKind, Ruling
from bot.domain.diagnosis import Check, CheckState, Diagnosis
from bot.domain.post import Post, Question
from bot.domain.run import Outcome, Run
from bot.domain.snippet import QuotedError, Reading, Snippet
from bot.draft import render
from bot.extract import triage
from bot.extract.reading import read
from bot.library import Library, read_library, shipped_contexts
from bot.repair import propose
from bot.repair.propose import written_by_hand
from bot.sandbox import Sandbox
from bot.settings import Settings
from bot.trials import Mended, Shown, Trials, limits_of

#: Examples of one entry that are tried for a post that holds nothing to run.
MOST_EXAMPLES = 6


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
        question, reading = _read(question)
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
        if entry.kind is ConfusionKind.MISTAKE and triage.only_tells(question, reading):
            return self._skip(question, reading, "nothing is asked", shown)
        mended = self.trials.mend(entry, shown, reading)
        return self._draft(question, reading, entry, shown, mended)

    # The stages

    def _reproduce(self, question: Question, reading: Reading) -> Shown | None:
        """Run the candidate programs in their order; the first that shows a confusion, else the first that ran.

        Where the post quotes an error, a program that stops with it is preferred, and one that is not the asker's own
        must. A reading of the post that is not the likeliest counts only where it shows what the post quotes.
        """
        first: Shown | None = None
        another: Shown | None = None
        candidates = context.snippets(question, reading, contexts=self.contexts, read=_read_earlier)
        may_be_misread = any(snippet.doubtful for snippet in candidates)
        for snippet in candidates:
            shown = self._run(snippet, question, reading)
            told = _shows_quoted(shown.run, reading)
            if snippet.doubtful:
                if told:
                    return shown
                continue
            if shown.diagnosis is not None:
                if told is not False or (reading.error is None and not may_be_misread):
                    return shown
                another = another or (shown if snippet.own and not snippet.invented else None)
            if snippet.invented:
                continue
            if first is None or (shown.run.ran and not first.run.ran):
                first = replace(shown, diagnosis=None)
        return another or first

    def _run(self, snippet: Snippet, question: Question, reading: Reading) -> Shown:
        """One candidate program, and the confusion that its run shows."""
        run = self.trials.run(snippet.code)
        found = self.matcher.by_run(
            snippet.code, run, reading, title=question.title, asking=triage.asks(reading), own=snippet.own
        )
        shown = Shown(snippet, run, found)
        return shown if found is None or self._holds(shown, found) else replace(shown, diagnosis=None)

    def _holds(self, shown: Shown, found: Diagnosis) -> bool:
        """Whether a gradient that is said to be wrong is wrong; other confusions hold when the run shows them."""
        return not self.library.get(found.confusion).wrong_gradient or self.trials.gradient_is_wrong(shown)

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
                example=self._example(entry, reading.error, like=diagnosis)[0] if alone else None,
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
        question, reading = _read(question)
        answer = self._chosen(question, reading, entry, fix)
        reason = f"a moderator chose {entry.name}" + (f", fix {fix}" if fix else "")
        return replace(answer, reason=reason, reported_error=reading.error, seconds=self.clock() - started)

    def _chosen(self, question: Question, reading: Reading, entry: Confusion, fix: str | None) -> Answer:
        tried: Shown | None = None
        for snippet in context.snippets(question, reading, contexts=self.contexts, read=_read_earlier):
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
        question, reading = _read(question)
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
        example, told = self._example(entry, reading.error)
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

    def _example(
        self, entry: Confusion, reported: QuotedError | None, *, like: Diagnosis | None = None
    ) -> tuple[render.Example | None, dict[str, str]]:
        """One of the entry's examples, run, and the facts that its failing form shows: the shortest that stops with the
        error which the post quotes, else one of the same operation as what it is to be `like`, else the shortest that
        shows every fact."""
        best: tuple[tuple[bool, bool, bool], Case, Run, dict[str, str]] | None = None
        operation = like.names.get("MAKER") if like is not None else None
        for case in _examples(entry)[:MOST_EXAMPLES]:
            run = self.run(case.text())
            found = self.matcher.alone(entry, case.text(), run)
            told = facts.facts_of(entry, found, run, case.text()) if found is not None else {}
            alike = operation is None or (found is not None and found.names.get("MAKER") == operation)
            fits = (same_error(reported, run) is True, alike, len(told) == len(entry.facts) > 0)
            if best is None or fits > best[0]:
                best = fits, case, run, told
            if fits == (reported is not None, True, True):
                break
        if best is None:
            return None, {}
        _, case, run, told = best
        fixed = entry.case(case.name, "fixed")
        if fixed is None:
            return render.Example(code=case.text(), run=run), told
        right = fixed.text()
        return render.Example(code=right, run=self.run(right), wrong=case.text(), wrong_run=run), told

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


def _examples(entry: Confusion) -> list[Case]:
    """The programs of an entry that show its confusion: those with a fixed form first, and the short ones."""
    cases = [case for case in entry.cases if case.role in ("failing", "shown")]
    return sorted(cases, key=lambda case: (entry.case(case.name, "fixed") is None, len(case.text()), case.name))


def _shows_quoted(run: Run, reading: Reading) -> bool | None:
    """Whether the run stops with the error that the post quotes, or shows the values; None when it quotes neither."""
    if reading.error is not None:
        return same_error(reading.error, run)
    return context.shows_values(run, reading.outputs)


def _only_told(diagnosis: Diagnosis) -> bool:
    """Whether nothing but the post's own words speaks for the diagnosis: no run and no quoted message."""
    return not diagnosis.ran and all(found.word == "asks" for found in diagnosis.evidence)


def _read_earlier(post: Post) -> Reading:
    """What an earlier post says that the question may lean on."""
    return read(post.raw, attachments=post.attachments)


def _read(question: Question) -> tuple[Question, Reading]:
    """What the post says; an error may stand in the title of the topic that it opened, or in the post of another that
    has "the same error".

    The question comes back with its title in simplified characters, as the words of entries are.
    """
    title = question.title if question.opens_its_topic else ""
    reading = read(question.post.raw, title=title, language=question.language, attachments=question.post.attachments)
    if question.replied_to is not None and triage.has_the_same(reading):
        reading = replace(reading, error=_read_earlier(question.replied_to).error)
    return replace(question, title=in_simplified(question.title)), reading


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
