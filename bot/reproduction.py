"""A question's program, run: the candidates in their order, until one shows what the post is about."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bot import context
from bot.chinese import in_simplified
from bot.context import Contexts
from bot.diagnose.reported import same_error
from bot.domain.diagnosis import Diagnosis
from bot.domain.post import Post, Question
from bot.domain.run import Outcome, Run
from bot.domain.snippet import Reading, Snippet
from bot.extract import triage
from bot.extract.reading import read
from bot.library import Library
from bot.trials import Shown, Trials

#: How often the sizes of stand-in data are put right by what a run says of them.
MOST_FITTINGS = 2


@dataclass(frozen=True)
class Reproduction:
    """What is needed to see for oneself what an asker saw."""

    trials: Trials
    library: Library
    contexts: Contexts

    def candidates(self, question: Question, reading: Reading) -> tuple[Snippet, ...]:
        """The programs that the post may mean, the likeliest first."""
        return tuple(context.snippets(question, reading, contexts=self.contexts, read=_read_earlier))

    def of(self, question: Question, reading: Reading) -> Shown | None:
        """Run the candidate programs in their order; the first that shows a confusion, else the first that ran.

        Where the post quotes an error, a program that stops with it is preferred, and one that is not the asker's own
        must. A reading of the post that is not the likeliest counts only where it shows what the post quotes.
        """
        first: Shown | None = None
        another: Shown | None = None
        candidates = self.candidates(question, reading)
        may_be_misread = any(snippet.doubtful for snippet in candidates)
        for snippet in candidates:
            shown = self._run(snippet, question, reading)
            told = _shows_quoted(shown.run, reading)
            if snippet.doubtful:
                if told:
                    return shown
                continue
            if snippet.invented and told is not True and _meets_stand_in(shown.run):
                continue
            if shown.diagnosis is not None:
                if told is not False or (reading.error is None and not may_be_misread):
                    return shown
                another = another or (shown if snippet.own and not snippet.invented else None)
            if snippet.invented and shown.run.outcome is not Outcome.UNSUPPORTED:
                continue
            if first is None or (shown.run.ran and not first.run.ran):
                first = replace(shown, diagnosis=None)
        return another or first

    def _run(self, snippet: Snippet, question: Question, reading: Reading) -> Shown:
        """One candidate program, and the confusion that its run shows."""
        run = self.trials.run(snippet.code)
        for _ in range(MOST_FITTINGS):
            better = context.fitted(snippet, run) if _shows_quoted(run, reading) is not True else None
            if better is None:
                break
            snippet, run = better, self.trials.run(better.code)
        found = self.trials.matcher.by_run(
            snippet.code, run, reading, title=question.title, asking=triage.asks(reading), own=snippet.own
        )
        shown = Shown(snippet, run, found)
        return shown if found is None or self._holds(shown, found) else replace(shown, diagnosis=None)

    def _holds(self, shown: Shown, found: Diagnosis) -> bool:
        """Whether a gradient that is said to be wrong is wrong; other confusions hold when the run shows them."""
        return not self.library.get(found.confusion).wrong_gradient or self.trials.gradient_is_wrong(shown)


def _read_earlier(post: Post) -> Reading:
    """What an earlier post says that the question may lean on."""
    return read(post.raw, attachments=post.attachments)


def read_question(question: Question) -> tuple[Question, Reading]:
    """What the post says; an error may stand in the title of the topic that it opened, or in the post of another that
    has "the same error".

    The question comes back with its title in simplified characters, as the words of entries are.
    """
    title = question.title if question.opens_its_topic else ""
    reading = read(question.post.raw, title=title, language=question.language, attachments=question.post.attachments)
    if question.replied_to is not None and triage.has_the_same(reading):
        reading = replace(reading, error=_read_earlier(question.replied_to).error)
    return replace(question, title=in_simplified(question.title)), reading


def _meets_stand_in(run: Run) -> bool:
    """Whether a run stops with an error that parts of ours bring about where the asker's had been other ones."""
    return run.error is not None and run.error.type in (
        "AttributeError",
        "TypeError",
        "AssertionError",
        "IndexError",
        "NameError",
    )


def _shows_quoted(run: Run, reading: Reading) -> bool | None:
    """Whether the run stops with the error that the post quotes, or shows the values; None when it quotes neither."""
    if reading.error is not None:
        return same_error(reading.error, run)
    return context.shows_values(run, reading.outputs)
