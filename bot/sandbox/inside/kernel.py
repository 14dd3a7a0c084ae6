"""The few kernel calls that Python 3.11 has no function for."""

from __future__ import annotations

import ctypes
import os
import resource
from pathlib import Path

CLONE_NEWNS = 0x00020000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000

MS_RDONLY = 1
MS_NOSUID = 2
MS_NODEV = 4
MS_NOEXEC = 8

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_SECCOMP = 22
PR_CAPBSET_READ = 23
PR_CAPBSET_DROP = 24
PR_SET_NO_NEW_PRIVS = 38
PR_GET_NO_NEW_PRIVS = 39
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_CLEAR_ALL = 4
SECCOMP_MODE_FILTER = 2
SECCOMP_SET_MODE_FILTER = 1
SECCOMP_FILTER_FLAG_NEW_LISTENER = 8
SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV = 32
SYS_SECCOMP = 317  # on x86_64, the one architecture that gets as far as here
CAPABILITY_VERSION = 0x20080522
MADV_COLLAPSE = 25
M_ARENA_MAX = -8
HUGE_PAGE = 2 << 20

_libc = ctypes.CDLL(None, use_errno=True)
_libc_under_gil = ctypes.PyDLL(None, use_errno=True)
_libc.mount.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_char_p]
_libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
_libc.prctl.argtypes = [ctypes.c_int, *[ctypes.c_ulong] * 4]


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("rows", ctypes.c_void_p))


class _CapabilityHeader(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


_CapabilitySets = ctypes.c_uint32 * 6


def fork() -> int:
    """What `os.fork` returns, without what modules have Python do in each child (threading, logging, matplotlib's fonts).

    For a process of one thread, which left its locks open and no font. It spares each child 0.7 MiB of copies.
    """
    return _checked(_libc_under_gil.fork(), "fork")


def unshare(flags: int) -> None:
    """Leave the namespaces named by `flags` for new ones."""
    _checked(_libc.unshare(flags), "unshare")


def enter_pid_namespace(file: int) -> None:
    """Make the next children in this namespace again."""
    _checked(_libc.setns(file, CLONE_NEWPID), "setns")


def be_one_user(user: int, group: int) -> None:
    """In a new user namespace, map the one user and group that we were; every other id is nobody's."""
    for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        write(f"/proc/self/{name}", text)


def write(path: str, text: str) -> None:
    """Write a file of the kernel's. Plainer than pathlib: every page that a child touches is copied for it."""
    file = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(file, text.encode("ascii"))
    finally:
        os.close(file)


def mount_tmpfs(target: str, *, flags: int, options: str) -> None:
    """Put a new tmpfs over `target`."""
    _checked(_libc.mount(b"tmpfs", target.encode(), b"tmpfs", flags, options.encode()), f"mount {target}")


def prctl(option: int, first: int = 0, second: int = 0) -> int:
    """Call prctl; raises OSError when it fails."""
    return _checked(_libc.prctl(option, first, second, 0, 0), f"prctl {option}")


def drop_capabilities() -> None:
    """Give up every capability for good, and look that none is left."""
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)
    for capability in range(64):
        if _libc.prctl(PR_CAPBSET_READ, capability, 0, 0, 0) != 1:
            break
        prctl(PR_CAPBSET_DROP, capability)
    header = _CapabilityHeader(CAPABILITY_VERSION, 0)
    sets = _CapabilitySets()
    _checked(_libc.capset(ctypes.byref(header), sets), "capset")
    _checked(_libc.capget(ctypes.byref(header), sets), "capget")
    if any(sets):
        raise OSError(f"capabilities left: {list(sets)}")


def load_seccomp(program: bytes) -> None:
    """Put the calling process under a filter, and look that it holds."""
    table, _rows = _table(program)
    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.addressof(table))
    # unshare(0) does nothing and always succeeds, but for the filter.
    if _libc.unshare(0) == 0:
        raise OSError("the seccomp filter is not in force")


def listen_for(program: bytes) -> int:
    """Put the calling process under a filter that asks; a descriptor on which its questions arrive.

    No signal but a kill calls it away from a question that was heard. Raises OSError before Linux 5.19, which has no
    such wait; so every kernel that takes the filter also knows the answer "go on" (5.5).
    """
    table, _rows = _table(program)
    flags = SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
    arguments = (ctypes.c_long(SECCOMP_SET_MODE_FILTER), ctypes.c_long(flags), ctypes.byref(table))
    return _checked(_libc.syscall(ctypes.c_long(SYS_SECCOMP), *arguments), "seccomp")


def _table(program: bytes) -> tuple[_Program, object]:
    """A filter program as the kernel takes it, and the memory it lies in, to be kept as long."""
    rows = ctypes.create_string_buffer(program, len(program))
    return _Program(len(program) // 8, ctypes.addressof(rows)), rows


def one_heap() -> None:
    """Have threads to come take memory from the one heap: another would reserve 64 MiB of a run's address space."""
    _libc.mallopt(M_ARENA_MAX, 1)


def scattered_memory() -> list[int]:
    """Where this process's own memory could lie in huge pages: the address of each, for `collapse`."""
    found: list[int] = []
    for line in Path("/proc/self/maps").read_text(encoding="utf-8").splitlines():
        row = line.split(maxsplit=5)
        name = row[5].strip() if len(row) > 5 else ""
        if row[1] == "rw-p" and name in ("", "[heap]"):
            start, end = (int(part, 16) for part in row[0].split("-"))
            found += range(-(-start // HUGE_PAGE) * HUGE_PAGE, end // HUGE_PAGE * HUGE_PAGE, HUGE_PAGE)
    return found


def collapse(start: int) -> None:
    """Let the kernel keep the memory from `start` on in one huge page, if it can.

    A fork copies the table of all pages, and an exit tears it down: with few large pages both are quick.
    A kernel that does not know the call (before 6.1) leaves everything as it is.
    """
    _libc.madvise(start, HUGE_PAGE, MADV_COLLAPSE)


def limit(what: int, soft: int, hard: int | None = None) -> None:
    """Lower a resource limit for good."""
    resource.setrlimit(what, (soft, soft if hard is None else hard))


def address_space() -> int:
    """Bytes of address space that this process has mapped."""
    return int(Path("/proc/self/statm").read_bytes().split()[0]) * resource.getpagesize()


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result
