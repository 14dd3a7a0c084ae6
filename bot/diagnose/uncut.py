"""What a differentiation lacks whose graph nothing cut: the tensors that should have required grad."""

from __future__ import annotations

import ast

from bot.diagnose.asked import Asked, requires
from bot.diagnose.view import Found, View
from bot.domain.tape import TensorState


def found_uncut(view: View, asked: Asked, kind: str, names: dict[str, str], serials: dict[str, int]) -> Found:
    """What to say where nothing was cut: $X is the tensor that should have required grad, $ALL all such."""
    wanted = _should_require(view, asked)
    for number, (name, serial) in enumerate(wanted.items()):
        key = "X" if number == 0 else f"X{number + 1}"
        names[key], serials[key] = name, serial
    names["ALL"] = ", ".join(wanted)
    if kind == "never" and _went_on_without(asked):
        names["ITSELF"] = names["ALL"]
    line = view.creation_line(serials["X"]) if "X" in serials else None
    if kind == "frozen":
        line = _freezing(view, asked) or line
    text = {
        "never": "nothing that the result was computed from required grad",
        "frozen": "every parameter that the result was computed from has requires_grad=False",
        "unused": "the result was not computed from this tensor",
    }[kind]
    if "ITSELF" in names:
        text = "the tensor itself did not require grad when the result was computed"
    return Found(
        text=text, line=asked.line, event=asked.event.index if asked.event else None, names=names, serials=serials,
        error_line=asked.line, cause_line=line or asked.line,
    )  # fmt: skip


def _went_on_without(asked: Asked) -> bool:
    """Whether there is a graph, and only the tensor that the gradient was asked for stands outside of it."""
    roots = asked.event.backward.roots if asked.event is not None and asked.event.backward is not None else ()
    return bool(asked.wanted and roots) and all(requires(root, asked.event) for root in roots if asked.event)


def _should_require(view: View, asked: Asked) -> dict[str, int]:
    """The tensors without a graph whose gradient the program wants: `.grad` is read, an optimizer holds them, they were
    given to autograd.grad; else the only one that has a name."""
    if asked.wanted:
        named = {
            view.called(state) or _given_to(view, asked.line): state.serial for state in _states(view, asked.wanted)
        }
        return {name: serial for name, serial in named.items() if name}
    read = _read(view)
    held = {state.serial for event in view.tape.events if event.op == "optimizer" for state in event.inputs}
    held |= {state.serial for event in view.grad_reads for state in event.inputs}
    if asked.event is not None and asked.event.backward is not None:
        held |= set(asked.event.backward.inputs)
    sources = {view.called(state): state.serial for state in asked.walk.sources}
    sources.pop(None, None)
    wanted = {name: serial for name, serial in sources.items() if name in read or serial in held}
    chosen = wanted or (sources if len(sources) == 1 else {})
    return {name or "": serial for name, serial in sorted(chosen.items(), key=lambda one: one[1])}


def _read(view: View) -> set[str]:
    """The tensors whose `.grad` the program reads; a line `x.requires_grad` alone was meant to switch it on."""
    whole = [node.value for node in ast.walk(view.tree) if isinstance(node, ast.Expr)]
    flags = [node for node in whole if isinstance(node, ast.Attribute) and node.attr == "requires_grad"]
    grads = [node for node in ast.walk(view.tree) if isinstance(node, ast.Attribute) and node.attr == "grad"]
    return {view.source(node.value) for node in (*flags, *grads) if isinstance(node.value, (ast.Name, ast.Attribute))}


def _freezing(view: View, asked: Asked) -> int | None:
    """The line that switched gradients of the parameters off."""
    frozen = {state.serial for state in asked.walk.sources if state.parameter}
    for event in view.tape.events:
        switches = event.op in ("Tensor.requires_grad.__set__", "Tensor.requires_grad_")
        if switches and event.inputs and event.inputs[0].serial in frozen:
            return event.line
    return None


def _given_to(view: View, line: int | None) -> str | None:
    """The text of the tensors that autograd.grad() was asked about on a line."""
    call = view.call_on(line, ("grad",)) if line is not None else None
    if call is None:
        return None
    named = [word.value for word in call.keywords if word.arg == "inputs"] + call.args[1:2]
    return view.source(named[0]) if named else None


def _states(view: View, serials: frozenset[int]) -> list[TensorState]:
    return [state for serial in sorted(serials) if (state := view.tape.state_of(serial)) is not None]
