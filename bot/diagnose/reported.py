"""What the asker saw, held against what a run shows: the same error, or a program that ran on."""

from __future__ import annotations

import ast
import re

from bot.diagnose import wording
from bot.diagnose.messages import same_over_releases
from bot.domain.run import Run
from bot.domain.snippet import QuotedError, Reading
from bot.source.parsing import parse

_NO_ERROR = re.compile(
    r"\b(?:does|do|did) ?(?:not|n't) (?:raise|throw|give|produce) (?:an?y? )?(?:error|exception)"
    r"|\b(?:no|without an?y?) (?:errors?|exceptions?) (?:is|are|was|were) (?:raised|thrown)|没有报错|不会?报错|没报错",
    re.IGNORECASE,
)
_AN_ERROR = re.compile(r"error|exception|\bfail|crash|报错|错误|出错|异常", re.IGNORECASE)


def same_error(reported: QuotedError | None, run: Run) -> bool | None:
    """Whether the error or warning that the post quotes occurred; None when it quotes none."""
    if reported is None:
        return None
    observed = [run.error.message] if run.error else []
    observed += [warning.message for warning in run.warnings]
    return any(same_over_releases(reported.message, message) for message in observed)


def got_further(code: str, run: Run, reading: Reading) -> bool:
    """Whether the asker saw the program run on where this run failed: by saying that no error was raised, by showing what
    a later line gave, or by speaking of no error and of what the program computes only after that line."""
    if run.error is None or run.error.line is None or reading.error is not None:
        return False
    failing = run.error.line
    if _says_no_error(f"{reading.prose}\n{code}") or _shows_later(code, reading, failing):
        return True
    bound = [node for node in ast.walk(parse(code) or ast.Module([], [])) if isinstance(node, ast.Name)]
    stored = [node for node in bound if isinstance(node.ctx, ast.Store)]
    made = {node.id for node in stored} - {node.id for node in stored if node.lineno < failing}
    spoken_of = {mention.split(".")[0] for mention in reading.mentions if "." in mention}
    return bool(made & spoken_of) and "error" not in wording.words(reading.prose)


def _shows_later(code: str, reading: Reading, failing: int) -> bool:
    """Whether the post shows the value of a statement that stands only behind the failing line."""
    lines = [line.strip() for line in code.splitlines()]
    later = set(lines[failing:]) - set(lines[:failing])
    return any(output.after is not None and output.after.strip() in later for output in reading.outputs)


def _says_no_error(text: str) -> bool:
    """Whether a post says that nothing was raised, and not that one way of writing raises what another does not."""
    return _NO_ERROR.search(text) is not None and _AN_ERROR.search(_NO_ERROR.sub(" ", text)) is None
