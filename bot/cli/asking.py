"""Asking whoever sits at the terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import typer

from bot.errors import BadInput

Value = TypeVar("Value")


def answered(given: str | None, question: str, read: Callable[[str], Value]) -> Value:
    """What was given on the command line, else what the person answers: asked again, with the reason, until it can be
    read. Raises `BadInput` for what was given and cannot."""
    if given is not None:
        return read(given)
    while True:
        with _interruptible():
            typed: str = typer.prompt(question, default="", show_default=False)
        try:
            return read(typed.strip())
        except BadInput as error:
            typer.echo(f"  {error}")


def require_agreed(question: str) -> None:
    """End the command, with exit code 1, unless the person says yes."""
    with _interruptible():
        typer.confirm(question, abort=True)


def something(text: str) -> str:
    """What was typed, without the white space around it. Raises `BadInput` when there is nothing else."""
    if not text.strip():
        raise BadInput("it cannot be empty: the entry needs it.")
    return text.strip()


@contextmanager
def _interruptible() -> Iterator[None]:
    """Ctrl-C at a prompt ends as it does anywhere: click takes it for giving up, like the end of the input."""
    try:
        yield
    except typer.Abort as given_up:
        if isinstance(given_up.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from None
        raise
