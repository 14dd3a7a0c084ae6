"""From what was found to the answer that waits for a moderator: the reply, and all that speaks for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from bot.diagnose import facts
from bot.diagnose.reported import same_error
from bot.domain.answer import Answer, Verdict
from bot.domain.confusion import Confusion, ConfusionKind
from bot.domain.diagnosis import Diagnosis
from bot.domain.post import Question
from bot.domain.snippet import Reading
from bot.draft import render
from bot.examples import example_of
from bot.extract import triage
from bot.library import Library
from bot.settings import AnswerSettings
from bot.trials import Mended, Shown, Trials


@dataclass(frozen=True)
class Composer:
    """Composes answers. Runs nothing of an asker's, only an entry's own examples."""

    trials: Trials
    library: Library
    settings: AnswerSettings

    def of_run(
        self, question: Question, reading: Reading, entry: Confusion, shown: Shown, mended: Mended | None
    ) -> Answer:
        """The draft that a run allows: the cause in what it shows, and the repair where one was tried."""
        assert shown.diagnosis is not None
        told = facts.facts_of(entry, shown.diagnosis, shown.run, shown.snippet.code)
        if not render.tells_the_cause(entry, reading.language, told):
            return self._shown_by_example(question, reading, entry, shown)
        proved = mended is None or mended.proof.holds
        diagnosis = _with_others(shown.diagnosis if proved else shown.diagnosis.weakened(0.85), mended)
        # Without a repair to show, the entry's own example shows how it is done.
        alone = entry.kind is ConfusionKind.MISTAKE and (mended is None or not proved)
        evidence = replace(
            self._evidence(reading, entry, diagnosis, told),
            snippet=shown.snippet,
            before=shown.run,
            repair=mended.repair if mended else None,
            after=mended.after if mended else None,
            proof=mended.proof if mended else None,
            further=self._further(shown, mended) if mended else (),
            example=example_of(entry, reading.error, trials=self.trials, like=diagnosis)[0] if alone else None,
        )
        return replace(
            _draft(question, reading, f"the run shows {entry.name}", render.reply(evidence)),
            snippet=shown.snippet,
            before=shown.run,
            diagnosis=diagnosis,
            repair=evidence.repair,
            after=evidence.after,
            proof=evidence.proof,
        )

    def of_words(
        self, question: Question, reading: Reading, entry: Confusion, diagnosis: Diagnosis, tried: Shown | None
    ) -> Answer:
        """The draft where no run of the asker's program shows the confusion: it explains with the entry's own example."""
        signs = " ".join(found.text for found in diagnosis.evidence if found.word == "code")
        example, told = example_of(entry, reading.error, trials=self.trials, code=signs)
        own = tried if tried is not None and tried.snippet.own else None
        if own is not None:
            diagnosis = replace(diagnosis, same_error=same_error(reading.error, own.run))
        evidence = replace(
            self._evidence(reading, entry, diagnosis, told),
            snippet=own.snippet if own else None,
            tried=own.run if own else None,
            example=example,
        )
        reason = f"the words fit {entry.name}; " + ("the run does not show it" if own else "nothing could be run")
        return replace(
            _draft(question, reading, reason, render.reply(evidence)),
            snippet=tried.snippet if tried else None,
            before=tried.run if tried else None,
            diagnosis=diagnosis,
        )

    def request(self, question: Question, reading: Reading) -> Answer | None:
        """A draft that only asks for the code, where the settings want it and the code is what is missing."""
        if not self.settings.ask_for_code or not triage.lacks_code(reading):
            return None
        reply = render.request(
            reading.language, reported=reading.error, picture=reading.picture_only, traditional=reading.traditional
        )
        return _draft(question, reading, "the code is missing", reply)

    # Parts of a draft

    def _evidence(
        self, reading: Reading, entry: Confusion, diagnosis: Diagnosis, told: Mapping[str, str]
    ) -> render.Evidence:
        """What a reply speaks of in any case."""
        return render.Evidence(
            language=reading.language,
            entry=entry,
            diagnosis=diagnosis,
            facts=told,
            reported=reading.error,
            link=self.settings.documentation_links,
            traditional=reading.traditional,
        )

    def _shown_by_example(self, question: Question, reading: Reading, entry: Confusion, shown: Shown) -> Answer:
        """A draft about a program of which the run tells too little for the entry's own sentences: they speak of an example."""
        assert shown.diagnosis is not None
        answer = self.of_words(question, reading, entry, shown.diagnosis, shown)
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


def _draft(question: Question, reading: Reading, reason: str, reply: str) -> Answer:
    """A draft without what speaks for it."""
    return Answer(id=question.post.id, language=reading.language, verdict=Verdict.DRAFT, reason=reason, reply=reply)


def skip(question: Question, reading: Reading, reason: str, shown: Shown | None = None) -> Answer:
    """No draft, with the reason."""
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
