"""Memory that is kept back for the report of a program that took all there was.

The address space is reserved and not used: it costs no memory until it is given up, and nobody else has it.
"""

from __future__ import annotations

import mmap
from collections.abc import Callable

#: What building the largest report takes, several times over.
BYTES = 24 << 20


def kept() -> Callable[[], None]:
    """Keep the reserve back, and return what gives it up: a call for which the interpreter itself needs no memory.

    Raise the limit of address space by `BYTES` for it.
    """
    return mmap.mmap(-1, BYTES, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS).close
