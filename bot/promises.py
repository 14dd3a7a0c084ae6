"""The promises that every entry of the knowledge base keeps, checked by running its cases."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

from bot.diagnose.match import wordings_of
from bot.diagnose.messages import Messages, read_messages
from bot.diagnose.signals import WORDS
from bot.domain.answer import Answer
from bot.domain.confusion import Case, Confusion, ConfusionKind
from bot.domain.post import Language, Post, Question
from bot.domain.run import Outcome
from bot.domain.snippet import Reading
from bot.pipeline import Pipeline
from bot.repair.patterns import names_in


def broken_promises(entry: Confusion, pipeline: Pipeline) -> Iterator[str]:
    """What is wrong with an entry, one line each; nothing when all is well."""
    yield from _well_formed(entry)
    yield from _listed(entry)
    yield from _broken_cases(entry, pipeline)


def lost_cases(entry: Confusion, under: Confusion, pipeline: Pipeline) -> Iterator[str]:
    """What an admin's entry does not do for the cases of the project's entry that it lies over, one line each."""
    yield from _broken_cases(replace(entry, cases=under.cases), pipeline)


def _broken_cases(entry: Confusion, pipeline: Pipeline) -> Iterator[str]:
    for case in entry.cases:
        match case.role:
            case "failing":
                yield from _failing(entry, case, pipeline)
            case "fixed" | "clean":
                yield from _clean(case, pipeline)
            case "shown":
                yield from _shown(entry, case, pipeline)
            case "asked":
                answer = pipeline.answer(_post(case))
                if name_of(answer) != entry.name:
                    yield f"{case.path.name}: answered with {name_of(answer)} ({answer.reason})"
            case "not_asked":
                answer = pipeline.answer(_post(case))
                if name_of(answer) == entry.name:
                    yield f"{case.path.name}: must not be answered with this entry"


def name_of(answer: Answer) -> str:
    """The confusion that an answer is about, or "nothing"."""
    return answer.diagnosis.confusion if answer.is_draft and answer.diagnosis is not None else "nothing"


def facts_used(text: str) -> frozenset[str]:
    """The {facts} that an explanation mentions."""
    return frozenset(re.findall(r"\{([a-z_]+)\}", text))


def _well_formed(entry: Confusion) -> Iterator[str]:
    roles = {case.role for case in entry.cases}
    if entry.kind is ConfusionKind.MISTAKE and not roles & {"failing", "asked"}:
        yield "a mistake needs at least one case NAME.failing.py"
    if entry.kind is ConfusionKind.QUESTION and "asked" not in roles:
        yield "a question needs at least one case NAME.asked.en.md or .zh.md"
    if entry.fixes and "failing" in roles and "fixed" not in roles:
        yield "an entry with a [[fix]] needs at least one case NAME.fixed.py"
    declared = frozenset(entry.facts)
    for language in Language:
        used = facts_used(entry.explain[language])
        if used - declared:
            yield f"explain.{language.value}.md uses {{{min(used - declared)}}}, which [facts] does not declare"
    if facts_used(entry.explain[Language.ENGLISH]) != facts_used(entry.explain[Language.CHINESE]):
        yield "explain.en.md and explain.zh.md do not use the same facts"
    if len({text.count("\nor: ") for text in entry.explain.values()}) > 1:
        yield "explain.en.md and explain.zh.md do not have the same wordings to choose from (paragraphs with `or:`)"
    for fix in entry.fixes:
        known = _bound_by_words() | names_in(fix.replace or "")
        for text in (fix.with_, fix.insert_after, fix.insert_before, fix.append):
            yield from (f"[[fix]] {fix.name}: no word binds ${name}" for name in sorted(names_in(text or "") - known))


def _bound_by_words() -> frozenset[str]:
    """The $NAMES that words say they bind."""
    return frozenset(name for function in WORDS.values() for name in names_in(function.__doc__ or ""))


def _listed(entry: Confusion) -> Iterator[str]:
    """Each message of the project's own entries stands in the project's list of torch's wordings."""
    known = _messages()
    for text in wordings_of(entry) if entry.own else ():
        if not known.knows(text):
            yield f"[seen] lists {text!r}, which is not in knowledge/coverage/messages.toml"


@lru_cache(maxsize=1)
def _messages() -> Messages:
    return read_messages()


def _failing(entry: Confusion, case: Case, pipeline: Pipeline) -> Iterator[str]:
    code = case.text()
    answer = pipeline.answer(_program(code))
    run = answer.before
    shown = pipeline.matcher.mistakes(code, run, Reading(language=Language.ENGLISH)) if run is not None else frozenset()
    if name_of(answer) != entry.name:
        yield f"{case.path.name}: diagnosed as {name_of(answer)} ({answer.reason})"
        return
    if shown - {entry.name}:
        yield f"{case.path.name}: also shows {', '.join(sorted(shown - {entry.name}))}"
    fixed = entry.case(case.name, "fixed")
    if not entry.fixes:
        return  # a fixed case then only shows how it is done right
    if fixed is None:
        if answer.repair is not None and answer.proof is not None and answer.proof.holds:
            yield f"{case.path.name}: there is no {case.name}.fixed.py"
        return
    if answer.repair is None or answer.proof is None:
        yield f"{case.path.name}: no repair was found"
    elif answer.repair.code != fixed.text():
        yield f"{case.path.name}: the repair is not {fixed.path.name}:\n{answer.repair.diff}"
    elif not answer.proof.holds:
        parts = {
            name: getattr(answer.proof, name)
            for name in ("error_gone", "confusion_gone", "values_kept", "gradient", "minimal")
        }
        failed = "; ".join(f"{name}: {check.why}" for name, check in parts.items() if not check.yes)
        yield f"{case.path.name}: the proof does not hold: {failed}"


def _clean(case: Case, pipeline: Pipeline) -> Iterator[str]:
    answer = pipeline.answer(_program(case.text()))
    if answer.before is None or answer.before.outcome is not Outcome.FINISHED:
        yield f"{case.path.name}: does not run to its end ({answer.reason})"
    elif answer.is_draft:
        yield f"{case.path.name}: diagnosed as {name_of(answer)}, although nothing is wrong"


def _shown(entry: Confusion, case: Case, pipeline: Pipeline) -> Iterator[str]:
    code = case.text()
    run = pipeline.run(code)
    if run.outcome is not Outcome.FINISHED:
        yield f"{case.path.name}: does not run to its end"
    elif pipeline.matcher.alone(entry, code, run) is None:
        yield f"{case.path.name}: its run does not show what [seen] asks for"


def _program(code: str) -> Question:
    """A post that is nothing but a program."""
    return Question(post=Post(id="case", raw=f"```python\n{code}```\n"))


def _post(case: Case) -> Question:
    return Question(post=Post(id="case", raw=case.text()), language=case.language)
