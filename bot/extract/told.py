"""What a post tells, as the rules of triage ask it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from bot.domain.post import Question
from bot.domain.snippet import Reading
from bot.extract import cues
from bot.extract.messages import is_autograd_message
from bot.extract.phrases import Words

#: Addresses of the web: their words are nobody's.
ADDRESS = re.compile(r"https?://\S+|www\.\S+")
#: Words of a post that only thanks or points somewhere, at most.
SHORT = 30

_HAN = re.compile("[\u3400-\u9fff]")


def asks(words: Words) -> bool:
    """Whether a text asks or complains."""
    return cues.QUESTION.found_in(words) or cues.COMPLAINT.found_in(words)


@dataclass(frozen=True)
class Told:
    """A post as the rules see it."""

    question: Question
    reading: Reading
    title: Words  #: empty when the post did not open its topic
    prose: Words

    @classmethod
    def of(cls, question: Question, reading: Reading) -> Told:
        """The post of a question, with its sentences freed of what forms and addresses say."""
        return cls(
            question=question,
            reading=reading,
            title=Words(question.title if question.opens_its_topic else ""),
            prose=Words(ADDRESS.sub(" ", cues.FORM.sub(" ", reading.prose))),
        )

    @cached_property
    def code(self) -> str:
        """All code of the post."""
        return "\n".join(block.text for block in self.reading.blocks)

    @cached_property
    def everything(self) -> Words:
        """Title, sentences, code and error."""
        error = self.reading.error
        quoted = f"{error.type or ''} {error.message}" if error else ""
        return Words("\n".join((self.question.title, self.reading.prose, self.code, quoted)))

    @cached_property
    def length(self) -> int:
        """How long the sentences are: Latin words, and two Chinese characters as one."""
        return len(self.prose.padded.split()) + len(_HAN.findall(self.prose.lower)) // 2

    @cached_property
    def own_error(self) -> bool:
        """It quotes one of torch's errors about gradients."""
        return self.reading.error is not None and is_autograd_message(self.reading.error.message)

    @cached_property
    def prose_asks(self) -> bool:
        """Its sentences ask."""
        return cues.QUESTION.found_in(self.prose)

    @cached_property
    def asks(self) -> bool:
        """Its title or its sentences ask."""
        return self.prose_asks or cues.QUESTION.found_in(self.title)

    @cached_property
    def complains(self) -> bool:
        """It says that something is wrong."""
        error = self.reading.error is not None
        return error or cues.COMPLAINT.found_in(self.prose) or cues.COMPLAINT.found_in(self.title)

    @cached_property
    def on_autograd(self) -> bool:
        """Its title or its sentences speak of gradients."""
        return cues.AUTOGRAD.found_in(self.prose) or cues.AUTOGRAD.found_in(Words(self.question.title))
