"""Which errors speak of the sandbox and not of the program: what it asked for is not there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from bot.sandbox import fields

_UNSUPPORTED = (
    (r"Torch not compiled with CUDA|No CUDA GPUs|Found no NVIDIA|CUDA (?:driver|error)", "it needs a GPU"),
    (r"No module named '(?P<name>[\w.]+)'", "it needs the module {name}, which the sandbox does not have"),
    (r"(?:BlockingIOError|PermissionError|OSError).*(?:fork|Operation not permitted|Resource temporarily)", "it starts processes or uses the network"),
    (r"torch\.distributed|_c10d|_get_default_group|Distributed package|process group", "it runs in several processes"),
    (r"DataLoader worker|can't start new (?:thread|process)|torch_shm_manager", "it starts processes"),
    (r"URLError|ConnectionError|Temporary failure in name resolution|HTTPError", "it needs the network"),
    (r"InvalidCxxCompiler|No working C\+\+ compiler|torch\._inductor|BackendCompilerFailed", "torch.compile needs a compiler"),
    (r"FileNotFoundError.*", "it reads a file that the post does not bring"),
)  # fmt: skip
_NO_MEMORY = re.compile(r"can't allocate memory|not enough memory|Cannot allocate memory|out of memory", re.IGNORECASE)


def asked_for_memory(error: Mapping[str, Any]) -> bool:
    """Whether this error of a claim says that there was no memory left."""
    return error.get("type") == "MemoryError" or _NO_MEMORY.search(_said(error)) is not None


def lacking(error: Mapping[str, Any]) -> str | None:
    """What the program asked for that the sandbox does not offer; None when the error is the program's own."""
    for pattern, reason in _UNSUPPORTED:
        found = re.search(pattern, _said(error))
        if found:
            return reason.format(**found.groupdict())
    return None


def _said(error: Mapping[str, Any]) -> str:
    return f"{fields.text(error.get('type'), 200) or 'Exception'}: {fields.text(error.get('message'), 8000) or ''}"
