"""Programs that load their batches in worker processes, run in one process with the same batches."""

from __future__ import annotations

import re
from dataclasses import replace

from bot.context.program import Line, Program

#: What a loader is told of its workers, and what it is told when it has none: it refuses the others then.
_TOLD = {
    re.compile(r"\bnum_workers(\s*)=(\s*)(?![=0])\w[\w.]*(?:\(\))?(?=\s*[,)])"): r"num_workers\1=\g<2>0",
    re.compile(r"\bpersistent_workers(\s*)=(\s*)True\b"): r"persistent_workers\1=\2False",
    re.compile(r"\bprefetch_factor(\s*)=(\s*)\d+"): r"prefetch_factor\1=\2None",
}


def in_one_process(program: Program) -> Program:
    """The program with the workers of its loaders taken away, each line on record."""
    code = program.code
    if "DataLoader" not in code or "num_workers" not in code or "timeout" in code or "multiprocessing_context" in code:
        return program
    return replace(program, lines=tuple(_alone(line) for line in program.lines))


def _alone(line: Line) -> Line:
    text = line.text
    for told, instead in _TOLD.items():
        text = told.sub(instead, text)
    return line.rewritten(text, told=f"loaded without worker processes: {line.text.strip()} became {text.strip()}")
