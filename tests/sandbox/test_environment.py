"""Staging the jail's environment."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.domain.run import Outcome
from bot.errors import SandboxUnavailable
from bot.sandbox import Order, environment
from bot.sandbox.client import JailedSandbox
from bot.settings import SandboxSettings

UID = 60990


@pytest.fixture
def world_readable(tmp_path: Path) -> Iterator[Path]:
    """A folder that everybody may reach, unlike pytest's own."""
    opened = []
    for folder in (tmp_path, *tmp_path.parents):
        mode = folder.stat().st_mode
        if not mode & 0o001:
            folder.chmod(mode | 0o055)
            opened.append((folder, mode))
    yield tmp_path
    for folder, mode in opened:
        folder.chmod(mode)


def test_a_folder_under_a_private_one_is_not_readable(tmp_path: Path) -> None:
    inner = tmp_path / "private" / "inner"
    inner.mkdir(parents=True)
    inner.parent.chmod(0o700)

    assert not environment.readable_by(inner, uid=UID)
    assert environment.readable_by(Path("/usr/lib"), uid=UID)


def test_the_owner_of_a_private_folder_may_enter_it(world_readable: Path) -> None:
    private = world_readable / "private"
    private.mkdir(mode=0o700)

    assert environment.readable_by(private, uid=os.getuid())
    assert not environment.readable_by(private, uid=UID)


def test_a_folder_that_is_not_there_is_not_readable(tmp_path: Path) -> None:
    assert not environment.readable_by(tmp_path / "absent", uid=UID)


def test_the_jail_holds_torch_and_what_it_requires_and_nothing_of_the_bot() -> None:
    names = set(environment.distributions())

    assert {"torch", "numpy", "matplotlib", "sympy", "pillow"} <= names
    assert not names & {"sqlalchemy", "pydiscourse", "requests", "libcst", "typer", "pytest"}


def test_the_key_names_one_interpreter_with_its_distributions() -> None:
    assert environment.key() == environment.key()
    assert len(environment.key()) == 12


def test_a_half_staged_folder_is_no_environment(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()

    assert environment.opened(tmp_path) is None
    (tmp_path / environment.MARKER).write_text("{")
    assert environment.opened(tmp_path) is None


def test_without_an_environment_the_command_that_makes_one_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "prefix", "/nonexistent")
    monkeypatch.setattr(environment, "SHARED_PLACE", Path("/nonexistent"))

    with pytest.raises(SandboxUnavailable, match="Run `autograd-bot sandbox prepare` once"):
        environment.find(chosen=None, data=None, uid=UID)


@pytest.mark.skipif(os.geteuid() != 0, reason="another user cannot have a folder that it may not enter itself")
def test_a_private_data_directory_is_not_staged_into(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "prefix", "/nonexistent")
    monkeypatch.setattr(environment, "SHARED_PLACE", Path("/nonexistent"))
    tmp_path.chmod(0o700)

    with pytest.raises(SandboxUnavailable):
        environment.find(chosen=None, data=tmp_path, uid=UID)
    assert list(tmp_path.iterdir()) == []


def test_files_that_only_their_owner_may_read_are_copied_and_opened(world_readable: Path) -> None:
    source, target = world_readable / "source", world_readable / "jail" / "target"
    source.write_text("x")
    source.chmod(0o600)

    environment._place(source, target)

    assert target.stat().st_mode & 0o777 == 0o644
    assert target.stat().st_ino != source.stat().st_ino
    assert source.stat().st_mode & 0o777 == 0o600
    assert int(target.stat().st_mtime) == int(source.stat().st_mtime)


def test_files_that_everybody_may_read_take_no_room(world_readable: Path) -> None:
    source, target = world_readable / "source", world_readable / "jail" / "target"
    source.write_text("x")
    source.chmod(0o644)

    environment._place(source, target)

    assert target.stat().st_ino == source.stat().st_ino


@pytest.mark.slow
@pytest.mark.sandbox
@pytest.mark.timeout(180)
def test_an_installation_under_a_private_folder_runs_from_where_it_was_staged(world_readable: Path) -> None:
    """The interpreter may lie under a home of mode 0700; the jail reads only what was staged."""
    previous = os.umask(0o077)
    try:
        staged = environment.stage(world_readable / "jail-of-the-test")
    finally:
        os.umask(previous)
    again = environment.stage(world_readable / "jail-of-the-test")  # another process did the same: the first won

    settings = SandboxSettings(environment=staged.path, memory_mib=256)
    with JailedSandbox(settings) as sandbox:
        ran = sandbox.run(Order(code="import torch, sys\nprint(torch.__version__, sys.prefix)", tape=False))

    assert ran.outcome is Outcome.FINISHED
    assert ran.stdout == f"{staged.torch} /env\n"
    assert again == staged
    assert [path.name for path in world_readable.iterdir()] == ["jail-of-the-test"]
