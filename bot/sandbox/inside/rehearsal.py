"""Runs a program with some of its tensors nudged, and notes what it differentiates.

Traps met in trials, and what is done about them:
- at a kink (relu at 0) a central difference is wrong: the base point is moved by a fixed random 1e-3, up alone
  where the program has no value below (log at 0);
- a leaf may share its memory with other tensors: it gets its own when it is first used;
- float32 loses the difference: the program runs in float64, and in float32 only where it cannot;
- a cut (detach, no_grad, item) is a constant to autograd: at the lines the order names, its value is held, and
  so are the weights of a backward() and the buffers that a layer fills;
- a leaf that is filled anew after its first use would lose its nudge: it is taken off and put on again.
"""

from __future__ import annotations

import contextlib
import io
import re
import sys
import types
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import torch
from inside import tensors
from inside.calls import BACKWARD, SNIPPET, arguments_of, askers_frame, inplace, operation
from inside.differentiation import Call, weighted
from inside.nudging import Compared, Shift, copied, dense, gained, memory, random_numbers, version
from inside.precision import Precision
from torch.overrides import TorchFunctionMode

MOST_CALLS = 12
#: Calls that leave the graph: what they return is a constant to autograd.
CUTS = frozenset({"detach", "data", "item", "tolist", "numpy", "__float__", "__array__", "tensor", "as_tensor"})
HOOKS = frozenset({"register_hook", "register_post_accumulate_grad_hook"})
#: Calls that are about a tensor and not a use of its value.
ABOUT = HOOKS | {"requires_grad_", "requires_grad", "grad", "retain_grad"}
#: Calls that make another tensor of the same numbers, to which a nudge must not spread.
COPIES = frozenset({"__deepcopy__", "__reduce_ex__"})
#: Layers that fill their buffers without a trace.
FILL_BUFFERS = frozenset({"batch_norm", "instance_norm"})
#: A line that only asks whether there is a gradient does not want one.
_ASKS_FOR_NONE = re.compile(r"\.grad\s*(?:is|==|!=)\s|\bif\s+[\w.]+\.grad\s*:")


class Enough(BaseException):
    """Everything that is compared has happened."""


class Mismatch(Exception):
    """The runs cannot be compared; the message says why."""


class Rehearsal(TorchFunctionMode):
    """One run of the program.

    A leaf's key is its number in the order of first use; an intermediate's is its birth, (event, output):
    both are the same in every run of a program that takes the same way.
    """

    def __init__(
        self,
        *,
        dtype: torch.dtype,
        held: frozenset[int],
        shift: Shift,
        births: frozenset[tuple[int, int]] = frozenset(),
        base: Rehearsal | None = None,
        nudge: tuple[frozenset[Any], int, float] = (frozenset(), 0, 0.0),
    ) -> None:
        super().__init__()
        self.dtype = dtype
        self.held = held
        self.shift = shift
        self.births = births
        self.calls: list[Call] = []
        #: What the held cuts gave, by event; and the events whose result the program then wrote into.
        self.constants: dict[Any, Any] = {}
        self.written: set[int] = set()
        self._base = base
        self._compared = Compared(nudge)
        self._most = len(base.calls) if base is not None else MOST_CALLS
        self._precision = Precision(dtype)
        self._serials = tensors.Serials()
        self._keys: dict[int, Any] = {}
        self._born: dict[int, tuple[int, int]] = {}
        self._retained: list[int] = []
        self._aliases: list[tuple[torch.Tensor, int]] = []
        self._reached: set[int] = set()
        self._missing: dict[str, int] = {}
        self._event = 0
        self._leaves = 0
        self._names: dict[str, Any] = {}
        self._lines: list[str] = []
        self._problem: str | None = None
        self._busy = False
        self._over = False

    def perform(self, code: str, *, seed: int) -> None:
        """Run the program. Raises `Mismatch` when it fails before anything was differentiated."""
        from inside import program

        program.seed(seed)
        self._names = program.own_module().__dict__
        self._lines = code.splitlines()
        try:
            with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), self._surroundings():
                warnings.simplefilter("ignore")
                compiled = compile(code, SNIPPET, "exec", dont_inherit=True)
                with self:
                    exec(compiled, self._names)
        except (Enough, SystemExit):
            pass
        except program.OutOfTime:
            raise
        except BaseException as error:  # strangers' code may raise anything
            if not self.calls and self._problem is None:
                raise Mismatch(f"{type(error).__name__}: {error}"[:300]) from None
        if self._problem is not None:
            raise Mismatch(self._problem)

    @contextlib.contextmanager
    def _surroundings(self) -> Iterator[None]:
        """torch in the rehearsal's precision, with `Function.apply` seen; put back as it was."""
        function = torch.autograd.Function.__dict__["apply"]

        def apply(cls: Any, *args: Any, **kwargs: Any) -> Any:
            return self._applied(cls, function.__func__, args, kwargs)

        torch.autograd.Function.apply = classmethod(apply)
        try:
            with self._precision.everywhere():
                yield
        finally:
            torch.autograd.Function.apply = function
            torch.set_grad_enabled(True)

    # What the report asks afterwards

    def keys(self) -> list[Any]:
        """The tensors that a call differentiated for, in the order in which they were met."""
        return list(dict.fromkeys(key for call in self.calls for key in call.gradients))

    def wanted_births(self) -> frozenset[tuple[int, int]]:
        """The intermediates whose gradient is asked for, by their birth."""
        return frozenset(self._born[serial] for serial in self._retained if serial in self._born)

    def label(self, key: Any) -> str:
        """The asker's name for a tensor, else its number."""
        return self._compared.labels.get(key) or f"#{list(self._compared.tensors).index(key) + 1}"

    def direction(self, key: Any, turn: int) -> torch.Tensor:
        """The direction a tensor is nudged along; the same in every run."""
        return random_numbers(self._compared.tensors[key].shape, f"{key}/{turn}").to(self.dtype)

    def never_reached(self, wanted: tuple[str, ...]) -> list[str]:
        """The names whose `.grad` was read, or is wanted, and that no call gave a gradient."""
        asked = dict(self._missing)
        for name in wanted:
            if isinstance(tensor := self._names.get(name), torch.Tensor):
                asked.setdefault(name, self._serials.of(tensor))
        return [name for name, serial in asked.items() if serial not in self._reached]

    # One call of torch

    def __torch_function__(
        self, func: Any, types_: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run the call in the rehearsal's precision, nudged and held where the order says."""
        kwargs = dict(kwargs or {})
        if self._over:
            return func(*args, **kwargs)
        func, args, kwargs = self._precision.call(func, args, kwargs)
        name = operation(func)
        if name is None or self._busy:
            return func(*args, **kwargs)
        self._event += 1
        caller = sys._getframe(1)
        frame = askers_frame(caller)
        line = frame.f_lineno if frame is not None else 0
        if name in BACKWARD:
            return self._differentiated(func, name, line, args, kwargs)
        if inplace(name):
            return self._changed(func, name, line, args, kwargs, frame)
        last = name.removesuffix(".__get__").rsplit(".", 1)[-1]
        if last in HOOKS:
            args = (args[0], self._watched(args[1], last), *args[2:])
        if last == "retain_grad":
            self._retained.append(self._serials.of(args[0]))
        if last not in ABOUT:
            for tensor in tensors.found_in(args) + tensors.found_in(kwargs):
                self._meet(tensor, frame)
            args, kwargs = self._precision.constants(args, kwargs)
        hold = line in self.held or (last == "data" and frame is not caller)  # torch's own use of `.data` is no cut
        result = self._used(func, last, args, kwargs, frame, hold=hold)
        if name == "Tensor.grad.__get__" and result is None and frame is caller:
            self._went_missing(args[0], frame)
        return result

    def _used(
        self,
        func: Any,
        last: str,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        frame: types.FrameType | None,
        *,
        hold: bool,
    ) -> Any:
        event = self._event
        given = tensors.found_in(args) + tensors.found_in(kwargs)
        versions = [version(tensor) for tensor in given]
        with self._compared.without_nudges() if last in COPIES else contextlib.nullcontext():
            result = func(*args, **kwargs)
        if not given:
            result = self._precision.made(result)
        for place, (tensor, before) in enumerate(zip(given, versions, strict=True)):
            filled = before != version(tensor) or (last in FILL_BUFFERS and place > 0)
            if filled and not tensor.requires_grad:
                self._hold_in_place((event, place), tensor)  # a layer's buffer: autograd takes it for a constant
        leaves_graph = any(tensor.requires_grad for tensor in given) and (last in CUTS or not torch.is_grad_enabled())
        if leaves_graph and isinstance(result, torch.Tensor):
            self._aliases.append((result, event))
        if leaves_graph and hold:
            return self._held_constant(event, result)
        self._notice_births(event, result, frame)
        return result

    def _applied(self, cls: Any, original: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A call of an autograd function of the asker's own, which torch shows to no mode."""
        if self._busy or self._over:
            return original(cls, *args, **kwargs)
        self._event += 1
        event, frame = self._event, askers_frame(sys._getframe(2))
        self._busy = True  # what it does inside is its own business: autograd sees its backward() alone
        try:
            for tensor in tensors.found_in(args):
                self._meet(tensor, frame)
            result = original(cls, *args, **kwargs)
            self._notice_births(event, result, frame)
        finally:
            self._busy = False
        return result

    # Nudging

    def _meet(self, tensor: torch.Tensor, frame: types.FrameType | None) -> None:
        """At a leaf's first use: give it memory of its own, off its base point, nudged if it is its turn."""
        serial = self._serials.of(tensor)
        if serial in self._keys or not (tensor.requires_grad and tensor.is_leaf) or tensor.is_inference():
            return
        key = self._leaves
        self._leaves += 1
        self._keep(key, serial, tensor, frame)
        shifted = tensor.data + self.shift.of(tensor.shape, f"{key}/base")
        tensor.data = shifted.to(self._precision.of(tensor))
        self._compared.put_on(key)

    def _keep(self, key: Any, serial: int, tensor: torch.Tensor, frame: types.FrameType | None) -> None:
        if tensor.is_complex() or tensor.layout is not torch.strided:
            self._give_up("complex and sparse tensors are not compared")
        self._keys[serial] = key
        self._compared.tensors[key] = tensor
        self._compared.labels[key] = self._name_of(tensor, frame)

    def _notice_births(self, event: int, result: Any, frame: types.FrameType | None, *, anew: bool = False) -> None:
        for place, tensor in enumerate(tensors.found_in(result)[:8]):
            if tensor.grad_fn is None:
                continue
            serial, key = self._serials.of(tensor), (event, place)
            if anew or serial not in self._born:
                self._born[serial] = key
            if key in self.births and serial not in self._keys:
                self._keep(key, serial, tensor, frame)
                if key in self._compared.nudged:
                    if not anew or tensor._is_view():  # otherwise its views must follow it
                        tensor.data = tensor.data.clone()
                    self._compared.put_on(key)

    # Changes in place

    def _changed(
        self,
        func: Any,
        name: str,
        line: int,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        frame: types.FrameType | None,
    ) -> Any:
        """Run a call that writes into its first argument."""
        given = tensors.found_in(args) + tensors.found_in(kwargs)
        if not given or name.endswith(("grad.__set__", "requires_grad_", "requires_grad.__set__")):
            return func(*args, **kwargs)
        target, others = given[0], given[1:]
        for tensor in others:
            self._meet(tensor, frame)
        key = self._leaf_behind(target)
        if key is not None and self.calls:
            self._end()  # a step changes the very tensors that were nudged: from here on it is another program
        if key is not None:
            self._compared.take_off(key)
        tracked = any(tensor.requires_grad for tensor in others)
        result = func(*args, **kwargs)
        if key is not None:
            if name.endswith("__set__"):
                target.data = target.data.clone()
            self._compared.put_on(key)
        elif line in self.held and tracked and not torch.is_grad_enabled():
            self._hold_in_place((self._event, 0), target)
        self._notice_births(self._event, target, frame, anew=True)
        return result

    def _leaf_behind(self, tensor: torch.Tensor) -> Any:
        """The key of the leaf whose memory this tensor looks at, be it the leaf itself or what `.data` gave."""
        for alias, event in self._aliases:
            if alias is tensor or alias is tensor._base:
                self.written.add(event)
        if tensor.grad_fn is not None:
            return None
        return self._compared.leaf_in(memory(tensor))

    def _check_unseen_changes(self) -> None:
        """A leaf that was written to where torch does not show it is no longer the one that was nudged."""
        key = self._compared.changed_unseen()
        if key is not None:
            if self.calls:
                self._end()
            self._give_up(f"{self.label(key)} is changed in a way that cannot be followed")

    # Constants

    def _held_constant(self, event: int, result: Any) -> Any:
        self.constants[event] = copied(result)
        if self._base is None or event in self._base.written or event not in self._base.constants:
            return result
        return copied(self._base.constants[event])

    def _hold_in_place(self, key: tuple[int, int], tensor: torch.Tensor) -> None:
        self.constants[key] = copied(tensor)
        constant = None if self._base is None else self._base.constants.get(key)
        if isinstance(constant, torch.Tensor) and constant.shape == tensor.shape:
            tensor.data.copy_(constant)

    # Differentiating

    def _differentiated(self, func: Any, name: str, line: int, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        given = arguments_of(name, args, kwargs)
        outputs, asked = tensors.found_in(given.get("outputs")), tensors.found_in(given.get("inputs"))
        for tensor in outputs + asked:
            self._meet(tensor, None)
        self._check_unseen_changes()
        if any(tensor.is_complex() for tensor in outputs):
            self._give_up("complex and sparse tensors are not compared")
        number = len(self.calls)
        value, weights = weighted(
            outputs, given.get("weights"), None if self._base is None else self._base.calls[number].weights
        )
        self._retained.extend(self._serials.of(tensor) for tensor in asked if not tensor.is_leaf)
        returns = name == "torch.autograd.grad"
        reached = [] if returns else self._below(outputs, asked)
        before = {key: copied(tensor.grad) for key, tensor in reached}
        self._busy = True  # hooks and recomputed parts are no part of the program's own way
        try:
            results = func(*args, **kwargs)
        finally:
            self._busy = False
        if returns:
            gradients = {self._keys.get(self._serials.of(one)): got for one, got in zip(asked, results, strict=False)}
            gradients.pop(None, None)
            if kwargs.get("allow_unused"):
                gradients = {key: got for key, got in gradients.items() if got is not None}
        else:
            gradients = {key: gained(before[key], tensor.grad) for key, tensor in reached}
        self._label_all()
        self._reached |= {
            self._serials.of(self._compared.tensors[key]) for key, got in gradients.items() if got is not None
        }
        plain = {key: None if got is None else dense(got) for key, got in gradients.items()}
        kind = "grad" if returns else "backward"
        self.calls.append(Call(line, kind, value, weights, plain, partial=bool(asked)))
        if len(self.calls) >= self._most:
            self._end()
        return results

    def _below(self, outputs: list[torch.Tensor], asked: list[torch.Tensor]) -> list[tuple[Any, torch.Tensor]]:
        """The kept tensors into whose `.grad` a backward() from here adds."""
        leaves, nodes = tensors.graph_below(outputs, self._serials)
        only = {self._serials.of(tensor) for tensor in asked}
        found = []
        for key, tensor in self._compared.tensors.items():
            serial = self._serials.of(tensor)
            held = tensor.grad_fn is not None and tensor.retains_grad and tensor.grad_fn._sequence_nr() in nodes
            if (serial in leaves or held) and (not only or serial in only):
                found.append((key, tensor))
        return found

    def _watched(self, hook: Any, kind: str) -> Any:
        """A hook that may look at gradients; one that changes them makes them another program's."""

        def watched(*given: Any) -> Any:
            changed = hook(*given)
            if changed is not None or kind != "register_hook":
                self._problem = self._problem or "a hook changes the gradients"
            return changed

        return watched

    def _went_missing(self, tensor: torch.Tensor, frame: types.FrameType | None) -> None:
        name = self._name_of(tensor, frame)
        text = self._lines[frame.f_lineno - 1] if frame is not None and frame.f_lineno <= len(self._lines) else ""
        if self.calls and name and not _ASKS_FOR_NONE.search(text):
            self._missing.setdefault(name, self._serials.of(tensor))

    def _label_all(self) -> None:
        for key, tensor in self._compared.tensors.items():
            self._compared.labels[key] = self._name_of(tensor, None) or self._compared.labels[key]

    def _name_of(self, tensor: torch.Tensor, frame: types.FrameType | None) -> str:
        """What the program calls a tensor: the outermost name, as the innermost may be a lambda's argument."""
        places: list[dict[str, Any]] = []
        while frame is not None and frame.f_locals is not self._names:
            places.append(frame.f_locals)
            frame = askers_frame(frame.f_back) if frame.f_back is not None else None
        for names in (self._names, *reversed(places)):
            for name, value in list(names.items()):
                if value is tensor:
                    return str(name)
        return ""

    def _give_up(self, problem: str) -> None:
        self._problem = problem
        self._end()

    def _end(self) -> None:
        self._over = True  # the program may catch what is raised here
        raise Enough
