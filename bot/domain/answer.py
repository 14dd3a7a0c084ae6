"""What the pipeline made of one question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any

from bot.domain.diagnosis import Check, Diagnosis, Proof, Repair
from bot.domain.post import Language, Post, Question
from bot.domain.run import Run
from bot.domain.snippet import QuotedError, Snippet

#: What is kept of a tape and of a thread for moderators to look at.
MOST_EVENTS = 200
MOST_POSTS = 8
LONGEST_QUOTE = 16_000
MOST_FILE_CHARACTERS = 256 * 1024


class Verdict(Enum):
    """Whether there is something to say."""

    DRAFT = "draft"
    SKIP = "skip"


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """A draft of a reply with all its evidence, or the reason to be silent."""

    id: str  #: of the post
    language: Language
    verdict: Verdict
    reason: str  #: one short code: "non_scalar_backward was shown by the run", "thanks", ...
    snippet: Snippet | None = None
    before: Run | None = None
    reported_error: QuotedError | None = None
    diagnosis: Diagnosis | None = None
    repair: Repair | None = None
    after: Run | None = None
    proof: Proof | None = None
    reply: str | None = None  #: Markdown
    seconds: float = 0.0

    @property
    def is_draft(self) -> bool:
        """Whether a reply was drafted."""
        return self.verdict is Verdict.DRAFT


def answer_record(answer: Answer) -> dict[str, Any]:
    """The object that `--json` prints: its keys are a promise to other programs."""
    found = answer.diagnosis
    return {
        "id": answer.id,
        "language": answer.language.value,
        "verdict": answer.verdict.value,
        "reason": answer.reason,
        "confusion": found.confusion if found and answer.is_draft else None,
        "confidence": round(found.confidence, 4) if found and answer.is_draft else 0.0,
        "also": list(found.also) if found else [],
        "snippet": _snippet_record(answer.snippet),
        "before": run_record(answer.before),
        "reported_error": _error_record(answer.reported_error),
        "same_error": found.same_error if found else None,
        "repair": _repair_record(answer.repair),
        "after": run_record(answer.after),
        "proof": proof_record(answer.proof),
        "reply": answer.reply,
        "seconds": round(answer.seconds, 4),
    }


def evidence_record(
    answer: Answer, *, thread: Sequence[Mapping[str, Any]] = (), files: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """The answer as the database keeps it for moderators: `answer_record`, and under `evidence` what else was seen.

    `thread` is what `thread_record` made of the question, `files` what `files_record` made of its post.
    """
    found, snippet, repair, proof = answer.diagnosis, answer.snippet, answer.repair, answer.proof
    return answer_record(answer) | {
        "evidence": {
            "diagnosis": found and asdict(found),
            "origins": [asdict(origin) for origin in snippet.origins] if snippet else [],
            "assumptions": [
                asdict(assumption) | {"kind": assumption.kind.value}
                for assumption in (snippet.assumptions if snippet else ())
            ],
            "before": _seen_in(answer.before),
            "after": _seen_in(answer.after),
            "repair": repair and {"why": repair.why, "changed": list(repair.changed)},
            "proof": proof and {"holds": proof.holds, "trusted": proof.trusted, "code_sha256": proof.code_sha256},
            "thread": [dict(post) for post in thread],
            "files": dict(files or {}),
        }
    }


def thread_record(question: Question) -> list[dict[str, Any]]:
    """The posts a question leans on, as they were then: the first, the one it answers, its asker's, the last two."""
    post = question.post
    near = {other.number for other in question.earlier[-2:]} | {1, post.reply_to}
    wanted = [other for other in question.earlier if other.number in near or other.author == post.author]
    return [
        {
            "number": other.number,
            "author": other.author,
            "raw": other.raw[:LONGEST_QUOTE],
            "replied_to": other.number == post.reply_to,
            "files": files_record(other),
        }
        for other in wanted[-MOST_POSTS:]
    ]


def files_record(post: Post) -> dict[str, str]:
    """The text files of a post by their names: whole ones, as many as are kept of one post."""
    kept: dict[str, str] = {}
    for file in post.attachments:
        if sum(map(len, kept.values())) + len(file.text) <= MOST_FILE_CHARACTERS:
            kept.setdefault(file.name, file.text)
    return kept


def run_record(run: Run | None) -> dict[str, Any] | None:
    """A run as `before` and `after` show it: what happened, why and how far it came, and what isolated it."""
    if run is None:
        return None
    error = run.error
    return {
        "outcome": run.outcome.value,
        "error": error and {"type": error.type, "message": error.message, "line": error.line},
        "warnings": [{"message": warning.message, "line": warning.line} for warning in run.warnings],
        "echoes": [{"line": echo.line, "text": echo.text} for echo in run.echoes],
        "stdout": run.stdout,
        "seconds": round(run.facts.seconds, 4),
        "reason": run.reason,
        "signal": run.facts.signal,
        "passes": run.passes,
        "layers": list(run.facts.layers),
        "memory_enforced_by": run.facts.memory_enforced_by,
    }


def proof_record(proof: Proof | None) -> dict[str, Any] | None:
    """The five parts of a proof, by name."""
    if proof is None:
        return None
    parts = ("error_gone", "confusion_gone", "values_kept", "gradient", "minimal")
    return {name: _check_record(getattr(proof, name)) for name in parts}


def _seen_in(run: Run | None) -> dict[str, Any] | None:
    """What `run_record` leaves out: all its facts, its prints and its tape."""
    if run is None:
        return None
    tape = run.tape
    return {
        "reason": run.reason,
        "passes": run.passes,
        "torch_version": run.torch_version,
        "stderr": run.stderr,
        "output_cut": run.output_cut,
        "prints": [asdict(echo) for echo in run.prints],
        "facts": asdict(run.facts),
        "tape": tape
        and {
            "events": [asdict(event) for event in tape.events[:MOST_EVENTS]],
            "finals": [asdict(final) for final in tape.finals],
            "bindings": [asdict(binding) for binding in tape.bindings[:MOST_EVENTS]],
            "cut": tape.cut or len(tape.events) > MOST_EVENTS,
            "trusted": tape.trusted,
        },
    }


def _check_record(check: Check) -> dict[str, Any]:
    return {"state": check.state.value, "why": check.why, "numbers": dict(check.numbers)}


def _snippet_record(snippet: Snippet | None) -> dict[str, Any] | None:
    if snippet is None:
        return None
    return {"code": snippet.code, "assumptions": [assumption.text for assumption in snippet.assumptions]}


def _error_record(error: QuotedError | None) -> dict[str, Any] | None:
    return None if error is None else {"type": error.type, "message": error.message, "line": error.line}


def _repair_record(repair: Repair | None) -> dict[str, Any] | None:
    return None if repair is None else {"fix": repair.fix, "code": repair.code, "diff": repair.diff}
