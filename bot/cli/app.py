"""Assembles the command line and turns every expected error into one or two lines and an exit code."""

from __future__ import annotations

import errno
import os
import sys
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated

import typer

from bot.cli import answer, db, demo, doctor, drafts, evaluate, replay, run_code, sandbox, serve, standing, web
from bot.cli.context import INTERRUPTED, Context
from bot.errors import BadInput, BotError

app = typer.Typer(
    name="autograd-bot",
    help="Answers autograd questions of a course forum: runs the asker's code in a sandbox, repairs it, proves "
    "the repair by running it, and lets a moderator decide.",
    epilog="Exit codes: 0 done, 2 wrong command, file or setting, 3 no sandbox, 4 forum, 5 knowledge base, "
    "6 database, 7 review, 130 interrupted.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # importing rich for the help costs more than the help may take
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def surroundings(
    ctx: typer.Context,
    data: Annotated[
        Path | None,
        typer.Option(
            help="The data directory: database, settings.toml, an admin's entries. Nothing is written outside it.",
            envvar="AUTOGRAD_BOT_DATA",
            show_default="$XDG_DATA_HOME/autograd-bot",
        ),
    ] = None,
) -> None:
    """Keep what all commands share."""
    chosen = data.expanduser() if data is not None else _default_data()
    if chosen.exists() and not chosen.is_dir():
        raise BadInput(f"The data directory {chosen} is a file. Name a folder with --data.")
    ctx.obj = Context(data=chosen)


def _default_data() -> Path:
    # Not from bot.settings: importing it costs more than --help may take.
    base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "autograd-bot"


def version() -> None:
    """Print the version of the program and of the torch in the sandbox.

    Example: autograd-bot version
    """
    from importlib.metadata import version as installed

    typer.echo(f"autograd-bot {installed('autograd-bot')} (torch {installed('torch')} in the sandbox)")


app.command(name="answer", short_help="Answer one post, with the evidence.")(answer.answer)
app.command(name="run", short_help="Run a Python file in the sandbox.")(run_code.run)
app.command(name="replay", short_help="Do the main job over an archive.")(replay.replay)
app.command(name="demo", short_help="Do the main job over the sample forum.")(demo.demo)
app.command(name="evaluate", short_help="Measure the answers to posts with labels.")(evaluate.evaluate)
app.command(name="poll", short_help="Do one round of the main job.")(serve.poll)
app.command(name="serve", short_help="Do the main job until Ctrl-C.")(serve.serve)
app.command(name="web", short_help="Serve the moderators' page alone.")(web.web)
app.add_typer(drafts.app, name="drafts")
app.add_typer(standing.app, name="knowledge")
app.add_typer(db.app, name="db")
app.add_typer(sandbox.app, name="sandbox")
app.command(name="doctor", short_help="Test the sandbox by attacking it.")(doctor.doctor)
app.command(name="version", short_help="Print the versions.")(version)


def run() -> None:
    """Run the command line and end the process."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal may lack letters, a file's name be none
    code = exit_code_of(sys.argv[1:])
    try:
        sys.stdout.flush()
    except OSError:  # it was told already; else the interpreter would complain once more
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = code or 1
    sys.exit(code)


def exit_code_of(arguments: list[str]) -> int:
    """Run one command; what was expected to go wrong is said in a line or two on standard error."""
    try:
        app(args=arguments, prog_name="autograd-bot")
    except BotError as error:
        _complain(str(error))
        return error.exit_code
    except SystemExit as ending:
        if ending.code == INTERRUPTED:
            _complain("interrupted; what was finished is kept")
        return ending.code if isinstance(ending.code, int) else 0
    except OSError as error:
        if error.errno not in _DEVICE_ERRORS:
            raise
        sys.stderr.write(f"autograd-bot: {error.strerror}. What was finished is kept; make room and try again.\n")
        return 1
    return 0


#: What any write may meet, to a file or to where results are piped.
_DEVICE_ERRORS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS})


def _complain(message: str) -> None:
    sys.stdout.flush()
    sys.stderr.write(f"autograd-bot: {message}\n")
