from __future__ import annotations

from pathlib import Path

import pytest

from bot.cli.app import exit_code_of


def test_poll_goes_one_round_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code_of(["--data", str(tmp_path), "poll"]) == 2
    assert "poll --once" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["poll", "--once"], ["serve"]])
def test_without_a_forum_the_setting_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    assert exit_code_of(["--data", str(tmp_path), *command]) == 2

    (line,) = capsys.readouterr().err.splitlines()
    assert "forum.url" in line


@pytest.mark.sandbox
def test_a_forum_that_cannot_be_reached_ends_the_round_with_its_exit_code(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "settings.toml").write_text(
        '[forum]\nurl = "http://127.0.0.1:1"\nread_key = "r"\ncategories = [5]\nreads_per_minute = 60\n',
        encoding="utf-8",
    )

    assert exit_code_of(["--data", str(tmp_path), "poll", "--once"]) == 4

    said = capfd.readouterr()
    assert said.err.splitlines()[-1].startswith("autograd-bot: /posts.json: ")
    assert [line.split()[0] for line in said.out.splitlines()] == ["poll", "settle", "publish", "watch"]
