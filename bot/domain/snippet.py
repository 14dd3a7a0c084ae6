"""What was read in a post, and the program assembled from it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from bot.domain.post import Language


class AssumptionKind(Enum):
    """Why a line of a snippet is not what stands in the post."""

    RESTORED_CHARACTER = "restored_character"  #: an eaten `*` or `_`, a curly quote, full-width punctuation
    RESTORED_INDENTATION = "restored_indentation"
    SPLIT_LINE = "split_line"  #: statements that ran together
    MODERNISED = "modernised"  #: a Python 2 or old torch spelling
    ADDED_IMPORT = "added_import"
    FROM_POST = "from_post"  #: taken from an earlier post
    FROM_CHAPTER = "from_chapter"  #: taken from what the course chapter defines
    FROM_ATTACHMENT = "from_attachment"  #: taken from a file that the post links
    FROM_MENTION = "from_mention"  #: code named in a sentence, not shown as a block
    STAND_IN = "stand_in"  #: random numbers in place of data that are missing
    SUBSTITUTED = "substituted"  #: what does the same here: the CPU for a GPU, a small library for the course's own
    ADDED_CALL = "added_call"  #: a call of a function that the post only defines
    LEFT_OUT = "left_out"  #: a line that is not part of the program (a shell command, an output)


@dataclass(frozen=True, kw_only=True, slots=True)
class Assumption:
    """One thing that was added to or changed in the asker's code, so that a person can object."""

    kind: AssumptionKind
    text: str  #: one line in English, for moderators and the CLI
    line: int | None = None  #: line of the snippet it concerns, from 1
    restored: str | None = None  #: for RESTORED_CHARACTER: what now stands there, e.g. "x*x"
    original: str | None = None  #: what stood in the post, e.g. "xx"


@dataclass(frozen=True, kw_only=True, slots=True)
class QuotedError:
    """An error or warning that the asker quotes."""

    message: str
    type: str | None = None  #: "RuntimeError"; None when only the message is quoted
    line: int | None = None  #: the line number that the traceback names
    source: str | None = None  #: the source line that the traceback shows
    torch_version: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class QuotedOutput:
    """A value that the asker shows: `text` is what stood after the code `after`."""

    text: str
    after: str | None = None  #: source of the statement before it, e.g. "x.grad"


@dataclass(frozen=True, kw_only=True, slots=True)
class CodeBlock:
    """Consecutive lines of code from one post, cleaned."""

    text: str  #: ends without a newline
    lines: tuple[int, ...]  #: for each line of `text`, its line in the post, from 1 (0: restored)
    fenced: bool  #: it stood in a fence, an indented block, [code] or <pre>
    assumptions: tuple[Assumption, ...] = ()
    alternatives: tuple[CodeBlock, ...] = ()  #: less likely ways to indent it, the likeliest first


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """What one post says, taken apart. Nothing was run to make it."""

    language: Language
    traditional: bool = False  #: zh-Hant: read in simplified characters, answered in traditional ones
    prose: str = ""  #: the sentences, without code, outputs and tracebacks; Chinese in simplified characters
    blocks: tuple[CodeBlock, ...] = ()
    mentions: tuple[str, ...] = ()  #: code named inside sentences: "y.backward()", "x.T"
    outputs: tuple[QuotedOutput, ...] = ()
    error: QuotedError | None = None
    picture_only: bool = False  #: the code is in a screenshot


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """Where a line of a snippet comes from."""

    source: str  #: "post 12", "chapter autograd", "added"
    line: int | None = None  #: its line there, from 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Snippet:
    """A runnable program assembled from a question."""

    code: str  #: ends with a newline
    origins: tuple[Origin, ...] = ()  #: one for each line of `code`
    assumptions: tuple[Assumption, ...] = ()
    own: bool = True  #: at least one statement is the asker's own, from this very post
    scene: str | None = None  #: name of the chapter's scene that filled it, if one did
    doubtful: bool = False  #: not the likeliest reading: believed only where its run shows what the post quotes
    invented: bool = (
        False  #: parts that do something are ours: a run that shows nothing, or another error, says nothing
    )
