"""`python -m benchmarks`: measure everything, print a table and its Markdown for README.md, write benchmarks/figures.json.

Names on the command line (sandbox, answers, web) choose what is measured; a part alone is only printed.
"""

from __future__ import annotations

import importlib
import json
import os
import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.row import Row, as_markdown

PARTS = ("sandbox", "answers", "web")
FIGURES = Path(__file__).with_name("figures.json")


def main(chosen: list[str]) -> None:
    """Measure the chosen parts, or all."""
    console = Console()
    unknown = [name for name in chosen if name not in PARTS]
    if unknown:
        sys.exit(f"no benchmark is called {unknown[0]}; there are: {', '.join(PARTS)}")
    measured: list[Row] = []
    for part in chosen or PARTS:
        module = importlib.import_module(f"benchmarks.{part}")
        for row in module.rows():
            measured.append(row)
            print(f"{part}: {row.name}: {row.p50} {row.unit}", file=sys.stderr)
    console.print(_table(measured))
    if chosen:
        return
    figures = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "cpus": os.cpu_count(), "kernel": platform.release(), "python": platform.python_version(),
            "torch": version("torch"),
        },
        "rows": [row.record() for row in measured],
    }  # fmt: skip
    print(as_markdown(measured))
    FIGURES.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _table(measured: list[Row]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column, side in (("what", "left"), ("tape", "left"), ("p50", "right"), ("p95", "right"), ("unit", "left"),
                         ("runs", "right"), ("target", "left")):  # fmt: skip
        table.add_column(column, justify=side)  # type: ignore[arg-type]
    for row in measured:
        p95 = "" if row.p95 is None else f"{row.p95:g}"
        table.add_row(row.name, row.tape, f"{row.p50:g}", p95, row.unit, str(row.runs), row.target)
    return table


if __name__ == "__main__":
    main(sys.argv[1:])
