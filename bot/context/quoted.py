"""Whether a run shows the values that a post quotes."""

from __future__ import annotations

from collections.abc import Sequence

from bot.context.scenes import same_numbers
from bot.domain.run import Run
from bot.domain.snippet import QuotedOutput


def shows_values(run: Run, outputs: Sequence[QuotedOutput]) -> bool | None:
    """Whether the run shows each of the numbers that the post quotes; None when it quotes none."""
    told = [output.text for output in outputs if same_numbers(output.text, output.text)]
    shown = [echo.text for echo in (*run.echoes, *run.prints)]
    return all(any(same_numbers(text, value) for text in shown) for value in told) if told else None
