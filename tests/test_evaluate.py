"""Measuring: what an answer is worth, how worths are counted, kept, compared and shown."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.cli.app import exit_code_of
from bot.cli.context import Context
from bot.cli.evaluated import show_changes
from bot.domain.answer import Answer, Verdict
from bot.domain.diagnosis import Diagnosis
from bot.domain.post import Language, Post, Question
from bot.domain.run import Outcome, Run, RunError
from bot.domain.snippet import QuotedError
from bot.errors import BadInput, NotFound
from bot.evaluate.answering import evaluate
from bot.evaluate.changes import changes
from bot.evaluate.corpus import Families, Labelled, read_corpus, read_families
from bot.evaluate.figures import report
from bot.evaluate.marking import Mark, mark_of, marked
from bot.evaluate.page import page
from bot.library import read_library, shipped_folder
from bot.store import evaluations
from bot.store.engine import Store

FAMILIES = Families(
    {"non_leaf_grad": "leaf", "intermediate_grad": "leaf", "nan_gradient": "nan", "other_autograd": "other"},
    silent=frozenset({"other_autograd"}),
)
ENTRIES = frozenset({"non_leaf_grad", "intermediate_grad"})


def labelled(
    *labels: str, may_also: tuple[str, ...] = (), runnable: bool = False, id: str = "1", title: str = "a title"
) -> Labelled:
    question = Question(post=Post(id=id, raw="x.grad is None, why?"), title=title)
    return Labelled(id=id, question=question, labels=frozenset(labels), may_also=frozenset(may_also), runnable=runnable)


def silence(reason: str = "thanks", *, before: Run | None = None) -> Answer:
    return Answer(id="1", language=Language.ENGLISH, verdict=Verdict.SKIP, reason=reason, before=before, seconds=0.5)


def draft(name: str, *, confidence: float = 0.9, before: Run | None = None) -> Answer:
    found = Diagnosis(confusion=name, evidence=(), confidence=confidence, ran=before is not None)
    shown = silence(f"shows {name}", before=before)
    return replace(shown, verdict=Verdict.DRAFT, diagnosis=found, reply="because")


@pytest.mark.parametrize(
    ("post", "drafted", "worth"),
    [
        (labelled("non_leaf_grad"), "non_leaf_grad", Mark.RIGHT),
        (labelled("non_leaf_grad", "nan_gradient"), "nan_gradient", Mark.RIGHT),
        (labelled("non_leaf_grad"), "intermediate_grad", Mark.FAMILY),
        (labelled("non_leaf_grad"), "nan_gradient", Mark.WRONG),
        (labelled("non_leaf_grad"), None, Mark.MISSED),
        (labelled(), "nan_gradient", Mark.FALSE_ALARM),
        (labelled(), None, Mark.SILENT),
        (labelled("other_autograd"), "nan_gradient", Mark.FALSE_ALARM),
        (labelled("other_autograd"), None, Mark.SILENT),
        (labelled(may_also=("non_leaf_grad",)), "non_leaf_grad", Mark.NEITHER),
        (labelled(may_also=("non_leaf_grad",)), "intermediate_grad", Mark.NEITHER),
        (labelled(may_also=("non_leaf_grad",)), "nan_gradient", Mark.FALSE_ALARM),
        (labelled(may_also=("non_leaf_grad",)), None, Mark.SILENT),
        (labelled("nan_gradient", may_also=("non_leaf_grad",)), "non_leaf_grad", Mark.NEITHER),
    ],
)
def test_an_answer_is_worth_what_the_labels_say(post: Labelled, drafted: str | None, worth: Mark) -> None:
    assert mark_of(drafted, post, FAMILIES) is worth


def test_precision_and_recall_are_counted_by_name_and_by_family() -> None:
    record = recorded(
        (labelled("non_leaf_grad", id="1"), draft("non_leaf_grad")),
        (labelled("non_leaf_grad", id="2"), draft("intermediate_grad")),
        (labelled("non_leaf_grad", id="3"), draft("nan_gradient")),
        (labelled("non_leaf_grad", id="4"), silence()),
        (labelled(id="5"), draft("nan_gradient")),
        (labelled(id="6"), silence()),
        (labelled(id="7"), silence()),
        (labelled(id="8"), silence()),
    )

    figures = record["tables"]["all"]
    assert (figures["precision"], figures["family_precision"]) == (0.25, 0.5)
    assert (figures["recall"], figures["family_recall"]) == (0.25, 0.5)
    assert (figures["false_alarms"], figures["abstention"]) == (0.25, 0.5)
    leaf = next(row for row in record["families"] if row["name"] == "leaf")
    assert (leaf["drafts"], leaf["right"], leaf["labelled"], leaf["found"]) == (2, 2, 4, 2)


def test_what_is_neither_right_nor_wrong_counts_nowhere() -> None:
    alone = recorded((labelled("non_leaf_grad"), draft("non_leaf_grad")))
    more = recorded(
        (labelled("non_leaf_grad"), draft("non_leaf_grad")),
        (labelled("nan_gradient", may_also=("non_leaf_grad",), id="2"), draft("non_leaf_grad")),
    )

    for figure in ("precision", "recall", "false_alarms"):
        assert more["tables"]["all"][figure] == alone["tables"]["all"][figure]
    assert more["posts"] == 2


def test_posts_whose_code_was_run_are_counted_apart() -> None:
    record = recorded(
        (labelled("non_leaf_grad", id="1"), draft("non_leaf_grad", before=Run(outcome=Outcome.RAISED))),
        (labelled("non_leaf_grad", id="2"), silence()),
        (labelled("non_leaf_grad", id="3"), silence(before=Run(outcome=Outcome.NOT_STARTED))),
    )

    assert record["tables"]["ran"]["posts"] == 1
    assert record["tables"]["ran"]["recall"] == 1.0
    assert record["tables"]["text_only"]["posts"] == 2
    assert record["tables"]["text_only"]["recall"] == 0.0


def test_a_share_of_nothing_is_none() -> None:
    figures = recorded((labelled(), silence()))["tables"]["ran"]

    assert (figures["posts"], figures["precision"], figures["recall"], figures["false_alarms"]) == (0, None, None, None)


@pytest.mark.parametrize(
    ("error", "quoted", "reproduced"),
    [
        (None, None, True),
        ("RuntimeError", None, True),
        ("NameError", None, False),
        ("NameError", "NameError", True),
        ("ModuleNotFoundError", "RuntimeError", False),
    ],
)
def test_a_program_that_lacked_something_was_not_reproduced(
    error: str | None, quoted: str | None, reproduced: bool
) -> None:
    run = Run(
        outcome=Outcome.RAISED if error else Outcome.FINISHED,
        error=RunError(type=error, message="…", line=1) if error else None,
    )
    answer = replace(silence(before=run), reported_error=QuotedError(message="…", type=quoted) if quoted else None)

    record = recorded((labelled("non_leaf_grad", runnable=True), answer))

    assert record["runnable"] == {"posts": 1, "reproduced": int(reproduced), "share": float(reproduced)}


def test_labels_without_an_entry_are_counted() -> None:
    record = recorded(
        (labelled("nan_gradient"), silence()), (labelled("nan_gradient", "non_leaf_grad", id="2"), silence())
    )

    assert record["without_entry"] == 1


def test_the_worst_are_sure_drafts_about_the_wrong_thing() -> None:
    record = recorded(
        (labelled("non_leaf_grad", id="missed"), silence()),
        (labelled(id="unsure"), draft("nan_gradient", confidence=0.6)),
        (labelled(id="sure"), draft("nan_gradient", confidence=0.95)),
        (labelled("non_leaf_grad", id="right"), draft("non_leaf_grad")),
    )

    assert [one["id"] for one in record["worst"]] == ["sure", "unsure", "missed"]


def test_the_matrix_says_what_was_taken_for_what() -> None:
    matrix = recorded(
        (labelled("non_leaf_grad", id="1"), draft("intermediate_grad")),
        (labelled("non_leaf_grad", id="2"), draft("nan_gradient")),
        (labelled("nan_gradient", id="3"), silence()),
        (labelled(id="4"), silence()),
    )["matrix"]

    assert matrix["names"] == ["leaf", "nan", "silence"]
    assert matrix["counts"] == [[1, 1, 0], [0, 0, 1], [0, 0, 1]]


def test_the_same_answers_give_the_same_record() -> None:
    posts = [(labelled("non_leaf_grad", "nan_gradient", id=str(n)), draft("non_leaf_grad")) for n in range(20)]

    assert json.dumps(recorded(*posts)) == json.dumps(recorded(*posts))


def test_a_post_is_begun_only_when_its_mark_is_asked_for() -> None:
    begun: list[str] = []

    def answer(question: Question) -> Answer:
        begun.append(question.post.id)
        return silence()

    posts = [labelled(id=str(number)) for number in range(12)]
    marks = evaluate(posts, answer, FAMILIES)

    assert next(marks).id == "0"
    assert begun == ["0"]
    assert [one.id for one in marks] == [post.id for post in posts[1:]]


def test_changes_name_the_posts_and_the_figures_that_differ() -> None:
    before = recorded(
        (labelled("non_leaf_grad", id="1"), silence()),
        (labelled(id="2"), silence()),
        (labelled(id="3"), silence()),
        (labelled(id="gone"), silence()),
    )
    after = recorded(
        (labelled("non_leaf_grad", id="1"), draft("non_leaf_grad")),
        (labelled(id="2"), draft("nan_gradient")),
        (labelled(id="3"), silence()),
        (labelled(id="new"), silence()),
    )

    found = changes(before, after)

    assert [(post["id"], post["change"]) for post in found["posts"]] == [("1", "better"), ("2", "worse")]
    assert {"table": "all", "figure": "recall", "before": 0.0, "after": 1.0} in found["figures"]
    assert (found["only_before"], found["only_after"]) == (["gone"], ["new"])
    assert found["corpora"] == {
        "before": {"corpus": "posts.jsonl", "posts": 4},
        "after": {"corpus": "posts.jsonl", "posts": 4},
        "compared": 3,
    }


def test_only_the_posts_that_both_corpora_have_are_compared_and_that_is_said_first(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    asked = labelled("non_leaf_grad", id="1", title="Why?")
    before = recorded(
        (asked, draft("non_leaf_grad")),
        (labelled("non_leaf_grad", id="2", title="Another"), silence()),
        (labelled("non_leaf_grad", id="3", title="Labelled anew"), silence()),
    )
    after = recorded(
        (asked, draft("non_leaf_grad")),
        (labelled("nan_gradient", id="2", title="Not that post"), draft("nan_gradient")),
        (labelled("nan_gradient", id="3", title="Labelled anew"), draft("nan_gradient")),
    )

    found = changes(before, after)
    show_changes(Context(tmp_path).console, found, "monday")

    assert (found["figures"], found["posts"]) == ([], [])
    lines = capsys.readouterr().out.strip().splitlines()
    assert lines == [
        "What changed since monday",
        "The corpora differ: monday answered 3 posts of posts.jsonl, this run 3 of posts.jsonl. Compared are the 1 posts"
        " that both have, with the same title and labels; only in monday: 2, only in this run: 2.",
        "nothing",
    ]
    assert "The corpora differ: 3 posts of posts.jsonl, then 3 of posts.jsonl." in page(after, found)


def test_the_same_run_twice_changed_nothing() -> None:
    record = recorded((labelled("non_leaf_grad"), draft("non_leaf_grad")))

    assert not any(changes(record, record).values())


def test_a_run_is_kept_by_its_name(store: Store) -> None:
    record = recorded((labelled("non_leaf_grad"), draft("non_leaf_grad")))

    with store.writing() as connection:
        evaluations.keep(connection, "monday", {"posts": 0}, now=datetime(2026, 3, 2, tzinfo=UTC))
        with pytest.raises(BadInput, match='kept as "monday" already, of 2026-03-02 00:00 UTC'):
            evaluations.keep(connection, "monday", record, now=datetime(2026, 3, 3, tzinfo=UTC))
        assert evaluations.kept(connection, "monday") == {"posts": 0}
        evaluations.keep(connection, "monday", record, now=datetime(2026, 3, 3, tzinfo=UTC), replace=True)

    with store.reading() as connection:
        assert evaluations.kept(connection, "monday") == record
        with pytest.raises(NotFound, match="monday"):
            evaluations.kept(connection, "tuesday")


def test_the_page_is_one_file_in_which_nothing_of_a_stranger_lives() -> None:
    record = recorded((labelled("non_leaf_grad", title="<script>alert(1)</script> {{ 7 }}"), draft("nan_gradient")))

    shown = page(record, changes(record, record))

    assert "<script" not in shown
    assert "&lt;script&gt;alert(1)&lt;/script&gt; {{ 7 }}" in shown
    assert shown.count("<svg") == 4
    assert "http://" not in shown
    assert "https://" not in shown


def test_a_page_of_an_empty_table_is_drawn() -> None:
    assert "–" in page(recorded((labelled(), silence())))


def test_a_line_that_cannot_be_read_is_told_and_the_rest_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "posts.jsonl"
    file.write_text(
        '{"id": "1", "title": "t", "body": "b", "labels": ["non_leaf_grad"], "runnable": true}\n'
        "\n"
        "not JSON\n"
        '{"id": "2", "body": "b"}\n'
        '{"id": "3", "body": "b", "labels": ["non_leaf_grda"]}\n'
        '{"id": "4", "body": "b", "labels": "non_leaf_grad"}\n'
        '{"id": "5", "body": "b", "labels": [], "may_also": ["nan_gradient"], "lang": "zh"}\n',
        encoding="utf-8",
    )

    corpus = read_corpus(file, FAMILIES)

    assert [(post.id, post.runnable) for post in corpus.posts] == [("1", True), ("5", False)]
    assert [sentence.split(":")[0] for sentence in corpus.unreadable] == [
        f"posts.jsonl, line {n}" for n in (2, 3, 4, 5, 6)
    ]
    assert "non_leaf_grad" in corpus.unreadable[3]


@pytest.mark.parametrize("content", ["", "[]\n", '{"id": "1", "body": "b"}\n', "\xff\n"])
def test_a_file_without_a_labelled_post_is_refused_in_words(tmp_path: Path, content: str) -> None:
    file = tmp_path / "posts.jsonl"
    file.write_text(content, encoding="latin-1")

    with pytest.raises(BadInput, match="no labelled post"):
        read_corpus(file, FAMILIES)


def test_a_missing_file_is_an_error_of_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code_of(["--data", str(tmp_path), "evaluate", str(tmp_path / "none.jsonl")]) == 2
    assert "none.jsonl" in capsys.readouterr().err


def test_the_table_of_families_agrees_with_the_entries() -> None:
    library = read_library()
    table = read_families(shipped_folder() / "families.toml", ())

    assert {entry.name: table.of(entry.name) for entry in library} == {entry.name: entry.family for entry in library}


@pytest.mark.sandbox
@pytest.mark.slow
def test_a_corpus_is_measured_kept_compared_and_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    corpus, html = tmp_path / "posts.jsonl", tmp_path / "page.html"
    code = "import torch\nx = torch.arange(3.0, requires_grad=True)\ny = x * x\ny.backward()"
    posts = [
        {
            "id": "asks",
            "title": "Why?",
            "body": f"Why does this fail?\n\n```\n{code}\n```",
            "labels": ["non_scalar_backward"],
        },
        {"id": "thanks", "title": "Why?", "body": "Thank you, that helped!", "labels": []},
    ]
    corpus.write_text("".join(json.dumps(post) + "\n" for post in posts), encoding="utf-8")
    command = ["--data", str(tmp_path / "data"), "evaluate", str(corpus)]

    assert exit_code_of([*command, "--json", "--keep", "first", "--html", str(html)]) == 0
    record = json.loads(capsys.readouterr().out)
    assert [(one["id"], one["mark"]) for one in record["answers"]] == [("asks", "right"), ("thanks", "silent")]
    assert record["repairs"]["proved"] == 1
    assert "non_scalar_backward" in html.read_text(encoding="utf-8")

    assert exit_code_of([*command, "--against", "first"]) == 0
    shown = capsys.readouterr().out
    assert "What changed since first\nnothing" in shown
    assert "text only" in shown

    assert exit_code_of([*command, "--against", "second"]) == 2
    assert "first" in capsys.readouterr().err

    assert exit_code_of([*command, "--keep", "first"]) == 2
    assert 'A run is kept as "first" already' in capsys.readouterr().err
    assert exit_code_of([*command, "--keep", "first", "--replace"]) == 0


def recorded(*answered: tuple[Labelled, Answer]) -> dict[str, Any]:
    marks = [marked(post, answer, FAMILIES) for post, answer in answered]
    return report(marks, FAMILIES, corpus="posts.jsonl", entries=ENTRIES)
