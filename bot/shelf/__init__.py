"""An admin's own entries: writing a new one from a program that fails, taking one in, giving one away.

They lie in `DATA/knowledge/`, are data only, and are laid over the project's entries by name. `sketch` makes the
files of a new one out of what a person told.
"""

from __future__ import annotations

import gzip
import io
import re
import shutil
import tarfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bot.diagnose import signals
from bot.domain.confusion import Confusion
from bot.domain.run import Run
from bot.errors import BadInput, KnowledgeError, StoreError
from bot.library import FILE, NOT_ENTRIES, is_the_projects, read_entry
from bot.pipeline import require_usable
from bot.shelf.sketch import Sketch, files_of

#: The most bytes that an archive may unpack to; an entry is text.
LARGEST = 4 << 20
_NAME = re.compile(r"[a-z][a-z0-9_]{2,60}")


def require_free(shelf: Path, name: str, *, over: bool) -> None:
    """Raise `BadInput` when an entry cannot be called so, is there already, or would lie over one of the project's
    although that was not asked for with `over`."""
    if not _NAME.fullmatch(name) or name in NOT_ENTRIES:
        raise BadInput(f'"{name}" cannot be a name: lower case words joined by _, like non_leaf_grad')
    if (shelf / name).exists():
        raise BadInput(
            f"{shelf / name} is there already. `autograd-bot knowledge edit {name}` opens it; to put another in its"
            " place, move it away first."
        )
    if is_the_projects(name) and not over:
        raise BadInput(
            f"{name} is an entry of the project's own; yours would take its place, and what it answers now would be"
            f" left to yours alone.\n  `autograd-bot knowledge edit {name}` copies it for you to change. Take another"
            " name, or say --over to put yours over it."
        )


def write_entry(shelf: Path, sketch: Sketch, *, run: Run | None, over: bool = False) -> Path:
    """Write the folder of a new entry, whole or not at all; `run` is what its failing program did.

    Raises `BadInput` when the name cannot be used (see `require_free`), or the program does not go wrong;
    `KnowledgeError` when what was told makes no entry, `StoreError` when it cannot be written.
    """
    require_free(shelf, sketch.name, over=over)
    texts = files_of(sketch, run)
    return _placed(shelf, sketch.name, {file: text.encode() for file, text in texts.items()}).folder


def take_in(shelf: Path, path: Path, *, over: bool = False) -> Confusion:
    """Copy an entry from a folder or an archive made by `give_away` onto the shelf, whole or not at all.

    Raises `KnowledgeError` when it is not well formed, `BadInput` when it cannot be read or is there already,
    `StoreError` when it cannot be written.
    """
    if path.is_dir():
        name, files = path.resolve().name, _read_folder(path)
    else:
        name, files = _unpacked(path)
    require_free(shelf, name, over=over)
    return _placed(shelf, name, files)


@dataclass(frozen=True)
class Copy:
    """One of the project's entries on an admin's shelf."""

    folder: Path
    without: tuple[str, ...]  #: the fixes that stayed behind, as they are Python


def copy_of(shelf: Path, entry: Confusion) -> Copy:
    """One of the project's entries copied onto the shelf, for an admin to change; it lies over the original then.

    An admin's entry is data: `rewrite.py` stays behind, and so do the fixes that use it. Raises as `take_in`.
    """
    require_free(shelf, entry.name, over=True)
    files, without = _portable(entry)
    return Copy(_placed(shelf, entry.name, files).folder, without)


def _without_rewrites(text: str) -> str:
    """The file without the fixes that call `rewrite.py`."""
    head, *fixes = re.split(r"(?m)^(?=\[\[fix\]\])", text)
    kept = [head]
    for part in fixes:
        # A section that follows the last fix is no part of it.
        fix, *rest = re.split(r"(?m)^(?=\[(?!\[fix\]\])(?!fix\.))", part, maxsplit=1)
        kept += rest if re.search(r"(?m)^rewrite\s*=", fix) else [part]
    return "".join(kept)


def give_away(entry: Confusion, path: Path, *, replace: bool = False) -> tuple[str, ...]:
    """Write an entry as one archive that `take_in` reads, whole or not at all; answers with the fixes left out of it.

    As it is data for an admin, `rewrite.py` stays behind, and so do the fixes that use it. Raises `BadInput` when it
    cannot be written there, or a file is there already and not to be replaced.
    """
    if not path.name.endswith((".tar.gz", ".tgz")):
        raise BadInput(f"{path}: an entry is written as a tar archive; name it {entry.name}.tar.gz.")
    if path.exists() and not replace:
        raise BadInput(f"{path} is there already. Name another file, or say --replace to write over it.")
    packed = io.BytesIO()
    files, without = _portable(entry)
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(f"{entry.name}/{name}")  # it says nothing about the machine it was made on
            member.size, member.mode = len(content), 0o644
            archive.addfile(member, io.BytesIO(content))
    half_done = path.with_name(f".{path.name}.new")
    try:
        half_done.write_bytes(packed.getvalue())
        half_done.replace(path)
    except OSError as error:
        half_done.unlink(missing_ok=True)
        raise BadInput(f"{path}: {error.strerror}. Name a file that can be written.") from error
    return without


def _portable(entry: Confusion) -> tuple[dict[str, bytes], tuple[str, ...]]:
    """The files of an entry that an admin's may hold, and the fixes that are not among them."""
    files = {name: content for name, content in _read_folder(entry.folder).items() if _belongs(Path(name))}
    files[FILE] = _without_rewrites(files[FILE].decode()).encode()
    return files, tuple(fix.name for fix in entry.fixes if fix.rewrite is not None)


def _placed(shelf: Path, name: str, files: Mapping[str, bytes]) -> Confusion:
    target, waiting = shelf / name, shelf / f".{name}.new" / name
    for relative in files:
        _require_belonging(Path(relative))
    try:
        shelf.mkdir(parents=True, exist_ok=True, mode=0o700)
        for relative, content in files.items():
            (waiting / relative).parent.mkdir(parents=True, exist_ok=True)
            (waiting / relative).write_bytes(content)
        require_usable(read_entry(waiting, own=False, words=signals.known_words()))
        waiting.rename(target)
    except OSError as error:
        raise StoreError(f"{target} cannot be written: {error.strerror}. Nothing was kept of it.") from error
    finally:
        shutil.rmtree(waiting.parent, ignore_errors=True)
    return read_entry(target, own=False, words=signals.known_words())


def _belongs(part: Path) -> bool:
    try:
        _require_belonging(part)
    except KnowledgeError:
        return False
    return True


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
