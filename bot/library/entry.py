"""Reads one folder of `knowledge/` into a `Confusion`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from bot.domain.confusion import Case, Confusion, Fix
from bot.domain.post import Language
from bot.errors import KnowledgeError
from bot.library.mistakes import at_its_line, check_link, check_words, first_mistake
from bot.library.written import EntryFile

FILE = "confusion.toml"
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_CASE = re.compile(
    r"(?P<name>[a-z0-9_]+)\.(?P<role>failing|fixed|clean|shown|asked|not_asked)(?:\.(?P<language>en|zh))?\.(?P<ending>py|md)"
)


def read_entry(folder: Path, *, own: bool, words: frozenset[str] | None = None) -> Confusion:
    """One entry. Raises `KnowledgeError` with file and key when it is not well formed."""
    path = folder / FILE
    shown = f"{folder.name}/{FILE}"
    if not _NAME.fullmatch(folder.name):
        raise KnowledgeError(f"{folder}: the folder's name must be lower case words joined by _, like non_leaf_grad")
    try:
        text = path.read_text(encoding="utf-8")
        raw = tomllib.loads(text)
        entry = EntryFile.model_validate(raw)
    except FileNotFoundError:
        raise KnowledgeError(f"{folder}: there is no {FILE}. `autograd-bot knowledge new` writes one.") from None
    except tomllib.TOMLDecodeError as error:
        raise KnowledgeError(f"{shown}: not a TOML file: {at_its_line(text, str(error))}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise KnowledgeError(f"{shown}: cannot be read as UTF-8: {error}") from error
    except ValidationError as error:
        raise KnowledgeError(first_mistake(shown, raw, error)) from error
    check_link(entry.link, where=shown)
    if words is not None:
        check_words(entry.seen, words, where=f"{shown}, [seen]")
        for fix in entry.fix:
            check_words(fix.when, words, where=f"{shown}, [[fix]] {fix.name}, when")
    explain = {language: _explanation(folder, language) for language in Language}
    missing = [language.value for language in Language if language not in entry.title]
    if missing:
        raise KnowledgeError(f'{shown}: there is no title.{missing[0]}. Write one: title.{missing[0]} = "…"')
    if not own and any(fix.rewrite for fix in entry.fix):
        raise KnowledgeError(f"{shown}: `rewrite` is for the project's own entries; use replace and with here")
    return Confusion(
        name=folder.name,
        family=entry.family,
        kind=entry.kind,
        title=entry.title,
        asked_as=entry.asked_as,
        not_this=entry.not_this,
        seen=entry.seen,
        fixes=tuple(Fix(**fix.model_dump()) for fix in entry.fix),
        facts=entry.facts,
        explain=explain,
        link=entry.link,
        cases=tuple(_cases(folder, own=own)),
        folder=folder,
        own=own,
        trial=entry.trial,
        wrong_gradient=entry.wrong_gradient,
        general=entry.general,
        run_only=entry.run_only,
        beside=entry.beside,
        only_beside=entry.only_beside,
        not_beside=entry.not_beside,
        in_code=entry.in_code,
        not_in_code=entry.not_in_code,
    )


def _cases(folder: Path, *, own: bool) -> Iterator[Case]:
    for path in sorted((folder / "cases").glob("*")) if (folder / "cases").is_dir() else ():
        found = _CASE.fullmatch(path.name)
        if found is None:
            raise KnowledgeError(
                f"{folder.name}/cases/{path.name}: a case is called like vector_loss.failing.py, "
                "vector_loss.fixed.py, scalar.clean.py, plot.shown.py, plot.asked.zh.md or plot.not_asked.en.md"
            )
        language = Language(found["language"]) if found["language"] else None
        if not own:
            _require_text(path)
        yield Case(name=found["name"], role=found["role"], path=path, language=language)


def _require_text(path: Path) -> None:
    """Raises `KnowledgeError` for a case that cannot be read; the project's own are read by its tests."""
    try:
        path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise KnowledgeError(f"{path.parents[1].name}/cases/{path.name}: cannot be read as UTF-8: {error}") from error


def _explanation(folder: Path, language: Language) -> str:
    path = folder / f"explain.{language.value}.md"
    try:
        return path.read_text(encoding="utf-8").strip() + "\n"
    except FileNotFoundError:
        raise KnowledgeError(f"{folder.name}: there is no {path.name}. Write the explanation there.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise KnowledgeError(f"{folder.name}/{path.name}: cannot be read as UTF-8: {error}") from error
