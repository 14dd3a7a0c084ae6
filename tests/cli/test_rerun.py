"""`autograd-bot drafts rerun`: edited code is run again, and what it proves is kept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.domain.draft import Draft
from bot.store import drafts
from bot.store.opening import open_store
from tests.cli.typed import Type

pytestmark = pytest.mark.sandbox

CODE = "import torch\nx = torch.arange(4.0, requires_grad=True)\ny = x * x\ny.backward()\nx.grad\n"


@pytest.fixture
def made(running: Type, tmp_path: Path) -> Type:
    """A draft that the pipeline made: draft 1."""
    archive = tmp_path / "post.json"
    archive.write_text(
        json.dumps({"id": "7", "title": "", "body": f"Why?\n\n```python\n{CODE}```\n"}), encoding="utf-8"
    )
    assert running("replay", archive).code == 0
    return running


def stored(tmp_path: Path) -> Draft:
    store = open_store(tmp_path / "data")
    try:
        with store.reading() as connection:
            return drafts.get(connection, 1)
    finally:
        store.close()


def edit(made: Type, monkeypatch: pytest.MonkeyPatch, old: str, new: str) -> None:
    monkeypatch.setenv("EDITOR", f"sed -i 's/{old}/{new}/'")
    monkeypatch.delenv("VISUAL", raising=False)
    ended = made("drafts", "edit", 1)
    assert (ended.code, "have it run again: autograd-bot drafts rerun 1" in ended.out) == (0, True)


def test_code_that_runs_well_is_proved_and_can_be_approved(
    made: Type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit(made, monkeypatch, r"y\.sum()\.backward()", "y.backward(torch.ones(4))")
    assert made("drafts", "approve", 1).code == 7

    ended = made("drafts", "rerun", 1)

    assert (ended.code, ended.err) == (0, "")
    first, *_ = ended.out.splitlines()
    assert first == "Draft 1 was run again and has revision 2 now."
    checks = {line.split()[0]: line.split()[1] for line in ended.out.splitlines() if line.startswith(("error_", "min"))}
    assert checks == {"error_gone": "yes", "minimal": "not_checked"}
    kept = stored(tmp_path)
    assert (kept.proved, kept.claimed_by) == (True, None)
    assert json.loads(kept.record)["repair"]["code"] == CODE.replace("y.backward()", "y.backward(torch.ones(4))")
    assert made("drafts", "approve", 1).code == 0


def test_the_output_below_the_code_is_what_it_prints_now(
    made: Type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit(made, monkeypatch, r"^x\.grad$", "x.grad.sum()")

    record = made("drafts", "rerun", 1, "--json").record

    assert (record["id"], record["proved"]) == (1, True)
    assert ">>> x.grad.sum()\ntensor(12.)" in record["reply"]
    assert "tensor([0., 2., 4., 6.])" not in record["reply"]
    assert record["record"]["after"]["echoes"] == [{"line": 5, "text": "tensor(12.)"}]


def test_a_proof_that_does_not_hold_is_kept_and_ends_with_its_exit_code(
    made: Type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit(made, monkeypatch, r"y\.sum()\.backward()", "(y + 0).backward()")

    ended = made("drafts", "rerun", 1, "--json")

    assert ended.code == 7
    assert ended.err == (
        "autograd-bot: The proof of draft 1 does not hold, so it cannot be approved. Edit it, or reject it.\n"
    )
    assert ended.record["proved"] is False
    assert ended.record["record"]["proof"]["error_gone"]["state"] == "no"
    assert "cannot be approved" in made("drafts", "rerun", 1).out
    assert made("drafts", "approve", 1).code == 7


def test_nothing_is_run_where_all_code_is_proved(made: Type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOGRAD_BOT_SANDBOX__SOCKET", "/no/such/socket")

    ended = made("drafts", "rerun", 1)

    assert (ended.code, ended.out) == (0, "All code in draft 1 is proved already; nothing was run.\n")
    assert made("drafts", "rerun", 1, "--json").record["revision"] == 1


def test_without_a_sandbox_the_draft_stays_as_it_was(
    made: Type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit(made, monkeypatch, r"y\.sum()", "y.mean()")
    before = stored(tmp_path)
    monkeypatch.setenv("AUTOGRAD_BOT_SANDBOX__SOCKET", "/no/such/socket")

    ended = made("drafts", "rerun", 1, "--json")

    assert (ended.code, "the sandbox service at /no/such/socket does not answer" in ended.complaint) == (3, True)
    assert stored(tmp_path) == before


def test_a_draft_that_was_decided_or_is_unknown_is_not_run(made: Type) -> None:
    made("drafts", "reject", 1, "--reason", "tone", "--as", "tom")

    decided, unknown = made("drafts", "rerun", 1), made("drafts", "rerun", 2)

    assert (decided.code, "tom made draft 1 rejected" in decided.complaint) == (7, True)
    assert (unknown.code, unknown.complaint.startswith("There is no draft 2.")) == (2, True)
