"""The generated pages say what the program says."""

from pathlib import Path

import pytest

from bot import reference
from bot.errors import BadInput
from bot.settings import Settings

FOLDER = Path(__file__).parents[1] / "docs" / "reference"


def test_no_page_is_stale() -> None:
    assert reference.stale(FOLDER) == [], "run `python -m bot.reference` and commit what it writes"


def test_no_page_is_left_over() -> None:
    assert {path.name for path in FOLDER.iterdir()} == set(reference.PAGES)


def test_written_pages_are_not_stale_and_changed_ones_are(tmp_path: Path) -> None:
    reference.write(tmp_path)
    assert reference.stale(tmp_path) == []

    (tmp_path / "words.md").write_text("by hand", encoding="utf-8")
    (tmp_path / "settings.md").unlink()

    assert sorted(reference.stale(tmp_path)) == ["settings.md", "words.md"]


def test_every_setting_has_a_row_with_what_it_takes_and_its_default() -> None:
    page = reference.settings_page()

    assert "| `forum.reads_per_minute` | whole number from 1 to 60 | `10` |" in page
    assert "| `publish.enabled` | true or false | `true` |" in page
    assert "| `log_level` | one of `debug`, `info`, `warning`, `error` | `info` |" in page
    for section, field in Settings.model_fields.items():
        for name in getattr(field.annotation, "model_fields", {}):
            assert f"| `{section}.{name}` |" in page


def test_a_keys_value_never_reaches_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOGRAD_BOT_FORUM__READ_KEY", "not for print")

    assert "not for print" not in reference.settings_page()


def test_a_command_comes_with_its_usage_its_example_and_its_options() -> None:
    page = reference.commands_page()

    assert "## autograd-bot knowledge check\n" in page
    assert "autograd-bot answer --topic thread.json --post 12\n" in page
    assert "| `--tape` | Also print the tape: every torch call of the run. |" in page


def test_the_exit_codes_are_those_of_the_errors() -> None:
    page = reference.exit_codes_page()

    assert "| 3 | `SandboxUnavailable` |" in page
    assert "| 7 | `ProofMissing` |" in page


def test_outside_a_checkout_it_says_where_to_run_it(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="top of a checkout"):
        reference.main([str(tmp_path / "docs")])
