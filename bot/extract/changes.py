"""Posts that bring a change to a project or a text, propose one, or publish something for many."""

from __future__ import annotations

import re

from bot.extract import cues
from bot.extract.told import SHORT, Told, asks

# How titles begin that want something changed, whatever questions the text leads to.
_PROPOSAL_TITLE = re.compile(r"^\W*(?:\[[^\]]*\]\W*)*(?:feature request|proposal|rfc|we should|todo|to-do)\b")
# How titles of chores begin: of tests, of maintenance, of style, of the build.
_CHORE_TITLE = re.compile(r"^\W*(?:\[[^\]]*\]\W*)*(?:tst|mnt|maint|sty|bld)\b")
# Titles about what is written of torch, not about torch.
_ON_DOCUMENTATION = re.compile(
    r"\[docs?\]|\b(?:docs?|docstring|documentation)\b.{0,30}\b(?:misleading|wrong|incorrect|incomplete|unclear|outdated|missing)\b"
    r"|\b(?:misleading|wrong|incorrect|incomplete|unclear|outdated|missing)\b.{0,30}\b(?:docs?|docstring|documentation)\b"
)
# How titles of changes to a project begin. The second kind also begins titles of people with a problem.
_CHANGE_TITLE = re.compile(
    r"^\W*(?:\[[^\]]*\]\W*)*(?:(?:feat(?:ure)?|enh(?:ancement)?|fix|docs?|chore|refactor|test|ci|perf|build)(?:\([^)]*\))?!?:|"
    r"(?:add(?:ed|s|ing)?|fix(?:ed|es)?|improved?|implement(?:ed|s)?|remove[ds]?|refactor|bump|rename|deprecate|"
    r"revert|clean ?up)\b)"
)
# How the titles of changes alone begin.
_DONE_TITLE = re.compile(
    r"^\W*(?:\[[^\]]*\]\W*)*(?:adds|removes|fixes|replaces|renames|implements|refactors|corrects)\b"
)
# How titles begin that say what is to be done; somebody who is in trouble may write so too.
_ORDER_TITLE = re.compile(
    r"^\W*(?:\[[^\]]*\]\W*)*(?:stop|give|make|use|avoid|return|raise|change|move|set|let|prevent|ensure|improve|handle)\b(?! of\b)(?!.*error)"
)
_MAYBE_CHANGE_TITLE = re.compile(
    r"^\W*(?:\[[^\]]*\]\W*)*(?:update[ds]?|support|replace|introduce|enable|allow|document|port|migrate|expose)\b"
)
# A change that a reviewer of code proposes.
_REVIEW = re.compile(r"^\s*```\s*suggestion\b", re.MULTILINE)
# Who shows the place in torch's own source analyses torch, and no program.
_INTO_THE_SOURCE = re.compile(r"github\.com/pytorch/pytorch/(?:blob|tree)/\w+/(?:torch|aten|c10|csrc|caffe2|tools)/")
_WHY = re.compile(
    r"\b(?:why|what(?:'s| is| am| do| does| should)|how (?:do|can|to)|my|i tried)\b|为什么|怎么|如何|什么|我的",
    re.IGNORECASE,
)
_ASKED = re.compile("[?？]")
_PATCH = re.compile(r"\S\s*(?:--+>|→|⇒)\s*\S|^\s*line\s*[:：]?\s*\d+\b.*=", re.MULTILINE | re.IGNORECASE)


def announces(told: Told) -> bool:
    """Whether the post announces, proposes or reviews a change, or was published for many, and asks nothing for itself."""
    title = told.title.lower
    if (_PROPOSAL_TITLE.match(title) or _CHORE_TITLE.match(title)) and not told.own_error:
        return True
    if _ON_DOCUMENTATION.search(title) and not (told.own_error or told.prose_asks):
        return True
    if cues.PROPOSAL_FORM.found_in(told.prose) and not told.own_error:
        return True
    if cues.OFFER.found_in(told.prose) and not (told.reading.blocks or told.complains):
        return True
    if cues.PUBLISHED.found_in(told.prose) and not told.own_error and not cues.ASKER.found_in(told.prose):
        return True
    if cues.ARTICLE.found_in(told.prose) and not (cues.ASKER.found_in(told.prose) or _ASKED.search(told.prose.text)):
        return True
    if _INTO_THE_SOURCE.search(told.question.post.raw) and not (told.own_error or _WHY.search(told.prose.text)):
        return True
    if _REVIEW.search(told.question.post.raw) or (_DONE_TITLE.match(title) and not told.complains):
        return True
    if told.prose_asks:
        return False
    in_trouble = told.asks or told.own_error or told.reading.blocks or cues.ASKER.found_in(told.prose)
    if _ORDER_TITLE.match(title) and not in_trouble:
        return True
    if _CHANGE_TITLE.match(title) and not told.asks:
        return True
    if _MAYBE_CHANGE_TITLE.match(title) and not (told.asks or told.complains):
        return True
    if cues.CHANGE.found_in(told.prose) or cues.CHANGE.found_in(told.title):
        return True
    return not told.own_error and (cues.TYPO.found_in(told.prose) or cues.TYPO.found_in(told.title))


def notes_a_patch(told: Told) -> bool:
    """`line 103: out = x --> out = x.clone()`: a change told in a line."""
    if told.reading.blocks or told.length > SHORT or asks(told.prose):
        return False
    return _PATCH.search(told.prose.lower) is not None
