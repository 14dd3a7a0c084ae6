"""Compares the gradients a program computes with differences of what it differentiates.

The program runs again and again in one child: once at a base point, then with one tensor nudged by ±ε
along a fixed direction. For each backward() or autograd.grad() call, L is the sum of weight × output;
(L(+ε) − L(−ε)) / 2ε must equal the call's gradient · direction. Nothing is decided here: the numbers go
out, and `bot/verify.py` compares them.

Traps met in trials, and what is done about them:
- at a kink (relu at 0) a central difference is wrong: the base point is moved by a fixed random 1e-3;
- a leaf may share its storage: it is nudged by new storage (`t.data = t.data + εd`), never in place;
- float32 loses the difference: the program runs in float64, and in float32 only where it cannot;
- a cut (detach, no_grad, item) is a constant to autograd: at the lines the order names, its value is held.
"""

from __future__ import annotations

import contextlib
import io
import random
import sys
import types
import warnings
from typing import Any

import numpy
import torch
from inside import tensors
from inside.tape import BACKWARD, SNIPPET, WORDS, askers_frame, inplace, operation
from torch.overrides import TorchFunctionMode

SHIFT = 1e-3
MOST_TENSORS = 8
MOST_CALLS = 12
#: Calls that leave the graph: what they return is a constant to autograd.
CUTS = frozenset({"detach", "data", "item", "tolist", "numpy", "__float__", "__array__", "tensor", "as_tensor"})
#: Calls that are about a tensor and not a use of its value.
ABOUT = frozenset(
    {"requires_grad_", "requires_grad", "grad", "retain_grad", "register_hook", "zero_", "data", "detach"}
)


class Enough(BaseException):
    """Everything that is compared has happened."""


def compare(code: str, order: dict[str, Any], *, seed: int) -> dict[str, Any]:
    """Run `code` as the order says; returns {dtype, epsilon, calls, problem}."""
    epsilon = float(order.get("epsilon", 1e-6))
    first = _compare_in(code, order, seed=seed, dtype=torch.float64, epsilon=epsilon)
    if first["problem"] is None or "dtype" not in first["problem"]:
        return first
    return _compare_in(code, order, seed=seed, dtype=torch.float32, epsilon=1e-2)


def _compare_in(code: str, order: dict[str, Any], *, seed: int, dtype: torch.dtype, epsilon: float) -> dict[str, Any]:
    report: dict[str, Any] = {
        "dtype": str(dtype).removeprefix("torch."), "epsilon": epsilon, "calls": [], "problem": None,
    }  # fmt: skip
    held = frozenset(order.get("held_lines", ()))
    try:
        scout = Rehearsal(dtype=dtype, held=held)
        scout.perform(code, seed=seed)
        base = Rehearsal(dtype=dtype, held=held, births=scout.wanted_births())
        base.perform(code, seed=seed)
        if not base.calls:
            report["problem"] = "no backward() or autograd.grad() call was reached"
            return report
        slopes = _slopes(code, base, order, seed=seed, epsilon=epsilon)
    except Mismatch as problem:
        report["problem"] = str(problem)
        return report
    for number, call in enumerate(base.calls):
        for key, gradient in call.gradients.items():
            report["calls"].append({
                "line": call.line,
                "kind": call.kind,
                "tensor": base.label(key),
                "leaf": not isinstance(key, tuple),
                "missing": gradient is None,
                "analytic": [] if gradient is None else [
                    float((gradient * base.direction(key, turn)).sum()) for turn in range(order.get("directions", 2))
                ],
                "numeric": slopes.get((number, key), []),
            })  # fmt: skip
    for name in base.missing:
        report["calls"].append({
            "line": 0, "kind": "backward", "tensor": name, "leaf": True, "missing": True, "analytic": [], "numeric": [],
        })  # fmt: skip
    return report


def _slopes(
    code: str, base: Rehearsal, order: dict[str, Any], *, seed: int, epsilon: float
) -> dict[tuple[int, Any], list[float]]:
    keys = list(dict.fromkeys(key for call in base.calls for key in call.gradients))[:MOST_TENSORS]
    slopes: dict[tuple[int, Any], list[float]] = {}
    for key in keys:
        for turn in range(order.get("directions", 2)):
            high, low = (
                Rehearsal(
                    dtype=base.dtype, held=base.held, births=base.births, constants=base.constants,
                    nudge=(key, turn, sign * epsilon), most=len(base.calls),
                )
                for sign in (1, -1)
            )  # fmt: skip
            high.perform(code, seed=seed)
            low.perform(code, seed=seed)
            if not len(high.calls) == len(low.calls) == len(base.calls):
                raise Mismatch("the program took another way when its numbers were nudged")
            for number, (up, down) in enumerate(zip(high.calls, low.calls, strict=True)):
                slopes.setdefault((number, key), []).append((up.value - down.value) / (2 * epsilon))
    return slopes


class Mismatch(Exception):
    """The runs cannot be compared; the message says why."""


class Call:
    """One differentiation: what was differentiated, and what each wanted tensor got from it."""

    def __init__(self, line: int, kind: str, value: float, gradients: dict[Any, torch.Tensor | None]) -> None:
        self.line = line
        self.kind = kind
        self.value = value
        self.gradients = gradients


class Rehearsal(TorchFunctionMode):
    """One run of the program with at most one tensor nudged.

    A leaf's key is its number in the order of first use; an intermediate's is its birth, (event, output):
    both are the same in every run of a program that takes the same way.
    """

    def __init__(
        self,
        *,
        dtype: torch.dtype,
        held: frozenset[int],
        births: dict[tuple[int, int], str] | None = None,
        constants: dict[int, Any] | None = None,
        nudge: tuple[Any, int, float] | None = None,
        most: int = MOST_CALLS,
    ) -> None:
        super().__init__()
        self.dtype = dtype
        self.held = held
        self.births = births or {}
        self.constants: dict[int, Any] = {}
        self.calls: list[Call] = []
        self.missing: list[str] = []
        self._given = constants
        self._nudge = nudge
        self._most = most
        self._serials = tensors.Serials()
        self._keys: dict[int, Any] = {}
        self._labels: dict[Any, str] = {}
        self._shapes: dict[Any, torch.Size] = {}
        self._born: dict[int, tuple[int, int]] = {}
        self._kept: list[torch.Tensor] = []
        self._retained: list[int] = []
        self._event = 0
        self._leaves = 0
        self._names: dict[str, Any] = {}
        self._busy = False

    def perform(self, code: str, *, seed: int) -> None:
        """Run the program. Raises `Mismatch` when it fails before anything was differentiated."""
        from inside import program

        program.seed(seed)
        self._names = program.own_module().__dict__
        before = torch.get_default_dtype()
        torch.set_default_dtype(self.dtype)
        try:
            with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
                warnings.simplefilter("ignore")
                compiled = compile(code, SNIPPET, "exec", dont_inherit=True)
                with self:
                    exec(compiled, self._names)
        except (Enough, SystemExit):
            pass
        except BaseException as error:  # strangers' code may raise anything
            if not self.calls:
                raise Mismatch(f"{type(error).__name__}: {error}"[:300]) from None
        finally:
            torch.set_default_dtype(before)
            torch.set_grad_enabled(True)

    def wanted_births(self) -> dict[tuple[int, int], str]:
        """The intermediates whose gradient is asked for, by their birth."""
        wanted: dict[tuple[int, int], str] = {}
        for serial in self._retained:
            if serial in self._born:
                wanted[self._born[serial]] = ""
        return wanted

    def label(self, key: Any) -> str:
        """The asker's name for a tensor."""
        return self._labels.get(key) or f"#{len(self._labels)}"

    def direction(self, key: Any, turn: int) -> torch.Tensor:
        """The direction a tensor is nudged along; the same in every run."""
        return _random(self._shapes[key], f"{key}/{turn}").to(self.dtype)

    def __torch_function__(
        self, func: Any, types_: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run the call in the rehearsal's precision, nudged and held where the order says."""
        kwargs = dict(kwargs or {})
        name = operation(func)
        if name is None or self._busy:
            return func(*args, **kwargs)
        if kwargs.get("dtype") is torch.float32:
            kwargs["dtype"] = self.dtype
        self._event += 1
        event = self._event
        frame = askers_frame(sys._getframe(1))
        line = frame.f_lineno if frame is not None else 0
        last = name.removesuffix(".__get__").removesuffix(".__set__").rsplit(".", 1)[-1]
        if name in BACKWARD:
            return self._differentiated(func, name, line, args, kwargs)
        given = tensors.found_in(args) + tensors.found_in(kwargs)
        self._stop_at_update(name, given)
        if torch.is_grad_enabled() and not inplace(name) and last not in ABOUT:
            for tensor in given:
                self._meet(tensor, frame)
        result = func(*args, **kwargs)
        if last == "float" and isinstance(result, torch.Tensor):
            result = result.to(self.dtype)
        if last in ("retain_grad",):
            self._retained.append(self._serials.of(given[0]))
        if name == "Tensor.grad.__get__" and result is None and self.calls and frame is sys._getframe(1):
            self._went_missing(given[0], frame)
        leaves_graph = any(tensor.requires_grad for tensor in given) and (last in CUTS or not torch.is_grad_enabled())
        if line in self.held and leaves_graph and not inplace(name):
            result = self._held_constant(event, result)
        if result is not None and not inplace(name):
            self._notice_births(event, result, frame)
        return result

    def _meet(self, tensor: torch.Tensor, frame: types.FrameType | None) -> None:
        """At a leaf's first use: move it off its base point, and nudge it if it is its turn."""
        serial = self._serials.of(tensor)
        if serial in self._keys or not (tensor.requires_grad and tensor.is_leaf) or tensor.is_inference():
            return
        key = self._leaves
        self._leaves += 1
        self._kept.append(tensor)
        self._keys[serial] = key
        self._shapes[key] = tensor.shape
        self._labels[key] = self._name_of(tensor, frame) or f"#{key + 1}"
        moved = tensor.data + SHIFT * _random(tensor.shape, f"{key}/base").to(tensor.dtype)
        tensor.data = self._nudged(key, moved)

    def _notice_births(self, event: int, result: Any, frame: types.FrameType | None) -> None:
        for place, tensor in enumerate(tensors.found_in(result)[:8]):
            if tensor.grad_fn is None:
                continue
            serial = self._serials.of(tensor)
            self._born.setdefault(serial, (event, place))
            key = (event, place)
            if key in self.births and serial not in self._keys:
                self._keys[serial] = key
                self._kept.append(tensor)
                self._shapes[key] = tensor.shape
                self._labels[key] = self._name_of(tensor, frame)
                if self._nudge is not None and self._nudge[0] == key:
                    tensor.data = self._nudged(key, tensor.data)

    def _nudged(self, key: Any, value: torch.Tensor) -> torch.Tensor:
        if self._nudge is None or self._nudge[0] != key:
            return value.clone()
        _, turn, step = self._nudge
        return value + step * _random(value.shape, f"{key}/{turn}").to(value.dtype)

    def _differentiated(self, func: Any, name: str, line: int, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        places = {
            "Tensor.backward": ("outputs", "weights"),
            "torch.autograd.backward": ("outputs", "weights"),
            "torch.autograd.grad": ("outputs", "inputs", "weights"),
        }[name]
        given = dict(zip(places, args, strict=False)) | {WORDS.get(key, key): kwargs[key] for key in kwargs}
        outputs = tensors.found_in(given.get("outputs"))
        asked = tensors.found_in(given.get("inputs")) if name == "torch.autograd.grad" else []
        for tensor in outputs + asked:
            self._meet(tensor, None)
        value = _weighted_sum(outputs, given.get("weights"))
        if name == "torch.autograd.grad":
            self._retained.extend(self._serials.of(tensor) for tensor in asked if not tensor.is_leaf)
            results = func(*args, **kwargs)
            gradients = {
                self._keys[self._serials.of(tensor)]: gradient
                for tensor, gradient in zip(asked, results, strict=False)
                if self._serials.of(tensor) in self._keys
            }
            kind = "grad"
        else:
            leaves, _ = tensors.graph_below(outputs, self._serials)
            reached = [tensor for tensor in self._kept if self._serials.of(tensor) in leaves or not tensor.is_leaf]
            before = {id(tensor): _copied(tensor.grad) for tensor in reached if tensors.grad_held(tensor) == "set"}
            results = func(*args, **kwargs)
            gradients = {
                self._keys[self._serials.of(tensor)]: _gained(before.get(id(tensor)), tensor.grad)
                for tensor in reached
                if tensors.grad_held(tensor) != "hidden"
            }
            kind = "backward"
        for tensor in self._kept:
            key = self._keys[self._serials.of(tensor)]
            self._labels[key] = self._name_of(tensor, None) or self._labels[key]
        detached = {key: None if got is None else got.detach() for key, got in gradients.items()}
        self.calls.append(Call(line, kind, value, detached))
        if len(self.calls) >= self._most:
            raise Enough
        return results

    def _stop_at_update(self, name: str, given: list[torch.Tensor]) -> None:
        """A step changes the very tensors that were nudged: what follows is another program's gradient."""
        changes = inplace(name) and not name.endswith(("grad.__set__", "requires_grad_", "requires_grad.__set__"))
        if changes and self.calls and given and self._serials.of(given[0]) in self._keys and given[0].is_leaf:
            raise Enough

    def _held_constant(self, event: int, result: Any) -> Any:
        value = result.detach().clone() if isinstance(result, torch.Tensor) else result
        value = value.copy() if isinstance(value, numpy.ndarray) else value
        self.constants[event] = value
        if self._given is None or event not in self._given:
            return result
        constant = self._given[event]
        return constant.clone() if isinstance(constant, torch.Tensor) else constant

    def _went_missing(self, tensor: torch.Tensor, frame: types.FrameType | None) -> None:
        name = self._name_of(tensor, frame)
        if name and name not in self.missing:
            self.missing.append(name)

    def _name_of(self, tensor: torch.Tensor, frame: types.FrameType | None) -> str:
        for names in (self._names, frame.f_locals if frame is not None else {}):
            for name, value in names.items():
                if value is tensor:
                    return str(name)
        return ""


def _weighted_sum(outputs: list[torch.Tensor], weights: Any) -> float:
    given = tensors.found_in(weights)
    if not given:
        return float(sum(output.detach().sum() for output in outputs))
    return float(sum((output.detach() * weight.detach()).sum() for output, weight in zip(outputs, given, strict=False)))


def _gained(before: torch.Tensor | None, after: torch.Tensor | None) -> torch.Tensor | None:
    if after is None:
        return None
    return after.detach().clone() if before is None else after.detach() - before


def _copied(gradient: torch.Tensor | None) -> torch.Tensor | None:
    return None if gradient is None else gradient.detach().clone()


def _random(shape: torch.Size, key: str) -> torch.Tensor:
    """Fixed numbers for a key, from a generator of their own: the program's seeds are not touched."""
    generator = random.Random(key)
    count = 1
    for size in shape:
        count *= size
    return torch.tensor([generator.uniform(-1, 1) for _ in range(count)], dtype=torch.float64).reshape(shape)
