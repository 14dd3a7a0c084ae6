"""Every error the program raises on purpose, in one tree.

    BotError                     exit code
    ├── UsageError               2   the command or a file given to it is wrong
    │   ├── BadInput
    │   ├── NotFound
    │   └── BadSetting
    ├── SandboxError             3   strangers' code cannot be run safely here
    │   ├── SandboxUnavailable
    │   ├── SandboxBroken
    │   └── SandboxBusy
    ├── ForumError               4   the forum did not do what was asked
    │   ├── ForumUnavailable
    │   ├── ForumRefused
    │   ├── ForumNotFound
    │   ├── TopicTooLong
    │   └── OutcomeUnknown
    ├── KnowledgeError           5   an entry of the knowledge base is not well formed
    ├── StoreError               6   the database
    │   ├── SchemaOutdated
    │   └── DatabaseBusy
    └── ReviewError              7   a draft may not change in the way that was asked
        ├── WrongState
        ├── AlreadyDecided
        ├── ClaimedByOther
        ├── ProofMissing
        └── QuestionChanged

A docstring is its class's default message: it says what is wrong and what to do about it.
"""

from __future__ import annotations


class BotError(Exception):
    """Something went wrong that the program knows how to name."""

    exit_code = 1

    def __init__(self, message: str = "") -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())


class UsageError(BotError):
    """The command was not understood. Add --help to see its options and examples."""

    exit_code = 2


class BadInput(UsageError):
    """The input could not be read. Give a UTF-8 file in the form that --help describes."""


class NotFound(UsageError):
    """No such thing. The matching `list` command shows what there is."""


class BadSetting(UsageError):
    """A setting has a value that cannot be used. docs/reference/settings.md lists what each takes."""


class SandboxError(BotError):
    """Code cannot be run here. `autograd-bot doctor` says what is missing."""

    exit_code = 3


class SandboxUnavailable(SandboxError):
    """This machine cannot isolate strangers' code, so none is run. `autograd-bot doctor` says what is missing."""


class SandboxBroken(SandboxError):
    """The sandbox stopped working and could not be restarted. `autograd-bot doctor` tests each of its layers."""


class SandboxBusy(SandboxError):
    """All places of the sandbox are taken. Wait, or raise `sandbox.workers` in the settings."""


class ForumError(BotError):
    """The forum did not do what was asked."""

    exit_code = 4


class ForumUnavailable(ForumError):
    """The forum cannot be reached now. Check `forum.url` and the network; the next poll tries again."""

    def __init__(self, message: str = "", *, retry_after: float | None = None) -> None:
        super().__init__(message)
        #: Seconds to leave the forum alone, when it said so.
        self.retry_after = retry_after


class ForumRefused(ForumError):
    """The forum refused the request for good. Check the key, its scopes and the bot's account."""


class ForumNotFound(ForumError):
    """The topic or post is not there, or the bot's account may not see it."""


class TopicTooLong(ForumError):
    """The topic has more posts than the bot reads. Start a new topic for the chapter, or answer there by hand."""


class OutcomeUnknown(ForumError):
    """The forum did not say whether the reply was made. The publisher looks for its marker before it tries again."""


class KnowledgeError(BotError):
    """An entry of the knowledge base is not well formed. `autograd-bot knowledge check` points at file and key."""

    exit_code = 5


class StoreError(BotError):
    """The database cannot be used."""

    exit_code = 6


class SchemaOutdated(StoreError):
    """The database has another version than the program. Run `autograd-bot db upgrade`."""


class DatabaseBusy(StoreError):
    """Another process holds the database. Try again when it has finished."""


class ReviewError(BotError):
    """The draft may not change in this way. `autograd-bot drafts show` says where it stands."""

    exit_code = 7


class WrongState(ReviewError):
    """The draft is in a state that does not allow this."""


class AlreadyDecided(ReviewError):
    """Somebody else decided first."""


class ClaimedByOther(ReviewError):
    """Somebody else has this draft in hand. Wait until they release it, or take another."""


class ProofMissing(ReviewError):
    """The code of this draft was edited and not run again. Run it again, or take the code out."""


class QuestionChanged(ReviewError):
    """The question changed after the draft was made. Answer it anew."""
