"""Posts that want no reply whatever their code does: thanks, links, answers, announcements, other subjects."""

from __future__ import annotations

import re

from bot.domain.post import Post, Question
from bot.domain.snippet import Reading
from bot.extract import cues
from bot.extract.changes import announces, notes_a_patch
from bot.extract.phrases import Words
from bot.extract.told import ADDRESS, SHORT, Told
from bot.extract.told import asks as words_ask

_IMPORTS_TORCH = re.compile(r"^\s*(?:import|from)\s+(?:torch|d2l)\b", re.MULTILINE)
_IMPORTS_ANOTHER = re.compile(
    r"^\s*(?:import|from)\s+(?:tinygrad|jax|mxnet|tensorflow|keras|paddle|mindspore|oneflow|jittor|micrograd|mlx|autograd)\b",
    re.MULTILINE,
)
_PYTORCH = re.compile(r"\bimport torch\b|\btorch\.\w|\bpytorch")
_TORCH_CALL = re.compile(r"requires_grad|\.backward\(|zero_grad|grad_fn|nn\.module|retain_graph")
_TORCH_CODE = re.compile(r"\btorch\b|\bnn\.")
_NUMPY = re.compile(r"\bnp\.\w+\(")
# How titles end a matter.
_SOLVED_TITLE = re.compile(r"[\[【(（]\s*(?:solved|resolved|fixed|已解决|解决了)\s*[\]】)）]|^\W*(?:solved|已解决)\b")
_ASKED = re.compile("[?？]")


def asks(reading: Reading) -> bool:
    """Whether the post asks something or says that something is not as it should be."""
    return reading.error is not None or words_ask(Words(reading.prose))


def puts_a_question(question: Question, reading: Reading) -> bool:
    """Whether the post asks in so many words: telling of an error that is overcome complains as well."""
    return any(cues.QUESTION.found_in(Words(text)) for text in (question.title, reading.prose))


def asks_for_itself(question: Question, reading: Reading) -> bool:
    """Whether the post puts a question, or complains of something that its author did: reviews and notes do neither."""
    prose = Words(reading.prose)
    return puts_a_question(question, reading) or cues.ASKER.found_in(prose) or cues.FIRST_PERSON.found_in(prose)


def asks_by_its_title(question: Question, reading: Reading) -> bool:
    """Whether the title of the topic that a post opens asks, while its sentences neither direct nor explain."""
    prose = Words(reading.prose)
    tells = cues.DIRECTION.found_in(prose) or cues.EXPLANATION.found_in(prose)
    return question.opens_its_topic and not tells and asks_in(question.title)


def only_tells(question: Question, reading: Reading) -> bool:
    """Whether the post tells of its code at some length and neither asks nor complains: notes on a chapter."""
    told = Told.of(question, reading)
    return told.length > SHORT and not (told.asks or told.complains)


def asks_in(sentence: str) -> bool:
    """Whether a sentence asks or complains."""
    return words_ask(Words(sentence))


def has_the_same(reading: Reading) -> bool:
    """Whether the post says no more than that its author has the trouble of the post that it answers."""
    nothing_own = reading.error is None and not reading.blocks and not reading.outputs
    return nothing_own and cues.SAME.found_in(Words(reading.prose))


def lacks_code(reading: Reading) -> bool:
    """Whether the post tells of a trouble whose code it does not show, or shows in a picture alone."""
    if reading.blocks:
        return False
    return reading.picture_only or reading.error is not None or cues.COMPLAINT.found_in(Words(reading.prose))


def silent_because(question: Question, reading: Reading) -> str | None:
    """Why the post wants no reply, as a short code; None when it may want one.

    Codes: `empty`, `withdrawn`, `forum_matter`, `thanks`, `link`, `announcement`, `patch_note`,
    `working_solution`, `cured`, `answer`, `homework`, `other_framework`, `installation`, `other_error`, `remark`,
    `not_autograd`. When in doubt the answer is None: the run of the code, or its absence, decides later.
    """
    told = Told.of(question, reading)
    return next((code for code, holds in _RULES if holds(told)), None)


def _empty(told: Told) -> bool:
    reading = told.reading
    shown = reading.blocks or reading.error or reading.outputs or reading.picture_only
    return not (told.title.text.strip() or reading.prose.strip() or shown)


def _withdrawn(told: Told) -> bool:
    return cues.WITHDRAWN.found_in(told.prose) and not told.prose_asks


def _cured(told: Told) -> bool:
    """It tells how a trouble was overcome, or that it is, and asks nothing."""
    if _SOLVED_TITLE.search(told.title.lower) and not _ASKED.search(told.prose.text):
        return True
    return cues.CURED.found_in(told.prose) and not told.asks


def _forum_matter(told: Told) -> bool:
    return not told.reading.blocks and not told.own_error and cues.FORUM_MATTER.found_in(told.prose)


def _thanks(told: Told) -> bool:
    if told.reading.blocks or told.own_error or told.length > SHORT:
        return False
    return cues.THANKS.found_in(told.prose) and not (told.asks or told.complains)


def _link(told: Told) -> bool:
    if told.reading.blocks or told.own_error or told.length > SHORT or told.asks or told.complains:
        return False
    return ADDRESS.search(told.question.post.raw) is not None or cues.LINK.found_in(told.prose)


def _working_solution(told: Told) -> bool:
    """Code is shown under the name of a solution or an exercise, and nobody asks or complains."""
    if not told.reading.blocks or words_ask(told.prose):
        return False
    texts = (told.prose, told.title, Words(told.question.post.raw))
    return any(cues.SOLUTION.found_in(text) for text in texts)


def _answer(told: Told) -> bool:
    """It directs or explains, to somebody else or to nobody, and asks nothing for itself."""
    directs = cues.DIRECTION.found_in(told.prose)
    explains = cues.EXPLANATION.found_in(told.prose)
    if cues.ASKER.found_in(told.prose):
        return False
    if _replies_to_another(told):
        return directs or explains or (cues.SECOND_PERSON.found_in(told.prose) and _replies_to_a_question(told))
    if not (directs or explains):
        return False
    if directs and explains and not (told.prose_asks or told.reading.blocks):
        return True  # below a title that quotes an error or a question
    if told.asks or told.own_error:
        return False
    return directs or not told.complains


def _replies_to_another(told: Told) -> bool:
    """It answers a post of somebody else, and its author has asked nothing in the thread."""
    post = told.question.post
    replied = told.question.replied_to
    if replied is None or not post.author or replied.author == post.author:
        return False
    return not any(_has_asked(earlier, post) for earlier in told.question.earlier)


def _replies_to_a_question(told: Told) -> bool:
    replied = told.question.replied_to
    words = Words(replied.raw if replied is not None else "")
    return cues.QUESTION.found_in(words) and not cues.DIRECTION.found_in(words)


def _has_asked(earlier: Post, post: Post) -> bool:
    words = Words(earlier.raw)
    return earlier.author == post.author and words_ask(words) and not cues.DIRECTION.found_in(words)


def _homework(told: Told) -> bool:
    return not told.own_error and not told.reading.blocks and cues.HOMEWORK.found_in(told.prose)


def _other_framework(told: Told) -> bool:
    everything = told.everything
    if _IMPORTS_ANOTHER.search(told.code) and not _IMPORTS_TORCH.search(told.code):
        return True
    if cues.LOOKALIKE.found_in(everything):
        return _PYTORCH.search(everything.lower) is None
    if cues.OTHER_FRAMEWORK.found_in(everything):
        return _PYTORCH.search(everything.lower) is None and _TORCH_CALL.search(everything.lower) is None
    return _NUMPY.search(told.code) is not None and not cues.TORCH.found_in(everything)


def _installation(told: Told) -> bool:
    if told.own_error or told.on_autograd:
        return False
    error = told.reading.error
    quoted = f"{error.type or ''} {error.message}" if error else ""
    return cues.INSTALLATION.found_in(Words(f"{told.title.text}\n{told.prose.text}\n{quoted}"))


def _other_error(told: Told) -> bool:
    error = told.reading.error
    if error is None or told.own_error or told.on_autograd:
        return False
    return cues.OTHER_ERROR.found_in(Words(f"{error.type}: {error.message}"))


def _remark(told: Told) -> bool:
    """Nothing is asked, nothing is wrong, nothing is shown."""
    return not (told.reading.blocks or told.asks or told.complains)


def _not_autograd(told: Told) -> bool:
    if told.own_error or _TORCH_CODE.search(told.code) or cues.AUTOGRAD.found_in(told.everything):
        return False
    if told.reading.picture_only and told.prose_asks and told.complains:
        return False  # the subject may stand in the picture
    # "I have the same problem": the subject stands in the post that is answered.
    replied = told.question.replied_to
    return replied is None or not cues.AUTOGRAD.found_in(Words(replied.raw))


_RULES = (
    ("empty", _empty),
    ("withdrawn", _withdrawn),
    ("forum_matter", _forum_matter),
    ("thanks", _thanks),
    ("link", _link),
    ("announcement", announces),
    ("patch_note", notes_a_patch),
    ("working_solution", _working_solution),
    ("cured", _cured),
    ("answer", _answer),
    ("homework", _homework),
    ("other_framework", _other_framework),
    ("installation", _installation),
    ("other_error", _other_error),
    ("remark", _remark),
    ("not_autograd", _not_autograd),
)
