"""What was called, and how the run ended."""

from __future__ import annotations

from typing import Any

from bot.diagnose.view import Found, View
from bot.diagnose.vocabulary import listed, word
from bot.domain.tape import short_name


@word
def ends(view: View, value: Any) -> Found | None:
    """How the run ended: finished, raised, ..."""
    return Found(text=f"the run {view.run.outcome.value}") if view.run.outcome.value in listed(value) else None


@word
def calls(view: View, value: Any) -> Found | None:
    """The tape holds a call of one of these operations, by the last word of its name."""
    for event in view.tape.calls(*listed(value)):
        return Found(text=f"calls {short_name(event.op)}()", line=event.line, event=event.index)
    return None


@word
def attribute_set(view: View, value: Any) -> Found | None:
    """An attribute that torch does not know was set on a tensor: `x.require_grad = True`. $X is the tensor."""
    for event in view.tape.events:
        if event.op == "attribute" and event.note and event.note.rsplit(".", 1)[-1] in listed(value):
            name = event.note.rsplit(".", 1)[0]
            return Found(text=f"sets the unknown attribute {event.note}", line=event.line, names={"X": name})
    return None
