"""How runs, answers and drafts look on a terminal, and plainly when piped."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot.cli.terminal import plain
from bot.domain.answer import Answer
from bot.domain.diagnosis import Check, CheckState, Proof
from bot.domain.run import Outcome, Run
from bot.domain.tape import TensorState, short_name

_MARKS = {
    CheckState.YES: ("yes", "green"),
    CheckState.NO: ("no", "red"),
    CheckState.NOT_CHECKED: ("not checked", "yellow"),
}
_PARTS = (
    ("error gone", "error_gone"),
    ("confusion gone", "confusion_gone"),
    ("values kept", "values_kept"),
    ("gradient right", "gradient"),
    ("minimal", "minimal"),
)


def heading(console: Console, text: str) -> None:
    """A line that separates parts."""
    console.print(plain(text, style="bold cyan"))


def show_run(console: Console, code: str, run: Run) -> None:
    """The program with what happened at each line, and how it ended."""
    notes: dict[int, list[Text]] = defaultdict(list)
    for echo in (*run.prints, *run.echoes):
        for row in echo.text.rstrip("\n").splitlines():
            notes[echo.line].append(plain(f"       │ {row}", style="green"))
    for warning in run.warnings:
        notes[warning.line or 0].append(
            plain(f"       ! {warning.category}: {_short(warning.message)}", style="yellow")
        )
    if run.error is not None:
        notes[run.error.line or 0].append(
            plain(f"       × {run.error.type}: {_short(run.error.message)}", style="bold red")
        )
    for number, line in enumerate(code.rstrip("\n").splitlines(), start=1):
        console.print(plain(f"  {number:>3}  {line}"))
        for note in notes.get(number, ()):
            console.print(note)
    for note in notes.get(0, ()):
        console.print(note)
    release = f", torch {run.torch_version}" if run.torch_version else ""
    console.print(plain(f"  {said(run)} in {run.facts.seconds * 1000:.0f} ms{release}", style=_style(run)))
    if run.tape is not None and not run.tape.trusted:
        console.print(plain("  watched by the tape it ended differently; this is the run without it", style="yellow"))
    if run.stderr:
        console.print(plain(f"  standard error: {_short(run.stderr)}", style="dim"))


def said(run: Run) -> str:
    """How a run ended, in words."""
    reason = f": {run.reason}" if run.reason else ""
    far = f" ({run.passes})" if run.passes else ""
    return f"{run.outcome.value.replace('_', ' ')}{reason}{far}"


def show_tape(console: Console, run: Run) -> None:
    """The torch calls of a run, one a line."""
    if run.tape is None:
        console.print("  no tape")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("#", "line", "operation", "in", "out", "times"):
        table.add_column(column)
    for event in run.tape.events:
        cells = (
            str(event.index),
            str(event.line),
            short_name(event.op) + (f"  × {_short(event.error)}" if event.error else ""),
            ", ".join(_tensor(state) for state in event.inputs),
            ", ".join(_tensor(state) for state in event.outputs),
            str(event.times) if event.times > 1 else "",
        )
        table.add_row(*map(plain, cells))
    console.print(table)


def show_answer(console: Console, answer: Answer) -> None:
    """A draft as a moderator would read it: what ran, why this cause, the proof, the reply."""
    found = answer.diagnosis
    title = f"{answer.verdict.value}: {answer.reason}" if not answer.is_draft or found is None else (
        f"draft: {found.confusion} (confidence {found.confidence:.2f}, {'ran' if found.ran else 'text only'})"
    )  # fmt: skip
    heading(console, title)
    if answer.snippet is not None and answer.before is not None:
        heading(console, "what ran")
        show_run(console, answer.snippet.code, answer.before)
        for assumption in answer.snippet.assumptions:
            console.print(plain(f"  assumed: {assumption.text}", style="dim"))
    if answer.reported_error is not None:
        same = {True: "it occurred", False: "it did NOT occur", None: "not compared"}[
            found.same_error if found else None
        ]
        console.print(plain(f"  quoted in the post: {_short(answer.reported_error.message)} ({same})"))
    if found is not None and answer.is_draft:
        heading(console, "why")
        for evidence in found.evidence:
            where = f" (line {evidence.line})" if evidence.line else ""
            console.print(plain(f"  {evidence.word}: {evidence.text}{where}"))
        if found.also:
            console.print(plain(f"  also possible: {', '.join(found.also)}"))
    if answer.repair is not None:
        heading(console, f"repair: {answer.repair.fix}")
        for row in answer.repair.diff.splitlines():
            style = "green" if row.startswith("+") else "red" if row.startswith("-") else "dim"
            console.print(plain(f"  {row}", style=style))
    if answer.proof is not None:
        show_proof(console, answer.proof)
    if answer.reply is not None:
        heading(console, f"reply ({answer.language.value})")
        console.print(plain(answer.reply.rstrip()))


def show_proof(console: Console, proof: Proof) -> None:
    """The five parts of a proof with their reasons and numbers."""
    heading(console, "proof" if proof.holds else "proof (does not hold)")
    for name, attribute in _PARTS:
        check: Check = getattr(proof, attribute)
        word, style = _MARKS[check.state]
        numbers = _numbers(check.numbers)
        console.print(plain(f"  {name:<15}", end="").append(f"{word:<12}", style=style).append(f"{check.why}{numbers}"))
    if not proof.trusted:
        console.print(plain("  not trusted: the program touches the interpreter that reports about it", style="yellow"))


def _numbers(numbers: Any) -> str:
    shown = {key: value for key, value in dict(numbers).items() if value not in (None, [], "")}
    return "  " + ", ".join(f"{key} {value}" for key, value in shown.items()) if shown else ""


def _tensor(state: TensorState) -> str:
    name = state.names[0] if state.names else f"#{state.serial}"
    grad = "leaf" if state.leaf and state.requires_grad else state.grad_fn or ""
    return f"{name}{list(state.shape)}{' ' + grad if grad else ''}"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 160 else line[:157] + "…"


def _style(run: Run) -> str:
    match run.outcome:
        case Outcome.FINISHED:
            return "green"
        case Outcome.RAISED:
            return "red"
        case _:
            return "yellow"
