"""The pages of `docs/reference/`, made from the program itself. `python -m bot.reference` writes them.

An entry point like `bot.__main__`, and on its layer: it reads the whole command line.
"""

from __future__ import annotations

import inspect
import json
import sys
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import annotated_types
import typer
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from typer.core import TyperCommand, TyperGroup

from bot import errors
from bot.cli.app import app
from bot.diagnose.signals import WORDS
from bot.errors import BadInput, BotError
from bot.settings import ENVIRONMENT_PREFIX, Settings

FOLDER = Path("docs") / "reference"

_GENERATED = "<!-- Made by `python -m bot.reference`. Change the program, not this page. -->\n"


def settings_page() -> str:
    """Every setting: what it takes, its default and what it does."""
    sections = [name for name, field in Settings.model_fields.items() if _section(field)]
    alone = {name: field for name, field in Settings.model_fields.items() if not _section(field)}
    parts = [_SETTINGS_PREFACE]
    if alone:
        parts.append(_settings_table("", alone))
    for name in sections:
        model = _section(Settings.model_fields[name])
        assert model is not None
        parts.append(f"## {name}\n\n{inspect.getdoc(model)}\n")
        parts.append(_settings_table(f"{name}.", model.model_fields))
    return "\n".join(parts)


def words_page() -> str:
    """The words of `[seen]`."""
    rows = [(f"`{name}`", _told(function)) for name, function in sorted(WORDS.items())]
    rows += [
        ("`any`", "A list of tables, of which one must hold."),
        ("`not`", "A table, of which no line may hold."),
    ]
    return _WORDS_PREFACE + "\n" + _table(("word", "holds when"), rows)


def commands_page() -> str:
    """Every command, as its `--help` tells it."""
    root = typer.main.get_command(app)
    assert isinstance(root, TyperGroup)
    parts = [_COMMANDS_PREFACE, _options_of(root, ["autograd-bot"])]
    parts += [_command_part(command, path) for command, path in commands(root)]
    return "\n".join(part for part in parts if part)


def exit_codes_page() -> str:
    """What the command line ends with, and the errors behind each code."""
    kinds = [kind for kind in vars(errors).values() if inspect.isclass(kind) and issubclass(kind, BotError)]
    rows = [("0", "", "Done.")]
    rows += [(str(kind.exit_code), f"`{kind.__name__}`", _told(kind)) for kind in kinds]
    rows += [("130", "", "Interrupted with Ctrl-C. What was finished is kept.")]
    rows.sort(key=lambda row: int(row[0]))
    return (
        _EXIT_PREFACE
        + "\n"
        + _table(("exit code", "error", "what it says when it has nothing more exact to say"), rows)
    )


#: The pages by the names of their files.
PAGES: Mapping[str, Callable[[], str]] = {
    "settings.md": settings_page,
    "words.md": words_page,
    "commands.md": commands_page,
    "exit-codes.md": exit_codes_page,
}


def write(folder: Path) -> None:
    """Write all pages into an existing folder."""
    for name, page in PAGES.items():
        (folder / name).write_text(_GENERATED + "\n" + page(), encoding="utf-8")


def stale(folder: Path) -> list[str]:
    """The names of pages that do not say what the program says now, or are not there."""
    return [name for name, page in PAGES.items() if _read(folder / name) != _GENERATED + "\n" + page()]


def commands(group: TyperGroup, path: Iterable[str] = ("autograd-bot",)) -> Iterator[tuple[TyperCommand, list[str]]]:
    """Every command that is not hidden, with the words that call it, in the order of `--help`."""
    for name, command in group.commands.items():
        words = [*path, name]
        if command.hidden:
            continue
        if isinstance(command, TyperGroup):
            yield from commands(command, words)
        elif isinstance(command, TyperCommand):
            yield command, words


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None


# Settings


def _section(field: FieldInfo) -> type[BaseModel] | None:
    kind = field.annotation
    return kind if inspect.isclass(kind) and issubclass(kind, BaseModel) else None


def _settings_table(prefix: str, fields: Mapping[str, FieldInfo]) -> str:
    rows = [
        (f"`{prefix}{name}`", _takes(field), _default(field), field.description or "") for name, field in fields.items()
    ]
    return _table(("setting", "takes", "default", "what it does"), rows)


def _takes(field: FieldInfo) -> str:
    kind = _kind(field.annotation)
    bounds = [text for rule in field.metadata if (text := _bound(rule))]
    return " ".join([kind, *bounds])


def _kind(annotation: Any) -> str:
    """A type as people say it."""
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (types.UnionType, typing.Union):
        return _kind(next(part for part in inner if part is not type(None)))
    if origin is Literal:
        return "one of " + ", ".join(f"`{value}`" for value in inner)
    if origin is tuple:
        return "list of numbers" if inner[0] is int else "list of texts"
    if origin is not None and issubclass(origin, Mapping):
        return "table"
    named = {
        str: "text", SecretStr: "text, kept out of logs", bool: "true or false", int: "whole number",
        float: "number", Path: "path",
    }  # fmt: skip
    return named[annotation]


def _bound(rule: object) -> str | None:
    match rule:
        case annotated_types.Gt(gt=limit):
            return f"above {limit}"
        case annotated_types.Ge(ge=limit):
            return f"from {limit}"
        case annotated_types.Lt(lt=limit):
            return f"below {limit}"
        case annotated_types.Le(le=limit):
            return f"to {limit}"
        case _:
            return None


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True)
    match value:
        case SecretStr() | None | "" | () | {}:
            return "empty"
        case bool():
            return f"`{str(value).lower()}`"
        case float():
            return f"`{value:g}`"
        case _:
            return f"`{value}`"


# Commands


def _command_part(command: TyperCommand, path: list[str]) -> str:
    about, examples = _help_of(command)
    parts = [f"## {' '.join(path)}\n", about + "\n"]
    parts.append("```console\n" + _usage(command, path) + "\n```\n")
    if examples:
        parts.append("For example:\n\n```console\n" + "\n".join(examples) + "\n```\n")
    parts.append(_options_of(command, path))
    return "\n".join(part for part in parts if part)


def _help_of(command: TyperCommand) -> tuple[str, list[str]]:
    """What a command does, and its examples, which its docstring gives after "Example:" or "Examples:"."""
    text = command.help or ""
    about, _, one = text.partition("\n\nExample: ")
    if one:
        return about, [one.strip()]
    about, _, many = text.partition("\n\nExamples:")
    return about.strip(), [line.strip() for line in many.splitlines() if line.strip()]


def _usage(command: TyperCommand | TyperGroup, path: list[str]) -> str:
    context = command.context_class(command, info_name=" ".join(path))
    return " ".join([*path, *command.collect_usage_pieces(context)])


def _options_of(command: TyperCommand | TyperGroup, path: list[str]) -> str:
    context = command.context_class(command, info_name=" ".join(path))
    records = [parameter.get_help_record(context) for parameter in command.params]
    rows = [(f"`{record[0]}`", " ".join(record[1].split())) for record in records if record is not None]
    return _table(("argument", "what it does"), rows) if rows else ""


# Markdown


def _told(documented: object) -> str:
    """A docstring on one line."""
    return " ".join((inspect.getdoc(documented) or "").split())


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [heads, tuple("---" for _ in heads), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


_EXAMPLE_LIST = json.dumps([5, 7])

_SETTINGS_PREFACE = f"""# Settings

A value comes from the environment, else from `settings.toml` in the data directory, else from the default.

In `settings.toml` a section is a table:

```toml
log_level = "info"

[forum]
url = "https://forum.example.org"
categories = {_EXAMPLE_LIST}
```

In the environment the same settings are called `{ENVIRONMENT_PREFIX}LOG_LEVEL`, `{ENVIRONMENT_PREFIX}FORUM__URL` and
`{ENVIRONMENT_PREFIX}FORUM__CATEGORIES`: two underscores before the name within a section; lists and tables are written
as JSON (`{_EXAMPLE_LIST}`). A value that cannot be used ends the command with exit code 2 and says which
setting it is and what it takes.

Where the data directory is cannot stand in a file that lies in it: `--data DIR` says so, else the environment
variable `{ENVIRONMENT_PREFIX}DATA`, else it is `$XDG_DATA_HOME/autograd-bot`.
"""

_WORDS_PREFACE = """# The words of `[seen]`

What an entry of the knowledge base may say about a run. Every line of `[seen]` has to hold. The $NAMES that a word
binds can stand in the entry's fixes and facts. `autograd-bot knowledge words` prints the same list.
"""

_COMMANDS_PREFACE = """# Commands

`autograd-bot COMMAND --help` prints the same. Results go to standard output, progress and errors to standard error.
These options stand before the command:
"""

_EXIT_PREFACE = """# Exit codes

Where a row names several errors of one code, the message says which it was.
"""


def main(arguments: list[str]) -> int:
    """Write the pages into the folder that is named, `docs/reference` when none is."""
    folder = Path(arguments[0]) if arguments else FOLDER
    if not folder.is_dir():
        raise BadInput(f"{folder}: there is no such folder. Run this at the top of a checkout.")
    write(folder)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except BadInput as error:
        sys.exit(f"bot.reference: {error}")
