"""From a question to an answer, with the project's own entries and the real sandbox."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bot.diagnose import signals
from bot.diagnose.match import Matcher
from bot.domain.answer import Answer
from bot.domain.diagnosis import CheckState
from bot.domain.post import Attachment, Language, Post, Question
from bot.domain.run import Limits, Outcome, Run
from bot.errors import NotFound, SandboxBroken, SandboxError
from bot.library import Library, read_entry
from bot.pipeline import Pipeline
from bot.sandbox import Order
from bot.settings import AnswerSettings

pytestmark = pytest.mark.sandbox


def asked(text: str, **more: object) -> Question:
    return Question(post=Post(id="7", raw=text), **more)  # type: ignore[arg-type]


def program(code: str, words: str = "Why does this fail?") -> Question:
    return asked(f"{words}\n\n```python\n{code}\n```\n")


VECTOR = "import torch\nx = torch.arange(3.0, requires_grad=True)\ny = x * x\ny.backward()\nprint(x.grad)"


def test_a_mistake_is_run_mended_proved_and_explained(pipeline: Pipeline) -> None:
    answer = pipeline.answer(program(VECTOR))

    assert answer.is_draft
    assert answer.diagnosis is not None
    assert answer.diagnosis.confusion == "non_scalar_backward"
    assert answer.before is not None
    assert answer.before.outcome is Outcome.RAISED
    assert answer.repair is not None
    assert "y.sum().backward()" in answer.repair.code
    assert answer.after is not None
    assert answer.after.stdout == "tensor([0., 2., 4.])\n"
    assert answer.proof is not None
    assert answer.proof.proves(answer.repair.code)
    assert answer.proof.gradient.yes
    assert answer.reply is not None
    assert "tensor([0., 2., 4.])" in answer.reply
    assert answer.seconds == 1.0


def test_the_code_of_an_attached_file_is_run_and_said_to_be_from_there(pipeline: Pipeline) -> None:
    linked = Post(
        id="7",
        raw="Why does this fail? [lab.py|attachment](upload://3f.py) (90 Bytes)",
        attachments=(Attachment(name="lab.py", text=VECTOR),),
    )
    answer = pipeline.answer(Question(post=linked))

    assert answer.diagnosis is not None
    assert answer.diagnosis.confusion == "non_scalar_backward"
    assert answer.snippet is not None
    assert [note.text for note in answer.snippet.assumptions] == ["taken from the attached file lab.py"]


def test_the_code_of_a_file_attached_to_an_earlier_post_of_the_asker_is_run(pipeline: Pipeline) -> None:
    message = "grad can be implicitly created only for scalar outputs"
    first = Post(
        id="6",
        raw="My program: [lab.py|attachment](upload://3f.py) (90 Bytes)",
        author="asker",
        attachments=(Attachment(name="lab.py", text=VECTOR),),
    )
    answer = pipeline.answer(
        Question(post=Post(id="7", raw=f"It says `{message}`, why?", number=2, author="asker"), earlier=(first,))
    )

    assert answer.diagnosis is not None
    assert (answer.diagnosis.confusion, answer.diagnosis.ran) == ("non_scalar_backward", True)
    assert answer.repair is not None


def test_the_reply_is_in_the_language_of_the_question(pipeline: Pipeline) -> None:
    answer = pipeline.answer(program(VECTOR, "为什么会报错？"))
    assert answer.language is Language.CHINESE
    assert answer.reply is not None
    assert "自动" in answer.reply


FLAT = """x = torch.tensor([1.0, 2.0], requires_grad=True)
h = (x * x).sum()
for k in range(2):
s = x * k
h.backward()
print(x.grad)"""


def test_of_two_ways_to_indent_the_one_that_shows_the_quoted_values_is_taken(pipeline: Pipeline) -> None:
    inside = pipeline.answer(asked(f"What goes wrong?\n\n{FLAT}\n"))
    outside = pipeline.answer(asked(f"What goes wrong?\n\n{FLAT}\n\nOutput: tensor([2., 4.])\n"))

    assert inside.diagnosis is not None
    assert inside.diagnosis.confusion == "graph_freed_stale_forward"
    assert outside.diagnosis is None
    assert outside.snippet is not None
    assert "\n    s = x * k\nh.backward()\n" in outside.snippet.code
    assert "indentation rebuilt" in outside.snippet.assumptions[-1].text


def test_of_two_ways_to_indent_the_one_that_stops_with_the_quoted_error_is_taken(pipeline: Pipeline) -> None:
    code = "w = torch.ones(2, requires_grad=True)\nwith torch.no_grad():\nh = w * 3\ns = (h * w).sum()\ns.backward()"
    message = "RuntimeError: element 0 of tensors does not require grad and does not have a grad_fn"
    stops = pipeline.answer(asked(f"{code}\n\n{message}\n\nWhy does it stop?"))

    assert stops.diagnosis is not None
    assert stops.diagnosis.same_error is True
    assert stops.snippet is not None
    assert "\n    s = (h * w).sum()\n" in stops.snippet.code


def test_a_working_solution_is_run_and_left_alone(pipeline: Pipeline) -> None:
    code = "import torch\nx = torch.arange(3.0, requires_grad=True)\n(x * x).sum().backward()\nprint(x.grad)"
    answer = pipeline.answer(program(code, "My solution to exercise 3:"))
    assert not answer.is_draft
    assert answer.reply is None
    assert answer.before is not None
    assert answer.before.outcome is Outcome.FINISHED


def test_long_notes_that_ask_nothing_are_left_alone(pipeline: Pipeline) -> None:
    notes = (
        "What I noted on the chapter. The result of a product of vectors is a vector, and its derivative is a matrix. "
        * 2
    )
    question = "Why does the last line of my notes stop?"

    told = pipeline.answer(program(VECTOR, notes))
    assert not told.is_draft
    assert told.reason == "nothing is asked"
    assert pipeline.answer(program(VECTOR, f"{notes}{question}")).is_draft


def test_code_that_runs_and_shows_nothing_wrong_is_left_alone(pipeline: Pipeline) -> None:
    answer = pipeline.answer(program("import torch\nprint(torch.ones(2))", "Is there a nicer way to print?"))
    assert not answer.is_draft
    assert answer.reason == "the code runs and nothing is wrong with it"


def test_an_error_that_no_entry_knows_is_left_alone(pipeline: Pipeline) -> None:
    answer = pipeline.answer(program("import torch\ntorch.ones(2) @ torch.ones(3)"))
    assert not answer.is_draft
    assert answer.reason == "another error: RuntimeError"


def test_code_that_the_sandbox_cannot_run_is_left_alone_with_what_it_lacks(pipeline: Pipeline) -> None:
    answer = pipeline.answer(program("import torch\nimport pandas\ntorch.ones(2) @ torch.ones(3)"))

    assert not answer.is_draft
    assert answer.reason == "could not be run: it needs the module pandas, which the sandbox does not have"


def test_a_question_without_code_is_answered_with_the_entrys_own_example(pipeline: Pipeline) -> None:
    message = "RuntimeError: grad can be implicitly created only for scalar outputs"
    answer = pipeline.answer(asked(f"What does this mean?\n\n    {message}\n"))

    assert answer.is_draft
    assert (answer.snippet, answer.before, answer.repair, answer.proof) == (None, None, None, None)
    assert answer.diagnosis is not None
    assert (answer.diagnosis.confusion, answer.diagnosis.ran) == ("non_scalar_backward", False)
    entry = pipeline.library.get("non_scalar_backward")
    fixed = [case.text().strip() for case in entry.cases if case.role == "fixed"]
    assert answer.reply is not None
    assert any(code in answer.reply for code in fixed)


def test_the_example_for_a_program_without_a_repair_is_one_of_the_same_operation(pipeline: Pipeline) -> None:
    code = "import torch\nw = torch.ones(2, requires_grad=True)\ntorch.round(w * 2).sum().backward()\nprint(w.grad)"
    reply = pipeline.answer(program(code)).reply

    assert reply is not None
    assert "torch.round(w) - w).detach()" in reply
    assert "cross_entropy" not in reply.split("[details")[0]


def test_what_the_asker_asks_outright_counts_more_than_a_message_by_the_way(pipeline: Pipeline) -> None:
    message = "AttributeError: 'NoneType' object has no attribute 'zero_'"
    by_the_way = asked(f"The loop over the parameters says\n\n    {message}\n", title="Is argmax differentiable?")
    alone = asked(f"What is this? My training stops with\n\n    {message}\n")

    names = [answer.diagnosis and answer.diagnosis.confusion for answer in map(pipeline.answer, (by_the_way, alone))]
    assert names == ["nondifferentiable_operation", "grad_before_backward"]


SOFTMAX = "softmax_before_cross_entropy"


def test_a_gradient_that_only_a_sentence_speaks_of_is_read(pipeline: Pipeline) -> None:
    code = "import torch\nx = torch.rand(3, requires_grad=True)\ny = (4 * x).floor().sum()\ny.backward()"

    answer = pipeline.answer(program(code, "What does floor() do to the gradient? `x.grad` holds only zeros here."))

    assert answer.diagnosis is not None
    assert (answer.diagnosis.confusion, answer.diagnosis.ran) == ("nondifferentiable_operation", True)
    assert answer.snippet is not None
    assert answer.snippet.code.splitlines()[-1] == "x.grad"
    assert [note.text for note in answer.snippet.assumptions] == ["x.grad is named in the post, not shown as code"]


def test_a_switch_that_is_false_is_no_question_about_an_intermediate_gradient(pipeline: Pipeline) -> None:
    code = "import torch\nw = torch.rand(3, requires_grad=True)\na = w * 2\nb = w * 3\nc = torch.ge(a, b)"
    words = "The requires_grad of `a` and of `b` is True, but that of `c` is False. Why, can I still call backward()?"

    answer = pipeline.answer(program(code, words))

    assert answer.diagnosis is not None
    assert answer.diagnosis.confusion == "nondifferentiable_operation"


def test_a_method_that_is_given_too_much_is_no_custom_function_by_its_message_alone(pipeline: Pipeline) -> None:
    said = "TypeError: mul_() takes 1 positional argument but 2 were given. Why does training fail?"
    function = "TypeError: forward() takes 1 positional argument but 2 were given. Why does my autograd.Function fail?"

    assert not pipeline.answer(asked(said)).is_draft
    assert pipeline.answer(asked(function)).is_draft


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("In my code softmax is applied twice, once in forward and once in the cross entropy loss, is that wrong?", f"the words fit {SOFTMAX}; nothing could be run"),
        ("Something is wrong in my code: softmax is applied twice, once in forward and once in the cross entropy loss.", f"the words fit {SOFTMAX}; nothing could be run"),
        ("Section 2 is wrong: softmax is applied twice, once in forward and once in the cross entropy loss.", "nothing is asked"),
    ],
)  # fmt: skip
def test_words_alone_are_answered_where_somebody_asks_or_tells_of_own_doing(
    pipeline: Pipeline, body: str, reason: str
) -> None:
    assert pipeline.answer(asked(body)).reason == reason


@pytest.mark.parametrize(
    ("title", "body"),
    [
        (
            "Torch epoch rounding issue",
            "The log has two losses for one epoch. We need more digits, so that nothing is lost.",
        ),
        (
            "Instability of ConvTranspose2d",
            "It is slower than expected on one card. On the other it works as expected.",
        ),
    ],
)
def test_one_concept_beside_other_words_is_said_of_many_matters(pipeline: Pipeline, title: str, body: str) -> None:
    assert not pipeline.answer(asked(body, title=title)).is_draft


def test_layers_in_a_list_are_seen_in_a_network_that_is_never_called(pipeline: Pipeline) -> None:
    network = (
        "import torch\nfrom torch import nn\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.layers = [nn.Linear(2, 2) for _ in range(3)]\nnet = Net()\nprint(list(net.parameters()))"
    )
    answer = pipeline.answer(program(network, "The layers in my Python list are missing from net.parameters(). Why?"))

    assert answer.diagnosis is not None
    assert (answer.diagnosis.confusion, answer.diagnosis.ran) == ("layers_in_python_list", True)


def test_text_alone_is_not_answered_where_the_settings_say_so(pipeline: Pipeline) -> None:
    silent = replace(
        pipeline, settings=pipeline.settings.model_copy(update={"answer": AnswerSettings(text_only=False)})
    )
    message = "RuntimeError: grad can be implicitly created only for scalar outputs"
    assert not silent.answer(asked(f"What does this mean?\n\n    {message}\n")).is_draft


def test_a_title_asks_for_the_post_that_opens_its_topic(pipeline: Pipeline) -> None:
    said = "All of them: the first, the second and the third."
    title = "Do I have to call optimizer.zero_grad() in every iteration?"

    assert pipeline.answer(asked(said, title=title)).is_draft
    reply = Question(post=Post(id="8", raw=said, number=2), title=title, earlier=(Post(id="7", raw="Do I?"),))
    assert not pipeline.answer(reply).is_draft


EMPTY_LIST = "ValueError: optimizer got an empty parameter list"


def test_an_entry_beyond_the_common_confusions_answers_only_what_a_run_shows(pipeline: Pipeline) -> None:
    assert pipeline.library.get("optimizer_given_wrong").run_only

    told = pipeline.answer(asked(f"What can I do about this?\n\n    {EMPTY_LIST}\n", title=EMPTY_LIST))
    shown = pipeline.answer(program("import torch\nopt = torch.optim.SGD([], lr=0.1)", f"Why? {EMPTY_LIST}"))

    assert not told.is_draft
    assert told.reason == "quotes optimizer_given_wrong, which is answered where a run shows it"
    assert shown.diagnosis is not None
    assert shown.diagnosis.confusion == "optimizer_given_wrong"


def test_where_the_settings_say_so_its_message_is_enough_and_words_are_not(pipeline: Pipeline) -> None:
    telling = replace(
        pipeline, settings=pipeline.settings.model_copy(update={"answer": AnswerSettings(rare_messages=True)})
    )
    words = "How should lr_scheduler.step() and optimizer.step() be ordered, the optimizer was given which parameters?"

    assert telling.answer(asked(f"What can I do about this?\n\n    {EMPTY_LIST}\n")).is_draft
    assert not telling.answer(asked(words)).is_draft


def test_a_message_that_is_quoted_by_the_way_is_not_what_a_post_with_another_error_is_about(pipeline: Pipeline) -> None:
    body = (
        "I copy the sample as the warning says, To copy construct from a tensor, it is recommended to use "
        "sourceTensor.detach().clone(), but batches larger than one fail. Why?\n\n"
        "```python\nloader = torch.utils.data.DataLoader(MySentences('a.csv'), batch_size=8)\nnext(iter(loader))\n```\n"
        "`RuntimeError: stack expects each tensor to be equal size, but got [3] at entry 0 and [5] at entry 1`"
    )
    answer = pipeline.answer(asked(body))

    assert answer.reported_error is not None
    assert "stack expects" in answer.reported_error.message
    assert not answer.is_draft


def test_a_quoted_error_that_this_release_no_longer_raises_is_explained_and_said_to_be_absent(
    pipeline: Pipeline,
) -> None:
    runs_today = (
        "import torch\nmu = torch.ones(1, requires_grad=True)\nx = torch.randn(1)\nloss = 0\nfor _ in range(3):\n"
        "    x.detach_()\n    x.copy_(torch.exp(mu))\n    loss = loss + (x * 2).sum()\nloss.backward()"
    )
    message = (
        "RuntimeError: one of the variables needed for gradient computation has been modified by an inplace operation"
    )

    answer = pipeline.answer(program(runs_today, f"Since the update this fails, why?\n\n    {message}\n"))

    assert answer.diagnosis is not None
    assert (answer.diagnosis.confusion, answer.diagnosis.ran, answer.diagnosis.same_error) == (
        "inplace_on_saved",
        False,
        False,
    )
    assert answer.reply is not None
    assert "I ran the code of the post" in answer.reply


@pytest.mark.parametrize(
    "code",
    [
        "x = torch.ones(2, requires_grad=True)\nx.sum().backward()\nv = torch.ones(2, requires_grad=True).view(2, 1)\nv.sum().backward()\nprint(v.grad)",
        "def f():\n    v = torch.ones(2, requires_grad=True) * 1\n    v.sum().backward()\n    print(v.grad)\nf()",
    ],
    ids=["after another backward", "within a function"],
)  # fmt: skip
def test_a_result_is_not_taken_for_its_leaf_wherever_it_is_read(pipeline: Pipeline, code: str) -> None:
    answer = pipeline.answer(program(f"import torch\n{code}", "Why is v.grad None?"))

    assert answer.diagnosis is not None
    assert answer.diagnosis.confusion == "non_leaf_grad"


def test_a_result_within_a_function_that_still_names_its_leaf_is_an_intermediate(pipeline: Pipeline) -> None:
    code = "import torch\ndef f():\n    w = torch.ones(2, requires_grad=True)\n    v = w * 1\n    v.sum().backward()\n    print(v.grad)\nf()"

    answer = pipeline.answer(program(code, "Why is v.grad None?"))

    assert answer.diagnosis is not None
    assert answer.diagnosis.confusion == "intermediate_grad"


@pytest.mark.parametrize("text", ["", "   \n", "```\n", "谢谢！", "\ud800", "`" * 5000, "[quote]" * 50, "\x00\x01"])
def test_any_text_gets_an_answer_or_a_reason(pipeline: Pipeline, text: str) -> None:
    answer = pipeline.answer(asked(text))
    assert not answer.is_draft
    assert answer.reason


class Broken:
    """A sandbox whose jail cannot be started."""

    def run(self, order: Order) -> Run:
        raise SandboxBroken


def without_sandbox(pipeline: Pipeline) -> Pipeline:
    return replace(pipeline, trials=replace(pipeline.trials, sandbox=Broken()))


def test_without_a_sandbox_nothing_is_guessed(pipeline: Pipeline) -> None:
    with pytest.raises(SandboxError):
        without_sandbox(pipeline).answer(program(VECTOR))


def test_posts_that_need_no_run_are_sorted_out_without_a_sandbox(pipeline: Pipeline) -> None:
    assert not without_sandbox(pipeline).answer(asked("Thanks, that helped!")).is_draft


# Where the tape may change what a program does

WATCHED = "import torch\nwatched = torch._C._len_torch_function_stack() > 0\n"


def test_an_unknown_failure_that_only_the_tape_brings_about_is_no_failure(pipeline: Pipeline) -> None:
    run = pipeline.run(WATCHED + "if watched:\n    raise RuntimeError('unknown to all entries')\nprint('fine')\n")
    assert (run.outcome, run.stdout) == (Outcome.FINISHED, "fine\n")
    assert run.tape is not None
    assert not run.tape.trusted
    assert run.tape.events == ()


def test_an_unknown_failure_that_happens_anyway_keeps_its_tape(pipeline: Pipeline) -> None:
    run = pipeline.run("import torch\ntorch.ones(2) @ torch.ones(3)\n")
    assert run.outcome is Outcome.RAISED
    assert run.tape is not None
    assert run.tape.trusted
    assert run.tape.events


def test_a_tensor_of_the_programs_own_kind_is_run_without_the_tape_too(pipeline: Pipeline) -> None:
    own = "class Own(torch.Tensor):\n    pass\n"
    same, other = pipeline.run(WATCHED + own), pipeline.run(WATCHED + own + "assert watched\n")
    assert same.tape is not None
    assert same.tape.trusted
    assert (other.outcome, other.tape.trusted if other.tape else None) == (Outcome.RAISED, False)


def test_a_program_that_cannot_stand_the_tape_gets_no_verdict_from_it(pipeline: Pipeline) -> None:
    code = WATCHED + "class Own(torch.Tensor):\n    pass\nx = torch.ones(3, requires_grad=True)\n" + (
        "(x * x if watched else (x * x).sum()).backward()"
    )  # fmt: skip
    answer = pipeline.answer(program(code))
    assert not answer.is_draft
    assert answer.before is not None
    assert answer.before.outcome is Outcome.FINISHED


def hurried(pipeline: Pipeline) -> Pipeline:
    """The pipeline with less patience for each run."""
    return replace(pipeline, trials=replace(pipeline.trials, limits=Limits(seconds=0.8)))


def test_a_loop_too_long_for_the_clock_is_run_for_its_first_passes(pipeline: Pipeline) -> None:
    run = hurried(pipeline).run("import time\nfor step in range(10**6):\n    time.sleep(0.01)\nstep\n")
    assert (run.outcome, run.passes) == (Outcome.FINISHED, "line 2: 3 of 1000000 passes")


ENDLESS = """import torch
features = torch.arange(8.0)
labels = 2 * features
w = torch.zeros(1, requires_grad=True)
step, loss = 0, torch.tensor(9.0)
while {condition}:
    loss = ((w * features - labels) ** 2).mean()
    loss.backward()
    with torch.no_grad():
        w -= 0.001 * w.grad
    step += 1
    {shows}
"""


@pytest.mark.parametrize(
    ("condition", "shows"),
    [("True", "pass"), ("loss >= 0", "loss"), ("step > -1", "print('step', step, 'loss' * 200)")],
)
def test_a_training_that_never_ends_gets_its_verdict_from_its_first_passes(
    pipeline: Pipeline, condition: str, shows: str
) -> None:
    code = ENDLESS.format(condition=condition, shows=shows)
    answer = hurried(pipeline).answer(program(code, "Why does the loss go up and down, for ever?"))
    assert answer.diagnosis is not None
    assert answer.diagnosis.confusion == "gradient_accumulates"
    assert answer.before is not None
    assert (answer.before.outcome, answer.before.passes) == (Outcome.FINISHED, "line 6: 3 passes")
    assert answer.proof is not None
    assert answer.proof.gradient.yes
    assert answer.reply is not None
    assert "The loop is long, so only its first passes were run." in answer.reply


def test_what_prints_more_than_it_may_without_a_loop_stays_refused(pipeline: Pipeline) -> None:
    run = pipeline.run("print('x' * 10**6)\n")
    assert (run.outcome, run.reason, run.passes) == (Outcome.REFUSED, "it printed more than it may", None)


# Repairs that hide the symptom

ENTRY = """
title.en = "a fix that only hides the symptom"
title.zh = "只掩盖症状的修复"
family = "trial"
kind = "mistake"
link = "https://docs.pytorch.org/docs/stable/autograd.html"
[seen]
{seen}
[[fix]]
name = "hide"
{fix}
"""


@pytest.fixture
def with_fix(pipeline: Pipeline, tmp_path: Path) -> Callable[..., Pipeline]:
    def with_fix(*, seen: str, fix: str) -> Pipeline:
        """A pipeline that knows one entry only, with this fix."""
        folder = tmp_path / "hides_the_symptom"
        (folder / "cases").mkdir(parents=True)
        (folder / "confusion.toml").write_text(ENTRY.format(seen=seen, fix=fix), encoding="utf-8")
        for language in Language:
            (folder / f"explain.{language.value}.md").write_text("why\n---\nhow\n", encoding="utf-8")
        library = Library((read_entry(folder, own=False, words=signals.known_words()),))
        return replace(pipeline, library=library, trials=replace(pipeline.trials, matcher=Matcher(library)))

    return with_fix


FAILS = 'raises = "RuntimeError"'
HIDING = {
    "requires_grad_ on the loss": (
        "x = torch.arange(3.0)\nloss = (x * x).sum()\nloss.backward()",
        'replace = "loss.backward()"\nwith = "loss.requires_grad_().backward()"',
        "gradient",
    ),
    "requires_grad_ on a loss without a name": (
        "x = torch.arange(3.0)\n(x * x).sum().backward()",
        'replace = "$LOSS.backward()"\nwith = "$LOSS.requires_grad_().backward()"',
        "gradient",
    ),
    "a detach": (
        "x = torch.arange(3.0, requires_grad=True)\ny = x * x\nz = y.exp().sum()\nz.backward()\n(y * y).sum().backward()",
        'replace = "(y * y).sum()"\nwith = "(y.detach() * x).sum()"',
        "gradient",
    ),
    "a detach that leaves the values alone": (
        "x = torch.ones(3, requires_grad=True)\ny = x.exp()\ny.sum().backward()\n(y * x).sum().backward()",
        'replace = "(y * x).sum()"\nwith = "(y.detach() * x).sum()"',
        "gradient",
    ),
    "data in place of the tensor": (
        "w = torch.ones(3, requires_grad=True)\ny = w.exp()\ny.add_(1)\n(y * w).sum().backward()",
        'replace = "y = w.exp()"\nwith = "y = w.data.exp()"',
        "gradient",
    ),
    "a deleted backward": (
        "x = torch.ones(3, requires_grad=True)\ny = x * x\ny.backward()\nprint(x.grad)",
        'replace = "y.backward()"\nwith = "pass"',
        "gradient",
    ),
    "another loss": (
        "x = torch.ones(3, requires_grad=True)\ny = x * x\ny.backward()",
        'replace = "y = x * x"\nwith = "y = (x * x).sum()"',
        "values_kept",
    ),
    "a graph kept that was to be built anew": (
        "w = torch.ones(2, requires_grad=True)\ny = (w * w).sum()\no = torch.optim.SGD([w], lr=0.1)\n"
        "for _ in range(2):\n    y.backward()\n    o.step()\nz = (w * y).sum()\nz.backward()",
        'replace = "y.backward()"\nwith = "y.backward(retain_graph=True)"',
        "error_gone",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", HIDING)
def test_a_repair_that_hides_the_symptom_is_refused_and_never_shown_as_code(
    with_fix: Callable[..., Pipeline], name: str
) -> None:
    code, fix, part = HIDING[name]
    answer = with_fix(seen=FAILS, fix=fix).answer(program(f"import torch\n{code}"))

    assert answer.is_draft
    assert answer.repair is not None
    assert answer.proof is not None
    assert getattr(answer.proof, part).state is not CheckState.YES
    assert not answer.proof.holds, answer.proof
    assert answer.reply is not None
    assert answer.repair.code.strip() not in answer.reply


def test_an_honest_fix_of_the_same_kind_is_proved(with_fix: Callable[..., Pipeline]) -> None:
    fix = 'replace = "$LOSS.backward()"\nwith = "$LOSS.sum().backward()"'
    answer = with_fix(seen=FAILS, fix=fix).answer(program(VECTOR))
    assert answer.proof is not None
    assert answer.proof.holds


def test_an_unproved_diagnosis_is_less_sure(pipeline: Pipeline, with_fix: Callable[..., Pipeline]) -> None:
    hiding = with_fix(seen=FAILS, fix='replace = "y.backward()"\nwith = "pass"').answer(program(VECTOR))
    assert hiding.diagnosis is not None
    proved = pipeline.answer(program(VECTOR)).diagnosis
    assert proved is not None
    assert hiding.diagnosis.confidence < proved.confidence


# What a moderator asks to be made again


def test_a_moderator_may_choose_the_fix(pipeline: Pipeline) -> None:
    answer = pipeline.answer_as(program(VECTOR), confusion="non_scalar_backward", fix="weights")
    assert answer.repair is not None
    assert "torch.ones_like(y)" in answer.repair.code
    assert answer.proof is not None
    assert answer.proof.holds


def test_a_confusion_that_the_run_does_not_show_is_explained_by_its_own_example(pipeline: Pipeline) -> None:
    answer = pipeline.answer_as(program("print(1)"), confusion="non_scalar_backward")
    assert answer.is_draft
    assert answer.before is not None
    assert answer.before.stdout == "1\n"
    assert answer.reply is not None
    assert answer.reply.startswith("I ran the code of the post (torch 2.13.0), and it does not show what you describe")
    assert "it runs to its end." in answer.reply


@pytest.mark.parametrize(
    ("words", "said", "stops"),
    [
        ("What does this error mean?", "I ran the code of the post", "stops with"),
        ("这个报错是什么意思？", "我运行了帖子里的代码", "停在"),
    ],
)
def test_a_post_whose_own_code_shows_another_error_is_told_so(
    pipeline: Pipeline, words: str, said: str, stops: str
) -> None:
    message = "RuntimeError: grad can be implicitly created only for scalar outputs"
    code = "import torch\nx = torch.ones(2, 2)\ny = x @ torch.ones(3, 2)\ny.backward()"
    answer = pipeline.answer(asked(f"{words}\n\n```python\n{code}\n```\n\n    {message}\n"))

    assert answer.is_draft
    assert answer.reason == "the words fit non_scalar_backward; the run does not show it"
    assert answer.diagnosis is not None
    assert answer.diagnosis.same_error is False
    assert answer.before is not None
    assert answer.before.error is not None
    assert answer.reply is not None
    opening = answer.reply.split("```")[0]
    assert opening.startswith(said)
    assert f"{stops} `{answer.before.error.said}`" in opening


def test_an_unknown_confusion_is_named_with_the_nearest_one(pipeline: Pipeline) -> None:
    with pytest.raises(NotFound, match="non_scalar_backward"):
        pipeline.answer_as(program(VECTOR), confusion="non_scaler_backward")


def proved(pipeline: Pipeline, code: str, original: str | None = VECTOR) -> Answer:
    return pipeline.prove(code, question=program(VECTOR), confusion="non_scalar_backward", original=original)


def test_code_of_a_moderator_is_proved_like_any_other(pipeline: Pipeline) -> None:
    good, bad = VECTOR.replace("y.b", "y.sum().b"), VECTOR.replace("y.b", "y.detach().b")
    for code, holds in ((good, True), (bad, False)):
        made = proved(pipeline, code)
        assert made.proof is not None
        assert made.proof.holds is holds
        assert made.proof.proves(code) is holds


@pytest.mark.parametrize("code", ["y.backward(", "", "\x00", "import torch\n1 / 0\n", "raise SystemExit(3)"])
def test_code_of_a_moderator_that_does_not_run_has_no_proof(pipeline: Pipeline, code: str) -> None:
    made = proved(pipeline, code)
    assert made.proof is not None
    assert not made.proof.holds


def test_without_a_program_of_the_asker_values_are_not_compared(pipeline: Pipeline) -> None:
    made = proved(pipeline, "import torch\nprint(torch.ones(1))\n", original=None)
    assert made.proof is not None
    assert made.proof.values_kept.state is CheckState.NOT_CHECKED
    assert made.proof.error_gone.yes
