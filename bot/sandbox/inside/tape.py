"""Keeps the tape: every torch call of the snippet with its line, its tensors and their states.

torch shows its calls to a `TorchFunctionMode`. After the first passes over a line only a count is
kept, so that a training loop costs little; a failing call is always recorded.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import torch
from inside import history, tensors
from inside.calls import BACKWARD, SNIPPET, arguments_of, askers_frame, described, inplace, roots_of
from torch.overrides import TorchFunctionMode

#: How often one line's same call is recorded in full.
PASSES = 6
#: Events in full; beyond it the tape is cut.
MOST_EVENTS = 1500
#: Of these, the ones that differentiate; and failing calls that are noted although their line was only counted.
MOST_DIFFERENTIATIONS = 150
MOST_FAILURES = 50
#: Tensors that one differentiation is said to start from, to be asked for, or to reach.
MOST_REACHED = 400
#: Calls of which it is worth knowing whether both sides are one and the same memory: comparisons, and copying.
PAIRS = frozenset({"sub", "__sub__", "eq", "__eq__", "ne", "__ne__", "equal", "allclose", "isclose", "dist", "copy_"})
#: Notes that loops repeat: like calls, the first passes are kept.
REPEATED = frozenset({"step", "zero_grad", "save", "load"})


class Tape(TorchFunctionMode):
    """Records torch calls while it is entered."""

    def __init__(self, names: dict[str, Any]) -> None:
        super().__init__()
        self.serials = tensors.Serials()
        self.history = history.History()
        self.events: list[dict[str, Any]] = []
        self.bindings: list[list[Any]] = []
        self.cut = False
        self._names = names
        self._bound: dict[str, int] = {}
        self._times: dict[tuple[int, str], dict[str, Any] | int] = {}
        self._attributes: set[tuple[int, str]] = set()
        self._reached: dict[tuple[int, str], tuple[int, list[Any]]] = {}
        self._seen_bad = False
        self._differentiations = 0
        self._failures: list[int] = []
        #: Modules, by id, with the attribute in which they keep layers that `parameters()` does not find.
        self.hidden: set[tuple[int, str]] = set()
        #: What is put around a tensor's hook when it is registered, so that its call is seen.
        self.hook_watched: Callable[[Any], Any] = lambda hook: hook

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run the call and record it."""
        kwargs = kwargs or {}
        name, attribute = described(func)
        caller = sys._getframe(1)
        if name is None or (attribute and caller.f_code.co_filename != SNIPPET):
            return func(*args, **kwargs)
        frame = askers_frame(caller)
        line = frame.f_lineno if frame is not None else 0
        if self._only_counted(line, name):
            return self._counted(func, name, frame, line, args, kwargs)
        return self._recorded(func, name, frame, line, args, kwargs)

    def _only_counted(self, line: int, name: str) -> bool:
        key = (line, name)
        times = self._times.get(key, 0)
        if isinstance(times, dict):
            times["times"] += 1
            return True
        self._times[key] = times + 1
        if name in BACKWARD:
            self._differentiations += 1
        self.cut = self.cut or len(self.events) >= MOST_EVENTS or self._differentiations > MOST_DIFFERENTIATIONS
        return len(self.events) >= MOST_EVENTS or (name in BACKWARD and self._differentiations > MOST_DIFFERENTIATIONS)

    def _counted(
        self,
        func: Any,
        name: str,
        frame: FrameType | None,
        line: int,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        """Run a call that is only counted: what it made and wrote is remembered, and a first gradient that is no number."""
        watched = self._reached.get((line, name)) if name in BACKWARD and not self._seen_bad else None
        sound = watched is not None and history.finite(roots_of(args, kwargs))
        try:
            result = func(*args, **kwargs)
        except Exception as error:
            self._note_failure(line, name, frame, args, kwargs, error)
            raise
        if watched is not None:
            if sound:
                self._note_gradients(self.events[watched[0]], watched[1], None)
            return result
        if isinstance(result, (torch.Tensor, tuple)):
            stack = history.stack_of(frame, SNIPPET)
            self.history.made(result, line, name, stack)
            if args and isinstance(args[0], torch.Tensor) and (inplace(name) or kwargs.get("inplace")):
                self.history.wrote(args[0], line, name, stack)
        return result

    def _recorded(
        self,
        func: Any,
        name: str,
        frame: FrameType | None,
        line: int,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        names = self.bind(frame, line)
        stack = history.stack_of(frame, SNIPPET)
        given = tensors.found_in(args) + tensors.found_in(kwargs)
        event = self._event(line, name, given[:16], names, **({"stack": stack} if stack else {}))
        if len(given) > 1 and name.rsplit(".", 1)[-1] in PAIRS and history.same_memory(given[0], given[1]):
            event["same"] = True
        if name in BACKWARD:
            event["backward"] = self._backward(name, args, kwargs)
            self._reached[(line, name)] = (len(self.events), history.leaves_below(given))
        self.events.append(event)
        if self._times.get((line, name)) == PASSES:
            self._times[(line, name)] = event
        result = self._run(func, event, given, names, args, kwargs)
        node = self.history.made(result, line, name, stack)
        if node is not None:
            event["node"] = node
        event["out"] = [self._state(tensor, names, digest=True) for tensor in tensors.found_in(result)[:16]]
        return result

    def _run(
        self,
        func: Any,
        event: dict[str, Any],
        given: list[torch.Tensor],
        names: dict[int, list[str]],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        """Run the call of an event; note what it raised, what it wrote, and a gradient that it made no number."""
        line, name = event["line"], event["op"]
        if name == "Tensor.register_hook":
            args, kwargs = self._watching(args, kwargs)
        versions = [(tensor, tensor._version) for tensor in given[:6] if not tensor.is_inference()]
        looking = history.Finite(roots_of(args, kwargs)) if name in BACKWARD and not self._seen_bad else None
        try:
            result = func(*args, **kwargs)
        except Exception as error:
            event["error"] = str(error)[:500]
            if name in BACKWARD:
                self._note_clash(event, given, error, names)
            raise
        finally:
            if looking is not None:
                looking.end()
        if looking is not None and looking.sound:
            self._note_gradients(event, self._reached[(line, name)][1], looking, result)
        for tensor, version in versions:
            if not tensor.is_inference() and tensor._version != version:
                self.history.wrote(tensor, line, name, event.get("stack", []))
                event.setdefault("writes", []).append(self.serials.of(tensor))
        return result

    def _watching(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments of `register_hook` with a hook that is looked at when it is called."""
        given = {name: self.hook_watched(value) if name == "hook" else value for name, value in kwargs.items()}
        return (*args[:1], *(self.hook_watched(hook) for hook in args[1:])), given

    def _note_failure(
        self,
        line: int,
        name: str,
        frame: FrameType | None,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        error: Exception,
    ) -> None:
        names = self.bind(frame, line)
        given = tensors.found_in(args) + tensors.found_in(kwargs)
        stack = history.stack_of(frame, SNIPPET)
        event = self._event(line, name, given[:16], {}, stack=stack, error=str(error)[:500])
        if name in BACKWARD:
            event["backward"] = self._backward(name, args, kwargs)
            self._note_clash(event, given, error, names)
        if len(self._failures) < MOST_FAILURES:
            self._failures.append(len(self.events))
            self.events.append(event)
        else:  # the last one may be what ends the program
            self.events[self._failures[-1]] = event

    def _note_clash(
        self, event: dict[str, Any], roots: list[torch.Tensor], error: Exception, names: dict[int, list[str]]
    ) -> None:
        known = [tensor for reference, _ in list(self.serials._known.values()) if (tensor := reference()) is not None]
        found = self.history.clash(roots, error, known)
        if found is not None:
            event["clash"] = history.serial_rows(found, self.serials, names)

    def _note_gradients(
        self, event: dict[str, Any], leaves: list[Any], looking: history.Finite | None, result: Any = None
    ) -> None:
        """Note that a sound loss gave a gradient that is no number, and the node that made it so."""
        held = [leaf for reference in leaves if (leaf := reference()) is not None]
        bad = [leaf for leaf in held if history.gradient_kind([leaf.grad])]
        returned = tensors.found_in(result) if result is not None else []
        kind = history.gradient_kind([*(leaf.grad for leaf in held), *returned])
        if kind is None:
            return
        self._seen_bad = True
        node = looking.node if looking is not None else None
        line, op, stack = (node is not None and self.history.maker(node._sequence_nr())) or (0, "", [])
        event["nonfinite"] = {
            "kind": kind, "node": node.name() if node is not None else "", "line": line, "op": op, "stack": stack,
            "leaves": [self.serials.of(leaf) for leaf in bad[:8]],
        }  # fmt: skip

    def _backward(self, kind: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        given = arguments_of(kind, args, kwargs)
        roots = tensors.found_in(given.get("outputs"))[:MOST_REACHED]
        inputs = tensors.found_in(given.get("inputs"))[:MOST_REACHED]
        leaves, nodes = tensors.graph_below(roots, self.serials)
        create = bool(given.get("create_graph"))
        retain = given.get("retain_graph")
        weights = given.get("weights")
        below = [leaf for reference in history.leaves_below(roots) if (leaf := reference()) is not None]
        held = [self.serials.of(leaf) for leaf in below if history.holds_gradient(leaf)]
        return {
            "roots": [self.serials.of(root) for root in roots],
            "inputs": [self.serials.of(tensor) for tensor in inputs],
            "leaves": leaves[:MOST_REACHED],
            "nodes": nodes,
            "places": [self.history.place(number) for number in nodes],
            "retain_graph": create if retain is None else bool(retain),
            "create_graph": create,
            "weights": "none" if weights is None or weights == [] else "given",
            "held": held[:MOST_REACHED],
        }

    def _event(
        self, line: int, op: str, given: list[torch.Tensor], names: dict[int, list[str]], **more: Any
    ) -> dict[str, Any]:
        """An event as the frame brings it out; `out` and what the call did are set when it has run."""
        return {
            "line": line,
            "op": op,
            "in": [self._state(tensor, names, digest=False) for tensor in given if tensors.is_there(tensor)],
            "out": [],
            "grad": torch.is_grad_enabled(),
            "inference": torch.is_inference_mode_enabled(),
            "inplace": inplace(op),
            "times": 1,
            **more,
        }

    def _state(self, tensor: torch.Tensor, names: dict[int, list[str]], *, digest: bool) -> list[Any]:
        serial = self.serials.of(tensor)
        return tensors.state(tensor, serial, tuple(names.get(id(tensor), ())[:4]), digest=digest)

    def note(self, line: int, op: str, given: list[torch.Tensor], **more: Any) -> None:
        """Record something torch does not show as a call: an optimizer made, an unknown attribute set."""
        if op in REPEATED and self._only_counted(line, op):
            return
        if len(self.events) >= MOST_EVENTS:
            self.cut = True
            return
        self.events.append(self._event(line, op, given[:32], {}, **{"inference": False, "inplace": False} | more))
        if self._times.get((line, op)) == PASSES:
            self._times[(line, op)] = self.events[-1]

    def bind(self, frame: FrameType | None, line: int) -> dict[int, list[str]]:
        """Note which names mean which tensors now; returns the names by the tensors' `id()`."""
        names: dict[int, list[str]] = {}
        if frame is not None and frame.f_globals is self._names:
            if frame.f_locals is not self._names:
                for name, value in frame.f_locals.items():
                    if isinstance(value, torch.Tensor):
                        names.setdefault(id(value), []).append(name)
                        self._unknown_attributes(name, value, line)
            self.bind_globals(line, names)
        return names

    def bind_globals(self, line: int, names: dict[int, list[str]] | None = None) -> None:
        """Note the names of the program itself."""
        bound: dict[str, int] = {}
        for name, value in list(self._names.items()):
            if isinstance(value, torch.Tensor) and not name.startswith("__"):
                bound[name] = self.serials.of(value)
                self._unknown_attributes(name, value, line)
                if names is not None:
                    names.setdefault(id(value), []).append(name)
        if bound != self._bound:
            for name in bound.keys() | self._bound.keys():
                if bound.get(name) != self._bound.get(name) and len(self.bindings) < MOST_EVENTS:
                    self.bindings.append([len(self.events), line, name, bound.get(name)])
            self._bound = bound

    def _unknown_attributes(self, name: str, tensor: torch.Tensor, line: int) -> None:
        for attribute in vars(tensor):
            key = (self.serials.of(tensor), attribute)
            if key not in self._attributes and not attribute.startswith("_"):
                self._attributes.add(key)
                self.note(line, "attribute", [tensor], note=f"{name}.{attribute}")

    def finals(self) -> list[dict[str, Any]]:
        """What each name of the program holds when the run ends."""
        rows: list[dict[str, Any]] = []
        for name, value in list(self._names.items()):
            if name.startswith("__") or len(rows) >= 60:
                continue
            if isinstance(value, torch.Tensor) and tensors.is_there(value):
                held = tensors.grad_held(value)
                rows.append({
                    "name": name,
                    "state": self._state(value, {id(value): [name]}, digest=True),
                    "value": tensors.printed(value),
                    "grad": tensors.printed(value.grad) if held == "set" else None,
                })  # fmt: skip
        return rows
