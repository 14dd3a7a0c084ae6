"""Fixtures for tests of the command line."""

from __future__ import annotations

import io
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.cli.app import exit_code_of
from bot.sandbox.client import JailedSandbox
from bot.sandbox.service import SandboxServer
from tests.cli.typed import Ended, Type


@pytest.fixture
def typed(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Type:
    """Types a command line on the data directory of this test."""
    monkeypatch.setenv("AUTOGRAD_BOT_MODERATOR", "mei")

    def type_in(*words: object, typed_in: bytes = b"") -> Ended:
        capsys.readouterr()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(typed_in)))
        code = exit_code_of(["--data", str(tmp_path / "data"), *map(str, words)])
        said = capsys.readouterr()
        return Ended(code, said.out, said.err)

    return type_in


@pytest.fixture(scope="session")
def service(sandbox: JailedSandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The socket of a sandbox that runs as a service: commands that use it need not start one each."""
    path = tmp_path_factory.mktemp("run") / "sandbox.sock"
    server = SandboxServer(sandbox, path)
    thread = threading.Thread(target=server.serve)
    thread.start()
    yield path
    server.stop()
    thread.join()


@pytest.fixture
def running(typed: Type, service: Path, monkeypatch: pytest.MonkeyPatch) -> Type:
    """The same as `typed`, with a sandbox."""
    monkeypatch.setenv("AUTOGRAD_BOT_SANDBOX__SOCKET", str(service))
    return typed
