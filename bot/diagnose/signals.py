"""The closed vocabulary of `[seen]`: one function for each word, over a run, its tape and the post.

A word's function gets the value that stands after it in the entry and answers with what it found, or
None. The docstring is what `autograd-bot knowledge words` prints. The $NAMES it binds are said in it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from bot.diagnose import wording
from bot.diagnose.view import BACKWARD, Found, View, called, receiver
from bot.domain.run import Outcome
from bot.domain.tape import Event, TensorState, short_name

Signal = Callable[[View, Any], "Found | None"]
#: The words, by name.
WORDS: dict[str, Signal] = {}

#: How well the post's words must fit `asked_as` for `asks = true`.
ASKED = 0.55


def word(function: Signal) -> Signal:
    """Make a function a word of the vocabulary; its name is the word."""
    WORDS[function.__name__.removesuffix("_")] = function
    return function


def listed(value: Any) -> tuple[str, ...]:
    """One string or a list of them, as a tuple."""
    return (value,) if isinstance(value, str) else tuple(value)


# What was said


@word
def raises(view: View, value: Any) -> Found | None:
    """The run ended with an exception of this type (or one of these)."""
    error = view.run.error
    if error is None or error.type not in listed(value):
        return None
    return Found(text=f"raises {error.type}", line=error.line, error_line=error.line)


@word
def message(view: View, value: Any) -> Found | None:
    """The exception says one of these wordings; numbers and shapes do not count."""
    error = view.run.error
    if error is None or not wording.says(error.message, listed(value)):
        return None
    return Found(text=error.message.strip().splitlines()[0][:200], line=error.line)


@word
def warns(view: View, value: Any) -> Found | None:
    """A warning says one of these wordings; its line becomes the error line."""
    for warning in view.run.warnings:
        if wording.says(warning.message, listed(value)):
            return Found(text=warning.message.split(". ")[0], line=warning.line, error_line=warning.line)
    return None


@word
def error_line_calls(view: View, value: Any) -> Found | None:
    """The failing line calls one of these; $LOSS is what a failing backward() or grad() starts from."""
    if view.line is None:
        return None
    call = view.call_on(view.line, listed(value))
    if call is None:
        return None
    names, serials = _root_of(view, call, _failed(view))
    return Found(text=f"the failing line calls {called(call)}()", line=view.line, names=names, serials=serials)


@word
def quoted(view: View, value: Any) -> Found | None:
    """The post quotes one of these messages."""
    error = view.reading.error
    if error is None or not wording.says(error.message, listed(value)):
        return None
    return Found(text=f"the post quotes: {error.message.strip().splitlines()[0][:160]}")


@word
def asks(view: View, value: Any) -> Found | None:
    """true: the post's words fit the entry's `asked_as` and none of its `not_this`. A number: how well they must fit."""
    least = ASKED if value is True else float(value)
    return Found(text=f"the post asks this (fit {view.asked:.2f})") if view.asked >= least else None


@word
def names_code(view: View, value: Any) -> Found | None:
    """A sentence of the post names code that matches this pattern, such as `\\.T$`; $SAID is that code."""
    for mention in view.reading.mentions:
        if re.search(str(value), mention):
            return Found(text=f"the post speaks of `{mention}`", names={"SAID": mention})
    return None


# What was called


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


# Tensors


@word
def tensor(view: View, value: Any) -> Found | None:
    """A tensor whose `.grad` is read is as said: leaf, requires_grad, grad (none, set), held_by (named: a name
    holds its leaf; nameless: none does), several_paths. $X is that tensor, $LEAF its leaf, $MAKER what made it."""
    wanted = dict(value)
    for event in reversed(view.grad_reads):
        found = _read_tensor(view, event, wanted)
        if found is not None:
            return found
    return None


def _read_tensor(view: View, event: Event, wanted: dict[str, Any]) -> Found | None:
    state = event.inputs[0]
    leaves = view.leaves_under(state.serial)
    held = any(view.names_at(leaf, event.index) for leaf in leaves)
    facts = {
        "leaf": state.leaf,
        "requires_grad": state.requires_grad,
        "grad": "set" if event.outputs else "none",
        "held_by": "named" if held else "nameless",
        "several_paths": _several_paths(view, state.serial),
        "after_backward": any(one.index < event.index for one in view.backwards),
    }
    if any(facts.get(key) != wish for key, wish in wanted.items()):
        return None
    names, serials = _roles(view, state, event, leaves)
    kind = "a leaf" if state.leaf else "not a leaf"
    return Found(
        text=f"`{names['X']}.grad` is read at line {event.line}; `{names['X']}` is {kind}",
        line=event.line, event=event.index, names=names, serials=serials,
        error_line=event.line, cause_line=view.creation_line(state.serial),
    )  # fmt: skip


@word
def rebinds_leaf(view: View, value: Any) -> Found | None:
    """true: a name holds the result of an operation, and no name holds the leaf it was computed from, although
    nothing was differentiated before. $X is that name, $LEAF the leaf, $MAKER the operation."""
    for binding in view.tape.bindings:
        state = None if binding.serial is None else view.tape.state_of(binding.serial)
        if state is None or state.leaf or not state.requires_grad:
            continue
        leaves = view.leaves_under(state.serial)
        maker = view.tape.maker(state.serial)
        early = maker is not None and all(one.index > maker.index for one in view.backwards)
        if leaves and early and not any(view.names_at(leaf, binding.at) for leaf in leaves):
            names, serials = _roles(view, state, maker, leaves)
            names["X"] = binding.name
            found = Found(
                text=f"`{binding.name}` is the result of {names.get('MAKER', 'an operation')}, not the leaf",
                line=maker.line if maker else None, names=names, serials=serials, cause_line=maker.line if maker else None,
            )  # fmt: skip
            return found if value else None
    return None if value else Found(text="every leaf keeps its name")


@word
def computed(view: View, value: Any) -> Found | None:
    """The program computes a tensor that its sentences name by the end of an expression, such as `x.T`:
    op = the operation's last word, or "named" for any intermediate that a sentence names. $X is its expression."""
    wanted = dict(value)
    for mention in view.reading.mentions:
        last = mention.rsplit(".", 1)[-1].removesuffix("()")
        for event in view.tape.events:
            made = event.outputs[0] if event.outputs else None
            if made is None or made.leaf or not made.requires_grad:
                continue
            by_op = short_name(event.op) == last and "." in mention
            by_name = view.ever_named(made.serial) == mention
            if (by_op or by_name) and wanted.get("op", last) in (last, "named"):
                expression = view.ever_named(made.serial) or _attribute_on(view, event.line, last) or mention
                return Found(
                    text=f"`{mention}` is computed at line {event.line}",
                    line=event.line, event=event.index, cause_line=event.line,
                    names={"X": expression, "SAID": mention, "MAKER": short_name(event.op)}, serials={"X": made.serial},
                )  # fmt: skip
    return None


# Differentiations


@word
def backward_calls(view: View, value: Any) -> Found | None:
    """At least this many calls of backward() or autograd.grad() were made. $LOSS is what the last starts from."""
    made = view.backwards
    if len(made) < int(value):
        return None
    last = made[-1]
    call = view.call_on(last.line, BACKWARD)
    names, serials = _root_of(view, call, last) if call is not None else ({}, {})
    return Found(text=f"{len(made)} differentiations", line=last.line, event=last.index, names=names, serials=serials)


@word
def second_backward(view: View, value: Any) -> Found | None:
    """How a later differentiation meets an earlier one: same_root (the same tensor again), shared_part (another
    root over nodes already freed). $LOSS is the later root; the earlier call is the cause line."""
    seen: list[Event] = []
    for event in view.backwards:
        for earlier in seen:
            kind = _meeting(earlier, event)
            if kind in listed(value) and (event.error or view.run.error is None):
                call = view.call_on(event.line, BACKWARD)
                names, serials = _root_of(view, call, event) if call is not None else ({}, {})
                return Found(
                    text=f"line {event.line} goes back over what line {earlier.line} already went over",
                    line=event.line, event=event.index, names=names, serials=serials, cause_line=earlier.line,
                )  # fmt: skip
        seen.append(event)
    return None


@word
def differentiates_gradient(view: View, value: Any) -> Found | None:
    """A gradient is differentiated: without_graph (it was made without create_graph), added_up (it is the `.grad`
    that backward() adds to, so the sum of both is left there), any. $N is what was differentiated first, $X for
    which tensor; the first call is the cause line."""
    for event in view.backwards:
        first = _made_as_gradient(view, event)
        if first is None or first.backward is None or event.backward is None:
            continue
        leaf = next((leaf for leaf in event.backward.leaves if leaf in event.backward.held), None)
        graph = first.backward.create_graph
        kind = "without_graph" if not graph else "added_up" if leaf is not None else "fine"
        if kind == "fine" or ("any" not in listed(value) and kind not in listed(value)):
            continue
        names = _second_derivative_names(view, first, event)
        return Found(
            text=f"line {event.line} differentiates the gradient that line {first.line} made",
            line=event.line, event=event.index, names=names, cause_line=first.line, error_line=event.line,
        )  # fmt: skip
    return None


# The release


@word
def torch(view: View, value: Any) -> Found | None:
    """The release that ran is in this range, e.g. ">=2.0,<3"."""
    version = _numbers(view.run.torch_version or "")
    for condition in str(value).split(","):
        sign, wanted = re.match(r"\s*([<>=!]+)\s*(.*)", condition).groups()  # type: ignore[union-attr]
        if not _COMPARE[sign](version, _numbers(wanted)):
            return None
    return Found(text=f"torch {view.run.torch_version}")


_COMPARE: dict[str, Callable[[tuple[int, ...], tuple[int, ...]], bool]] = {
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
    "==": lambda one, other: one == other,
    "!=": lambda one, other: one != other,
}


def holds(view: View, seen: Any) -> tuple[Found, ...] | None:
    """What shows each line of a `[seen]` table, or None when one line does not hold.

    `any` is a list of tables of which one must hold; `not` is a table of which no line may.
    """
    found: list[Found] = []
    for name, value in seen.items():
        match name:
            case "any":
                for part in value:
                    inner = holds(view, part)
                    if inner is not None:
                        found.extend(inner)
                        break
                else:
                    return None
            case "not":
                if any(WORDS[inner](view, wish) is not None for inner, wish in value.items()):
                    return None
            case _:
                one = WORDS[name](view, value)
                if one is None:
                    return None
                found.append(replace(one, word=name))
    return tuple(found)


def known_words() -> frozenset[str]:
    """All words that `[seen]` may hold."""
    return frozenset(WORDS) | {"any", "not"}


def _failed(view: View) -> Event | None:
    return next((event for event in reversed(view.tape.events) if event.error), None)


def _root_of(view: View, call: ast.Call, event: Event | None) -> tuple[dict[str, str], dict[str, int]]:
    target = receiver(call)
    names = {} if target is None else {"LOSS": view.source(target)}
    roots = event.backward.roots if event is not None and event.backward is not None else ()
    return names, {"LOSS": roots[0]} if roots else {}


def _roles(
    view: View, state: TensorState, event: Event | None, leaves: Iterable[int]
) -> tuple[dict[str, str], dict[str, int]]:
    line = event.line if event is not None else 0
    node = view.read_on(line, "grad")
    expression = view.source(node.value) if node is not None else view.expression_for(state, line)
    names = {"X": state.names[0] if state.names else expression}
    serials = {"X": state.serial}
    maker = view.tape.maker(state.serial)
    if maker is not None:
        names["MAKER"] = short_name(maker.op)
    for leaf in leaves:
        serials["LEAF"] = leaf
        named = view.ever_named(leaf)
        if named:
            names["LEAF"] = named
    return names, serials


def _several_paths(view: View, serial: int) -> bool:
    """Whether a leaf under this tensor also reaches the differentiated root without passing through it."""
    leaves = set(view.leaves_under(serial))
    for event in view.backwards:
        for root in event.backward.roots if event.backward else ():
            if _reaches_around(view, root, serial, leaves):
                return True
    return False


def _reaches_around(view: View, root: int, avoided: int, leaves: set[int]) -> bool:
    waiting, seen = [root], {avoided}
    while waiting:
        serial = waiting.pop()
        if serial in leaves:
            return True
        if serial not in seen:
            seen.add(serial)
            waiting.extend(view._parents.get(serial, ()))
    return False


def _meeting(earlier: Event, later: Event) -> str | None:
    first, second = earlier.backward, later.backward
    if first is None or second is None or first.retain_graph or earlier.error:
        return None
    if set(first.roots) & set(second.roots):
        return "same_root"
    if first.nodes and set(first.nodes) >= set(second.nodes) and set(first.nodes[-1:]) & set(second.nodes):
        return "same_root"
    return "shared_part" if set(first.nodes) & set(second.nodes) else None


def _made_as_gradient(view: View, event: Event) -> Event | None:
    """The differentiation that made the tensor from which this one starts."""
    assert event.backward is not None
    family = {serial for root in event.backward.roots for serial in (root, *_all_ancestors(view, root))}
    for earlier in view.backwards:
        if earlier.index >= event.index or earlier.backward is None:
            continue
        if any(state.serial in family for state in earlier.outputs):
            return earlier
        for read in view.grad_reads:
            given = {state.serial for state in read.outputs}
            if earlier.index < read.index < event.index and given & family and read.inputs[0].leaf:
                return earlier
    return None


def _all_ancestors(view: View, serial: int) -> set[int]:
    """What a tensor was computed from, whether or not the graph was recorded."""
    found: set[int] = set()
    waiting = [serial]
    while waiting:
        current = waiting.pop()
        maker = view.tape.maker(current)
        if maker is None or maker.backward is not None or maker.op == "Tensor.grad.__get__":
            continue
        for given in maker.inputs:
            if given.serial not in found:
                found.add(given.serial)
                waiting.append(given.serial)
    return found


def _second_derivative_names(view: View, first: Event, second: Event) -> dict[str, str]:
    names: dict[str, str] = {}
    call = view.call_on(first.line, BACKWARD)
    target = receiver(call) if call is not None else None
    if target is not None:
        names["N"] = view.source(target)
    wanted = first.backward.inputs or first.backward.leaves if first.backward is not None else ()
    for serial in wanted:
        named = view.ever_named(serial)
        if named:
            names["X"] = named
    later = view.call_on(second.line, BACKWARD)
    target = receiver(later) if later is not None else None
    if target is not None:
        names["LOSS"] = view.source(target)
    return names


def _attribute_on(view: View, line: int, attribute: str) -> str | None:
    node = view.read_on(line, attribute)
    return None if node is None else view.source(node)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version.split("+")[0]))


#: Outcomes of which an entry can say something.
READABLE = (Outcome.FINISHED, Outcome.RAISED, Outcome.TIMED_OUT)
