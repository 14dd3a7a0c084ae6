"""A reply says what ran, shows only what is proved, and lets nothing that a stranger wrote out of its code."""

from __future__ import annotations

import ast
import inspect
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from bot.diagnose.signals import known_words
from bot.domain.confusion import Confusion, ConfusionKind
from bot.domain.diagnosis import Check, CheckState, Diagnosis, Proof, Repair, code_sha256
from bot.domain.post import Language
from bot.domain.run import Echo, Facts, Outcome, Run, RunError
from bot.domain.snippet import Assumption, AssumptionKind, QuotedError, Snippet
from bot.domain.tape import NamedTensor, Tape, TensorState
from bot.draft.render import LONGEST_LINE, MOST_LINES, Evidence, Example, output_of, reply
from bot.library import read_library
from bot.sandbox import unsupported
from tests.draft.test_markdown import STRANGE

PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
LINK = "https://docs.pytorch.org/docs/stable/autograd.html"
CODE = "import torch\ny.sum().backward()\n"
YES, NO = Check(state=CheckState.YES), Check(state=CheckState.NO)
OPEN = Check(state=CheckState.NOT_CHECKED, why="too slow")
STATE = TensorState(
    serial=1, shape=(), dtype="float32", leaf=True, requires_grad=True, grad_fn=None, version=0, grad="set"
)  # fmt: skip
ENTRIES = tuple(read_library(words=known_words()))


def entry(kind: ConfusionKind = ConfusionKind.MISTAKE, **more: Any) -> Confusion:
    made = Confusion(
        name="tried", family="tried", kind=kind, title={Language.ENGLISH: "t", Language.CHINESE: "t"}, asked_as={},
        not_this=(), seen={}, fixes=(), facts={"x": "$X"}, link=LINK, cases=(), folder=Path("nowhere"),
        explain={Language.ENGLISH: "{x} is no scalar.\n---\nBecause {x}.\n", Language.CHINESE: "{x} 不是标量。\n---\n因为 {x}。\n"},
    )  # fmt: skip
    return replace(made, **more)


def proof(**parts: Check) -> Proof:
    return Proof(
        code_sha256=code_sha256(CODE),
        **({"error_gone": YES, "confusion_gone": YES, "values_kept": YES, "gradient": YES, "minimal": YES} | parts),
    )


def ran(stdout: str = "", **more: Any) -> Run:
    prints = (Echo(line=1, text=stdout),) if stdout else ()
    return Run(outcome=Outcome.FINISHED, prints=prints, torch_version="2.13.0+cpu", facts=Facts(), **more)


def evidence(**more: Any) -> Evidence:
    made = Evidence(
        language=Language.ENGLISH,
        entry=entry(),
        diagnosis=Diagnosis(confusion="tried", evidence=(), confidence=1.0, ran=True, same_error=True),
        facts={"x": "y"},
        snippet=Snippet(code="y.backward()\n"),
        before=replace(ran(), outcome=Outcome.RAISED, error=RunError(type="RuntimeError", message="no", line=1)),
        repair=Repair(fix="sum", code=CODE, diff="", changed=(1,)),
        after=ran("tensor([2.])\n"),
        proof=proof(),
    )
    return replace(made, **more)


def tokens_of(text: str) -> list[Token]:
    return [inner for token in PARSER.parse(text) for inner in (token, *(token.children or ()))]


def fences(text: str) -> list[str]:
    return [token.content for token in tokens_of(text) if token.type == "fence"]


# What a stranger wrote


@given(
    strange=st.lists(STRANGE.map(lambda text: f"{text}EVIL{text}"), min_size=12, max_size=12),
    language=st.sampled_from(Language),
    kind=st.sampled_from(ConfusionKind),
    proved=st.booleans(),
    same=st.sampled_from([True, False, None]),
    with_example=st.booleans(),
    seen=st.booleans(),
)
def test_nothing_a_stranger_wrote_leaves_its_code(
    strange: list[str],
    language: Language,
    kind: ConfusionKind,
    proved: bool,
    same: bool | None,
    with_example: bool,
    seen: bool,
) -> None:
    fact, code, own, out, echo, error, kind_of, quoted, original, restored, name, grad = strange
    tape = Tape(finals=(NamedTensor(name=name, state=STATE, value=None, grad=grad),))
    restoring = Assumption(kind=AssumptionKind.RESTORED_CHARACTER, text="t", original=original, restored=f"{restored}*")
    failed = RunError(type=kind_of, message=error, line=1) if proved else None
    program = ran(out, error=failed, tape=tape, echoes=(Echo(line=1, text=echo),))
    text = reply(
        evidence(
            language=language,
            entry=entry(kind),
            facts={"x": fact},
            snippet=Snippet(code=own, assumptions=(restoring,)),
            before=program if seen else None,
            tried=None if seen else program,
            reported=QuotedError(message=quoted),
            repair=Repair(fix="f", code=code, diff="", changed=()) if seen else None,
            after=ran(out, tape=tape),
            proof=proof(gradient=YES if proved else NO),
            diagnosis=Diagnosis(confusion="tried", evidence=(), confidence=1.0, ran=True, same_error=same),
            example=Example(code=code, run=ran(out)) if with_example else None,
        )
    )

    for token in tokens_of(text):
        assert token.type not in ("html_block", "html_inline", "heading_open", "image", "table_open", "blockquote_open")
        assert token.type != "link_open" or token.attrs == {"href": LINK}
        assert token.type in ("fence", "code_inline", "inline") or "EVIL" not in token.content
    if proved and seen:
        assert fences(text)[0].strip("\n") == code.strip("\n")
    lines, inside = text.split("\n"), set[int]()
    for token in PARSER.parse(text):
        if token.type == "fence" and token.map:
            inside |= set(range(*token.map))
    outside = [line for number, line in enumerate(lines) if number not in inside]
    assert [line for line in outside if line.lstrip().startswith("[")] in (
        ['[details="Why"]', "[/details]"],
        ['[details="为什么"]', "[/details]"],
    )


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("confusion", ENTRIES, ids=lambda confusion: confusion.name)
def test_every_entry_gives_a_whole_reply_in_both_languages(confusion: Confusion, language: Language) -> None:
    facts = dict.fromkeys(confusion.facts, "a_fact")
    text = reply(evidence(entry=confusion, language=language, facts=facts))

    assert "{" not in "".join(token.content for token in tokens_of(text) if token.type == "text")
    assert CODE in text
    assert "tensor([2.])" in text
    assert confusion.link in text
    assert not any(token.type.startswith(("html", "heading", "image")) for token in tokens_of(text))
    assert text.startswith(text.strip()[:10])
    assert text.endswith("*\n")
    assert 200 < len(text) < 8000


def test_what_surrounds_the_reply_is_in_the_askers_language() -> None:
    english, chinese = reply(evidence()), reply(evidence(language=Language.CHINESE))
    assert not any("一" <= sign <= "鿿" for sign in english)
    words = "".join(token.content for token in tokens_of(chinese) if token.type == "text")
    assert sum("一" <= sign <= "鿿" for sign in words) > sum(sign.isascii() and sign.isalpha() for sign in words)


# What may be shown


def test_a_proved_repair_is_shown_with_what_it_printed_and_the_release() -> None:
    text = reply(evidence())
    assert fences(text) == [CODE, "tensor([2.])\n"]
    assert "torch 2.13.0)" in text
    assert "they agree" in text


@pytest.mark.parametrize("part", ["error_gone", "confusion_gone", "values_kept", "gradient", "minimal"])
def test_a_repair_of_which_a_part_fails_is_not_shown(part: str) -> None:
    text = reply(evidence(proof=proof(**{part: NO})))
    assert CODE.splitlines()[1] not in text
    assert fences(text) == []


@pytest.mark.parametrize("part", ["error_gone", "confusion_gone"])
def test_the_first_two_parts_may_not_be_left_open(part: str) -> None:
    assert fences(reply(evidence(proof=proof(**{part: OPEN})))) == []


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        (Language.ENGLISH, "could not be compared with a numeric derivative"),
        (Language.CHINESE, "没能和数值微分的结果比较"),
    ],
)
def test_a_gradient_that_was_not_compared_is_said_to_be_so(language: Language, sentence: str) -> None:
    text = reply(evidence(proof=proof(gradient=OPEN), language=language))
    assert fences(text)[0] == CODE
    assert sentence in text


def test_a_repair_without_a_proof_is_not_shown() -> None:
    assert fences(reply(evidence(proof=None))) == []


@pytest.mark.parametrize(
    ("language", "said", "own"),
    [
        (Language.ENGLISH, "With only the needed lines changed:", True),
        (Language.ENGLISH, "Done right:", False),
        (Language.CHINESE, "只改了必要的几行：", True),
        (Language.CHINESE, "正确的写法：", False),
    ],
)
def test_a_program_of_the_chapter_is_not_said_to_have_been_changed(language: Language, said: str, own: bool) -> None:
    text = reply(evidence(language=language, snippet=Snippet(code="y.backward()\n", own=own)))
    assert text.split("\n```")[0].endswith(said + "\n")


def test_without_a_repair_the_entrys_own_example_is_shown() -> None:
    text = reply(evidence(repair=None, after=None, proof=None, example=Example(code="x = 1\n", run=ran("1\n"))))
    assert fences(text) == ["x = 1\n", "1\n"]


@pytest.mark.parametrize("language", Language)
def test_without_code_the_whole_of_our_own_example_is_shown_wrong_before_right(language: Language) -> None:
    stopped = replace(ran(), outcome=Outcome.RAISED, error=RunError(type="ValueError", message="no\nmore", line=2))
    own = Example(code="x = 1\n", run=ran("1\n"), wrong="x = 2\n", wrong_run=stopped)
    text = reply(
        evidence(language=language, snippet=None, before=None, repair=None, after=None, proof=None, example=own)
    )

    assert fences(text) == ["x = 2\n", "ValueError: no\n", "x = 1\n", "1\n"]
    assert text.index("`y`") > text.index("ValueError")  # what is said of the cause is said of this program


WORDS_ALONE = {"before": None, "repair": None, "after": None, "proof": None, "example": Example(code="x\n", run=ran())}
LACKING = Run(
    outcome=Outcome.UNSUPPORTED,
    reason="it needs the module torchvision, which the sandbox does not have",
    error=RunError(type="ModuleNotFoundError", message="No module named 'torchvision'", line=1),
)
TIMED_OUT = Run(outcome=Outcome.TIMED_OUT, reason="it did not end within the time limit")


@pytest.mark.parametrize(
    ("tried", "language", "said"),
    [
        (None, Language.ENGLISH, "There was no code in the post that could be run."),
        (None, Language.CHINESE, "帖子里没有可以运行的代码。"),
        (ran(), Language.ENGLISH, "does not show what you describe: it runs to its end."),
        (ran(), Language.CHINESE, "没有出现你说的情况：程序正常运行结束。"),
        (ran(error=RunError(type="E", message="no", line=1)), Language.ENGLISH, "it stops with `E: no`."),
        (ran(error=RunError(type="E", message="no", line=1)), Language.CHINESE, "它停在 `E: no`。"),
        (Run(outcome=Outcome.UNSUPPORTED), Language.ENGLISH, "I could not run the code of the post here."),
        (LACKING, Language.ENGLISH, "here, because it needs the module `torchvision`, which is not there. This"),
        (LACKING, Language.CHINESE, "在这里无法运行，因为它需要这里没有的模块 `torchvision`。"),
        (TIMED_OUT, Language.ENGLISH, "here: it did not end within the time limit. This"),
        (TIMED_OUT, Language.CHINESE, "在这里无法运行：它没有在规定的时间内结束。"),
        (Run(outcome=Outcome.UNSUPPORTED), Language.CHINESE, "帖子里的代码在这里无法运行。"),
    ],
)
def test_an_answer_to_words_alone_says_what_the_asker_s_own_code_did(
    tried: Run | None, language: Language, said: str
) -> None:
    unlike = Diagnosis(confusion="tried", evidence=(), confidence=0.8, ran=False, same_error=False if tried else None)
    text = reply(evidence(**WORDS_ALONE, tried=tried, language=language, diagnosis=unlike))
    assert said in text.split("\n```")[0]


def reasons() -> list[str]:
    """The sentences about what the sandbox lacks, those without gaps."""
    texts = [
        node.value for node in ast.walk(ast.parse(inspect.getsource(unsupported))) if isinstance(node, ast.Constant)
    ]
    return [
        text
        for text in texts
        if isinstance(text, str) and re.match(r"(?:it (?!needs the module )|torch\.compile )\w+", text)
    ]


@pytest.mark.parametrize("reason", reasons())
def test_every_reason_for_which_code_cannot_be_run_is_said_in_chinese(reason: str) -> None:
    run = Run(outcome=Outcome.UNSUPPORTED, reason=reason)
    text = reply(evidence(**WORDS_ALONE, tried=run, language=Language.CHINESE))
    assert "帖子里的代码在这里无法运行：" in text
    assert reason not in text or reason.startswith("torch.compile")


@pytest.mark.parametrize(
    ("language", "said"),
    [
        (Language.ENGLISH, "(torch 2.13.0): it stops with `E: no`."),
        (Language.CHINESE, "（torch 2.13.0）：它停在 `E: no`。"),
    ],
)
def test_a_run_that_stops_with_the_quoted_error_is_not_said_to_show_another(language: Language, said: str) -> None:
    found = Diagnosis(confusion="tried", evidence=(), confidence=0.8, ran=False, same_error=True)
    stopped = ran(error=RunError(type="E", message="no", line=1))
    assert said in reply(evidence(**WORDS_ALONE, tried=stopped, language=language, diagnosis=found))


def test_what_was_assumed_to_run_the_code_is_said_beside_what_it_did() -> None:
    lent = Snippet(code="y\n", assumptions=(Assumption(kind=AssumptionKind.STAND_IN, text="t"),))
    text = reply(evidence(**WORDS_ALONE, tried=ran(), snippet=lent))
    assert text.count("small random numbers") == 1
    assert text.index("runs to its end") < text.index("small random numbers") < text.index("of our own")


@pytest.mark.parametrize(
    ("line", "said"),
    [("x = x.cuda()", True), ("x = x.to('mps')", True), ("# x.cuda()", False), ("from d2l import x", False)],
)
@pytest.mark.parametrize(("language", "words"), [(Language.ENGLISH, "no GPU here"), (Language.CHINESE, "没有 GPU")])
def test_that_code_for_a_gpu_was_changed_is_said_where_it_is_shown(
    line: str, said: bool, language: Language, words: str
) -> None:
    moved = Assumption(kind=AssumptionKind.SUBSTITUTED, text="t", original=line, restored="y")
    snippet = Snippet(code="y\n", assumptions=(moved,))

    assert (words in reply(evidence(snippet=snippet, language=language))) is said
    assert words not in reply(evidence(**WORDS_ALONE, tried=ran(), snippet=snippet, language=language))


def test_a_run_of_the_first_passes_alone_is_said_to_be_one_where_only_the_words_speak() -> None:
    text = reply(evidence(**WORDS_ALONE, tried=ran(passes=3)))
    assert text.index("runs to its end") < text.index("only its first passes were run") < text.index("of our own")


def test_an_example_that_is_not_wrong_is_shown_once() -> None:
    text = reply(
        evidence(
            snippet=None, before=None, repair=None, after=None, proof=None, example=Example(code="x\n", run=ran("1"))
        )
    )

    assert fences(text) == ["x\n", "1\n"]


def test_where_in_memory_an_object_lies_is_not_shown() -> None:
    echoes = (Echo(line=1, text="<torch._C.Generator object at 0x7f00>"), Echo(line=2, text="3"))

    assert output_of("seed()\nx\n", ran(echoes=echoes)) == ">>> x\n3"
    drawn = Echo(line=1, text="[<matplotlib.lines.Line2D object at 0x7fd606925590>]")
    assert output_of("plot(x)\n", ran(echoes=(drawn,))) == ""
    told = Echo(line=1, text="the hook <function f at 0x7fd6> of x\n")
    assert output_of("print(f)\n", replace(ran(), prints=(told,), echoes=())) == "the hook <function f> of x"
    assert output_of("x\n", ran(echoes=(Echo(line=1, text="[]"),))) == ">>> x\n[]"


def test_a_call_made_for_what_it_does_is_not_taken_for_one_that_shows_something() -> None:
    finals = (NamedTensor(name="x", state=STATE, value=None, grad="tensor([2.])"),)
    run = ran(echoes=(Echo(line=1, text="tensor([1.], requires_grad=True)"),), tape=Tape(finals=finals))

    assert output_of("x.requires_grad_(True)\n(x * x).sum().backward()\n", run) == ">>> x.grad\ntensor([2.])"


def test_a_misread_result_is_shown_as_it_ran() -> None:
    echoes = (Echo(line=1, text="tensor(1.)"),)
    asked = evidence(
        entry=entry(ConfusionKind.QUESTION), before=ran(echoes=echoes), snippet=Snippet(code="x  # here\n"), repair=None,
        after=None, proof=None,
    )  # fmt: skip
    assert fences(reply(asked)) == ["x  # here\n", ">>> x\ntensor(1.)\n"]


# The error that was quoted


def unlike(**before: Any) -> str:
    found = Diagnosis(confusion="tried", evidence=(), confidence=1.0, ran=True, same_error=False)
    return reply(evidence(diagnosis=found, reported=QuotedError(message="it broke"), before=ran(**before)))


def test_an_error_that_did_not_occur_is_said_not_to_have_occurred() -> None:
    tape = Tape(finals=(NamedTensor(name="x", state=STATE, value=None, grad="tensor([ 1.,\n  2.])"),))
    text = unlike(tape=tape)
    assert "did **not** occur" in text
    assert "`tensor([1., 2.])` in `x.grad`" in text


@pytest.mark.parametrize(
    ("message", "shown"), [("first\nsecond", "`ValueError: first`"), ("", "`ValueError`"), ("\n", "`ValueError`")]
)
def test_another_error_is_named_by_its_first_line(message: str, shown: str) -> None:
    text = unlike(error=RunError(type="ValueError", message=message, line=1))
    assert f"it stops with another one: {shown}." in text


@pytest.mark.parametrize("same", [True, None])
def test_nothing_is_said_of_an_error_that_did_occur_or_was_not_quoted(same: bool | None) -> None:
    found = Diagnosis(confusion="tried", evidence=(), confidence=1.0, ran=True, same_error=same)
    assert "did **not** occur" not in reply(evidence(diagnosis=found, reported=QuotedError(message="it broke")))


# Around it


def test_the_last_line_says_who_wrote_it_and_a_new_entry_says_that_it_is_new() -> None:
    assert "automatic helper" in reply(evidence()).splitlines()[-1]
    assert "is new" in reply(evidence(entry=entry(trial=True))).splitlines()[-1]
    assert "is new" not in reply(evidence())


def test_the_link_can_be_left_out() -> None:
    assert LINK not in reply(evidence(link=False))


def test_blank_lines_and_spaces_of_the_code_stay() -> None:
    code = "def f():\n\n\n    return 1   \n\n\nf()\n"
    assert fences(reply(evidence(repair=Repair(fix="f", code=code, diff="", changed=()))))[0] == code


def test_a_sentence_that_begins_with_code_in_backticks_is_no_fence() -> None:
    code = "a = 1\n\n\nb = 2\n"
    text = reply(evidence(facts={"x": "``a``"}, repair=Repair(fix="f", code=code, diff="", changed=())))
    assert fences(text)[0] == code


# Output


def test_output_is_shown_in_the_order_of_the_lines_as_in_a_notebook() -> None:
    run = Run(
        outcome=Outcome.FINISHED,
        prints=(Echo(line=3, text="three\n"), Echo(line=1, text="one\n")),
        echoes=(Echo(line=2, text="tensor(2.)"), Echo(line=9, text="elsewhere")),
    )
    assert output_of("print('one')\nx  # two\nprint('three')\n", run) == "one\n>>> x\ntensor(2.)\nthree\nelsewhere"


def test_a_program_that_shows_nothing_is_spoken_for_by_its_gradients() -> None:
    finals = tuple(
        NamedTensor(name=name, state=STATE, value=None, grad=grad) for name, grad in (("a", "1"), ("b", None))
    )
    run = Run(outcome=Outcome.FINISHED, tape=Tape(finals=finals))
    assert output_of("pass\n", run) == ">>> a.grad\n1"


def test_long_output_is_cut_and_says_so() -> None:
    many = "\n".join(map(str, range(100)))
    rows = output_of("", Run(outcome=Outcome.FINISHED, prints=(Echo(line=1, text=many),))).split("\n")
    assert (len(rows), rows[-1]) == (MOST_LINES + 1, "…")
    wide = output_of("", Run(outcome=Outcome.FINISHED, prints=(Echo(line=1, text="x" * 9999),)))
    assert (len(wide), wide[-1]) == (LONGEST_LINE, "…")
