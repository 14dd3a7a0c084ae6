"""Stages the jail's Python and torch where the jail's unprivileged user can read them.

The bot's own interpreter may lie under a home folder of mode 0700, which no unprivileged process can
bind. So `autograd-bot sandbox prepare` makes a second, smaller environment once: the interpreter, its
standard library, and torch, numpy and matplotlib with what they require. Files are hard-linked where
that is possible, so it takes seconds and almost no space.

    jail-<key>/
      bin/python3          the interpreter
      lib/                 its shared libraries that are not the system's
      lib/python3.X/       its standard library
      site-packages/       the distributions
      matplotlib/          the font list, so that the first plot does not search for fonts
      jail.json            what was staged
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shutil
import stat
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from bot.errors import SandboxUnavailable

#: Changed when the layout changes, so that an old environment is not taken for a new one.
LAYOUT = "1"
#: What askers' code may import; the distributions these require come with them.
WANTED = ("torch", "numpy", "matplotlib")
SHARED_PLACE = Path("/var/lib/autograd-bot")
#: Parts that no program imports: headers for compiling extensions, build files, tests of the library.
LEFT_OUT = ("torch/include/", "torch/share/", "torch/bin/")
#: But torch does not import without this one.
KEPT = ("torch/bin/torch_shm_manager",)
STDLIB_LEFT_OUT = frozenset(
    {"site-packages", "dist-packages", "test", "tests", "idlelib", "ensurepip", "turtledemo", "lib2to3"}
)
MARKER = "jail.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Environment:
    """A staged environment, ready to be bound into a jail."""

    path: Path
    python: str  #: "3.11"
    torch: str  #: "2.13.0+cpu"


def key() -> str:
    """Names the staged environment that belongs to this interpreter and its installed distributions."""
    versions = sorted(f"{name}=={found.version}" for name, found in distributions().items())
    text = "\n".join([LAYOUT, sys.version, platform.machine(), *versions])
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def find(*, chosen: Path | None, data: Path | None, uid: int) -> Environment:
    """The staged environment for this interpreter; staged now when it may lie in the data directory.

    `chosen` is the setting `sandbox.environment`; `uid` the user that the jail runs as.
    Raises `SandboxUnavailable` with the command that makes one.
    """
    if chosen is not None:
        found = opened(chosen)
        if found is None:
            raise SandboxUnavailable(
                f"sandbox.environment names {chosen}, which is not a staged environment."
                " Leave it empty and run `autograd-bot sandbox prepare`."
            )
        return found
    name = f"jail-{key()}"
    places = [Path(sys.prefix), SHARED_PLACE, *([data] if data is not None else [])]
    for place in places:
        found = opened(place / name)
        if found is not None and readable_by(place / name, uid=uid):
            return found
    if data is not None and data.is_dir() and readable_by(data, uid=uid):
        return stage(data / name)
    raise SandboxUnavailable(
        "the sandbox has no environment that its user may read. Run `autograd-bot sandbox prepare` once."
    )


def prepare(*, uid: int) -> Environment:
    """Stage the environment in the first place that the jail's user may read, or return the one there."""
    name = f"jail-{key()}"
    place = Path(sys.prefix) if readable_by(Path(sys.prefix), uid=uid) else SHARED_PLACE
    try:
        place.mkdir(parents=True, exist_ok=True, mode=0o755)
        return opened(place / name) or stage(place / name)
    except PermissionError as error:
        raise SandboxUnavailable(
            f"the jail's environment cannot be written to {place}: {error}."
            " Run `autograd-bot sandbox prepare` as root once, or install where you may write."
        ) from error


def opened(path: Path) -> Environment | None:
    """The environment staged at `path`, if there is a whole one."""
    try:
        marker = json.loads((path / MARKER).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError):
        return None
    return Environment(path=path, python=marker["python"], torch=marker["torch"])


def readable_by(path: Path, *, uid: int) -> bool:
    """Whether the user may enter `path` and every folder above it."""
    real = path.resolve()
    for folder in (real, *real.parents):
        try:
            found = folder.stat()
        except OSError:
            return False
        needed = stat.S_IXUSR if found.st_uid == uid else stat.S_IXOTH
        if not found.st_mode & needed:
            return False
    return True


def stage(target: Path) -> Environment:
    """Make the environment at `target`. Another process may do the same: the first one wins."""
    half_done = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        half_done.chmod(0o755)
        _interpreter(half_done)
        _standard_library(half_done / "lib" / f"python{_version()}")
        _distributions(half_done / "site-packages")
        _compile_and_list_fonts(half_done)
        marker = {"python": _version(), "torch": distributions()["torch"].version, "key": key()}
        (half_done / MARKER).write_text(json.dumps(marker), encoding="utf-8")
        (half_done / MARKER).chmod(0o644)
        try:
            half_done.rename(target)
        except OSError:
            if opened(target) is None:
                raise
    finally:
        shutil.rmtree(half_done, ignore_errors=True)
    staged = opened(target)
    if staged is None:
        raise SandboxUnavailable(f"{target} could not be made. Remove it and run `autograd-bot sandbox prepare`.")
    return staged


def distributions() -> dict[str, Distribution]:
    """The installed distributions that the jail holds, by normal name."""
    found: dict[str, Distribution] = {}
    waiting = list(WANTED)
    while waiting:
        name = canonicalize_name(waiting.pop())
        if name in found:
            continue
        try:
            found[name] = distribution(name)
        except PackageNotFoundError as error:
            if name in WANTED:
                raise SandboxUnavailable(f"{name} is not installed beside autograd-bot. Run `make demo`.") from error
            continue  # what is not installed here is not needed to import torch here either
        for line in found[name].requires or []:
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                waiting.append(requirement.name)
    return found


def _version() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def _interpreter(into: Path) -> None:
    program = Path(os.path.realpath(sys.executable))
    _place(program, into / "bin" / "python3")
    extensions = sorted(_standard_library_source().glob("lib-dynload/*.so"))
    for library in sorted(_shared_libraries([program, *extensions])):
        _place(library, into / "lib" / library.name)


def _shared_libraries(files: list[Path]) -> set[Path]:
    """The libraries that the loader finds outside the system's own folders."""
    listed = subprocess.run(["ldd", *map(str, files)], capture_output=True, text=True, check=False).stdout
    found = {Path(path) for path in re.findall(r"=> (/\S+) \(", listed)}
    return {path for path in found if not str(path).startswith(("/lib", "/usr/lib"))}


def _standard_library_source() -> Path:
    return Path(sysconfig.get_paths()["stdlib"])


def _standard_library(into: Path) -> None:
    source = _standard_library_source()
    for folder, names, files in os.walk(source):
        names[:] = [name for name in names if name not in STDLIB_LEFT_OUT and not name.startswith("config-")]
        for name in files:
            path = Path(folder, name)
            _place(path, into / path.relative_to(source))


def _distributions(into: Path) -> None:
    for found in distributions().values():
        for path in _files_of(found):
            _place(Path(str(found.locate_file(path))), into / path)


def _files_of(found: Distribution) -> Iterator[str]:
    if found.files is None:
        raise SandboxUnavailable(
            f"{found.metadata['Name']} was not installed by pip, so its files are not known."
            " Install autograd-bot into a virtual environment."
        )
    for file in found.files:
        path = str(file)
        if path in KEPT or not path.startswith(("..", "/", *LEFT_OUT)):
            yield path


def _place(source: Path, target: Path) -> None:
    """Hard-link a file when everybody may read it; else copy it with its time, readable."""
    if target.exists() or not source.exists():
        return
    _folder(target.parent)
    source = source.resolve()
    if source.stat().st_mode & 0o444 == 0o444:
        try:
            target.hardlink_to(source)
        except OSError:
            pass  # another file system, or the kernel's rules on links: a copy will do
        else:
            return
    shutil.copyfile(source, target)
    shutil.copystat(source, target)
    target.chmod(stat.S_IMODE(source.stat().st_mode) | 0o444)


def _folder(path: Path) -> None:
    if not path.is_dir():
        _folder(path.parent)
        path.mkdir(exist_ok=True)
        path.chmod(0o755)  # whatever the umask says


def _compile_and_list_fonts(staged: Path) -> None:
    """Byte-compile what pip left uncompiled, and make matplotlib's list of its own fonts."""
    fonts = staged / "matplotlib"
    _folder(fonts)
    program = (
        "import compileall, sys\n"
        f"sys.path.insert(0, {str(staged / 'site-packages')!r})\n"
        f"compileall.compile_dir({str(staged)!r}, quiet=2, maxlevels=30)\n"
        "import matplotlib.font_manager\n"
    )
    subprocess.run(
        [staged / "bin" / "python3", "-S", "-P", "-s", "-c", program],
        env={
            "HOME": str(fonts),
            "MPLCONFIGDIR": str(fonts),
            "MPL_IGNORE_SYSTEM_FONTS": "1",
            "LD_LIBRARY_PATH": str(staged / "lib"),
        },
        cwd="/",
        check=False,
        capture_output=True,
    )
    for path in staged.rglob("*"):
        if path.is_dir():
            path.chmod(0o755)
        elif path.stat().st_nlink == 1:
            path.chmod(stat.S_IMODE(path.stat().st_mode) | 0o444)
