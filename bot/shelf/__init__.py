"""An admin's own entries: writing a new one from a program that fails, taking one in, giving one away.

They lie in `DATA/knowledge/`, are data only, and are laid over the project's entries by name.
"""

from __future__ import annotations

import ast
import gzip
import io
import json
import re
import shutil
import tarfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bot.diagnose import signals
from bot.diagnose.view import called
from bot.domain.confusion import Confusion, ConfusionKind
from bot.domain.post import Language
from bot.domain.run import Run
from bot.errors import BadInput, KnowledgeError, StoreError
from bot.library import FILE, read_entry
from bot.source import parse

#: The most bytes that an archive may unpack to; an entry is text.
LARGEST = 4 << 20
_NAME = re.compile(r"[a-z][a-z0-9_]{2,60}")
#: Calls worth naming in `error_line_calls`.
_TELLING = ("backward", "grad", "step", "numpy")


@dataclass(frozen=True, kw_only=True)
class Sketch:
    """What an admin tells about a new entry."""

    name: str
    kind: ConfusionKind
    family: str
    title: Mapping[Language, str]
    explain: Mapping[Language, str]
    asked_as: Mapping[Language, tuple[str, ...]] = field(default_factory=dict)
    link: str = "https://docs.pytorch.org/docs/stable/notes/autograd.html"
    failing: str | None = None  #: a program that goes wrong this way
    fixed: str | None = None  #: the same program, mended
    asked: Mapping[Language, str] = field(default_factory=dict)  #: a post that must be answered with it


def write_entry(shelf: Path, sketch: Sketch, *, run: Run | None) -> Path:
    """Write the folder of a new entry, whole or not at all; `run` is what its failing program did.

    Raises `BadInput` when the name cannot be used or is taken, or the program does not go wrong;
    `KnowledgeError` when what was told makes no entry, `StoreError` when it cannot be written.
    """
    if not _NAME.fullmatch(sketch.name):
        raise BadInput(f'"{sketch.name}" cannot be a name: lower case words joined by _, like non_leaf_grad')
    folder = shelf / sketch.name
    if folder.exists():
        raise BadInput(f"{folder} is there already. `autograd-bot knowledge edit {sketch.name}` opens it.")
    texts = {FILE: _toml(sketch, run)}
    for language in Language:
        texts[f"explain.{language.value}.md"] = sketch.explain[language].strip() + "\n"
        if language in sketch.asked:
            texts[f"cases/first.asked.{language.value}.md"] = sketch.asked[language].strip() + "\n"
    for role, program in (("failing", sketch.failing), ("fixed", sketch.fixed)):
        if program is not None:
            texts[f"cases/first.{role}.py"] = program.rstrip() + "\n"
    return _placed(shelf, sketch.name, {file: text.encode() for file, text in texts.items()}).folder


def take_in(shelf: Path, path: Path) -> Confusion:
    """Copy an entry from a folder or an archive made by `give_away` onto the shelf, whole or not at all.

    Raises `KnowledgeError` when it is not well formed, `BadInput` when it cannot be read or is there already,
    `StoreError` when it cannot be written.
    """
    if path.is_dir():
        name, files = path.resolve().name, _read_folder(path)
    else:
        name, files = _unpacked(path)
    return _placed(shelf, name, files)


def give_away(entry: Confusion, path: Path) -> None:
    """Write an entry as one archive, whole or not at all. Raises `BadInput` when it cannot be written there."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for file in sorted(entry.folder.rglob("*")):
            if file.is_file() and "__pycache__" not in file.parts:
                archive.add(file, arcname=f"{entry.name}/{file.relative_to(entry.folder)}", filter=_anonymous)
    half_done = path.with_name(f".{path.name}.new")
    try:
        half_done.write_bytes(packed.getvalue())
        half_done.replace(path)
    except OSError as error:
        half_done.unlink(missing_ok=True)
        raise BadInput(f"{path}: {error.strerror}. Name a file that can be written.") from error


def _placed(shelf: Path, name: str, files: Mapping[str, bytes]) -> Confusion:
    if not _NAME.fullmatch(name):
        raise BadInput(f'"{name}" cannot be the name of an entry')
    target, waiting = shelf / name, shelf / f".{name}.new" / name
    if target.exists():
        raise BadInput(f"{target} is there already. Remove it first, or give the entry another name.")
    for relative in files:
        _require_belonging(Path(relative))
    try:
        shelf.mkdir(parents=True, exist_ok=True, mode=0o700)
        for relative, content in files.items():
            (waiting / relative).parent.mkdir(parents=True, exist_ok=True)
            (waiting / relative).write_bytes(content)
        read_entry(waiting, own=False, words=signals.known_words())
        waiting.rename(target)
    except OSError as error:
        raise StoreError(f"{target} cannot be written: {error.strerror}. Nothing was kept of it.") from error
    finally:
        shutil.rmtree(waiting.parent, ignore_errors=True)
    return read_entry(target, own=False, words=signals.known_words())


def _require_belonging(part: Path) -> None:
    """Raises `KnowledgeError` for a file that no entry of an admin's holds."""
    if part.is_absolute() or ".." in part.parts or part.suffix not in (".toml", ".md", ".py") or len(part.parts) > 2:
        raise KnowledgeError(f"{part} does not belong into an entry")
    if part.suffix == ".py" and part.parts[0] != "cases":
        raise KnowledgeError(f"{part}: an admin's entry is data; it may not bring Python of its own")


def _read_folder(path: Path) -> dict[str, bytes]:
    try:
        return {str(file.relative_to(path)): file.read_bytes() for file in sorted(path.rglob("*")) if file.is_file()}
    except OSError as error:
        raise BadInput(f"{path}: it cannot be read ({error.strerror}).") from error


def _unpacked(path: Path) -> tuple[str, dict[str, bytes]]:
    try:
        with gzip.open(path) as packed:
            unpacked = packed.read(LARGEST + 1)  # to its end, where its checksum stands
        if len(unpacked) > LARGEST:
            raise BadInput(f"{path} unpacks to more than an entry can be")
        with tarfile.open(fileobj=io.BytesIO(unpacked), mode="r:") as archive:
            files = {member.name: archive.extractfile(member) for member in archive.getmembers() if member.isfile()}
            contents = {name: stream.read() for name, stream in files.items() if stream is not None}
    except (OSError, tarfile.TarError, EOFError, zlib.error) as error:
        raise BadInput(f"{path}: not an archive made by `autograd-bot knowledge export`: {error}") from error
    tops = {name.split("/", 1)[0] for name in contents}
    if len(tops) != 1:
        raise BadInput(f"{path} must hold exactly one entry")
    return tops.pop(), {name.split("/", 1)[1]: content for name, content in contents.items() if "/" in name}


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """An archive says nothing about the machine it was made on."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mtime = 0
    return member


def _toml(sketch: Sketch, run: Run | None) -> str:
    rows = [f"title.{language.value} = {_text(sketch.title[language])}" for language in Language]
    rows += ["", f"family = {_text(sketch.family)}", f'kind = "{sketch.kind.value}"', f"link = {_text(sketch.link)}"]
    rows += ["trial = true  # its drafts say that this kind of answer is new", ""]
    for language in Language:
        phrases = sketch.asked_as.get(language, ())
        rows.append(f"asked_as.{language.value} = [{', '.join(_text(phrase) for phrase in phrases)}]")
    rows += ["", "[seen]", *_seen(sketch, run)]
    if sketch.failing and sketch.fixed:
        rows += ["", *_fix(sketch.failing, sketch.fixed)]
    return "\n".join(rows) + "\n"


def _seen(sketch: Sketch, run: Run | None) -> list[str]:
    """What the failing program's run shows, as lines of the entry."""
    if run is None:
        return ["asks = true", 'ends = "finished"']
    if run.error is not None:
        rows = [f"raises = {_text(run.error.type)}", f"message = [{_text(run.error.message.splitlines()[0][:120])}]"]
        call = _call_on(sketch.failing or "", run.error.line)
        return rows + ([f"error_line_calls = [{_text(call)}]"] if call else [])
    if run.warnings:
        return [f"warns = [{_text(run.warnings[0].message.split('. ')[0][:120])}]"]
    if sketch.kind is ConfusionKind.QUESTION:
        return ["asks = true", 'ends = "finished"']
    raise BadInput("the failing program runs without an error or a warning, so it does not show the mistake")


def _call_on(code: str, line: int | None) -> str | None:
    """The differentiation, step or conversion that a line calls."""
    for node in ast.walk(parse(code) or ast.Module(body=[], type_ignores=[])):
        if isinstance(node, ast.Call) and node.lineno == line and called(node) in _TELLING:
            return called(node)
    return None


def _fix(failing: str, fixed: str) -> list[str]:
    """The one changed line as a fix; more than one cannot be told from two programs."""
    old, new = failing.rstrip().splitlines(), fixed.rstrip().splitlines()
    changed = [(one, other) for one, other in zip(old, new, strict=False) if one != other]
    if len(old) != len(new) or len(changed) != 1:
        raise BadInput("the fixed program must differ from the failing one in exactly one line")
    one, other = (line.split("  #")[0].strip() for line in changed[0])
    return ["[[fix]]", 'name = "first"', 'where = "whole_program"', f"replace = {_text(one)}", f"with = {_text(other)}"]


def _text(text: str) -> str:
    """A TOML string; JSON's escapes are TOML's."""
    return json.dumps(text, ensure_ascii=False)
