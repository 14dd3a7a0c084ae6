"""Which of the entries that share a message a post means, when its code cannot be run."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.diagnose import beside, signals
from bot.diagnose.beside import Surroundings
from bot.diagnose.match import Matcher
from bot.domain.confusion import Confusion
from bot.domain.post import Language
from bot.domain.snippet import CodeBlock, QuotedError, Reading
from bot.errors import KnowledgeError
from bot.extract import triage
from bot.library import read_library

LIBRARY = read_library(words=signals.known_words())
MATCHER = Matcher(LIBRARY)
ENTRY = LIBRARY.get("graph_cut_by_numpy")
NO_GRAPH = "element 0 of tensors does not require grad and does not have a grad_fn"
FREED = "Trying to backward through the graph a second time, but the buffers have already been freed."
IN_PLACE = "one of the variables needed for gradient computation has been modified by an inplace operation"


def post(code: str = "", *, prose: str = "", message: str = NO_GRAPH) -> Reading:
    blocks = (CodeBlock(text=code, lines=tuple(range(1, code.count("\n") + 2)), fenced=True),) if code else ()
    return Reading(language=Language.ENGLISH, prose=prose, blocks=blocks, error=QuotedError(message=message))


def named(reading: Reading) -> str | None:
    found = MATCHER.by_text(reading, title="What is wrong here?", asks=triage.asks_in)
    return found.confusion if found else None


def signed(*signs: str) -> Confusion:
    return replace(ENTRY, beside=signs)


@pytest.mark.parametrize(
    ("reading", "name"),
    [
        (post(), "no_requires_grad"),
        (post("score = my_metric(net(x).numpy())"), "graph_cut_by_numpy"),
        (post("with torch.no_grad():\n    out = net(x)"), "graph_cut_by_no_grad"),
        (post("loss = torch.tensor([loss_a, loss_b]).sum()"), "graph_cut_by_copy"),
        (post("for p in net.parameters():\n    p.requires_grad = False"), "parameters_frozen"),
        (post(prose="I froze nothing, all layers are frozen by the library."), "parameters_frozen"),
        (post(message=FREED), "graph_freed_same_output"),
        (post("out, hidden = rnn(x, hidden)", message=FREED), "graph_freed_hidden_state"),
        (post("d_loss = criterion(netD(fake), zeros)", message=FREED), "graph_freed_without_detach"),
        (post("self.act = nn.ReLU(inplace = True)", message=IN_PLACE), "inplace_activation"),
        (post("opt_d.step()\ng_loss = g(x)\ng_loss.backward()", message=IN_PLACE), "inplace_step_before_backward"),
    ],
)
def test_code_that_cannot_be_run_chooses_among_the_causes_of_a_message(reading: Reading, name: str) -> None:
    assert named(reading) == name


@pytest.mark.parametrize(
    ("sign", "code", "there"),
    [
        ("inplace=True", "nn.ReLU( inplace = True )", True),
        ("inplace=True", "nn.ReLU(INPLACE=TRUE)", True),
        ("inplace=True", "nn.ReLU(inplace=Truest)", False),
        ("freez*", "freezing", True),
        ("freez", "freezing", False),
        ("*rnn", "self.my_rnn(x)", True),
        ("rnn", "self.my_rnn(x)", False),
        (".step() ... .backward(", "opt.step()\nloss\n.backward()", True),
        (".step() ... .backward(", "loss.backward()\nopt.step()", False),
        (".step() ... .backward(", "opt.step()" + "a" * (beside.GAP + 1) + ".backward()", False),
        ("冻结", "参数都冻结了", True),
    ],
)
def test_a_sign_is_found_as_it_is_written(sign: str, code: str, there: bool) -> None:
    assert Surroundings.of("", post(code)).speak_for(signed(sign)) is there


def test_a_part_of_the_message_in_the_title_is_torchs_word_and_not_the_askers() -> None:
    reading = post("out, hidden = rnn(x, hidden)", message=FREED)
    title = 'The RNN says "trying to backward through the graph a SECOND time" when I train it'

    found = MATCHER.by_text(reading, title=title, asks=triage.asks_in)

    assert found is not None
    assert found.confusion == "graph_freed_hidden_state"


@pytest.mark.parametrize(
    ("message", "name"),
    [("CUDA out of memory. Tried to allocate 2 GiB", "retain_graph_as_cure"), ("cuDNN error", None)],
)
def test_an_error_that_names_no_cause_leaves_the_words_to_speak(message: str, name: str | None) -> None:
    reading = post(prose="Why does backward(retain_graph=True) use up so much memory?", message=message)

    assert named(reading) == name


MISSING = "'NoneType' object has no attribute 'data'"
COUNT = "Function {} returned an invalid gradient at index 0 - got [2] but expected shape compatible with [3]"


@pytest.mark.parametrize(
    ("reading", "name"),
    [
        (post("w.grad.data.zero_()\nloss.backward()", message=MISSING), "grad_before_backward"),
        (post("loss.backward()\nw.grad.data.norm()", message=MISSING), None),
        (post("picture.data.save()", message=MISSING), None),
        (post(message=COUNT.format("ClipBackward")), "custom_function_gradient_count"),
        (post(message=COUNT.format("MmBackward0")), None),
        (post(message=COUNT.format("torch::jit::(anonymous namespace)::DifferentiableGraphBackward")), None),
    ],
)
def test_a_message_that_others_raise_too_counts_only_where_signs_allow_it(reading: Reading, name: str | None) -> None:
    assert named(reading) == name


SOFTMAX = "def forward(self, x):\n    return F.softmax(self.fc(x), dim=1)\nloss_fn = nn.CrossEntropyLoss()"
BACK = "loss.backward()\n    optimizer.zero_grad()\n    optimizer.step()"


@pytest.mark.parametrize(
    ("code", "name"),
    [
        (SOFTMAX, "softmax_before_cross_entropy"),
        (SOFTMAX.replace("CrossEntropyLoss", "NLLLoss"), None),
        (SOFTMAX.replace("F.softmax", "F.log_softmax"), None),
        (SOFTMAX.replace("self.fc", "self.attention"), None),  # its softmax is another one
        (SOFTMAX.replace("def forward(self, x)", "def predict_proba(self, x)"), None),
        ("# x = F.softmax(x) is gone\nloss_fn = nn.CrossEntropyLoss()", None),
        (BACK, "zero_grad_misplaced"),
        ("loss.backward()\noptimizer.step()\noptimizer.zero_grad()\n\noptimizer.step()", None),
        (BACK.replace("    optimizer.zero_grad()\n", ""), None),
        (
            "net = torch.nn.Linear(2, 1)\nfor p in net.parameters():\n    p.require_grad = False",
            "misspelt_requires_grad",
        ),
        ("class Node:\n    def __init__(self):\n        self.require_grad = True\ntorch.ones(2)", None),
        (
            "class Net(nn.Module):\n    def __init__(self):\n        self.layers = [nn.Linear(2, 2)]",
            "layers_in_python_list",
        ),
        ("class Net(nn.Module):\n    def __init__(self):\n        self.layers = [nn.ReLU()]", None),
        ("self.layers = [nn.Linear(2, 2)]\nself.net = nn.Sequential(*self.layers)", None),
        ("loss = Variable(loss, requires_grad = True)\nloss.backward()\noptimizer.step()", "graph_cut_by_copy"),
        ("viz.line(Y=torch.Tensor([loss]))\noptimizer.step()", None),
        (f"{SOFTMAX}\n{BACK}", None),  # nobody says which of the two is meant
    ],
)
def test_code_that_cannot_be_run_may_show_a_mistake_by_itself(code: str, name: str | None) -> None:
    reading = replace(post(code, prose="The loss does not change, why?"), error=None)
    warned = replace(reading, error=QuotedError(message="dropout option adds dropout", type="UserWarning"))

    assert named(reading) == named(warned) == name
    assert named(replace(reading, prose="What do these lines do?")) is None
    assert named(replace(reading, error=QuotedError(message="CUDA out of memory", type="RuntimeError"))) is None


def test_a_group_without_a_sign_is_refused() -> None:
    with pytest.raises(KnowledgeError, match="in_code: '' cannot be looked for"):
        beside.check(replace(ENTRY, in_code=((),)))


@pytest.mark.parametrize("sign", ["", " ", "*", " ... ", "a ... b ... c"])
def test_a_sign_that_says_nothing_or_leaves_several_gaps_is_refused(sign: str) -> None:
    with pytest.raises(KnowledgeError, match="cannot be looked for"):
        beside.check(signed(sign))


@given(st.text(min_size=1), st.text())
def test_no_sign_and_no_post_make_it_fail(sign: str, text: str) -> None:
    Surroundings.of(text, post(text)).speak_for(signed(sign))


@given(st.text(alphabet="abc_. (", min_size=1).filter(lambda text: text.strip("* .\t\n") and " ... " not in text))
def test_a_sign_stands_in_a_post_that_is_that_sign(sign: str) -> None:
    assert Surroundings.of("", post(sign)).speak_for(signed(sign))
