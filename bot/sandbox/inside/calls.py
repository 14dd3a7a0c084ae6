"""What torch's calls are called, whose they are, and how the calls that differentiate are made."""

from __future__ import annotations

from functools import cache
from types import FrameType
from typing import Any

import torch
from inside import tensors

#: The file name the snippet is compiled under: its frames are the asker's.
SNIPPET = "<snippet>"
#: Attribute reads and writes worth an event; the others (shape, device, ...) change and reveal nothing.
ATTRIBUTES = frozenset({"grad", "T", "mT", "H", "mH", "data", "real", "imag", "requires_grad"})
#: Calls that only ask about a tensor.
QUESTIONS = frozenset({
    "size", "dim", "numel", "stride", "is_floating_point", "is_complex", "__len__", "__repr__", "__format__",
    "__hash__", "_set_grad_enabled", "_record_function_enter_new", "is_contiguous", "data_ptr", "element_size",
    "__bool__", "is_same_size", "storage_offset", "get_device", "__iter__", "dtype", "get_default_dtype",
    "_has_compatible_shallow_copy_type", "is_inference", "is_signed", "nelement", "ndimension", "type",
})  # fmt: skip
#: The calls that differentiate.
BACKWARD = frozenset({"Tensor.backward", "torch.autograd.backward", "torch.autograd.grad"})
#: What their arguments are, in order: what is differentiated, by what it is weighted, ...
_ORDERS = {
    "Tensor.backward": ("outputs", "weights", "retain_graph", "create_graph", "inputs"),
    "torch.autograd.backward": ("outputs", "weights", "retain_graph", "create_graph", "_old", "inputs"),
    "torch.autograd.grad": ("outputs", "inputs", "weights", "retain_graph", "create_graph"),
}
#: What the arguments of the three backward calls are called, and what they are called here.
WORDS = {
    "tensors": "outputs",
    "outputs": "outputs",
    "self": "outputs",
    "gradient": "weights",
    "grad_tensors": "weights",
    "grad_outputs": "weights",
}


def arguments_of(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments of one of the three calls that differentiate, by what they are called here."""
    given = dict(zip(_ORDERS[name], args, strict=False))
    given.update({WORDS.get(key, key): value for key, value in kwargs.items()})
    return given


def roots_of(args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[torch.Tensor]:
    """What a differentiation starts from."""
    given = args[0] if args else next((kwargs[name] for name in ("outputs", "tensors") if name in kwargs), None)
    return tensors.found_in(given)


@cache
def described(func: Any) -> tuple[str | None, bool]:
    """The call's name, and whether it reads or writes an attribute: torch's own code does so all the time."""
    name = operation(func)
    return name, name is not None and name.endswith(("__get__", "__set__"))


def operation(func: Any) -> str | None:
    """A readable name of a torch call, or None for one that is not worth recording."""
    name = getattr(func, "__name__", "")
    if name in QUESTIONS:
        return None
    owner = getattr(func, "__self__", None)
    if name in ("__get__", "__set__", "__delete__"):
        attribute = getattr(owner, "__name__", "")
        if attribute not in ATTRIBUTES or (attribute == "requires_grad" and name == "__get__"):
            return None
        return f"Tensor.{attribute}.{name}"
    qualified = getattr(func, "__qualname__", name)
    match qualified.split(".")[0]:
        case "TensorBase" | "_TensorBase" | "Tensor":
            return f"Tensor.{name}"
        case "_VariableFunctionsClass":
            return f"torch.{name}"
    module = getattr(func, "__module__", None) or "torch"
    if "profiler" in module or "pybind11" in qualified:
        return None
    return f"{module}.{name}".replace("torch._C._nn.", "torch.nn.functional.").replace("torch._C.", "torch.")


def inplace(name: str) -> bool:
    """Whether a call changes its first argument."""
    last = name.rsplit(".", 1)[-1]
    return (last.endswith("_") and not last.endswith("__")) or last in ("__setitem__", "__set__")


def askers_frame(frame: FrameType | None) -> FrameType | None:
    """The nearest frame of the snippet's own code."""
    while frame is not None and frame.f_code.co_filename != SNIPPET:
        frame = frame.f_back
    return frame
