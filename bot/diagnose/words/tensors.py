"""Tensors: leaves and results, what is read of them, which names hold them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from bot.diagnose.roles import attribute_on, roles
from bot.diagnose.view import Found, View
from bot.diagnose.vocabulary import word
from bot.domain.tape import Event, short_name


@word
def tensor(view: View, value: Any) -> Found | None:
    """A tensor whose `.grad` is read is as said: leaf, requires_grad, grad (none, set), held_by (named: a name
    holds its leaf; nameless: none does), several_paths, told_of (beside_leaf: a sentence of the post names its `.grad` and that of its leaf). $X is that tensor, $LEAF its leaf, $MAKER what made it."""
    wanted = dict(value)
    for event in reversed(view.grad_reads):
        found = _read_tensor(view, event, wanted)
        if found is not None:
            return found
    return None


def _read_tensor(view: View, event: Event, wanted: dict[str, Any]) -> Found | None:
    state = event.inputs[0]
    leaves = view.leaves_under(state.serial)
    held = any(_held(view, leaf, event.index) for leaf in leaves)
    facts = {
        "leaf": state.leaf,
        "requires_grad": state.requires_grad,
        "grad": "set" if event.outputs else "none",
        "held_by": "named" if held else "nameless",
        "several_paths": _several_paths(view, state.serial),
        "after_backward": any(one.index < event.index for one in view.backwards),
    }
    names, serials = roles(view, state, event, leaves)
    facts["told_of"] = "beside_leaf" if _told_beside_leaf(view, names) else ""
    if any(facts.get(key) != wish for key, wish in wanted.items()):
        return None
    kind = "a leaf" if state.leaf else "not a leaf"
    return Found(
        text=f"`{names['X']}.grad` is read at line {event.line}; `{names['X']}` is {kind}",
        line=event.line, event=event.index, names=names, serials=serials,
        error_line=event.line, cause_line=view.creation_line(state.serial),
    )  # fmt: skip


def _told_beside_leaf(view: View, names: dict[str, str]) -> bool:
    """Whether the post's sentences name the gradient of a result and that of its leaf."""
    mentions = set(view.reading.mentions)
    return "LEAF" in names and {f"{names['X']}.grad", f"{names['LEAF']}.grad"} <= mentions


@word
def rebinds_leaf(view: View, value: Any) -> Found | None:
    """true: a name holds the result of an operation, and no name holds the leaf it was computed from, although
    that leaf was not differentiated before. $X is that name, $LEAF the leaf, $MAKER the operation."""
    for name, serial, at in _named(view):
        state = view.tape.state_of(serial)
        if state is None or state.leaf or not state.requires_grad:
            continue
        leaves = view.leaves_under(state.serial)
        maker = view.tape.maker(state.serial)
        early = maker is not None and not _reached_before(view, leaves, maker)
        if leaves and early and not any(_held(view, leaf, at) for leaf in leaves):
            names, serials = roles(view, state, maker, leaves)
            names["X"] = name
            found = Found(
                text=f"`{name}` is the result of {names.get('MAKER', 'an operation')}, not the leaf",
                line=maker.line if maker else None, names=names, serials=serials, cause_line=maker.line if maker else None,
            )  # fmt: skip
            return found if value else None
    return None if value else Found(text="every leaf keeps its name")


@word
def computed(view: View, value: Any) -> Found | None:
    """The program computes a tensor that its sentences name by the end of an expression, such as `x.T`: op = the
    operation's last word, or "named" for any intermediate that a sentence names and nothing is differentiated from. $X is
    its expression."""
    wanted = dict(value)
    roots = {root for event in view.backwards if event.backward is not None for root in event.backward.roots}
    for mention in view.reading.mentions:
        last = mention.rsplit(".", 1)[-1].removesuffix("()")
        for event in view.tape.events:
            made = event.outputs[0] if event.outputs else None
            if made is None or made.leaf or not made.requires_grad or made.serial in roots:
                continue
            by_op = short_name(event.op) == last and "." in mention
            by_name = view.ever_named(made.serial) == mention
            if (by_op or by_name) and wanted.get("op", last) in (last, "named"):
                expression = view.ever_named(made.serial) or attribute_on(view, event.line, last) or mention
                return Found(
                    text=f"`{mention}` is computed at line {event.line}",
                    line=event.line, event=event.index, cause_line=event.line,
                    names={"X": expression, "SAID": mention, "MAKER": short_name(event.op)}, serials={"X": made.serial},
                )  # fmt: skip
    return None


def _named(view: View) -> Iterator[tuple[str, int, int]]:
    """Which name means which tensor from which event on: the module's names, then those of functions in which `.grad` is read."""
    for binding in view.tape.bindings:
        if binding.serial is not None:
            yield binding.name, binding.serial, binding.at
    for event in view.grad_reads:
        state = event.inputs[0]
        if state.names and not view.tensors.named_at(state.serial, event.index):
            yield state.names[0], state.serial, event.index


def _held(view: View, leaf: int, event: int) -> bool:
    """Whether a name of the module means the leaf at that event, or one of a function last did."""
    return view.tensors.named_at(leaf, event) or view.tensors.named_in_function_at(leaf, event)


def _reached_before(view: View, leaves: Collection[int], maker: Event) -> bool:
    """Whether a backward call before this event already reached one of the leaves: then it is their update."""
    earlier = (event.backward for event in view.backwards if event.index < maker.index)
    return any(not set(leaves).isdisjoint(call.leaves) for call in earlier if call is not None)


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
            waiting.extend(view.tensors.graph.parents.get(serial, ()))
    return False
