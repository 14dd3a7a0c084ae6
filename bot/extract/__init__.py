"""From the text of a post to what it says. Nothing is run here.

In the order a post goes through them (`reading.py` calls them):

    repair_text    characters that input methods, terminals and web pages put into code
    blocks         what the markup says is code, and what others said
    traceback      the error the post quotes            messages      how torch words its own
    transcript     prompts and line numbers            notebook      a pasted .ipynb
    lines          what one line is by itself          legacy        Python 2, the torch of 2017
    scan           what it is among its neighbours     lists         what sentences count up
    program        the code lines as a block that parses
    indentation    where they lost theirs              salvage       what cannot be read at all
    outputs        values that sentences state         mentions      code that sentences name
    language       the language of the sentences
    triage         posts that want no reply (by the words in `cues`, looked up by `phrases`)
"""

from __future__ import annotations

from bot.extract.messages import is_autograd_message
from bot.extract.reading import read
from bot.extract.triage import asks, silent_because

__all__ = ["asks", "is_autograd_message", "read", "silent_because"]
