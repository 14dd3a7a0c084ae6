"""The command line. `app` is assembled in `bot/cli/app.py`; each command group has its own file."""

from __future__ import annotations

import sys

from bot.cli.context import INTERRUPTED


def main() -> None:
    """Run the command `autograd-bot`; ends the process with a documented exit code."""
    try:
        from bot.cli.app import run

        run()
    except KeyboardInterrupt:  # before a command had begun
        sys.exit(INTERRUPTED)
