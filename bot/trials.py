"""Runs programs and tries repairs: what both the bot and a moderator's own code are proved with."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bot import verify
from bot.diagnose.match import Matcher
from bot.domain.confusion import Confusion, ConfusionKind
from bot.domain.diagnosis import Diagnosis, Proof, Repair
from bot.domain.post import Language
from bot.domain.run import Limits, NumericRun, Outcome, Run
from bot.domain.snippet import Reading, Snippet
from bot.domain.tape import Tape
from bot.repair.propose import repairs, together
from bot.sandbox import NumericOrder, Order, Sandbox, doubt
from bot.settings import SandboxSettings

#: How many passes of its `for … in range(n)` and `while` loops a program runs when it would not end, or not stop printing.
PASSES = 3
#: How many further confusions are mended together with the first one.
MOST_FURTHER = 2


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
    further: tuple[Diagnosis, ...] = ()  #: confusions that stood behind the first one, and are mended with it
    left: tuple[Diagnosis, ...] = ()  #: other confusions that the repaired program still shows


@dataclass(frozen=True)
class Trials:
    """Runs programs in the sandbox, and tries repairs of them."""

    sandbox: Sandbox
    matcher: Matcher
    limits: Limits

    def run(self, code: str) -> Run:
        """One program in the sandbox, within the limits; a loop too long for them is shortened.

        Where the tape may have changed how the program ends, and did, it is reported without its tape.
        """
        run = self.sandbox.run(Order(code=code, limits=self.limits))
        if run.outcome is Outcome.TIMED_OUT or run.output_cut:
            # A long training loop shows in its first passes what it would show in its last.
            short = self.sandbox.run(Order(code=code, limits=self.limits, loop_passes=PASSES))
            return short if short.ran and not _cut_too_short(short) else run
        if not doubt.meets_tape(code) and not self._fails_unknown(code, run):
            return run
        plain = self.sandbox.run(Order(code=code, tape=False, limits=self.limits))
        return run if doubt.ended_alike(run, plain) else replace(plain, tape=Tape(trusted=False))

    def _fails_unknown(self, code: str, run: Run) -> bool:
        """Whether a program that parses ends with an error that no entry knows."""
        if run.outcome is not Outcome.RAISED or run.error is None or run.error.type == "SyntaxError":
            return False
        return not self.matcher.mistakes(code, run, Reading(language=Language.ENGLISH))

    def mend(self, entry: Confusion, shown: Shown, reading: Reading, *, fix: str | None = None) -> Mended | None:
        """The first repair that is proved, else the first that was tried, else None; with `fix`, that one alone.

        Where the program stopped before another mistake of its own, that one is mended as well; where it cannot be, the
        repair of the first one is proved all the same, and the other is among what is `left`.
        """
        assert shown.diagnosis is not None
        tried: Mended | None = None
        for repair in repairs(entry, shown.diagnosis, shown.snippet.code):
            if fix not in (None, repair.fix):
                continue
            mended = self.tried(shown, repair, reading)
            mended = mended if mended.proof.holds else self._with_what_stood_behind(shown, mended, reading)
            if mended.proof.holds:
                return replace(mended, left=mended.left or self._left(shown, mended, reading))
            tried = tried or mended
        return tried

    def tried(
        self,
        shown: Shown,
        repair: Repair,
        reading: Reading,
        *,
        further: tuple[Diagnosis, ...] = (),
        behind: tuple[Diagnosis, ...] = (),
    ) -> Mended:
        """A repair, run, and what that proves. It mends `further` confusions as well, and leaves those that stood `behind`."""
        assert shown.diagnosis is not None
        after = self.run(repair.code)
        mended = (shown.diagnosis, *further)
        proof = verify.proof_of(
            repair,
            original=shown.snippet.code,
            diagnosis=shown.diagnosis,
            mended=further,
            behind=frozenset(diagnosis.confusion for diagnosis in behind),
            before=shown.run,
            after=after,
            shown_before=self.matcher.mistakes(shown.snippet.code, shown.run, reading),
            shown_after=self._still_shown(frozenset(one.confusion for one in mended), repair.code, after, reading),
            numeric=self._compare(repair, shown, after, mended) if after.outcome is Outcome.FINISHED else None,
        )
        return Mended(repair, after, proof, further, behind)

    def _still_shown(self, names: frozenset[str], code: str, run: Run, reading: Reading) -> frozenset[str]:
        """The mistakes of a repaired program. The post's words are about the program as it was: only whether
        its own confusions are gone is asked in their light; a new one must show by itself."""
        in_this_light = self.matcher.mistakes(code, run, reading) & names
        return in_this_light | self.matcher.mistakes(code, run, Reading(language=reading.language))

    # What one confusion hid

    def _with_what_stood_behind(self, shown: Shown, mended: Mended, reading: Reading) -> Mended:
        """The repair that mends the mistake behind the first one too, if there is one and that is proved; else the repair
        of the first one alone, if that is proved but for the other; else what was given.

        An edit that undid the one before it would mend what that one brought about, so it is not tried; and what is not
        mended may concern no line that was edited.
        """
        second = self._behind(shown, mended, reading)
        if second is None or len(mended.further) == MOST_FURTHER:
            return mended
        original, edited = shown.snippet.code, mended.repair.code
        known = verify.in_original(second, original=original, repaired=edited)
        for repair in repairs(self.matcher.entry(second.confusion), second, edited):
            if not verify.keeps_edit(original=original, repaired=edited, again=repair.code):
                continue
            one = together(original, mended.repair, repair)
            both = self.tried(shown, one, reading, further=(*mended.further, known))
            both = both if both.proof.holds else self._with_what_stood_behind(shown, both, reading)
            if both.proof.holds:
                return both
        if not verify.concerns_untouched(second, original=original, repaired=edited):
            return mended
        alone = self.tried(shown, mended.repair, reading, further=mended.further, behind=(known,))
        return alone if alone.proof.holds else mended

    def _behind(self, shown: Shown, mended: Mended, reading: Reading) -> Diagnosis | None:
        """The mistake that the old run stopped before and the new one shows, with lines of the repaired program."""
        nothing_said = Reading(language=reading.language)
        second = self.matcher.by_run(mended.repair.code, mended.after, nothing_said, asking=False)
        if second is None or second.confusion in {one.confusion for one in (shown.diagnosis, *mended.further) if one}:
            return None
        entry = self.matcher.entry(second.confusion)
        if entry.kind is not ConfusionKind.MISTAKE or entry.wrong_gradient:
            return None
        stood = verify.stood_behind(
            second,
            original=shown.snippet.code,
            repaired=mended.repair.code,
            before=shown.run,
            after=mended.after,
        )
        return second if stood else None

    def _left(self, shown: Shown, mended: Mended, reading: Reading) -> tuple[Diagnosis, ...]:
        """Other mistakes that the program showed before and that no edit concerned: the most telling one."""
        nothing_said = Reading(language=reading.language)
        other = self.matcher.by_run(mended.repair.code, mended.after, nothing_said, asking=False)
        if other is None or self.matcher.entry(other.confusion).kind is not ConfusionKind.MISTAKE:
            return ()
        if self.matcher.entry(other.confusion).wrong_gradient:
            return ()
        return (verify.in_original(other, original=shown.snippet.code, repaired=mended.repair.code),)

    def gradient_is_wrong(self, shown: Shown) -> bool:
        """The negative control: whether the program as posted fails the check that its repair must pass."""
        return verify.gives_wrong_gradient(self._numeric(shown.snippet.code, NumericOrder())) is True

    def _compare(self, repair: Repair, shown: Shown, after: Run, mended: tuple[Diagnosis, ...]) -> NumericRun:
        """The repaired program's gradients beside numeric derivatives; what is `mended` may blame a cut, which is then not
        held constant."""
        blamed = frozenset(one.cause_line for one in mended if one.cause_line is not None)
        held = verify.held_lines(shown.snippet.code, repair.code, after, blamed=blamed, cuts=repair.cuts)
        return self._numeric(repair.code, NumericOrder(held_lines=held))

    def _numeric(self, code: str, how: NumericOrder) -> NumericRun:
        run = self.sandbox.run(Order(code=code, tape=False, numeric=how, limits=self.limits))
        return run.numeric or NumericRun(problem=run.reason or "the comparison did not end")


def _cut_too_short(run: Run) -> bool:
    """Whether a run stops for want of what the passes that were left out would have made."""
    return run.error is not None and run.error.type in ("NameError", "UnboundLocalError", "StopIteration", "IndexError")


def limits_of(settings: SandboxSettings) -> Limits:
    """The limits of every run, as the settings have them."""
    return Limits(
        seconds=settings.seconds,
        cpu_seconds=settings.cpu_seconds,
        memory_mib=settings.memory_mib,
        output_bytes=settings.output_kib * 1024,
    )
