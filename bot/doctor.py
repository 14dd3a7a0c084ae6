"""Is everything in order? Looks at what the sandbox needs, then attacks it from within."""

from __future__ import annotations

import platform
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bot.errors import SandboxError
from bot.sandbox import environment, seccomp
from bot.sandbox.client import JailedSandbox
from bot.sandbox.service import RemoteSandbox
from bot.settings import SandboxSettings


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    good: bool
    saw: str  #: what was found, or what to do about it


def examine(settings: SandboxSettings, *, data: Path | None) -> tuple[Check, ...]:
    """Look at everything, in the order in which a person would put it right. Never raises for what it finds."""
    if settings.socket is not None:
        return tuple(_service(settings.socket))
    return (*_ingredients(settings, data), *_attacks(settings, data))


def _ingredients(settings: SandboxSettings, data: Path | None) -> Iterator[Check]:
    machine = platform.machine()
    yield Check(name="processor", good=machine in seccomp.TRIED, saw=machine)
    program = shutil.which("bwrap")
    said = "missing; `apt-get install bubblewrap`" if program is None else _version(program)
    yield Check(name="bubblewrap", good=program is not None, saw=said)
    try:
        made = seccomp.snippet_filter()
        yield Check(name="seccomp filter", good=True, saw=f"{len(made.allowed) + len(made.arguments)} calls allowed")
    except SandboxError as error:
        yield Check(name="seccomp filter", good=False, saw=str(error))
    try:
        found = environment.find(chosen=settings.environment, data=data, uid=settings.uid)
        yield Check(name="environment", good=True, saw=f"{found.path} (Python {found.python}, torch {found.torch})")
    except SandboxError as error:
        yield Check(name="environment", good=False, saw=str(error))


def _attacks(settings: SandboxSettings, data: Path | None) -> Iterator[Check]:
    try:
        with JailedSandbox(settings, data=data) as sandbox:
            for finding in sandbox.findings:
                yield Check(name=finding.name, good=finding.held, saw=finding.saw)
            yield Check(name="memory is limited by", good=True, saw=sandbox.memory_enforced_by)
    except SandboxError as error:
        yield Check(name="sandbox", good=False, saw=str(error))


def _service(path: Path) -> Iterator[Check]:
    try:
        with RemoteSandbox(path) as sandbox:
            for finding in sandbox.findings:
                yield Check(name=finding.name, good=finding.held, saw=finding.saw)
    except SandboxError as error:
        yield Check(name="sandbox service", good=False, saw=str(error))


def _version(program: str) -> str:
    return subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout.strip()
