"""What every command is given: the data directory, the settings, and how to print."""

from __future__ import annotations

import getpass
import os
import sys
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

    from bot.settings import Settings


#: The exit code after Ctrl-C, where that is not the way to end.
INTERRUPTED = 130


@dataclass(frozen=True)
class Context:
    """The surroundings of one command; made by `bot/cli/app.py` and handed on as Typer's `ctx.obj`."""

    data: Path
    _warned: set[str] = field(default_factory=set)

    @cached_property
    def settings(self) -> Settings:
        """The settings of the data directory. Raises `BadSetting`."""
        from bot.settings import read_settings

        return read_settings(self.data)

    @cached_property
    def console(self) -> Console:
        """Where results go: rich on a terminal, plain and unwrapped when piped."""
        from rich.console import Console

        if sys.stdout.isatty():
            return Console(highlight=False)
        return Console(highlight=False, width=10_000, no_color=True, soft_wrap=True)

    @cached_property
    def progress(self) -> Console:
        """Where progress goes: standard error, so that results can be piped."""
        from rich.console import Console

        if sys.stderr.isatty():
            return Console(stderr=True, highlight=False)
        return Console(stderr=True, highlight=False, width=10_000, no_color=True, soft_wrap=True)

    def warn(self, sentence: str) -> None:
        """Say on standard error what people should know although the command goes on; once, however often it is met."""
        if sentence not in self._warned:
            self._warned.add(sentence)
            self.progress.print(sentence, markup=False)

    def print_json(self, value: Any) -> None:
        """Print one JSON object on one line."""
        import json

        utf_8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
        sys.stdout.write(json.dumps(value, ensure_ascii=not utf_8, default=str) + "\n")
        sys.stdout.flush()


def person() -> str:
    """The name under which this person decides when `--as` is not given."""
    return os.environ.get("AUTOGRAD_BOT_MODERATOR") or getpass.getuser()
