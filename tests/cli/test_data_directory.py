"""`--data`, `AUTOGRAD_BOT_DATA` and `$XDG_DATA_HOME` name the data directory; nothing is written outside it."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from bot.cli.app import exit_code_of
from bot.store.engine import database_file
from tests.cli.typed import begun, ended


@pytest.mark.parametrize(
    ("option", "environment", "place"),
    [
        ("option", {"AUTOGRAD_BOT_DATA": "variable", "XDG_DATA_HOME": "xdg"}, "option"),
        (None, {"AUTOGRAD_BOT_DATA": "variable", "XDG_DATA_HOME": "xdg"}, "variable"),
        (None, {"XDG_DATA_HOME": "xdg"}, "xdg/autograd-bot"),
        (None, {"HOME": "home"}, "home/.local/share/autograd-bot"),
        ("~/there", {"HOME": "home"}, "home/there"),
    ],
)
def test_the_first_of_option_variable_and_standard_folder_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: str | None, environment: dict[str, str], place: str
) -> None:
    for name in ("AUTOGRAD_BOT_DATA", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, str(tmp_path / value))
    words = [] if option is None else ["--data", option if option.startswith("~") else str(tmp_path / option)]

    assert exit_code_of([*words, "db", "upgrade"]) == 0

    found = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert found == [database_file(tmp_path / place)]
    assert stat.S_IMODE((tmp_path / place).stat().st_mode) == 0o700


@pytest.mark.sandbox
@pytest.mark.slow
def test_whatever_is_done_nothing_is_written_outside_it(service: Path, tmp_path: Path) -> None:
    code = "import torch\nx = torch.arange(3.0, requires_grad=True)\n(x * x).backward()\n"
    archive = tmp_path / "post.json"
    archive.write_text(json.dumps({"id": "7", "title": "", "body": f"Why?\n\n```python\n{code}```"}), encoding="utf-8")
    data = tmp_path / "data"
    watched = tmp_path / "watched"
    names = ("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "work")
    for name in names:
        (watched / name).mkdir(parents=True)
    environment = {name: str(watched / name) for name in names[:-1]}
    environment |= {"AUTOGRAD_BOT_SANDBOX__SOCKET": str(service), "EDITOR": "sed -i s/number/figure/", "VISUAL": ""}

    for words in (
        ["replay", archive],
        ["drafts", "edit", 1, "--as", "mei"],
        ["knowledge", "try", "second_derivative", "--json"],
        ["drafts", "approve", 1, "--as", "mei"],
    ):
        end, loaded = ended(begun("--data", data, *words, env=environment, cwd=watched / "work"))
        assert end.code == 0, end.err
        assert not any(loaded.values())

    assert [path for path in watched.rglob("*") if path.is_file()] == []
    assert {path.name for path in data.iterdir()} == {database_file(data).name}
