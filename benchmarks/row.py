"""One measured figure, and how it is taken."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Row:
    """A row of the table. Times are milliseconds; `tape` is "on", "off" or "–" where nothing is taped."""

    name: str
    tape: str
    p50: float
    p95: float | None = None
    unit: str = "ms"
    runs: int = 1
    target: str = ""

    def record(self) -> dict[str, Any]:
        """The row for the JSON file."""
        return asdict(self)


def timed(name: str, work: Callable[[], object], *, runs: int, tape: str = "–", warm: int = 2, target: str = "") -> Row:
    """Run `work` some times unmeasured, then `runs` times measured."""
    for _ in range(warm):
        work()
    taken = []
    for _ in range(runs):
        started = time.perf_counter()
        work()
        taken.append((time.perf_counter() - started) * 1000)
    return from_times(name, taken, tape=tape, target=target)


def from_times(name: str, milliseconds: list[float], *, tape: str = "–", target: str = "") -> Row:
    """The median and the 95th percentile of measured times."""
    return from_values(name, milliseconds, tape=tape, target=target)


def from_values(name: str, values: list[float], *, tape: str = "–", unit: str = "ms", target: str = "") -> Row:
    """The median and the 95th percentile of what was measured."""
    ordered = sorted(values)
    p95 = ordered[min(len(ordered) - 1, round(0.95 * (len(ordered) - 1)))]
    return Row(
        name=name,
        tape=tape,
        unit=unit,
        p50=round(statistics.median(ordered), 2),
        p95=round(p95, 2),
        runs=len(ordered),
        target=target,
    )


def as_markdown(measured: list[Row]) -> str:
    """The rows as README.md shows them: median, 95th percentile, and of how many runs."""
    lines = ["| what | tape | median | p95 | runs |", "| --- | --- | ---: | ---: | ---: |"]
    for row in measured:
        p95 = "" if row.p95 is None else f"{row.p95:,g} {row.unit}"
        lines.append(f"| {row.name} | {row.tape} | {row.p50:,g} {row.unit} | {p95} | {row.runs} |")
    return "\n".join(lines)
