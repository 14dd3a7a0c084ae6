"""Runs programs and tries repairs: what both the bot and a moderator's own code are proved with."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bot import verify
from bot.diagnose.match import Matcher
from bot.domain.confusion import Confusion
from bot.domain.diagnosis import Diagnosis, Proof, Repair
from bot.domain.post import Language
from bot.domain.run import Limits, NumericRun, Outcome, Run
from bot.domain.snippet import Reading, Snippet
from bot.domain.tape import Tape
from bot.repair.propose import repairs
from bot.sandbox import NumericOrder, Order, Sandbox, doubt
from bot.settings import SandboxSettings

#: How many passes of its `for … in range(n)` loops a program runs when it ran out of time.
PASSES = 3


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
        if run.outcome is Outcome.TIMED_OUT:
            # A long training loop shows in its first passes what it would show in its last.
            short = self.sandbox.run(Order(code=code, limits=self.limits, loop_passes=PASSES))
            return short if short.ran else run
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
        """The first repair that is proved, else the first that was tried, else None; with `fix`, that one alone."""
        assert shown.diagnosis is not None
        tried: Mended | None = None
        for repair in repairs(entry, shown.diagnosis, shown.snippet.code):
            if fix not in (None, repair.fix):
                continue
            mended = self.tried(shown, repair, reading)
            if mended.proof.holds:
                return mended
            tried = tried or mended
        return tried

    def tried(self, shown: Shown, repair: Repair, reading: Reading) -> Mended:
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

    def gradient_is_wrong(self, shown: Shown) -> bool:
        """The negative control: whether the program as posted fails the check that its repair must pass."""
        return verify.gives_wrong_gradient(self._numeric(shown.snippet.code, NumericOrder())) is True

    def _compare(self, repair: Repair, shown: Shown, after: Run) -> NumericRun:
        """The repaired program's gradients beside numeric derivatives."""
        assert shown.diagnosis is not None
        blamed = shown.diagnosis.cause_line
        held = verify.held_lines(shown.snippet.code, repair.code, after, blamed=blamed, cuts=repair.cuts)
        return self._numeric(repair.code, NumericOrder(held_lines=held))

    def _numeric(self, code: str, how: NumericOrder) -> NumericRun:
        run = self.sandbox.run(Order(code=code, tape=False, numeric=how, limits=self.limits))
        return run.numeric or NumericRun(problem=run.reason or "the comparison did not end")


def limits_of(settings: SandboxSettings) -> Limits:
    """The limits of every run, as the settings have them."""
    return Limits(
        seconds=settings.seconds,
        cpu_seconds=settings.cpu_seconds,
        memory_mib=settings.memory_mib,
        output_bytes=settings.output_kib * 1024,
    )
