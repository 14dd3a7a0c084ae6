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
import sys
import types
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import torch
from inside import tensors
from inside.calls import BACKWARD, SNIPPET, arguments_of, askers_frame, inplace, operation
from inside.compared import COMPLEX, Compared
from inside.differentiation import Call, weighted
from inside.held import Constants
from inside.naming import Naming
from inside.nudging import Nudge, Shift, copied, dense, direction, gained, memory, version
from inside.precision import Precision
from torch.overrides import TorchFunctionMode

MOST_CALLS = 12
#: No tensor is nudged.
STILL = Nudge()
#: Calls that leave the graph: what they return is a constant to autograd.
CUTS = frozenset({"detach", "data", "item", "tolist", "numpy", "__float__", "__array__", "tensor", "as_tensor"})
HOOKS = frozenset({"register_hook", "register_post_accumulate_grad_hook"})
#: Calls that are about a tensor and not a use of its value.
ABOUT = HOOKS | {"requires_grad_", "requires_grad", "grad", "retain_grad"}
#: Calls that make another tensor of the same numbers, to which a nudge must not spread.
COPIES = frozenset({"__deepcopy__", "__reduce_ex__"})
#: Layers that fill their buffers without a trace.
FILL_BUFFERS = frozenset({"batch_norm", "instance_norm"})


class Enough(BaseException):
    """Everything that is compared has happened."""


class Mismatch(Exception):
    """The runs cannot be compared; the message says why."""


class Rehearsal(TorchFunctionMode):
    """One run of the program. The keys of its tensors are those of `Compared`."""

    def __init__(
        self,
        *,
        dtype: torch.dtype,
        held: frozenset[int],
        shift: Shift,
        births: frozenset[tuple[int, int]] = frozenset(),
        base: Rehearsal | None = None,
        nudge: Nudge = STILL,
    ) -> None:
        super().__init__()
        self.dtype = dtype
        self.held = held
        self.shift = shift
        self.births = births
        self.calls: list[Call] = []
        self._base = base
        self._constants: Constants = Constants(base._constants if base is not None else None)
        self._most = len(base.calls) if base is not None else MOST_CALLS
        self._precision = Precision(dtype)
        self._naming = Naming()
        self._compared = Compared(
            nudge, shift=shift, births=births, precision=self._precision, naming=self._naming, give_up=self._give_up
        )
        self._retained: list[int] = []
        self._reached: set[int] = set()
        self._missing: dict[str, int] = {}
        self._event = 0
        self._problem: str | None = None
        self._busy = False
        self._over = False

    def perform(self, code: str, *, seed: int) -> None:
        """Run the program. Raises `Mismatch` when it fails before anything was differentiated."""
        from inside import program

        program.seed(seed)
        self._naming.begin(program.own_module().__dict__, code)
        try:
            with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), self._surroundings():
                warnings.simplefilter("ignore")
                compiled = compile(code, SNIPPET, "exec", dont_inherit=True)
                with self:
                    exec(compiled, self._naming.module)
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
        births = map(self._compared.birth_of, self._retained)
        return frozenset(birth for birth in births if birth is not None)

    def label(self, key: Any) -> str:
        """The asker's name for a tensor, else its number."""
        return self._compared.label(key)

    def direction(self, key: Any, turn: int) -> torch.Tensor:
        """The direction a tensor is nudged along; the same in every run."""
        return direction(self._compared.tensors[key].shape, key, turn).to(self.dtype)

    def never_reached(self, wanted: tuple[str, ...]) -> list[str]:
        """The names whose `.grad` was read, or is wanted, and that no call gave a gradient."""
        asked = dict(self._missing)
        for name in wanted:
            if isinstance(tensor := self._naming.module.get(name), torch.Tensor):
                asked.setdefault(name, self._compared.serials.of(tensor))
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
            self._retained.append(self._compared.serials.of(args[0]))
        if last not in ABOUT:
            self._compared.meet_all(tensors.found_in(args) + tensors.found_in(kwargs), frame)
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
                self._constants.hold_in_place(
                    (event, place), tensor
                )  # a layer's buffer: autograd takes it for a constant
        leaves_graph = any(tensor.requires_grad for tensor in given) and (last in CUTS or not torch.is_grad_enabled())
        if leaves_graph and isinstance(result, torch.Tensor):
            self._constants.left_the_graph(event, result)
        if leaves_graph and hold:
            return self._constants.held(event, result)
        self._compared.notice_births(event, result, frame)
        return result

    def _applied(self, cls: Any, original: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A call of an autograd function of the asker's own, which torch shows to no mode."""
        if self._busy or self._over:
            return original(cls, *args, **kwargs)
        self._event += 1
        event, frame = self._event, askers_frame(sys._getframe(2))
        self._busy = True  # what it does inside is its own business: autograd sees its backward() alone
        try:
            self._compared.meet_all(tensors.found_in(args), frame)
            result = original(cls, *args, **kwargs)
            self._compared.notice_births(event, result, frame)
        finally:
            self._busy = False
        return result

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
        self._compared.meet_all(others, frame)
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
            self._constants.hold_in_place((self._event, 0), target)
        self._compared.notice_births(self._event, target, frame, anew=True)
        return result

    def _leaf_behind(self, tensor: torch.Tensor) -> Any:
        """The key of the leaf whose memory this tensor looks at, be it the leaf itself or what `.data` gave."""
        self._constants.written_into(tensor)
        if not tensors.is_leaf(tensor):
            return None
        return self._compared.leaf_in(memory(tensor))

    def _check_unseen_changes(self) -> None:
        """A leaf that was written to where torch does not show it is no longer the one that was nudged."""
        key = self._compared.changed_unseen()
        if key is not None:
            if self.calls:
                self._end()
            self._give_up(f"{self.label(key)} is changed in a way that cannot be followed")

    # Differentiating

    def _differentiated(self, func: Any, name: str, line: int, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        given = arguments_of(name, args, kwargs)
        outputs, asked = tensors.found_in(given.get("outputs")), tensors.found_in(given.get("inputs"))
        self._compared.meet_all(outputs + asked, None)
        self._check_unseen_changes()
        if any(tensor.is_complex() for tensor in outputs):
            self._give_up(COMPLEX)
        number = len(self.calls)
        value, weights = weighted(
            outputs, given.get("weights"), None if self._base is None else self._base.calls[number].weights
        )
        self._retained.extend(self._compared.serials.of(tensor) for tensor in asked if not tensors.is_leaf(tensor))
        returns = name == "torch.autograd.grad"
        reached = [] if returns else self._compared.below(outputs, asked)
        before = {key: copied(tensor.grad) for key, tensor in reached}
        self._busy = True  # hooks and recomputed parts are no part of the program's own way
        try:
            results = func(*args, **kwargs)
        finally:
            self._busy = False
        if returns:
            gradients = {self._compared.key_of(one): got for one, got in zip(asked, results, strict=False)}
            gradients.pop(None, None)
            if kwargs.get("allow_unused"):
                gradients = {key: got for key, got in gradients.items() if got is not None}
        else:
            gradients = {key: gained(before[key], tensor.grad) for key, tensor in reached}
        self._compared.label_all()
        self._reached |= {
            self._compared.serials.of(self._compared.tensors[key]) for key, got in gradients.items() if got is not None
        }
        plain = {key: None if got is None else dense(got) for key, got in gradients.items()}
        kind = "grad" if returns else "backward"
        self.calls.append(Call(line, kind, value, weights, plain, partial=bool(asked)))
        if len(self.calls) >= self._most:
            self._end()
        return results

    def _watched(self, hook: Any, kind: str) -> Any:
        """A hook that may look at gradients; one that changes them makes them another program's."""

        def watched(*given: Any) -> Any:
            changed = hook(*given)
            if changed is not None or kind != "register_hook":
                self._problem = self._problem or "a hook changes the gradients"
            return changed

        return watched

    def _went_missing(self, tensor: torch.Tensor, frame: types.FrameType | None) -> None:
        name = self._naming.of(tensor, frame)
        if self.calls and name and self._naming.wants_gradient(frame):
            self._missing.setdefault(name, self._compared.serials.of(tensor))

    def _give_up(self, problem: str) -> NoReturn:
        self._problem = problem
        self._end()

    def _end(self) -> NoReturn:
        self._over = True  # the program may catch what is raised here
        raise Enough
