"""Which errors speak of the sandbox and not of the program: what it asked for is not there.

Decided by what failed: the kind of the exception, the kernel's number, and the modules that the call went through. A
message is looked at only where it was not the program's own `raise` that made it.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.sandbox import fields

MOST = 12
_NO_MEMORY = re.compile(
    r"can't allocate memory|not enough memory|out of memory|without (?:setting an )?exception", re.I
)
_NO_GPU = re.compile(
    r"Torch not compiled with CUDA|No CUDA GPUs|Found no NVIDIA|CUDA (?:driver|error)|not linked with support for mps"
    r"|arguments from the '(?:CUDA|MPS|XPU|HPU|XLA|MTIA)' backend"
)
_NO_MODULE = re.compile(r"No module named '(?P<name>[\w.]+)'")
_SEVERAL_PROCESSES = re.compile(r"torch\.distributed|_c10d|Distributed package|process group")
_SHARED_MEMORY = re.compile(r"shared memory object|torch_shm_manager")
_NETWORK = ("urllib", "http", "socket", "ssl", "requests", "torch.hub")
_WORKERS = ("multiprocessing", "torch.multiprocessing", "concurrent.futures.process")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Failure:
    """What failed under an error that a program did not raise itself."""

    kinds: tuple[str, ...]  #: the exception's class and its bases: "builtins.OSError"
    number: int | None  #: the kernel's
    within: tuple[str, ...]  #: modules that the asker's call went through, the innermost last
    said: str

    def is_a(self, *kinds: str) -> bool:
        """Whether the exception is of one of these classes."""
        return not set(kinds).isdisjoint(self.kinds)

    def through(self, *modules: str) -> bool:
        """Whether the call went through one of these modules or packages."""
        return any(name == module or name.startswith(f"{module}.") for name in self.within for module in modules)


def asked_for_memory(error: Mapping[str, Any]) -> bool:
    """Whether this error of a claim says that there was no memory left."""
    failed = _failed(error)
    if failed is None:
        return False
    spoken = failed.is_a("builtins.RuntimeError", "builtins.SystemError") and _NO_MEMORY.search(failed.said)
    return failed.is_a("builtins.MemoryError") or failed.number == errno.ENOMEM or bool(spoken)


def lacking(error: Mapping[str, Any]) -> str | None:
    """What the program asked for that the sandbox does not offer; None when the error is the program's own."""
    failed = _failed(error)
    if failed is None:
        return None
    module = _NO_MODULE.search(failed.said) if failed.is_a("builtins.ModuleNotFoundError") else None
    if module is not None:
        return f"it needs the module {module['name']}, which the sandbox does not have"
    if _NO_GPU.search(failed.said):
        return "it needs a GPU"
    return _processes(failed) or _network(failed) or _compiler(failed) or _system(failed)


def _processes(failed: _Failure) -> str | None:
    system = failed.is_a("builtins.OSError")
    if (system and failed.through(*_WORKERS)) or _SHARED_MEMORY.search(failed.said):
        return "it uses worker processes, which are not available in the sandbox"
    if failed.through("torch.distributed", "torch.nn.parallel.distributed") or _SEVERAL_PROCESSES.search(failed.said):
        return "it runs in several processes"
    if "can't start new thread" in failed.said:
        return "it starts more threads than it may"
    return "it starts processes" if system and failed.through("subprocess") else None


def _network(failed: _Failure) -> str | None:
    online = failed.is_a("urllib.error.URLError", "builtins.ConnectionError", "socket.gaierror")
    called = failed.through(*_NETWORK) and not failed.through("asyncio")  # which has sockets for itself
    system = failed.is_a("builtins.OSError") or "internet connection" in failed.said
    return "it needs the network" if online or (called and system) else None


def _compiler(failed: _Failure) -> str | None:
    if failed.through("torch.utils.cpp_extension"):
        return "it compiles C++, and the sandbox has no compiler"
    compiles = failed.is_a("torch._dynamo.exc.BackendCompilerFailed") or failed.through("torch._inductor")
    return "torch.compile needs a compiler" if compiles or "No working C++ compiler" in failed.said else None


def _system(failed: _Failure) -> str | None:
    if failed.is_a("builtins.FileNotFoundError"):
        return "it reads a file that the post does not bring"
    forbidden = failed.is_a("builtins.OSError") and failed.number in (errno.EPERM, errno.EAGAIN)
    return "it starts processes or uses the network" if forbidden else None


def _failed(error: Mapping[str, Any]) -> _Failure | None:
    """The failure that a claim's error tells of; None where the program raised of its own accord."""
    row = error.get("ground")
    if not isinstance(row, Mapping):
        return None
    return _Failure(
        kinds=fields.names(row.get("kinds"), most=MOST),
        number=fields.whole(row.get("errno")),
        within=fields.names(row.get("within"), most=MOST),
        said=fields.text(row.get("said"), 2000) or "",
    )
