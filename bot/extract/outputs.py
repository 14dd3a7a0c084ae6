"""Values that sentences state: `x.grad is None`, `Output: tensor([0., 2.])`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Set

from bot.domain.snippet import QuotedOutput

_VALUES = ("None", "nan", "tensor(")
_VALUE = r"(?P<value>None\b|nan\b|tensor\([^)\n]{0,300}\))"
_STATED = re.compile(
    r"(?<![A-Za-z0-9_.])(?P<code>[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+){0,4}(?:\[[^\]\s]{1,20}\])?)[`*]*\s?(?:的(?:值|结果|輸出|输出)?)?\s?"
    r"(?:为|是|等于|变成|变为|成了|為|=>|is|was|are|equals|returns|returned|gives|gave|prints|shows|becomes|outputs)\s?"
    r"(?:always|still|just|also|only|now|都|就|还|仍|仍然)?\s?[`*]*" + _VALUE
)
#: How a sentence goes on behind code that shows a value: "and got tensor([1., 2.])".
_GOT = re.compile(
    r"^\W*(?:(?:and|but|then|now|so|i|it|this|that|which|we|here|然后|结果|却|就|我)\s*){0,4}"
    r"(?:got|get|gets|gives|gave|prints?|printed|shows?|showed|returns?|returned|outputs?|得到|输出|打印|显示)(?:了|出|的)?(?:是|为)?"
    r"\s*[:：`*]*\s*(?P<value>tensor\([^()\n]{1,300}\))",
    re.IGNORECASE,
)
_LABELLED = re.compile(
    r"^[\s*_`]*(?:the )?(?:outputs?|results?|prints?|it prints|输出|结果|打印|輸出|結果)\s*(?:is|are|如下|为|是|結果|结果)?"
    r"\s*[:：]\s*[`*]*(?P<value>(?:\(?tensor\(|None\b|nan\b).*?)[`*\s]*$",
    re.IGNORECASE,
)


_COMMENT = re.compile(
    r"\s*(?:[-=]*>|out(?:put)?s?\s*:?|prints?\s*:?|shows?\s*:?|输出\s*[:：]?|结果\s*[:：]?)?\s*"
    r"(?P<value>\(?tensor\(.*\)|None|nan|True|False|torch\.Size\(.*\))\s*"
)


def output_in_comment(statement: str) -> QuotedOutput | None:
    """What the comment behind a statement says it shows: `x.grad  # tensor([2., 2.])`."""
    code, sign, comment = statement.partition("#")
    match = _COMMENT.fullmatch(comment) if sign and code.strip() else None
    return QuotedOutput(text=match["value"], after=code.strip()) if match else None


def labelled_output(line: str) -> str | None:
    """The value behind a label such as `Output:`, or that the line says was got, when it is such a line."""
    match = _LABELLED.match(line) or _GOT.match(line)
    return match["value"] if match else None


def stated_outputs(prose: str, *, defined: Set[str]) -> Iterator[QuotedOutput]:
    """What the sentences say that an expression is. `defined` are names the post's code uses."""
    if not any(value in prose for value in _VALUES):
        return
    for match in _STATED.finditer(prose):
        code = match["code"]
        if "." in code or code in defined:
            yield QuotedOutput(text=match["value"], after=code)
