"""The command line. `app` is assembled in `bot/cli/app.py`; each command group has its own file."""

from __future__ import annotations


def main() -> None:
    """Run the command `autograd-bot`; ends the process with a documented exit code."""
    from bot.cli.app import run

    run()
