"""What the pages speak of exists: commands, options, settings, exit codes, words, files."""

import importlib
import inspect
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.core import TyperCommand
from typer.main import get_command

from bot import errors
from bot.cli.app import INTERRUPTED, app
from bot.errors import BotError
from bot.reference import commands
from bot.settings import ENVIRONMENT_PREFIX, Settings

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("migrations/*.md")])
#: Where the program itself tells people what to type.
SOURCES = sorted([*ROOT.glob("bot/**/*.py"), *ROOT.glob("bot/**/*.j2"), *ROOT.glob("bot/**/*.html")])

#: Variables of the environment that are no settings.
OTHER_VARIABLES = {"DATA", "MODERATOR"}

COMMANDS: dict[tuple[str, ...], TyperCommand] = {
    tuple(path[1:]): command
    for command, path in commands(get_command(app))  # type: ignore[arg-type]
}
GROUPS = {path[:1] for path in COMMANDS if len(path) > 1}
_GLOBAL = {"--help", "-h", "--data"}

_LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)")
_EXIT_CODE = re.compile(r"exit code (\d+)", re.IGNORECASE)


def shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


def code_of(text: str) -> Iterator[str]:
    """The lines of fences, and the code spans of sentences."""
    outside = []
    for place, part in enumerate(re.split(r"^```.*$", text, flags=re.MULTILINE)):
        if place % 2:
            yield from part.splitlines()
        else:
            outside.append(part)
    yield from (" ".join(span.split()) for span in re.findall(r"`([^`]+)`", "\n".join(outside)))


def calls_in(text: str) -> Iterator[list[str]]:
    """The words after each `autograd-bot`, up to a pipe, a comment or the next command."""
    for code in code_of(text):
        for call in re.split(r"[|;&>]|\s#", code):
            found = re.match(r"(?:.*[\s/=])?autograd-bot\s+(?:--data\s+\S+\s+)?(\S.*)", " " + call)
            if found and not found[1].startswith("/"):
                yield found[1].split()


def problem_with(words: list[str]) -> str | None:
    """Why these words are no command of ours; None when they are."""
    name = tuple(words[:2]) if tuple(words[:1]) in GROUPS else tuple(words[:1])
    if name in GROUPS or not re.fullmatch(r"[a-z]+", words[0]):
        return None  # a group as a whole, or a placeholder such as COMMAND
    command = COMMANDS.get(name)
    if command is None:
        return f"no command: {' '.join(name)}"
    known = _GLOBAL | {option for parameter in command.params for option in parameter.opts}
    unknown = [word for word in words if re.fullmatch(r"--[a-z][a-z-]*", word.split("=")[0]) and word not in known]
    return f"{' '.join(name)} has no {unknown[0]}" if unknown else None


@pytest.mark.parametrize("path", PAGES, ids=shown)
def test_every_link_to_a_file_resolves(path: Path) -> None:
    for target, heading in _LINK.findall(path.read_text(encoding="utf-8")):
        file = (path.parent / target).resolve() if target else path
        assert file.exists(), target
        if heading:
            assert heading in headings(file), f"{target}#{heading}"


def headings(path: Path) -> set[str]:
    """The anchors that a page's headings get."""
    lines = re.findall(r"^#+ +(.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", line.lower()).replace(" ", "-") for line in lines}


@pytest.mark.parametrize("path", PAGES, ids=shown)
def test_every_command_on_a_page_exists(path: Path) -> None:
    problems = {problem_with(words) for words in calls_in(path.read_text(encoding="utf-8"))}

    assert problems - {None} == set()


def test_every_command_that_the_program_tells_people_to_type_exists() -> None:
    problems = {
        f"{shown(path)}: {problem}"
        for path in SOURCES
        for words in calls_in(path.read_text(encoding="utf-8"))
        if (problem := problem_with(words))
    }

    assert problems == set()


def test_the_check_of_commands_would_notice_a_wrong_one() -> None:
    text = "Type `autograd-bot knowlege list`, or:\n```console\nautograd-bot answer --tittle x | cat\n```\n"

    assert [problem_with(words) for words in calls_in(text)] == ["answer has no --tittle", "no command: knowlege"]


@pytest.mark.parametrize("path", PAGES, ids=shown)
def test_every_setting_on_a_page_exists(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    sections = {name for name, field in Settings.model_fields.items() if hasattr(field.annotation, "model_fields")}
    named = re.findall(rf"`({'|'.join(sections)})\.([a-z_]+)`", text)
    variables = re.findall(rf"{ENVIRONMENT_PREFIX}([A-Z_]+[A-Z])", text)

    for section, name in named:
        assert is_setting(f"{section}.{name}"), f"{section}.{name}"
    for variable in variables:
        assert variable in OTHER_VARIABLES or is_setting(variable.lower().replace("__", ".")), variable


def is_setting(name: str) -> bool:
    section, _, rest = name.partition(".")
    field = Settings.model_fields.get(section)
    return field is not None and (not rest or rest in getattr(field.annotation, "model_fields", {}))


@pytest.mark.parametrize("path", sorted(ROOT.glob("docs/how-to/*.md")), ids=shown)
def test_settings_that_a_page_shows_can_be_used(path: Path) -> None:
    for block in re.findall(r"^```toml\n(.*?)^```", path.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
        Settings(**tomllib.loads(block))


@pytest.mark.parametrize("path", PAGES, ids=shown)
def test_every_exit_code_on_a_page_exists(path: Path) -> None:
    kinds = [kind for kind in vars(errors).values() if inspect.isclass(kind) and issubclass(kind, BotError)]
    known = {0, INTERRUPTED, *(kind.exit_code for kind in kinds)}

    assert {int(code) for code in _EXIT_CODE.findall(path.read_text(encoding="utf-8"))} <= known


def glossary() -> list[tuple[str, str]]:
    rows = re.findall(
        r"^\| ([A-Z][^|]*?) \| `(bot\.[\w.]+)` \|", (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8"), re.M
    )
    assert rows
    return rows


@pytest.mark.parametrize(("word", "place"), glossary())
def test_a_word_of_the_glossary_lives_where_it_says(word: str, place: str) -> None:
    parts = place.split(".")
    for cut in range(len(parts), 0, -1):
        try:
            found: object = importlib.import_module(".".join(parts[:cut]))
        except ModuleNotFoundError:
            continue
        break
    for name in parts[cut:]:
        found = getattr(found, name)
    assert found is not None


def test_the_nouns_of_the_domain_are_in_the_glossary() -> None:
    places = {place.rsplit(".", 1)[-1] for _, place in glossary()}

    assert {"Post", "Question", "Snippet", "Run", "Tape", "Confusion", "Diagnosis", "Repair", "Proof", "Draft",
            "Decision", "Reply"} <= places  # fmt: skip


@pytest.mark.parametrize("path", PAGES, ids=shown)
def test_every_make_target_on_a_page_exists(path: Path) -> None:
    named = {
        found[1]
        for code in code_of(path.read_text(encoding="utf-8"))
        if (found := re.match(r"make ([a-z-]+)\b", code.strip()))
    }
    makefile = ROOT / "Makefile"
    targets = re.findall(r"^([a-z-]+):", makefile.read_text(encoding="utf-8"), re.M) if makefile.exists() else []

    assert named <= set(targets)


def test_the_layers_that_contributing_shows_are_those_that_are_checked() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")

    assert "\n    " + "\n    ".join(layers) + "\n" in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_no_file_names_a_place_on_somebodys_machine() -> None:
    containers = [ROOT / "docker-compose.yml", *ROOT.glob("docker/*")]
    places = re.compile(rf"{re.escape(str(ROOT))}|(?<![\w.])/(?:home|root|Users)/[a-z]")
    named = {
        shown(path): found[0]
        for path in [*PAGES, *SOURCES, *containers]
        if (found := places.search(path.read_text(encoding="utf-8")))
    }

    assert named == {}
