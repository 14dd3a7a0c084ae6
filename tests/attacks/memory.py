"""A snippet that searches its own process's memory for a text, without holding the text itself."""

from __future__ import annotations

import secrets

#: Writing from an address to a pipe fails with EFAULT where nothing is mapped, so nothing crashes.
#: Every byte that is read is moved on by one, and the text so moved is looked for. The searcher never holds
#: the text itself, and a freed buffer of its own that it meets is moved on twice, which matches nothing.
SEARCH = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
libc.malloc.restype = ctypes.c_void_p
reading, writing = os.pipe()
moved = MOVED
onward = bytes((byte + 1) % 256 for byte in range(256))
fresh = [object(), b"b" * 400, b"b" * 5000]
places = [id(one) for one in fresh] + [libc.malloc(64), libc.malloc(5000), libc.malloc(70000)]
candidates = sorted({page for place in places for page in range(place // 4096 - 16384, place // 4096 + 16384)})
pages = hits = 0
for page in candidates:
    if libc.write(writing, ctypes.c_void_p(page * 4096), 4096) == 4096:
        pages += 1
        hits += os.read(reading, 4096).translate(onward).count(moved)
print(pages, hits)
"""


def secret() -> str:
    """A text that occurs nowhere by chance."""
    return secrets.token_hex(16)


def looking_for(text: str) -> str:
    """The snippet that prints how many pages it read and how often it found `text`."""
    return SEARCH.replace("MOVED", repr(bytes(byte + 1 for byte in text.encode())))
